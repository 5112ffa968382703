"""装修验收表: one inspection of the finished work, the first or the one after the occupancy period (forms C8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from app.core.papers.base.context import Bilingual, Signature
from app.modules.renovation.papers.shared.context import Case


@dataclass(frozen=True, kw_only=True)
class Point:
    title: Bilingual
    result: Literal["ok", "violation", "not_applicable"]


@dataclass(frozen=True, kw_only=True)
class Context(Case):
    """``photos``: how many were taken. The warranties are known once the work is accepted (Decree 110 art. 32)."""

    requested_at: datetime | None = None
    inspected_at: datetime
    round: Literal["first", "second"]
    points: tuple[Point, ...]
    ponding_record: str = ""
    findings: str = ""
    result: Literal["passed", "failed"]
    photos: int = 0
    warranty_received: bool
    warranty_to: date | None = None
    waterproofing_to: date | None = None
    present: str = ""
    inspector: str
    signatures: tuple[Signature, ...]
