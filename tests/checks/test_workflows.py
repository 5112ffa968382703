"""Notices and actions: clocks, queue, four eyes, and that no walk through the tables reaches an impossible row."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.core.access.roles import Role
from app.core.clocks.models import Deadline, WorkItem
from app.core.clocks.services import work_of
from app.core.messages.models import Notice
from app.core.records.clock import bounds_of, estate_today
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.checks import services
from app.modules.checks.evidence import concluded_checks
from app.modules.checks.models import CorrectiveAction, Measure, RectificationNotice
from app.modules.checks.states import ENDED, ActionState, NoticeState
from app.modules.checks.workflow import ACTION, CHECK, NOTICE
from tests.checks.factories import SYSTEM, account_of, action_of, add_cause, add_measure, category_of, notice_of
from tests.checks.test_draw import drawn_check
from tests.movein.factories import DRAWN, unit_of


def deadlines(session, record) -> dict[str, Deadline]:
    found = select(Deadline).where(Deadline.record_type == record.__tablename__, Deadline.record_id == record.id)
    return {deadline.rule_key: deadline for deadline in session.scalars(found)}


# Notices


@pytest.mark.clause("RE-07")
def test_a_module_serves_a_notice_with_a_deadline(session):
    day = estate_today(session, 1) + timedelta(days=4)
    unit = unit_of(session)
    notice = services.serve_notice(
        session,
        source=unit,
        problem="Leak again",
        requirement="Seal it",
        to=Role.TECHNICIAN,
        deadline=day,
        actor=SYSTEM,
    )
    assert notice.state == NoticeState.SERVED and notice.due_on == day and notice.unit_id == unit.id
    item = work_of(session, notice, "checks.notice")
    assert (item.role, item.step) == ("technician", "answer")
    clocks = deadlines(session, notice)
    assert clocks["checks.rectification"].due_at == bounds_of(session, 1, day, day)[1]
    assert clocks["checks.serve_notice"].met_at is not None
    (told,) = session.scalars(select(Notice).where(Notice.event == "check.notice_served")).all()
    assert told.person_id == account_of(session, "technician").id


def test_a_notice_to_a_person_is_their_work(session):
    technician = account_of(session, "technician")
    notice = services.serve_notice(
        session,
        source=unit_of(session),
        problem="Leak",
        requirement="Seal it",
        to=technician,
        role=Role.TECHNICIAN,
        actor=SYSTEM,
    )
    assert work_of(session, notice, "checks.notice").assignee_id == technician.id
    assert notice.due_on > estate_today(session, 1)  # the rule of the estate


def test_an_answer_sent_back_runs_again(session):
    notice = notice_of(session)
    NOTICE.fire(session, notice, "serve", actor=SYSTEM)
    services.receive_notice(session, notice, received_by="周敏", drawing=DRAWN, actor=SYSTEM)
    NOTICE.fire(session, notice, "answer", actor=SYSTEM, inputs={"answer": "Done"})
    assert work_of(session, notice, "checks.notice").role == "manager"
    NOTICE.fire(session, notice, "send_back", actor=SYSTEM, inputs={"reason": "Still drips"})
    assert (notice.returned, notice.answer, notice.received_by_name) == (1, "", "周敏")
    assert work_of(session, notice, "checks.notice").role == "technician"
    NOTICE.fire(session, notice, "answer", actor=SYSTEM, inputs={"answer": "New washer"})
    NOTICE.fire(session, notice, "verify", actor=SYSTEM)
    assert work_of(session, notice, "checks.notice") is None


def test_who_answered_does_not_verify(session, actor_of):
    manager = actor_of("manager")
    notice = notice_of(session, role=Role.MANAGER.value)
    NOTICE.fire(session, notice, "serve", actor=SYSTEM)
    NOTICE.fire(session, notice, "answer", actor=manager, inputs={"answer": "Done"})
    with pytest.raises(Blocked):
        NOTICE.fire(session, notice, "verify", actor=manager)
    NOTICE.fire(session, notice, "verify", actor=actor_of("cs_supervisor"))


def test_a_deadline_in_the_past_is_refused(session):
    with pytest.raises(FieldErrors):
        notice_of(session, deadline=estate_today(session, 1) - timedelta(days=1))


# Actions


@pytest.mark.clause("OS-08")
def test_every_measure_is_its_owners_work_until_done(session, actor_of):
    action = action_of(session)
    add_cause(session, action)
    ACTION.fire(session, action, "analyse", actor=SYSTEM)
    first, second = add_measure(session, action), add_measure(session, action, owner="manager", days=9)
    ACTION.fire(session, action, "agree", actor=SYSTEM)
    item = work_of(session, first, "checks.measure")
    assert item.assignee_id == first.owner_id
    assert deadlines(session, first)["checks.measure"].due_at == bounds_of(session, 1, first.due_on, first.due_on)[1]
    today = estate_today(session, 1)
    with pytest.raises(Blocked):
        services.finish_measure(session, second, done_on=today, evidence="x", actor=actor_of("receptionist"))
    services.finish_measure(session, first, done_on=today, evidence="Screenshot", actor=actor_of("receptionist"))
    assert action.state == ActionState.AGREED and work_of(session, first, "checks.measure") is None
    services.finish_measure(session, second, done_on=today, evidence="List", actor=actor_of("manager"))
    assert action.state == ActionState.DONE
    with pytest.raises(Blocked):  # the owner of a measure
        ACTION.fire(session, action, "verify", actor=actor_of("manager"), inputs={"evidence": "Seen"})
    ACTION.fire(session, action, "send_back", actor=actor_of("manager"), inputs={"reason": "Half done"})
    assert first.done_on is None and work_of(session, first, "checks.measure") is not None


def test_withdrawing_takes_the_measures_out_of_the_queue(session):
    action = action_of(session)
    add_cause(session, action)
    ACTION.fire(session, action, "analyse", actor=SYSTEM)
    measure = add_measure(session, action)
    ACTION.fire(session, action, "agree", actor=SYSTEM)
    ACTION.fire(session, action, "withdraw", actor=SYSTEM, inputs={"reason": "Opened by mistake"})
    assert deadlines(session, measure)["checks.measure"].cancelled_at is not None
    assert (
        session.scalar(select(WorkItem.id).where(WorkItem.kind.like("checks.%"), WorkItem.closed_at.is_(None))) is None
    )


# Evidence


@pytest.mark.clause("MI-12")
def test_a_concluded_check_is_evidence_at_its_conclusion(session):
    check = drawn_check(session, count=0)
    today = estate_today(session, 1)
    start, end = bounds_of(session, 1, today, today)
    assert concluded_checks(session, 1, start, end, kind=["movein.records"]) == []
    CHECK.fire(session, check, "conclude", actor=SYSTEM)
    (occasion,) = concluded_checks(session, 1, start, end, kind=["movein.records"])
    assert (occasion.at, occasion.record_id, occasion.label) == (check.concluded_at, check.id, check.number)
    assert concluded_checks(session, 1, start, end, kind=["movein.fees"]) == []
    assert concluded_checks(session, 2, start, end) == [] and len(concluded_checks(session, 1, start, end)) == 1


# No way through the tables reaches an impossible row


def fill(session, record, chance: random.Random) -> None:
    """Something a person may do between two transitions."""
    if isinstance(record, CorrectiveAction):
        if record.state == ActionState.OPEN and chance.random() < 0.7:
            add_cause(session, record)
        elif record.state == ActionState.ANALYSED and chance.random() < 0.7:
            add_measure(session, record)
        elif record.state == ActionState.AGREED:
            for measure in [m for m in record.measures if m.done_on is None][:1]:
                services.finish_measure(
                    session, measure, done_on=estate_today(session, 1), evidence="Seen", actor=SYSTEM
                )


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("workflow", "make"), [(NOTICE, notice_of), (ACTION, action_of)], ids=["notice", "action"])
def test_a_random_walk_stays_possible(session, workflow, make, seed):
    """Transitions in any order: each is refused with a sentence or leaves a row the database accepts."""
    chance, record, visited = random.Random(seed), make(session), set()
    for _step in range(40):
        fill(session, record, chance)
        ways = [t for t in workflow.transitions if t.name != "withdraw" or chance.random() < 0.1]
        transition = chance.choice(ways)
        inputs = {ask.name: chance.choice(["", "something"]) for ask in transition.asks}
        before = record.state
        try:
            workflow.fire(session, record, transition.name, actor=SYSTEM, inputs=inputs)
        except Blocked as refused:
            assert refused.reasons and record.state == before
        session.flush()
        visited.add(str(record.state))
        item = work_of(session, record, workflow.work)
        assert (item is not None) == (record.state in workflow.waits)
    assert len(visited) > 1
    if isinstance(record, CorrectiveAction) and record.state == ActionState.REISSUED:
        assert session.scalars(select(CorrectiveAction).where(CorrectiveAction.follows_id == record.id)).one()
    open_measures = select(WorkItem.id).where(WorkItem.kind == "checks.measure", WorkItem.closed_at.is_(None))
    if isinstance(record, CorrectiveAction) and record.state in ENDED:
        assert session.scalar(open_measures) is None


@pytest.mark.parametrize(
    "values",
    [
        {"state": "closed"}, {"state": "answered"}, {"state": "served"}, {"answer": "x"}, {"withdrawn_reason": "x"},
        {"received_by_name": "x"}, {"problem": ""},
    ],
)  # fmt: skip
def test_the_database_refuses_notices_that_cannot_be(session, values):
    notice = notice_of(session)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            update(RectificationNotice.__table__).where(RectificationNotice.id == notice.id).values(**values)
        )


@pytest.mark.parametrize(
    "values",
    [{"state": "verified"}, {"state": "effective"}, {"state": "reissued"}, {"effective": True}, {"state": "withdrawn"}],
)
def test_the_database_refuses_actions_that_cannot_be(session, values):
    action = action_of(session)
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(update(CorrectiveAction.__table__).where(CorrectiveAction.id == action.id).values(**values))


def test_one_repeated_action_runs_per_category(session):
    from app.modules.checks.states import ActionSource

    action_of(session, source=ActionSource.REPEATED)
    with pytest.raises(IntegrityError), session.begin_nested():
        action_of(session, source=ActionSource.REPEATED)


def test_a_category_is_repeated_from_the_second_time_on(session):
    with pytest.raises(IntegrityError), session.begin_nested():
        category_of(session).repeat_count = 1
        session.flush()


def test_measures_belong_to_the_timeline_of_their_action(session):
    action = action_of(session)
    add_cause(session, action)
    ACTION.fire(session, action, "analyse", actor=SYSTEM)
    measure = add_measure(session, action)
    assert isinstance(measure, Measure) and measure.audit_subject == ("corrective_action", action.id)
