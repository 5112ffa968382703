"""The move-in's table of transitions: who may do what from which state, and what each step needs (MI-04 … MI-11)."""

from __future__ import annotations

import pytest

from app.core.access.actor import NotAllowed, acting
from app.core.access.roles import Role
from app.core.workflow.table import Blocked
from app.modules.estates.models import MeterKind
from app.modules.fees.queries import bills_of
from app.modules.fees.services import cancel_bill
from app.modules.movein import inspection, registration, services
from app.modules.movein.gates import BASE_READINGS, OWNER_SIGNS
from app.modules.movein.models import MoveInCase
from app.modules.movein.queries import FORWARD, fact, missing_at, next_offer, steps_of, transitions_of
from app.modules.movein.states import (
    STEPS,
    Capacity,
    CaseState,
    CheckResult,
    Conclusion,
    DefectState,
    ItemResult,
    Severity,
)
from app.modules.movein.workflow import MOVE_IN
from app.modules.people.models import ConsentScope, PersonKind
from app.modules.people.services import end_tenure, withdraw_consent
from tests.movein import factories as make

S = CaseState
RECEPTION = {Role.RECEPTIONIST, Role.CS_SUPERVISOR, Role.MANAGER}
INSPECTION = {Role.INSPECTOR, Role.CS_SUPERVISOR, Role.MANAGER}
ABOVE = {Role.CS_SUPERVISOR, Role.MANAGER}
OPEN_BEFORE_KEYS = {S.DOCUMENTS, S.REGISTRATION, S.FEES, S.SIGNING, S.HANDOUT, S.INSPECTION, S.REFUSED}

TABLE = {
    "pass_documents": ({S.DOCUMENTS}, S.REGISTRATION, RECEPTION),
    "confirm_registration": ({S.REGISTRATION}, S.FEES, RECEPTION),
    "close_fees": ({S.FEES}, S.SIGNING, RECEPTION | {Role.CASHIER}),
    "close_signing": ({S.SIGNING}, S.HANDOUT, RECEPTION),
    "close_handout": ({S.HANDOUT}, S.INSPECTION, RECEPTION),
    "accept": ({S.INSPECTION}, S.KEYS, INSPECTION),
    "accept_with_defects": ({S.INSPECTION}, S.KEYS, INSPECTION),
    "refuse": ({S.INSPECTION}, S.REFUSED, INSPECTION),
    "reinspect": ({S.REFUSED}, S.INSPECTION, INSPECTION),
    "hand_over_keys": ({S.KEYS}, S.COMPLETED, RECEPTION),
    "back_to_documents": ({S.REGISTRATION}, S.DOCUMENTS, ABOVE),
    "back_to_registration": ({S.FEES}, S.REGISTRATION, ABOVE),
    "back_to_fees": ({S.SIGNING}, S.FEES, ABOVE),
    "back_to_signing": ({S.HANDOUT}, S.SIGNING, ABOVE),
    "back_to_handout": ({S.INSPECTION}, S.HANDOUT, ABOVE),
    "back_to_inspection": ({S.KEYS}, S.INSPECTION, ABOVE),
    "withdraw": (OPEN_BEFORE_KEYS, S.WITHDRAWN, ABOVE),
    "resume": ({S.WITHDRAWN}, S.DOCUMENTS, {Role.MANAGER}),
    "reopen": ({S.COMPLETED}, S.KEYS, {Role.MANAGER}),
}
"""What the procedure says, written down apart from the code: sources, target, who."""


def sentences(case: MoveInCase, name: str) -> list[str]:
    """What stands in the way of a transition."""
    return next(list(o.blockers) for o in MOVE_IN.offers(case, make.SYSTEM) if o.transition.name == name)


def test_the_table_is_the_procedure():
    assert {t.name: (set(t.sources), t.target) for t in MOVE_IN.transitions} == {
        n: line[:2] for n, line in TABLE.items()
    }


@pytest.mark.clause("MI-04")
@pytest.mark.parametrize("state", list(S))
def test_every_role_makes_exactly_its_transitions_from_every_state(session, actor_of, state):
    case = make.case_at(session, state)
    for role in Role:
        actor = actor_of(role.value)
        offered = {o.transition.name for o in MOVE_IN.offers(case, actor)}
        assert offered == {n for n, (sources, _t, roles) in TABLE.items() if state in sources and role in roles}, role
        for name, (sources, _target, roles) in TABLE.items():
            if role not in roles:
                with pytest.raises(NotAllowed):
                    MOVE_IN.fire(session, case, name, actor=actor, inputs={"reason": "x"})
            elif state not in sources:
                with pytest.raises(Blocked):
                    MOVE_IN.fire(session, case, name, actor=actor, inputs={"reason": "x"})
    assert case.state == state


