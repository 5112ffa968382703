"""Reading the indicators, and what waits for a decision or is late: each in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import bindparam, func, literal, select, union_all
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.core.access.roles import TITLES, Role
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import ClockRule, Deadline, WorkItem
from app.core.clocks.queue import MOST, WORK, count_text, counted, kind_of, readable_kinds, step_title
from app.core.indicators.kinds import Indicator
from app.core.indicators.models import IndicatorTarget, IndicatorValue
from app.core.indicators.services import MONTHS, months_until
from app.core.records.choices import in_language
from app.core.registry import registry

OLDEST = 3
APPROVALS = 6


@dataclass(frozen=True)
class Reading:
    """An indicator in a month; ``value`` is None when there was nothing to measure."""

    month: date
    numerator: Decimal
    denominator: Decimal
    value: Decimal | None
    kept: bool | None
    """Whether the target was reached; None without a value or a target."""


@dataclass(frozen=True)
class Trend:
    """An indicator, or one part of it, over the months, oldest first; the last one is still running."""

    indicator: Indicator
    title: str
    target: Decimal | None
    readings: Sequence[Reading]
    parts: Sequence[Trend] = ()

    @property
    def now(self) -> Reading:
        return self.readings[-1]

    @property
    def before(self) -> Reading:
        """The last month that is over."""
        return self.readings[-2]

    @property
    def measured(self) -> bool:
        """Whether any month has a value."""
        return any(reading.value is not None for reading in self.readings)

    @property
    def better(self) -> bool | None:
        """Whether the running month is better than the last one; None when either is empty or both are alike."""
        new, old = self.now.value, self.before.value
        if new is None or old is None or new == old:
            return None
        return self.indicator.keeps(new, old)


def trends(session: Session, estate_id: int, today: date, *, parts: bool = False, code: str = "") -> list[Trend]:
    """The indicators over the last months in registration order, only ``code`` when given: two statements.

    With ``parts`` each has its parts too, whose names take another statement for each indicator that has some.
    """
    months = months_until(today, MONTHS)
    chosen = [i for i in registry().of(Indicator).values() if code in ("", i.code)]
    query = select(
        IndicatorValue.code, IndicatorValue.part, IndicatorValue.month, IndicatorValue.numerator,
        IndicatorValue.denominator,
    ).where(
        IndicatorValue.estate_id == estate_id, IndicatorValue.code.in_([i.code for i in chosen]),
        IndicatorValue.month >= months[0],
    )  # fmt: skip
    if not parts:
        query = query.where(IndicatorValue.part == "")
    values: dict[tuple[str, str], dict[date, tuple[Decimal, Decimal]]] = {}
    for found, part, month, numerator, denominator in session.execute(query):
        values.setdefault((found, part), {})[month] = numerator, denominator
    targets = _targets(session, estate_id)

    def trend(indicator: Indicator, part: str, title: Any, more: Sequence[Trend] = ()) -> Trend:
        target = targets.get(indicator.code, indicator.target)
        kept = values.get((indicator.code, part), {})
        readings = [_reading(indicator, month, *kept.get(month, (Decimal(0), Decimal(0))), target) for month in months]
        return Trend(indicator, str(title), target, readings, more)

    rows = []
    for indicator in chosen:
        found_parts = [part for owner, part in values if owner == indicator.code and part]
        titles = indicator.parts(session, estate_id) if parts and indicator.parts and found_parts else {}
        more = [trend(indicator, part, titles.get(part, part)) for part in sorted(found_parts)]
        rows.append(trend(indicator, "", indicator.title, more))
    return rows


def _targets(session: Session, estate_id: int) -> dict[str, Decimal]:
    rows = session.execute(
        select(IndicatorTarget.code, IndicatorTarget.target).where(IndicatorTarget.estate_id == estate_id)
    )
    return {code: target.normalize() for code, target in rows}


def _reading(
    indicator: Indicator, month: date, numerator: Decimal, denominator: Decimal, target: Decimal | None
) -> Reading:
    value = indicator.value(numerator, denominator)
    kept = None if value is None or target is None else indicator.keeps(value, target)
    return Reading(month, numerator.normalize(), denominator.normalize(), value, kept)


@dataclass(frozen=True)
class LateItem:
    """A piece of late work: whose it is, the rule it breaks, and the reason given."""

    item: WorkItem
    rule: str
    reason: str

    @property
    def address(self) -> str:
        return address_of(self.item)

    @property
    def due_at(self) -> datetime:
        return self.item.rank_at

    @property
    def who(self) -> str:
        """The person who has it, or the role it waits for."""
        if self.item.assignee:
            return str(self.item.assignee.display_name)
        return str(TITLES.get(Role(self.item.role), "")) if self.item.role else ""


@dataclass(frozen=True)
class LateKind:
    """Late work of one kind: how much (counted as the queue counts), since when, and its oldest pieces."""

    kind: WorkKind
    count: int
    oldest: datetime
    items: Sequence[LateItem]

    @property
    def said(self) -> str:
        return count_text(self.count)


def _late(kind: str, limit: int) -> Any:
    return (
        select(WORK.c.id, WORK.c.rank_at)
        .where(
            WORK.c.estate_id == bindparam("estate"),
            WORK.c.kind == kind,
            WORK.c.closed_at.is_(None),
            WORK.c.rank_at < bindparam("moment"),
        )
        .order_by(WORK.c.rank_at, WORK.c.id)
        .limit(limit)
        .subquery()
    )


@cache
def _totals(kinds: tuple[str, ...], limit: int) -> Any:
    """How much is late by kind, and since when; built once, for building it costs more than asking."""
    counts = [(code, _late(code, limit)) for code in kinds]
    totals = union_all(
        *(select(literal(code).label("kind"), func.count().label("n"), func.min(c.c.rank_at).label("since")) for code, c in counts)
    ).subquery()  # fmt: skip
    return select(totals.c.kind, totals.c.n, totals.c.since)


@cache
def _oldest(kinds: tuple[str, ...]) -> Any:
    """The work that is late for longest, of each kind."""
    first = union_all(*(select(_late(code, OLDEST).c.id) for code in kinds)).subquery()
    return (
        select(WorkItem, Deadline.late_reason, ClockRule.title_zh, ClockRule.title_en)
        .join(first, first.c.id == WorkItem.id)
        .outerjoin(
            Deadline,
            (Deadline.item_id == WorkItem.id)
            & (Deadline.due_at == WorkItem.rank_at)
            & Deadline.met_at.is_(None)
            & Deadline.cancelled_at.is_(None)
            & Deadline.paused_at.is_(None),
        )
        .outerjoin(ClockRule, (ClockRule.estate_id == Deadline.estate_id) & (ClockRule.key == Deadline.rule_key))
        .options(joinedload(WorkItem.assignee))
        .order_by(WorkItem.rank_at, WorkItem.id)
    )


def late_work(session: Session, actor: Actor, moment: datetime) -> list[LateKind]:
    """Overdue work by kind, the longest overdue first, as far as the actor may read it: two statements.

    Each kind is answered from its part of the queue's index, however much is open.
    """
    kinds = readable_kinds(actor)
    if not kinds or actor.estate_id is None:
        return []

    asked = {"estate": actor.estate_id, "moment": moment}
    found = {
        kind: (count, since) for kind, count, since in session.execute(_totals(tuple(kinds), MOST + 1), asked) if count
    }
    if not found:
        return []
    rows = session.execute(_oldest(tuple(found)), asked)
    items: dict[str, dict[int, LateItem]] = {}
    for item, reason, zh, en in rows:
        line = LateItem(item, in_language(zh or "", en or ""), reason or "")
        items.setdefault(item.kind, {}).setdefault(item.id, line)
    late_kinds = [LateKind(kinds[k], n, since, list(items.get(k, {}).values())) for k, (n, since) in found.items()]
    return sorted(late_kinds, key=lambda late: late.oldest)


@dataclass(frozen=True)
class Decision:
    """Work that waits for a decision, and what is to be decided."""

    item: WorkItem
    step: Any

    @property
    def address(self) -> str:
        return address_of(self.item)


def approvals(session: Session, actor: Actor) -> tuple[Sequence[Decision], str]:
    """What waits for a decision of the manager, the most urgent first, and how much in all: one statement."""
    waiting = (WorkItem.estate_id == actor.estate_id, WorkItem.role == Role.MANAGER, WorkItem.closed_at.is_(None))
    rows = session.execute(
        select(WorkItem, counted(select(WorkItem.id).where(*waiting)))
        .where(*waiting)
        .order_by(WorkItem.rank_at, WorkItem.id)
        .limit(APPROVALS)
    ).all()
    decisions = [Decision(item, step_title(kind_of(item), item.step)) for item, _total in rows]
    return decisions, count_text(rows[0][1] if rows else 0)


def address_of(item: WorkItem) -> str:
    """The page of the record that the work is about."""
    page = registry().record_pages.get(item.record_type)
    return page(item.record_id) if page else ""
