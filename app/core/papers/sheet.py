"""A form laid out once: its sheet with empty slots, and where each value goes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Place:
    """Where the value of a slot is drawn: page, left end, baseline from the top (points) and how.

    ``room``: width its line offers, when nothing stands there whose place depends on it; a value may then be of any
    width up to it. Without ``room`` text follows it, and the value must be as wide as the one the sheet was laid out
    with. ``before`` and ``after``: fixed text that is drawn with it in the margin.
    """

    slot: int
    page: int
    x: float
    baseline: float
    size: float
    bold: bool
    colour: tuple[float, float, float]
    spacing: float = 0.0
    align: str = "left"
    room: float | None = None
    before: str = ""
    after: str = ""


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

    ``fixed``: slots whose very text shapes the layout and therefore stands on the sheet; ``places`` of all the others.
    ``alone``: where values stand alone in their block, those that fill several lines among them.
    """

    pdf: bytes
    sizes: tuple[tuple[float, float], ...]
    places: tuple[Place, ...]
    pictures: tuple[Picture, ...]
    fixed: frozenset[int]
    alone: tuple[Place, ...]

    def told(self) -> dict[str, Any]:
        """All but the PDF as plain data, for :meth:`heard` in another process."""
        told = {name: [dataclasses.asdict(item) for item in getattr(self, name)] for name in _LISTS}
        return {**told, "sizes": self.sizes, "fixed": sorted(self.fixed)}

    @classmethod
    def heard(cls, told: Mapping[str, Any], pdf: bytes) -> Skeleton:
        lists = {name: tuple(_plain(kind, item) for item in told[name]) for name, kind in _LISTS.items()}
        return cls(pdf=pdf, sizes=_tuples(told["sizes"]), fixed=frozenset(told["fixed"]), **lists)


_LISTS: dict[str, Any] = {"places": Place, "pictures": Picture, "alone": Place}


def _plain(kind: Any, values: Mapping[str, Any]) -> Any:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _tuples(pairs: list[list[float]]) -> tuple[tuple[float, float], ...]:
    return tuple((width, height) for width, height in pairs)