@pytest.mark.parametrize(
    ("state", "name"),
    [
        (s, n)
        for n, (sources, _t, _r) in TABLE.items()
        for s in sorted(sources)
        if n.startswith(("back", "withdraw", "resume", "reopen"))
    ],
)
def test_ways_back_want_a_reason_and_keep_it(session, state, name):
    case = make.case_at(session, state)
    with pytest.raises(Blocked, match="Reason"):
        make.move(session, case, name, reason="  ")
    assert case.state == state
    make.move(session, case, name, reason="Entered for the wrong unit")
    assert case.state == TABLE[name][1]
    last = transitions_of(session, case)[-1]
    assert (fact(last, "transition"), fact(last, "source"), last.note) == (name, state, "Entered for the wrong unit")


# Gates


@pytest.mark.clause("MI-05")
def test_a_missing_paper_keeps_the_next_step_shut(session):
    case = make.new_case(session)
    waiting = sentences(case, "pass_documents")
    assert len(waiting) == sum(c.mandatory for c in case.checks) and all("not been checked" in w for w in waiting)
    make.check_papers(session, case)
    notice = next(c for c in case.checks if c.code == "movein_notice")
    services.check_paper(session, notice, result=CheckResult.MISSING, actor=make.SYSTEM)
    assert sentences(case, "pass_documents") == ["“Move-in notice” is missing."]
    with pytest.raises(Blocked, match="missing"):
        make.move(session, case, "pass_documents")
    services.check_paper(session, notice, result=CheckResult.PRESENT, actor=make.SYSTEM)
    make.move(session, case, "pass_documents")


def test_papers_that_depend_on_who_comes(session):
    unit = make.unit_of(session)
    owner = make.owner_of(session, unit, kind=PersonKind.ORGANISATION)
    case = make.new_case(session, unit=unit, owner=owner)
    codes = {c.code for c in case.checks}
    assert "business_licence" in codes and "power_of_attorney" not in codes
    services.set_receiver(
        session, case, capacity=Capacity.AGENT, agent_name="王五", owner_overseas=True, actor=make.SYSTEM
    )
    assert {"power_of_attorney", "agent_identity", "notarised_authorisation"} <= {c.code for c in case.checks}
    services.set_receiver(session, case, capacity=Capacity.OWNER, actor=make.SYSTEM)
    gone = next(c for c in case.checks if c.code == "power_of_attorney")
    assert gone.result == CheckResult.NOT_NEEDED and case.agent_name == ""


def test_registration_names_each_gap(session):
    case = make.new_case(session)
    make.check_papers(session, case)
    services.set_receiver(
        session, case, capacity=Capacity.AGENT, agent_name="王五", owner_overseas=True, actor=make.SYSTEM
    )
    make.check_papers(session, case)
    make.move(session, case, "pass_documents")
    for tenure in case.owner.tenures:
        end_tenure(session, tenure, on=case.created_at.date().replace(year=2020), actor=make.SYSTEM)
    case.owner.mobile = None
    session.flush()
    gaps = " ".join(sentences(case, "confirm_registration"))
    for part in (
        "ID number",
        "telephone number",
        "emergency contact",
        "not entered as owner",
        "privacy notice",
        "authorisation is not",
        "notarised",
        "not signed",
    ):
        assert part in gaps


def test_registration_opens_once_everything_is_there(session):
    case = make.case_at(session, S.REGISTRATION)
    make.register_owner(session, case)
    assert sentences(case, "confirm_registration") == []
    withdraw_consent(session, registration.consents_of(session, case.owner_id)[ConsentScope.SERVICE], actor=make.SYSTEM)
    assert sentences(case, "confirm_registration") == ["The privacy notice has not been acknowledged."]


@pytest.mark.clause("MI-06")
def test_fees_need_a_standing_bill_but_no_payment(session):
    case = make.case_at(session, S.FEES)
    assert sentences(case, "close_fees") == ["No bill has been issued for this move-in."]
    make.bill(session, case)
    assert sentences(case, "close_fees") == []
    cancel_bill(session, bills_of(session, case)[0], reason="Wrong months", actor=make.SYSTEM)
    assert sentences(case, "close_fees") == ["No bill has been issued for this move-in."]


