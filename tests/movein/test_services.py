"""What the services of the move-in write, and what they refuse (MI-01, MI-02, MI-05, MI-07 … MI-09, MI-11)."""

from __future__ import annotations

import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import FileStorage

from app.core.access.actor import NotAllowed
from app.core.access.models import Account
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import DeliveryType
from app.modules.fees.queries import bills_of
from app.modules.fees.services import take_payment
from app.modules.fees.states import PaymentMethod
from app.modules.movein import registration, services
from app.modules.movein.models import CaseSignature, EntrustedService, MoveInCase
from app.modules.movein.queries import find_cases, records_of
from app.modules.movein.states import Capacity, CaseState, CheckResult, ServiceState, SigningMethod
from app.modules.people.models import Consent, ConsentScope, CoOwnership, Relation, Tenure, TenureRole, Vehicle
from app.modules.people.queries import members_of, owners_of
from tests.movein import factories as make

S = CaseState
SYSTEM = make.SYSTEM


def worker(session) -> int:
    return session.scalar(select(Account.id).where(Account.username == "technician"))


# Opening


def test_a_unit_has_one_open_move_in(session):
    case = make.new_case(
        session, handover_from=date(2026, 11, 1), handover_to=date(2026, 11, 30), handover_place=" Hall 1 "
    )
    assert case.number.startswith("MI-") and case.handover_place == "Hall 1"
    with pytest.raises(InvalidValue, match="open already"):
        services.open_case(session, unit=case.unit, owner=case.owner, actor=SYSTEM)
    make.move(session, case, "withdraw", reason="Sold")
    assert services.open_case(session, unit=case.unit, owner=case.owner, actor=SYSTEM).number != case.number


def test_a_handover_period_does_not_end_before_it_begins(session):
    with pytest.raises(InvalidValue, match="ends before it begins"):
        make.new_case(session, handover_from=date(2026, 11, 2), handover_to=date(2026, 11, 1))


@pytest.mark.clause("MI-01")
def test_the_lists_of_a_case_fit_its_unit(session):
    shell = make.new_case(session)
    fitted = make.new_case(session, unit=make.unit_of(session, delivery=DeliveryType.FITTED))
    extra = {h.code for h in fitted.handouts} - {h.code for h in shell.handouts}
    assert extra == {"as_built_drawings", "appliance_manuals"}
    assert [h.code for h in shell.handouts][:9] == [f"F0{n}" for n in range(1, 10)]


def test_opening_for_somebody_new_enters_person_and_tenure(session):
    unit = make.unit_of(session)
    values = {"owner": "new", "known": None, "new_name": "赵六", "new_mobile": "13700137000", "new_kind": "individual"}
    notice = dict.fromkeys(("handover_from", "handover_to"), None) | {"handover_place": ""}
    case = registration.open_for(session, unit, {**values, **notice}, actor=SYSTEM)
    assert case.owner.name == "赵六" and [t.person for t in owners_of(session, unit.id)] == [case.owner]
    other = make.unit_of(session)
    known = registration.open_for(session, other, {**values, **notice, "known": case.owner_id}, actor=SYSTEM)
    assert known.owner is case.owner
    with pytest.raises(FieldErrors) as refusal:
        registration.open_for(
            session, make.unit_of(session), {**values, **notice, "new_mobile": "1380013800"}, actor=SYSTEM
        )
    assert set(refusal.value.errors) == {"new_mobile"}


def test_only_the_counter_opens_a_case(session, actor_of):
    unit = make.unit_of(session)
    owner = make.owner_of(session, unit)
    for role in ("cashier", "inspector", "technician", "superior"):
        with pytest.raises(NotAllowed):
            services.open_case(session, unit=unit, owner=owner, actor=actor_of(role))


# Papers to show


