"""F33 纠正/预防措施实施通知单: nonconformity, cause, measures, verification, effect (forms D6; RN-17, OS-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A root cause: its bone of the fishbone and the answers to why, the last being the root."""

    bone: Bilingual
    whys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Measure:
    content: str
    owner: str
    due_on: date
    done_on: date | None = None
    evidence: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    type: Literal["corrective", "preventive"]
    source: Literal["complaint", "survey", "check", "audit", "repeated"]
    reissue_of: str = ""
    description: str
    findings: str = ""
    found_by: str
    found_on: date
    category: Bilingual
    severity: Bilingual
    department: Bilingual
    risk: str = ""
    correction: str = ""
    causes: tuple[Cause, ...] = ()
    measures: tuple[Measure, ...] = ()
    verification: str = ""
    verified_by: str = ""
    verified_at: datetime | None = None
    effective: Literal["", "yes", "no"] = ""
    judgement: str = ""
    judged_on: date | None = None
    reissued_as: str = ""
    signatures: tuple[Signature, ...]
