"""When something is due: a rule, a start and the estate's calendar give a moment.

Rules in days count calendar or working days, the day of the start not counted, and end at 24:00 of the last day, which
is 00:00 of the day after (Civil Code arts. 201-203; sources C2).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from dateutil.relativedelta import relativedelta

from app.core.clocks.calendar import DAY, WorkingCalendar
from app.core.clocks.models import ClockRule, ClockUnit, Shift

U = ClockUnit
LONGEST_WAIT = 400
"""Days within which a counter opens or a window comes round."""


def due_at(
    rule: ClockRule, count: int, start: datetime, calendar: WorkingCalendar, *, resumed: bool = False
) -> datetime:
    """The moment (UTC) at which ``count`` units of ``rule`` counted from ``start`` have passed.

    ``resumed``: ``count`` is what :func:`units_left` kept of a paused clock.
    """
    local = calendar.local(start)
    if rule.unit == U.SECONDS or (resumed and rule.unit == U.HOURS):
        due = start + timedelta(seconds=count)
    elif rule.unit == U.HOURS:
        due = start + timedelta(hours=count)
    elif rule.unit == U.OPENING_HOURS:
        due = _open_time(calendar, local, timedelta(seconds=count) if resumed else timedelta(hours=count))
    elif rule.unit == U.CALENDAR_DAYS:
        due = _end_of(rule, local.date() + DAY * count, calendar)
    elif rule.unit == U.WORKING_DAYS:
        due = _end_of(rule, calendar.add_working(local.date(), count), calendar)
    else:
        due = next(d for d in (_end_of(rule, day, calendar) for day in _named_days(rule, local.date())) if d > start)
    return due.astimezone(UTC)


def opens_at(rule: ClockRule, due: datetime, calendar: WorkingCalendar) -> datetime | None:
    """When the window that ends at ``due`` opened; None for rules that are no window."""
    if rule.unit != U.WINDOW or rule.day is None:
        return None
    last = (calendar.local(due) - timedelta(microseconds=1)).date()
    return calendar.moment(_day_in(last, rule.day)).astimezone(UTC)


def units_left(rule: ClockRule, moment: datetime, due: datetime, calendar: WorkingCalendar) -> int:
    """What of a clock is left at ``moment``: whole days of day rules, seconds of all others; negative when overdue."""
    day, last = calendar.local(moment).date(), (calendar.local(due) - timedelta(microseconds=1)).date()
    if rule.unit == U.CALENDAR_DAYS:
        return (last - day).days
    if rule.unit == U.WORKING_DAYS:
        return calendar.working_between(day, last) if last >= day else -calendar.working_between(last, day)
    if rule.unit == U.OPENING_HOURS:
        return _open_seconds(calendar, calendar.local(moment), calendar.local(due))
    return int((due - moment).total_seconds())


def _end_of(rule: ClockRule, day: date, calendar: WorkingCalendar) -> datetime:
    """End of a due day: its time of day or 24:00, moved off rest days as the rule says (sources C20)."""
    if rule.shift != Shift.KEEP:
        day = calendar.shifted(day, -1 if rule.shift == Shift.PREVIOUS else 1)
    return calendar.moment(day, rule.due_time) if rule.due_time else calendar.moment(day + DAY)


def _named_days(rule: ClockRule, start: date) -> Iterator[date]:
    """The days a weekday, day-of-month or window rule names, from ``start`` on."""
    if rule.unit == U.WEEKDAY:
        first = start + DAY * (((rule.weekday or 0) - start.weekday()) % 7)
        yield from (first + DAY * 7 * n for n in range(LONGEST_WAIT // 7))
        return
    months = {int(m) for m in rule.months.split(",") if m.strip()}
    month = start.replace(day=1)
    last = rule.amount if rule.unit == U.WINDOW else (rule.day or 1)
    for _n in range(26):
        if not months or month.month in months:
            yield _day_in(month, last)
        month += relativedelta(months=1)


def _day_in(month: date, day: int) -> date:
    """Day ``day`` of the month of ``month``, its last day when it has fewer."""
    return month.replace(day=1) + relativedelta(day=day)


def _open_time(calendar: WorkingCalendar, local: datetime, wanted: timedelta) -> datetime:
    """When the counter has been open for ``wanted`` since ``local``; without opening hours, time runs always."""
    if not calendar.weekly and not calendar.special:
        return local + wanted
    day = local.date()
    for _n in range(LONGEST_WAIT):
        for opens, closes in calendar.hours(day):
            begin, end = max(calendar.moment(day, opens), local), calendar.moment(day, closes)
            if begin < end:
                if wanted <= end - begin:
                    return begin + wanted
                wanted -= end - begin
        day += DAY
    return calendar.moment(day)


def _open_seconds(calendar: WorkingCalendar, start: datetime, end: datetime) -> int:
    """Seconds the counter is open between two local moments, negative when ``end`` lies before ``start``."""
    if end < start:
        return -_open_seconds(calendar, end, start)
    if not calendar.weekly and not calendar.special:
        return int((end - start).total_seconds())
    seconds = 0.0
    for n in range((end.date() - start.date()).days + 1):
        day = start.date() + DAY * n
        for opens, closes in calendar.hours(day):
            begin, finish = max(calendar.moment(day, opens), start), min(calendar.moment(day, closes), end)
            seconds += max(0.0, (finish - begin).total_seconds())
    return int(seconds)
