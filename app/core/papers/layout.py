"""Laying out a paper with WeasyPrint, inside the renderer's process only.

Nothing but our own font files (by exact name) and ``data:`` URIs can be read while a paper is laid out: every other
address, local or remote, stops the rendering. The same input gives the same bytes.
"""

from __future__ import annotations

import functools
import io
import warnings
from collections.abc import Sequence
from typing import Any

from PIL import Image
from weasyprint import CSS, HTML
from weasyprint.text import ffi
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from app.core.papers.refused import Refused
from app.core.papers.render import FONT_DIR, FONT_URLS, FONTS, PaperMeta

MAX_DEPTH = 60
"""Elements inside each other; our deepest form has 14."""
MAX_SPAN = 100
"""Columns or rows one cell may take."""
MAX_PARTS = 60_000
"""Elements of a paper."""
MAX_PIXELS = 25_000_000
"""Of one picture."""


def subsetter_present() -> tuple[bool, bytes]:
    """Whether HarfBuzz can subset fonts here; without it embedding costs half the speed."""
    return bool(ffi.harfbuzz_subset), b""


class _Assets(URLFetcher):
    """Our fonts by exact name and ``data:`` URIs; anything else is fatal. ``refused``: what was asked for in vain."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
        self.refused: list[Refused] = []

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if path := FONT_URLS.get(url):
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/ttf"})
        try:
            try:
                found = super().fetch(url, headers)
            except Exception as error:
                raise Refused("outside", address=url[:100]) from error
            data = found.read()
            _require_drawable(data)
        except Refused as refused:
            self.refused.append(refused)
            raise
        return URLFetcherResponse(url, data, found.headers)


def _require_drawable(data: bytes) -> None:
    """Refuse all but drawings (SVG) and PNG and JPEG pictures of few enough pixels; their head says how many."""
    if data.lstrip().startswith(b"<"):
        return
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Refused("picture")
    except (OSError, Image.DecompressionBombError, SyntaxError) as error:
        raise Refused("picture") from error


def _refusal(error: FatalURLFetchingError) -> Refused:
    return error.__cause__ if isinstance(error.__cause__, Refused) else Refused("outside", address=str(error)[:100])


def lay_out(html: str, styles: Sequence[str], language: str, meta: PaperMeta, identifier: bytes) -> tuple[None, bytes]:
    """The PDF of ``html`` under CSS texts. Raises ``Refused`` when it asks for a resource that is not ours."""
    return None, write(document_of(html, styles, language=language, meta=meta), meta, identifier=identifier)


def document_of(html: str, styles: Sequence[str], *, language: str, meta: PaperMeta) -> Any:
    """The laid-out pages of ``html``. Raises as :func:`lay_out`, and for markup that no form needs."""
    assets = _Assets()
    try:
        source = HTML(string=html, base_url="paper:", url_fetcher=assets)
        _require_ordinary(source.etree_element)
        document = source.render(font_config=_fonts(), stylesheets=[_css(text) for text in styles])
    except FatalURLFetchingError as error:
        raise _refusal(error) from error
    document.metadata.lang = "en" if language == "en" else "zh-CN"
    document.refused = assets.refused
    return document


def _require_ordinary(root: Any) -> None:
    """Refuse what would keep the layout busy for minutes: deep nesting, cells over very many columns, masses of parts."""
    level, depth, parts = [root], 0, 0
    while level:
        depth, parts = depth + 1, parts + len(level)
        if depth > MAX_DEPTH:
            raise Refused("too deep")
        if parts > MAX_PARTS:
            raise Refused("too many")
        for element in level:
            for name in ("colspan", "rowspan", "span"):
                span = element.get(name, "").strip()
                if span.isdecimal() and (len(span) > 4 or int(span) > MAX_SPAN):
                    raise Refused("too wide", most=MAX_SPAN)
        level = [child for element in level for child in element]


def write(document: Any, meta: PaperMeta, *, identifier: bytes) -> bytes:
    """The PDF of laid-out pages. Raises as :func:`lay_out`."""
    document.metadata.title = meta.title
    document.metadata.authors = [meta.author] if meta.author else []
    document.metadata.description = meta.number or None
    document.metadata.generator = "Guanjia"
    document.metadata.created = document.metadata.modified = meta.issued_on and meta.issued_on.isoformat()
    try:
        pdf: bytes = document.write_pdf(pdf_identifier=identifier)
    except FatalURLFetchingError as error:
        raise _refusal(error) from error
    if document.refused:  # inside an SVG the refusal is only logged
        raise document.refused[0]
    return pdf


@functools.lru_cache(maxsize=1)
def _fonts() -> FontConfiguration:
    """The process's fonts; parsing the faces once is a tenth of a render."""
    configuration = FontConfiguration()
    faces = "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};src:url("font:{name}")}}'
        for (family, weight), name in FONTS.items()
        if (FONT_DIR / name).is_file()
    )
    CSS(string=faces, font_config=configuration, url_fetcher=_Assets())
    return configuration


@functools.lru_cache(maxsize=256)
def _css(text: str) -> CSS:
    return CSS(string=text, font_config=_fonts(), url_fetcher=_Assets(), base_url="paper:")
