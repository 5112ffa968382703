"""Several issued papers as one PDF: in order, with bookmarks and page numbers over the whole pack.

The issued bytes stay as they are; the pack is a new file that shows their pages with one more line at the foot.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import pikepdf
from pikepdf import Array, Name, OutlineItem

from app.core.papers.faces import Fonts, ems
from app.core.papers.render import PaperError

FOOT_SIZE = 7
FOOT_BASELINE = 14
"""Points: size of the foot's letters, and their line above the lower edge of the sheet."""


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
    """Write “page x of y of the pack” at the very foot of every page, below the paper's own footer.

    The font holds all signs that such a line may need, so that it is the same in every pack.
    """
    fonts, total = Fonts("-Pack"), len(pack.pages)
    fonts.show(_foot("0123456789", "", language), bold=False, size=FOOT_SIZE)
    before = pack.make_stream(b"q\n")
    feet = []
    for number, page in enumerate(pack.pages, 1):
        line = _foot(str(number), str(total), language)
        wide = ems(line, False) * FOOT_SIZE
        shown = fonts.show(line, bold=False, size=FOOT_SIZE)
        x = (float(page.mediabox[2]) - wide) / 2
        feet.append(f"Q q BT 0.267 g 1 0 0 1 {x:.3f} {FOOT_BASELINE} Tm {shown} ET Q")
        contents = page.obj.Contents
        page.obj.Contents = Array([before, *(contents if isinstance(contents, Array) else [contents])])
    named = fonts.embed(pack)
    for page, foot in zip(pack.pages, feet, strict=True):
        page.obj.Contents.append(pack.make_stream(foot.encode()))
        for name, font in named.items():
            page.add_resource(font, Name.Font, Name(name))


def _foot(number: str, total: str, language: str) -> str:
    zh, en = f"整套第 {number} 页 / 共 {total} 页", f"Pack page {number} of {total}"
    return {"zh": zh, "en": en, "both": f"{zh}　{en}"}[language]
