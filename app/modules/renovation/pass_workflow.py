"""Workers and temporary passes as tables (RN-06, RN-08, RN-12; sources C9)."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.records.base import session_of
from app.core.records.clock import estate_today
from app.core.workflow.table import Ask, Transition, Wait, Workflow, looks_of, not_own_entry
from app.modules.renovation import pass_effects as effects
from app.modules.renovation.effects import WORKER_WORK
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
from app.modules.renovation.pass_queries import RULE
from app.modules.renovation.states import CERTIFIED, OUT, WorkerState
from app.modules.renovation.states import PassState as P
from app.modules.renovation.workflow import REASON, passes_back


def identified(worker: RenovationWorker, actor: Actor) -> list[str]:
    """What the site administrator must have seen before they verify somebody (RN-06)."""
    lacking = []
    if not worker.id_no:
        lacking.append(_("The number of the identity document is not entered yet."))
    if worker.photo_id is None:
        lacking.append(_("There is no photo of the worker yet."))
    if worker.trade in CERTIFIED and not worker.certificate_no:
        lacking.append(_("This trade needs a special-trade certificate; its number is not entered yet."))
    today = estate_today(session_of(worker), worker.estate_id)
    if worker.certificate_no and (worker.certificate_until is None or worker.certificate_until < today):
        lacking.append(_("The special-trade certificate is not in force."))
    return lacking


WORKER = Workflow(
    model=RenovationWorker, resource="RenovationWorker", looks=looks_of(WorkerState), initial=WorkerState.REGISTERED,
    work=WORKER_WORK,
    waits={WorkerState.REGISTERED: Wait(role=Role.SITE_ADMINISTRATOR)},
    transitions=(
        Transition(name="verify", title=_l("Verified: document, photo and certificate fit"), sources=(WorkerState.REGISTERED,),
                   target=WorkerState.VERIFIED, verb="verify", needs=(not_own_entry, identified),
                   asks=(Ask("remark", _l("Note"), required=False),), effect=effects.verify, primary=True),
        Transition(name="refuse", title=_l("Refuse"), sources=(WorkerState.REGISTERED,), target=WorkerState.REFUSED,
                   verb="verify", needs=(not_own_entry,), asks=(Ask("remark", _l("Reason")),), effect=effects.verify,
                   danger=True),
        Transition(name="leave", title=_l("Left the site"), sources=(WorkerState.VERIFIED,), target=WorkerState.LEFT,
                   verb="update", needs=(passes_back,), effect=effects.leave),
    ),
)  # fmt: skip

PASS = Workflow(
    model=TemporaryPass, resource="TemporaryPass", looks=looks_of(P), initial=P.VALID, work="renovation.pass",
    waits={
        P.VALID: Wait(role=Role.SITE_ADMINISTRATOR, rule=RULE, due=effects.end_of_pass, lapse="expire"),
        P.EXPIRED: Wait(role=Role.SITE_ADMINISTRATOR, rule="renovation.pass_return"),
        P.REVOKED: Wait(role=Role.SITE_ADMINISTRATOR, rule="renovation.pass_return"),
    },
    void=(P.REPLACED, P.LOST),
    transitions=(
        Transition(name="take_back", title=_l("Handed back"), sources=OUT, target=P.RETURNED, verb="take_back",
                   asks=(Ask("condition", _l("Condition")),), effect=effects.take_back, primary=True),
        Transition(name="report_lost", title=_l("Report as lost"), sources=(P.VALID, P.EXPIRED), target=P.LOST,
                   verb="report_lost", asks=(REASON,), effect=effects.end, danger=True),
        Transition(name="revoke", title=_l("Revoke the pass"), sources=(P.VALID,), target=P.REVOKED, verb="revoke",
                   asks=(REASON,), effect=effects.end, danger=True),
        Transition(name="expire", title=_l("Expire"), sources=(P.VALID,), target=P.EXPIRED, verb="expire"),
        Transition(name="replace", title=_l("Replaced by a new pass"), sources=(P.VALID, P.EXPIRED), target=P.REPLACED,
                   verb="replace"),
    ),
)  # fmt: skip
