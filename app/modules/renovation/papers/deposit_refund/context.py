"""装修押金退还单: deposits, what is set off with its clause, the refund in figures and words (forms C9; RN-12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from app.core.papers.base.context import Bilingual, Signature
from app.modules.renovation.papers.shared.context import Case


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """One deposit in the order in which it is drawn on, in yuan; ``receipt``: of its refund, once there is one."""

    payer: str
    whose: Bilingual
    item: Bilingual
    amount: Decimal
    set_off: Decimal
    refund: Decimal
    receipt: str = ""


@dataclass(frozen=True, kw_only=True)
class Deduction:
    reason: str
    clause: str
    evidence: str
    amount: Decimal


@dataclass(frozen=True, kw_only=True)
class Approval:
    step: Bilingual
    name: str = ""
    at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Context(Case):
    """``passes``: handed back of issued; ``account``: masked; ``claim``: what is owed beyond the deposits."""

    accepted_on: date
    days: int
    passes: str
    open_violations: str = ""
    receipts: str
    deposits: tuple[Deposit, ...]
    deductions: tuple[Deduction, ...] = ()
    deposit: Decimal
    deducted: Decimal
    refund: Decimal
    claim: Decimal
    payee: str
    account: str = ""
    way: Literal["cash", "transfer"]
    identified: bool
    approvals: tuple[Approval, ...]
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if self.deposit != self.deducted + self.refund:
            raise ValueError("what is not set off is refunded")
