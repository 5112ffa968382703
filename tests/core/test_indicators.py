"""Indicators: what is counted in a month, when it is measured, targets, and what is late (rules §9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.clocks.models import Deadline, WorkItem
from app.core.indicators import services
from app.core.indicators.chart import HEIGHT, chart
from app.core.indicators.kinds import Better, Indicator, IndicatorUnit
from app.core.indicators.measures import IN_TIME, OVERDUE, met_in_time, overdue
from app.core.indicators.models import IndicatorValue
from app.core.indicators.queries import trends
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue

RULE = "movein.defect"
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)


def at(month: int, day: int, hour: int = 4) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def deadline(session: Session, due: datetime, **facts: object) -> Deadline:
    """A clock of the estate's first rule that was started ten days before it was due."""
    number = len(session.scalars(select(WorkItem.id)).all()) + 1
    item = WorkItem(estate_id=1, kind="toy", record_type="toy", record_id=number, label=f"Toy {number}")
    session.add(item)
    session.flush()
    made = Deadline(
        estate_id=1, item_id=item.id, record_type="toy", record_id=number, rule_key=RULE, due_at=due,
        started_at=due - timedelta(days=10), **facts,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def test_deadlines_kept_are_those_met_by_their_time(session: Session) -> None:
    deadline(session, at(3, 10), met_at=at(3, 10))
    deadline(session, at(3, 11), met_at=at(3, 12))
    deadline(session, at(3, 12))
    deadline(session, at(3, 13), cancelled_at=at(3, 1))
    deadline(session, at(3, 14), paused_at=at(3, 2), remaining=3)
    assert met_in_time(session, 1, MARCH, date(2026, 3, 31)) == {RULE: (1, 3)}


def test_a_deadline_at_midnight_belongs_to_the_day_that_ends(session: Session) -> None:
    midnight = datetime(2026, 3, 31, 16, tzinfo=UTC)  # 24:00 on 31 March in Shanghai
    deadline(session, midnight, met_at=midnight)
    assert met_in_time(session, 1, MARCH, date(2026, 3, 31)) == {RULE: (1, 1)}
    assert met_in_time(session, 1, APRIL, date(2026, 4, 30)) == {}


def test_of_the_running_month_only_what_is_due_counts(session: Session) -> None:
    moment = now()
    first = moment.date().replace(day=1)
    deadline(session, moment + timedelta(seconds=30))
    deadline(session, moment + timedelta(seconds=20), met_at=moment)
    found = met_in_time(session, 1, first, services.last_day(first))
    assert sum(total for _kept, total in found.values()) <= 1  # at the turn of the month the second is next month's


def test_overdue_looks_back_to_the_end_of_the_month(session: Session) -> None:
    deadline(session, at(3, 10), met_at=at(4, 2))
    deadline(session, at(3, 11), met_at=at(3, 20))
    deadline(session, at(3, 12))
    assert overdue(session, 1, MARCH, date(2026, 3, 31)) == {RULE: (2, 1)}
    assert overdue(session, 1, APRIL, date(2026, 4, 30)) == {RULE: (1, 1)}
    today = now().date()
    assert overdue(session, 1, today.replace(day=1), services.last_day(today.replace(day=1))) == {RULE: (1, 1)}


def test_another_estate_is_not_counted(session: Session) -> None:
    deadline(session, at(3, 10))
    assert met_in_time(session, 2, MARCH, date(2026, 3, 31)) == {}


def test_months_are_thirteen_and_end_with_the_running_one() -> None:
    months = services.months_until(date(2026, 1, 31))
    assert (len(months), months[0], months[-1]) == (13, date(2025, 1, 1), date(2026, 1, 1))
    assert services.last_day(date(2024, 2, 1)) == date(2024, 2, 29)


def test_values_are_read_in_the_unit_of_the_indicator() -> None:
    def indicator(unit: IndicatorUnit, better: Better = Better.HIGHER) -> Indicator:
        return Indicator(code="x", title="x", unit=unit, better=better, measure=lambda *_: (0, 0))

    assert indicator(IndicatorUnit.PERCENT).value(Decimal(2), Decimal(3)) == Decimal("66.7")
    assert indicator(IndicatorUnit.DAYS).value(Decimal("3.25"), Decimal(1)) == Decimal("3.3")
    assert indicator(IndicatorUnit.COUNT).value(Decimal(7), Decimal(1)) == Decimal(7)
    assert indicator(IndicatorUnit.COUNT).value(Decimal(7), Decimal(0)) is None
    assert indicator(IndicatorUnit.COUNT, Better.LOWER).keeps(Decimal(0), Decimal(0))
    assert not indicator(IndicatorUnit.PERCENT).keeps(Decimal("94.9"), Decimal(95))


def test_months_that_are_over_are_measured_once_and_the_running_one_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.measure_indicators(session)
    measured: list[date] = []
    monkeypatch.setattr(services, "measure", lambda s, e, i, month: measured.append(month))
    services.measure_indicators(session)
    assert set(measured) == {now().astimezone().date().replace(day=1)} or len(set(measured)) == 1


def test_measuring_again_replaces_the_values_and_keeps_their_parts(session: Session) -> None:
    services.measure(session, 1, IN_TIME, MARCH)
    made = deadline(session, at(3, 10), met_at=at(3, 9))
    services.measure(session, 1, IN_TIME, MARCH)
    rows = session.execute(
        select(IndicatorValue.part, IndicatorValue.numerator, IndicatorValue.denominator).where(
            IndicatorValue.code == IN_TIME.code, IndicatorValue.month == MARCH
        )
    ).all()
    assert sorted(map(tuple, rows)) == [("", 1, 1), (RULE, 1, 1)]
    made.cancelled_at, made.met_at = at(3, 9), None
    services.measure(session, 1, IN_TIME, MARCH)
    assert {row.denominator for row in session.scalars(select(IndicatorValue)) if row.month == MARCH} == {0}


def test_counts_of_parts_add_up(session: Session) -> None:
    deadline(session, at(3, 10))
    deadline(session, at(3, 11)).rule_key = "other"
    session.flush()
    services.measure(session, 1, OVERDUE, MARCH)
    whole = session.scalars(
        select(IndicatorValue).where(IndicatorValue.part == "", IndicatorValue.month == MARCH)
    ).one()
    assert (whole.numerator, whole.denominator) == (2, 1)


def test_an_estate_sets_its_own_target(session: Session, actor_of: Callable[[str], Actor]) -> None:
    from app.core.access.actor import acting

    with acting(actor_of("manager")) as manager:
        services.set_target(session, IN_TIME.code, Decimal(80), actor=manager)
        assert trends(session, 1, MARCH, code=IN_TIME.code)[0].target == 80
        with pytest.raises(InvalidValue):
            services.set_target(session, IN_TIME.code, Decimal(101), actor=manager)
        services.set_target(session, IN_TIME.code, None, actor=manager)
        assert trends(session, 1, MARCH, code=IN_TIME.code)[0].target == IN_TIME.target
        with pytest.raises(NotAllowed):
            services.set_target(session, "nothing", Decimal(1), actor=manager)
    with acting(actor_of("cs_supervisor")) as supervisor, pytest.raises(NotAllowed):
        services.set_target(session, IN_TIME.code, Decimal(80), actor=supervisor)


def test_bars_stand_for_months_with_a_value_and_the_target_is_a_line(session: Session) -> None:
    deadline(session, at(3, 10), met_at=at(3, 9))
    services.measure(session, 1, IN_TIME, MARCH)
    drawn = chart(trends(session, 1, date(2026, 3, 20), code=IN_TIME.code)[0])
    assert [(bar.x, bar.look) for bar in drawn.bars] == [(120, "kept")]
    assert drawn.bars[0].y + drawn.bars[0].height == HEIGHT
    assert drawn.target is not None and drawn.target > drawn.bars[0].y


def test_the_page_shows_months_and_parts_and_can_be_taken_away(
    session: Session, client_of: Callable[[str], FlaskClient]
) -> None:
    services.measure_indicators(session)
    client = client_of("manager")
    page = client.get("/indicators/").get_data(as_text=True)
    assert "Deadlines kept" in page
    assert "Defects rectified in time" in page
    one = client.get(f"/indicators/{IN_TIME.code}").get_data(as_text=True)
    assert "Set the target" in one
    lines = client.get("/indicators/export.csv").get_data(as_text=True).splitlines()
    assert len([line for line in lines if line.startswith("Deadlines overdue")]) >= services.MONTHS
    assert client.get("/indicators/nothing").status_code == 404


def test_a_target_is_set_on_the_page(session: Session, client_of: Callable[[str], FlaskClient]) -> None:
    client = client_of("manager")
    client.post(f"/indicators/{IN_TIME.code}/target", data={"target": "88.5"})
    assert "at least 88.5 %" in client.get(f"/indicators/{IN_TIME.code}").get_data(as_text=True)
    assert "100" in client.post(
        f"/indicators/{IN_TIME.code}/target", data={"target": "120"}, follow_redirects=True
    ).get_data(as_text=True)
    assert (
        client_of("cs_supervisor").post(f"/indicators/{IN_TIME.code}/target", data={"target": "1"}).status_code == 404
    )
    assert client_of("receptionist").get("/indicators/").status_code == 404


def test_the_page_costs_a_fixed_number_of_statements(
    session: Session, client_of: Callable[[str], FlaskClient], sql_count: SimpleNamespace
) -> None:
    client = client_of("manager")
    counts = []
    for month in (MARCH, APRIL):
        deadline(session, at(month.month, 10))
        services.measure_indicators(session)
        client.get("/indicators/")
        sql_count.reset()
        client.get("/indicators/")
        counts.append(len(sql_count.statements))
    assert counts[0] == counts[1] <= 8


def test_duties_and_checks_have_their_indicators(session: Session) -> None:
    from app.modules.checks.indicators import CHECKS_IN_ORDER
    from app.modules.duties.indicators import DUTIES_KEPT, NO_CLAUSE
    from app.modules.duties.models import Duty, DutyOccurrence, DutyState

    duty = session.scalars(select(Duty).where(Duty.estate_id == 1).limit(1)).one()
    for number, state in enumerate((DutyState.KEPT, DutyState.LATE, DutyState.MISSED)):
        session.add(
            DutyOccurrence(
                estate_id=1, duty_id=duty.id, clause=duty.clause, period_key=f"2025-x{number}", due_on=date(2026, 3, 5),
                opens_at=at(3, 1), due_at=at(3, 6), closes_at=at(3, 20), needed=1, state=state, closed_at=at(3, 6),
            )
        )  # fmt: skip
    session.flush()
    found = DUTIES_KEPT.measure(session, 1, MARCH, date(2026, 3, 31))
    assert found == {duty.clause or NO_CLAUSE: (1, 3)}
    assert DUTIES_KEPT.parts is not None
    assert str(duty) in DUTIES_KEPT.parts(session, 1)[duty.clause or NO_CLAUSE]
    assert CHECKS_IN_ORDER.measure(session, 1, MARCH, date(2026, 3, 31)) == {}
