"""Clocks that run: started, paused, met, counted anew, and told when their limit passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import force_locale
from sqlalchemy import delete, func, select, text, update

from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.clocks import escalation, recount, services
from app.core.clocks.escalation import escalate_late
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import (
    NO_DEADLINE,
    CalendarDay,
    ClockRule,
    ClockUnit,
    Deadline,
    Escalation,
    WorkItem,
)
from app.core.clocks.queries import deadlines_of
from app.core.clocks.recount import recount as count_anew
from app.core.clocks.words import clock_colour, clock_text, deadline_text, limit_text
from app.core.jobs import worker
from app.core.jobs.models import Job, JobState
from app.core.messages.models import Notice
from app.core.records.base import now
from app.fab.timeline import timeline
from app.modules.estates.models import Building

TOY = WorkKind(code="toy", title="Toy", resource="Building", model=Building)
FRIDAY = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)  # 10:00 at the estate


@pytest.fixture
def moment(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """``moment(m)``: it is ``m`` for the clocks."""

    def be(at: datetime) -> None:
        for room in (services, recount, escalation):
            monkeypatch.setattr(room, "now", lambda: at)

    be(FRIDAY)
    return be


@pytest.fixture
def rule(app: Flask, session: Any, monkeypatch: pytest.MonkeyPatch) -> ClockRule:
    """A rule of three working days; late: the supervisor at once, the manager after 24 hours."""
    monkeypatch.setitem(app.extensions["guanjia"].contributions[WorkKind], "toy", TOY)
    return made_rule(session, 1)


def made_rule(session: Any, estate_id: int) -> ClockRule:
    made = ClockRule(
        estate_id=estate_id, key="toy.step", title_zh="玩具", title_en="Toy", unit=ClockUnit.WORKING_DAYS, amount=3,
        escalations=[Escalation(estate_id=estate_id, after_hours=h, role=r) for h, r in ((0, "cs_supervisor"), (24, "manager"))],
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def item_of(session: Any, building: Building) -> WorkItem:
    return services.open_work(session, building, "toy", role="receptionist")


def started(session: Any, building: Building, **more: Any) -> Deadline:
    return services.start(session, item_of(session, building), "toy.step", **more)


def local(deadline: Deadline) -> str:
    """The limit as the estate's clock shows it."""
    return limit_text(deadline.due_at, ZoneInfo("Asia/Shanghai"))


# Running


def test_a_clock_runs_pauses_goes_on_and_is_met(
    session: Any, building: Building, rule: ClockRule, moment: Callable[[datetime], None]
) -> None:
    deadline = started(session, building)
    assert local(deadline) == "2026-11-25 24:00"
    assert deadline.escalate_at == deadline.due_at == deadline.item.rank_at
    moment(FRIDAY + timedelta(hours=4))
    services.pause(session, deadline, "waiting for the owner")
    assert (deadline.remaining, deadline.escalate_at, deadline.item.rank_at) == (3, None, NO_DEADLINE)
    assert deadline_text(deadline) == "paused: waiting for the owner"
    moment(FRIDAY + timedelta(days=5))  # Wednesday
    services.resume(session, deadline)
    assert local(deadline) == "2026-11-30 24:00"
    assert deadline.remaining is None
    assert deadline.item.rank_at == deadline.due_at
    at = deadline.due_at + timedelta(hours=1)
    services.meet(session, deadline.item, "toy.step", at=at)
    assert deadline.escalate_at is None
    assert deadline.item.rank_at == NO_DEADLINE
    assert deadline_text(deadline) == "met, 1 h late"


def test_a_rule_may_forbid_pauses(session: Any, building: Building, rule: ClockRule, moment: Any) -> None:
    rule.pausable = False
    deadline = started(session, building)
    services.pause(session, deadline, "waiting")
    assert deadline.paused_at is None


def test_a_clock_set_anew_keeps_its_start_and_its_pauses(
    session: Any, building: Building, rule: ClockRule, moment: Callable[[datetime], None]
) -> None:
    deadline = started(session, building)
    services.pause(session, deadline, "waiting")
    moment(FRIDAY + timedelta(days=4))  # Tuesday: two working days have passed
    again = started(session, building, count=4)
    assert again is deadline
    assert (deadline.started_at, deadline.count, len(deadline.pauses)) == (FRIDAY, 4, 1)
    assert local(deadline) == "2026-11-30 24:00"