@pytest.mark.clause("MI-05")
def test_a_check_keeps_who_and_when_and_no_copy(session, actor_of):
    case = make.new_case(session)
    check = next(c for c in case.checks if c.code == "identity")
    services.check_paper(session, check, result=CheckResult.PRESENT, note=" seen ", actor=actor_of("receptionist"))
    assert (check.checked_by_name, check.note) == ("Receptionist", "seen") and check.checked_at
    services.check_paper(session, check, result=CheckResult.PENDING, actor=SYSTEM)
    assert check.checked_at is None and check.checked_by_name == ""
    with pytest.raises(InvalidValue, match="mandatory"):
        services.check_paper(session, check, result=CheckResult.NOT_NEEDED, actor=SYSTEM)


def test_what_belongs_to_a_step_is_written_in_that_step_only(session):
    case = make.case_at(session, S.FEES)
    refused = [
        lambda: services.check_paper(session, case.checks[0], result=CheckResult.MISSING, actor=SYSTEM),
        lambda: services.set_receiver(session, case, capacity=Capacity.OWNER, actor=SYSTEM),
        lambda: registration.register_owner(session, case, {"name": "X"}, actor=SYSTEM),
        lambda: registration.record_consents(session, case, {ConsentScope.SERVICE: True}, actor=SYSTEM),
        lambda: services.sign(session, case, paper="F02", signer="张三", drawing=make.DRAWN, actor=SYSTEM),
        lambda: services.revoke_signature(session, case.signature("F10"), reason="x", actor=SYSTEM),
        lambda: services.hand_out(session, case, codes=["F01"], actor=SYSTEM),
        lambda: services.list_usual_keys(session, case, actor=SYSTEM),
    ]
    for attempt in refused:
        with pytest.raises(InvalidValue, match="not possible while the case is at"):
            attempt()


# Registration


def test_an_agent_has_a_name(session):
    case = make.new_case(session)
    with pytest.raises(InvalidValue, match="agent's name"):
        services.set_receiver(session, case, capacity=Capacity.AGENT, actor=SYSTEM)
    services.set_receiver(
        session, case, capacity=Capacity.AGENT, agent_name="王五", agent_phone="138 0013 8001", actor=SYSTEM
    )
    assert case.receiver == "王五" and case.agent_phone == "13800138001"
    services.set_receiver(session, case, capacity=Capacity.AGENT, agent_name="王五", actor=SYSTEM)
    assert case.agent_phone == "13800138001"
    services.set_receiver(session, case, capacity=Capacity.AGENT, agent_name="赵六", actor=SYSTEM)
    assert case.agent_phone is None


def test_registering_from_an_old_page_is_refused(session):
    case = make.case_at(session, S.REGISTRATION)
    drawn_from = str(case.owner.version)
    registration.register_owner(session, case, {"address": "1 Garden Road", "record_version": drawn_from}, actor=SYSTEM)
    with pytest.raises(StaleDataError):
        registration.register_owner(
            session, case, {"address": "2 Garden Road", "record_version": drawn_from}, actor=SYSTEM
        )
    assert case.owner.address == "1 Garden Road"


def test_co_owners_share_the_unit(session):
    case = make.case_at(session, S.REGISTRATION)
    own = owners_of(session, case.unit_id)[0]
    facts = dict.fromkeys(("co_ownership", "title_proof", "unit_use", "moved_in_on"), None) | {
        "title_proof_no": "京(2026)第1号"
    }
    registration.register_holding(session, case, own.id, {**facts, "share": "1/2"}, actor=SYSTEM)
    assert (own.share_numerator, own.share_denominator, own.co_ownership) == (1, 2, CoOwnership.BY_SHARES)
    person = {"known": None, "name": "李四", "kind": "individual"}
    with pytest.raises(FieldErrors) as refusal, session.begin_nested():
        registration.add_co_owner(session, case, {**person, "share": "60%", "co_ownership": None}, actor=SYSTEM)
    assert "share" in refusal.value.errors
    added = registration.add_co_owner(session, case, {**person, "share": "50%", "co_ownership": None}, actor=SYSTEM)
    assert added.role is TenureRole.OWNER and len(owners_of(session, case.unit_id)) == 2
    with pytest.raises(InvalidValue, match="no owner"):
        registration.register_holding(session, case, 0, {**facts, "share": ""}, actor=SYSTEM)
    with pytest.raises(FieldErrors):
        registration.register_holding(session, case, own.id, {**facts, "share": "three"}, actor=SYSTEM)


