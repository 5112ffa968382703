"""Work and its deadlines: what modules call when something is to be done, waits, is done."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clocks.calendar import WorkingCalendar, calendar_of
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import LABEL, NO_DEADLINE, ClockRule, Deadline, WorkItem
from app.core.clocks.rules import due_at, resumed_at, units_left
from app.core.records.base import Record, now
from app.core.records.choices import in_both
from app.core.registry import registry


class NoSuchRule(LookupError):
    """The estate has no clock rule of this key (its seeds were not brought in: a programming error)."""


def rule_of(session: Session, estate_id: int, key: str) -> ClockRule:
    """The estate's clock rule. Raises :class:`NoSuchRule`."""
    rule = session.scalar(select(ClockRule).where(ClockRule.estate_id == estate_id, ClockRule.key == key))
    if rule is None:
        raise NoSuchRule(key)
    return rule


def last_day(session: Session, estate_id: int, key: str) -> date:
    """The last day of a clock of this rule that would start now, at the estate. Raises :class:`NoSuchRule`."""
    rule, calendar = rule_of(session, estate_id, key), calendar_of(session, estate_id)
    ends = calendar.local(due_at(rule, rule.amount, now(), calendar))
    return (ends - timedelta(microseconds=1)).date()  # 24:00 ends a day and does not begin the next


def work_of(session: Session, record: Record, kind: str) -> WorkItem | None:
    """The open work of this kind about ``record``."""
    return session.scalar(
        select(WorkItem).where(
            WorkItem.record_type == record.__tablename__, WorkItem.record_id == record.id, WorkItem.kind == kind,
            WorkItem.closed_at.is_(None),
        )
    )  # fmt: skip


def open_work(
    session: Session, record: Record, kind: str, *, step: str = "", role: str = "", assignee_id: int | None = None
) -> WorkItem:
    """Put ``record`` into the queue, or tell its open work of this kind what is next now.

    With a new ``role`` the work leaves the person who had it, unless ``assignee_id`` names somebody.
    """
    described = registry().of(WorkKind)[kind]
    if record.id is None:
        session.flush()
    item, label = work_of(session, record, kind), in_both(lambda: described.label(record), LABEL)
    if item is None:
        item = WorkItem(
            estate_id=record.estate_id, kind=kind, record_type=record.__tablename__, record_id=record.id,
            unit_id=record.audit_unit, role=role, assignee_id=assignee_id, rank_at=NO_DEADLINE,
        )  # fmt: skip
        session.add(item)
    elif assignee_id is not None or item.role != role:
        item.assignee_id = assignee_id
    item.label, item.step, item.role = label, step, role
    session.flush()
    return item


def close_work(session: Session, record: Record, kind: str, *, void: bool = False) -> None:
    """Take ``record``'s work of this kind out of the queue; its clocks are met, or cancelled when it is ``void``."""
    item = work_of(session, record, kind)
    if item is None:
        return
    moment = now()
    for deadline in item.deadlines:
        if deadline.met_at is None and deadline.cancelled_at is None:
            _end(deadline, moment, void)
    item.closed_at = moment
    session.flush()


def start(
    session: Session,
    item: WorkItem,
    rule_key: str,
    *,
    count: int | None = None,
    started_at: datetime | None = None,
    due: datetime | None = None,
) -> Deadline:
    """Start the clock ``rule_key`` on ``item``, or set the one that runs anew: it goes on, with the pauses it has had.

    ``count``: units granted when they differ from the rule's; ``due``: a deadline somebody chose.
    """
    rule = rule_of(session, item.estate_id, rule_key)
    deadline = running(session, item, rule_key)
    begun = started_at or (deadline.started_at if deadline else now())
    if deadline is None:
        deadline = Deadline(
            estate_id=item.estate_id, item_id=item.id, record_type=item.record_type, record_id=item.record_id,
            unit_id=item.unit_id, rule_key=rule_key,
        )  # fmt: skip
    if started_at or deadline.pauses is None:
        deadline.pauses = []
    elif deadline.paused_at:
        deadline.pauses = [*deadline.pauses, [deadline.paused_at.isoformat(), now().isoformat()]]
    deadline.count, deadline.chosen, deadline.escalated, deadline.pause_reason = count, due is not None, None, ""
    deadline.started_at, deadline.paused_at, deadline.remaining = begun, None, None
    set_due(deadline, rule, due or counted_due(deadline, rule, calendar_of(session, item.estate_id)))
    session.add(deadline)
    session.flush()
    _rank(session, item)
    return deadline


