"""What runs on a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import ClockRule, Deadline
from app.core.records.base import Record, session_of
from app.core.registry import registry


@dataclass(frozen=True)
class Clock:
    """A deadline with what its rule is called; ``pausable``: it may stop while the owner is waited for."""

    deadline: Deadline
    title: str
    clause: str
    pausable: bool = False


def deadlines_of(session: Session, record: Record) -> Sequence[Clock]:
    """The clocks of ``record``: those that run first, by their limit, then the ended ones, newest first. One statement."""
    rows = session.execute(
        select(Deadline, ClockRule)
        .outerjoin(ClockRule, (ClockRule.estate_id == Deadline.estate_id) & (ClockRule.key == Deadline.rule_key))
        .where(Deadline.record_type == record.__tablename__, Deadline.record_id == record.id)
    )
    clocks = [Clock(d, r.title if r else d.rule_key, r.clause if r else "", bool(r and r.pausable)) for d, r in rows]
    running = sorted((c for c in clocks if c.deadline.open), key=lambda c: c.deadline.due_at)
    ended = sorted((c for c in clocks if not c.deadline.open), key=lambda c: c.deadline.due_at, reverse=True)
    return [*running, *ended]


def clocks_of(record: Record) -> Sequence[Clock]:
    """The clocks for the record's page; nothing is asked about records that are no work."""
    works = registry().of(WorkKind).values()
    return deadlines_of(session_of(record), record) if any(type(record) is work.model for work in works) else []
