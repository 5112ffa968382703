"""The manager's way through the real application: draw, check, find, serve the notice, verify, print (MI-12, MI-13)."""

from __future__ import annotations

import base64
import io
import re

import pytest
from sqlalchemy import select

from app.core.access.actor import acting
from app.core.access.models import Account
from app.core.papers.models import Paper
from app.core.records.clock import estate_today
from app.modules.checks.models import CheckCategory, CorrectiveAction, Finding, RectificationNotice, SpotCheck
from app.modules.checks.states import ActionState, CheckState, NoticeState
from app.modules.movein.states import CaseState
from tests.movein.factories import DRAWN, case_at

pytestmark = pytest.mark.slow

PICTURE = base64.b64decode(DRAWN.partition(",")[2])


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def draw(client, session, kind: str, **more) -> SpotCheck:
    today = estate_today(session, 1)
    form = {"kind": kind, "period_from": today.replace(day=1), "period_to": today, "sample_size": 2, **more}
    answer = client.post("/checks/new", data=form)
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    return session.scalars(select(SpotCheck).order_by(SpotCheck.id.desc())).first()


@pytest.fixture
def manager(client_of):
    return client_of("manager")


def category_of(session, code: str = "signature_missing") -> CheckCategory:
    return session.scalars(select(CheckCategory).where(CheckCategory.estate_id == 1, CheckCategory.code == code)).one()


def find(client, session, check: SpotCheck, number: int, **more):
    form = {
        "description": "The issuer did not sign the key receipt.", "category_id": category_of(session).id, "severity": "minor",
        "role": "receptionist", **more,
    }  # fmt: skip
    return client.post(f"/checks/{check.id}/samples/{number}/finding", data=form)


@pytest.mark.clause("MI-12")
def test_from_the_draw_to_the_printed_notice(session, manager, client_of):
    for _n in range(3):
        case_at(session, CaseState.COMPLETED)
    check = draw(manager, session, "movein.records")
    assert (check.state, check.population_size, len(check.samples)) == (CheckState.DRAWN, 3, 2)
    page = text_of(manager.get(f"/checks/{check.id}"))
    assert "Start checking" in page and "Records of move-ins" in page
    assert "The draw is right" in text_of(manager.get(f"/checks/{check.id}/draw"))
    page = text_of(manager.get(f"/checks/{check.id}/samples/1"))
    assert "Are the six records complete?" in page and "F13" in page

    answer = manager.post(f"/checks/{check.id}/samples/1/judge", data={"result": "ok", "note": ""})
    assert answer.location.endswith("/samples/2")
    refused = find(manager, session, check, 2, category_id="")
    assert refused.status_code == 422 and "The issuer did not sign the key receipt." in refused.get_data(as_text=True)
    assert find(manager, session, check, 2).status_code == 302
    session.expire_all()
    (finding,) = check.samples[1].findings
    assert check.state == CheckState.UNDER_WAY
    assert (finding.unit_id, finding.role) == (check.samples[1].unit_id, "receptionist")

    manager.post(f"/checks/{check.id}/transition/conclude", data={"conclusion": "One signature missing."})
    session.expire_all()
    assert check.state == CheckState.CONCLUDED and check.concluded_by_name

    page = text_of(manager.get(f"/rectification-notices/new?finding_id={finding.id}"))
    assert "The issuer did not sign the key receipt." in page
    answer = manager.post("/rectification-notices/new", data={
        "finding_id": finding.id, "problem": finding.description, "requirement": "Sign it today.", "role": "receptionist",
        "person_id": "", "deadline": "", "unit_id": finding.unit_id,
    })  # fmt: skip
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    notice = session.scalars(select(RectificationNotice)).one()
    assert notice.source_label.startswith(finding.number)
    manager.post(f"/rectification-notices/{notice.id}/transition/serve")
    session.expire_all()
    assert notice.state == NoticeState.SERVED and notice.due_on > estate_today(session, 1)

    desk = client_of("receptionist")
    assert (
        desk.post(
            f"/rectification-notices/{notice.id}/receive", data={"received_by": "周敏", "drawing": DRAWN}
        ).status_code
        == 302
    )
    done = desk.post(f"/rectification-notices/{notice.id}/transition/answer", data={"answer": "Signed."})
    assert done.status_code == 302
    session.expire_all()
    assert notice.state == NoticeState.ANSWERED and notice.received_by_name == "周敏"
    assert client_of("cashier").post(f"/rectification-notices/{notice.id}/transition/verify").status_code == 404
    manager.post(f"/rectification-notices/{notice.id}/transition/verify", data={"seen": "Seen."})
    session.expire_all()
    assert notice.state == NoticeState.CLOSED

    printed = manager.post(f"/papers/issue/F18/{notice.id}", data={"language": "both"})
    assert printed.status_code == 302
    paper = session.scalars(select(Paper).where(Paper.code == "F18")).one()
    assert paper.number == notice.number and paper.unit_id == finding.unit_id
    pdf = manager.get(printed.location)
    assert pdf.data.startswith(b"%PDF")
    assert manager.post(f"/papers/issue/CK/{check.id}", data={"language": "both"}).status_code == 302
    assert notice.number in text_of(manager.get(f"/findings/{finding.id}"))
    for listed in ("/checks/", "/findings/", "/rectification-notices/"):
        assert re.search(rf"{check.number}|{finding.number}|{notice.number}", text_of(manager.get(listed)))


