"""The case page as the people at the counter use it: every step by its forms (MI-02, MI-04 … MI-11)."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import select

from app.core.access.models import Account
from app.core.papers.models import Paper
from app.modules.movein import services
from app.modules.movein.gates import OWNER_SIGNS
from app.modules.movein.models import EntrustedService, KeyHandover, MoveInCase
from app.modules.movein.states import Capacity, CaseState, CheckResult, Conclusion, SigningMethod
from app.modules.people.models import Person
from app.modules.people.queries import members_of, owners_of
from tests.movein import factories as make

S = CaseState


def page(client: Any, case: MoveInCase, step: str = "") -> str:
    answer = client.get(f"/move-ins/{case.id}" + (f"?step={step}" if step else ""))
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def post(client: Any, case: MoveInCase, command: str, /, **fields: Any) -> Any:
    return client.post(f"/move-ins/{case.id}/{command}", data={k.replace("__", "-"): v for k, v in fields.items()})


def said(answer: Any) -> str:
    return answer.get_data(as_text=True)


@pytest.mark.clause("MI-02")
@pytest.mark.clause("MI-04")
@pytest.mark.clause("MI-05")
@pytest.mark.clause("MI-07")
@pytest.mark.clause("MI-08")
@pytest.mark.clause("MI-09")
@pytest.mark.clause("MI-11")
def test_an_owner_is_taken_from_the_counter_to_the_keys(session, client_of):
    unit = make.unit_of(session)
    make.owner_of(session, unit, "王小明")
    desk = client_of("receptionist")
    opened = desk.post(
        "/move-ins/new",
        data={"unit": unit.id, "open-owner": _owner_option(desk, unit), "open-handover_place": "Hall 1"},
    )
    assert opened.status_code == 302, said(opened)
    case = session.scalar(select(MoveInCase).where(MoveInCase.unit_id == unit.id))
    assert case.state == S.DOCUMENTS and case.handover_place == "Hall 1"

    results = {f"checks-result_{c.id}": "present" for c in case.checks if c.mandatory}
    assert desk.post(f"/move-ins/{case.id}/checks", data=results).status_code == 302
    assert post(desk, case, "transition/pass_documents").status_code == 302

    assert post(desk, case, "owner", **_owner_fields()).status_code == 302
    assert post(desk, case, "consent", consent__service="y").status_code == 302
    assert _sign(desk, case, "F10").status_code == 302
    assert post(desk, case, "transition/confirm_registration").status_code == 302

    make.bill(session, case)
    assert post(desk, case, "transition/close_fees").status_code == 302
    for code in OWNER_SIGNS:
        assert _sign(desk, case, code).status_code == 302
    assert post(desk, case, "transition/close_signing").status_code == 302

    ticks: dict[str, Any] = {}
    for row in case.handouts:
        ticks |= {
            f"handouts-issued_{row.id}": "y",
            f"handouts-copies_{row.id}": row.copies,
            f"handouts-pages_{row.id}": 4,
        }
    assert desk.post(f"/move-ins/{case.id}/handouts", data=ticks).status_code == 302
    assert _sign(desk, case, "F12").status_code == 302
    assert post(desk, case, "transition/close_handout").status_code == 302

    make.inspect(session, case)
    inspector = client_of("inspector")
    assert _sign(inspector, case, "F11").status_code == 302
    assert post(inspector, case, "transition/accept").status_code == 302

    assert post(desk, case, "keys/usual").status_code == 302
    assert _sign(desk, case, "F13").status_code == 302
    assert post(desk, case, "transition/hand_over_keys").status_code == 302
    session.expire_all()
    assert case.state == S.COMPLETED and case.conclusion == Conclusion.ACCEPTED and case.move_in_on
    html = page(desk, case)
    for code in ("F10", "F11", "F12", "F13", "F14", "F15"):
        assert f">{code}<" in html
    assert "Receptionist" in html and "Inspector" in html


# Opening


def test_the_way_to_a_new_case_begins_with_the_unit(session, client_of):
    desk = client_of("receptionist")
    assert 'data-lookup="/lookup/unit"' in said(desk.get("/move-ins/new"))
    unit = make.unit_of(session)
    html = said(desk.get(f"/move-ins/new?unit={unit.id}"))
    assert unit.code in html and "13800138000" not in html
    for wrong in ("999999", "x", "1 OR 1"):
        assert desk.get("/move-ins/new", query_string={"unit": wrong}).status_code == 404
    assert client_of("cashier").get("/move-ins/new").status_code == 404


def test_a_refused_opening_keeps_what_was_typed(session, client_of):
    unit = make.unit_of(session)
    desk = client_of("receptionist")
    fields = {
        "unit": unit.id,
        "open-owner": "new",
        "open-new_name": "赵六",
        "open-new_mobile": "1380013800",
        "open-handover_place": "Hall 1",
    }
    refused = desk.post("/move-ins/new", data=fields)
    assert refused.status_code == 422
    html = said(refused)
    assert 'value="赵六"' in html and 'value="Hall 1"' in html and 'id="open-new_mobile-error"' in html
    assert session.scalar(select(MoveInCase).where(MoveInCase.unit_id == unit.id)) is None
    assert session.scalar(select(Person).where(Person.name == "赵六")) is None
    taken = desk.post("/move-ins/new", data={**fields, "open-new_mobile": "13800138000"})
    assert taken.status_code == 302
    assert owners_of(session, unit.id)[0].person.name == "赵六"


def test_a_unit_with_an_open_case_leads_to_it(session, client_of):
    case = make.new_case(session)
    answer = client_of("receptionist").get(f"/move-ins/new?unit={case.unit_id}")
    assert answer.status_code == 302 and answer.location.endswith(f"/move-ins/{case.id}")


# Steps


@pytest.mark.clause("MI-04")
@pytest.mark.parametrize("state", list(S))
def test_every_state_shows_every_step(session, client_of, state):
    case = make.case_at(session, state, defects=state == S.KEYS)
    manager = client_of("manager")
    for step in ("", *(s.value for s in S if s not in (S.REFUSED, S.COMPLETED, S.WITHDRAWN)), "services", "nonsense"):
        page(manager, case, step)
    html = page(client_of("superior"), case)
    assert '<form method="post" action="/move-ins' not in html


def test_the_next_step_is_the_one_primary_button(session, client_of):
    case = make.new_case(session)
    desk = client_of("receptionist")
    main = page(desk, case).split('id="content"')[1]
    assert re.search(r'<button class="btn btn-primary" type="button" disabled>Papers are in order', main)
    assert main.count("btn-primary") - main.count('btn-primary" type="button" disabled') == 0
    make.check_papers(session, case)
    main = page(desk, case).split('id="content"')[1]
    assert len(re.findall(r'class="btn btn-primary"', main)) == 1
    assert f'action="/move-ins/{case.id}/transition/pass_documents"' in main


def test_somebody_without_the_right_learns_who_is_next(session, client_of):
    case = make.new_case(session)
    make.check_papers(session, case)
    html = page(client_of("cashier"), case)
    assert "a colleague with the right for this step takes it" in html and "transition/pass_documents" not in html
    assert post(client_of("cashier"), case, "transition/pass_documents").status_code == 404


def test_a_blocked_transition_is_answered_with_its_sentences(session, client_of):
    case = make.new_case(session)
    answer = post(client_of("receptionist"), case, "transition/pass_documents")
    assert answer.status_code == 422 and "has not been checked yet" in said(answer)


def test_a_refused_decision_keeps_its_reason(session, client_of):
    case = make.case_at(session, S.INSPECTION)
    answer = post(client_of("inspector"), case, "transition/refuse", reason="Water comes through the ceiling")
    assert answer.status_code == 422 and "Water comes through the ceiling" in said(answer)
    assert "No inspection round is open." in said(answer)


def test_a_way_back_without_reason_keeps_the_case(session, client_of):
    case = make.case_at(session, S.REGISTRATION)
    supervisor = client_of("cs_supervisor")
    assert post(supervisor, case, "transition/back_to_documents", reason="").status_code == 422
    session.expire_all()
    assert case.state == S.REGISTRATION
    assert post(supervisor, case, "transition/back_to_documents", reason="Wrong papers").status_code == 302
    assert "Wrong papers" in page(supervisor, case)


@pytest.mark.clause("MI-05")
def test_the_check_is_saved_paper_by_paper(session, client_of):
    case = make.new_case(session)
    first, second, *_rest = case.checks
    desk = client_of("receptionist")
    fields = {
        f"checks-result_{first.id}": "missing",
        f"checks-note_{first.id}": "comes tomorrow",
        f"checks-result_{second.id}": "present",
    }
    assert desk.post(f"/move-ins/{case.id}/checks", data=fields).status_code == 302
    session.expire_all()
    assert (first.result, first.note, first.checked_by_name) == (CheckResult.MISSING, "comes tomorrow", "Receptionist")
    assert desk.post(f"/move-ins/{case.id}/checks", data={**fields, "all": "1"}).status_code == 302
    session.expire_all()
    assert first.result == CheckResult.MISSING and all(
        c.result == CheckResult.PRESENT for c in case.checks if c.mandatory and c is not first
    )
    wrong = desk.post(
        f"/move-ins/{case.id}/checks",
        data={f"checks-result_{first.id}": "not_needed", f"checks-note_{first.id}": "x" * 201},
    )
    assert wrong.status_code == 422 and "x" * 201 in said(wrong)
    assert client_of("inspector").post(f"/move-ins/{case.id}/checks", data=fields).status_code == 404


def test_who_comes_and_what_the_notice_says(session, client_of):
    case = make.new_case(session)
    desk = client_of("receptionist")
    refused = post(
        desk, case, "receiver", receiver__capacity="agent", receiver__agent_name="", receiver__authorisation_no="A-7"
    )
    assert (
        refused.status_code == 422 and "Enter the agent&#39;s name." in said(refused) and 'value="A-7"' in said(refused)
    )
    assert post(desk, case, "receiver", receiver__capacity="agent", receiver__agent_name="王五").status_code == 302
    refused = post(desk, case, "notice", notice__handover_from="2026-11-30", notice__handover_to="2026-11-01")
    assert refused.status_code == 422 and "ends before it begins" in said(refused) and "2026-11-30" in said(refused)
    assert (
        post(desk, case, "notice", notice__handover_from="2026-11-01", notice__handover_place="Hall 1").status_code
        == 302
    )
    session.expire_all()
    assert case.agent_name == "王五" and case.handover_place == "Hall 1"


def test_the_agent_s_authority_can_be_completed_at_registration(session, client_of):
    case = make.new_case(session)
    services.set_receiver(session, case, capacity=Capacity.AGENT, agent_name="王五", actor=make.SYSTEM)
    make.check_papers(session, case)
    make.move(session, case, "pass_documents")
    desk = client_of("receptionist")
    assert "The agent&#39;s authorisation is not registered." in page(desk, case)
    fields = {"receiver__capacity": "agent", "receiver__agent_name": "王五", "receiver__authorisation_no": "A-7"}
    refused = post(desk, case, "receiver", **{**fields, "receiver__agent_name": ""})
    assert refused.status_code == 422 and 'value="A-7"' in said(refused)
    assert post(desk, case, "receiver", **fields).status_code == 302
    assert "authorisation is not registered" not in page(desk, case)


def test_personal_data_is_masked_and_kept_when_nothing_is_typed(session, client_of):
    case = make.case_at(session, S.REGISTRATION)
    desk = client_of("receptionist")
    html = page(desk, case)
    assert "13800138000" not in html and "138****8000" in html
    assert post(desk, case, "owner", **_owner_fields()).status_code == 302
    session.expire_all()
    assert case.owner.mobile == "13800138000" and case.owner.id_no == make.VALID_IDS[2]
    html = page(desk, case)
    assert make.VALID_IDS[2] not in html and "110101********" in html


def test_a_wrong_number_stays_in_its_field(session, client_of):
    case = make.case_at(session, S.REGISTRATION)
    refused = post(
        client_of("receptionist"), case, "owner", **_owner_fields(id_no="110101199003070135", address="1 Garden Road")
    )
    html = said(refused)
    assert refused.status_code == 422 and 'id="owner-id_no-error"' in html
    assert "110101199003070135" in html and 'value="1 Garden Road"' in html
    session.expire_all()
    assert case.owner.address == ""


def test_a_stale_form_shows_what_is_stored_and_keeps_the_input(session, client_of):
    case = make.case_at(session, S.REGISTRATION)
    desk = client_of("receptionist")
    drawn_from = re.search(r'name="owner-record_version"[^>]*value="(\d+)"', page(desk, case))[1]
    assert (
        post(desk, case, "owner", **_owner_fields(address="1 Garden Road", record_version=drawn_from)).status_code
        == 302
    )
    stale = post(desk, case, "owner", **_owner_fields(address="2 Garden Road", record_version=drawn_from))
    html = said(stale)
    assert stale.status_code == 409 and 'value="2 Garden Road"' in html and "Stored now: 1 Garden Road" in html
    fresh = re.search(r'name="owner-record_version"[^>]*value="(\d+)"', html)[1]
    assert post(desk, case, "owner", **_owner_fields(address="2 Garden Road", record_version=fresh)).status_code == 302
    session.expire_all()
    assert case.owner.address == "2 Garden Road"


def test_a_form_drawn_before_the_case_moved_on_is_refused(session, client_of):
    case = make.case_at(session, S.REGISTRATION)
    stale = post(client_of("receptionist"), case, "consent", consent__service="y", version=str(case.version - 1))
    assert stale.status_code == 409 and "Somebody else just changed this move-in" in said(stale)


def test_household_is_entered_on_the_spot(session, client_of):
    case = make.case_at(session, S.REGISTRATION)
    desk = client_of("receptionist")
    own = owners_of(session, case.unit_id)[0]
    held = {
        f"holding_{own.id}__share": "1/2",
        f"holding_{own.id}__title_proof": "purchase_contract",
        f"holding_{own.id}__title_proof_no": "No. 7",
    }
    assert post(desk, case, f"holding/{own.id}", **held).status_code == 302
    refused = post(desk, case, "co-owner", co_owner__name="李四", co_owner__kind="individual", co_owner__share="80%")
    assert refused.status_code == 422 and 'value="80%"' in said(refused) and "more than the whole" in said(refused)
    assert (
        post(
            desk, case, "co-owner", co_owner__name="李四", co_owner__kind="individual", co_owner__share="50%"
        ).status_code
        == 302
    )
    assert post(desk, case, "member", member__name="李梅", member__relation="spouse").status_code == 302
    refused = post(desk, case, "member", member__name="", member__relation="child")
    assert refused.status_code == 422 and 'id="member-name-error"' in said(refused)
    assert post(desk, case, "holding/999999", **held).status_code == 404
    assert post(desk, case, "vehicle", vehicle__plate="京A12345", vehicle__make="BYD").status_code == 302
    refused = post(desk, case, "vehicle", vehicle__plate="京A·12345", vehicle__make="BYD")
    assert refused.status_code == 422 and "This car is registered already." in said(refused)
    refused = post(desk, case, "vehicle", vehicle__plate="A1", vehicle__make="BYD")
    assert refused.status_code == 422 and 'id="vehicle-plate-error"' in said(refused)
    assert len(owners_of(session, case.unit_id)) == 2 and [
        t.person.name for t in members_of(session, case.unit_id)
    ] == ["李梅"]
    html = page(desk, case)
    assert "京A12345" in html and "No. 7" in html


def test_the_same_submit_twice_makes_one_record(session, client_of):
    case = make.case_at(session, S.KEYS)
    desk = client_of("receptionist")
    fields = {"key__kind": "lobby_card", "key__quantity": "3", "submit_token": "a-token-of-this-form"}
    answers = [post(desk, case, "keys", **fields) for _ in range(2)]
    assert [a.status_code for a in answers] == [302, 302] and answers[0].location == answers[1].location
    assert len(session.scalars(select(KeyHandover).where(KeyHandover.case_id == case.id)).all()) == 1


@pytest.mark.clause("MI-07")
def test_signatures_on_screen_and_by_scan(session, client_of):
    case = make.case_at(session, S.SIGNING)
    desk = client_of("receptionist")
    empty = _sign(desk, case, "F02", drawing="", signer="王小明")
    assert empty.status_code == 422 and 'value="王小明"' in said(empty) and "sign again" in said(empty)
    assert _sign(desk, case, "F02").status_code == 302
    scan = (io.BytesIO(make_pdf()), "签字件.pdf")
    assert _sign(desk, case, "F03", drawing="", scan=scan).status_code == 302
    session.expire_all()
    assert (
        case.signature("F02").method == SigningMethod.ON_SCREEN and case.signature("F03").method == SigningMethod.SCAN
    )
    first = case.signature("F02")
    address = f"signatures/{first.id}/revoke"
    assert post(desk, case, address, revoke_F02__reason="").status_code == 422
    assert post(desk, case, address, revoke_F02__reason="Wrong person").status_code == 302
    html = page(desk, case)
    assert "Wrong person" in html
    assert post(desk, make.new_case(session), address, revoke_F02__reason="x").status_code == 404
    assert _sign(desk, case, "F99").status_code == 404
    assert _sign(client_of("inspector"), case, "F06").status_code == 404


def make_pdf() -> bytes:
    return b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"


@pytest.mark.clause("MI-08")
def test_the_list_of_documents_is_ticked_off(session, client_of):
    case = make.case_at(session, S.HANDOUT)
    desk = client_of("receptionist")
    first = case.handouts[0]
    fields = {f"handouts-copies_{h.id}": h.copies for h in case.handouts}
    assert (
        desk.post(
            f"/move-ins/{case.id}/handouts",
            data={**fields, f"handouts-issued_{first.id}": "y", f"handouts-pages_{first.id}": 4},
        ).status_code
        == 302
    )
    session.expire_all()
    assert [h.code for h in case.handouts if h.issued_at] == [first.code] and first.pages == 4
    refused = desk.post(
        f"/move-ins/{case.id}/handouts",
        data={**fields, f"handouts-copies_{first.id}": "0", f"handouts-issued_{first.id}": "y"},
    )
    assert refused.status_code == 422 and "At least one copy" in said(refused)
    refused = desk.post(f"/move-ins/{case.id}/handouts", data={**fields, f"handouts-copies_{first.id}": "many"})
    assert refused.status_code == 422 and 'value="many"' in said(refused)
    assert desk.post(f"/move-ins/{case.id}/handouts", data={**fields, "all": "1"}).status_code == 302
    session.expire_all()
    assert all(h.issued_at for h in case.handouts if h.required)


@pytest.mark.clause("MI-09")
def test_a_service_is_entrusted_at_any_open_step(session, client_of):
    case = make.case_at(session, S.INSPECTION)
    worker = session.scalar(select(Account.id).where(Account.username == "technician"))
    desk = client_of("receptionist")
    fields = {
        "service__code": "utilities_payment",
        "service__assignee_id": worker,
        "service__fee": "5",
        "service__details": "Water and power",
    }
    refused = post(desk, case, "services", **fields)
    assert refused.status_code == 422 and "art. 44" in said(refused) and "Water and power" in said(refused)
    assert post(desk, case, "services", **{**fields, "service__fee": ""}).status_code == 302
    kept = session.scalars(select(EntrustedService).where(EntrustedService.case_id == case.id)).one()
    assert kept.assignee_name == "Technician" and kept.fee == 0
    assert _sign(desk, case, "F14").status_code == 302
    assert "Technician" in page(desk, case, "services")


@pytest.mark.clause("MI-11")
def test_keys_are_listed_kept_in_custody_and_removed(session, client_of):
    case = make.case_at(session, S.KEYS)
    desk = client_of("receptionist")
    refused = post(desk, case, "keys", key__kind="gas_card", key__quantity="1", key__in_custody="y")
    assert refused.status_code == 422 and "Say why the keys stay in custody." in said(refused)
    kept = {"key__custody_reason": "Gas is not connected", "key__custody_until": "2026-12-31"}
    assert (
        post(desk, case, "keys", key__kind="gas_card", key__quantity="1", key__in_custody="y", **kept).status_code
        == 302
    )
    assert "Gas is not connected" in page(desk, case)
    line = session.scalars(select(KeyHandover).where(KeyHandover.case_id == case.id)).one()
    assert post(desk, make.case_at(session, S.KEYS), f"keys/{line.id}/remove").status_code == 404
    assert post(desk, case, f"keys/{line.id}/remove").status_code == 302
    assert session.scalars(select(KeyHandover).where(KeyHandover.case_id == case.id)).all() == []


def test_a_step_that_is_over_cannot_be_written(session, client_of):
    case = make.case_at(session, S.SIGNING)
    desk = client_of("receptionist")
    html = page(desk, case, "registration")
    assert "Read only at this stage" in html and f'action="/move-ins/{case.id}/owner"' not in html
    refused = post(desk, case, "owner", **_owner_fields(address="2 Garden Road"))
    assert refused.status_code == 422 and "not possible while the case is at" in said(refused)
    session.expire_all()
    assert case.owner.address == ""


def test_the_end_of_a_case_is_told(session, client_of):
    manager = client_of("manager")
    assert "the keys were handed to 张三" in page(manager, make.case_at(session, S.COMPLETED))
    assert "The owner sold the unit." in page(manager, make.case_at(session, S.WITHDRAWN))


# Papers


@pytest.mark.clause("MI-01")
def test_papers_are_previewed_issued_and_reprinted_at_their_step(session, client_of):
    case = make.case_at(session, S.HANDOUT)
    desk = client_of("receptionist")
    html = page(desk, case)
    for code in ("F01", "F04", "F05", "F08", "F09", "F12"):
        assert f"/papers/preview/{code}/{case.id}" in html
    make.sign(session, case, "F12")
    preview = desk.get(f"/papers/preview/F12/{case.id}?language=both")
    assert preview.status_code == 200 and preview.data.startswith(b"%PDF")
    assert desk.post(f"/papers/issue/F12/{case.id}", data={"language": "zh"}).status_code == 302
    issued = session.scalars(select(Paper).where(Paper.record_id == case.id, Paper.code == "F12")).one()
    html = page(desk, case)
    assert issued.number in html and f"/papers/{issued.id}/reprint" in html
    assert "/papers/preview/" not in page(client_of("superior"), case)


@pytest.mark.clause("MI-01")
def test_the_pack_holds_what_has_been_made_so_far(session, client_of):
    sheets = re.findall(
        r'name="sheet" value="(\w+):', page(client_of("receptionist"), make.case_at(session, S.COMPLETED))
    )
    assert {f"F{n:02}" for n in range(1, 18)} - {"F14"} == set(sheets)
    early = re.findall(r'name="sheet" value="(\w+):', page(client_of("receptionist"), make.new_case(session)))
    assert not {"F01", "F11", "F13", "F14", "F15"} & set(early) and "F16" in early


# List, household, strangers


def test_the_list_is_cheap_filtered_and_exported(session, client_of, sql_count):
    cases = [make.new_case(session) for _ in range(12)]
    make.move(session, cases[0], "withdraw", reason="Sold")
    desk = client_of("receptionist")
    desk.get("/move-ins/")
    sql_count.reset()
    html = said(desk.get("/move-ins/"))
    assert len(sql_count.statements) <= 6 and all(case.number in html for case in cases)
    filtered = said(desk.get("/move-ins/?state=withdrawn"))
    assert cases[0].number in filtered and cases[1].number not in filtered
    export = desk.get("/move-ins/export.csv?state=withdrawn")
    assert cases[0].number in export.get_data().decode("utf-8-sig") and cases[1].number not in export.get_data().decode(
        "utf-8-sig"
    )


def test_another_estate_knows_nothing_of_the_case(session, client_of):
    case = make.new_case(session)
    stranger = client_of("neighbour")
    assert stranger.get(f"/move-ins/{case.id}").status_code == 404
    for command in (
        "checks",
        "receiver",
        "notice",
        "owner",
        "consent",
        "keys",
        "keys/usual",
        "services",
        "handouts",
        "sign/F10",
        "transition/pass_documents",
    ):
        assert post(stranger, case, command).status_code == 404, command
    assert stranger.get(f"/move-ins/new?unit={case.unit_id}").status_code == 404
    assert case.number not in said(stranger.get("/move-ins/"))


def test_the_household_page_leads_to_the_case(session, client_of):
    case = make.new_case(session)
    desk = client_of("receptionist")
    html = said(desk.get(f"/households/{case.unit_id}"))
    assert f"/move-ins/{case.id}" in html


def _owner_option(client: Any, unit: Any) -> str:
    html = client.get(f"/move-ins/new?unit={unit.id}").get_data(as_text=True)
    return re.search(r'<option (?:selected )?value="(\d+)"', html)[1]


def _owner_fields(**changes: Any) -> dict[str, Any]:
    fields = {
        "kind": "individual", "name": "王小明", "id_kind": "resident_id", "id_no": make.VALID_IDS[2], "language": "zh", "channel": "phone",
        "emergency_name": "李四", "emergency_phone": "13900139000",
    }  # fmt: skip
    return {f"owner__{name}": value for name, value in {**fields, **changes}.items()}


def _sign(client: Any, case: MoveInCase, code: str, **changes: Any) -> Any:
    fields = {"signer": "王小明", "drawing": make.DRAWN, **changes}
    return client.post(f"/move-ins/{case.id}/sign/{code}", data={f"sign_{code}-{k}": v for k, v in fields.items()})