def test_the_clocks_of_a_record_run_first(
    session: Any, building: Building, rule: ClockRule, moment: Any, sql_count: Any
) -> None:
    started(session, building)
    services.close_work(session, building, "toy")
    running = started(session, building)
    session.flush()
    sql_count.reset()
    clocks = deadlines_of(session, building)
    assert len(sql_count.statements) == 1
    assert [clock.deadline.open for clock in clocks] == [True, False]
    assert clocks[0].deadline is running
    assert clocks[0].title in {"玩具", "Toy"}


def test_the_fragment_shows_every_state(
    app: Flask, session: Any, building: Building, rule: ClockRule, moment: Any
) -> None:
    started(session, building)
    with app.test_request_context(headers={"Accept-Language": "en"}):
        from flask import render_template

        page = render_template("clocks/_clocks.html", part={"clocks": deadlines_of(session, building)})
        assert "Toy" in page
        assert "2026-11-25 24:00" in page
        assert "No clock runs" in render_template("clocks/_clocks.html", part={"clocks": []})


@pytest.mark.parametrize(
    ("left", "text", "colour"),
    [
        (timedelta(days=2, hours=3), "2 days left", "green"),
        (timedelta(hours=47, minutes=59), "47 h left", "green"),
        (timedelta(hours=1), "1 h left", "orange"),
        (timedelta(minutes=59, seconds=59), "59 min left", "orange"),
        (timedelta(0), "0 min left", "orange"),
        (-timedelta(hours=3, minutes=10), "overdue by 3 h", "red"),
        (-timedelta(days=9), "overdue by 9 days", "red"),
    ],
)
def test_clocks_in_words(app: Flask, left: timedelta, text: str, colour: str) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert clock_text(FRIDAY + left, FRIDAY) == text
        assert clock_colour(FRIDAY + left, FRIDAY) == colour
        assert clock_text(NO_DEADLINE, FRIDAY) == clock_text(None) == ""


# Counting anew


def test_a_changed_rule_moves_running_clocks_only_when_asked(
    session: Any, building: Building, rule: ClockRule, moment: Any, actor_of: Callable[[str], Actor]
) -> None:
    running = started(session, building)
    others = {name: other_building(session, name) for name in ("paused", "chosen", "granted", "met")}
    paused, granted, met = (
        started(session, others[n], count=2 if n == "granted" else None) for n in ("paused", "granted", "met")
    )
    chosen = started(session, others["chosen"], due=FRIDAY + timedelta(days=1))
    services.pause(session, paused, "waiting")
    services.meet(session, met.item, "toy.step")
    before = {d.id: d.due_at for d in (running, paused, chosen, granted, met)}
    rule.amount = 5
    session.flush()
    assert running.due_at == before[running.id]
    manager = actor_of("manager")
    with acting(manager):
        assert count_anew(session, "toy.step", actor=manager) == 1
    assert local(running) == "2026-11-27 24:00"
    assert running.item.rank_at == running.escalate_at == running.due_at
    assert {d.id: d.due_at for d in (paused, chosen, granted, met)} == {
        k: v for k, v in before.items() if k != running.id
    }
    assert (
        session.scalar(select(func.count()).where(AuditEntry.kind == "recount", AuditEntry.record_id == rule.id)) == 1
    )
    with pytest.raises(NotAllowed):
        count_anew(session, "toy.step", actor=actor_of("receptionist"))


def test_a_changed_calendar_moves_all_clocks_with_their_pauses(
    session: Any,
    building: Building,
    rule: ClockRule,
    moment: Callable[[datetime], None],
    actor_of: Callable[[str], Actor],
) -> None:
    deadline = started(session, building)
    services.pause(session, deadline, "waiting")
    moment(FRIDAY + timedelta(days=3))  # Monday
    services.resume(session, deadline)
    assert local(deadline) == "2026-11-26 24:00"
    session.add(CalendarDay(estate_id=1, day=date(2026, 11, 24), working=False))
    session.flush()
    manager = actor_of("manager")
    with acting(manager):
        assert count_anew(session, actor=manager) == 1
        assert local(deadline) == "2026-11-27 24:00"
        assert count_anew(session, actor=manager) == 0


