"""F14 委托代办服务记录: services the owner entrusts to the centre, and what became of them (forms A7; MI-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Service:
    """One entrusted service; ``fee`` in yuan, zero or None when free."""

    kind: Bilingual
    charge: Literal["", "paid", "free"]
    rate: str = ""
    details: str = ""
    materials: str = ""
    appointment: datetime | None = None
    accepted_by: str
    assigned_to: str = ""
    completed_at: datetime | None = None
    result: str = ""
    fee: Decimal | None = None
    receipt_no: str = ""
    satisfaction: Bilingual | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    principal: str
    mobile: str
    services: tuple[Service, ...]
    signatures: tuple[Signature, ...]
