"""Counting running clocks anew after a rule or the calendar changed."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session, selectinload

from app.core.access.actor import Actor
from app.core.audit.log import record_event
from app.core.clocks.calendar import calendar_of
from app.core.clocks.models import NO_DEADLINE, ClockRule, Deadline, WorkItem
from app.core.clocks.services import counted_due, set_due
from app.core.jobs.models import Job
from app.core.jobs.results import outcome_of
from app.core.jobs.services import enqueue, titled
from app.core.records.base import now

JOB = "clocks.recount"
AT_ONCE = 100
"""More clocks than these are counted in the background."""
STEP = 200


def recountable(session: Session, estate_id: int, rule_key: str = "", most: int = 10_000) -> int:
    """How many clocks of a rule (of all rules) run by what was counted, up to ``most``."""
    found = select(Deadline.id).where(*_counted(estate_id, rule_key)).limit(most).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def recount(session: Session, rule_key: str = "", *, actor: Actor) -> Job | int:
    """Set the limits of running clocks of a rule (of all rules) anew; paused and chosen ones stay.

    Returns how many limits changed, or the job that does it when there are more than :data:`AT_ONCE`.
    """
    actor.require("update", "ClockRule" if rule_key else "CalendarDay")
    if recountable(session, actor.required_estate_id, rule_key, AT_ONCE + 1) > AT_ONCE:
        return enqueue(session, JOB, actor=actor, rule_key=rule_key)
    _log(session, actor.required_estate_id, rule_key)
    _last, changed = _recount_some(session, actor.required_estate_id, rule_key, 0, AT_ONCE)
    return changed


@titled(_l("Running clocks counted anew"))
def recount_job(run: Any, *, rule_key: str) -> dict[str, Any]:
    """The work of the job: a step of clocks per transaction; resumes after the last clock it committed."""
    session, estate_id, total = run.session, run.job.estate_id, run.job.total
    last, done, changed = (run.checkpoint.get(name, 0) for name in ("last", "done", "changed"))
    if not run.checkpoint:
        _log(session, estate_id, rule_key)
        total = recountable(session, estate_id, rule_key, 10_000_000)
    while True:
        last, some = _recount_some(session, estate_id, rule_key, last, STEP)
        if last is None:
            return outcome_of(changed=changed)
        done, changed = min(done + STEP, total), changed + some
        run.commit(done, total, last=last, done=done, changed=changed)


def _counted(estate_id: int, rule_key: str) -> list[Any]:
    clauses = [
        Deadline.estate_id == estate_id, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None),
        Deadline.paused_at.is_(None), Deadline.chosen.is_(False),
    ]  # fmt: skip
    return [*clauses, Deadline.rule_key == rule_key] if rule_key else clauses


def _recount_some(session: Session, estate_id: int, rule_key: str, after: int, most: int) -> tuple[int | None, int]:
    """Count the next clocks by id; returns the last of them (None: there was none) and how many limits changed."""
    found = session.scalars(
        select(Deadline)
        .where(*_counted(estate_id, rule_key), Deadline.id > after)
        .order_by(Deadline.id)
        .limit(most)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not found:
        return None, 0
    rules = _rules(session, estate_id)
    calendar, moment, touched = calendar_of(session, estate_id), now(), set()
    for deadline in found:
        rule = rules[deadline.rule_key]
        due, before = counted_due(deadline, rule, calendar), (deadline.due_at, deadline.escalate_at)
        if due != deadline.due_at and due > moment:
            deadline.escalated = None  # in time again
        set_due(deadline, rule, due)
        if (deadline.due_at, deadline.escalate_at) != before:
            touched.add(deadline.item_id)
    items = session.scalars(
        select(WorkItem).where(WorkItem.id.in_(touched)).options(selectinload(WorkItem.deadlines)).with_for_update()
    )
    for item in items:
        running = (d.due_at for d in item.deadlines if d.open and d.paused_at is None)
        item.rank_at = min(running, default=NO_DEADLINE)
    session.flush()
    return found[-1].id, len(touched)


def _rules(session: Session, estate_id: int) -> dict[str, ClockRule]:
    rules = select(ClockRule).where(ClockRule.estate_id == estate_id).options(selectinload(ClockRule.escalations))
    return {rule.key: rule for rule in session.scalars(rules)}


def _log(session: Session, estate_id: int, rule_key: str) -> None:
    """The change log says on each rule that its clocks were counted anew."""
    for rule in _rules(session, estate_id).values():
        if rule_key in ("", rule.key):
            record_event(session, "recount", rule)
