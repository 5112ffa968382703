"""抽查记录: a spot check with its draw, samples and findings (MI-12, MI-13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Sample:
    number: int
    label: str
    picked: bool = False
    result: Literal["", "ok", "finding", "not_applicable"] = ""
    note: str = ""
    checked_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    number: str
    sample: int
    category: Bilingual
    severity: Bilingual
    description: str
    responsible: Bilingual
    followed_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    kind: Bilingual
    clause: str
    state: Bilingual
    period_from: date
    period_to: date
    drawn_at: datetime
    drawn_by: str
    population: int
    drawn: int
    picked: int
    seed: str
    digest: str
    questions: tuple[Bilingual, ...]
    samples: tuple[Sample, ...] = ()
    findings: tuple[Finding, ...] = ()
    conclusion: str = ""
    concluded_at: datetime | None = None
    signatures: tuple[Signature, ...]
