"""Application, reviews and permit (RN-01 … RN-05, RN-07; forms C1, C4; Decree 110 arts. 9, 13–15)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import NotAllowed
from app.core.clocks.services import running, work_of
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.people.models import TenureRole
from app.modules.people.services import grant_tenure, register_person
from app.modules.renovation import services
from app.modules.renovation.effects import COPY_WORK
from app.modules.renovation.requirements import QUESTIONS, REQUIREMENTS, missing_of
from app.modules.renovation.states import Capacity, Mode, Verdict
from app.modules.renovation.states import RenovationState as S
from app.modules.renovation.workflow import PERMIT, WORK
from tests.movein.factories import unit_of
from tests.renovation.factories import (
    SYSTEM,
    answers,
    applied,
    approved,
    bill_of,
    complete,
    fire,
    paid,
    pay,
    submitted,
    under_way,
    worker_of,
)


@pytest.mark.clause("RN-01")
def test_what_is_missing_is_listed_in_both_languages_before_submission(session):
    renovation = applied(session, neighbours_informed=False, **dict.fromkeys(QUESTIONS))
    missing = missing_of(renovation)
    english = " ".join(sentence.en for sentence in missing)
    assert all(sentence.zh and sentence.en for sentence in missing)
    for words in (
        "load-bearing",
        "waterproof",
        "Proof of title",
        "Floor plan",
        "qualification certificate",
        "neighbours",
        "Not signed",
    ):
        assert words in english
    with pytest.raises(Blocked) as refused:
        fire(session, renovation, "submit")
    assert len(refused.value.reasons) == len(missing)
    assert renovation.state is S.DRAFT and renovation.submitted_at is None


@pytest.mark.parametrize(
    ("answer", "papers"),
    [
        ("structural", {"design_scheme"}), ("floor_load", {"design_scheme"}), ("waterproof", {"construction_plan"}),
        ("facade", {"planning_approval"}), ("heating", {"heating_approval"}), ("gas", {"gas_approval"}), ("hot_work", {"hot_work_permit"}),
    ],
)  # fmt: skip
def test_an_alteration_makes_its_papers_compulsory(session, answer, papers):
    always = {"title_proof", "floor_plan", "qualification"}
    renovation = applied(session, **{answer: True})
    assert {r.code for r in REQUIREMENTS if r.needed(renovation)} == always | papers
    assert missing_of(complete(session, renovation)) == []


def test_alterations_need_a_qualified_company(session):
    renovation = complete(session, applied(session, structural=True, mode=Mode.SELF))
    assert any("qualified renovation company" in sentence.en for sentence in missing_of(renovation))
    assert renovation.contractor_id is None


def test_a_qualification_that_has_run_out_does_not_count(session):
    renovation = complete(session, applied(session))
    renovation.contractor.qualified_until = estate_today(session, 1) - timedelta(days=1)
    assert [sentence.en for sentence in missing_of(renovation)] == ["The contractor's qualification has run out."]


def test_the_applicant_owns_the_unit_or_lives_there_with_the_owners_consent(session):
    unit = unit_of(session)
    tenant = register_person(session, {"name": "租客", "mobile": "13700137000"}, actor=SYSTEM)
    given = answers(session, unit=unit)
    with pytest.raises(FieldErrors):
        services.apply(session, given | {"applicant_id": tenant.id}, actor=SYSTEM)
    with pytest.raises(FieldErrors):
        services.apply(session, given | {"applicant_id": tenant.id, "capacity": Capacity.OCCUPANT}, actor=SYSTEM)
    grant_tenure(
        session, unit=unit, person=tenant, role=TenureRole.TENANT, valid_from=estate_today(session, 1), actor=SYSTEM
    )
    renovation = services.apply(
        session, given | {"applicant_id": tenant.id, "capacity": Capacity.OCCUPANT}, actor=SYSTEM
    )
    assert "owner_consent" in {r.code for r in REQUIREMENTS if r.needed(renovation)}


@pytest.mark.parametrize(("column", "value"), [("leader_id_no", "110105194912310021"), ("leader_mobile", "12345")])
def test_a_number_that_cannot_be_is_refused_at_its_field(session, column, value):
    with pytest.raises(FieldErrors) as refused:
        applied(session, **{column: value})
    assert set(refused.value.errors) == {column}


def test_one_renovation_at_a_time(session):
    unit = unit_of(session)
    applied(session, unit=unit)
    with pytest.raises(IntegrityError), session.begin_nested():
        applied(session, unit=unit)


@pytest.mark.clause("RN-02", "RN-03", "RN-04")
def test_three_people_review_and_the_owner_gets_the_copy(session, actor_of):
    reception, equipment, manager = actor_of("receptionist"), actor_of("equipment_supervisor"), actor_of("manager")
    renovation = complete(session, applied(session, actor=reception), actor=reception)
    fire(session, renovation, "submit", actor=reception)
    assert work_of(session, renovation, WORK).role == "receptionist"
    fire(session, renovation, "pass_intake", actor=reception)
    assert work_of(session, renovation, WORK).role == "equipment_supervisor"
    fire(session, renovation, "pass_review", actor=equipment, opinion="水电点位已核")
    assert work_of(session, renovation, WORK).role == "manager"
    fire(session, renovation, "approve_with_conditions", actor=manager, opinion="工作日 18 点后不得使用电锤")
    assert (renovation.state, renovation.conditions) == (S.PAYMENT, "工作日 18 点后不得使用电锤")
    assert [(d.step.value, d.verdict, d.decided_by_name) for d in renovation.decisions] == [
        ("intake", Verdict.APPROVE, reception.name), ("technical", Verdict.APPROVE, equipment.name),
        ("approval", Verdict.CONDITIONS, manager.name),
    ]  # fmt: skip
    copy = work_of(session, renovation, COPY_WORK)
    assert copy is not None and [d.rule_key for d in copy.deadlines] == ["renovation.copy"]
    services.hand_copy(session, renovation, receiver="装修业主", actor=reception)
    assert work_of(session, renovation, COPY_WORK) is None and renovation.delivered_to == "装修业主"


@pytest.mark.clause("RN-05")
def test_one_clock_runs_through_all_reviews_and_stands_still_while_it_is_corrected(session):
    renovation = submitted(session)
    (started,) = work_of(session, renovation, WORK).deadlines
    fire(session, renovation, "pass_intake")
    assert [d.id for d in work_of(session, renovation, WORK).deadlines if d.open] == [started.id]
    fire(session, renovation, "return_review", opinion="补水电图")
    assert renovation.state is S.RETURNED and started.paused_at is not None
    fire(session, renovation, "submit", "pass_intake", "pass_review")
    assert started.paused_at is None and len(started.pauses) == 1
    fire(session, renovation, "approve")
    assert started.met_at is not None


def test_nobody_reviews_what_they_entered_or_submitted(session, actor_of):
    manager = actor_of("manager")
    renovation = complete(session, applied(session, actor=manager))
    fire(session, renovation, "submit", actor=manager)
    fire(session, renovation, "pass_intake", "pass_review")
    with pytest.raises(Blocked, match="yourself"):
        fire(session, renovation, "approve", actor=manager)
    assert renovation.approved_by_id is None
    with pytest.raises(NotAllowed):
        fire(session, renovation, "approve", actor=actor_of("cs_supervisor"))


def test_a_returned_application_is_reviewed_anew_and_the_old_opinions_stay(session, actor_of):
    renovation = fire(session, submitted(session), "pass_intake", "pass_review")
    fire(session, renovation, "return_approval", opinion="阳台不得改为厨房")
    fire(session, renovation, "submit")
    assert renovation.reviewed_at is None and len(renovation.decisions) == 3
    fire(session, renovation, "pass_intake", "pass_review", "reject", opinion="仍改阳台")
    assert renovation.state is S.REJECTED and renovation.decisions[-1].opinion == "仍改阳台"
    assert work_of(session, renovation, WORK) is None


@pytest.mark.clause("RN-07")
def test_the_cashier_confirms_only_what_is_paid_and_the_permit_gets_its_days(session, actor_of):
    renovation, cashier = approved(session), actor_of("cashier")
    with pytest.raises(Blocked, match="No bill"):
        fire(session, renovation, "confirm_payment", actor=cashier)
    bill = bill_of(session, renovation)
    with pytest.raises(Blocked, match=bill.number):
        fire(session, renovation, "confirm_payment", actor=cashier)
    pay(session, bill)
    fire(session, renovation, "confirm_payment", actor=cashier)
    assert (renovation.state, renovation.paid_by_name) == (S.PASSES, cashier.name)
    assert renovation.permit_no.startswith("RP-")
    assert (renovation.permit_from, renovation.permit_to) == (renovation.planned_from, renovation.planned_to)


def test_a_permit_of_a_late_start_lasts_as_long_as_planned(session):
    today = estate_today(session, 1)
    renovation = paid(session, planned_from=today - timedelta(days=10), planned_to=today + timedelta(days=20))
    assert (renovation.permit_from, renovation.permit_to) == (today, today + timedelta(days=30))


def test_a_permit_is_extended_with_a_reason_and_never_shortened(session):
    renovation = paid(session)
    before = renovation.permit_to
    for day, reason in ((before, "材料"), (before + timedelta(days=5), " ")):
        with pytest.raises(FieldErrors):
            services.extend_permit(session, renovation, last_day=day, reason=reason, actor=SYSTEM)
    services.extend_permit(session, renovation, last_day=before + timedelta(days=15), reason="材料晚到", actor=SYSTEM)
    line = renovation.extensions[0]
    assert (renovation.permit_to, line.from_day, line.to_day) == (
        before + timedelta(days=15),
        before,
        before + timedelta(days=15),
    )


@pytest.mark.clause("RN-08")
def test_the_clock_of_the_permit_follows_its_extension(session):
    renovation = under_way(session)
    item, last_day = work_of(session, renovation, WORK), renovation.permit_to + timedelta(days=15)
    before = running(session, item, PERMIT).due_at
    services.extend_permit(session, renovation, last_day=last_day, reason="材料晚到", actor=SYSTEM)
    assert running(session, item, PERMIT).due_at == before + timedelta(days=15)
    fire(session, renovation, "request_acceptance")
    services.extend_permit(session, renovation, last_day=last_day + timedelta(days=1), reason="整改", actor=SYSTEM)
    assert running(session, item, PERMIT) is None, "nobody is behind with work that is finished"


@pytest.mark.clause("RN-04")
def test_the_owner_gets_a_rejection_too_and_nobody_waits_for_what_was_withdrawn(session):
    rejected = fire(session, submitted(session), "pass_intake", "pass_review")
    worker = worker_of(session, rejected)
    assert work_of(session, worker, "renovation.worker") is not None
    fire(session, rejected, "reject", opinion="拆承重墙")
    assert work_of(session, worker, "renovation.worker") is None
    assert work_of(session, rejected, COPY_WORK).deadlines[0].open
    services.hand_copy(session, rejected, receiver="装修业主", actor=SYSTEM)
    assert rejected.delivered_to == "装修业主" and work_of(session, rejected, COPY_WORK) is None
    withdrawn = fire(session, approved(session), "withdraw", reason="不装了")
    assert work_of(session, withdrawn, COPY_WORK) is None
    with pytest.raises(InvalidValue, match="no copy"):
        services.hand_copy(session, withdrawn, receiver="装修业主", actor=SYSTEM)


def test_the_database_keeps_the_chain(session):
    """No approval without its decider, no decision on one's own entry, no site without a permit, no acceptance without a day."""
    renovation = paid(session)
    for change in (
        {"approved_by_id": None, "approved_at": None}, {"permit_no": None, "permit_from": None, "permit_to": None},
        {"permit_to": renovation.permit_from - timedelta(days=1)}, {"submitted_at": None, "submitted_by_id": None},
        {"accepted_on": renovation.permit_from}, {"state": "accepted"}, {"created_by_id": 1, "approved_by_id": 1},
    ):  # fmt: skip
        table = renovation.__table__
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(table.update().where(table.c.id == renovation.id).values(**change))