def test_a_clock_in_time_again_is_told_anew_and_a_late_one_not_twice(
    session: Any,
    building: Building,
    rule: ClockRule,
    moment: Callable[[datetime], None],
    actor_of: Callable[[str], Actor],
) -> None:
    deadline = started(session, building)
    moment(deadline.due_at + timedelta(hours=2))
    session.commit()
    assert escalate_late(session) == 1
    session.refresh(deadline)
    manager = actor_of("manager")
    with acting(manager):
        count_anew(session, actor=manager)
        assert (deadline.escalated, deadline.escalate_at) == (0, deadline.due_at + timedelta(hours=24))
        rule.amount = 10
        session.flush()
        count_anew(session, actor=manager)
    assert (deadline.escalated, deadline.escalate_at) == (None, deadline.due_at)


def other_building(session: Any, name: str) -> Building:
    made = Building(estate_id=1, code=name, name_zh=name)
    session.add(made)
    session.flush()
    return made


# Telling


def notices(session: Any) -> list[tuple[int, str]]:
    return [tuple(row) for row in session.execute(select(Notice.person_id, Notice.event).order_by(Notice.id))]


def test_each_step_is_told_once_to_its_role(
    session: Any,
    building: Building,
    rule: ClockRule,
    moment: Callable[[datetime], None],
    actor_of: Callable[[str], Actor],
) -> None:
    supervisor, manager = actor_of("cs_supervisor").user_id, actor_of("manager").user_id
    deadline = started(session, building)
    session.commit()
    assert escalate_late(session) == 0
    due = deadline.due_at
    moment(due)
    assert escalate_late(session) == 1
    assert escalate_late(session) == 0
    assert notices(session) == [(supervisor, "work.late")]
    notice = session.scalars(select(Notice)).one()
    assert notice.values["due"] == "2026-11-25 24:00"
    assert notice.values["rule"] == {"zh": "玩具", "en": "Toy"}
    moment(due + timedelta(hours=24))
    assert escalate_late(session) == 1
    assert notices(session)[1:] == [(manager, "work.late")]
    session.refresh(deadline)
    assert deadline.escalate_at is None
    told = session.scalars(select(AuditEntry).where(AuditEntry.kind == "escalate").order_by(AuditEntry.id)).all()
    assert [(e.subject_type, e.subject_id, e.changes["hours"][1]) for e in told] == [
        ("building", building.id, 0), ("building", building.id, 24)
    ]  # fmt: skip
    for language, words in (
        ("zh", ("已通知客服主管：超过时限", "玩具")), ("en", ("told Customer service supervisor that the limit has passed", "Toy"))
    ):  # fmt: skip
        with force_locale(language), acting(actor_of("manager")):
            line = next(line for line in reversed(timeline(building)) if line.kind == "escalate")
            assert (line.what, line.note) == words


def test_after_a_long_stop_every_step_is_told_in_order(
    session: Any,
    building: Building,
    rule: ClockRule,
    moment: Callable[[datetime], None],
    actor_of: Callable[[str], Actor],
) -> None:
    deadline = started(session, building)
    session.commit()
    moment(deadline.due_at + timedelta(days=9))
    assert escalate_late(session) == 2
    assert [person for person, _event in notices(session)] == [
        actor_of(n).user_id for n in ("cs_supervisor", "manager")
    ]


def test_what_is_paused_met_or_whose_steps_went_is_not_told(
    session: Any, building: Building, rule: ClockRule, moment: Callable[[datetime], None]
) -> None:
    paused, met = started(session, building), started(session, other_building(session, "met"))
    stepless = started(session, other_building(session, "stepless"))
    services.pause(session, paused, "waiting")
    services.meet(session, met.item, "toy.step")
    for step in list(rule.escalations):
        session.delete(step)
    session.flush()
    session.expire(rule)
    session.commit()
    moment(stepless.due_at + timedelta(days=3))
    assert escalate_late(session) == 0
    assert notices(session) == []
    session.refresh(stepless)
    assert stepless.escalate_at is None


# With several workers


