"""F29 临时出入证发放与收回登记: all passes of a renovation, with what was paid for them (forms C3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Line:
    number: str
    name: str
    trade: Bilingual
    kind: Bilingual
    follows: str = ""
    valid_from: date
    valid_to: date
    issued_at: datetime
    issued_by: str
    received_by: str
    state: Bilingual
    reason: str = ""
    returned_at: datetime | None = None
    condition: str = ""
    security_told_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Fee:
    """What was charged for passes; ``receipts``: numbers of the receipts for it."""

    title: Bilingual
    receivable: Decimal
    received: Decimal
    receipts: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    renovation_no: str
    company: str
    permit_no: str
    permit_from: date
    permit_to: date
    passes: tuple[Line, ...] = ()
    out: int
    fees: tuple[Fee, ...] = ()
    signatures: tuple[Signature, ...]
