"""收据: money received, in figures and in words (forms E2; MI-06).

A receipt is never deleted: it is voided, or reversed by another receipt of the same series with negative amounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class ReceiptLine:
    """One item received, in yuan; negative on a reversal."""

    item: Bilingual
    period_from: date | None = None
    period_to: date | None = None
    amount: Decimal
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    """``reverses`` names the receipt this one reverses; ``void`` prints the void mark with ``void_reason``."""

    header: Header
    payer: str
    lines: tuple[ReceiptLine, ...]
    method: Bilingual
    reference: str = ""
    received_at: datetime
    cashier: str
    reverses: str = ""
    reversal_reason: str = ""
    void: bool = False
    void_reason: str = ""
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if any((line.amount < 0) != bool(self.reverses) for line in self.lines if line.amount):
            raise ValueError("amounts are negative on a reversal and on nothing else")

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal(0))