@pytest.mark.clause("MI-07")
def test_signing_names_every_unsigned_paper(session):
    case = make.case_at(session, S.SIGNING)
    assert sentences(case, "close_signing") == [f"{code} is not signed." for code in ("F02", "F03", "F06", "F07")]
    make.sign(session, case, *OWNER_SIGNS)
    assert sentences(case, "close_signing") == []
    services.revoke_signature(session, case.signature("F02"), reason="Wrong person", actor=make.SYSTEM)
    assert sentences(case, "close_signing") == ["F02 is not signed."]


@pytest.mark.clause("MI-01")
@pytest.mark.clause("MI-08")
def test_the_nine_documents_are_handed_out_against_signature(session):
    case = make.case_at(session, S.HANDOUT)
    nine = [f"F0{n}" for n in range(1, 10)]
    assert [h.code for h in case.handouts if h.required] == nine
    services.hand_out(session, case, codes=[code for code in nine if code != "F08"], actor=make.SYSTEM)
    waiting = sentences(case, "close_handout")
    assert (
        len(waiting) == 2
        and "has not been handed out" in waiting[0]
        and waiting[1] == "The document receipt is not signed."
    )
    make.hand_out(session, case)
    assert sentences(case, "close_handout") == []
    signed = {h.code for h in case.handouts if h.returned_on}
    assert {"F02", "F03", "F06", "F07"} <= signed


@pytest.mark.clause("MI-10")
def test_the_inspection_is_concluded_only_when_complete(session):
    case = make.case_at(session, S.INSPECTION)
    assert sentences(case, "accept")[0] == "No inspection round is open."
    inspection.open_round(session, case, actor=make.SYSTEM)
    total = len(case.round.items)
    assert sentences(case, "accept") == [
        f"{total} check items have no result yet.", "The base reading of the water meter is missing.",
        "The base reading of the electricity meter is missing.", "The inspection sign-off is not signed for this round.",
    ]  # fmt: skip
    assert BASE_READINGS == (MeterKind.WATER, MeterKind.ELECTRICITY)
    inspection.judge(session, case.round.items[0], result=ItemResult.FAIL, actor=make.SYSTEM)
    assert "1 failed items have no defect entry yet." in sentences(case, "accept")
    inspection.judge(session, case.round.items[0], result=None, actor=make.SYSTEM)
    inspection.pass_rest(session, case.round, actor=make.SYSTEM)
    make.read_meters(session, case)
    make.sign(session, case, "F11")
    assert sentences(case, "accept") == []
    assert sentences(case, "accept_with_defects") == [
        "There is no defect to list; accept the unit without reservation."
    ]


@pytest.mark.clause("MI-11")
def test_defects_decide_how_the_unit_can_be_accepted(session):
    case = make.case_at(session, S.INSPECTION)
    inspection.open_round(session, case, actor=make.SYSTEM)
    defect = make.report_defect(session, case, severity=Severity.STRUCTURAL)
    assert defect.party and defect.due_on == case.round.inspected_on
    inspection.pass_rest(session, case.round, actor=make.SYSTEM)
    make.read_meters(session, case)
    make.sign(session, case, "F11")
    assert sentences(case, "accept") == ["1 defects are not re-inspected yet."]
    assert sentences(case, "accept_with_defects") == [
        "A defect of structural safety is open; the unit cannot be accepted."
    ]
    inspection.report_defect(
        session, defect.item, description="Scratch", severity=Severity.MINOR, party="builder", actor=make.SYSTEM
    )
    assert sentences(case, "accept_with_defects") == [
        "The inspection changed after the sign-off was signed; please have it signed again."
    ]
    make.sign(session, case, "F11")
    make.move(session, case, "accept_with_defects")
    assert case.conclusion == Conclusion.WITH_DEFECTS


@pytest.mark.clause("MI-11")
def test_a_refused_unit_is_inspected_again_until_accepted(session):
    case = make.case_at(session, S.REFUSED)
    assert case.conclusion == Conclusion.REFUSED
    for defect in case.defects:
        inspection.report_fixed(session, defect, actor=make.SYSTEM)
    make.move(session, case, "reinspect")
    assert (case.round.round_no, case.conclusion, len(case.round.items)) == (2, None, len(case.defects))
    inspection.pass_rest(session, case.round, actor=make.SYSTEM)
    assert {d.state for d in case.defects} == {DefectState.VERIFIED}
    assert sentences(case, "accept") == ["The inspection sign-off is not signed for this round."]
    make.sign(session, case, "F11")
    make.move(session, case, "accept")
    assert case.state == S.KEYS


