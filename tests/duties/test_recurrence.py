"""The windows of a rule: which days, in which order, how many times owed. Dates of 2026 with its holidays."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.clocks.calendar import WorkingCalendar
from app.core.clocks.models import Shift
from app.modules.duties.recurrence import MONTHS, Period, Point, Recurrence, drawn, in_year, upcoming, windows

ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = WorkingCalendar(zone=ZONE)
NEW_YEAR_2026 = datetime(2026, 1, 1, tzinfo=ZONE)


def due_days(rule: Recurrence, year: int = 2026) -> list[str]:
    return [f"{w.due_at:%m-%d %H:%M}" for w in in_year(rule, CALENDAR, year)]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # AR-04: by the 5th; 2026-10-05 is in the National Day week, 2026-04-05 and -06 at Qingming (C20)
        (Recurrence(period=Period.MONTH, months=frozenset({4, 10}), due=Point(day=5)), ["04-06 00:00", "10-06 00:00"]),
        (Recurrence(period=Period.MONTH, months=frozenset({4, 10}), due=Point(day=5), shift=Shift.NEXT),
         ["04-08 00:00", "10-09 00:00"]),
        (Recurrence(period=Period.MONTH, months=frozenset({4, 10}), due=Point(day=5), shift=Shift.PREVIOUS),
         ["04-04 00:00", "10-01 00:00"]),
        # WR-07 the 5th at 12:00; OS-09 5 January (2026-01-05 is a Monday)
        (Recurrence(period=Period.MONTH, months=frozenset({2}), due=Point(day=5, at=time(12))), ["02-05 12:00"]),
        (Recurrence(period=Period.YEAR, due=Point(month=1, day=5)), ["01-06 00:00"]),
        # WR-08 25 March 12:00
        (Recurrence(period=Period.YEAR, due=Point(month=3, day=25, at=time(12))), ["03-25 12:00"]),
        # OS-03 window 11-20 of Mar/Jun/Sep/Dec
        (Recurrence(period=Period.MONTH, months=frozenset({3, 6, 9, 12}), opens=Point(day=11), due=Point(day=20)),
         ["03-21 00:00", "06-21 00:00", "09-21 00:00", "12-21 00:00"]),
        # OS-04 by the 5th of the month after the quarter
        (Recurrence(period=Period.QUARTER, due=Point(month=1, day=5)),
         ["01-06 00:00", "04-06 00:00", "07-06 00:00", "10-06 00:00"]),
        # AR-05 quarterly, CO-06 half-yearly, at their ends
        (Recurrence(period=Period.QUARTER), ["04-01 00:00", "07-01 00:00", "10-01 00:00", "01-01 00:00"]),
        (Recurrence(period=Period.HALF_YEAR), ["07-01 00:00", "01-01 00:00"]),
        # the last working day of the month, 12:00 (WR-06), over Spring Festival (15-23 February) and National Day
        (Recurrence(period=Period.MONTH, months=frozenset({1, 2, 9}), due=Point(day=-1, at=time(12)), working=True),
         ["01-30 12:00", "02-28 12:00", "09-30 12:00"]),
        # the third working day: 5 January (1-3 are off, Sunday 4 January is a make-up day), 10 October
        (Recurrence(period=Period.MONTH, months=frozenset({1, 10}), due=Point(day=3), working=True),
         ["01-07 00:00", "10-11 00:00"]),
        # 31 in a short month is its last day
        (Recurrence(period=Period.MONTH, months=frozenset({2}), due=Point(day=31)), ["03-01 00:00"]),
    ],
)  # fmt: skip
def test_due_moments_of_2026(rule: Recurrence, expected: list[str]) -> None:
    assert due_days(rule) == expected


def test_a_week_from_friday_to_monday() -> None:
    """CC-03: exceptions summed up on Friday 17:00, answers due on Monday 12:00 (C4)."""
    rule = Recurrence(period=Period.WEEK, opens=Point(day=5, at=time(17)), due=Point(day=1, at=time(12)))
    first = upcoming(rule, CALENDAR, datetime(2026, 3, 4, 9, tzinfo=ZONE), 2)
    assert [(f"{w.opens_at:%m-%d %H:%M}", f"{w.due_at:%m-%d %H:%M}") for w in first] == [
        ("03-06 17:00", "03-09 12:00"),
        ("03-13 17:00", "03-16 12:00"),
    ]


def test_every_day_and_every_working_day() -> None:
    """CO-02: the contact box every day at a fixed time; working days leave out Spring Festival, not make-up days."""
    daily = Recurrence(period=Period.DAY, opens=Point(at=time(9)), due=Point(at=time(9, 30)))
    assert len(due_days(daily)) == 365
    working = [w.due_on for w in in_year(Recurrence(period=Period.WORKING_DAY), CALENDAR, 2026)]
    assert date(2026, 2, 14) in working and date(2026, 2, 28) in working  # Saturdays that were worked
    assert not [day for day in working if date(2026, 2, 15) <= day <= date(2026, 2, 23)]


def test_a_due_day_moved_before_the_window_opens_it_earlier() -> None:
    rule = Recurrence(
        period=Period.MONTH, months=frozenset({10}), opens=Point(day=5), due=Point(day=5), shift=Shift.PREVIOUS
    )
    (window,) = in_year(rule, CALENDAR, 2026)
    assert (window.opens_at, window.due_at) == (
        datetime(2026, 9, 30, tzinfo=ZONE),
        datetime(2026, 10, 1, tzinfo=ZONE),
    )
    assert window.due_on == date(2026, 10, 5)


@pytest.mark.clause("MI-12")
def test_a_concentrated_period_owes_its_share() -> None:
    """18 May to 10 July: 2 of 4 in May (14 of 31 days), 4 in June, 1 in July (10 of 31); the monthly duty yields."""

    def concentrated(day: date) -> bool:
        return date(2026, 5, 18) <= day <= date(2026, 7, 10)

    four = in_year(Recurrence(period=Period.MONTH, times=4), CALENDAR, 2026, concentrated)
    assert [(w.key, w.needed, w.from_on.day, w.due_on.day) for w in four] == [
        ("2026-05", 2, 18, 31),
        ("2026-06", 4, 1, 30),
        ("2026-07", 1, 1, 10),
    ]
    assert four[2].due_at == datetime(2026, 7, 11, tzinfo=ZONE)
    one = in_year(Recurrence(period=Period.MONTH), CALENDAR, 2026, lambda day: not concentrated(day))
    assert [w.key[-2:] for w in one] == ["01", "02", "03", "04", "05", "07", "08", "09", "10", "11", "12"]
    assert one[4].due_at == datetime(2026, 5, 18, tzinfo=ZONE)
    assert one[5].opens_at == datetime(2026, 7, 11, tzinfo=ZONE)


def test_less_than_half_of_one_is_nothing() -> None:
    late_start = in_year(Recurrence(period=Period.MONTH), CALENDAR, 2026, lambda day: day >= date(2026, 6, 17))
    assert late_start[0].key == "2026-07"
    half = in_year(Recurrence(period=Period.MONTH), CALENDAR, 2026, lambda day: day >= date(2026, 6, 16))
    assert half[0].key == "2026-06"


def test_drawn_goes_one_beyond_the_present() -> None:
    rule = Recurrence(period=Period.MONTH)
    march = datetime(2026, 3, 14, tzinfo=ZONE)
    assert [w.key for w in drawn(rule, CALENDAR, march, None, march)] == ["2026-03", "2026-04"]
    after_a_standstill = drawn(rule, CALENDAR, march, date(2026, 4, 30), datetime(2026, 7, 2, tzinfo=ZONE))
    assert [w.key for w in after_a_standstill] == ["2026-05", "2026-06", "2026-07", "2026-08"]


@st.composite
def rules(draw: st.DrawFn) -> Recurrence:
    period = draw(st.sampled_from(list(Period)))
    longest = MONTHS.get(period, 1)
    days = st.none() | st.integers(1, 7 if period == Period.WEEK else 31)
    month = st.none() | st.integers(1, longest)
    times = st.none() | st.times().map(lambda t: t.replace(second=0, microsecond=0))
    point = st.builds(Point, month, days, times)
    return Recurrence(
        period=period, times=draw(st.integers(1, 6)), opens=draw(point), due=draw(point), working=draw(st.booleans()),
        months=frozenset(draw(st.sets(st.integers(1, 12)))) if period == Period.MONTH else frozenset(),
        shift=draw(st.sampled_from(list(Shift))), grace=timedelta(days=draw(st.integers(0, 10))),
    )  # fmt: skip


@given(rules(), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
def test_windows_follow_one_another(rule: Recurrence, start: date) -> None:
    found = [w for _n, w in zip(range(12), windows(rule, CALENDAR, start), strict=False)]
    for window in found:
        assert window.opens_at < window.due_at <= window.closes_at
        assert window.from_on <= window.due_on
        assert window.needed == rule.times
        if rule.shift != Shift.KEEP:
            assert CALENDAR.is_working((window.due_at - timedelta(microseconds=1)).date())
    for one, other in pairwise(found):
        assert one.key != other.key
        assert one.due_on <= other.due_on  # both may be moved to the same working day
        assert one.due_at <= other.due_at


@given(rules(), st.dates(date(2024, 1, 1), date(2026, 12, 31)), st.integers(0, 400))
def test_what_is_in_force_adds_up(rule: Recurrence, start: date, length: int) -> None:
    """A duty and the one that takes its place owe no more than each whole, and never on days not in force."""
    end = start + timedelta(days=length)
    cut = [w for _n, w in zip(range(12), windows(rule, CALENDAR, start, lambda d: start <= d <= end), strict=False)]
    for window in cut:
        assert start <= window.from_on <= window.due_on <= end
        assert 1 <= window.needed <= rule.times
        assert window.opens_at <= window.due_at <= window.closes_at
