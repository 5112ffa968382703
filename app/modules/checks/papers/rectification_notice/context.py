"""F18 书面整改通知: a problem, what is required until when, and what became of it (forms D5; MI-12, RE-07, TT-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    issued_by: str
    role: Bilingual
    person: str = ""
    source: str = ""
    category: Bilingual | None = None
    severity: Bilingual | None = None
    problem: str
    requirement: str
    due_on: date | None = None
    served_at: datetime | None = None
    received_at: datetime | None = None
    answer: str = ""
    answered_by: str = ""
    answered_at: datetime | None = None
    returned: int = 0
    verification: str = ""
    verified_by: str = ""
    verified_at: datetime | None = None
    withdrawn: str = ""
    signatures: tuple[Signature, ...]
