"""From the passes to the refund: the site, a violation, the acceptance, the settlement (RN-06 … RN-12, RN-17)."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from app.core.records.base import now
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.checks.models import CorrectiveAction, Finding
from app.modules.renovation import completion, pass_queries, passes, site
from app.modules.renovation.pass_workflow import PASS
from app.modules.renovation.settlement_workflow import SETTLEMENT
from app.modules.renovation.site_models import RenovationPatrol
from app.modules.renovation.states import PassState, Stage, WorkerState
from app.modules.renovation.states import RenovationState as S
from app.modules.renovation.states import ViolationState as V
from app.modules.renovation.violation_workflow import VIOLATION
from tests.renovation.factories import (
    PNG,
    accepted,
    fire,
    good,
    paid,
    pass_of,
    person,
    under_way,
    verified,
    violation_of,
    worker_of,
)


@pytest.mark.clause("RN-06")
def test_the_site_administrator_verifies_each_worker(session):
    renovation = paid(session)
    worker = worker_of(session, renovation, trade="welding")
    site_administrator = person(session, "site_administrator")
    with pytest.raises(Blocked, match="certificate"):
        passes.decide_worker(session, worker, "verify", actor=site_administrator)
    worker.certificate_no, worker.certificate_until = "T11010519", now().date() + timedelta(days=200)
    passes.decide_worker(session, worker, "verify", actor=site_administrator)
    assert (worker.state, worker.verified_by_name) == (WorkerState.VERIFIED, site_administrator.name)
    with pytest.raises(FieldErrors):
        worker_of(session, renovation, id_no=worker.id_no)


@pytest.mark.clause("RN-08")
def test_passes_lie_inside_the_permit_and_hold_thirty_days_at_most(session):
    renovation = paid(session)
    worker, supervisor = verified(session, renovation), person(session, "cs_supervisor")
    first, last = renovation.permit_from, renovation.permit_to
    for days in (
        (first - timedelta(days=1), first),
        (first, first + timedelta(days=30)),
        (last, last + timedelta(days=1)),
    ):
        with pytest.raises(FieldErrors):
            passes.issue_pass(session, worker, valid_from=days[0], valid_to=days[1], actor=supervisor)
    one = pass_of(session, worker)
    with pytest.raises(Blocked, match="already"):
        pass_of(session, worker)
    table = one.__table__
    for change in (
        {"valid_to": last + timedelta(days=1)},
        {"permit_to": last + timedelta(days=9), "valid_to": last + timedelta(days=9)},
    ):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(table.update().where(table.c.id == one.id).values(**change))
    assert pass_queries.at_gate(session, one.token).reason.startswith("There is no work going on")
    fire(session, renovation, "begin")
    assert pass_queries.at_gate(session, one.number).valid
    assert pass_queries.at_gate(session, one.number[-5:]).found is one


def test_an_extension_of_the_permit_goes_through_to_the_passes(session):
    from app.modules.renovation import services

    renovation = under_way(session)
    (one,) = renovation.passes
    later = renovation.permit_to + timedelta(days=20)
    services.extend_permit(
        session, renovation, last_day=later, reason="材料晚到", actor=person(session, "cs_supervisor")
    )
    session.refresh(one)
    assert one.permit_to == later


@pytest.mark.clause("RN-11")
def test_a_lost_pass_is_replaced_and_a_revoked_one_is_not(session):
    renovation, supervisor = under_way(session), person(session, "cs_supervisor")
    (one,) = renovation.passes
    PASS.fire(session, one, "report_lost", actor=supervisor, inputs={"reason": "地铁上遗失"})
    second = passes.follow_pass(session, one, valid_to=one.valid_to, actor=supervisor)
    assert (second.kind.value, second.follows_id, one.state) == ("replacement", one.id, PassState.LOST)
    third = passes.follow_pass(session, second, valid_to=second.valid_to, actor=supervisor)
    assert (third.kind.value, second.state) == ("extension", PassState.REPLACED)
    PASS.fire(session, third, "revoke", actor=supervisor, inputs={"reason": "留宿"})
    with pytest.raises(Blocked):
        passes.follow_pass(session, third, valid_to=third.valid_to, actor=supervisor)


@pytest.mark.clause("RN-09")
def test_a_visit_sent_twice_is_kept_once(session):
    renovation, patroller = under_way(session), person(session, "site_supervisor")
    said = {"token": "phone-1", "visited_at": now(), "stage": Stage.MASONRY, "persons": 2, "persons_with_pass": 2,
            "points": {"permit_posted": "ok", "extinguishers": "violation"}}  # fmt: skip
    with pytest.raises(FieldErrors):
        site.record_patrol(session, renovation, **said, actor=patroller)
    first = site.record_patrol(session, renovation, **said, findings="只有一具灭火器", actor=patroller)
    again = site.record_patrol(session, renovation, **said, findings="只有一具灭火器", actor=patroller)
    assert again is first and len(session.scalars(select(RenovationPatrol)).all()) == 1


@pytest.mark.clause("RN-10", "RN-17")
def test_violations_are_served_rechecked_reported_and_their_repetition_opens_an_action(session):
    renovation, staff = under_way(session), person(session, "site_administrator")
    before = len(session.scalars(select(CorrectiveAction)).all())
    first = violation_of(session, renovation)
    with pytest.raises(Blocked):
        VIOLATION.fire(session, first, "clear", actor=staff, inputs={"remark": "已清"})
    VIOLATION.fire(session, first, "serve", actor=staff, inputs={"method": "in_person", "receiver": "王师傅"})
    VIOLATION.fire(session, first, "refuse", actor=staff, inputs={"remark": "仍未清运"})
    VIOLATION.fire(session, first, "report", actor=staff, inputs={"authority": "街道综合执法队", "receipt": "2026-881"})
    assert (first.state, first.reported_at is not None) == (V.REPORTED, True)
    second = violation_of(
        session, renovation, "R26", description="中午使用电锤", requirement="立即停止", complaint=True
    )
    assert session.get_one(Finding, second.finding_id).action_id is not None
    assert len(session.scalars(select(CorrectiveAction)).all()) == before + 1
    VIOLATION.fire(session, first, "clear", actor=staff, inputs={"remark": "已清运"})
    assert first.state is V.CLEARED and first.recheck_note.splitlines() == ["仍未清运", "已清运"]


def test_a_grave_violation_stops_the_work_until_it_is_cleared(session):
    renovation = under_way(session)
    violation = violation_of(session, renovation, "R05-1", stop_work=True)
    assert renovation.state is S.SUSPENDED
    (one,) = renovation.passes
    assert "stopped" in pass_queries.at_gate(session, one.token).reason
    session.refresh(renovation, ["violations"])
    with pytest.raises(Blocked, match=violation.number):
        fire(session, renovation, "resume", reason="已恢复")


@pytest.mark.clause("RN-12")
def test_acceptance_wants_the_passes_back_and_starts_the_warranties(session):
    renovation, inspector = under_way(session), person(session, "site_supervisor")
    fire(session, renovation, "request_acceptance")
    with pytest.raises(Blocked, match="handed back"), session.begin_nested():
        completion.inspect(session, renovation, points=good(), actor=inspector)
    session.expire_all()
    completion.inspect(session, renovation, points=good(waste="violation"), findings="阳台有垃圾", actor=inspector)
    assert renovation.state is S.RECTIFICATION
    for one in renovation.passes:
        PASS.fire(session, one, "take_back", actor=person(session, "receptionist"), inputs={"condition": "完好"})
    fire(session, renovation, "request_acceptance")
    completion.inspect(session, renovation, points=good(), actor=inspector)
    assert renovation.state is S.ACCEPTED
    assert (
        renovation.warranty_to.year - renovation.accepted_on.year,
        renovation.waterproofing_to.year - renovation.accepted_on.year,
    ) == (2, 5)
    assert all(worker.keep_until for worker in renovation.workers)


@pytest.mark.clause("RN-12")
def test_deposits_are_refunded_less_what_is_set_off_with_clause_and_evidence(session):
    renovation = accepted(session)
    with pytest.raises(Blocked, match="deposits"):
        fire(session, renovation, "settle")
    settlement = completion.begin_settlement(session, renovation, actor=person(session, "receptionist"))
    desk = person(session, "receptionist")
    evidence = {"evidence": FileStorage(io.BytesIO(PNG), "dent.png", content_type="image/png"), "actor": desk}
    with pytest.raises(FieldErrors):
        completion.deduct(session, settlement, reason="电梯轿厢划痕", clause=" ", amount=Decimal(100), **evidence)
    completion.deduct(
        session, settlement, reason="电梯轿厢划痕", clause="协议第八条", amount=Decimal("300.00"), **evidence
    )
    assert settlement.refund == settlement.deposit - 300
    SETTLEMENT.fire(session, settlement, "check", actor=person(session, "cs_supervisor"))
    with pytest.raises(Exception, match="checked already"):
        completion.deduct(session, settlement, reason="x", clause="y", amount=Decimal(1), **evidence)
    SETTLEMENT.fire(session, settlement, "approve", actor=person(session, "manager"))
    with pytest.raises(Blocked, match="identity"):
        SETTLEMENT.fire(session, settlement, "pay", actor=person(session, "cashier"))
    settlement.id_checked = True
    SETTLEMENT.fire(session, settlement, "pay", actor=person(session, "cashier"))
    session.refresh(renovation)
    fire(session, renovation, "settle", "archive")
    assert renovation.state is S.ARCHIVED


def test_the_database_refunds_nothing_before_acceptance(session):
    renovation = under_way(session)
    table = completion.RenovationSettlement.__table__
    row = {"estate_id": 1, "number": "RS-X", "renovation_id": renovation.id, "unit_id": renovation.unit_id, "state": "draft",
           "accepted_on": renovation.permit_from, "deposit": 1, "deducted": 0, "refund": 1, "payee_name": "x", "id_checked": False,
           "deposit_receipt": "", "checked_by_name": "", "approved_by_name": "", "paid_by_name": "", "created_at": now(),
           "changed_at": now(), "version": 1}  # fmt: skip
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(table.insert().values(**row))
