"""What the transitions of workers and passes do besides changing the state."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.messages.services import notify
from app.core.records.base import now, session_of
from app.core.records.clock import bounds_of, estate_today
from app.modules.renovation.effects import KEPT_AFTER
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
from app.modules.renovation.states import WorkerState
from app.modules.renovation.workflow import RENOVATION


def verify(worker: RenovationWorker, *, actor: Actor, remark: str) -> None:
    """Verified or refused; the renovation waits for the next one then, and a refused worker is forgotten in time."""
    worker.verified_at, worker.verified_by_id, worker.verified_by_name = now(), actor.user_id, actor.name
    worker.verdict_note = remark[:300]
    if worker.state == WorkerState.REFUSED:
        worker.keep_until = estate_today(session_of(worker), worker.estate_id) + KEPT_AFTER
    RENOVATION.follow(session_of(worker), worker.renovation)


def leave(worker: RenovationWorker, *, actor: Actor) -> None:
    worker.left_on = estate_today(session_of(worker), worker.estate_id)
    RENOVATION.follow(session_of(worker), worker.renovation)


def end_of_pass(one: TemporaryPass) -> datetime:
    """24:00 of the pass's last day."""
    return bounds_of(session_of(one), one.estate_id, one.valid_to, one.valid_to)[1]


def take_back(one: TemporaryPass, *, actor: Actor, condition: str) -> None:
    """Security learns that the pass no longer opens the gate (RN-12)."""
    one.returned_at, one.condition = now(), condition[:200]
    tell_security(one, "renovation.pass_returned")


def end(one: TemporaryPass, *, actor: Actor, reason: str) -> None:
    one.end_reason = reason[:300]
    tell_security(one, "renovation.pass_ended", reason=reason)


def tell_security(one: TemporaryPass, event: str, **values: Any) -> None:
    """Tell the gate what became of a pass, and note that it was told."""
    one.security_told_at = now()
    notify(session_of(one), event, one, roles=[Role.SECURITY], unit=one.unit.code, worker=one.worker.name, **values)