@pytest.mark.clause("MI-13")
def test_fees_are_compared_with_the_fee_items(session, manager):
    from app.modules.fees.models import Bill, FeeItem

    case = case_at(session, CaseState.SIGNING)
    bill = session.scalars(select(Bill).where(Bill.source_id == case.id)).one()
    line = bill.lines[0]
    item = session.get(FeeItem, line.fee_item_id)
    item.rate = item.rate + 1
    lacking = session.scalars(select(FeeItem).where(FeeItem.active, FeeItem.id != item.id)).first()
    lacking.rate, lacking.mandatory = 50, True
    session.commit()
    check = draw(manager, session, "movein.fees")
    assert check.population == [case.id]
    page = text_of(manager.get(f"/checks/{check.id}/samples/1"))
    assert "rate is" in page and "not paid yet" in page and bill.number in page
    assert "mandatory, but not billed" in page and str(lacking) in page


@pytest.mark.clause("MI-12")
def test_nobody_checks_their_own_entries(session, manager, client_of, actor_of):
    with acting(actor_of("manager")) as actor:
        case_at(session, CaseState.REGISTRATION, actor=actor)
    session.commit()
    check = draw(manager, session, "movein.notes", sample_size=1)
    page = text_of(manager.get(f"/checks/{check.id}/samples/1"))
    assert "your own entries" in page and "Record the finding" not in page
    assert manager.post(f"/checks/{check.id}/samples/1/judge", data={"result": "ok"}).status_code == 422
    assert find(manager, session, check, 1).status_code == 422
    supervisor = client_of("cs_supervisor")
    assert supervisor.post(f"/checks/{check.id}/samples/1/judge", data={"result": "ok"}).status_code == 302


@pytest.mark.clause("MI-12")
def test_a_repeated_problem_opens_an_action_that_is_led_to_its_end(session, manager, client_of):
    for _n in range(2):
        case_at(session, CaseState.COMPLETED)
    check = draw(manager, session, "movein.records")
    find(manager, session, check, 1)
    assert session.scalars(select(CorrectiveAction)).first() is None
    find(manager, session, check, 2, description="No signature of the issuer either.")
    action = session.scalars(select(CorrectiveAction)).one()
    assert len(action.findings) == 2 and action.role == "receptionist"
    page = text_of(manager.get(f"/corrective-actions/{action.id}"))
    assert all(finding.number in page for finding in action.findings)

    desk, here = client_of("receptionist"), f"/corrective-actions/{action.id}"
    assert desk.post(f"{here}/transition/analyse").status_code == 422  # no correction, no cause
    assert desk.post(f"{here}/correction", data={"correction": "Both receipts signed."}).status_code == 302
    refused = desk.post(f"{here}/causes", data={"bone": "method", "whys": ""})
    assert refused.status_code == 422
    assert (
        desk.post(
            f"{here}/causes", data={"bone": "method", "whys": "The issuer leaves\nNo step asks for it"}
        ).status_code
        == 302
    )
    assert desk.post(f"{here}/transition/analyse").status_code == 302
    owner = session.scalars(select(Account).where(Account.username == "receptionist")).one()
    refused = desk.post(f"{here}/measures", data={"content": "Issuer signs first", "owner_id": owner.id, "due_on": ""})
    assert refused.status_code == 422 and "Issuer signs first" in refused.get_data(as_text=True)
    day = estate_today(session, 1)
    assert (
        desk.post(
            f"{here}/measures", data={"content": "Issuer signs first", "owner_id": owner.id, "due_on": day}
        ).status_code
        == 302
    )
    assert desk.post(f"{here}/transition/agree").status_code == 404
    assert manager.post(f"{here}/transition/agree").status_code == 302
    session.expire_all()
    (measure,) = action.measures
    assert manager.get(f"/corrective-actions/measures/{measure.id}").location.endswith(f"#measure-{measure.id}")
    refused = desk.post(f"{here}/measures/{measure.id}/done", data={"done_on": day, "evidence": ""})
    assert refused.status_code == 422
    assert (
        desk.post(f"{here}/measures/{measure.id}/done", data={"done_on": day, "evidence": "Screenshot"}).status_code
        == 302
    )
    session.expire_all()
    assert action.state == ActionState.DONE
    assert manager.post(f"{here}/transition/verify", data={"evidence": "8 receipts seen."}).status_code == 302
    assert manager.post(f"{here}/transition/reissue", data={"judgement": "It came back."}).status_code == 302
    session.expire_all()
    following = session.scalars(select(CorrectiveAction).where(CorrectiveAction.follows_id == action.id)).one()
    assert action.state == ActionState.REISSUED and action.effective is False and following.state == ActionState.OPEN
    assert following.number in text_of(manager.get(here))
    printed = manager.post(f"/papers/issue/F33/{action.id}", data={"language": "both"})
    assert manager.get(printed.location).data.startswith(b"%PDF")


