"""The manager's check of how every violation was handled (RN-16): one piece of work for each case that ended."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.clocks import services as clocks
from app.core.clocks.models import WorkItem
from app.core.records.clock import estate_time, estate_today
from app.modules.checks.services import LARGEST_SAMPLE, draw_check
from app.modules.renovation.site_models import RenovationViolation

WORK = RULE = "renovation.handling"
KIND = "renovation.violations"


def plan_check(session: Session, violation: RenovationViolation) -> None:
    """Put the check into the manager's queue, once in the life of a violation: when it is cleared or reported."""
    before = select(WorkItem.id).where(
        WorkItem.record_type == violation.__tablename__, WorkItem.record_id == violation.id, WorkItem.kind == WORK
    )
    if session.scalar(before.limit(1)) is None:
        item = clocks.open_work(session, violation, WORK, step="check", role=Role.MANAGER)
        clocks.start(session, item, RULE)


def checked(session: Session, violation: RenovationViolation) -> None:
    """A check of this violation was concluded: its work is done."""
    clocks.close_work(session, violation, WORK)


def draw_cases(session: Session, violation: RenovationViolation, *, actor: Actor) -> None:
    """Draw a check of every case that ended since this one did and is not checked yet.

    Raises:
        NotAllowed: no right to draw checks.
    """
    ended = violation.reported_at or violation.cleared_at or violation.found_at
    draw_check(
        session, kind=KIND, period_from=estate_time(session, violation.estate_id, ended).date(),
        period_to=estate_today(session, violation.estate_id), sample_size=LARGEST_SAMPLE, actor=actor,
    )  # fmt: skip