def test_children_need_their_guardian(session):
    case = make.case_at(session, S.REGISTRATION)
    child = {
        "known": None,
        "name": "张小宝",
        "birth_date": estate_today(session, 1) - timedelta(days=365 * 5),
        "relation": Relation.CHILD,
    }
    with pytest.raises(FieldErrors) as refusal:
        registration.add_member(session, case, {**child, "guardian_consents": False}, actor=SYSTEM)
    assert set(refusal.value.errors) == {"guardian_consents"}
    member = registration.add_member(session, case, {**child, "guardian_consents": True}, actor=SYSTEM)
    consent = session.scalars(select(Consent).where(Consent.person_id == member.person_id)).one()
    assert consent.guardian_id == case.owner_id and consent.scope is ConsentScope.CHILDREN


def test_members_and_vehicles_belong_to_the_unit(session):
    case = make.case_at(session, S.REGISTRATION)
    wife = {"known": None, "name": "李梅", "relation": Relation.SPOUSE, "guardian_consents": False}
    registration.add_member(session, case, wife, actor=SYSTEM)
    assert [t.person.name for t in members_of(session, case.unit_id)] == ["李梅"]
    registration.add_vehicle(
        session, case, {"plate": "京A·12345", "make": "", "colour": "", "bay_id": None}, actor=SYSTEM
    )
    car = session.scalars(select(Vehicle).where(Vehicle.unit_id == case.unit_id)).one()
    assert (car.plate, car.person_id) == ("京A12345", case.owner_id)


def test_consents_are_given_and_withdrawn_one_by_one(session):
    case = make.case_at(session, S.REGISTRATION)
    with pytest.raises(FieldErrors):
        registration.record_consents(session, case, {"service": False, "community": True}, actor=SYSTEM)
    registration.record_consents(
        session, case, {"service": True, "community": True, "bank_account": True}, actor=SYSTEM
    )
    standing = registration.consents_of(session, case.owner_id)
    assert (
        standing[ConsentScope.BANK_ACCOUNT].separate_for_sensitive
        and not standing[ConsentScope.SERVICE].separate_for_sensitive
    )
    registration.record_consents(
        session, case, {"service": True, "community": False, "bank_account": True}, actor=SYSTEM
    )
    assert set(registration.consents_of(session, case.owner_id)) == {ConsentScope.SERVICE, ConsentScope.BANK_ACCOUNT}
    assert session.scalar(select(func.count()).select_from(Consent).where(Consent.person_id == case.owner_id)) == 3


# Signatures


@pytest.mark.clause("MI-07")
def test_a_signature_keeps_the_version_of_the_text(session):
    case = make.case_at(session, S.SIGNING)
    make.sign(session, case, "F02")
    first = case.signature("F02")
    assert (first.method, first.text_version, first.signer) == (SigningMethod.ON_SCREEN, 1, case.owner.name)
    content = services.text_in_force(session, "F02").content
    services.save_text(session, code="F02", content=content, publish=True, actor=SYSTEM)
    make.sign(session, case, "F02")
    second = case.signature("F02")
    assert second is not first and second.text_version == 2 and first.revoked_reason == "Replaced by a new signature."


