"""When something is due: a rule, a start and the estate's calendar give a moment.

Rules in days count calendar or working days, the day of the start not counted, and end at 24:00 of the last day, which
is 00:00 of the day after (Civil Code arts. 201-203; sources C2).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count as counting

from dateutil.relativedelta import relativedelta

from app.core.clocks.calendar import DAY, WorkingCalendar
from app.core.clocks.models import ClockRule, ClockUnit, Shift

U = ClockUnit
NAMED = (U.WEEKDAY, U.DAY_OF_MONTH, U.WINDOW)
"""Rules that name days instead of counting them."""


def due_at(rule: ClockRule, count: int, start: datetime, calendar: WorkingCalendar) -> datetime:
    """The moment (UTC) at which ``count`` units of ``rule`` counted from ``start`` have passed; never before ``start``.

    Rules that name days take no count: they are due at the first named day that ends after ``start``.
    """
    start = start.astimezone(UTC)  # sums of local moments would count the clock, not the time
    day = calendar.local(start).date()
    if rule.unit == U.SECONDS:
        return start + timedelta(seconds=count)
    if rule.unit == U.HOURS:
        return start + timedelta(hours=count)
    if rule.unit == U.OPENING_HOURS:
        return _open_time(calendar, start, timedelta(hours=count))
    ends: Iterator[datetime]
    if rule.unit == U.CALENDAR_DAYS:
        ends = (_end_of(rule, day + DAY * n, calendar) for n in counting(count))
    elif rule.unit == U.WORKING_DAYS:
        ends = (_end_of(rule, calendar.add_working(day, n), calendar) for n in counting(count))
    else:
        ends = _named_ends(rule, day, calendar)
    return next(end for end in ends if end >= start)


def resumed_at(
    rule: ClockRule, due: datetime, paused: datetime, resumed: datetime, calendar: WorkingCalendar
) -> datetime:
    """The new limit (UTC) of a clock due at ``due`` that stood still from ``paused`` to ``resumed``.

    It moves by the rule's units that passed meanwhile: days by days, open time by open time. Named days do not move.
    A clock that was in time when it was paused is in time when it goes on, if need be by one more unit.
    """
    due, paused, resumed = (moment.astimezone(UTC) for moment in (due, paused, resumed))
    if rule.unit in (U.SECONDS, U.HOURS):
        return due + (resumed - paused)
    if rule.unit == U.OPENING_HOURS:
        return _open_time(calendar, due, _open_between(calendar, paused, resumed))
    if rule.unit in NAMED:
        if due > resumed or due <= paused:
            return due
        return next(end for end in _named_ends(rule, calendar.local(resumed).date(), calendar) if end > resumed)
    days = units_passed(rule, paused, resumed, calendar)
    moved = (_later(rule, due, days + more, calendar) for more in counting())
    return next(end for end in moved if end > resumed or due <= paused)


def opens_at(rule: ClockRule, due: datetime, calendar: WorkingCalendar) -> datetime | None:
    """When the window that ends at ``due`` opened; None for rules that are no window."""
    if rule.unit != U.WINDOW or rule.day is None:
        return None
    last = _last_day(due, calendar)
    for month in (last, last - relativedelta(months=1), last + relativedelta(months=1)):  # a shift may leave the month
        if _end_of(rule, _day_in(month, rule.amount), calendar) == due:
            return calendar.moment(_day_in(month, rule.day)).astimezone(UTC)
    return calendar.moment(_day_in(last, rule.day)).astimezone(UTC)


def units_left(rule: ClockRule, moment: datetime, due: datetime, calendar: WorkingCalendar) -> int:
    """What of a clock is left at ``moment``: whole days of day rules, seconds of all others; negative when overdue."""
    if moment > due:
        return -units_passed(rule, due, moment, calendar)
    return units_passed(rule, moment, due, calendar)


def units_passed(rule: ClockRule, since: datetime, until: datetime, calendar: WorkingCalendar) -> int:
    """Units from one moment to a later one: days begun after the day of ``since``, seconds of rules without days."""
    first, last = (_last_day(moment, calendar) for moment in (since, until))
    if rule.unit == U.CALENDAR_DAYS:
        return (last - first).days
    if rule.unit == U.WORKING_DAYS:
        return calendar.working_between(first, last)
    if rule.unit == U.OPENING_HOURS:
        return round(_open_between(calendar, since, until).total_seconds())
    return round((until - since).total_seconds())


def _last_day(moment: datetime, calendar: WorkingCalendar) -> date:
    """The day a limit belongs to: 24:00 ends a day and does not begin the next."""
    return (calendar.local(moment) - timedelta(microseconds=1)).date()


def _end_of(rule: ClockRule, day: date, calendar: WorkingCalendar) -> datetime:
    """End (UTC) of a due day: its time of day or 24:00, moved off rest days as the rule says (sources C20)."""
    if rule.shift != Shift.KEEP:
        day = calendar.shifted(day, -1 if rule.shift == Shift.PREVIOUS else 1)
    end = calendar.moment(day, rule.due_time) if rule.due_time else calendar.moment(day + DAY)
    return end.astimezone(UTC)


def _later(rule: ClockRule, due: datetime, days: int, calendar: WorkingCalendar) -> datetime:
    """A limit moved by ``days`` of a day rule; it keeps its time of day."""
    if days == 0:
        return due
    day, at = _last_day(due, calendar), calendar.local(due).time()
    moved = day + DAY * days if rule.unit == U.CALENDAR_DAYS else calendar.add_working(day, days)
    if rule.shift != Shift.KEEP:
        moved = calendar.shifted(moved, -1 if rule.shift == Shift.PREVIOUS else 1)
    return calendar.moment(moved + DAY if at == time(0) else moved, at).astimezone(UTC)


def _named_ends(rule: ClockRule, day: date, calendar: WorkingCalendar) -> Iterator[datetime]:
    """The limits (UTC) that a rule names, from shortly before ``day`` on: a shift may have moved one across it."""
    if rule.unit == U.WEEKDAY:
        first = day + DAY * ((rule.weekday or 0) - day.weekday() - 7)
        days = (first + DAY * 7 * n for n in counting())
    else:
        named = {int(month) for month in rule.months.split(",") if month.strip()}
        months = (day.replace(day=1) + relativedelta(months=n) for n in counting(-1))
        last = rule.amount if rule.unit == U.WINDOW else rule.day or 1
        days = (_day_in(month, last) for month in months if not named or month.month in named)
    return (_end_of(rule, named_day, calendar) for named_day in days)


def _day_in(month: date, day: int) -> date:
    """Day ``day`` of the month of ``month``, its last day when it has fewer."""
    return month.replace(day=1) + relativedelta(day=day)


def _openings(calendar: WorkingCalendar, since: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When the counter is open from ``since`` on, as moments in UTC; from the day of ``since`` on."""
    first = calendar.local(since).date()
    for day in (first + DAY * n for n in counting()):
        for opens, closes in calendar.hours(day):
            yield calendar.moment(day, opens).astimezone(UTC), calendar.moment(day, closes).astimezone(UTC)


def _open_time(calendar: WorkingCalendar, start: datetime, wanted: timedelta) -> datetime:
    """When the counter has been open for ``wanted`` since ``start`` (UTC); without opening hours, time runs always."""
    if not wanted or not calendar.weekly:
        return start + wanted
    for opens, closes in _openings(calendar, start):
        begin = max(opens, start)
        if begin + wanted <= closes:
            return begin + wanted
        wanted -= max(closes - begin, timedelta(0))
    raise AssertionError("openings do not end")


def _open_between(calendar: WorkingCalendar, since: datetime, until: datetime) -> timedelta:
    """How long the counter is open from ``since`` to ``until``."""
    if not calendar.weekly:
        return until - since
    open_for = timedelta(0)
    for opens, closes in _openings(calendar, since):
        if opens >= until:
            break
        open_for += max(min(closes, until) - max(opens, since), timedelta(0))
    return open_for
