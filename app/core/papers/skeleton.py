"""Laying a form out with empty slots and finding where each value goes, inside the renderer's process only."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from weasyprint.formatting_structure import boxes

from app.core.papers.layout import document_of, write
from app.core.papers.render import PaperMeta
from app.core.papers.sheet import Line, Picture, Piece, Skeleton
from app.core.papers.slots import Slot, blank, filled, shown

POINTS = 0.75
"""PDF points in a CSS pixel."""
TOLERANCE = 0.01
SPACE = 0.3
"""Ems that a line break may have swallowed."""
CJK = "\u2e80"


def compile_skeleton(
    marked: str, slots: list[Slot], styles: list[str], language: str, meta: PaperMeta
) -> tuple[dict[str, Any] | None, bytes]:
    """Lay the marked paper out and find its slots (``Skeleton.told``); nothing when one of them cannot be found."""
    texts = [slot.text for slot in slots]
    document = document_of(filled(marked, texts), styles, language=language, meta=meta)
    blocks = list(_blocks(document, texts))
    fixed = {slot for block in blocks for slot in block.fixed()}
    folded = [line for block in blocks if (line := block.folded()) is not None]
    lines = [line for block in blocks for line in block.take_out(fixed)]
    lines += _running(document, slots, texts, fixed)
    if shown(marked) - fixed - {slot for line in lines for slot in line.slots}:
        return None, b""
    sheet = Skeleton(
        pdf=write(document, meta, identifier=b"skeleton"),
        sizes=tuple((page.width * POINTS, page.height * POINTS) for page in document.pages),
        lines=tuple(lines),
        pictures=tuple(_pictures(document, slots)),
        fixed=frozenset(fixed),
        folded=tuple(folded),
    )
    return sheet.told(), sheet.pdf


@dataclass
class _Leaf:
    """A text or another atomic box on a line, with the slot it belongs to; ``bare``: nothing is drawn around it."""

    box: Any
    slot: int | None
    bare: bool

    @property
    def is_text(self) -> bool:
        return isinstance(self.box, boxes.TextBox)

    @property
    def is_blank(self) -> bool:
        return self.is_text and not self.box.text.strip()

    @property
    def moves(self) -> bool:
        """Whether it can be drawn elsewhere on its line."""
        return self.is_text and self.bare and not (self.box.justification_spacing and " " in self.box.text)

    @property
    def width(self) -> float:
        return float(self.box.width) * POINTS

    def piece(self, before: _Leaf | None = None) -> Piece:
        box = self.box
        gap = 0.0 if before is None else (box.position_x - before.box.position_x - before.box.width) * POINTS
        return Piece(
            slot=self.slot, text=box.text if self.slot is None else "", gap=gap,
            baseline=(box.position_y + box.baseline) * POINTS, width=self.width, **_look(box.style),
        )  # fmt: skip


@dataclass
class _Block:
    """A block with text of slots, or what of it stands between line breaks: its lines, each with its leaves."""

    page: int
    box: Any
    lines: list[list[_Leaf]]
    texts: list[str]

    def fixed(self) -> set[int]:
        """Slots whose text itself shapes the block: it fills several lines, or is not printed as it is."""
        parts = Counter(leaf.slot for line in self.lines for leaf in line if leaf.slot is not None)
        return {
            leaf.slot
            for line in self.lines
            for leaf in line
            if leaf.slot is not None and (parts[leaf.slot] > 1 or not leaf.is_text or not self._is_drawn(leaf))
        }

    def _is_drawn(self, leaf: _Leaf) -> bool:
        box = leaf.box
        justified = box.justification_spacing and " " in box.text
        as_it_is = box.text.strip() == self.texts[leaf.slot or 0].strip() and box.style["text_transform"] == "none"
        return as_it_is and not justified

    def folded(self) -> Line | None:
        """The one line this block would be with short values; nothing when it is one, or would not be."""
        leaves = [leaf for line in self.lines for leaf in line if not leaf.is_blank]
        room, x = self._room()
        if len(self.lines) == 1 or room is None or not all(leaf.is_text and leaf.bare for leaf in leaves):
            return None
        once: dict[int, _Leaf] = {}
        pieces = []
        for leaf in leaves:
            if leaf.slot is None or once.setdefault(leaf.slot, leaf) is leaf:
                pieces.append(dataclasses.replace(leaf.piece(), gap=leaf.box.style["font_size"] * POINTS * SPACE))
        if sum(leaf.box.width for leaf in leaves) <= room:  # broken by the form
            return None
        return Line(page=self.page, x=x * POINTS, pieces=tuple(pieces), room=room * POINTS)

    def take_out(self, fixed: set[int]) -> Iterator[Line]:
        """What is to be drawn of this block, no longer visible on the sheet."""
        for number, leaves in enumerate(self.lines):
            moving = self._moving(number, leaves, fixed)
            for leaf in leaves:
                if leaf.slot is not None and leaf.slot not in fixed and leaf not in moving:
                    _hide(leaf.box)
                    yield Line(page=self.page, x=leaf.box.position_x * POINTS, pieces=(leaf.piece(),))
            if moving:
                align, (room, x) = _align(self.box.style), self._room()
                if align == "left":
                    x, room = moving[0].box.position_x, room and room + x - moving[0].box.position_x
                pieces = [leaf.piece(before) for before, leaf in zip([None, *moving], moving, strict=False)]
                for leaf in moving:
                    _hide(leaf.box)
                yield Line(
                    page=self.page, x=x * POINTS, pieces=tuple(pieces), align=align, room=room and room * POINTS
                )  # fmt: skip

    def _moving(self, number: int, leaves: list[_Leaf], fixed: set[int]) -> list[_Leaf]:
        """The leaves at the end of a line that may be drawn anew with values of any width."""
        if self._room()[0] is None or number != len(self.lines) - 1:
            return []
        if number and not _stays_below(leaves):
            return []
        printed = [leaf for leaf in leaves if not leaf.is_blank]
        end = list(itertools.takewhile(lambda leaf: leaf.moves and leaf.slot not in fixed, reversed(printed)))[::-1]
        if _align(self.box.style) == "left":
            end = list(itertools.dropwhile(lambda leaf: leaf.slot is None, end))
        elif len(end) < len(printed) or all(leaf.slot is None for leaf in end):
            return []
        return end

    def _room(self) -> tuple[float | None, float]:
        """Width the line may take and the left end of that room."""
        box = self.box
        if not isinstance(box, boxes.InlineBlockBox):
            return box.width, box.content_box_x()
        least = box.style["min_width"]
        width = float(least.value) if getattr(least, "unit", "") == "px" else 0.0
        return (None, 0.0) if box.width > width + TOLERANCE else (width, box.content_box_x())


def _stays_below(leaves: list[_Leaf]) -> bool:
    """Whether a last line begins with a fixed text by which it stays where it is, however long its values are."""
    first = next((leaf for leaf in leaves if not leaf.is_blank), None)
    if first is None or first.slot is not None or not first.is_text:
        return False
    text = first.box.text.strip()
    return " " in text or (len(text) > 1 and text[0] >= CJK)


def _hide(box: Any) -> None:
    box.style = box.style.copy()
    box.style["visibility"] = "hidden"


def _blocks(document: Any, texts: list[str]) -> Iterator[_Block]:
    for number, page in enumerate(document.pages):
        for box in page._page_box.descendants():
            for lines in _parts(child for child in getattr(box, "children", ()) if isinstance(child, boxes.LineBox)):
                if any(leaf.slot is not None for line in lines for leaf in line):
                    yield _Block(number, box, lines, texts)


def _parts(lines: Iterable[Any]) -> Iterator[list[list[_Leaf]]]:
    """Lines up to where the form itself begins a new one."""
    part = []
    for line in lines:
        part.append(list(_leaves(line)))
        if any(box.element_tag == "br" for box in line.descendants()):
            yield part
            part = []
    yield part


def _leaves(box: Any, slot: int | None = None, bare: bool = True) -> Iterator[_Leaf]:
    """Text and other atomic boxes of a line; blocks inside a line count as one thing."""
    for child in box.children:
        element = child.element
        own = element.get("data-s") if element is not None and hasattr(element, "get") else None
        inside = int(own) if own is not None else slot
        if isinstance(child, boxes.InlineBox):
            yield from _leaves(child, inside, bare and _is_bare(child))
        else:
            yield _Leaf(child, inside, bare)


def _is_bare(box: Any) -> bool:
    """Whether nothing is drawn around or under the text of an inline box."""
    sides = ("top", "right", "bottom", "left")
    return (
        not any(box.style[f"border_{side}_width"] for side in sides)
        and not box.style["background_color"].alpha
        and box.style["text_decoration_line"] in ("none", set(), frozenset(), ())
    )


def _running(document: Any, slots: list[Slot], texts: list[str], fixed: set[int]) -> Iterator[Line]:
    """Values that style sheets repeat in the margins (number, verification code), with the text around them."""
    heads = {slot.text: number for number, slot in enumerate(slots) if len(slot.text) > 5 and number not in fixed}
    for page_number, page in enumerate(document.pages):
        margins = [child for child in page._page_box.children if isinstance(child, boxes.MarginBox)]
        for margin in margins:
            for box in margin.descendants():
                if not isinstance(box, boxes.TextBox):
                    continue
                value = next((text for text in heads if text in box.text), None)
                if value is None:
                    continue
                align = _align(box.style)
                anchored = margin.at_keyword.endswith(align)  # what is set against the page's edge may be of any width
                x, room = _free(margin, margins) if anchored else (box.position_x, None)
                look = {"baseline": (box.position_y + box.baseline) * POINTS, **_look(box.style)}
                parts = zip((None, heads[value], None), box.text.partition(value), strict=True)
                yield Line(
                    page=page_number, x=x * POINTS, room=room and room * POINTS, align=align if anchored else "left",
                    pieces=tuple(
                        Piece(slot=slot, text="" if slot is not None else part, **look) for slot, part in parts if part
                    ),
                )  # fmt: skip
                _hide(box)


def _free(margin: Any, margins: list[Any]) -> tuple[float, float]:
    """Left end and width of what a text at the page's edge may fill: up to the text in the next margin box."""
    edge = margin.at_keyword.split("-")[0]
    left, right = margin.content_box_x(), margin.content_box_x() + margin.width
    others = [other for other in margins if other is not margin and other.at_keyword.split("-")[0] == edge]
    drawn = [box for other in others for box in other.descendants() if isinstance(box, boxes.TextBox)]
    if margin.at_keyword.endswith("right"):
        left = min(left, max((box.position_x + box.width for box in drawn if box.position_x < left), default=left))
    else:
        right = max(right, min((box.position_x for box in drawn if box.position_x > right), default=right))
    return left, right - left


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