def running(session: Session, item: WorkItem, rule_key: str) -> Deadline | None:
    """The clock of this rule on ``item`` that is neither met nor cancelled (it may be paused)."""
    return session.scalar(
        select(Deadline).where(
            Deadline.record_type == item.record_type, Deadline.record_id == item.record_id,
            Deadline.rule_key == rule_key, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None),
        )
    )  # fmt: skip


def pause(session: Session, deadline: Deadline, reason: str) -> None:
    """Stop the clock while the owner is waited for; what is left of it is kept. A rule may forbid that."""
    rule = rule_of(session, deadline.estate_id, deadline.rule_key)
    if deadline.paused_at is not None or not rule.pausable:
        return
    moment = now()
    deadline.remaining = units_left(rule, moment, deadline.due_at, calendar_of(session, deadline.estate_id))
    deadline.paused_at, deadline.pause_reason, deadline.escalate_at = moment, reason, None
    session.flush()
    _rank(session, deadline.item)


def resume(session: Session, deadline: Deadline) -> None:
    """Let a paused clock go on from now with what was left."""
    if deadline.paused_at is None:
        return
    rule, calendar = rule_of(session, deadline.estate_id, deadline.rule_key), calendar_of(session, deadline.estate_id)
    moment = now()
    due = resumed_at(rule, deadline.due_at, deadline.paused_at, moment, calendar)
    deadline.pauses = [*deadline.pauses, [deadline.paused_at.isoformat(), moment.isoformat()]]
    deadline.paused_at, deadline.remaining, deadline.pause_reason = None, None, ""
    set_due(deadline, rule, due)
    session.flush()
    _rank(session, deadline.item)


def meet(session: Session, item: WorkItem, rule_key: str, *, at: datetime | None = None, void: bool = False) -> None:
    """End the clock of this rule on ``item``: met at ``at`` (now), or cancelled when it is ``void``."""
    deadline = running(session, item, rule_key)
    if deadline:
        _end(deadline, at or now(), void)
        session.flush()
        _rank(session, item)


def _end(deadline: Deadline, moment: datetime, void: bool) -> None:
    if void:
        deadline.cancelled_at = moment
    else:
        deadline.met_at = moment
    deadline.paused_at = deadline.remaining = deadline.escalate_at = None


def counted_due(deadline: Deadline, rule: ClockRule, calendar: WorkingCalendar) -> datetime:
    """The limit as the rule counts it from the start, with the pauses there have been."""
    count = rule.amount if deadline.count is None else deadline.count
    due = due_at(rule, count, deadline.started_at, calendar)
    for paused, resumed in deadline.pauses:
        due = resumed_at(rule, due, datetime.fromisoformat(paused), datetime.fromisoformat(resumed), calendar)
    return due


def set_due(deadline: Deadline, rule: ClockRule, due: datetime) -> None:
    """Set a limit, and with it when the next people are told of it."""
    deadline.due_at, deadline.escalate_at = due, next_escalation(rule, due, deadline.escalated)


def next_escalation(rule: ClockRule, due: datetime, told: int | None) -> datetime | None:
    """When the next people are to be told of a limit at ``due``, after those of ``told`` hours; None after the last."""
    steps = (step.after_hours for step in rule.escalations if told is None or step.after_hours > told)
    hours = min(steps, default=None)
    return None if hours is None else due + timedelta(hours=hours)


def _rank(session: Session, item: WorkItem) -> None:
    """The queue is ordered by the earliest clock that runs."""
    due = session.scalars(
        select(Deadline.due_at).where(
            Deadline.item_id == item.id, Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None),
            Deadline.paused_at.is_(None),
        )
    )  # fmt: skip
    item.rank_at = min(due, default=NO_DEADLINE)
    session.flush()
