"""The year 2026, day by day, with its holidays: what was done is written down here, what became of it counted by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from app.core.clocks.models import Deadline, Shift, WorkItem
from app.modules.duties import services
from app.modules.duties.models import Duty, DutyOccurrence, DutyState
from app.modules.duties.queries import report
from app.modules.duties.recurrence import Period
from tests.duties.conftest import Deeds, at

pytestmark = pytest.mark.slow

DAY = timedelta(days=1)
DutyMaker = Callable[..., Duty]

# The 5th of 2026: 5 April lies in Qingming (4-6), 5 May in Labour Day (1-5), 5 October in National Day (1-7);
# 5 July is a Sunday, 5 September and 5 December are Saturdays.
BY_THE_FIFTH = {
    # Shift: what was done, and the months it was late or missed in; the others were kept
    Shift.KEEP: (
        ["2026-01-04 09:00", "2026-02-05 23:59", "2026-03-06 00:30", "2026-04-05 10:00", "2026-06-05 09:00",
         "2026-07-09 00:30", "2026-08-01 09:00", "2026-09-05 18:00", "2026-10-06 10:00", "2026-11-05 09:00",
         "2026-12-01 09:00"],
        {3, 10}, {5, 7},
    ),
    Shift.NEXT: (
        ["2026-01-05 09:00", "2026-02-06 09:00", "2026-03-05 09:00", "2026-04-07 17:00", "2026-05-06 17:00",
         "2026-06-05 09:00", "2026-07-06 23:00", "2026-08-05 09:00", "2026-09-07 09:00", "2026-10-08 09:00",
         "2026-11-06 00:01", "2026-12-08 09:00"],
        set(), {2, 11, 12},
    ),
    Shift.PREVIOUS: (
        ["2026-01-02 09:00", "2026-02-03 09:00", "2026-03-05 09:00", "2026-04-04 09:00", "2026-04-30 12:00",
         "2026-06-01 09:00", "2026-07-03 09:00", "2026-08-01 09:00", "2026-09-04 09:00", "2026-09-30 10:00",
         "2026-11-05 09:00", "2026-12-05 09:00"],
        set(), {4, 12},
    ),
}  # fmt: skip


def figures(session: Any, first: date = date(2026, 1, 1), until: date = date(2027, 1, 1)) -> dict[str, list[str]]:
    """The report in short: per clause the months as ``kept/late/missed/waived``."""
    found = report(session, 1, first, until)
    states = (DutyState.KEPT, DutyState.LATE, DutyState.MISSED, DutyState.WAIVED)
    return {row.clause: ["/".join(str(t.of(s)) for s in states) for t in row.months] for row in found.rows}


def monthly(late: set[int], missed: set[int], silent: tuple[int, ...] = ()) -> list[str]:
    return [
        "0/0/0/0" if m in silent else "0/1/0/0" if m in late else "0/0/1/0" if m in missed else "1/0/0/0"
        for m in range(1, 13)
    ]


@pytest.mark.clause("MI-12")
@pytest.mark.clause("MI-13")
def test_the_report_is_right_over_a_year(session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker) -> None:
    """Every shift of due days off holidays, grace, several times on different days, a concentrated period, a duty that
    begins in mid-year, every day and working day; the worker stood still from 28 September to 12 October."""
    for clause, kind, shift in (("AR-04", "A", Shift.KEEP), ("AR-05", "B", Shift.NEXT), ("OS-04", "C", Shift.PREVIOUS)):
        grace = 3 if shift == Shift.KEEP else 0
        duty_of(clause, kind, due_day=5, shift=shift, grace_days=grace)
        deeds.add(kind, *BY_THE_FIFTH[shift][0])

    # MI-13, once a month with five days of grace: January's check came on 3 February (late), February's on the 27th;
    # March was caught up on 5 April; nothing in August, and September's of the 6th of October was too late
    duty_of("MI-13", "F", grace_days=5)
    deeds.add(
        "F", "2026-02-03 10:00", "2026-02-27 10:00", "2026-04-05 23:00", "2026-04-28 10:00", "2026-05-02 10:00",
        "2026-06-30 23:59", "2026-07-15 10:00", "2026-10-06 00:30", "2026-11-30 10:00", "2026-12-24 10:00",
    )  # fmt: skip

    # MI-12, concentrated from 18 May to 10 July: 2 in May, 4 in June, 1 in July; the monthly check has 1-17 May and
    # 11-31 July. Two on one day count once: June has 3 of 4 until 2 July, which is late.
    ordinary = duty_of("MI-12", "S", grace_days=5)
    duty_of(
        "MI-12", "T", times=4, distinct_days=True, grace_days=5, in_place_of_id=ordinary.id,
        valid_from=date(2026, 5, 18), valid_to=date(2026, 7, 10),
    )  # fmt: skip
    deeds.add("S", *(f"2026-{month:02}-12 10:00" for month in (1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12)))
    deeds.add(
        "T", "2026-05-19 10:00", "2026-05-26 10:00", "2026-06-01 10:00", "2026-06-09 10:00", "2026-06-09 15:00",
        "2026-06-20 10:00", "2026-07-02 10:00", "2026-07-08 10:00",
    )  # fmt: skip

    # TT-06 begins on 16 June: half of June is one, so June counts; done on the last day of each month but October
    duty_of("TT-06", "M", valid_from=date(2026, 6, 16))
    deeds.add("M", *(f"2026-{m:02}-{d} 20:00" for m, d in ((6, 30), (7, 31), (8, 31), (9, 30), (11, 30), (12, 31))))

    # CO-02, every day 9:00-10:00, late until 18:00; not on 1-3 January and at Spring Festival (15-23 February),
    # at 16:00 on 10 March and at 18:30 on 11 March
    duty_of("CO-02", "D", period=Period.DAY, opens_time=time(9), due_time=time(10), grace_hours=8)
    skipped = {date(2026, 1, n) for n in (1, 2, 3)} | {date(2026, 2, n) for n in range(15, 24)}
    other = {date(2026, 3, 10): "16:00", date(2026, 3, 11): "18:30"}
    days = [date(2026, 1, 1) + DAY * n for n in range(365)]
    deeds.add("D", *(f"{day} {other.get(day, '09:30')}" for day in days if day not in skipped))

    # WR-01, every working day by 9:00; not done in the week before National Day, nor on the make-up Saturday 10 October
    duty_of("WR-01", "W", period=Period.WORKING_DAY, due_time=time(9))
    idle = {date(2026, 9, n) for n in range(21, 26)} | {date(2026, 10, 10)}
    deeds.add("W", *(f"{day} 08:40" for day in days if day not in idle))

    still = (date(2026, 9, 28), date(2026, 10, 12))
    for day in [*days, date(2027, 1, 7)]:
        if not still[0] <= day < still[1]:
            clock.move_to(at(f"{day} 06:00"))
            services.bring_up(session, 1)
            if day.day == 1:
                services.bring_up(session, 1)  # what is up to date stays as it is

    found = figures(session)
    assert found["AR-04"] == monthly(*BY_THE_FIFTH[Shift.KEEP][1:])
    assert found["AR-05"] == monthly(*BY_THE_FIFTH[Shift.NEXT][1:])
    assert found["OS-04"] == monthly(*BY_THE_FIFTH[Shift.PREVIOUS][1:])
    assert found["MI-13"] == monthly({1, 3}, {8, 9})
    assert found["MI-12"] == [
        "1/0/0/0", "1/0/0/0", "1/0/0/0", "1/0/0/0", "2/0/0/0", "0/1/0/0", "2/0/0/0", "1/0/0/0", "1/0/0/0",
        "1/0/0/0", "1/0/0/0", "1/0/0/0",
    ]  # fmt: skip
    assert found["TT-06"] == monthly(set(), {10}, (1, 2, 3, 4, 5))
    assert found["CO-02"] == [
        "28/0/3/0", "19/0/9/0", "29/1/1/0", "30/0/0/0", "31/0/0/0", "30/0/0/0", "31/0/0/0", "31/0/0/0", "30/0/0/0",
        "31/0/0/0", "30/0/0/0", "31/0/0/0",
    ]  # fmt: skip
    # working days of 2026: Jan 21 (20 + the 4th), Feb 16, Mar 22, Apr 21, May 19, Jun 21, Jul 23, Aug 21, Sep 22, Oct 18,
    # Nov 21, Dec 23
    assert found["WR-01"] == [
        "21/0/0/0", "16/0/0/0", "22/0/0/0", "21/0/0/0", "19/0/0/0", "21/0/0/0", "23/0/0/0", "21/0/0/0", "18/0/4/0",
        "17/0/1/0", "21/0/0/0", "23/0/0/0",
    ]  # fmt: skip

    # nothing that was decided is left in the queue
    left = select(func.count()).select_from(WorkItem).where(WorkItem.kind == "duty", WorkItem.closed_at.is_(None))
    open_now = select(func.count()).select_from(DutyOccurrence).where(
        DutyOccurrence.state == DutyState.OPEN, DutyOccurrence.announced
    )  # fmt: skip
    assert session.scalar(left) == session.scalar(open_now)
    running = select(func.count()).select_from(Deadline).join(WorkItem, WorkItem.id == Deadline.item_id)
    assert not session.scalar(running.where(WorkItem.closed_at.is_not(None), Deadline.met_at.is_(None),
                                            Deadline.cancelled_at.is_(None)))  # fmt: skip


def test_one_look_after_a_long_standstill_finds_the_same(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    duty_of("AR-04", "A", due_day=5, grace_days=3)
    deeds.add("A", *BY_THE_FIFTH[Shift.KEEP][0])
    clock.move_to(at("2027-01-02 06:00"))
    services.bring_up(session, 1)
    assert figures(session)["AR-04"] == monthly(*BY_THE_FIFTH[Shift.KEEP][1:])
