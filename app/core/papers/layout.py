"""Laying out a paper with WeasyPrint; loaded with the first paper of a process, not at its start."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

from weasyprint import CSS, HTML
from weasyprint.text import ffi
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from app.core.papers.render import FONT_DIR, FONT_URLS, FONTS, PaperError, PaperMeta

# One layout at a time in a process: the font configuration is shared and Pango is not thread-safe.
_LOCK = threading.RLock()


def subsetter_present() -> bool:
    """Whether HarfBuzz can subset fonts here; without it embedding costs half the speed."""
    return bool(ffi.harfbuzz_subset)


class _Assets(URLFetcher):
    """Our fonts by exact name and ``data:`` URIs; anything else is fatal."""

    def __init__(self) -> None:
        super().__init__(allowed_protocols=("data",), allow_redirects=False, fail_on_errors=True)
        self.refused: list[str] = []

    def fetch(self, url: str, headers: dict[str, str] | None = None) -> URLFetcherResponse:
        if path := FONT_URLS.get(url):
            return URLFetcherResponse(url, path.read_bytes(), {"Content-Type": "font/ttf"})
        try:
            return super().fetch(url, headers)
        except Exception:
            self.refused.append(url)
            raise


def lay_out(html: str, styles: Sequence[str], *, language: str, meta: PaperMeta, identifier: bytes) -> bytes:
    """The PDF of ``html`` under CSS texts. Raises ``PaperError`` when it asks for a resource that is not ours."""
    with _LOCK:
        return write(document_of(html, styles, language=language, meta=meta), meta, identifier=identifier)


def document_of(html: str, styles: Sequence[str], *, language: str, meta: PaperMeta) -> Any:
    """The laid-out pages of ``html``. Raises as :func:`lay_out`."""
    assets = _Assets()
    with _LOCK:
        try:
            source = HTML(string=html, base_url="paper:", url_fetcher=assets)
            document = source.render(font_config=_fonts(), stylesheets=[_css(text) for text in styles])
        except FatalURLFetchingError as error:
            raise PaperError(f"a paper may not read other resources: {error}") from error
    document.metadata.lang = "en" if language == "en" else "zh-CN"
    document.refused = assets.refused
    return document


def write(document: Any, meta: PaperMeta, *, identifier: bytes) -> bytes:
    """The PDF of laid-out pages. Raises as :func:`lay_out`."""
    with _LOCK:
        document.metadata.title = meta.title
        document.metadata.authors = [meta.author] if meta.author else []
        document.metadata.description = meta.number or None
        document.metadata.generator = "Guanjia"
        document.metadata.created = document.metadata.modified = meta.issued_on and meta.issued_on.isoformat()
        try:
            pdf: bytes = document.write_pdf(pdf_identifier=identifier)
        except FatalURLFetchingError as error:
            raise PaperError(f"a paper may not read other resources: {error}") from error
    if document.refused:  # inside an SVG the refusal is only logged
        raise PaperError(f"a paper may not read other resources: {document.refused[0]}")
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
