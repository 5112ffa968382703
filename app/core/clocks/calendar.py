"""The working calendar of an estate: State Council notices, the estate's own corrections, opening hours, time zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.core.clocks.models import CalendarDay, OpeningHours
from app.core.records.choices import in_language
from app.core.records.clock import estate_zone

DAY = timedelta(days=1)
Hours = tuple[time, time]


Name = tuple[str, str]
"""What a day is called in Chinese and in English."""


@lru_cache(maxsize=64)
def notice(year: int) -> tuple[Mapping[date, Name], frozenset[date], bool]:
    """Statutory days off with their names (empty for days in lieu), make-up working days, whether the notice is known.

    Every notice so far has made some weekend days working days; a year without any has not been published.
    """
    zh, en = (holidays.country_holidays("CN", years=year, language=language) for language in ("zh_CN", "en_US"))
    make_up = frozenset(day for day in zh.weekend_workdays if day.year == year)
    names = {day: ("", "") if name.startswith("休息日") else (name, en.get(day, name)) for day, name in zh.items()}
    return names, make_up, bool(make_up)


def by_library(day: date) -> bool:
    """Whether a day is a working day as far as the library knows: Monday to Friday minus days off plus make-up days."""
    off, make_up, _known = notice(day.year)
    return day in make_up or (day.weekday() < 5 and day not in off)


@dataclass(frozen=True)
class WorkingCalendar:
    """Which days are working days and when the counter is open.

    ``corrections``: the estate's days, ``{day: (working, name)}``; ``noticed``: years whose notice was imported among
    them; ``special``: opening hours of single days, empty when the counter is closed; ``weekly``: opening hours by day
    of the week, 0 = Monday.
    """

    zone: ZoneInfo
    corrections: Mapping[date, tuple[bool, str]] = field(default_factory=dict)
    noticed: frozenset[int] = frozenset()
    special: Mapping[date, Sequence[Hours]] = field(default_factory=dict)
    weekly: Mapping[int, Sequence[Hours]] = field(default_factory=dict)

    def is_working(self, day: date) -> bool:
        """Monday to Friday minus days off plus make-up days, unless the estate corrected the day (rules §7)."""
        if day in self.corrections:
            return self.corrections[day][0]
        return day.weekday() < 5 if self._imported(day.year) else by_library(day)

    def published(self, year: int) -> bool:
        """Whether the year's notice is known, by the library or by import; until then its holidays are estimated."""
        return notice(year)[2] or year in self.noticed

    def title(self, day: date) -> str:
        """Name of a holiday or of a correction, empty on ordinary days."""
        if day in self.corrections:
            return self.corrections[day][1]
        return "" if self._imported(day.year) else in_language(*notice(day.year)[0].get(day, ("", "")))

    def make_up(self, day: date) -> bool:
        """Whether a Saturday or Sunday is worked."""
        return day.weekday() >= 5 and self.is_working(day)

    def _imported(self, year: int) -> bool:
        """Whether the notice was imported for a year of which the library only has estimates."""
        return year in self.noticed and not notice(year)[2]

    def add_working(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``, which itself is not counted; ``day`` for 0."""
        while count > 0:
            day += DAY
            count -= self.is_working(day)
        return day

    def working_between(self, after: date, until: date) -> int:
        """Working days after ``after`` up to and including ``until``; 0 when there are none."""
        return sum(self.is_working(after + DAY * n) for n in range(1, (until - after).days + 1))

    def shifted(self, day: date, step: int) -> date:
        """``day`` itself when it is a working day, else the next one in the direction of ``step`` (1 or -1)."""
        while not self.is_working(day):
            day += DAY * step
        return day

    def hours(self, day: date) -> Sequence[Hours]:
        """When the counter is open on ``day``; a holiday has the hours of its day of the week (RE-02)."""
        return self.special[day] if day in self.special else self.weekly.get(day.weekday(), ())

    def moment(self, day: date, at: time = time(0)) -> datetime:
        """Local time of a day as an aware moment."""
        return datetime.combine(day, at, self.zone)

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(self.zone)


def calendar_of(session: Session, estate_id: int) -> WorkingCalendar:
    """The estate's calendar, read once per session: two statements."""
    kept: dict[int, WorkingCalendar] = session.info.setdefault("guanjia.calendars", {})
    if estate_id not in kept:
        kept[estate_id] = _read(session, estate_id)
    return kept[estate_id]


@event.listens_for(Session, "after_flush")
def _forget_changed(session: Session, context: Any) -> None:
    if any(isinstance(row, CalendarDay | OpeningHours) for row in (*session.new, *session.dirty, *session.deleted)):
        session.info.pop("guanjia.calendars", None)


@event.listens_for(Session, "after_soft_rollback")
def _forget_all(session: Session, previous: Any) -> None:
    session.info.pop("guanjia.calendars", None)


def _read(session: Session, estate_id: int) -> WorkingCalendar:
    days = session.scalars(select(CalendarDay).where(CalendarDay.estate_id == estate_id)).all()
    rows = session.scalars(select(OpeningHours).where(OpeningHours.estate_id == estate_id).order_by(OpeningHours.opens))
    weekly: dict[int, list[Hours]] = {}
    for row in rows:
        weekly.setdefault(row.weekday, []).append((row.opens, row.closes))
    return WorkingCalendar(
        zone=estate_zone(session, estate_id),
        corrections={d.day: (d.working, d.title) for d in days},
        noticed=frozenset(d.day.year for d in days if d.notice),
        special={d.day: [(d.opens, d.closes)] if d.opens and d.closes else () for d in days if d.opens or d.closed},
        weekly=weekly,
    )