@pytest.fixture
def yard(desk: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The live application with clocks of its own; all is removed afterwards."""
    monkeypatch.setitem(desk.app.extensions["guanjia"].contributions[WorkKind], "toy", TOY)
    made_rule(desk.session, desk.building.estate_id)
    desk.session.commit()
    yield desk
    desk.session.rollback()
    for table in (Notice, Job, Deadline, WorkItem, Escalation, ClockRule):
        desk.session.execute(delete(table))
    desk.session.execute(delete(Building).where(Building.code != "K1"))
    desk.session.commit()


def clocks(yard: Any, count: int) -> list[int]:
    """Clocks on as many buildings, all late."""
    made = []
    for n in range(count):
        building = Building(estate_id=yard.building.estate_id, code=f"C{n}")
        yard.session.add(building)
        yard.session.flush()
        item = services.open_work(yard.session, building, "toy", role="receptionist")
        made.append(services.start(yard.session, item, "toy.step", started_at=now() - timedelta(days=40)).id)
    yard.session.commit()
    return made


def test_two_workers_tell_every_step_exactly_once(yard: Any) -> None:
    made = clocks(yard, 2 * escalation.STEP + 5)
    gate, told = threading.Barrier(2), []

    def work() -> None:
        with yard.app.app_context(), acting(system_actor("worker")):
            from app.extensions import db

            gate.wait()
            told.append(escalate_late(db.session))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    yard.session.rollback()
    assert sum(told) == 2 * len(made)
    entries = yard.session.execute(
        select(AuditEntry.record_id, func.count()).where(AuditEntry.kind == "escalate").group_by(AuditEntry.record_id)
    ).all()
    assert {count for _id, count in entries} == {2}
    assert len(entries) == len(made)
    assert yard.session.scalar(select(func.count()).where(Deadline.escalate_at.is_not(None))) == 0


def test_many_clocks_are_counted_anew_by_a_job_that_goes_on_where_it_stopped(
    yard: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recount, "STEP", 40)
    made = clocks(yard, recount.AT_ONCE + 5)
    before = dict(yard.session.execute(select(Deadline.id, Deadline.due_at)).all())
    yard.session.execute(update(ClockRule).values(amount=60))
    yard.session.commit()
    job = count_anew(yard.session, "toy.step", actor=yard.rita)
    assert isinstance(job, Job)
    yard.session.commit()
    calls, real = [], recount._recount_some

    def dying(*args: Any) -> Any:
        calls.append(args[3])
        if len(calls) == 2:
            raise SystemExit  # as a process that is killed
        return real(*args)

    monkeypatch.setattr(recount, "_recount_some", dying)
    with pytest.raises(SystemExit):
        worker.run_next(yard.app)
    yard.session.rollback()
    half = dict(yard.session.execute(select(Deadline.id, Deadline.due_at)).all())
    assert sum(half[n] != before[n] for n in made) == 40
    yard.session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
    yard.session.commit()
    assert worker.run_next(yard.app)
    yard.session.rollback()
    after = yard.session.scalars(select(Job)).one()
    assert (after.state, after.result["counts"], after.progress) == (
        JobState.DONE, {"changed": len(made)}, len(made)
    )  # fmt: skip
    assert calls[2] == calls[1] > 0  # resumed behind the last clock that was committed
    items = yard.session.execute(
        select(Deadline.due_at, WorkItem.rank_at).join(WorkItem, WorkItem.id == Deadline.item_id)
    )
    assert all(due == rank for due, rank in items)
    assert all(due > now() for due in yard.session.scalars(select(Deadline.due_at)))


def test_what_waits_is_found_by_its_index(session: Any) -> None:
    plan = "EXPLAIN QUERY PLAN " if session.get_bind().dialect.name == "sqlite" else "EXPLAIN "
    if plan == "EXPLAIN ":
        session.execute(text("SET LOCAL enable_seqscan = off"))
    found = session.execute(
        text(f"{plan} SELECT id FROM deadline WHERE escalate_at <= '2026-01-01' ORDER BY escalate_at")
    )
    assert "ix_deadline_escalate" in str(found.all())


def test_record_pages_show_the_clocks_of_what_is_work(
    client_of: Callable[[str], Any], session: Any, building: Building, rule: ClockRule, moment: Any
) -> None:
    started(session, building)
    session.commit()
    text_of_page = client_of("manager").get(f"/buildings/{building.id}").get_data(as_text=True)
    assert "Toy" in text_of_page
    assert "2026-11-25 24:00" in text_of_page
