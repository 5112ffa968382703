"""When a recurring duty falls due: a rule and the estate's calendar give one window after the other.

Nothing here reads or writes the database. A window is one period of a rule with the moments at which it opens, is due
and closes; between due and closing what is done still counts, as late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import takewhile

from dateutil.relativedelta import relativedelta
from flask_babel import lazy_gettext as _l

from app.core.clocks.calendar import DAY, WorkingCalendar
from app.core.clocks.models import Shift
from app.core.records.choices import Choice

InForce = Callable[[date], bool]
"""Whether a duty is in force on a day."""
FURTHEST = 800
"""Days within which a rule has a further window."""


class Period(Choice):
    """How often a duty recurs."""

    DAY = "day", _l("every day")
    WORKING_DAY = "working_day", _l("every working day")
    WEEK = "week", _l("every week")
    MONTH = "month", _l("every month")
    QUARTER = "quarter", _l("every quarter")
    HALF_YEAR = "half_year", _l("every half-year")
    YEAR = "year", _l("every year")


MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.HALF_YEAR: 6, Period.YEAR: 12}
"""Months of the periods that are made of months."""


@dataclass(frozen=True)
class Point:
    """A place in a period. ``month``: which month of it, from 1. ``day``: 1 = Monday in a week, else the day of the month,
    the last one when it has fewer; of working days the n-th, -1 for the last. ``at``: time of day. What is missing is the
    period's beginning or, where something is due, its end.
    """

    month: int | None = None
    day: int | None = None
    at: time | None = None


@dataclass(frozen=True, kw_only=True)
class Recurrence:
    """A rule. ``months`` (1-12, of monthly duties): only those, empty for all. ``working``: the days of ``opens`` and
    ``due`` are counted in working days. A due point at or before the opening lies in the following period (Friday to
    Monday). ``shift``: where a due day goes that is no working day (sources C20). ``grace``: how long after the due
    moment a thing done still counts, as late. ``times``: how often the thing is owed in a whole window.
    """

    period: Period
    times: int = 1
    months: frozenset[int] = frozenset()
    opens: Point = Point()
    due: Point = Point()
    working: bool = False
    shift: Shift = Shift.KEEP
    grace: timedelta = timedelta(0)


@dataclass(frozen=True)
class Window:
    """One period of a duty. ``from_on`` … ``due_on`` are its days as the rule names them, before any shift; ``due_on``
    is what reports go by. ``needed``: how often the thing is owed in it.
    """

    key: str
    first: date
    from_on: date
    due_on: date
    opens_at: datetime
    due_at: datetime
    closes_at: datetime
    needed: int


def windows(
    rule: Recurrence, calendar: WorkingCalendar, start: date, in_force: InForce | None = None
) -> Iterator[Window]:
    """The windows of ``rule`` from the period before the one of ``start`` on, in order.

    With ``in_force``, a window begins and ends with the days in force and asks for the share of ``times`` that is theirs,
    halves rounded up; one that comes to nothing is left out. So the first and last period of a duty ask for no more
    than can be done in it.
    """
    first = _begin(rule.period, _begin(rule.period, start) - DAY)
    until = start + DAY * FURTHEST
    while first <= until:
        if _counts(rule, calendar, first):
            whole = _window(rule, calendar, first)
            window = _cut(whole, calendar, in_force) if in_force else whole
            if window and window.needed:
                yield window
        first = _after(rule.period, first)


def drawn(
    rule: Recurrence, calendar: WorkingCalendar, since: datetime, last: date | None, moment: datetime,
    in_force: InForce | None = None,
) -> Iterator[Window]:  # fmt: skip
    """The windows after the one due on ``last``, due after ``since``, that have opened by ``moment``; and the next one."""
    start = calendar.local(since).date()
    for window in windows(rule, calendar, max(start, last) if last else start, in_force):
        if window.due_at > since and (last is None or window.due_on > last):
            yield window
            if window.opens_at > moment:
                return


def upcoming(
    rule: Recurrence, calendar: WorkingCalendar, moment: datetime, count: int, in_force: InForce | None = None
) -> list[Window]:
    """The next ``count`` windows that are not yet due at ``moment``."""
    found: list[Window] = []
    for window in windows(rule, calendar, calendar.local(moment).date(), in_force):
        if window.due_at > moment:
            found.append(window)
        if len(found) == count:
            break
    return found


def _begin(period: Period, day: date) -> date:
    """First day of the period that ``day`` lies in."""
    if period in (Period.DAY, Period.WORKING_DAY):
        return day
    if period == Period.WEEK:
        return day - DAY * day.weekday()
    length = MONTHS[period]
    return day.replace(day=1, month=(day.month - 1) // length * length + 1)


def _after(period: Period, first: date) -> date:
    """First day of the following period."""
    if period in (Period.DAY, Period.WORKING_DAY):
        return first + DAY
    return first + (DAY * 7 if period == Period.WEEK else relativedelta(months=MONTHS[period]))


def _counts(rule: Recurrence, calendar: WorkingCalendar, first: date) -> bool:
    """Whether the rule has a window in the period that begins on ``first``."""
    if rule.period == Period.WORKING_DAY:
        return calendar.is_working(first)
    return rule.period != Period.MONTH or not rule.months or first.month in rule.months


def _key(period: Period, first: date) -> str:
    if period in (Period.DAY, Period.WORKING_DAY):
        return first.isoformat()
    if period == Period.WEEK:
        return f"{first:%G-W%V}"
    if period == Period.MONTH:
        return f"{first:%Y-%m}"
    if period == Period.QUARTER:
        return f"{first:%Y}-Q{(first.month + 2) // 3}"
    return f"{first:%Y}-H{(first.month + 5) // 6}" if period == Period.HALF_YEAR else f"{first:%Y}"


def _window(rule: Recurrence, calendar: WorkingCalendar, first: date) -> Window:
    from_on = _day(rule, calendar, first, rule.opens, end=False)
    opens = calendar.moment(from_on, rule.opens.at or time(0))
    due_on = _day(rule, calendar, first, rule.due, end=True)
    if _moment(calendar, due_on, rule.due.at) <= opens:
        due_on = _day(rule, calendar, _after(rule.period, first), rule.due, end=True)
    day = due_on
    if rule.shift != Shift.KEEP:
        day = calendar.shifted(day, -1 if rule.shift == Shift.PREVIOUS else 1)
    due = _moment(calendar, day, rule.due.at)
    if opens >= due:  # a due day moved before the window takes its beginning along
        opens = min(calendar.moment(day), due - DAY)
    return Window(
        key=_key(rule.period, first), first=first, from_on=from_on, due_on=due_on, opens_at=opens, due_at=due,
        closes_at=due + rule.grace,
        needed=rule.times,
    )  # fmt: skip


def _moment(calendar: WorkingCalendar, day: date, at: time | None) -> datetime:
    """Time of a due day, 24:00 without one."""
    return calendar.moment(day, at) if at else calendar.moment(day + DAY)


def _day(rule: Recurrence, calendar: WorkingCalendar, first: date, point: Point, *, end: bool) -> date:
    """The day that ``point`` names in the period that begins on ``first``."""
    last = _after(rule.period, first) - DAY
    if rule.period not in (Period.DAY, Period.WORKING_DAY, Period.WEEK):
        if point.month is None and point.day is None:
            return last if end else first
        month = point.month or (MONTHS[rule.period] if end else 1)
        first = first + relativedelta(months=min(month, MONTHS[rule.period]) - 1)
        last = first + relativedelta(day=31)
    if point.day is None:
        return last if end else first
    if rule.working:
        days = [day for day in _days(first, last) if calendar.is_working(day)] or [last]
        return days[-1] if point.day < 0 else days[min(point.day, len(days)) - 1]
    return min(first + DAY * (point.day - 1), last)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + DAY * n for n in range((last - first).days + 1))


def _cut(window: Window, calendar: WorkingCalendar, in_force: InForce) -> Window | None:
    """The window as far as the duty is in force."""
    days = [*_days(window.from_on, window.due_on)]
    kept = [day for day in days if in_force(day)]
    if not kept:
        return None
    if len(kept) == len(days):
        return window
    ends_early = kept[-1] < window.due_on
    grace: timedelta = window.closes_at - window.due_at
    due = min(window.due_at, calendar.moment(kept[-1] + DAY)) if ends_early else window.due_at
    opens = max(window.opens_at, calendar.moment(kept[0])) if kept[0] > window.from_on else window.opens_at
    return Window(
        key=window.key, first=window.first, from_on=kept[0], due_on=kept[-1], opens_at=min(opens, due), due_at=due,
        closes_at=due + grace, needed=(2 * window.needed * len(kept) + len(days)) // (2 * len(days)),
    )  # fmt: skip


def in_year(rule: Recurrence, calendar: WorkingCalendar, year: int, in_force: InForce | None = None) -> list[Window]:
    """The windows whose due day, as the rule names it, lies in ``year``."""
    coming = takewhile(lambda w: w.first.year <= year, windows(rule, calendar, date(year, 1, 1), in_force))
    return [window for window in coming if window.due_on.year == year]
