"""What a reader sees of a paper, found inside the renderer's process: legible values, and pictures of pages."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import Any

from PIL import Image
from weasyprint.formatting_structure import boxes

from app.core.papers.layout import document_of
from app.core.papers.render import PaperMeta
from app.core.papers.slots import Slot, blank, filled

SMALLEST = 5.0
"""Pixels of CSS; the smallest print of our forms has 9."""
SMALLEST_CODE = 45.0
"""Side of a code that a telephone still reads, in the same pixels (12 mm)."""
PALEST = 0.9
"""Share of red, green and blue from which a text is too pale to be read on white."""

Clip = tuple[float, float, float, float]


def visible(marked: str, slots: Sequence[Slot], styles: Sequence[str], language: str) -> tuple[dict[str, Any], bytes]:
    """Lay a marked paper out: numbers of the slots that can be read on it, all text that can, and how many pages.

    Raises as :func:`app.core.papers.layout.document_of`.
    """
    document = document_of(filled(marked, [s.text for s in slots]), styles, language=language, meta=PaperMeta(title=""))
    codes = {blank(number): number for number, slot in enumerate(slots) if slot.is_picture}
    seen: set[int] = set()
    texts: list[str] = []
    for page in document.pages:
        for box in _legible(page._page_box, (0.0, 0.0, page.width, page.height)):
            element = box.element
            if isinstance(box, boxes.TextBox):
                texts.append(box.text)
                number = element.get("data-s") if hasattr(element, "get") else None
                if number is not None and box.text.strip():
                    seen.add(int(number))
            elif hasattr(element, "get") and element.get("src") in codes and box.width >= SMALLEST_CODE:
                seen.add(codes[element.get("src")])
    return {"slots": sorted(seen), "text": " ".join(texts), "pages": len(document.pages)}, b""


def _legible(box: Any, clip: Clip) -> Iterator[Any]:
    """The text and picture boxes below ``box`` that can be seen inside ``clip`` (left, top, right, bottom)."""
    box = getattr(box, "_box", box)  # a box that is positioned absolutely stands behind a placeholder
    style = box.style
    if style["opacity"] < 1 - PALEST:
        return
    if isinstance(box, boxes.TextBox):
        if style["visibility"] == "visible" and style["font_size"] >= SMALLEST and _dark(style) and _inside(box, clip):
            yield box
        return
    if isinstance(box, boxes.ReplacedBox):
        if style["visibility"] == "visible" and _inside(box, clip):
            yield box
        return
    if style["overflow"] != "visible" and not isinstance(box, boxes.PageBox):
        left, top = box.padding_box_x(), box.padding_box_y()
        right, bottom = left + box.padding_width(), top + box.padding_height()
        clip = (max(clip[0], left), max(clip[1], top), min(clip[2], right), min(clip[3], bottom))
    for child in getattr(box, "children", ()):
        yield from _legible(child, clip)


def _dark(style: Any) -> bool:
    colour = style["color"].to("srgb")
    return colour.alpha > 1 - PALEST and min(float(part) for part in colour.coordinates) < PALEST


def _inside(box: Any, clip: Clip) -> bool:
    """The middle of the box lies inside."""
    x, y = box.position_x + box.margin_width() / 2, box.position_y + box.margin_height() / 2
    return clip[0] <= x <= clip[2] and clip[1] <= y <= clip[3]


def pictures(pdf: bytes, most: int, width: int) -> tuple[dict[str, Any], bytes]:
    """The first ``most`` pages of a PDF as PNG pictures ``width`` pixels wide, one after the other; their lengths."""
    import pypdfium2

    made = []
    with pypdfium2.PdfDocument(pdf) as document:
        for number in range(min(most, len(document))):
            page = document[number]
            drawn = page.render(scale=width / page.get_width()).to_pil().convert("RGB")
            picture = drawn.quantize(64, dither=Image.Dither.NONE)
            out = io.BytesIO()
            picture.save(out, "PNG")
            made.append(out.getvalue())
        return {"pages": len(document), "lengths": [len(picture) for picture in made]}, b"".join(made)
