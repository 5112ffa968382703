"""Telling people that a limit has passed: each step of a rule's escalations once, whoever works."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select, update
from sqlalchemy.orm import Session, joinedload, selectinload

from app.core.audit.log import record_event
from app.core.clocks.calendar import calendar_of
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import ClockRule, Deadline
from app.core.clocks.services import next_escalation
from app.core.clocks.words import limit_text
from app.core.messages.kinds import MessageEvent
from app.core.messages.services import notify
from app.core.records.base import Record, now
from app.core.records.choices import in_both
from app.core.records.database import writing
from app.core.registry import Recurring, registry

NOTE = 300
STEP = 25
"""Clocks looked at in one transaction."""
LATE = MessageEvent(
    code="work.late",
    title=_l("Limit passed"),
    sentence=_l("%(label)s: the limit for “%(rule)s” passed on %(due)s."),
)


def escalate_late(session: Session) -> int:
    """Tell the roles of every clock whose time to escalate has come; returns how many steps were told."""
    told = 0
    while _waiting(session):
        late = session.scalars(
            select(Deadline)
            .where(Deadline.escalate_at <= now())
            .order_by(Deadline.escalate_at)
            .limit(STEP)
            .options(joinedload(Deadline.item))
        ).all()
        told += sum(_escalate(session, deadline) for deadline in late)
        session.commit()
    return told


RECURRING = Recurring(
    name="clocks.escalate", title=_l("Late work escalated"), every=timedelta(minutes=1), work=escalate_late
)


def _waiting(session: Session) -> bool:
    """Whether anything waits; a look that takes no lock, for mostly nothing does."""
    with writing(False):
        found = session.scalar(select(Deadline.id).where(Deadline.escalate_at <= now()).limit(1))
        session.rollback()
    return found is not None


def _escalate(session: Session, deadline: Deadline) -> bool:
    """Take the clock's present step, which only one worker gets, and tell the roles of it."""
    rule = session.scalar(
        select(ClockRule)
        .where(ClockRule.estate_id == deadline.estate_id, ClockRule.key == deadline.rule_key)
        .options(selectinload(ClockRule.escalations))
    )
    expected = next_escalation(rule, deadline.due_at, deadline.escalated) if rule else None
    if rule is None or expected is None or expected > now():  # its steps were changed since
        _take(session, deadline, expected, deadline.escalated)
        return False
    hours = min(
        s.after_hours for s in rule.escalations if deadline.escalated is None or s.after_hours > deadline.escalated
    )
    record = session.get(_model(deadline), deadline.record_id)
    roles = [step.role for step in rule.escalations if step.after_hours == hours]
    with session.begin_nested() as step:
        if (
            record is not None
        ):  # the log first, as in every other change: whoever waits for the other waits in one order
            told, note = ",".join(roles), in_both(lambda: rule.title, NOTE)
            record_event(session, "escalate", record, note=note, to=told, rule=rule.key, hours=hours)
        if not _take(session, deadline, next_escalation(rule, deadline.due_at, hours), hours):
            step.rollback()
            return False
        if record is not None:
            due = limit_text(deadline.due_at, calendar_of(session, deadline.estate_id).zone)
            title = {"zh": rule.title_zh, "en": rule.title_en or rule.title_zh}
            notify(session, LATE.code, record, roles=roles, rule=title, due=due)
    return record is not None


def _model(deadline: Deadline) -> type[Record]:
    model: type[Record] = registry().of(WorkKind)[deadline.item.kind].model
    return model


def _take(session: Session, deadline: Deadline, then: datetime | None, told: int | None) -> bool:
    """Move the clock's escalation on, if it still stands where we read it."""
    taken: Any = session.execute(
        update(Deadline)
        .where(Deadline.id == deadline.id, Deadline.escalate_at == deadline.escalate_at)
        .values(escalate_at=then, escalated=told)
        .execution_options(synchronize_session=False)
    )
    return bool(taken.rowcount)
