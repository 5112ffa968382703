"""Several issued papers as one PDF: in order, with bookmarks and page numbers over the whole pack.

The issued bytes stay as they are; the pack is a new file that shows their pages with one more line at the foot.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from pikepdf import Name, OutlineItem

from app.core.papers.render import PaperError, PaperMeta
from app.core.papers.renderer import render

_FOOT = Path(__file__).parent / "base" / "pack.css"
_FOOT_MM = 8
_POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True)
class Part:
    """One paper of a pack: its issued bytes, and number and titles for its bookmark."""

    pdf: bytes
    number: str
    title_zh: str
    title_en: str


def bundle(parts: Sequence[Part], language: str) -> bytes:
    """One PDF of ``parts`` in their order; the same parts give the same bytes.

    Every page says its place in the pack in ``language``; each part has a bookmark with its own headings below it.
    Raises ``PaperError`` without parts or with one that is no PDF.
    """
    if not parts:
        raise PaperError("a pack needs at least one paper")
    with pikepdf.new() as pack:
        entries: list[OutlineItem] = []
        for part in parts:
            try:
                source = pikepdf.open(io.BytesIO(part.pdf))
            except pikepdf.PdfError as error:
                raise PaperError(f"paper {part.number} of the pack is not a PDF") from error
            with source:
                first = len(pack.pages)
                entry = OutlineItem(_titles(part, language, part.number), first, "Fit")
                entry.children.extend(_headings(source, first))
                entries.append(entry)
                pack.pages.extend(source.pages)
        _number_pages(pack, language)
        with pack.open_outline() as outline:
            outline.root.extend(entries)
        pack.Root.PageMode = Name.UseOutlines
        pack.Root.Lang = pikepdf.String("en" if language == "en" else "zh-CN")
        pack.docinfo["/Title"] = "; ".join(_titles(part, language) for part in parts)
        pack.docinfo["/Producer"] = "Guanjia"
        out = io.BytesIO()
        pack.save(
            out,
            deterministic_id=True,
            fix_metadata_version=False,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
        )
    return out.getvalue()


def _titles(part: Part, language: str, number: str = "") -> str:
    zh, en = part.title_zh, part.title_en
    return " ".join(filter(None, (zh if language != "en" else "", en if language != "zh" or not zh else "", number)))


def _headings(source: pikepdf.Pdf, first: int) -> list[OutlineItem]:
    """The paper's own headings, moved to where its pages are in the pack; the form title itself is the part's entry."""

    def moved(items: Sequence[OutlineItem]) -> list[OutlineItem]:
        result = []
        for item in items:
            place = item.destination
            if not isinstance(place, pikepdf.Array):
                continue
            page = first + source.pages.index(pikepdf.Page(place[0]))
            copied = OutlineItem(item.title, page, "XYZ", left=float(place[2]), top=float(place[3]))
            copied.children.extend(moved(item.children))
            result.append(copied)
        return result

    with source.open_outline() as outline:
        items = moved(outline.root)
    return list(items[0].children) if len(items) == 1 else items


def _number_pages(pack: pikepdf.Pdf, language: str) -> None:
    """Draw “page x of y of the pack” at the very foot of every page, below the paper's own footer."""
    total = len(pack.pages)
    sizes = [tuple(round(float(side) / _POINTS_PER_MM) for side in page.mediabox[2:]) for page in pack.pages]
    pages = {size: f"s{size[0]}x{size[1]}" for size in sizes}
    rules = "".join(
        f"@page {name} {{ size: {width}mm {height}mm; margin-top: {height - _FOOT_MM}mm }} .{name} {{ page: {name} }}"
        for (width, height), name in pages.items()
    )
    feet = "".join(
        f'<p class="{pages[size]}">{_foot(number, total, language)}</p>' for number, size in enumerate(sizes, 1)
    )
    overlay = render(feet, [_FOOT, rules], language=language, meta=PaperMeta(title="pack"))
    with pikepdf.open(io.BytesIO(overlay)) as drawn:
        for number, (page, foot) in enumerate(zip(pack.pages, drawn.pages, strict=True)):
            # Pages of one paper share their resources, so each foot needs a name of its own.
            name = Name(f"/PackFoot{number}")
            page.add_resource(pack.copy_foreign(foot.as_form_xobject()), Name.XObject, name)
            page.contents_add(b"q", prepend=True)
            page.contents_add(f"Q q {name} Do Q".encode())


def _foot(number: int, total: int, language: str) -> str:
    zh, en = f"整套第 {number} 页 / 共 {total} 页", f"Pack page {number} of {total}"
    return {"zh": zh, "en": en, "both": f"{zh}　{en}"}[language]