def test_an_addressed_person_only_answers_their_own(session, manager, client_of):
    form = dict.fromkeys(("person_id", "deadline", "unit_id", "finding_id"), "")
    form |= {"problem": "Tap drips", "requirement": "Mend it", "role": "technician"}
    assert manager.post("/rectification-notices/new", data=form).status_code == 302
    notice = session.scalars(select(RectificationNotice)).one()
    manager.post(f"/rectification-notices/{notice.id}/transition/serve")
    for who, status in (("cashier", 404), ("technician", 302)):
        photo = {"file": (io.BytesIO(PICTURE), "tap.png"), "kind": "photo", "next": "/"}
        assert client_of(who).post(f"/files/attach/rectification_notice/{notice.id}", data=photo).status_code == status
    refused = client_of("cashier").post(
        f"/rectification-notices/{notice.id}/transition/answer", data={"answer": "Done"}
    )
    assert refused.status_code == 422
    assert (
        client_of("technician")
        .post(f"/rectification-notices/{notice.id}/transition/answer", data={"answer": "Done"})
        .status_code
        == 302
    )
    manager.post(f"/rectification-notices/{notice.id}/transition/send_back", data={"reason": "Still drips"})
    session.expire_all()
    assert (notice.state, notice.returned, notice.answer) == (NoticeState.SERVED, 1, "")


def test_a_neighbour_sees_nothing(session, manager, client_of):
    case_at(session, CaseState.COMPLETED)
    check = draw(manager, session, "movein.records")
    find(manager, session, check, 1)
    finding = session.scalars(select(Finding)).one()
    stranger = client_of("neighbour")
    for address in (
        f"/checks/{check.id}",
        f"/checks/{check.id}/samples/1",
        f"/checks/{check.id}/draw",
        f"/findings/{finding.id}",
    ):
        assert stranger.get(address).status_code == 404
    assert stranger.post(f"/checks/{check.id}/samples/1/judge", data={"result": "ok"}).status_code == 404


def test_lists_and_sample_cost_a_fixed_number_of_statements(session, manager, sql_count):
    for _n in range(2):
        case_at(session, CaseState.COMPLETED)
    first = draw(manager, session, "movein.records", sample_size=1)
    find(manager, session, first, 1)
    addresses = ("/checks/", "/findings/", f"/checks/{first.id}", f"/checks/{first.id}/samples/1")
    before = [statements(manager, sql_count, address) for address in addresses]
    for _n in range(3):
        case_at(session, CaseState.COMPLETED)
    second = draw(manager, session, "movein.records", sample_size=5)
    for number in range(1, 6):
        find(manager, session, second, number)
    again = (*addresses[:2], f"/checks/{second.id}", f"/checks/{second.id}/samples/1")
    after = [statements(manager, sql_count, address) for address in again]
    assert all(later <= earlier + 1 for earlier, later in zip(before, after, strict=True)), (before, after)


def statements(client, sql_count, address: str) -> int:
    assert client.get(address).status_code == 200  # fills what a process remembers
    sql_count.reset()
    client.get(address)
    return len(sql_count.statements)
