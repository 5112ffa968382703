"""F16 入伙通知书: the developer invites the owner to take the unit over (forms A9; MI-05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class NoticeFee:
    """A fee to settle on the day; ``basis`` says how it was worked out, ``amount`` in yuan (None = as charged then)."""

    item: Bilingual
    basis: str = ""
    amount: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    addressee: str
    address: str = ""
    handover_from: date
    handover_to: date
    hours: str = ""
    place: Bilingual
    documents: tuple[Bilingual, ...]
    fees: tuple[NoticeFee, ...] = ()
    contact: str
    phone: str
    signature: Signature

    @property
    def total(self) -> Decimal:
        return sum((fee.amount for fee in self.fees if fee.amount), Decimal(0))
