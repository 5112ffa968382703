"""Work and who has it: the queue's order and scope, taking and handing over, delegations, what move-in puts there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.accounts import create_account
from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.audit.models import AuditEntry
from app.core.clocks import delegation, passing, queue
from app.core.clocks import services as clocks
from app.core.clocks.delegation import delegate, end
from app.core.clocks.models import NO_DEADLINE, Deadline, Delegation, WorkItem
from app.core.clocks.queue import MOST, Asked, Place, Tab
from app.core.messages.models import Notice
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.movein import inspection, kinds, services
from app.modules.movein.models import Defect, MoveInCase
from app.modules.movein.states import CaseState, DefectState, ItemResult, Severity
from app.modules.movein.workflow import CASE, MOVE_IN
from tests.movein import factories as make

ActorOf = Callable[[str], Actor]


def item(session: Session, days: int | None = None, **values: object) -> WorkItem:
    """Open work about no record in particular, due in so many days."""
    number = session.query(WorkItem).count() + 1000
    found = WorkItem(
        **{"estate_id": 1, "kind": CASE, "record_type": "movein_case", "record_id": number, "label": f"W{number}", "role": "receptionist"}
        | values,
        rank_at=NO_DEADLINE if days is None else now() + timedelta(days=days),
    )  # fmt: skip
    session.add(found)
    session.flush()
    return found


def shown(session: Session, actor: Actor, **asked: object) -> list[int]:
    return [line.item.id for line in queue.lines(session, actor, Asked(**asked))[0]]


def account(session: Session, username: str) -> Account:
    return session.scalars(select(Account).where(Account.username == username)).one()


# The queue


def test_overdue_comes_first_and_what_has_no_deadline_last(session: Session, actor_of: ActorOf) -> None:
    later, none, late, soon = (item(session, days) for days in (5, None, -2, 1))
    assert shown(session, actor_of("receptionist"), tab=Tab.ROLE) == [late.id, soon.id, later.id, none.id]
    assert shown(session, actor_of("receptionist"), tab=Tab.ROLE, late=True) == [late.id]


def test_pages_follow_each_other_without_gap_or_repetition(session: Session, actor_of: ActorOf) -> None:
    made = [item(session, days, role=role).id for days in (1, 1, 2, None) for role in ("manager", "cashier")]
    actor = actor_of("manager")
    seen: list[int] = []
    place: Place | None = None
    while True:
        found, place = queue.lines(session, actor, Asked(Tab.ALL, after=place and Place.read(str(place))), size=3)
        seen += [line.item.id for line in found]
        if place is None:
            break
    assert sorted(seen) == sorted(made)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    "text", ["", "~", "x~1", "2026-01-01~1", "2026-01-01T00:00:00+00:00~x", "2026-01-01T00:00:00+00:00~²"]
)
def test_a_place_nobody_wrote_is_no_place(text: str) -> None:
    assert Place.read(text) is None


def test_each_tab_shows_its_own_and_no_other_estate(session: Session, actor_of: ActorOf) -> None:
    receptionist, cashier = actor_of("receptionist"), actor_of("cashier")
    mine, roles = item(session, 1, role="", assignee_id=receptionist.user_id), item(session, 1)
    fees, foreign = item(session, 1, role="cashier"), item(session, 1, estate_id=2)
    closed = item(session, 1, closed_at=now())
    assert shown(session, receptionist, tab=Tab.MINE) == [mine.id]
    assert shown(session, receptionist, tab=Tab.ROLE) == [roles.id]
    assert set(shown(session, receptionist, tab=Tab.ALL)) == {mine.id, roles.id, fees.id}
    assert shown(session, cashier, tab=Tab.ROLE) == [fees.id]
    for hidden in (foreign, closed):
        assert hidden.id not in shown(session, receptionist, tab=Tab.ALL)
    assert queue.counts(session, receptionist, Asked()) == {Tab.MINE: 1, Tab.ROLE: 1, Tab.ALL: 3}


def test_all_shows_only_what_the_actor_may_read(session: Session, actor_of: ActorOf) -> None:
    case, defect = item(session, 1), item(session, 1, kind="movein.defect", record_type="movein_defect")
    equipment = actor_of("equipment_supervisor")  # reads defects, not move-ins
    assert not equipment.may("read", "MoveInCase")
    assert shown(session, equipment, tab=Tab.ALL) == [defect.id]
    assert shown(session, equipment, tab=Tab.ALL, kind=CASE) == []
    assert case.id in shown(session, actor_of("manager"), tab=Tab.ALL, kind=CASE)
    with pytest.raises(NotAllowed):
        queue.line_of(session, equipment, case.id)


def test_counts_stop_where_nobody_reads_on(session: Session, actor_of: ActorOf) -> None:
    line = {
        "estate_id": 1,
        "kind": CASE,
        "record_type": "movein_case",
        "label": "x",
        "role": "cashier",
        "rank_at": NO_DEADLINE,
    }
    many = [line | {"record_id": number} for number in range(10_000, 10_000 + MOST + 5)]
    session.execute(WorkItem.__table__.insert(), many)
    counts = queue.counts(session, actor_of("cashier"), Asked())
    assert counts[Tab.ROLE] == MOST + 1
    assert queue.count_text(counts[Tab.ROLE]) == "999+"
    assert queue.count_text(MOST) == "999"


def test_a_line_tells_the_next_step_and_the_unit(session: Session, actor_of: ActorOf) -> None:
    case = make.new_case(session)
    found = clocks.work_of(session, case, CASE)
    assert found is not None
    line = queue.line_of(session, actor_of("receptionist"), found.id)
    assert str(line.next_step) == "Papers are in order"
    assert line.unit_code == case.unit.code
    assert case.number in line.item.label and case.owner.name in line.item.label


# Passing on


def test_of_two_who_take_the_first_has_it(session: Session, actor_of: ActorOf) -> None:
    work = item(session, 1, role="receptionist")
    receptionist, supervisor = actor_of("receptionist"), actor_of("cs_supervisor")
    passing.take(session, work, actor=receptionist)
    with pytest.raises(InvalidValue, match="Receptionist took this work a moment ago"):
        passing.take(session, work, actor=supervisor)
    assert work.assignee_id == receptionist.user_id
    passing.take(session, work, holder_id=receptionist.user_id, actor=supervisor)  # taken over knowingly
    assert work.assignee_id == supervisor.user_id


def test_strangers_to_the_work_do_not_pass_it_on(session: Session, actor_of: ActorOf) -> None:
    work = item(session, 1, role="receptionist")
    for username in ("cashier", "inspector", "security"):
        with pytest.raises(NotAllowed):
            passing.take(session, work, actor=actor_of(username))


def test_handing_over_tells_the_colleague_and_the_log(session: Session, actor_of: ActorOf) -> None:
    case = make.new_case(session)
    work = clocks.work_of(session, case, CASE)
    assert work is not None
    receptionist, cashier = actor_of("receptionist"), account(session, "cashier")
    with acting(receptionist):
        passing.hand_over(session, work, cashier.id, note="owner comes at 3", actor=receptionist)
    assert work.assignee_id == cashier.id
    assert session.scalars(select(Notice).where(Notice.person_id == cashier.id)).one().event == "work.handed_over"
    entry = session.scalars(select(AuditEntry).where(AuditEntry.kind == "hand_over")).one()
    assert (entry.subject_id, entry.note, entry.changes["to"]) == (case.id, "owner comes at 3", [None, "Cashier"])
    passing.give_back(session, work, actor=actor_of("receptionist"))
    assert work.assignee_id is None


def test_work_goes_to_people_who_can_open_it(session: Session, actor_of: ActorOf) -> None:
    work = item(session, 1)
    with pytest.raises(InvalidValue, match="no right"):
        passing.hand_over(session, work, account(session, "security").id, actor=actor_of("receptionist"))
    with pytest.raises(FieldErrors):
        passing.hand_over(session, work, account(session, "neighbour").id, actor=actor_of("receptionist"))


def test_a_clock_waits_for_the_owner_with_a_reason(session: Session, actor_of: ActorOf) -> None:
    work = clocks.work_of(session, make.new_case(session), CASE)
    assert work is not None
    clock, actor = work.deadlines[0], actor_of("receptionist")
    with pytest.raises(InvalidValue, match="waited for"):
        passing.wait_for_owner(session, work, clock, reason=" ", actor=actor)
    passing.wait_for_owner(session, work, clock, reason="brings the contract", actor=actor)
    assert clock.paused_at and work.rank_at == NO_DEADLINE
    passing.go_on(session, work, clock, actor=actor)
    assert clock.paused_at is None and work.rank_at == clock.due_at
    with pytest.raises(InvalidValue, match="has not passed"):
        passing.explain(session, work, clock, reason="busy", actor=actor)
    clock.due_at = now() - timedelta(hours=1)
    passing.explain(session, work, clock, reason="busy", actor=actor)
    assert clock.late_reason == "busy"


# Delegation


def lend(session: Session, actor_of: ActorOf, who: str, to: str, first: int = 0, last: int = 0) -> Delegation:
    today = estate_today(session, 1)
    return delegate(
        session, delegate_id=account(session, to).id, from_on=today + timedelta(days=first),
        until_on=today + timedelta(days=last), actor=actor_of(who),
    )  # fmt: skip


def test_the_delegate_has_work_and_rights_while_it_lasts(session: Session, actor_of: ActorOf) -> None:
    before = actor_of("security")
    work = item(session, 1, assignee_id=account(session, "cashier").id)
    assert not before.may("create", "Payment")
    entry = lend(session, actor_of, "cashier", "security")
    after = actor_of("security")
    assert after.may("create", "Payment")
    assert "cashier" in after.roles
    found, _more = queue.lines(session, after, Asked(Tab.MINE))
    assert [(line.item.id, line.for_whom) for line in found] == [(work.id, "Cashier")]
    assert passing.concerns(after, work)
    end(session, entry, actor=actor_of("cashier"))
    assert not actor_of("security").may("create", "Payment")
    with pytest.raises(InvalidValue, match="over already"):
        end(session, entry, actor=actor_of("cashier"))


@pytest.mark.parametrize(("first", "last", "holds"), [(0, 0, True), (1, 2, False), (0, 3, True)])
def test_it_begins_and_ends_by_its_days(
    session: Session, actor_of: ActorOf, first: int, last: int, holds: bool
) -> None:
    lend(session, actor_of, "cashier", "security", first, last)
    assert actor_of("security").may("create", "Payment") is holds


def test_the_day_after_the_last_it_is_over(session: Session, actor_of: ActorOf) -> None:
    entry = lend(session, actor_of, "cashier", "security")
    entry.from_on, entry.until_on = (estate_today(session, 1) - timedelta(days=n) for n in (3, 1))
    session.flush()
    assert not actor_of("security").may("create", "Payment")
    assert delegation.deputised(session, account(session, "security").id, 1) == []


def test_what_was_lent_is_not_lent_on(session: Session, actor_of: ActorOf) -> None:
    lend(session, actor_of, "cashier", "receptionist")
    lend(session, actor_of, "receptionist", "security")
    third = actor_of("security")
    assert third.may("create", "MoveInCase")
    assert "cashier" not in third.roles


def test_two_people_may_be_stood_in_for_at_once(session: Session, actor_of: ActorOf) -> None:
    lend(session, actor_of, "cashier", "security")
    lend(session, actor_of, "inspector", "security")
    assert {other.name for other in actor_of("security").stands_for} == {"Cashier", "Inspector"}
    with pytest.raises(FieldErrors, match="already"):
        lend(session, actor_of, "cashier", "security", 0, 4)


def test_the_administration_is_never_lent(session: Session, actor_of: ActorOf) -> None:
    lend(session, actor_of, "system_administrator", "security")
    assert "system_administrator" not in actor_of("security").roles
    assert not actor_of("security").may("update", "Account")


def test_who_left_or_serves_elsewhere_lends_nothing(session: Session, actor_of: ActorOf) -> None:
    lend(session, actor_of, "cashier", "security")
    account(session, "cashier").active = False
    session.flush()
    assert not actor_of("security").may("create", "Payment")
    today = estate_today(session, 1)
    for wrong in (
        {"delegate_id": account(session, "neighbour").id},
        {"delegate_id": account(session, "receptionist").id},
    ):
        with pytest.raises(FieldErrors):
            delegate(session, **wrong, from_on=today, until_on=today, actor=actor_of("receptionist"))
    with pytest.raises(FieldErrors, match="past"):
        delegate(session, delegate_id=account(session, "security").id, from_on=date(2020, 1, 1), until_on=today,
                 actor=actor_of("receptionist"))  # fmt: skip


def test_the_log_says_for_whom_only_where_the_right_was_lent(session: Session, actor_of: ActorOf) -> None:
    case = make.case_at(session, CaseState.FEES)
    lend(session, actor_of, "cs_supervisor", "receptionist")
    deputy = actor_of("receptionist")
    with acting(deputy):
        services.update_notice(case, handover_place="counter 2")
        session.flush()
        MOVE_IN.fire(session, case, "withdraw", actor=deputy, inputs={"reason": "moved away"})
    names = {
        entry.kind: entry.actor_name
        for entry in session.scalars(
            select(AuditEntry).where(AuditEntry.actor_id == deputy.user_id).order_by(AuditEntry.id.desc())
        )
        if entry.record_type == "movein_case" and (entry.kind == "transition" or "handover_place" in entry.changes)
    }
    assert names == {"update": "Receptionist", "transition": "Receptionist (for Cs Supervisor)"}


def test_a_deputy_still_does_not_decide_on_their_own_entry(session: Session, actor_of: ActorOf) -> None:
    from app.core.workflow.table import not_own_entry

    lend(session, actor_of, "manager", "receptionist")
    deputy = actor_of("receptionist")
    case = MoveInCase(number="MI-1", created_by_id=deputy.user_id)
    assert not_own_entry(case, deputy)
    case.created_by_id = account(session, "manager").id
    assert not_own_entry(case, deputy) is None


def test_jobs_run_with_the_rights_that_were_lent(app: Flask, session: Session, actor_of: ActorOf) -> None:
    from app.core.jobs.models import Job
    from app.core.jobs.worker import _actor_of

    lend(session, actor_of, "cashier", "security")
    job = Job(estate_id=1, user_id=account(session, "security").id)
    assert _actor_of(session, job).may("create", "Payment")


# Move-in on the queue


def work_for(session: Session, record: object, kind: str) -> WorkItem:
    session.expire_all()
    found = clocks.work_of(session, record, kind)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_case_waits_for_the_role_of_its_step(session: Session) -> None:
    case = make.new_case(session)
    assert work_for(session, case, CASE).role == "receptionist"
    for state, role in ((CaseState.FEES, "cashier"), (CaseState.INSPECTION, "inspector")):
        other = make.case_at(session, state)
        work = work_for(session, other, CASE)
        assert (work.role, work.unit_id) == (role, other.unit_id)
    done = make.case_at(session, CaseState.COMPLETED)
    assert clocks.work_of(session, done, CASE) is None
    clocks_of_done = session.scalars(
        select(Deadline).where(Deadline.record_type == "movein_case", Deadline.record_id == done.id)
    ).all()
    assert len(clocks_of_done) == 7 and all(clock.met_at for clock in clocks_of_done)


def test_a_withdrawn_case_leaves_the_queue_without_a_kept_limit(session: Session) -> None:
    case = make.new_case(session)
    MOVE_IN.fire(session, case, "withdraw", actor=system_actor(estate_id=1), inputs={"reason": "sold"})
    assert clocks.work_of(session, case, CASE) is None
    clock = session.scalars(
        select(Deadline).where(Deadline.record_id == case.id, Deadline.record_type == "movein_case")
    ).one()
    assert clock.cancelled_at and clock.met_at is None
    MOVE_IN.fire(session, case, "resume", actor=system_actor(estate_id=1), inputs={"reason": "came back"})
    assert work_for(session, case, CASE).step == "pass_documents"


def failed_item(session: Session, case: MoveInCase) -> Defect:
    current = case.round or inspection.open_round(session, case, actor=make.SYSTEM)
    inspection.judge(session, current.items[0], result=ItemResult.FAIL, actor=make.SYSTEM)
    return inspection.report_defect(
        session, current.items[0], description="crack", severity=Severity.MINOR, party="builder", actor=make.SYSTEM
    )


@pytest.mark.clause("MI-11")
def test_the_clock_of_a_defect_ends_with_its_day(session: Session) -> None:
    case = make.case_at(session, CaseState.INSPECTION)
    defect = failed_item(session, case)
    work = work_for(session, defect, "movein.defect")
    zone = ZoneInfo("Asia/Shanghai")

    def end_of(day: date) -> datetime:
        return datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)

    assert work.role == "cs_supervisor"
    assert work.rank_at == end_of(defect.due_on)
    later = defect.due_on + timedelta(days=9)
    inspection.report_defect(
        session,
        defect.item,
        description="crack",
        severity=Severity.MINOR,
        party="builder",
        due_on=later,
        actor=make.SYSTEM,
    )
    assert work_for(session, defect, "movein.defect").rank_at == end_of(later)
    inspection.report_fixed(session, defect, actor=make.SYSTEM)
    fixed = work_for(session, defect, "movein.defect")
    assert (fixed.id, fixed.role, fixed.rank_at) == (work.id, "inspector", NO_DEADLINE)
    inspection.verify_fixed(session, defect, passed=False, note="still there", actor=make.SYSTEM)
    again = work_for(session, defect, "movein.defect")
    assert (again.role, again.rank_at) == ("cs_supervisor", end_of(defect.due_on))
    inspection.report_fixed(session, defect, actor=make.SYSTEM)
    inspection.verify_fixed(session, defect, passed=True, actor=make.SYSTEM)
    assert clocks.work_of(session, defect, "movein.defect") is None
    ended = session.scalars(
        select(Deadline).where(Deadline.record_type == "movein_defect", Deadline.record_id == defect.id)
    ).all()
    assert len(ended) == 2 and all(clock.met_at for clock in ended)


def test_a_defect_entered_by_mistake_is_no_work(session: Session) -> None:
    case = make.case_at(session, CaseState.INSPECTION)
    defect = failed_item(session, case)
    work = work_for(session, defect, "movein.defect")
    inspection.remove_defect(session, defect, actor=make.SYSTEM)
    session.refresh(work)
    assert work.closed_at and work.deadlines[0].cancelled_at


@pytest.mark.clause("MI-09")
def test_an_entrusted_service_is_somebodys_work(session: Session, actor_of: ActorOf) -> None:
    case = make.new_case(session)
    technician, cashier = account(session, "technician"), account(session, "cashier")
    code = next(e.code for e in inspection.items_of(session, "entrusted_services") if e.data["charge"] != "paid")
    with acting(actor_of("receptionist")):
        service = services.entrust(session, case, code=code, assignee_id=technician.id, actor=actor_of("receptionist"))
    work = work_for(session, service, "movein.service")
    assert (work.assignee_id, work.role) == (technician.id, "")
    with pytest.raises(InvalidValue, match="given to a person"):
        passing.give_back(session, work, actor=actor_of("technician"))
    with acting(actor_of("technician")):
        passing.hand_over(session, work, cashier.id, actor=actor_of("technician"))
    assert (service.assignee_id, service.assignee_name) == (cashier.id, "Cashier")
    services.finish_service(session, service, result="done", actor=make.SYSTEM)
    assert clocks.work_of(session, service, "movein.service") is None


def test_what_was_open_before_the_queue_comes_into_it_once(session: Session) -> None:
    case = make.case_at(session, CaseState.INSPECTION)
    failed_item(session, case)
    make.case_at(session, CaseState.COMPLETED)
    session.query(Deadline).delete()
    session.query(WorkItem).delete()
    estate = session.get(Estate, 1)
    assert estate is not None
    for _again in range(2):
        kinds.catch_up(session, estate)
        opened = session.execute(select(WorkItem.kind, WorkItem.closed_at).order_by(WorkItem.kind)).all()
        assert opened == [("movein.case", None), ("movein.defect", None)]
    assert DefectState.OPEN == case.defects[0].state


def test_a_new_account_with_several_roles_has_the_queues_of_all(session: Session, actor_of: ActorOf) -> None:
    estate = session.get(Estate, 1)
    assert estate is not None
    create_account(session, username="both", name="Both", password="correct-horse-9", roles=[Role.CASHIER, Role.INSPECTOR],
                   estates=[estate], language="en", actor=system_actor())  # fmt: skip
    later, sooner = item(session, 2, role="cashier"), item(session, 1, role="inspector")
    assert shown(session, actor_of("both"), tab=Tab.ROLE) == [sooner.id, later.id]
