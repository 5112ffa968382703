"""The manager's checks, rounds as duties, the report and what the home and household pages say (RN-09, RN-15, RN-16)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core.clocks.services import work_of
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.registry import HouseholdHead, registry
from app.modules.checks.services import draw_check, judge
from app.modules.checks.states import SampleResult
from app.modules.checks.workflow import CHECK
from app.modules.duties import services as duties
from app.modules.duties.kinds import Evidence, Occasion
from app.modules.duties.models import Duty, DutyOccurrence, DutyState
from app.modules.duties.recurrence import Period
from app.modules.renovation import control, site
from app.modules.renovation.handling import WORK
from app.modules.renovation.report import report_for
from app.modules.renovation.states import Stage
from app.modules.renovation.violation_workflow import VIOLATION
from tests.renovation.factories import person, under_way, violation_of


def served(session: Session, renovation: Any, **changes: Any) -> Any:
    violation, staff = violation_of(session, renovation, **changes), person(session, "site_administrator")
    VIOLATION.fire(session, violation, "serve", actor=staff, inputs={"method": "posted", "receiver": ""})
    return violation


def draw(session: Session, kind: str, **changes: Any) -> Any:
    today = estate_today(session, 1)
    return draw_check(
        session, kind=kind, period_from=today, period_to=today, actor=person(session, "manager"), **changes
    )


def conclude(session: Session, check: Any) -> None:
    manager = person(session, "manager")
    for sample in check.samples:
        judge(session, sample, result=SampleResult.OK, actor=manager)
    CHECK.fire(session, check, "conclude", actor=manager, inputs={"conclusion": "处理及时"})


@pytest.mark.clause("RN-16")
def test_every_violation_that_ended_is_checked_by_the_manager(session):
    staff, renovation = person(session, "site_administrator"), under_way(session)
    cleared, reported, open_one = (served(session, renovation, code=code) for code in ("R27", "R26", "R12"))
    assert work_of(session, cleared, WORK) is None, "nothing to check while it is handled"
    VIOLATION.fire(session, cleared, "clear", actor=staff, inputs={"remark": "已清运"})
    VIOLATION.fire(session, reported, "report", actor=staff, inputs={"authority": "街道", "receipt": "1"})
    item = work_of(session, cleared, WORK)
    assert (item.role, len(item.deadlines)) == ("manager", 1) and work_of(session, reported, WORK) is not None
    check = draw(session, "renovation.violations")
    assert {s.record_id for s in check.samples} == {cleared.id, reported.id}, "each case, and no open one"
    conclude(session, check)
    assert work_of(session, cleared, WORK) is None and item.deadlines[0].met_at is not None
    VIOLATION.fire(session, reported, "clear", actor=staff, inputs={"remark": "已整改"})
    assert work_of(session, reported, WORK) is None, "each case is checked once"
    assert draw(session, "renovation.violations").population_size == 0
    assert work_of(session, open_one, WORK) is None


@pytest.mark.clause("RN-16")
def test_the_check_is_drawn_from_the_queue_with_all_cases(session):
    renovation, staff = under_way(session), person(session, "site_administrator")
    ones = [served(session, renovation, code=code) for code in ("R27", "R26")]
    for one in ones:
        VIOLATION.fire(session, one, "clear", actor=staff, inputs={"remark": "好"})
    (command,) = control.HANDLING.commands
    command.run(session, ones[0], actor=person(session, "manager"))
    from app.modules.checks.models import SpotCheck

    check = session.scalars(select(SpotCheck).where(SpotCheck.kind == "renovation.violations")).one()
    assert {s.record_id for s in check.samples} == {one.id for one in ones}


@pytest.mark.clause("RN-15")
def test_the_four_spot_checks_of_a_month_are_of_renovations(session):
    duty = session.scalars(select(Duty).where(Duty.estate_id == 1, Duty.code == "renovation.spot-check")).one()
    assert (duty.times, duty.distinct_days, duty.role, duty.period) == (4, True, "manager", Period.MONTH)
    under_way(session)
    kinds = duty.parameters["kind"]
    assert set(kinds) < set(registry().of(control.CHECKS[0].__class__))
    for kind in kinds:
        check = draw(session, kind)
        assert check.population_size == (0 if kind == "renovation.papers" else 1)
        conclude(session, check)
    start = now() - timedelta(hours=1)
    found = registry().of(Evidence)["check"].occasions(session, 1, start, now() + timedelta(hours=1), **duty.parameters)
    assert len(found) == 3


def rounds_duty(session: Session) -> Duty:
    """The duty of the rounds made all day, so that any hour of the test is in its window."""
    session.execute(update(Duty).values(active=False))
    values = {
        "code": "rounds", "title_zh": "巡查", "title_en": "Rounds", "role": "site_supervisor", "period": Period.DAY,
        "times": 1, "evidence": "renovation.rounds", "parameters": {}, "valid_from": estate_today(session, 1),
    }  # fmt: skip
    return duties.create_duty(session, values, actor=person(session, "manager"))


def occurrence(session: Session, duty: Duty) -> DutyOccurrence:
    found = select(DutyOccurrence).where(DutyOccurrence.duty_id == duty.id).order_by(DutyOccurrence.opens_at).limit(1)
    return session.scalars(found.execution_options(populate_existing=True)).one()


@pytest.mark.clause("RN-09")
def test_a_day_without_what_is_owed_stands_in_no_queue_and_is_waived(session, monkeypatch):
    owed, done = [False], []
    evidence = Evidence(
        code="renovation.rounds", title="Rounds", occasions=lambda *_a, **_k: done, owed=lambda *_a, **_k: owed[0]
    )
    monkeypatch.setitem(registry().contributions, Evidence, {**registry().of(Evidence), "renovation.rounds": evidence})
    duty = rounds_duty(session)
    today = occurrence(session, duty)
    assert (today.state, today.announced) == (DutyState.OPEN, False)
    owed[0] = True
    duties.bring_up(session, 1)
    assert occurrence(session, duty).announced and work_of(session, today, "duty") is not None
    done.append(Occasion(now(), "renovation_patrol", 1))
    duties.look_again(session, 1, "renovation.rounds")
    assert occurrence(session, duty).state == DutyState.KEPT


@pytest.mark.clause("RN-09")
@pytest.mark.parametrize(("owed", "state"), [(True, DutyState.MISSED), (False, DutyState.WAIVED)])
def test_what_was_not_owed_is_not_missed(session, monkeypatch, owed, state):
    evidence = Evidence(
        code="renovation.rounds", title="Rounds", occasions=lambda *_a, **_k: [], owed=lambda *_a, **_k: owed
    )
    monkeypatch.setitem(registry().contributions, Evidence, {**registry().of(Evidence), "renovation.rounds": evidence})
    duty = rounds_duty(session)
    today = occurrence(session, duty)
    past = now() - timedelta(hours=1)
    today.opens_at, today.due_at, today.closes_at = past - timedelta(hours=2), past, past
    session.flush()
    duties.bring_up(session, 1)
    assert occurrence(session, duty).state == state and work_of(session, today, "duty") is None


@pytest.mark.clause("RN-09")
def test_a_visit_closes_the_duty_at_once(session):
    renovation = under_way(session)
    from app.modules.renovation.models import Renovation

    session.execute(update(Renovation).values(started_at=now() - timedelta(days=2)))
    session.expire_all()
    duty = rounds_duty(session)
    points = dict.fromkeys(site.POINTS, "ok")
    site.record_patrol(
        session, renovation, token="one", visited_at=now(), stage=Stage.MASONRY, points=points,
        actor=person(session, "site_supervisor"),
    )  # fmt: skip
    assert occurrence(session, duty).state == DutyState.KEPT


def test_home_and_household_say_what_is_under_way(session, actor_of):
    renovation, manager = under_way(session), actor_of("manager")
    violation_of(session, renovation)
    counts = session.execute(select(*control.COUNTS.values()), {"estate": 1}).one()
    found = control.numbers(session, manager, **dict(zip(control.COUNTS, counts, strict=True)))
    assert [count for _title, count, _states in found["lines"]] == [0, 1, 0] and found["violations"] == 1
    head = registry().of(HouseholdHead)["renovation"]
    shown = head.of(session, renovation.unit, manager)
    assert shown["renovation"]["number"] == renovation.number and shown["labels"]
    assert head.of(session, renovation.unit, actor_of("surveyor")) is None


@pytest.mark.clause("RN-18")
def test_the_report_is_shown_exported_and_printed(session, client_of):
    renovation = under_way(session)
    violation_of(session, renovation)
    session.commit()
    month = f"{estate_today(session, 1):%Y-%m}"
    record = report_for(session, estate_today(session, 1).replace(day=1), actor=person(session, "manager"))
    assert report_for(session, record.month, actor=person(session, "manager")) is record
    session.commit()
    client = client_of("manager")
    page = client.get(f"/renovations/report/?month={month}").get_data(as_text=True)
    assert renovation.unit.code in page and "R27" in page
    table = client.get(f"/renovations/report/export.csv?month={month}").get_data(as_text=True)
    assert "RN-18" in table and "RN-14" in table
    assert client.get("/renovations/report/?month=2026-13").status_code == 400
    shown = client.get(f"/renovation-reports/{record.id}").get_data(as_text=True)
    assert renovation.unit.code in shown
    assert client_of("receptionist").get("/renovations/report/").status_code == 404
    assert "renovation" in client.get("/").get_data(as_text=True)
