"""The settlement of deposits as a table (RN-12; forms C9): supervisor, manager, cashier."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.records.base import session_of
from app.core.workflow.table import Transition, Wait, Workflow, looks_of, not_own_entry
from app.modules.renovation import settlement_effects as effects
from app.modules.renovation.completion_models import RenovationSettlement
from app.modules.renovation.set_off import held
from app.modules.renovation.states import SettlementState as S
from app.modules.renovation.workflow import REASON


def payee_identified(settlement: RenovationSettlement, actor: Actor) -> str | None:
    return None if settlement.id_checked else _("Check the payee's identity first.")


def deposits_unchanged(settlement: RenovationSettlement, actor: Actor) -> str | None:
    """What was approved is still what lies on the bills."""
    same = held(session_of(settlement), settlement.renovation) == settlement.deposit
    return None if same else _("The deposits on the bills have changed; have the settlement sent back first.")


def not_checked_by_me(settlement: RenovationSettlement, actor: Actor) -> str | None:
    own = not actor.system and settlement.checked_by_id == actor.user_id
    return _("You checked this settlement yourself; another person approves it.") if own else None


SETTLEMENT = Workflow(
    model=RenovationSettlement, resource="RenovationSettlement", looks=looks_of(S), initial=S.DRAFT,
    work="renovation.settlement",
    waits={
        S.DRAFT: Wait(role=Role.CS_SUPERVISOR),
        S.CHECKED: Wait(role=Role.MANAGER),
        S.APPROVED: Wait(role=Role.CASHIER),
    },
    transitions=(
        Transition(name="check", title=_l("Checked, to the manager"), sources=(S.DRAFT,), target=S.CHECKED, verb="check",
                   effect=effects.check, primary=True),
        Transition(name="approve", title=_l("Approve the refund"), sources=(S.CHECKED,), target=S.APPROVED, verb="approve",
                   needs=(not_own_entry, not_checked_by_me), effect=effects.approve, primary=True),
        Transition(name="send_back", title=_l("Back to the supervisor"), sources=(S.CHECKED, S.APPROVED), target=S.DRAFT,
                   verb="approve", asks=(REASON,), effect=effects.send_back),
        Transition(name="pay", title=_l("Refunded"), sources=(S.APPROVED,), target=S.PAID, verb="pay",
                   needs=(payee_identified, deposits_unchanged), effect=effects.pay, primary=True),
    ),
)  # fmt: skip
