"""Reading the indicators, and what waits for a decision or is late: each in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import Select, bindparam, func, literal, null, select, union_all
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.models import staff_name
from app.core.access.roles import TITLES, Role
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import ClockRule, Deadline
from app.core.clocks.queue import LINE, MOST, STAFF, WORK, count_text, counted, kind_of, readable_kinds, step_title
from app.core.indicators.kinds import Indicator
from app.core.indicators.models import IndicatorTarget, IndicatorValue
from app.core.indicators.services import MONTHS, months_until
from app.core.records.choices import in_language
from app.core.records.database import written
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
    """The indicators over the last months in registration order, only ``code`` when given: one statement.

    With ``parts`` each has its parts too, whose names take another statement for each indicator that has some.
    """
    months = months_until(today, MONTHS)
    chosen = [i for i in registry().of(Indicator).values() if code in ("", i.code)]
    asked = {"estate": estate_id, "codes": [i.code for i in chosen], "since": months[0]}
    values: dict[tuple[str, str], dict[date, tuple[Decimal, Decimal]]] = {}
    targets: dict[str, Decimal] = {}
    for found, part, month, numerator, denominator in session.execute(_values_and_targets(parts), asked):
        if month:
            values.setdefault((found, part), {})[month] = numerator, denominator
        else:
            targets[found] = numerator.normalize()

    def trend(indicator: Indicator, part: str, title: Any, more: Sequence[Trend] = ()) -> Trend:
        target = targets.get(indicator.code, indicator.target)
        kept = values.get((indicator.code, part), {})
        readings = [_reading(indicator, month, kept.get(month), target) for month in months]
        return Trend(indicator, str(title), target, readings, more)

    rows = []
    for indicator in chosen:
        found_parts = [part for owner, part in values if owner == indicator.code and part]
        titles = indicator.parts(session, estate_id) if parts and indicator.parts and found_parts else {}
        more = [trend(indicator, part, titles.get(part, part)) for part in sorted(found_parts)]
        rows.append(trend(indicator, "", indicator.title, more))
    return rows


@cache  # building it costs more than asking it
def _values_and_targets(parts: bool) -> Select[Any]:
    """The values, and in rows without a month the targets of the estate's own."""
    value: Any = IndicatorValue.__table__
    target: Any = IndicatorTarget.__table__
    values = select(value.c.code, value.c.part, value.c.month, value.c.numerator, value.c.denominator).where(
        value.c.estate_id == bindparam("estate"),
        value.c.code.in_(bindparam("codes", expanding=True)),
        value.c.month >= bindparam("since"),
    )
    own = select(target.c.code, null(), null(), target.c.target, null()).where(
        target.c.estate_id == bindparam("estate")
    )
    return select(union_all(values if parts else values.where(value.c.part == ""), own).subquery())


def own_targets(session: Session, estate_id: int) -> dict[str, Decimal]:
    """The targets an estate set itself, by indicator; the others have the one they come with."""
    target: Any = IndicatorTarget.__table__
    rows = session.execute(select(target.c.code, target.c.target).where(target.c.estate_id == estate_id))
    return {code: own.normalize() for code, own in rows}


def _reading(
    indicator: Indicator, month: date, ratio: tuple[Decimal, Decimal] | None, target: Decimal | None
) -> Reading:
    if ratio is None:
        return Reading(month, Decimal(0), Decimal(0), None, None)
    numerator, denominator = ratio
    value, exact = indicator.value(numerator, denominator), indicator.exact(numerator, denominator)
    kept = None if exact is None or target is None else indicator.keeps(exact, target)
    return Reading(month, numerator.normalize(), denominator.normalize(), value, kept)


@dataclass(frozen=True)
class LateItem:
    """A piece of late work (a row of the queue): the rule it breaks, the reason given, and who has it."""

    item: Any
    rule: str
    reason: str
    holder: str = ""

    @property
    def address(self) -> str:
        return address_of(self.item)

    @property
    def due_at(self) -> datetime:
        moment: datetime = self.item.rank_at
        return moment

    @property
    def who(self) -> str:
        """The person who has it, or the role it waits for."""
        return self.holder or str(TITLES.get(Role(self.item.role), "")) if self.item.role else ""


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


