"""The numbers of renovations against counts made by hand, month by month and by building (RN-05 … RN-18)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from sqlalchemy import update
from sqlalchemy.orm import Session

from app.core.clocks.models import Deadline
from app.core.indicators.services import last_day, measure, set_target
from app.core.records.clock import estate_zone
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState
from app.modules.renovation import indicators
from app.modules.renovation.models import Renovation
from app.modules.renovation.report import monthly_report
from app.modules.renovation.rounds import rounds_between, rounds_owed
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation
from app.modules.renovation.states import RoundHalf, Stage
from tests.movein.factories import case_at
from tests.renovation.factories import person, submitted, under_way, violation_of

MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
BY_CODE = {indicator.code.partition(".")[2]: indicator for indicator in indicators.INDICATORS}


@pytest.fixture(autouse=True)
def february(session: Session) -> Iterator[time_machine.Coordinates]:
    """A clock that stands still: sites begin in February, and the months asked for are over when they are."""
    with time_machine.travel(moment(session, "2026-02-10 09:00"), tick=False) as clock:
        yield clock


def moment(session: Session, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=estate_zone(session, 1))


def site(session: Session, begun: str, requested: str | None = None, **changes: Any) -> Renovation:
    """A site with work from ``begun`` until the acceptance was requested (and given), or still."""
    renovation = under_way(session, **changes)
    values: dict[str, Any] = {"started_at": moment(session, begun)}
    if requested:
        end = moment(session, requested)
        values |= {"completion_requested_at": end, "accepted_on": end.date(), "state": "accepted"}
        values |= {"warranty_to": end.date(), "waterproofing_to": end.date()}
    session.execute(update(Renovation).where(Renovation.id == renovation.id).values(**values))
    session.refresh(renovation)
    return renovation


def visit(session: Session, renovation: Renovation, text: str) -> RenovationPatrol:
    at = moment(session, text)
    patrol = RenovationPatrol(
        estate_id=1, renovation=renovation, day=at.date(), half=RoundHalf.MORNING if at.hour < 12 else RoundHalf.AFTERNOON,
        visited_at=at, stage=Stage.MASONRY, patroller_id=person(session, "site_supervisor").user_id, patroller_name="马卫东",
        token=f"{renovation.id}-{text}",
    )  # fmt: skip
    session.add(patrol)
    session.flush()
    return patrol


def violation(
    session: Session, renovation: Renovation, code: str, cleared: str = "", **changes: Any
) -> RenovationViolation:
    """A violation found on 10 March at ten, to be rectified in three days."""
    one = violation_of(session, renovation, code, **changes)
    values: dict[str, Any] = {
        "found_at": moment(session, "2026-03-10 10:00"),
        "due_at": moment(session, "2026-03-13 10:00"),
    }
    session.execute(update(RenovationViolation).where(RenovationViolation.id == one.id).values(**values))
    if cleared:
        clear(session, one, cleared)
    session.refresh(one)
    return one


def clear(session: Session, one: RenovationViolation, at: str) -> None:
    values = {"state": "cleared", "cleared_at": moment(session, at), "cleared_by_name": "何立"}
    session.execute(update(RenovationViolation).where(RenovationViolation.id == one.id).values(**values))


def asked(session: Session, name: str, month: date) -> tuple[Any, Any]:
    """Numerator and denominator of the whole."""
    parts = BY_CODE[name].measure(session, 1, month, last_day(month))
    return sum(n for n, _d in parts.values()), sum(d for _n, d in parts.values())


def settled(session: Session, clock: Any, text: str = "2026-06-01 09:00") -> None:
    clock.move_to(moment(session, text))


def test_a_month_without_renovations_has_nothing_to_measure(session, february):
    settled(session, february)
    for name in BY_CODE:
        assert asked(session, name, MARCH) == (0, 0), name


@pytest.mark.clause("RN-09")
def test_rounds_are_owed_for_the_half_days_of_work_only(session, february):
    begun = site(session, "2026-03-30 09:00")  # 30 March afternoon, 31 March both
    stopped = site(session, "2026-02-20 08:00", "2026-03-02 12:00")  # 1 March both, 2 March morning
    settled(session, february)
    session.execute(update(Renovation).where(Renovation.id == begun.id).values(
        completion_requested_at=moment(session, "2026-04-01 18:00"), accepted_on=date(2026, 4, 2),
        state="accepted", warranty_to=date(2028, 4, 2), waterproofing_to=date(2031, 4, 2)))  # fmt: skip
    assert asked(session, "rounds", MARCH) == (0, 6)
    for renovation, at in (
        (begun, "2026-03-30 15:00"),
        (begun, "2026-03-30 16:00"),  # the same round again
        (begun, "2026-03-30 10:00"),  # not owed: work began at nine
        (stopped, "2026-03-01 09:00"),
        (stopped, "2026-03-02 15:00"),  # not owed: finished at noon
        (begun, "2026-04-01 09:00"),
    ):
        visit(session, renovation, at)
    assert asked(session, "rounds", MARCH) == (2, 6)
    assert asked(session, "rounds", APRIL) == (1, 2)


@pytest.mark.clause("RN-09")
def test_rounds_are_told_by_building(session, february):
    first = site(session, "2026-03-30 08:00", "2026-03-31 18:00")
    second = site(session, "2026-03-31 12:00", "2026-03-31 18:00")  # in a building of its own
    settled(session, february)
    visit(session, first, "2026-03-30 09:00")
    found = BY_CODE["rounds"].measure(session, 1, MARCH, last_day(MARCH))
    assert found == {str(first.unit.building_id): (1, 4), str(second.unit.building_id): (0, 1)}
    assert indicators.building_titles(session, 1)[str(first.unit.building_id)] == first.unit.building.code


@pytest.mark.clause("RN-09")
def test_a_round_is_made_when_every_site_was_visited(session, february):
    one, two = site(session, "2026-03-01 07:00"), site(session, "2026-03-03 10:00")
    february.move_to(moment(session, "2026-03-03 11:00"))
    window = moment(session, "2026-03-03 08:00"), moment(session, "2026-03-03 12:00")
    assert rounds_owed(session, 1, *window, half=["morning"])
    visit(session, one, "2026-03-03 09:30")  # the only site that owes the morning: the other began at ten
    assert [o.at for o in rounds_between(session, 1, *window, half=["morning"])] == [
        moment(session, "2026-03-03 09:30")
    ]
    february.move_to(moment(session, "2026-03-03 17:00"))
    window = moment(session, "2026-03-03 12:00"), moment(session, "2026-03-03 18:00")
    visit(session, one, "2026-03-03 14:00")
    assert not rounds_between(session, 1, *window, half=["afternoon"])
    last = visit(session, two, "2026-03-03 16:00")
    (found,) = rounds_between(session, 1, *window, half=["afternoon"])
    assert (found.record_id, found.at) == (last.id, last.visited_at)
    day = moment(session, "2026-02-25 00:00")
    assert not rounds_owed(session, 1, day, day + timedelta(days=1), half=["morning"])


@pytest.mark.clause("RN-05")
def test_reviews_count_in_the_month_in_which_they_are_due(session, february):
    at = {n: moment(session, text) for n, text in enumerate(
        ("2026-03-01 00:00", "2026-03-15 00:00", "2026-03-16 00:00", "2026-04-01 00:00", "2026-04-02 00:00"))}  # fmt: skip
    for due, met in ((at[0], at[0]), (at[1], at[1]), (at[2], at[3]), (at[3], None), (at[4], at[3])):
        renovation = submitted(session)
        session.execute(
            update(Deadline)
            .where(Deadline.record_type == "renovation", Deadline.record_id == renovation.id)
            .values(due_at=due, met_at=met, escalate_at=None)
        )
    settled(session, february)
    # due at 24:00 of 28 February is February's; 24:00 of 31 March is March's, and it was never finished
    assert asked(session, "reviews_in_time", MARCH) == (1, 3)
    assert asked(session, "reviews_in_time", APRIL) == (1, 1)
    late = monthly_report(session, 1, MARCH).late
    assert [(line.due_at, line.met_at) for line in late] == [(at[2], at[3]), (at[3], None)]
    assert late[0].hours == 16 * 24


@pytest.mark.clause("RN-14")
def test_a_grave_violation_spoils_the_condition_until_it_is_cleared(session, february):
    harmed, mended, fine = (site(session, "2026-03-01 08:00") for _n in range(3))
    site(session, "2026-02-11 08:00", "2026-02-28 18:00")  # not in March any more
    grave = violation(session, harmed, "R05-1")
    violation(session, mended, "R05-1", cleared="2026-03-12 10:00")
    violation(session, fine, "R27")
    settled(session, february)
    assert asked(session, "good_condition", MARCH) == (2, 3)
    assert asked(session, "good_condition", APRIL) == (2, 3)
    assert asked(session, "violations_in_time", MARCH) == (1, 3)
    clear(session, grave, "2026-04-20 10:00")
    assert asked(session, "good_condition", MARCH) == (2, 3), "in March it was not cleared yet"
    assert asked(session, "good_condition", APRIL) == (3, 3)


@pytest.mark.clause("RN-14")
def test_the_complaint_rate_lies_below_half_a_per_cent_or_misses_its_target(session, february):
    rate = BY_CODE["complaint_rate"]
    for complaints, households, kept in ((1, 200, False), (1, 201, True), (0, 50, True), (2, 399, False)):
        value = rate.exact(Decimal(complaints), Decimal(households))
        assert rate.keeps(value, rate.target) is kept, (complaints, households)
    assert rate.value(Decimal(1), Decimal(201)) == Decimal("0.50"), "judged before it is rounded"
    renovation = site(session, "2026-03-01 08:00")
    for complaint in (True, False):
        violation(session, renovation, "R26", complaint=complaint)
    case = case_at(session, CaseState.COMPLETED)
    session.execute(
        update(MoveInCase).where(MoveInCase.id == case.id).values(completed_at=moment(session, "2026-03-31 23:00"))
    )
    settled(session, february)
    assert asked(session, "complaint_rate", MARCH) == (1, 1)
    assert asked(session, "complaint_rate", APRIL) == (0, 1)
    assert sum(d for _n, d in rate.measure(session, 1, date(2026, 2, 1), date(2026, 2, 28)).values()) == 0


@pytest.mark.clause("RN-18")
def test_quality_is_the_share_of_indicators_on_target(session, february):
    renovation = site(session, "2026-03-31 08:00")
    visit(session, renovation, "2026-03-31 09:00")
    settled(session, february)
    assert BY_CODE["quality"].measure(session, 1, MARCH, last_day(MARCH)) == {
        "renovation.rounds": (0, 1),  # one of two
        "renovation.good_condition": (1, 1),
    }
    set_target(session, "renovation.rounds", Decimal(50), actor=person(session, "manager"))
    assert asked(session, "quality", MARCH) == (2, 2)
    measure(session, 1, BY_CODE["quality"], MARCH)
    figures = {trend.indicator.code: trend for trend in monthly_report(session, 1, MARCH).figures}
    assert figures["renovation.quality"].now.kept and figures["renovation.quality"].before.value is None


@pytest.mark.clause("RN-18")
def test_the_report_sorts_violations_by_how_often_they_were_found(session, february):
    renovation = site(session, "2026-03-01 08:00")
    for code in ("R27", "R26", "R26", "R05-1"):
        violation(session, renovation, code)
    settled(session, february)
    report = monthly_report(session, 1, MARCH)
    assert [(kind.code, kind.count, kind.percent, kind.together) for kind in report.kinds] == [
        ("R26", 2, 50, 50), ("R05-1", 1, 25, 75), ("R27", 1, 25, 100),
    ]  # fmt: skip
    (line,) = report.sites
    assert (line.renovation, line.due, line.found, line.open) == (renovation, 62, 4, 4)
    assert monthly_report(session, 1, APRIL).kinds == []
