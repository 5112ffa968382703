"""The renovation as a table, from application to archive (RN-01 … RN-13; sources C9, C10)."""

from __future__ import annotations

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.records.base import session_of
from app.core.records.choices import in_language
from app.core.records.clock import bounds_of
from app.core.workflow.table import Ask, Guard, Transition, Wait, Workflow, looks_of, not_own_entry
from app.modules.fees.queries import standing_bills
from app.modules.renovation import effects
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker
from app.modules.renovation.pass_queries import waiting_for_pass
from app.modules.renovation.requirements import missing_of
from app.modules.renovation.set_off import deposits_held
from app.modules.renovation.states import (
    OPEN_VIOLATIONS,
    InspectionResult,
    SettlementState,
    WorkerState,
)
from app.modules.renovation.states import RenovationState as S

WORK, REVIEW, PERMIT = "renovation.case", "renovation.review", "renovation.permit"
OPINION, REASON = Ask("opinion", _l("Opinion")), Ask("reason", _l("Reason"))
REMARK = Ask("opinion", _l("Opinion"), required=False)


def complete(renovation: Renovation, actor: Actor) -> list[str]:
    return [in_language(sentence.zh, sentence.en) for sentence in missing_of(renovation)]


def not_own_submission(renovation: Renovation, actor: Actor) -> str | None:
    """Nobody reviews what they entered or submitted."""
    own = not actor.system and renovation.submitted_by_id == actor.user_id
    sentence = _("You submitted this application yourself; another person has to decide.") if own else None
    return not_own_entry(renovation, actor) or sentence


def bills_paid(renovation: Renovation, actor: Actor) -> str | None:
    bills = standing_bills(session_of(renovation), renovation)
    if not bills:
        return _("No bill has been issued for this renovation yet.")
    owed = [bill.number for bill in bills if bill.open]
    return _("Not paid in full yet: %(bills)s.", bills="、".join(owed)) if owed else None


def workers_verified(renovation: Renovation, actor: Actor) -> str | None:
    waiting = sum(1 for worker in renovation.workers if worker.state == WorkerState.REGISTERED)
    return _("%(count)s workers are not verified yet.", count=waiting) if waiting else None


def passes_issued(renovation: Renovation, actor: Actor) -> str | None:
    if not any(worker.state == WorkerState.VERIFIED for worker in renovation.workers):
        return _("No worker is registered and verified yet.")
    left = [worker.name for worker in waiting_for_pass(renovation)]
    return _("No valid pass yet: %(names)s.", names="、".join(left)) if left else None


def violations_closed(renovation: Renovation, actor: Actor) -> str | None:
    open_ones = [violation.number for violation in renovation.violations if violation.state in OPEN_VIOLATIONS]
    return _("Violations are still open: %(numbers)s.", numbers="、".join(open_ones)) if open_ones else None


def passes_back(holder: Renovation | RenovationWorker, actor: Actor) -> str | None:
    """The crew, or one worker of it, has no pass any more (RN-12)."""
    out = [one.number for one in holder.passes if one.is_out]
    return _("Passes are not handed back yet: %(numbers)s.", numbers="、".join(out)) if out else None


def last_inspection(result: InspectionResult) -> Guard:
    """Guard: the newest inspection since the request ended with ``result``."""

    def guard(renovation: Renovation, actor: Actor) -> str | None:
        newest = renovation.inspections[-1] if renovation.inspections else None
        since = renovation.completion_requested_at
        fits = newest is not None and since is not None and newest.inspected_at >= since and newest.result == result
        return None if fits else _("Enter the completion inspection first.")

    return guard


def settled(renovation: Renovation, actor: Actor) -> str | None:
    """Every deposit was refunded or set off, and no settlement is under way."""
    begun = renovation.settlement is not None and renovation.settlement.state != SettlementState.PAID
    left = begun or deposits_held(session_of(renovation), renovation)
    return _("The deposits are not settled yet.") if left else None


def permit_end(renovation: Renovation) -> datetime | None:
    """24:00 of the permit's last day."""
    day = renovation.permit_to
    return bounds_of(session_of(renovation), renovation.estate_id, day, day)[1] if day else None


def whom_passes_wait_for(renovation: Renovation) -> str:
    """The site administrator while workers are to be registered and verified, then the supervisor (sources C9)."""
    ready = renovation.workers and all(worker.state != WorkerState.REGISTERED for worker in renovation.workers)
    return Role.CS_SUPERVISOR if ready else Role.SITE_ADMINISTRATOR


