"""F26 装修申请审批表: what the applicant asks for, the answers, opinions, fees and permit (forms C1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class WorkItem:
    space: str
    content: str
    material: str = ""
    alteration: str = ""


@dataclass(frozen=True, kw_only=True)
class Installation:
    kind: str
    position: str = ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question about alterations and the paper that a yes makes compulsory."""

    title: Bilingual
    answer: Literal["", "yes", "no"]
    paper: Bilingual | None = None


@dataclass(frozen=True, kw_only=True)
class Opinion:
    step: Bilingual
    verdict: Bilingual
    opinion: str = ""
    name: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Fee:
    title: Bilingual
    amount: Decimal
    received: Decimal


@dataclass(frozen=True, kw_only=True)
class Extension:
    to_day: date
    reason: str


@dataclass(frozen=True, kw_only=True)
class Context:
    """``area`` in m²; ``load_kw`` as printed; ``drawings``: titles and counts of the papers handed in."""

    header: Header
    area: str
    applicant: str
    capacity: Literal["owner", "occupant"]
    phone: str
    mode: Literal["company", "self"]
    contractor: str = ""
    credit_code: str = ""
    qualification: str = ""
    leader: str
    leader_id: str = ""
    leader_phone: str = ""
    fire_officer: str
    extent: Literal["whole", "partial", "refurbishment"]
    works: tuple[WorkItem, ...]
    installs: tuple[Installation, ...] = ()
    questions: tuple[Question, ...]
    load_kw: str = ""
    planned_from: date
    planned_to: date
    days: int
    workers: int
    neighbours: bool
    drawings: tuple[Bilingual, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    conditions: str = ""
    fees: tuple[Fee, ...] = ()
    paid_by: str = ""
    paid_at: datetime | None = None
    permit_no: str = ""
    permit_from: date | None = None
    permit_to: date | None = None
    extensions: tuple[Extension, ...] = ()
    signatures: tuple[Signature, ...]
