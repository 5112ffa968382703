"""When something is due: vectors of the calendar, and what holds for every rule, start and pause."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.clocks.calendar import WorkingCalendar
from app.core.clocks.models import ClockRule, ClockUnit, Shift
from app.core.clocks.rules import due_at, opens_at, resumed_at, units_left

SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = {d: [(time(8, 30), time(12)), (time(13, 30), time(18))] if d < 5 else [(time(9), time(17))] for d in range(7)}
CALENDAR = WorkingCalendar(zone=SHANGHAI, weekly=WEEK)
BERLIN = WorkingCalendar(zone=ZoneInfo("Europe/Berlin"), weekly={d: [(time(0, 30), time(18))] for d in range(7)})


def rule(unit: ClockUnit, amount: int = 0, **values: object) -> ClockRule:
    return ClockRule(unit=unit, amount=amount, **{"months": "", "shift": Shift.KEEP, "due_time": None} | values)


MONDAY_NOON = rule(ClockUnit.WEEKDAY, weekday=0, due_time=time(12))


def local(text: str, calendar: WorkingCalendar = CALENDAR) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=calendar.zone)


def due(made: ClockRule, start: str, calendar: WorkingCalendar = CALENDAR) -> str:
    """The limit in local time, as text."""
    found = due_at(made, made.amount, local(start, calendar), calendar)
    assert found.tzinfo is UTC
    return f"{found.astimezone(calendar.zone):%Y-%m-%d %H:%M}"


# The calendar

OFF = {
    2025: "01-01 01-28..02-04 04-04..04-06 05-01..05-05 05-31..06-02 10-01..10-08",
    2026: "01-01..01-03 02-15..02-23 04-04..04-06 05-01..05-05 06-19..06-21 09-25..09-27 10-01..10-07",
}
MAKE_UP = {
    2025: "01-26 02-08 04-27 09-28 10-11",
    2026: "01-04 02-14 02-28 05-09 09-20 10-10",
}


def days(year: int, text: str) -> set[date]:
    found = set()
    for part in text.split():
        first, _dots, last = part.partition("..")
        day, end = (date.fromisoformat(f"{year}-{d}") for d in (first, last or first))
        while day <= end:
            found.add(day)
            day += timedelta(days=1)
    return found


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_of_the_published_years(year: int) -> None:
    off, make_up = days(year, OFF[year]), days(year, MAKE_UP[year])
    day = date(year, 1, 1)
    while day.year == year:
        expected = day in make_up or (day.weekday() < 5 and day not in off)
        assert CALENDAR.is_working(day) == expected, day
        assert CALENDAR.make_up(day) == (day in make_up), day
        day += timedelta(days=1)
    assert CALENDAR.published(year)


def test_a_year_without_notice_is_estimated_until_one_is_imported() -> None:
    assert not CALENDAR.published(2027)
    assert not CALENDAR.is_working(date(2027, 10, 1))  # by law, whatever the notice will say
    assert CALENDAR.title(date(2027, 10, 1))
    estimated = date(2027, 5, 4)
    assert not CALENDAR.is_working(estimated)
    imported = WorkingCalendar(
        zone=SHANGHAI, corrections={date(2027, 10, 1): (False, "国庆节")}, noticed=frozenset({2027})
    )
    assert imported.published(2027)
    assert imported.is_working(estimated)  # the notice is whole: what it does not name is an ordinary day
    assert not imported.is_working(date(2027, 10, 1))


def test_a_correction_of_the_estate_goes_before_the_notice_but_does_not_publish_a_year() -> None:
    corrected = WorkingCalendar(
        zone=SHANGHAI, corrections={date(2026, 3, 2): (False, "停电"), date(2027, 3, 1): (False, "")}
    )
    assert not corrected.is_working(date(2026, 3, 2))
    assert corrected.title(date(2026, 3, 2)) == "停电"
    assert not corrected.published(2027)
    assert not corrected.is_working(date(2027, 10, 1))


def test_a_holiday_does_not_close_the_counter_but_a_closed_day_does() -> None:
    calendar = WorkingCalendar(zone=SHANGHAI, weekly=WEEK, special={date(2026, 10, 2): ()})
    assert calendar.hours(date(2026, 10, 1)) == WEEK[3]
    assert calendar.hours(date(2026, 10, 2)) == ()


# Counting


@pytest.mark.parametrize(
    ("start", "expected"),
    [("2026-02-12 10:00", "2026-02-27 00:00"), ("2026-09-30 10:00", "2026-10-14 00:00")],
)
def test_five_working_days_end_at_midnight_after_the_fifth(start: str, expected: str) -> None:
    assert due(rule(ClockUnit.WORKING_DAYS, 5), start) == expected


@pytest.mark.parametrize(
    ("amount", "start", "expected"),
    [
        (2, "2026-11-20 23:59", "2026-11-23 00:00"),  # the day of completion is not counted, due 24:00 (C2)
        (2, "2026-11-20 00:00", "2026-11-23 00:00"),
        (3, "2026-11-20 10:00", "2026-11-24 00:00"),
        (7, "2026-11-20 10:00", "2026-11-28 00:00"),
        (0, "2026-11-20 10:00", "2026-11-21 00:00"),
    ],
)
def test_calendar_days(amount: int, start: str, expected: str) -> None:
    assert due(rule(ClockUnit.CALENDAR_DAYS, amount), start) == expected


def test_hours_run_through_nights_and_holidays() -> None:
    assert due(rule(ClockUnit.HOURS, 72), "2026-09-30 16:20") == "2026-10-03 16:20"
    assert due(rule(ClockUnit.SECONDS, 1800), "2026-09-30 23:50") == "2026-10-01 00:20"


@pytest.mark.parametrize(
    ("hours", "start", "expected"),
    [
        (1, "2026-11-20 09:00", "2026-11-20 10:00"),
        (1, "2026-11-20 11:30", "2026-11-20 14:00"),  # over the midday break
        (2, "2026-11-20 17:00", "2026-11-21 10:00"),  # Friday evening to Saturday morning
        (1, "2026-11-20 20:00", "2026-11-21 10:00"),
        (8, "2026-11-21 09:00", "2026-11-21 17:00"),  # a limit may fall on closing time
        (0, "2026-11-20 20:00", "2026-11-20 20:00"),
    ],
)
def test_opening_hours(hours: int, start: str, expected: str) -> None:
    assert due(rule(ClockUnit.OPENING_HOURS, hours), start) == expected


def test_without_opening_hours_time_runs_always() -> None:
    always = WorkingCalendar(zone=SHANGHAI)
    assert due(rule(ClockUnit.OPENING_HOURS, 30), "2026-11-20 20:00", always) == "2026-11-22 02:00"


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("2026-11-20 17:00", "2026-11-23 12:00"),  # Friday to next Monday noon
        ("2026-11-23 11:59", "2026-11-23 12:00"),
        ("2026-11-23 12:01", "2026-11-30 12:00"),
    ],
)
def test_next_monday_noon(start: str, expected: str) -> None:
    assert due(MONDAY_NOON, start) == expected


@pytest.mark.parametrize(
    ("shift", "expected"),
    [(Shift.KEEP, "2026-10-06 00:00"), (Shift.PREVIOUS, "2026-10-01 00:00"), (Shift.NEXT, "2026-10-09 00:00")],
)
def test_the_fifth_of_october_is_always_a_holiday(shift: Shift, expected: str) -> None:  # sources C20
    assert due(rule(ClockUnit.DAY_OF_MONTH, day=5, shift=shift), "2026-09-10 10:00") == expected


def test_a_named_day_that_was_shifted_is_still_ahead_on_the_days_between() -> None:
    fifth = rule(ClockUnit.DAY_OF_MONTH, day=5, shift=Shift.NEXT)
    assert due(fifth, "2026-10-07 10:00") == "2026-10-09 00:00"
    last = rule(ClockUnit.DAY_OF_MONTH, day=31, shift=Shift.NEXT)
    assert due(last, "2026-06-01 09:00") == "2026-06-02 00:00"  # 31 May is a Sunday


def test_the_last_day_of_short_months_and_a_day_of_the_year() -> None:
    last = rule(ClockUnit.DAY_OF_MONTH, day=31, due_time=time(12))
    assert due(last, "2026-02-03 10:00") == "2026-02-28 12:00"
    yearly = rule(ClockUnit.DAY_OF_MONTH, day=5, months="1")
    assert due(yearly, "2026-01-05 10:00") == "2026-01-06 00:00"
    assert due(yearly, "2026-01-06 10:00") == "2027-01-06 00:00"


@pytest.mark.parametrize(
    ("start", "opens", "closes"),
    [
        ("2026-01-15 10:00", "2026-03-11", "2026-03-21 00:00"),
        ("2026-03-20 23:00", "2026-03-11", "2026-03-21 00:00"),
        ("2026-03-21 00:30", "2026-06-11", "2026-06-21 00:00"),
        ("2026-12-24 09:00", "2027-03-11", "2027-03-21 00:00"),
    ],
)
def test_a_window_of_the_quarter(start: str, opens: str, closes: str) -> None:
    window = rule(ClockUnit.WINDOW, 20, day=11, months="3,6,9,12")
    assert due(window, start) == closes
    opened = opens_at(window, due_at(window, 20, local(start), CALENDAR), CALENDAR)
    assert opened is not None
    assert f"{opened.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" == f"{opens} 00:00"


def test_a_window_whose_end_was_shifted_into_the_next_month_opened_in_its_own() -> None:
    window = rule(ClockUnit.WINDOW, 31, day=20, months="5", shift=Shift.NEXT)
    end = due_at(window, 31, local("2026-05-02 09:00"), CALENDAR)
    assert opens_at(window, end, CALENDAR) == local("2026-05-20 00:00")


def test_summer_time_keeps_days_whole_and_hours_true() -> None:
    assert due(rule(ClockUnit.CALENDAR_DAYS, 1), "2026-03-28 10:00", BERLIN) == "2026-03-30 00:00"
    assert due(rule(ClockUnit.HOURS, 24), "2026-03-28 10:00", BERLIN) == "2026-03-29 11:00"
    # open from 00:30: the night of the change has 3.5 hours until 05:00, not 4.5
    assert due(rule(ClockUnit.OPENING_HOURS, 4), "2026-03-29 00:00", BERLIN) == "2026-03-29 05:30"


# Pauses


@pytest.mark.parametrize(
    ("made", "limit", "paused", "resumed", "expected"),
    [
        (rule(ClockUnit.HOURS, 72), "2026-11-20 10:00", "2026-11-19 10:00", "2026-11-22 09:30", "2026-11-23 09:30"),
        (rule(ClockUnit.CALENDAR_DAYS, 3), "2026-11-21 00:00", "2026-11-19 18:00", "2026-11-25 08:00", "2026-11-27 00:00"),
        # Thursday to Tuesday are three working days
        (rule(ClockUnit.WORKING_DAYS, 3), "2026-11-21 00:00", "2026-11-19 18:00", "2026-11-24 08:00", "2026-11-26 00:00"),
        # paused on its last day, a Friday; going on at the weekend leaves the next working day
        (rule(ClockUnit.WORKING_DAYS, 1), "2026-11-21 00:00", "2026-11-20 18:00", "2026-11-22 08:00", "2026-11-24 00:00"),
        # overdue stays overdue by as much
        (rule(ClockUnit.WORKING_DAYS, 1), "2026-11-21 00:00", "2026-11-22 18:00", "2026-11-24 08:00", "2026-11-25 00:00"),
        (rule(ClockUnit.CALENDAR_DAYS, 1), "2026-11-21 00:00", "2026-11-22 18:00", "2026-11-24 08:00", "2026-11-23 00:00"),
        (rule(ClockUnit.OPENING_HOURS, 4), "2026-11-20 10:00", "2026-11-20 09:00", "2026-11-20 17:30", "2026-11-21 09:30"),
        (MONDAY_NOON, "2026-11-23 12:00", "2026-11-20 09:00", "2026-11-22 09:00", "2026-11-23 12:00"),
        (MONDAY_NOON, "2026-11-23 12:00", "2026-11-20 09:00", "2026-11-24 09:00", "2026-11-30 12:00"),
    ],
)  # fmt: skip
def test_a_pause_moves_the_limit_by_what_passed(
    made: ClockRule, limit: str, paused: str, resumed: str, expected: str
) -> None:
    moved = resumed_at(made, local(limit), local(paused), local(resumed), CALENDAR)
    assert f"{moved.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" == expected


def test_a_limit_that_somebody_chose_keeps_its_time_of_day() -> None:
    moved = resumed_at(
        rule(ClockUnit.WORKING_DAYS, 3), local("2026-11-20 15:30"), local("2026-11-19 10:00"), local("2026-11-20 10:00"),
        CALENDAR,
    )  # fmt: skip
    assert moved == local("2026-11-23 15:30")


CALENDARS = st.sampled_from([CALENDAR, BERLIN, WorkingCalendar(zone=SHANGHAI)])
MOMENTS = st.integers(0, 700 * 86400).map(lambda seconds: datetime(2025, 1, 2, tzinfo=UTC) + timedelta(seconds=seconds))
AT = st.none() | st.sampled_from([time(0), time(9), time(12), time(23, 59)])
SHIFTS = st.sampled_from(list(Shift))
COUNTED = st.builds(
    rule,
    st.sampled_from([u for u in ClockUnit if u not in (ClockUnit.WEEKDAY, ClockUnit.DAY_OF_MONTH, ClockUnit.WINDOW)]),
    st.integers(0, 40), shift=SHIFTS, due_time=AT,
)  # fmt: skip
NAMED = st.one_of(
    st.builds(rule, st.just(ClockUnit.WEEKDAY), weekday=st.integers(0, 6), due_time=AT, shift=SHIFTS),
    st.builds(rule, st.just(ClockUnit.DAY_OF_MONTH), day=st.integers(1, 31), due_time=AT, shift=SHIFTS,
              months=st.sampled_from(["", "1", "3,6,9,12"])),
    st.builds(rule, st.just(ClockUnit.WINDOW), st.integers(11, 31), day=st.integers(1, 11), shift=SHIFTS,
              months=st.sampled_from(["", "3,6,9,12"])),
)  # fmt: skip
RULES = COUNTED | NAMED
PAUSES = st.integers(0, 60 * 86400).map(lambda seconds: timedelta(seconds=seconds))


@settings(deadline=None, max_examples=150)
@given(RULES, MOMENTS, CALENDARS)
def test_a_limit_never_lies_before_its_start(made: ClockRule, start: datetime, calendar: WorkingCalendar) -> None:
    assert due_at(made, made.amount, start, calendar) >= start


@settings(deadline=None, max_examples=150)
@given(RULES, MOMENTS, PAUSES, CALENDARS)
def test_to_pause_and_go_on_at_once_changes_nothing(
    made: ClockRule, start: datetime, after: timedelta, calendar: WorkingCalendar
) -> None:
    limit, moment = due_at(made, made.amount, start, calendar), start + after
    assert resumed_at(made, limit, moment, moment, calendar) == limit


@settings(deadline=None, max_examples=150)
@given(RULES, MOMENTS, PAUSES, PAUSES, CALENDARS)
def test_a_pause_never_takes_time_nor_makes_anybody_late_or_punctual(
    made: ClockRule, start: datetime, after: timedelta, length: timedelta, calendar: WorkingCalendar
) -> None:
    limit, paused = due_at(made, made.amount, start, calendar), start + after
    resumed = paused + length
    moved = resumed_at(made, limit, paused, resumed, calendar)
    assert moved >= limit
    assert (moved > resumed) == (limit > paused)


@settings(deadline=None, max_examples=150)
@given(COUNTED, MOMENTS, PAUSES, PAUSES, CALENDARS)
def test_two_pauses_of_a_counting_clock_are_as_one(
    made: ClockRule, start: datetime, first: timedelta, second: timedelta, calendar: WorkingCalendar
) -> None:
    made.shift, made.due_time = Shift.KEEP, None
    limit = due_at(made, 70, start, calendar)
    between = start + first
    once = resumed_at(made, limit, start, between + second, calendar)
    twice = resumed_at(made, resumed_at(made, limit, start, between, calendar), between, between + second, calendar)
    assert twice == once


@settings(deadline=None, max_examples=150)
@given(COUNTED, MOMENTS, PAUSES, CALENDARS)
def test_what_is_left_and_what_passed_is_what_was_granted(
    made: ClockRule, start: datetime, after: timedelta, calendar: WorkingCalendar
) -> None:
    made.shift, made.due_time = Shift.KEEP, None
    limit, moment = due_at(made, made.amount, start, calendar), start + after
    granted = units_left(made, start, limit, calendar)
    assert granted == units_left(made, moment, limit, calendar) + units_left(made, start, moment, calendar)
    per_unit = 3600 if made.unit in (ClockUnit.HOURS, ClockUnit.OPENING_HOURS) else 1
    assert granted == made.amount * per_unit


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 30), MOMENTS)
def test_more_units_are_due_later_and_working_days_not_before_calendar_days(count: int, start: datetime) -> None:
    for unit in (ClockUnit.CALENDAR_DAYS, ClockUnit.WORKING_DAYS, ClockUnit.HOURS, ClockUnit.OPENING_HOURS):
        made = rule(unit)
        assert due_at(made, count, start, CALENDAR) < due_at(made, count + 1, start, CALENDAR)
    working = due_at(rule(ClockUnit.WORKING_DAYS), count, start, CALENDAR)
    assert working >= due_at(rule(ClockUnit.CALENDAR_DAYS), count, start, CALENDAR)
