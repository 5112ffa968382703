"""How deductions are set off against deposits: the company's first, then the owner's; the rest stays a claim (forms C9)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy.orm import Session

from app.core.records.amounts import money
from app.modules.fees.models import BillLine
from app.modules.fees.queries import standing_bills
from app.modules.fees.states import FeeKind
from app.modules.renovation.completion_models import RenovationSettlement
from app.modules.renovation.models import Renovation


@dataclass(frozen=True, kw_only=True)
class Share:
    """What becomes of one deposit, in yuan: ``deposit`` = ``set_off`` + ``refund``. ``company``: not the applicant's."""

    line: BillLine
    payer: str
    company: bool
    deposit: Decimal
    set_off: Decimal

    @property
    def refund(self) -> Decimal:
        return self.deposit - self.set_off


def _deposits(session: Session, renovation: Renovation) -> list[BillLine]:
    """Deposits on the renovation's bills that were paid, refunded ones too."""
    lines = (line for bill in standing_bills(session, renovation) for line in bill.lines)
    return [line for line in lines if line.kind == FeeKind.DEPOSIT and line.received > 0]


def deposits_held(session: Session, renovation: Renovation) -> list[BillLine]:
    """Deposits that were paid and not refunded yet, in the order in which they are drawn on."""
    lines = [line for line in _deposits(session, renovation) if line.refund is None]
    return sorted(lines, key=lambda line: (line.bill.payer_id == renovation.applicant_id, line.id))


def shares_of(session: Session, settlement: RenovationSettlement) -> list[Share]:
    """What becomes of each deposit; of a settlement that was paid, what did become of it."""
    if settlement.paid_at is None:
        return planned_shares(session, settlement)
    renovation = settlement.renovation
    refunds = [line.refund for line in _deposits(session, renovation) if line.refund]
    refunds.sort(key=lambda refund: refund.id)
    return [_share(renovation, refund.line, refund.withheld) for refund in refunds]


def planned_shares(session: Session, settlement: RenovationSettlement) -> list[Share]:
    """How the deductions fall on the deposits that are still held."""
    renovation, left = settlement.renovation, settlement.deducted
    shares = []
    for line in deposits_held(session, renovation):
        share = _share(renovation, line, min(left, line.received))
        left -= share.set_off
        shares.append(share)
    return shares


def _share(renovation: Renovation, line: BillLine, set_off: Decimal) -> Share:
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
