"""What is asked about duties: how each stands now, a year of one, and how they were kept by clause and month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from typing import Any

from dateutil.relativedelta import relativedelta
from sqlalchemy import Select, bindparam, extract, func, select
from sqlalchemy.orm import Session, aliased, contains_eager

from app.core.access.actor import Actor
from app.core.clocks.calendar import calendar_of
from app.core.records.base import now
from app.core.records.database import written
from app.modules.duties.models import Duty, DutyOccurrence, DutyState
from app.modules.duties.recurrence import Window, in_year
from app.modules.duties.services import in_force, replacing

OPEN = DutyState.OPEN
WEEK = timedelta(days=7)
SHOWN = 8
"""Occurrences the card of the home page lists."""


@dataclass(frozen=True)
class Place:
    """One place of a duty's year: an occurrence, or a window that is still to come."""

    due_on: date
    occurrence: DutyOccurrence | None = None
    window: Window | None = None


def year_of(session: Session, duty: Duty, year: int) -> list[tuple[date, list[Place]]]:
    """The year of a duty, (first of the month, its occurrences and the windows to come); two statements."""
    begin, end = date(year, 1, 1), date(year, 12, 31)
    found = session.scalars(
        select(DutyOccurrence)
        .where(DutyOccurrence.duty_id == duty.id, DutyOccurrence.due_on.between(begin, end))
        .order_by(DutyOccurrence.due_on, DutyOccurrence.id)
    ).all()
    known, moment = {occurrence.period_key for occurrence in found}, now()
    calendar = calendar_of(session, duty.estate_id)
    force = in_force(duty, replacing(session, duty))
    coming = in_year(duty.rule, calendar, year, force) if duty.active else []
    last = max((occurrence.due_on for occurrence in found), default=begin)
    places = [Place(o.due_on, occurrence=o) for o in found]
    places += [
        Place(w.due_on, window=w)
        for w in coming
        if w.key not in known and w.due_at > moment and w.due_on >= last
    ]  # fmt: skip
    months = [date(year, month, 1) for month in range(1, 13)]
    return [(month, [p for p in places if p.due_on.month == month.month]) for month in months]


def due_this_week(session: Session, actor: Actor) -> dict[str, Any] | None:
    """Values of ``duties/_card.html``: open occurrences due within a week, the earliest first; one statement.

    The manager sees all of them, others those of their roles; who never has any does not have the card.
    """
    manages, moment = actor.may("waive", "Duty"), now()
    asked = {"estate": actor.estate_id, "moment": moment, "week": moment + WEEK, "roles": sorted(actor.roles)}
    occurrences = session.scalars(_due(manages), asked).all()
    if not occurrences and not manages:
        return None
    return {"occurrences": occurrences[:SHOWN], "more": len(occurrences) > SHOWN}


@cache  # building it costs more than asking it
def _due(of_all_roles: bool) -> Select[Any]:
    found = (
        select(DutyOccurrence)
        .join(DutyOccurrence.duty)
        .where(
            DutyOccurrence.estate_id == bindparam("estate"), DutyOccurrence.state == OPEN,
            DutyOccurrence.opens_at <= bindparam("moment"), DutyOccurrence.due_at <= bindparam("week"),
        )
        .options(contains_eager(DutyOccurrence.duty))
        .order_by(DutyOccurrence.due_at, DutyOccurrence.id)
        .limit(written(SHOWN + 1))
    )  # fmt: skip
    return found if of_all_roles else found.where(Duty.role.in_(bindparam("roles", expanding=True)))


# The report


@dataclass
class Tally:
    """How many occurrences were kept, late, missed, waived; ``open`` are not decided yet."""

    counts: dict[DutyState, int] = field(default_factory=lambda: dict.fromkeys(DutyState, 0))

    def add(self, state: DutyState, count: int) -> None:
        self.counts[state] += count

    def of(self, state: DutyState | str) -> int:
        return self.counts[DutyState(state)]

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def decided(self) -> int:
        """Kept, late or missed: what the percentage is of."""
        return self.of(DutyState.KEPT) + self.of(DutyState.LATE) + self.of(DutyState.MISSED)

    @property
    def percent(self) -> int | None:
        """Kept in time, in whole percent rounded down; None while nothing is decided."""
        return 100 * self.of(DutyState.KEPT) // self.decided if self.decided else None


@dataclass(frozen=True)
class ReportRow:
    """One clause: a tally per month of the report, and their sum. An empty clause is that of duties without one."""

    clause: str
    months: list[Tally]
    total: Tally


@dataclass(frozen=True)
class Report:
    """How the duties were kept in the months from ``from_on`` until before ``until_on`` (both first of a month)."""

    from_on: date
    until_on: date
    rows: list[ReportRow]
    total: ReportRow

    @property
    def months(self) -> list[date]:
        return [*months_between(self.from_on, self.until_on)]


def months_between(from_on: date, until_on: date) -> Iterator[date]:
    month = from_on.replace(day=1)
    while month < until_on:
        yield month
        month += relativedelta(months=1)


def report(session: Session, estate_id: int, from_on: date, until_on: date) -> Report:
    """Occurrences of the months from ``from_on`` until before ``until_on`` by clause, month of their due day and state.

    The due day is the one the rule names, before any shift off a rest day: the fifth of October stays October's. What
    has not opened yet is left out. One statement.
    """
    year, month = extract("year", DutyOccurrence.due_on), extract("month", DutyOccurrence.due_on)
    counted = (
        select(DutyOccurrence.clause, year, month, DutyOccurrence.state, func.count())
        .where(
            DutyOccurrence.estate_id == estate_id, DutyOccurrence.due_on >= from_on, DutyOccurrence.due_on < until_on,
            (DutyOccurrence.state != OPEN) | (DutyOccurrence.opens_at <= now()),
        )
        .group_by(DutyOccurrence.clause, year, month, DutyOccurrence.state)
    )  # fmt: skip
    months = [*months_between(from_on, until_on)]
    places = {(m.year, m.month): number for number, m in enumerate(months)}
    rows: dict[str, ReportRow] = {}
    total = _empty("", len(months))
    for clause, y, m, state, count in session.execute(counted):
        row = rows.setdefault(clause, _empty(clause, len(months)))
        number = places[int(y), int(m)]
        for tally in (row.months[number], row.total, total.months[number], total.total):
            tally.add(state, count)
    return Report(from_on, until_on, [rows[clause] for clause in sorted(rows)], total)


def _empty(clause: str, months: int) -> ReportRow:
    return ReportRow(clause, [Tally() for _n in range(months)], Tally())


def duties_by_clause(session: Session, estate_id: int) -> dict[str, list[Duty]]:
    """The estate's duties by clause, for their titles; one statement."""
    found: dict[str, list[Duty]] = {}
    for duty in session.scalars(select(Duty).where(Duty.estate_id == estate_id).order_by(Duty.clause, Duty.id)):
        found.setdefault(duty.clause, []).append(duty)
    return found


def neighbours(session: Session, occurrence: DutyOccurrence) -> tuple[int | None, int | None]:
    """Ids of the occurrences of the same duty before and after this one; one statement."""
    other = aliased(DutyOccurrence)
    same = other.duty_id == occurrence.duty_id
    before = select(other.id).where(same, other.opens_at < occurrence.opens_at).order_by(other.opens_at.desc())
    after = select(other.id).where(same, other.opens_at > occurrence.opens_at).order_by(other.opens_at)
    row = session.execute(select(before.limit(1).scalar_subquery(), after.limit(1).scalar_subquery())).one()
    return row[0], row[1]