@pytest.mark.clause("MI-11")
def test_keys_are_listed_and_signed_for_after_the_conclusion_only(session):
    case = make.case_at(session, S.INSPECTION)
    with pytest.raises(ValueError, match="not possible while"):
        services.list_usual_keys(session, case, actor=make.SYSTEM)
    with pytest.raises(ValueError, match="not possible while"):
        make.sign(session, case, "F13")
    make.inspect(session, case)
    make.sign(session, case, "F11")
    make.move(session, case, "accept")
    assert sentences(case, "hand_over_keys") == ["No keys are listed.", "The key collection receipt is not signed."]
    services.list_key(
        session,
        case,
        kind="gas_card",
        quantity=1,
        in_custody=True,
        custody_reason="Gas not connected",
        actor=make.SYSTEM,
    )
    make.list_keys(session, case)
    make.move(session, case, "hand_over_keys")
    assert case.completed_at and case.move_in_on
    assert all(bool(key.handed_at) != key.in_custody for key in case.keys)


def test_keys_do_not_wait_for_money(session):
    """Rules §12: the hand-over never depends on prepaid future fees."""
    case = make.case_at(session, S.COMPLETED)
    assert all(bill.outstanding == bill.receivable for bill in bills_of(session, case))


def test_going_back_from_the_keys_opens_the_round_again(session):
    case = make.case_at(session, S.KEYS)
    make.move(session, case, "back_to_inspection", reason="The owner found a leak")
    assert case.conclusion is None and case.round.conclusion is None and case.round.concluded_at is None


def test_a_completed_case_is_reopened_for_the_keys_only(session):
    case = make.case_at(session, S.COMPLETED)
    make.move(session, case, "reopen", reason="One lobby card too few")
    assert case.state == S.KEYS and case.completed_at is None and case.conclusion == Conclusion.ACCEPTED


# What the page makes of it


@pytest.mark.clause("MI-04")
def test_steps_tell_who_did_them_and_what_the_present_one_needs(session, actor_of):
    case = make.new_case(session)
    desk = actor_of("receptionist")
    with acting(desk):
        make.check_papers(session, case, desk)
        make.move(session, case, "pass_documents", desk)
    steps = steps_of(case, transitions_of(session, case), missing_at(case, desk))
    assert [s.state for s in steps] == list(STEPS)
    assert [s.status for s in steps] == ["done", "now", *["ahead"] * 5]
    assert steps[0].who == "Receptionist" and steps[0].at
    assert "The owner registration form is not signed." in steps[1].missing


def test_a_step_gone_back_to_is_not_done_any_more(session):
    case = make.case_at(session, S.SIGNING)
    make.move(session, case, "back_to_fees", reason="Another rate")
    statuses = [s.status for s in steps_of(case, transitions_of(session, case), [])]
    assert statuses == ["done", "done", "now", "ahead", "ahead", "ahead", "ahead"]


def test_a_withdrawn_case_shows_how_far_it_came(session):
    case = make.case_at(session, S.SIGNING)
    make.move(session, case, "withdraw", reason="Sold")
    statuses = [s.status for s in steps_of(case, transitions_of(session, case), [])]
    assert statuses == ["done", "done", "done", "ahead", "ahead", "ahead", "ahead"]


@pytest.mark.parametrize("state", [s for s in S if s not in (S.COMPLETED, S.WITHDRAWN)])
def test_there_is_one_next_step_for_the_manager(session, actor_of, state):
    case = make.case_at(session, state)
    following = next_offer(case, MOVE_IN.offers(case, actor_of("manager")))
    assert following is not None and following.transition.primary


def test_an_inspection_with_defects_goes_on_with_the_list(session):
    case = make.case_at(session, S.INSPECTION)
    inspection.open_round(session, case, actor=make.SYSTEM)
    make.report_defect(session, case)
    assert next_offer(case, MOVE_IN.offers(case, make.SYSTEM)).transition.name == "accept_with_defects"


def test_the_inspection_has_two_ways_forward_every_other_step_one():
    assert {step: len(ways) for step, ways in FORWARD.items()} == {
        step: 2 if step == S.INSPECTION else 1 for step in STEPS
    }
