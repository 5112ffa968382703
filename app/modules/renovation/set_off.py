"""How deductions are set off against deposits: the company's first, then the owner's; the rest stays a claim (forms C9)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from app.core.records.amounts import money
from app.modules.renovation.completion_models import RenovationSettlement
from app.modules.renovation.effects import deposits_of
from app.modules.renovation.models import Renovation


@dataclass(frozen=True, kw_only=True)
class Share:
    """What becomes of one deposit, in yuan: ``deposit`` = ``set_off`` + ``refund``. ``company``: not the applicant's."""

    line: Any
    payer: str
    company: bool
    deposit: Decimal
    set_off: Decimal

    @property
    def refund(self) -> Decimal:
        return self.deposit - self.set_off


def deposits_held(session: Session, renovation: Renovation) -> Sequence[Any]:
    """Lines of deposits that were paid and not refunded yet, in the order in which they are drawn on."""
    lines = [line for line in deposits_of(session, renovation) if line.refund is None]
    return sorted(lines, key=lambda line: (line.bill.payer_id == renovation.applicant_id, line.id))


def shares_of(session: Session, settlement: RenovationSettlement) -> list[Share]:
    """What becomes of each deposit; of a settlement that was paid, what did become of it."""
    if settlement.paid_at is None:
        return planned_shares(session, settlement)
    renovation = settlement.renovation
    ended = [line for line in deposits_of(session, renovation) if line.refund]
    ended.sort(key=lambda line: line.refund.id)
    return [_share(renovation, line, line.refund.withheld) for line in ended]


def planned_shares(session: Session, settlement: RenovationSettlement) -> list[Share]:
    """How the deductions fall on the deposits that are still held."""
    renovation, left = settlement.renovation, settlement.deducted
    shares = []
    for line in deposits_held(session, renovation):
        share = _share(renovation, line, min(left, line.received))
        left -= share.set_off
        shares.append(share)
    return shares


def _share(renovation: Renovation, line: Any, set_off: Decimal) -> Share:
    bill = line.bill
    return Share(
        line=line, payer=bill.payer_name, company=bill.payer_id != renovation.applicant_id,
        deposit=money(line.received), set_off=money(set_off),
    )  # fmt: skip


def held(session: Session, renovation: Renovation) -> Decimal:
    """The deposits not refunded yet, in yuan."""
    return money(sum((line.received for line in deposits_held(session, renovation)), Decimal(0)))


def reckon(session: Session, settlement: RenovationSettlement) -> None:
    """Deposits as they are on the bills now, deductions, and what is left for the one or the other side."""
    owed = money(sum((line.amount for line in settlement.deductions), Decimal(0)))
    settlement.deposit = held(session, settlement.renovation)
    settlement.deducted = min(owed, settlement.deposit)
    settlement.refund = settlement.deposit - settlement.deducted
    settlement.claim = owed - settlement.deducted
