"""缴费通知单: what is due, for which period, by when and how to pay (forms E2; MI-06)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class NoticeLine:
    """One item due in yuan: ``receivable`` less ``paid`` is the line's amount due."""

    item: Bilingual
    period_from: date | None = None
    period_to: date | None = None
    basis: str = ""
    receivable: Decimal
    paid: Decimal = Decimal(0)

    @property
    def due(self) -> Decimal:
        return self.receivable - self.paid


@dataclass(frozen=True, kw_only=True)
class Context:
    """``account``: account name, bank and number to pay into. ``pay_url`` becomes the e-payment code when given."""

    header: Header
    addressee: str
    lines: tuple[NoticeLine, ...]
    due_on: date
    ways: tuple[Bilingual, ...]
    account: str = ""
    pay_url: str = ""
    contact: str
    phone: str
    signature: Signature

    @property
    def total(self) -> Decimal:
        return sum((line.due for line in self.lines), Decimal(0))
