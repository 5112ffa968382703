"""The kinds of work of a renovation in the queue, and what people hear of it."""

from flask_babel import lazy_gettext as _l

from app.core.clocks.kinds import WorkCommand, WorkKind
from app.core.messages.kinds import MessageEvent
from app.core.workflow.table import Ask
from app.modules.renovation.completion import SECOND_WORK
from app.modules.renovation.completion_models import RenovationSettlement
from app.modules.renovation.effects import COPY_WORK
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
from app.modules.renovation.pass_workflow import PASS, WORKER
from app.modules.renovation.services import awaits_copy, hand_copy
from app.modules.renovation.settlement_workflow import SETTLEMENT
from app.modules.renovation.site_models import RenovationViolation
from app.modules.renovation.violation_workflow import VIOLATION

WORKFLOWS = (WORKER, PASS, VIOLATION, SETTLEMENT)

WORK = (
    WorkKind(
        code=COPY_WORK, title=_l("Decision for the owner"), resource="Renovation", model=Renovation, icon="mail",
        commands=(
            WorkCommand(
                name="deliver", title=_l("Handed to the owner"), verb="deliver", resource="Renovation", primary=True,
                when=awaits_copy, run=hand_copy,
                asks=(Ask("receiver", _l("Received by")),),
            ),
        ),
    ),
    WorkKind(
        code=WORKER.work, title=_l("Worker to be verified"), resource="RenovationWorker", model=RenovationWorker,
        icon="user", label=lambda worker: f"{worker.renovation.number} · {worker.name}",
    ),
    WorkKind(
        code=PASS.work, title=_l("Temporary pass"), resource="TemporaryPass", model=TemporaryPass, icon="id",
        label=lambda one: f"{one.number} · {one.worker.name}",
    ),
    WorkKind(
        code=VIOLATION.work, title=_l("Violation"), resource="RenovationViolation", model=RenovationViolation,
        icon="alert-triangle", label=lambda violation: f"{violation.number} · {violation.code.code}",
    ),
    WorkKind(
        code=SECOND_WORK, title=_l("Second inspection"), resource="Renovation", model=Renovation, icon="home-check",
        steps={"inspect": _l("Inspect after the occupancy period")},
    ),
    WorkKind(
        code=SETTLEMENT.work, title=_l("Settlement of deposits"), resource="RenovationSettlement",
        model=RenovationSettlement, icon="cash",
    ),
)  # fmt: skip

EVENTS = (
    MessageEvent(
        code="renovation.begun", title=_l("A renovation begins"),
        sentence=_l("Work may begin in unit %(unit)s (%(label)s) until %(day)s."),
    ),
    MessageEvent(
        code="renovation.stopped", title=_l("A renovation was stopped"),
        sentence=_l("%(actor)s stopped the work in unit %(unit)s (%(label)s): %(reason)s"),
    ),
    MessageEvent(
        code="renovation.pass_returned", title=_l("A temporary pass was handed back"),
        sentence=_l("The pass %(label)s of %(worker)s for unit %(unit)s is back; it no longer opens the gate."),
    ),
    MessageEvent(
        code="renovation.pass_ended", title=_l("A temporary pass was revoked or lost"),
        sentence=_l("The pass %(label)s of %(worker)s for unit %(unit)s is no longer valid: %(reason)s"),
    ),
    MessageEvent(
        code="renovation.violation_overdue", title=_l("A violation was not rectified in time"),
        sentence=_l("The violation %(label)s in unit %(unit)s was not rectified in time; it is to be reported."),
    ),
)  # fmt: skip