@pytest.mark.clause("MI-07")
def test_a_scan_counts_as_a_signature(session):
    case = make.case_at(session, S.SIGNING)
    scan = FileStorage(
        io.BytesIO(b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"), filename="签字件.pdf"
    )
    services.sign(session, case, paper="F03", signer="张三", scan=scan, actor=SYSTEM)
    signature = case.signature("F03")
    assert signature.method == SigningMethod.SCAN and signature.attachment.name == "签字件.pdf"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"paper": "F04"}, "not signed"),
        ({"signer": " "}, "Enter who signs"),
        ({"drawing": ""}, "sign again"),
        ({"drawing": "data:image/png;base64,x"}, "sign again"),
    ],
)
def test_what_is_no_signature(session, change, sentence):
    case = make.case_at(session, S.SIGNING)
    with pytest.raises(InvalidValue, match=sentence):
        services.sign(
            session, case, **{"paper": "F02", "signer": "张三", "drawing": make.DRAWN, **change}, actor=SYSTEM
        )
    assert case.signature("F02") is None


def test_a_signature_is_revoked_with_a_reason_and_stays_on_file(session):
    case = make.case_at(session, S.SIGNING)
    make.sign(session, case, "F02")
    with pytest.raises(InvalidValue, match="Say why"):
        services.revoke_signature(session, case.signature("F02"), reason=" ", actor=SYSTEM)
    services.revoke_signature(session, case.signature("F02"), reason="Wrong person", actor=SYSTEM)
    assert case.signature("F02") is None
    assert (
        session.scalar(
            select(func.count())
            .select_from(CaseSignature)
            .where(CaseSignature.case_id == case.id, CaseSignature.paper == "F02")
        )
        == 1
    )


def test_the_inspector_takes_the_sign_off_and_nothing_else(session, actor_of):
    case = make.case_at(session, S.SIGNING)
    inspector = actor_of("inspector")
    with pytest.raises(NotAllowed):
        services.sign(session, case, paper="F02", signer="张三", drawing=make.DRAWN, actor=inspector)
    case = make.case_at(session, S.INSPECTION)
    services.sign(session, case, paper="F11", signer="张三", drawing=make.DRAWN, actor=inspector)
    assert case.signature("F11")


# Handing out


@pytest.mark.clause("MI-08")
def test_documents_once_signed_for_stay_handed_out(session):
    case = make.case_at(session, S.HANDOUT)
    services.hand_out(session, case, codes=["F04", "F05"], actor=SYSTEM)
    services.hand_out(session, case, codes=["F04"], actor=SYSTEM)
    assert [h.code for h in case.handouts if h.issued_at] == ["F04"]
    make.hand_out(session, case)
    services.hand_out(session, case, codes=[], actor=SYSTEM)
    assert all(h.issued_at for h in case.handouts)


def test_copies_and_returns_are_checked(session):
    case = make.case_at(session, S.HANDOUT)
    row = case.handouts[1]
    for change, sentence in (
        ({"copies": 0}, "At least one"),
        ({"returned_on": date(2026, 11, 1)}, "not been handed out"),
    ):
        with pytest.raises(InvalidValue, match=sentence):
            services.update_handout(
                session, row, **{"copies": 1, "pages": None, "returned_on": None, "note": "", **change}, actor=SYSTEM
            )
    services.hand_out(session, case, codes=[row.code], actor=SYSTEM)
    services.update_handout(session, row, copies=3, pages=12, returned_on=None, note=" ", actor=SYSTEM)
    assert (row.copies, row.pages, row.note) == (3, 12, "")


# Entrusted services


@pytest.mark.clause("MI-09")
def test_an_entrusted_service_is_work_for_somebody(session):
    case = make.case_at(session, S.REGISTRATION)
    service = services.entrust(
        session,
        case,
        code="housekeeping",
        assignee_id=worker(session),
        fee=Decimal("80"),
        details="Friday",
        actor=SYSTEM,
    )
    assert (
        service.assignee_name == "Technician" and service.state == ServiceState.OPEN and service.unit_id == case.unit_id
    )
    services.finish_service(session, service, result="Cleaned", fee=Decimal("80"), satisfaction=5, actor=SYSTEM)
    assert service.done_at and service.state == ServiceState.DONE
    with pytest.raises(InvalidValue, match="closed already"):
        services.cancel_service(session, service, reason="x", actor=SYSTEM)


