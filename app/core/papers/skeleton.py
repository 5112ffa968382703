"""Laying a form out with empty slots and finding where each value goes, inside the renderer's process only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from weasyprint.formatting_structure import boxes

from app.core.papers.layout import document_of, write
from app.core.papers.render import PaperMeta
from app.core.papers.sheet import Picture, Place, Skeleton
from app.core.papers.slots import Slot, blank, filled, shown

POINTS = 0.75
"""PDF points in a CSS pixel."""
TOLERANCE = 0.01


def compile_skeleton(
    marked: str, slots: list[Slot], styles: list[str], language: str, meta: PaperMeta
) -> tuple[dict[str, Any] | None, bytes]:
    """Lay the marked paper out and find its slots (``Skeleton.told``); nothing when one of them cannot be found."""
    texts = [slot.text for slot in slots]
    document = document_of(filled(marked, texts), styles, language=language, meta=meta)
    runs = _runs(document)
    whole = [(run, run.place(texts)) for run in runs]
    fixed = {run.slot for run, place in whole if place is None}
    placed = [place for _run, place in whole if place is not None and place.slot not in fixed]
    alone = [place for run in runs if run.alone and (place := run.first_line()) is not None]
    for run in runs:
        if run.slot not in fixed:
            run.hide()
    placed += list(_running(document, slots, texts, fixed))
    if shown(marked) - fixed - {place.slot for place in placed}:
        return None, b""
    sheet = Skeleton(
        pdf=write(document, meta, identifier=b"skeleton"),
        sizes=tuple((page.width * POINTS, page.height * POINTS) for page in document.pages),
        places=tuple(placed),
        pictures=tuple(_pictures(document, slots)),
        fixed=frozenset(fixed),
        alone=tuple(alone),
    )
    return sheet.told(), sheet.pdf


@dataclass
class _Run:
    """The text boxes of one slot at one place, on one line or more, in the block they stand in."""

    slot: int
    page: int
    texts: list[Any]
    lines: int
    alone: bool
    last: bool
    block: Any

    def place(self, texts: list[str]) -> Place | None:
        """Where to draw, or nothing when the text itself shapes the sheet."""
        if self.lines != 1 or len(self.texts) != 1:
            return None
        box = self.texts[0]
        if box.text.strip() != texts[self.slot].strip() or box.style["text_transform"] != "none":
            return None
        if box.justification_spacing and " " in box.text:
            return None
        return self.first_line() if self.alone else self._at(box.position_x, self._rest())

    def first_line(self) -> Place | None:
        """The line a value alone in its block stands on, with all its room."""
        room, x = self._room()
        return None if room is None else self._at(x, room)

    def _at(self, x: float, room: float | None) -> Place:
        box = self.texts[0]
        return Place(
            slot=self.slot, page=self.page, x=x * POINTS, baseline=(box.position_y + box.baseline) * POINTS,
            align="left" if room is None else _align(box.style), room=None if room is None else room * POINTS,
            **_look(box.style),
        )  # fmt: skip

    def _room(self) -> tuple[float | None, float]:
        """Width the value may take and the left end of that room."""
        if not isinstance(self.block, boxes.InlineBlockBox):
            return self.block.width, self.block.content_box_x()
        least = self.block.style["min_width"]
        width = float(least.value) if getattr(least, "unit", "") == "px" else 0.0
        if self.block.width > width + TOLERANCE:
            return None, 0.0
        return width, self.block.content_box_x()

    def _rest(self) -> float | None:
        """Width up to the end of the line, when nothing follows the value there and the line begins at the left."""
        block, box = self.block, self.texts[0]
        if not self.last or isinstance(block, boxes.InlineBlockBox) or _align(block.style) != "left":
            return None
        return float(block.content_box_x() + block.width - box.position_x)

    def hide(self) -> None:
        for box in self.texts:
            box.style = box.style.copy()
            box.style["visibility"] = "hidden"


def _runs(document: Any) -> list[_Run]:
    found: list[_Run] = []
    for number, page in enumerate(document.pages):
        for block in page._page_box.descendants():
            lines = [child for child in getattr(block, "children", ()) if isinstance(child, boxes.LineBox)]
            if lines:
                found += _runs_of_block(number, block, lines)
    return found


def _runs_of_block(page: int, block: Any, lines: list[Any]) -> Iterator[_Run]:
    by_slot: dict[int, list[tuple[Any, Any]]] = {}
    others = False
    for line in lines:
        for box, slot in _leaves(line, None):
            if slot is None:
                others = others or not isinstance(box, boxes.TextBox) or bool(box.text.strip())
            else:
                by_slot.setdefault(slot, []).append((line, box))
    last = _last_slot(lines) if len(lines) == 1 else None
    for slot, parts in by_slot.items():
        on = {id(line) for line, _box in parts}
        yield _Run(
            slot, page, [box for _line, box in parts], len(on), not others and len(by_slot) == 1, slot == last, block,
        )  # fmt: skip


def _last_slot(lines: list[Any]) -> int | None:
    """The slot whose value ends the last line; nothing when something else does."""
    ends = [slot for box, slot in _leaves(lines[-1], None) if not isinstance(box, boxes.TextBox) or box.text.strip()]
    return ends[-1] if ends else None


def _leaves(box: Any, slot: int | None) -> Iterator[tuple[Any, int | None]]:
    """Text and other atomic boxes of a line with the slot they belong to; blocks inside a line count as one thing."""
    for child in box.children:
        element = child.element
        own = element.get("data-s") if element is not None and hasattr(element, "get") else None
        inside = int(own) if own is not None else slot
        if isinstance(child, boxes.InlineBox):
            yield from _leaves(child, inside)
        else:
            yield child, inside


def _running(document: Any, slots: list[Slot], texts: list[str], fixed: set[int]) -> Iterator[Place]:
    """Values that style sheets repeat in the margins (number, verification code), with the text around them."""
    heads = {slot.text: number for number, slot in enumerate(slots) if len(slot.text) > 5 and number not in fixed}
    for page_number, page in enumerate(document.pages):
        for margin in page._page_box.children:
            if not isinstance(margin, boxes.MarginBox):
                continue
            for box in margin.descendants():
                if not isinstance(box, boxes.TextBox):
                    continue
                value = next((text for text in heads if text in box.text), None)
                if value is None:
                    continue
                before, after = box.text.split(value, 1)
                align = _align(box.style)
                anchored = margin.at_keyword.endswith(align)  # what is set against the page's edge may be of any width
                yield Place(
                    slot=heads[value], page=page_number, baseline=(box.position_y + box.baseline) * POINTS,
                    x=(margin.content_box_x() if anchored else box.position_x) * POINTS, align=align if anchored else "left",
                    room=margin.width * POINTS if anchored else None, before=before, after=after, **_look(box.style),
                )  # fmt: skip
                box.style = box.style.copy()
                box.style["visibility"] = "hidden"


def _pictures(document: Any, slots: list[Slot]) -> Iterator[Picture]:
    addresses = {blank(number): number for number, slot in enumerate(slots) if slot.is_picture}
    for page_number, page in enumerate(document.pages):
        for box in page._page_box.descendants():
            element = box.element
            source = element.get("src") if isinstance(box, boxes.ReplacedBox) and element is not None else None
            if source in addresses:
                yield Picture(
                    addresses[source], page_number, box.content_box_x() * POINTS, box.content_box_y() * POINTS,
                    float(box.width) * POINTS,
                )  # fmt: skip


def _align(style: Any) -> str:
    align = style["text_align_all"]
    return align if align in ("center", "right") else "right" if align == "end" else "left"


def _look(style: Any) -> dict[str, Any]:
    spacing = style["letter_spacing"]
    red, green, blue = style["color"].to("srgb").coordinates
    return {
        "size": style["font_size"] * POINTS,
        "bold": style["font_weight"] >= 600,
        "colour": (float(red), float(green), float(blue)),
        "spacing": 0.0 if spacing == "normal" else float(spacing) * POINTS,
    }
