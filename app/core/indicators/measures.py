"""The indicators of the clocks: deadlines met in time, and what is overdue, all together and by rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.core.clocks.models import ClockRule, Deadline
from app.core.indicators.kinds import Better, Indicator, IndicatorUnit, Ratio
from app.core.records.base import now
from app.core.records.clock import bounds_of


def met_in_time(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Deadlines of the period met in time ÷ those met or passed, by rule.

    A rule of days is due at 24:00 of its last day, which therefore belongs to the period. What is paused or cancelled
    does not count.
    """
    start, end = bounds_of(session, estate_id, first, last)
    done = Deadline.met_at.is_not(None)
    rows = session.execute(
        select(Deadline.rule_key, func.sum(case((Deadline.met_at <= Deadline.due_at, 1), else_=0)), func.count())
        .where(
            Deadline.estate_id == estate_id,
            Deadline.rule_key.in_(_rules(estate_id)),
            Deadline.due_at > start,
            Deadline.due_at <= end,
            Deadline.cancelled_at.is_(None),
            or_(done, and_(Deadline.paused_at.is_(None), Deadline.due_at <= now())),
        )
        .group_by(Deadline.rule_key)
    )
    return {rule: (kept, total) for rule, kept, total in rows}


def overdue(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Deadlines that had passed unmet at the end of the period, or have by now, by rule."""
    _start, end = bounds_of(session, estate_id, first, last)
    moment = min(end, now())
    if moment < end:
        still: tuple[Any, ...] = (Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None))
    else:
        still = (
            or_(Deadline.met_at.is_(None), Deadline.met_at > end),
            or_(Deadline.cancelled_at.is_(None), Deadline.cancelled_at > end),
        )
    rows = session.execute(
        select(Deadline.rule_key, func.count())
        .where(Deadline.estate_id == estate_id, Deadline.due_at < moment, Deadline.paused_at.is_(None), *still)
        .group_by(Deadline.rule_key)
    )
    return {rule: (count, 1) for rule, count in rows}


def rule_titles(session: Session, estate_id: int) -> Mapping[str, str]:
    """The estate's clock rules by key."""
    rules = session.scalars(select(ClockRule).where(ClockRule.estate_id == estate_id).order_by(ClockRule.key))
    return {rule.key: rule.title for rule in rules}


def _rules(estate_id: int) -> Any:
    return select(ClockRule.key).where(ClockRule.estate_id == estate_id)


IN_TIME = Indicator(
    code="deadlines.in_time",
    title=_l("Deadlines kept"),
    unit=IndicatorUnit.PERCENT,
    target=Decimal(95),
    measure=met_in_time,
    parts=rule_titles,
    explained=_l("Deadlines of the month met in time ÷ deadlines of the month met or passed"),
)
OVERDUE = Indicator(
    code="deadlines.overdue",
    title=_l("Deadlines overdue"),
    unit=IndicatorUnit.COUNT,
    better=Better.LOWER,
    target=Decimal(0),
    measure=overdue,
    parts=rule_titles,
    explained=_l("Deadlines passed and not met at the end of the month; of the running month, now"),
)
