"""A form laid out once: its sheet with empty slots, and where each value goes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Piece:
    """A text on a line: the value of a ``slot``, or a fixed ``text`` that moves when a value before it is wider.

    ``baseline`` from the top, ``gap`` to what stands before it, ``width`` of a fixed text, all in points.
    """

    slot: int | None
    text: str
    baseline: float
    size: float
    bold: bool
    colour: tuple[float, float, float]
    spacing: float = 0.0
    gap: float = 0.0
    width: float = 0.0


@dataclass(frozen=True)
class Line:
    """Texts that are drawn one after the other from ``x`` on (points).

    ``room``: width the line offers; values may be of any width as long as all pieces stay within it. Without ``room``
    something else follows, and the value must be as wide as the one the sheet was laid out with.
    """

    page: int
    x: float
    pieces: tuple[Piece, ...]
    align: str = "left"
    room: float | None = None

    @property
    def slots(self) -> list[int]:
        return [piece.slot for piece in self.pieces if piece.slot is not None]


@dataclass(frozen=True)
class Picture:
    """Where a QR code is drawn: page, left and top edge and side, in points."""

    slot: int
    page: int
    x: float
    top: float
    side: float


@dataclass(frozen=True)
class Skeleton:
    """A sheet without its values.

    ``fixed``: slots whose very text shapes the layout and therefore stands on the sheet; ``lines`` have all the others.
    ``folded``: blocks of several lines as the one line they would be if their values were short.
    """

    pdf: bytes
    sizes: tuple[tuple[float, float], ...]
    lines: tuple[Line, ...]
    pictures: tuple[Picture, ...]
    fixed: frozenset[int]
    folded: tuple[Line, ...]

    def told(self) -> dict[str, Any]:
        """All but the PDF as plain data, for :meth:`heard` in another process."""
        return {
            "sizes": self.sizes,
            "lines": [_told(line) for line in self.lines],
            "pictures": [vars(picture) for picture in self.pictures],
            "fixed": sorted(self.fixed),
            "folded": [_told(line) for line in self.folded],
        }

    @classmethod
    def heard(cls, told: Mapping[str, Any], pdf: bytes) -> Skeleton:
        return cls(
            pdf=pdf,
            sizes=tuple((width, height) for width, height in told["sizes"]),
            lines=_lines(told["lines"]),
            pictures=tuple(Picture(**values) for values in told["pictures"]),
            fixed=frozenset(told["fixed"]),
            folded=_lines(told["folded"]),
        )


def _told(line: Line) -> dict[str, Any]:
    return {**vars(line), "pieces": [vars(piece) for piece in line.pieces]}


def _lines(told: Sequence[Mapping[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(**{**line, "pieces": tuple(_piece(values) for values in line["pieces"])}) for line in told)


def _piece(values: Mapping[str, Any]) -> Piece:
    return Piece(**{**values, "colour": tuple(values["colour"])})