@cache  # as above
def _oldest(kinds: tuple[str, ...], limit: int) -> Any:
    """The work that is late for longest, of each kind, with how much of the kind is late, counted up to ``limit``.

    One subquery serves all kinds: a union of one for each takes the server longer to plan than to answer.
    """
    names = union_all(*(select(literal(code).label("kind")) for code in kinds)).subquery()
    late = (
        select(WORK.c.id)
        .where(
            WORK.c.estate_id == bindparam("estate"), WORK.c.kind == names.c.kind, WORK.c.closed_at.is_(None),
            WORK.c.rank_at < bindparam("moment"),
        )
        .correlate(names)
    )  # fmt: skip
    count = select(func.count()).select_from(late.limit(written(limit)).subquery()).scalar_subquery()
    ordered = late.order_by(WORK.c.rank_at, WORK.c.id).limit(written(1))
    oldest = [ordered.offset(written(n)).scalar_subquery().label(f"oldest_{n}") for n in range(OLDEST)]
    # the LIMIT, which leaves nothing out, keeps the servers from asking the subqueries again for every line
    first = select(count.label("n"), *oldest).select_from(names).limit(written(len(kinds))).subquery()
    clock, rule = Deadline.__table__.c, ClockRule.__table__.c
    return (
        select(*LINE, first.c.n, clock.late_reason, rule.title_zh, rule.title_en, STAFF.c.first_name, STAFF.c.last_name)
        .join_from(first, WORK, WORK.c.id.in_([first.c[column.name] for column in oldest]))
        .outerjoin(
            Deadline.__table__,
            (clock.item_id == WORK.c.id)
            & (clock.due_at == WORK.c.rank_at)
            & clock.met_at.is_(None)
            & clock.cancelled_at.is_(None)
            & clock.paused_at.is_(None),
        )
        .outerjoin(ClockRule.__table__, (rule.estate_id == clock.estate_id) & (rule.key == clock.rule_key))
        .outerjoin(STAFF, STAFF.c.id == WORK.c.assignee_id)
        .order_by(WORK.c.rank_at, WORK.c.id)
    )


def late_work(session: Session, actor: Actor, moment: datetime) -> list[LateKind]:
    """Overdue work by kind, the longest overdue first, as far as the actor may read it: one statement.

    Each kind is answered from its part of the queue's index, however much is open.
    """
    kinds = readable_kinds(actor)
    if not kinds or actor.estate_id is None:
        return []
    asked = {"estate": actor.estate_id, "moment": moment}
    items: dict[str, dict[int, LateItem]] = {}
    for row in session.execute(_oldest(tuple(kinds), MOST + 1), asked):
        holder = staff_name(row.first_name, row.last_name) if row.assignee_id else ""
        line = LateItem(row, in_language(row.title_zh or "", row.title_en or ""), row.late_reason or "", holder)
        items.setdefault(row.kind, {}).setdefault(row.id, line)  # a kind comes with its oldest line
    found = [(kinds[kind], list(lines.values())) for kind, lines in items.items()]
    return [LateKind(kind, lines[0].item.n, lines[0].due_at, lines) for kind, lines in found]


@dataclass(frozen=True)
class Decision:
    """Work (a row of the queue) that waits for a decision, and what is to be decided."""

    item: Any
    step: Any

    @property
    def address(self) -> str:
        return address_of(self.item)


def approvals(session: Session, actor: Actor) -> tuple[Sequence[Decision], str]:
    """What waits for a decision of the manager, the most urgent first, and how much in all: one statement."""
    rows: Sequence[Any] = session.execute(_waiting(), {"estate": actor.estate_id}).all()
    decisions = [Decision(row, step_title(kind_of(row), row.step)) for row in rows]
    return decisions, count_text(rows[0].total if rows else 0)


@cache  # as above
def _waiting() -> Select[Any]:
    clauses = (WORK.c.estate_id == bindparam("estate"), WORK.c.role == Role.MANAGER, WORK.c.closed_at.is_(None))
    total = counted(select(WORK.c.id).where(*clauses)).label("total")
    return select(*LINE, total).where(*clauses).order_by(WORK.c.rank_at, WORK.c.id).limit(written(APPROVALS))


def address_of(item: Any) -> str:
    """The page of the record that the work is about."""
    page = registry().record_pages.get(item.record_type)
    return page(item.record_id) if page else ""
