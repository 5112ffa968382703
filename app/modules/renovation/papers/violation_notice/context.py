"""F31 装修违规整改通知书: what was found, what is required by when, on which basis, and what became of it (RN-10; forms C6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Context:
    """Moments that have not come yet are None and leave room to write."""

    header: Header
    applicant: str
    company: str
    leader: str
    permit_no: str
    found_at: datetime
    found_by: str
    code: str
    violation: Bilingual
    basis: Bilingual
    description: str
    photos: int
    requirement: str
    due_at: datetime
    stop_work: bool
    consequences: str
    served_at: datetime | None = None
    served_how: Bilingual | None = None
    served_to: str = ""
    recheck: str = ""
    cleared_at: datetime | None = None
    cleared_by: str = ""
    authority: str = ""
    reported_at: datetime | None = None
    report_receipt: str = ""
    signatures: tuple[Signature, ...]
