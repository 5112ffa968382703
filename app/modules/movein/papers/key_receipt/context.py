"""F13 钥匙领取签收表: keys handed over after acceptance, and those left in custody (forms A5, A6; MI-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Key:
    """One line of keys or cards; ``deposit`` in yuan for the whole line."""

    kind: Bilingual
    number: str = ""
    quantity: int
    deposit: Decimal | None = None
    collected_at: datetime | None = None
    issued_by: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Custody:
    """Keys the owner leaves with the centre: why, until when, and on which condition they may be given out."""

    kind: Bilingual
    quantity: int
    reason: str
    until: date | None = None
    release_condition: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    """``conclusion`` is that of the acceptance form named; keys are not signed for before there is one."""

    header: Header
    recipient: str
    recipient_id: str
    authorisation_no: str = ""
    inspection_no: str
    conclusion: Literal["accepted", "accepted_with_defects"]
    fees_settled: bool
    keys: tuple[Key, ...]
    custody: tuple[Custody, ...] = ()
    signatures: tuple[Signature, ...]

    @property
    def quantity(self) -> int:
        return sum(key.quantity for key in self.keys)

    @property
    def deposit(self) -> Decimal:
        return sum((key.deposit for key in self.keys if key.deposit), Decimal(0))
