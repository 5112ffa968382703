"""What the transitions of a settlement do besides changing its state."""

from __future__ import annotations

from app.core.access.actor import Actor
from app.core.clocks import services as clocks
from app.core.records.base import now, session_of
from app.modules.fees.services import refund_deposit
from app.modules.fees.states import PaymentMethod
from app.modules.renovation.completion_models import RenovationSettlement
from app.modules.renovation.set_off import planned_shares, reckon
from app.modules.renovation.workflow import WORK as CASE_WORK

REFUND_RULE = "renovation.refund"


def check(settlement: RenovationSettlement, *, actor: Actor) -> None:
    """The deposits count as they are on the bills at this moment."""
    reckon(session_of(settlement), settlement)
    settlement.checked_at, settlement.checked_by_id, settlement.checked_by_name = now(), actor.user_id, actor.name


def approve(settlement: RenovationSettlement, *, actor: Actor) -> None:
    settlement.approved_at, settlement.approved_by_id, settlement.approved_by_name = now(), actor.user_id, actor.name


def send_back(settlement: RenovationSettlement, *, actor: Actor, reason: str) -> None:
    """What was checked and approved no longer counts; the history tells of it."""
    settlement.checked_at = settlement.checked_by_id = settlement.approved_at = settlement.approved_by_id = None
    settlement.checked_by_name = settlement.approved_by_name = ""


def pay(settlement: RenovationSettlement, *, actor: Actor) -> None:
    """Every deposit ends on its bill: paid back, less its part of what is set off; the clock of the refund is met."""
    settlement.paid_at, settlement.paid_by_id, settlement.paid_by_name = now(), actor.user_id, actor.name
    session, renovation = session_of(settlement), settlement.renovation
    method = PaymentMethod.TRANSFER if settlement.payee_account else PaymentMethod.CASH
    reasons = "；".join(f"{line.reason}（{line.clause}）" for line in settlement.deductions)
    for share in planned_shares(session, settlement):
        refund_deposit(
            session, share.line, withheld=share.set_off, method=method, payee_name=settlement.payee_name,
            reason=f"{settlement.number} {reasons}".strip(), actor=actor,
        )  # fmt: skip
    item = clocks.work_of(session, renovation, CASE_WORK)
    if item is not None:
        clocks.meet(session, item, REFUND_RULE)