@pytest.mark.clause("MI-09")
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"code": "utilities_payment", "fee": Decimal(1)}, "art. 44"), ({"code": "parcels", "fee": Decimal(1)}, "free of charge"),
        ({"code": "nothing"}, "Choose a service"), ({"assignee_id": 0}, "who does the work"),
    ],
)  # fmt: skip
def test_services_that_are_refused(session, change, sentence):
    """Utilities collected on behalf carry no handling fee (Regulations on Property Management art. 44)."""
    case = make.new_case(session)
    values = {"code": "housekeeping", "assignee_id": worker(session), **change}
    with pytest.raises(InvalidValue, match=sentence):
        services.entrust(session, case, **values, actor=SYSTEM)
    assert (
        session.scalar(select(func.count()).select_from(EntrustedService).where(EntrustedService.case_id == case.id))
        == 0
    )


def test_nothing_is_entrusted_to_a_closed_case(session):
    case = make.case_at(session, S.WITHDRAWN)
    with pytest.raises(InvalidValue, match="closed"):
        services.entrust(session, case, code="housekeeping", assignee_id=worker(session), actor=SYSTEM)


# Keys


@pytest.mark.clause("MI-11")
def test_the_key_list_is_fixed_by_its_signature(session):
    case = make.case_at(session, S.KEYS)
    added = services.list_usual_keys(session, case, actor=SYSTEM)
    assert added == len(case.keys) > 0 and services.list_usual_keys(session, case, actor=SYSTEM) == 0
    remote = next(k for k in case.keys if k.kind == "garage_remote")
    assert remote.deposit == Decimal("50.00")
    services.remove_key(session, remote, actor=SYSTEM)
    make.sign(session, case, "F13")
    with pytest.raises(InvalidValue, match="signed"):
        services.remove_key(session, case.keys[0], actor=SYSTEM)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"kind": "none"}, "kind of key"), ({"quantity": 0}, "at least 1"), ({"in_custody": True}, "custody")],
)
def test_keys_that_are_refused(session, change, sentence):
    case = make.case_at(session, S.KEYS)
    with pytest.raises(InvalidValue, match=sentence):
        services.list_key(session, case, **{"kind": "lobby_card", "quantity": 1, **change}, actor=SYSTEM)


# The six records, search


@pytest.mark.clause("MI-02")
def test_the_six_records_are_kept_and_tell_their_state(session):
    case = make.new_case(session)
    assert [(r.code, r.complete) for r in records_of(session, case)] == [
        ("F10", False), ("F11", False), ("F12", False), ("F13", False), ("F14", True), ("F15", False)
    ]  # fmt: skip
    services.entrust(session, case, code="housekeeping", assignee_id=worker(session), actor=SYSTEM)
    assert {r.code: r.said for r in records_of(session, case)}["F14"] == "1 entrusted, 1 to be done"
    done = make.case_at(session, S.COMPLETED)
    said = {r.code: r.said for r in records_of(session, done)}
    assert said["F10"] == said["F13"] == "Signed by 张三" and said["F15"] == "Billed, not fully paid"
    bill = bills_of(session, done)[0]
    take_payment(
        session, bill, parts={line.id: line.receivable for line in bill.lines}, method=PaymentMethod.CASH, actor=SYSTEM
    )
    assert all(r.complete for r in records_of(session, done))


def test_cases_are_found_by_number(app, session):
    case = make.new_case(session)
    with app.test_request_context():
        assert [hit.title for hit in find_cases(session, case.number.lower(), 5)] == [case.number]
        assert find_cases(session, "mi", 5) == []
        assert find_cases(session, "MI-1999", 5) == []


def test_nothing_is_shared_between_cases(session):
    one, two = make.new_case(session), make.new_case(session)
    assert {c.case_id for c in one.checks} == {one.id} and {h.case_id for h in two.handouts} == {two.id}
    assert session.scalar(select(func.count()).select_from(MoveInCase)) == 2
    assert session.scalar(select(func.count()).select_from(Tenure)) == 2
