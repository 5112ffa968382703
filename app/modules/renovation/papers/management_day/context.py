"""装修巡查日报: the rounds of one day to all sites, those missed among them (RN-09; forms C5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Line:
    """A visit, or without ``at`` a round to a site that was not made. ``violations``: the points at which one was found."""

    unit: str
    company: str
    half: Bilingual
    at: str = ""
    stage: Bilingual | None = None
    persons: str = ""
    violations: tuple[Bilingual, ...] = ()
    findings: str = ""
    action: Bilingual | None = None
    patroller: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    day: date
    sites: int
    visits: int
    missed: int
    lines: tuple[Line, ...]
    signatures: tuple[Signature, ...]
