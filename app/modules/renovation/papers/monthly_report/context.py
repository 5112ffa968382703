"""装修管理月报: indicators, rounds by building, violations by kind, sites and late reviews of a month (RN-05 … RN-18)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Figure:
    """An indicator; ``values`` in the order of the report's months, the last one its own; a dash for nothing measured."""

    title: Bilingual
    explained: Bilingual
    clause: str
    target: Bilingual
    values: tuple[str, ...]
    standing: Literal["kept", "missed", "none"]


@dataclass(frozen=True, kw_only=True)
class Rounds:
    building: str
    made: int
    due: int
    percent: str


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Violations of one entry of the code list; ``percent`` of all, ``together`` with the more frequent ones."""

    code: str
    title: Bilingual
    grave: bool
    count: int
    percent: int
    together: int


@dataclass(frozen=True, kw_only=True)
class Site:
    unit: str
    number: str
    contractor: Bilingual
    state: Bilingual
    made: int
    due: int
    found: int
    open: int


@dataclass(frozen=True, kw_only=True)
class Late:
    unit: str
    number: str
    due_at: datetime
    met_at: datetime | None
    hours: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    from_on: date
    last_on: date
    months: tuple[str, ...]
    figures: tuple[Figure, ...]
    rounds: tuple[Rounds, ...]
    kinds: tuple[Kind, ...]
    sites: tuple[Site, ...]
    late: tuple[Late, ...]
    signatures: tuple[Signature, ...]
