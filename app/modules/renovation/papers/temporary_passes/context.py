"""F28 临时出入证 (forms C3): one with its back beside it, to cut out and fold; of several eight to an A4 sheet with their
backs on the next page, for printing on both sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.core.papers.base.context import Bilingual, Header


@dataclass(frozen=True, kw_only=True)
class Card:
    """The face of a pass. ``image``: the portrait as ``data:`` URI; ``gate``: address in the QR code, empty on a draft."""

    number: str
    image: str = ""
    name: str
    trade: Bilingual
    company: str
    unit: str
    valid_from: date
    valid_to: date
    gate: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    cards: tuple[Card, ...]
    phone: str
