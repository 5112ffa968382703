"""F32 施工人员管理记录: briefing, entries and exits, misconduct of one worker (forms C7, RN-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Line:
    at: datetime
    kind: Bilingual
    note: str = ""
    action: str = ""
    by: str


@dataclass(frozen=True, kw_only=True)
class Pass:
    number: str
    valid_from: date
    valid_to: date
    state: Bilingual


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    renovation_no: str
    company: str
    name: str
    id_no: str
    trade: Bilingual
    certificate: str = ""
    entered_on: date | None = None
    left_on: date | None = None
    passes: tuple[Pass, ...] = ()
    lines: tuple[Line, ...] = ()
    signatures: tuple[Signature, ...]
