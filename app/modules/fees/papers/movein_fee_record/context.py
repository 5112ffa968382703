"""F15 入伙收费记录: what was charged and received at a move-in (forms A8; MI-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class FeeLine:
    """One fee item in yuan; ``basis`` reads like ``89.32 m² × ¥2.80 × 3``. ``kind``: income, on behalf, deposit …"""

    item: Bilingual
    kind: Bilingual
    basis: str
    period_from: date | None = None
    period_to: date | None = None
    amount: Decimal
    discount: Decimal = Decimal(0)
    receivable: Decimal
    received: Decimal
    method: Bilingual | None = None
    receipt_no: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    payer: str
    capacity: Bilingual | None = None
    gfa: Decimal | None = None
    cashier: str
    paid_on: date | None = None
    lines: tuple[FeeLine, ...]
    signatures: tuple[Signature, ...]

    @property
    def receivable(self) -> Decimal:
        return sum((line.receivable for line in self.lines), Decimal(0))

    @property
    def received(self) -> Decimal:
        return sum((line.received for line in self.lines), Decimal(0))
