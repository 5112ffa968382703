"""What the home page shows: work that waits, in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.modules.movein.models import Defect, EntrustedService, MoveInCase
from app.modules.movein.states import CaseState, DefectState, ServiceState

SHOWN = 10


@dataclass(frozen=True)
class Waiting:
    """Open work of the estate: counts by step, the oldest cases, defects by deadline, services by appointment."""

    steps: dict[CaseState, int]
    cases: Sequence[MoveInCase]
    defects: Sequence[Defect]
    services: Sequence[EntrustedService]


def waiting(session: Session, actor: Actor) -> Waiting:
    """What waits for the acting person; lists the person may not read stay empty."""
    closed = (CaseState.COMPLETED, CaseState.WITHDRAWN)
    steps: dict[CaseState, int] = {}
    cases: Sequence[MoveInCase] = ()
    if actor.may("read", "MoveInCase"):
        counts = session.execute(
            select(MoveInCase.state, func.count(MoveInCase.id))
            .where(MoveInCase.state.not_in(closed))
            .group_by(MoveInCase.state)
        )
        steps = {state: count for state, count in counts}  # noqa: C416  (rows type as tuples only when unpacked)
        cases = session.scalars(
            select(MoveInCase)
            .where(MoveInCase.state.not_in(closed))
            .options(joinedload(MoveInCase.unit), joinedload(MoveInCase.owner))
            .order_by(MoveInCase.changed_at.desc())
            .limit(SHOWN)
        ).all()
    defects: Sequence[Defect] = ()
    if actor.may("read", "Defect"):
        defects = session.scalars(
            select(Defect)
            .where(Defect.state != DefectState.VERIFIED)
            .options(joinedload(Defect.unit))
            .order_by(Defect.due_on)
            .limit(SHOWN)
        ).all()
    services: Sequence[EntrustedService] = ()
    if actor.may("read", "EntrustedService"):
        services = session.scalars(
            select(EntrustedService)
            .where(EntrustedService.state == ServiceState.OPEN, EntrustedService.assignee_id == actor.user_id)
            .options(joinedload(EntrustedService.unit))
            .order_by(EntrustedService.appointment_at)
            .limit(SHOWN)
        ).all()
    return Waiting(steps, cases, defects, services)
