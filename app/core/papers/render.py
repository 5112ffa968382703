"""HTML to PDF: the one place where a paper becomes bytes.

Nothing but our own font files (by exact name) and ``data:`` URIs can be read while a paper is laid out: every other
address, local or remote, stops the rendering. The same input gives the same bytes.
"""

from __future__ import annotations

import base64
import gc
import hashlib
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from flask_babel import lazy_gettext as _l
from PIL import Image

from app.core.records.identifiers import InvalidValue

LANGUAGES = ("zh", "en", "both")
MAX_HTML = 2_000_000
"""Characters of HTML one paper may have; more is a runaway table, not a form."""

FONT_DIR = Path(__file__).resolve().parents[2] / "static" / "fonts"
# One file per family and weight: two faces that share both give silently wrong glyphs.
FONTS = {
    ("Doc Sans", 400): "doc-sans-400.ttf",
    ("Doc Sans", 700): "doc-sans-700.ttf",
    ("Doc Sans Ext", 400): "doc-sans-ext-400.ttf",
    ("Doc Sans Ext", 700): "doc-sans-ext-700.ttf",
}
FONT_URLS = {f"font:{name}": FONT_DIR / name for name in FONTS.values()}


class PaperError(Exception):
    """A paper that cannot be printed as asked: a forbidden resource, a value that is not plain, an unknown choice."""


@dataclass(frozen=True, kw_only=True)
class PaperMeta:
    """What the PDF says about itself: window title, document number, issuer and date of issue."""

    title: str
    number: str = ""
    author: str = ""
    issued_on: date | None = None


def render_pdf(html: str, stylesheets: Sequence[Path | str], *, language: str, meta: PaperMeta) -> bytes:
    """The PDF of ``html`` under ``stylesheets`` (a path, or CSS text), laid out after each other in this process.

    ``language`` is ``zh``, ``en`` or ``both``. Raises ``PaperError`` when the paper asks for any resource that is
    neither one of our fonts nor a ``data:`` URI, or when it is larger than ``MAX_HTML``.
    """
    if language not in LANGUAGES:
        raise PaperError(f"unknown paper language {language!r}")
    if len(html) > MAX_HTML:
        raise PaperError(f"paper of {len(html)} characters is over the limit of {MAX_HTML}")
    styles = [sheet.read_text(encoding="utf-8") if isinstance(sheet, Path) else sheet for sheet in stylesheets]
    identifier = hashlib.sha256("\0".join([repr(meta), language, html, *styles]).encode()).digest()[:16]
    from app.core.papers.layout import lay_out

    return lay_out(html, styles, language=language, meta=meta, identifier=identifier)


def image_uri(data: bytes, *, box: tuple[int, int] = (900, 360)) -> str:
    """A picture (signature, seal) as a small re-encoded PNG ``data:`` URI that fits ``box`` pixels.

    Only PNG and JPEG up to 25 megapixels are read; anything else raises ``InvalidValue``.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > 25_000_000:
                raise InvalidValue(_l("The picture is too large; up to 25 megapixels are read."))
            small = picture.convert("RGBA" if picture.mode in ("RGBA", "LA", "P") else "RGB")
    except (OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise InvalidValue(_l("This is no readable PNG or JPEG picture.")) from error
    small.thumbnail(box)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def check_printing() -> list[str]:
    """What keeps this machine from printing well, one sentence each; empty when all is there.

    A missing HarfBuzz subsetter costs half the speed and a missing bold face prints regular, both without an error.
    """
    problems = [f"font file {path.name} is missing" for path in FONT_URLS.values() if not path.is_file()]
    from app.core.papers.layout import subsetter_present

    if not subsetter_present():
        problems.append("libharfbuzz-subset is not installed (Debian package libharfbuzz-subset0)")
    return problems


def warm_up() -> None:
    """Load fonts and the parser once at the start of a worker, and take what is loaded out of garbage collection."""
    render_pdf("<p lang=zh-CN>暖 warm <b>热</b>", [], language="both", meta=PaperMeta(title="warm-up"))
    gc.collect()
    gc.freeze()
    gc.set_threshold(200_000, 50, 50)