RENOVATION = Workflow(
    model=Renovation, resource="Renovation", looks=looks_of(S), initial=S.DRAFT, work=WORK,
    waits={
        S.DRAFT: Wait(role=Role.RECEPTIONIST),
        S.RETURNED: Wait(role=Role.RECEPTIONIST, rule=REVIEW, paused=True),
        S.INTAKE: Wait(role=Role.RECEPTIONIST, rule=REVIEW),
        S.TECHNICAL: Wait(role=Role.EQUIPMENT_SUPERVISOR, rule=REVIEW),
        S.APPROVAL: Wait(role=Role.MANAGER, rule=REVIEW),
        S.PAYMENT: Wait(role=Role.CASHIER),
        S.PASSES: Wait(role=whom_passes_wait_for),
        S.UNDER_WAY: Wait(role=Role.SITE_SUPERVISOR, rule=PERMIT, due=permit_end),
        S.SUSPENDED: Wait(role=Role.SITE_SUPERVISOR, rule=PERMIT, due=permit_end),
        S.ACCEPTANCE: Wait(role=Role.SITE_SUPERVISOR, rule="renovation.inspection"),
        S.RECTIFICATION: Wait(role=Role.SITE_SUPERVISOR, rule="renovation.rectification"),
        S.ACCEPTED: Wait(role=Role.CS_SUPERVISOR, rule="renovation.refund"),
        S.SETTLED: Wait(role=Role.DOCUMENT_ADMINISTRATOR, rule="renovation.filing"),
    },
    void=(S.REJECTED, S.WITHDRAWN),
    transitions=(
        Transition(name="submit", title=_l("Submit the application"), sources=(S.DRAFT, S.RETURNED), target=S.INTAKE,
                   verb="submit", needs=(complete,), effect=effects.submit, primary=True),
        Transition(name="pass_intake", title=_l("Papers complete, to technical review"), sources=(S.INTAKE,),
                   target=S.TECHNICAL, verb="check_intake", needs=(complete,), asks=(REMARK,),
                   effect=effects.pass_intake, primary=True),
        Transition(name="return_intake", title=_l("Return for correction"), sources=(S.INTAKE,), target=S.RETURNED,
                   verb="check_intake", asks=(OPINION,), effect=effects.return_intake),
        Transition(name="pass_review", title=_l("No technical objection, to the manager"), sources=(S.TECHNICAL,),
                   target=S.APPROVAL, verb="review", needs=(not_own_submission,), asks=(REMARK,),
                   effect=effects.pass_review, primary=True),
        Transition(name="pass_review_with_conditions", title=_l("To the manager, with conditions"), sources=(S.TECHNICAL,),
                   target=S.APPROVAL, verb="review", needs=(not_own_submission,),
                   asks=(Ask("opinion", _l("Conditions")),), effect=effects.pass_review_with_conditions),
        Transition(name="return_review", title=_l("Return for correction"), sources=(S.TECHNICAL,), target=S.RETURNED,
                   verb="review", needs=(not_own_submission,), asks=(OPINION,), effect=effects.return_review),
        Transition(name="approve", title=_l("Approve"), sources=(S.APPROVAL,), target=S.PAYMENT, verb="decide",
                   needs=(not_own_submission,), asks=(REMARK,), effect=effects.approve, primary=True),
        Transition(name="approve_with_conditions", title=_l("Approve with conditions"), sources=(S.APPROVAL,),
                   target=S.PAYMENT, verb="decide", needs=(not_own_submission,),
                   asks=(Ask("opinion", _l("Conditions")),), effect=effects.approve_with_conditions),
        Transition(name="return_approval", title=_l("Return for correction"), sources=(S.APPROVAL,), target=S.RETURNED,
                   verb="decide", needs=(not_own_submission,), asks=(OPINION,), effect=effects.return_approval),
        Transition(name="reject", title=_l("Reject"), sources=(S.APPROVAL,), target=S.REJECTED, verb="decide",
                   needs=(not_own_submission,), asks=(OPINION,), effect=effects.reject, danger=True),
        Transition(name="confirm_payment", title=_l("Confirm the payment"), sources=(S.PAYMENT,), target=S.PASSES,
                   verb="confirm_payment", needs=(bills_paid,), effect=effects.confirm_payment, primary=True),
        Transition(name="begin", title=_l("Work may begin"), sources=(S.PASSES,), target=S.UNDER_WAY, verb="permit",
                   needs=(workers_verified, passes_issued), effect=effects.begin, primary=True),
        Transition(name="stop", title=_l("Stop the work"), sources=(S.UNDER_WAY,), target=S.SUSPENDED, verb="stop",
                   asks=(REASON,), effect=effects.stop, danger=True),
        Transition(name="resume", title=_l("Let the work go on"), sources=(S.SUSPENDED,), target=S.UNDER_WAY,
                   verb="resume", needs=(violations_closed,), asks=(REASON,), primary=True),
        Transition(name="request_acceptance", title=_l("Finished, request the acceptance"),
                   sources=(S.UNDER_WAY, S.RECTIFICATION), target=S.ACCEPTANCE, verb="request_acceptance",
                   effect=effects.request_acceptance),
        Transition(name="accept", title=_l("Accept the renovation"), sources=(S.ACCEPTANCE,), target=S.ACCEPTED,
                   verb="inspect", needs=(last_inspection(InspectionResult.PASSED), passes_back, violations_closed),
                   effect=effects.accept, primary=True),
        Transition(name="fail", title=_l("Not right yet, to be rectified"), sources=(S.ACCEPTANCE,),
                   target=S.RECTIFICATION, verb="inspect", needs=(last_inspection(InspectionResult.FAILED),)),
        Transition(name="settle", title=_l("Everything is settled"), sources=(S.ACCEPTED,), target=S.SETTLED,
                   verb="file", needs=(settled,), primary=True),
        Transition(name="archive", title=_l("File it"), sources=(S.SETTLED,), target=S.ARCHIVED, verb="file", primary=True),
        Transition(name="withdraw", title=_l("Withdraw the application"),
                   sources=(S.DRAFT, S.RETURNED, S.INTAKE, S.TECHNICAL, S.APPROVAL, S.PAYMENT, S.PASSES), target=S.WITHDRAWN,
                   verb="withdraw", needs=(passes_back,), asks=(REASON,), effect=effects.withdraw, danger=True),
    ),
)  # fmt: skip
