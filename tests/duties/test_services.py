"""What people and records do to occurrences: queue and clock, closing at once, statements, waivers, edits, seeds."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest
from sqlalchemy import func, select, update
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.access.roles import Role
from app.core.clocks.models import Deadline, WorkItem
from app.core.clocks.services import work_of
from app.core.files.services import attachments_of
from app.core.messages.models import Notice
from app.core.records.estate import Estate
from app.core.records.refusals import FieldErrors
from app.core.registry import Recurring, registry
from app.core.workflow.table import Blocked
from app.modules.duties import services
from app.modules.duties.models import Duty, DutyOccurrence, DutyState
from app.modules.duties.recurrence import Period
from tests.duties.conftest import Deeds, at

DutyMaker = Callable[..., Duty]
ActorOf = Callable[[str], Actor]


def occurrences(session: Any, duty: Duty) -> list[DutyOccurrence]:
    return session.scalars(
        select(DutyOccurrence).where(DutyOccurrence.duty_id == duty.id).order_by(DutyOccurrence.due_on)
    ).all()


def states(session: Any, duty: Duty) -> list[str]:
    return [f"{o.period_key} {o.state}" for o in occurrences(session, duty)]


def notices(session: Any, event: str) -> list[Notice]:
    return session.scalars(select(Notice).where(Notice.event == event)).all()


@pytest.mark.clause("MI-13")
def test_an_occurrence_stands_in_the_queue_and_leaves_it_when_the_record_is_written(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    clock.move_to(at("2026-03-10 08:00"))
    duty = duty_of("MI-13", "F", grace_days=5, valid_from=date(2026, 3, 1))
    march, april = occurrences(session, duty)
    item = work_of(session, march, "duty")
    assert item is not None
    assert (item.role, item.rank_at) == ("manager", at("2026-04-01 00:00"))
    assert work_of(session, april, "duty") is None

    deeds.add("F", "2026-03-12 10:00")
    clock.move_to(at("2026-03-12 10:00"))
    services.look_again(session, 1, "deed")
    assert (march.state, march.closed_at, march.counted) == (DutyState.KEPT, at("2026-03-12 10:00"), 1)
    assert march.evidence[0]["type"] == "deed"
    assert work_of(session, march, "duty") is None
    (deadline,) = session.scalars(select(Deadline).where(Deadline.item_id == item.id))
    assert (deadline.met_at, deadline.escalate_at) == (at("2026-03-12 10:00"), None)


def test_records_of_another_kind_or_estate_close_nothing(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    duty = duty_of("MI-13", "F")
    deeds.add("G", "2026-01-02 10:00")
    clock.move_to(at("2026-01-05 10:00"))
    services.look_again(session, 1, "deed")
    services.look_again(session, 2, "deed")
    services.look_again(session, 1, "other")
    assert states(session, duty) == ["2026-01 open", "2026-02 open"]


def test_a_deed_counts_once_and_catches_up_first(session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker) -> None:
    duty = duty_of("MI-13", "F", grace_days=5)
    deeds.add("F", "2026-02-03 10:00")
    clock.move_to(at("2026-02-03 10:00"))
    services.bring_up(session, 1)
    assert states(session, duty) == ["2026-01 late", "2026-02 open", "2026-03 open"]
    deeds.add("F", "2026-02-04 10:00")
    clock.move_to(at("2026-02-04 11:00"))
    services.bring_up(session, 1)
    assert states(session, duty) == ["2026-01 late", "2026-02 kept", "2026-03 open"]


def test_what_came_after_due_goes_to_the_next_period_when_it_was_not_enough(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    duty = duty_of("RN-15", "R", times=3, grace_days=5)
    deeds.add("R", "2026-01-10 10:00", "2026-02-02 10:00", "2026-02-12 10:00", "2026-02-14 10:00")
    for day in ("2026-02-03", "2026-02-07", "2026-02-20"):
        clock.move_to(at(f"{day} 06:00"))
        services.bring_up(session, 1)
    january, february, _march = occurrences(session, duty)
    assert (january.state, january.counted) == (DutyState.MISSED, 1)
    assert (february.state, february.counted) == (DutyState.KEPT, 3)


def test_the_manager_hears_of_a_miss_but_not_of_old_ones(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    duty_of("MI-13", "F", role="cashier")
    clock.move_to(at("2026-03-02 06:00"))
    services.bring_up(session, 1)  # January's miss is a month old
    (notice,) = notices(session, "duty.missed")
    assert notice.values["period"] == "2026-02"
    assert notice.values["due"] == "2026-02-28"


def test_the_role_hears_on_the_working_day_before_a_rest_day(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    """Sources C20: 5 October is in the National Day week; the last working day before it is 30 September."""
    duty_of("AR-04", "A", role="document_administrator", valid_from=date(2026, 9, 20), opens_day=25, due_day=5)
    for moment, told in (
        ("2026-09-29 12:00", 0),
        ("2026-09-30 07:59", 0),
        ("2026-09-30 08:01", 1),
        ("2026-10-02 12:00", 1),
    ):
        clock.move_to(at(moment))
        services.bring_up(session, 1)
        assert len(notices(session, "duty.on_rest_day")) == told


def test_a_statement_with_a_file_closes_what_no_record_shows(
    app: Any, session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker, actor_of: ActorOf
) -> None:
    duty = duty_of(
        "CO-02", role="receptionist", period=Period.DAY, opens_time=time(9), due_time=time(10), grace_hours=8
    )
    today = occurrences(session, duty)[0]
    say = {"note": "Two letters", "upload": FileStorage(io.BytesIO(b"%PDF-1.4\n%%EOF\n"), "letters.pdf")}
    with acting(actor_of("receptionist")) as actor:
        with pytest.raises(Blocked, match="not opened"):
            services.state_done(session, today, note="Early", actor=actor)
        clock.move_to(at("2026-01-01 10:30"))
        with pytest.raises(FieldErrors):
            services.state_done(session, today, note="  ", actor=actor)
        with pytest.raises(FieldErrors):
            services.state_done(session, today, note="Later", done_at=at("2026-01-01 11:00"), actor=actor)
        with pytest.raises(FieldErrors):
            services.state_done(session, today, note="Before", done_at=at("2026-01-01 08:00"), actor=actor)
        services.state_done(session, today, **say, done_at=at("2026-01-01 09:40"), actor=actor)
        assert (today.state, today.closed_at) == (DutyState.KEPT, at("2026-01-01 09:40"))
        assert [f.name for f in attachments_of(session, today)] == ["letters.pdf"]
        with pytest.raises(Blocked, match="closed"):
            services.state_done(session, today, note="Again", actor=actor)


def test_only_the_role_and_the_manager_may_state(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker, actor_of: ActorOf
) -> None:
    duty = duty_of("CO-02", role="receptionist")
    shown = duty_of("MI-13", "F")
    clock.move_to(at("2026-01-05 10:00"))
    january = occurrences(session, duty)[0]
    with acting(actor_of("cashier")) as actor, pytest.raises(NotAllowed):
        services.state_done(session, january, note="Done", actor=actor)
    with acting(actor_of("manager")) as actor:
        with pytest.raises(Blocked, match="Records show"):
            services.state_done(session, occurrences(session, shown)[0], note="Done", actor=actor)
        services.state_done(session, january, note="Done", actor=actor)
    assert january.state == DutyState.KEPT


def test_a_waiver_needs_a_reason_and_a_manager(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker, actor_of: ActorOf
) -> None:
    duty = duty_of("MI-13", "F")
    clock.move_to(at("2026-02-10 10:00"))
    services.bring_up(session, 1)
    missed, current, _next = occurrences(session, duty)
    with acting(actor_of("cs_supervisor")) as actor, pytest.raises(NotAllowed):
        services.waive(session, missed, reason="No move-ins", actor=actor)
    with acting(actor_of("manager")) as actor:
        with pytest.raises(FieldErrors):
            services.waive(session, missed, reason=" ", actor=actor)
        for occurrence in (missed, current):
            services.waive(session, occurrence, reason="No move-ins this month", actor=actor)
            assert occurrence.waived_by_id == actor.user_id
        with pytest.raises(Blocked):
            services.waive(session, current, reason="Twice", actor=actor)
    assert work_of(session, current, "duty") is None
    services.bring_up(session, 1)
    assert states(session, duty) == ["2026-01 waived", "2026-02 waived", "2026-03 open"]


@pytest.mark.clause("MI-12")
def test_a_concentrated_period_switched_on_takes_the_place_of_the_monthly_check(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker, actor_of: ActorOf
) -> None:
    monthly = duty_of("MI-12", "S", grace_days=5)
    four = duty_of("MI-12", "T", times=4, distinct_days=True, in_place_of_id=monthly.id, active=False)
    clock.move_to(at("2026-05-05 10:00"))
    services.bring_up(session, 1)
    change = {"active": True, "valid_from": date(2026, 6, 1), "valid_to": date(2026, 7, 31)}
    with acting(actor_of("manager")) as actor:
        services.change_duty(session, four, change, actor=actor)
    assert states(session, monthly)[-2:] == ["2026-05 open", "2026-08 open"]
    assert [(o.period_key, o.needed) for o in occurrences(session, four)] == [("2026-06", 4)]
    with acting(actor_of("manager")) as actor:
        services.change_duty(session, four, {"active": False}, actor=actor)
    assert states(session, monthly)[-2:] == ["2026-05 open", "2026-06 open"]
    assert states(session, four) == []


def test_an_edit_leaves_what_has_opened_and_draws_the_rest_anew(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker, actor_of: ActorOf
) -> None:
    duty = duty_of("AR-04", "A", due_day=20)
    clock.move_to(at("2026-01-10 10:00"))
    with acting(actor_of("manager")) as actor:
        services.change_duty(session, duty, {"due_day": 5, "times": 2}, actor=actor)
    january, february = occurrences(session, duty)
    assert (january.due_on, january.needed) == (date(2026, 1, 20), 1)
    assert (february.due_on, february.needed) == (date(2026, 2, 5), 2)
    with acting(actor_of("manager")) as actor:
        services.change_duty(session, duty, {"active": False}, actor=actor)
    assert states(session, duty) == ["2026-01 waived"]
    clock.move_to(at("2026-04-10 10:00"))
    with acting(actor_of("manager")) as actor:
        services.change_duty(session, duty, {"active": True}, actor=actor)
    assert states(session, duty) == ["2026-01 waived", "2026-05 open"]  # nothing is owed for the time between


@pytest.mark.parametrize(
    "values",
    [
        {"months": "13"},
        {"months": "3,x"},
        {"period": Period.QUARTER, "months": "3"},
        {"due_month": 2},
        {"period": Period.QUARTER, "due_month": 4},
        {"period": Period.WEEK, "due_day": 8},
        {"due_day": 0},
        {"due_day": -1},
        {"period": Period.DAY, "grace_days": 1},
    ],
)
def test_a_rule_without_such_days_is_refused(values: dict[str, Any], session: Any, actor_of: ActorOf) -> None:
    duty = session.scalars(select(Duty).where(Duty.code == "movein.fee-check", Duty.estate_id == 1)).one()
    with acting(actor_of("manager")) as actor, pytest.raises(FieldErrors):
        services.change_duty(session, duty, values, actor=actor)


def test_duties_of_the_seeds_come_once_and_stay_as_edited(session: Any) -> None:
    estate = session.get(Estate, 1)
    from app.modules.movein.seeding import SEEDS

    session.execute(update(Duty).where(Duty.code == "movein.fee-check").values(times=2))
    session.expire_all()
    services.seed_duties(session, estate, SEEDS / "duties.yaml")
    kept = session.scalars(select(Duty).where(Duty.estate_id == 1).order_by(Duty.code)).all()
    found = {duty.code: duty for duty in kept if duty.code.startswith("movein.")}
    assert len(found) == 3
    assert found["movein.fee-check"].times == 2
    four = found["movein.spot-check-concentrated"]
    assert (four.times, four.active, four.in_place_of) == (4, False, found["movein.spot-check"])


def test_the_look_costs_the_same_whatever_the_number_of_duties(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker, sql_count: Any
) -> None:
    """200 duties that nothing happens to: a fixed number of statements, and one look at each kind of evidence."""

    def cost() -> int:
        session.expire_all()
        sql_count.reset()
        deeds.asked = 0
        services.bring_up(session, 1)
        return len(sql_count.statements)

    for number in range(2):
        duty_of(f"X-{number}", "A")
    clock.move_to(at("2026-01-05 10:00"))
    services.bring_up(session, 1)
    few = cost()
    session.add_all(
        Duty(
            estate_id=1, code=f"many.{number}", clause="X", title_zh="例", title_en="Example", role=Role.MANAGER.value,
            period=Period.MONTH, evidence="deed", parameters={"kind": ["A"]}, valid_from=date(2026, 1, 1),
            since=at("2026-01-01 00:00"),
        )
        for number in range(200)
    )  # fmt: skip
    session.flush()
    services.bring_up(session, 1)
    assert session.scalar(select(func.count()).select_from(WorkItem).where(WorkItem.kind == "duty")) == 202
    assert cost() == few <= 8
    assert deeds.asked == 1


def test_the_recurring_look_reaches_every_estate_and_finds_nothing_to_do_twice(
    session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker
) -> None:
    duty_of("MI-13", "F")
    other = Duty(
        estate_id=2, code="x", clause="MI-13", title_zh="例", title_en="Example", role="manager", period=Period.WEEK,
        valid_from=date(2026, 1, 1),
    )  # fmt: skip
    with acting(system_actor()):
        session.add(other)
        session.flush()
        for _twice in range(2):
            registry().of(Recurring)["duties.tick"].work(session)
            assert states(session, other) == ["2026-W01 open", "2026-W02 open"]
        assert session.scalar(select(func.count()).select_from(WorkItem).where(WorkItem.kind == "duty")) == 2
