"""Violations as a table: notice, service, re-check, report to the authority (RN-10; forms C6; Decree 110 art. 17)."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.records.base import now
from app.core.workflow.table import Ask, Transition, Wait, Workflow, looks_of
from app.modules.renovation import violation_effects as effects
from app.modules.renovation.site_models import RenovationViolation
from app.modules.renovation.states import Delivery
from app.modules.renovation.states import ViolationState as V

RULE = WORK = "renovation.violation"
REPORT_RULE = "renovation.report"


def time_is_left(violation: RenovationViolation, actor: Actor) -> str | None:
    """A notice whose deadline went by before anybody got it gives nobody a chance to rectify."""
    late = violation.due_at <= now()
    return _("The deadline has gone by already; give the notice another one first.") if late else None


VIOLATION = Workflow(
    model=RenovationViolation, resource="RenovationViolation", looks=looks_of(V), initial=V.ISSUED, work=WORK,
    waits={
        V.ISSUED: Wait(role=Role.SITE_ADMINISTRATOR, rule="renovation.serve"),
        V.SERVED: Wait(role=Role.SITE_ADMINISTRATOR, rule=RULE, due=lambda violation: violation.due_at, lapse="lapse"),
        V.OVERDUE: Wait(role=Role.MANAGER, rule=REPORT_RULE),
        V.REPORTED: Wait(role=Role.SITE_ADMINISTRATOR, rule="renovation.recheck"),
    },
    void=(V.WITHDRAWN,),
    transitions=(
        Transition(name="serve", title=_l("Served on the owner or the site"), sources=(V.ISSUED,), target=V.SERVED,
                   verb="serve", needs=(time_is_left,), effect=effects.serve, primary=True,
                   asks=(Ask("method", _l("Way of service"), choices=Delivery),
                         Ask("receiver", _l("Served on"), required=False))),
        Transition(name="clear", title=_l("Re-checked and cleared"), sources=(V.SERVED, V.OVERDUE, V.REPORTED),
                   target=V.CLEARED, verb="recheck", asks=(Ask("remark", _l("Result of the re-check")),), effect=effects.clear,
                   primary=True),
        Transition(name="refuse", title=_l("Re-checked: not rectified"), sources=(V.SERVED,), target=V.OVERDUE,
                   verb="recheck", asks=(Ask("remark", _l("Result of the re-check")),), effect=effects.refuse),
        Transition(name="lapse", title=_l("The deadline has passed"), sources=(V.SERVED,), target=V.OVERDUE, verb="lapse",
                   effect=effects.lapsed),
        Transition(name="report", title=_l("Reported to the authority"), sources=(V.SERVED, V.OVERDUE), target=V.REPORTED,
                   verb="report", asks=(Ask("authority", _l("Authority")), Ask("receipt", _l("Receipt no."), required=False)),
                   effect=effects.report),
        Transition(name="withdraw", title=_l("Withdraw the notice"), sources=(V.ISSUED, V.SERVED, V.OVERDUE),
                   target=V.WITHDRAWN, verb="withdraw", asks=(Ask("reason", _l("Reason")),), effect=effects.withdraw, danger=True),
    ),
)  # fmt: skip
