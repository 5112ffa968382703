"""F30 装修管理日志: the rounds of one day to one site (RN-09; forms C5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Visit:
    """``results``: of each point of the checklist in its order, None where nothing was noted; ``photos``: how many."""

    half: Bilingual
    at: datetime
    stage: Bilingual
    persons: int
    persons_with_pass: int
    results: tuple[Bilingual | None, ...]
    findings: str
    action: Bilingual
    met: str
    patroller: str
    photos: int


@dataclass(frozen=True, kw_only=True)
class Notice:
    number: str
    title: Bilingual
    state: Bilingual


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    day: date
    permit_no: str
    company: str
    leader: str
    points: tuple[Bilingual, ...]
    visits: tuple[Visit, ...]
    notices: tuple[Notice, ...] = ()
    signatures: tuple[Signature, ...]
