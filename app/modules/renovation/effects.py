"""What the transitions of a renovation do besides changing its state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.clocks import services as clocks
from app.core.messages.services import notify
from app.core.records.base import now, session_of
from app.core.records.clock import estate_today
from app.core.records.numbering import next_number
from app.modules.fees.services import period_end
from app.modules.renovation.models import Renovation, RenovationDecision
from app.modules.renovation.states import Step, Verdict

KEPT_AFTER = timedelta(days=180)
"""How long ID number and photo of a worker are kept after the renovation ended (sources C24)."""
COPY_WORK = COPY_RULE = "renovation.copy"
WORKER_WORK = "renovation.worker"
WARRANTY_MONTHS, WATERPROOFING_MONTHS = 24, 60
"""Least warranty of a renovation and of waterproofing, from acceptance (Decree 110 art. 32)."""


def submit(renovation: Renovation, *, actor: Actor) -> None:
    """A new submission begins the reviews anew; the opinions of the last one stay."""
    renovation.submitted_at, renovation.submitted_by_id = now(), actor.user_id
    renovation.reviewed_at = renovation.reviewed_by_id = None
    renovation.conditions = ""


def _decided(step: Step, verdict: Verdict, then: Callable[[Renovation, Actor, str], None] | None = None) -> Any:
    def effect(renovation: Renovation, *, actor: Actor, opinion: str = "") -> None:
        renovation.decisions.append(
            RenovationDecision(
                estate_id=renovation.estate_id, step=step, verdict=verdict, opinion=opinion, decided_at=now(),
                decided_by_id=actor.user_id, decided_by_name=actor.name,
            )
        )  # fmt: skip
        if then:
            then(renovation, actor, opinion)

    return effect


def _reviewed(renovation: Renovation, actor: Actor, opinion: str) -> None:
    renovation.reviewed_at, renovation.reviewed_by_id = now(), actor.user_id


def _approved(renovation: Renovation, actor: Actor, opinion: str) -> None:
    renovation.approved_at, renovation.approved_by_id = now(), actor.user_id
    _to_be_delivered(renovation)


def _approved_with_conditions(renovation: Renovation, actor: Actor, opinion: str) -> None:
    renovation.conditions = opinion
    _approved(renovation, actor, opinion)


def _rejected(renovation: Renovation, actor: Actor, opinion: str) -> None:
    _to_be_delivered(renovation)
    _let_workers_go(renovation)


def _to_be_delivered(renovation: Renovation) -> None:
    """The owner gets the decision on the next day (RN-04)."""
    session = session_of(renovation)
    session.flush()
    item = clocks.open_work(session, renovation, COPY_WORK, step="deliver", role=Role.RECEPTIONIST)
    clocks.start(session, item, COPY_RULE)


pass_intake = _decided(Step.INTAKE, Verdict.APPROVE)
return_intake = _decided(Step.INTAKE, Verdict.RETURN)
pass_review = _decided(Step.TECHNICAL, Verdict.APPROVE, _reviewed)
pass_review_with_conditions = _decided(Step.TECHNICAL, Verdict.CONDITIONS, _reviewed)
return_review = _decided(Step.TECHNICAL, Verdict.RETURN)
approve = _decided(Step.APPROVAL, Verdict.APPROVE, _approved)
approve_with_conditions = _decided(Step.APPROVAL, Verdict.CONDITIONS, _approved_with_conditions)
return_approval = _decided(Step.APPROVAL, Verdict.RETURN)
reject = _decided(Step.APPROVAL, Verdict.REJECT, _rejected)


def confirm_payment(renovation: Renovation, *, actor: Actor) -> None:
    """The cashier's signature on the application (RN-07); the permit gets its number and its days."""
    session = session_of(renovation)
    today = estate_today(session, renovation.estate_id)
    renovation.paid_at, renovation.paid_by_name = now(), actor.name
    first, last = permit_days(renovation, today)
    renovation.permit_no = next_number(session, renovation.estate_id, "RP", today.year)
    renovation.permit_from, renovation.permit_to = first, last


def permit_days(renovation: Renovation, today: date) -> tuple[date, date]:
    """The planned days; of a start that has gone by, as many days from today."""
    first = max(renovation.planned_from, today)
    return first, max(renovation.planned_to, first + (renovation.planned_to - renovation.planned_from))


def begin(renovation: Renovation, *, actor: Actor) -> None:
    """The site supervisor learns that there is a new site (RN-08)."""
    renovation.started_at = renovation.started_at or now()
    session = session_of(renovation)
    notify(
        session, "renovation.begun", renovation, roles=[Role.SITE_SUPERVISOR, Role.SITE_ADMINISTRATOR, Role.SECURITY],
        unit=renovation.unit.code, day=str(renovation.permit_to),
    )  # fmt: skip


def stop(renovation: Renovation, *, actor: Actor, reason: str) -> None:
    session = session_of(renovation)
    roles = [Role.MANAGER, Role.CS_SUPERVISOR, Role.SECURITY]
    notify(session, "renovation.stopped", renovation, roles=roles, unit=renovation.unit.code, reason=reason)


def request_acceptance(renovation: Renovation, *, actor: Actor) -> None:
    renovation.completion_requested_at = now()


def accept(renovation: Renovation, *, actor: Actor) -> None:
    """From this day the warranties run (Decree 110 art. 32)."""
    day = estate_today(session_of(renovation), renovation.estate_id)
    renovation.accepted_on = day
    renovation.warranty_to = period_end(day + timedelta(days=1), WARRANTY_MONTHS)
    renovation.waterproofing_to = period_end(day + timedelta(days=1), WATERPROOFING_MONTHS)
    _let_workers_go(renovation)


def withdraw(renovation: Renovation, *, actor: Actor, reason: str) -> None:
    """Nobody waits any more for the copy of a decision that an application without a future had."""
    clocks.close_work(session_of(renovation), renovation, COPY_WORK, void=True)
    _let_workers_go(renovation)


def _let_workers_go(renovation: Renovation) -> None:
    """Nobody waits to verify a worker any more; number and photo go in time, of a refused one when that was said."""
    session = session_of(renovation)
    last_day = estate_today(session, renovation.estate_id) + KEPT_AFTER
    for worker in renovation.workers:
        worker.keep_until = worker.keep_until or last_day
        clocks.close_work(session, worker, WORKER_WORK, void=True)
