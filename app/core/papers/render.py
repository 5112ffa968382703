"""What papers are made of before they are laid out: fonts, pictures, what the PDF says about itself."""

from __future__ import annotations

import base64
import io
import warnings
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
