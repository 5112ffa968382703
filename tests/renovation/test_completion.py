"""Inspections, settlement of deposits and the permit file through the application (RN-12, RN-13; forms C8, C9)."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from decimal import Decimal
from html import unescape

import pikepdf
import pypdfium2
import pytest
from flask import current_app
from PIL import Image
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from werkzeug.datastructures import FileStorage

from app.core.access.actor import NotAllowed, acting
from app.core.clocks.services import work_of
from app.core.files.models import Attachment
from app.core.files.services import attachments_of, read
from app.core.jobs.models import Job, JobState
from app.core.jobs.services import enqueue
from app.core.jobs.worker import Run
from app.core.papers.archive import ArchiveFilter, Filed, archive
from app.core.papers.base.context import Header
from app.core.papers.models import Paper, PaperCopy
from app.core.papers.services import attach_signed_copy, issue, papers_of
from app.core.papers.template import load_paper
from app.core.records.amounts import in_words_en, in_words_zh
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.core.workflow.table import Blocked
from app.modules.checks.models import Finding
from app.modules.fees.models import DepositRefund, FeeItem
from app.modules.fees.services import Charge, issue_bill
from app.modules.renovation import completion
from app.modules.renovation.completion_models import CompletionInspection, RenovationSettlement, SettlementDeduction
from app.modules.renovation.completion_papers import settlement as voucher
from app.modules.renovation.pass_workflow import PASS
from app.modules.renovation.permit_file import CONTENTS, JOB, entries_of, print_permit_file
from app.modules.renovation.set_off import shares_of
from app.modules.renovation.settlement_workflow import SETTLEMENT
from app.modules.renovation.states import InspectionResult, SettlementState
from app.modules.renovation.states import RenovationState as S
from tests.renovation.factories import (
    PNG,
    SYSTEM,
    accepted,
    bill_of,
    fire,
    good,
    pay,
    person,
    under_way,
    violation_of,
)

INSPECTORS = {"site_administrator", "site_supervisor", "equipment_supervisor", "manager"}
CLAUSE = {"reason": "电梯轿厢划痕", "clause": "协议第八条"}


def text_of(answer, status=200) -> str:
    assert answer.status_code == status, answer.status_code
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def evidence() -> FileStorage:
    return FileStorage(io.BytesIO(PNG), "dent.png", content_type="image/png")


def finished(session, **changes):
    """Passes are back and the acceptance is requested."""
    renovation = under_way(session, **changes)
    for one in renovation.passes:
        PASS.fire(session, one, "take_back", actor=person(session, "cs_supervisor"), inputs={"condition": "完好"})
    return fire(session, renovation, "request_acceptance")


def begun(session, renovation=None) -> RenovationSettlement:
    return completion.begin_settlement(session, renovation or accepted(session), actor=person(session, "receptionist"))


def advance(session, settlement, *names, **asked):
    usual = {"check": "cs_supervisor", "approve": "manager", "send_back": "manager", "pay": "cashier"}
    for name in names:
        SETTLEMENT.fire(session, settlement, name, actor=person(session, usual[name]), inputs=asked)
    return settlement


# Inspections


@pytest.mark.clause("RN-12")
def test_the_checklist_is_filled_in_on_the_phone_and_comes_back_when_it_is_refused(session, client_of):
    renovation = finished(session)
    session.commit()
    phone, address = client_of("site_supervisor"), f"/renovations/{renovation.id}/inspection"
    assert "13. All passes handed back" in text_of(phone.get(address))
    sent = good(waste="violation") | {"present": "业主张三"}
    del sent["flue"]
    page = phone.post(address, data=sent)
    assert "Flue and check valve" in text_of(page, 422) and 'value="业主张三"' in page.get_data(as_text=True)
    refused = phone.post(address, data=sent | {"flue": "ok"}).get_data(as_text=True)
    assert "Say what is not right." in refused
    assert re.search(r'name="waste" value="violation" checked', refused)
    assert session.scalars(select(CompletionInspection)).all() == []
    files = {"photo": [(io.BytesIO(PNG), "a.png"), (io.BytesIO(PNG), "b.png")]}
    full = sent | {"flue": "ok", "findings": "阳台有垃圾", "submit_token": "phone-0001"}
    for _time in range(2):
        answer = phone.post(address, data=full | files, content_type="multipart/form-data")
        assert answer.status_code == 302
        files = {}
    session.expire_all()
    (inspection,) = renovation.inspections
    assert (renovation.state, inspection.result) == (S.RECTIFICATION, InspectionResult.FAILED)
    assert len(attachments_of(session, inspection, kind="photo")) == 2
    page = text_of(phone.get(f"/renovations/{renovation.id}"))
    assert "阳台有垃圾" in page and "Waste removed" in page and "业主张三" in page


@pytest.mark.clause("RN-12")
def test_what_was_rectified_is_inspected_again_and_the_second_inspection_is_planned(session, client_of):
    renovation, inspector = finished(session), person(session, "site_supervisor")
    completion.inspect(session, renovation, points=good(waste="violation"), findings="垃圾", actor=inspector)
    assert work_of(session, renovation, completion.SECOND_WORK) is None
    fire(session, renovation, "request_acceptance")
    completion.inspect(session, renovation, points=good(), warranty_received=True, actor=inspector)
    item = work_of(session, renovation, completion.SECOND_WORK)
    assert (renovation.state, item.role, item.step) == (S.ACCEPTED, "site_supervisor", "inspect")
    assert [deadline.rule_key for deadline in item.deadlines] == ["renovation.second_inspection"]
    session.commit()
    client = client_of("site_supervisor")
    assert "Enter the second inspection" in text_of(client.get(f"/renovations/{renovation.id}"))
    assert "Second inspection" in text_of(client.get("/queue/"))


@pytest.mark.clause("RN-12", "RN-17")
def test_what_the_second_inspection_finds_is_a_finding_and_there_is_one_of_it(session):
    renovation, inspector = accepted(session), person(session, "site_supervisor")
    second = completion.inspect(
        session,
        renovation,
        points=good(drainage="violation", waste="violation"),
        findings="地漏排水慢",
        actor=inspector,
    )
    finding = session.scalars(
        select(Finding).where(Finding.source_type == "renovation_inspection", Finding.source_id == second.id)
    ).one()
    assert (finding.category.code, finding.role, finding.unit_id) == (
        "renovation_installations", "site_supervisor", renovation.unit_id,
    )  # fmt: skip
    assert "地漏排水慢" in finding.description and "Waste removed" in finding.description
    assert renovation.state is S.ACCEPTED and work_of(session, renovation, completion.SECOND_WORK) is None
    session.refresh(renovation, ["inspections"])
    with pytest.raises(InvalidValue, match="already"):
        completion.inspect(session, renovation, points=good(), actor=inspector)
    table = CompletionInspection.__table__
    values = {column.name: getattr(second, column.name) for column in table.c if column.name != "id"}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(table.insert().values(**values))


def test_a_new_waterproof_layer_wants_its_ponding_test(session):
    renovation, inspector = finished(session, waterproof=True), person(session, "site_supervisor")
    with pytest.raises(FieldErrors) as refused:
        completion.inspect(session, renovation, points=good(), actor=inspector)
    assert set(refused.value.errors) == {"ponding_record"}
    completion.inspect(session, renovation, points=good(), ponding_record="48 小时无渗漏", actor=inspector)
    assert renovation.state is S.ACCEPTED


@pytest.mark.parametrize("role", ["receptionist", "cashier", "technician", "security", *sorted(INSPECTORS)])
def test_who_inspects(session, client_of, role):
    renovation = finished(session)
    session.commit()
    answer = client_of(role).get(f"/renovations/{renovation.id}/inspection")
    assert answer.status_code == (200 if role in INSPECTORS else 404)
    if role not in INSPECTORS:
        with pytest.raises(NotAllowed):
            completion.inspect(session, renovation, points=good(), actor=person(session, role))


@pytest.mark.parametrize("make", [under_way, lambda session: completion_over(session)])
def test_there_is_nothing_to_inspect_before_the_request_or_after_the_second(session, client_of, make):
    renovation = make(session)
    session.commit()
    answer = client_of("site_supervisor").get(f"/renovations/{renovation.id}/inspection", follow_redirects=True)
    assert "nothing to be inspected" in text_of(answer)


def completion_over(session):
    renovation = accepted(session)
    completion.inspect(session, renovation, points=good(), actor=person(session, "site_supervisor"))
    return renovation


# Settlement


@pytest.mark.clause("RN-12")
def test_from_the_acceptance_to_the_refund_on_the_screen(session, client_of):
    renovation = accepted(session)
    number, bill = renovation.id, renovation_bill(session, renovation)
    session.commit()
    desk = client_of("receptionist")
    assert "¥2,000.00 are to be settled" in text_of(desk.get(f"/renovations/{number}"))
    for _time in range(2):
        assert desk.post(f"/renovations/{number}/settlement", data={"submit_token": "once-00001"}).status_code == 302
    settlement = session.scalars(select(RenovationSettlement)).one()
    home = f"/renovation-settlements/{settlement.id}"
    page = desk.post(f"{home}/deductions", data=CLAUSE | {"amount": "300"}, follow_redirects=True)
    assert "needs a file" in text_of(page)
    for _time in range(2):
        given = CLAUSE | {"amount": "300", "submit_token": "once-00002", "evidence": (io.BytesIO(PNG), "dent.png")}
        desk.post(f"{home}/deductions", data=given, content_type="multipart/form-data")
    page = text_of(desk.get(home))
    assert "¥1,700.00" in page and in_words_zh(Decimal(1700)) in page and "Days since the acceptance 0" in page
    edit = desk.get(f"{home}/edit").get_data(as_text=True)
    version = re.search(r'name="version" value="(\d+)"', edit)[1]
    account = {"payee_name": "张三丰", "payee_account": "6222021234567890123", "version": version}
    assert desk.post(f"{home}/edit", data=account).status_code == 302
    page = text_of(desk.get(home))
    assert "张三丰" in page and "6222021234567890123" not in page and "0123" in page
    client_of("cs_supervisor").post(f"{home}/transition/check")
    assert desk.get(f"{home}/edit").status_code == 404
    client_of("manager").post(f"{home}/transition/approve")
    cashier = client_of("cashier")
    cashier.post(f"{home}/transition/pay")
    session.expire_all()
    assert settlement.state is SettlementState.APPROVED
    assert cashier.post(f"{home}/identity").status_code == 302
    for _time in range(2):
        cashier.post(f"{home}/transition/pay", data={"submit_token": "once-00003"})
    session.expire_all()
    refund = session.scalars(select(DepositRefund)).one()
    assert (settlement.state, refund.amount, refund.withheld, refund.method.value) == (
        SettlementState.PAID, Decimal(1700), Decimal(300), "transfer",
    )  # fmt: skip
    assert "协议第八条" in refund.reason and refund.payee_name == "张三丰"
    page = text_of(cashier.get(f"/bills/{bill.id}"))
    assert refund.receipt_no in page and "¥1,700.00" in page
    (met,) = [d for d in work_of(session, renovation, "renovation.case").deadlines if d.rule_key == "renovation.refund"]
    assert met.met_at is not None
    supervisor = client_of("cs_supervisor")
    supervisor.post(f"/renovations/{number}/transition/settle")
    supervisor.post(f"/renovations/{number}/transition/archive")
    session.expire_all()
    assert renovation.state is S.ARCHIVED


def renovation_bill(session, renovation):
    from app.modules.fees.queries import bills_of

    return bills_of(session, renovation)[0]


@pytest.mark.clause("RN-12")
def test_the_companys_deposit_is_drawn_on_first_and_the_rest_stays_a_claim(session):
    renovation = accepted(session)
    item = session.scalars(select(FeeItem).where(FeeItem.estate_id == 1, FeeItem.code == "renovation_deposit")).one()
    second = issue_bill(
        session, unit=renovation.unit, payer_id=None, payer_name="云栖装饰工程有限公司", charges=[Charge(item=item)],
        source=renovation, actor=SYSTEM,
    )  # fmt: skip
    pay(session, second)
    settlement, desk = begun(session, renovation), person(session, "receptionist")
    line = completion.deduct(session, settlement, **CLAUSE, amount=Decimal(2500), evidence=evidence(), actor=desk)
    assert [(share.company, share.set_off, share.refund) for share in shares_of(session, settlement)] == [
        (True, Decimal(2000), Decimal(0)), (False, Decimal(500), Decimal(1500)),
    ]  # fmt: skip
    assert (settlement.deducted, settlement.refund, settlement.claim) == (2500, 1500, 0)
    completion.deduct(session, settlement, **CLAUSE, amount=Decimal(1800), evidence=evidence(), actor=desk)
    assert (settlement.deducted, settlement.refund, settlement.claim) == (4000, 0, 300)
    completion.drop_deduction(session, settlement, line, actor=desk)
    assert (settlement.deducted, settlement.refund, settlement.claim) == (1800, 2200, 0)
    settlement.id_checked = True
    advance(session, settlement, "check", "approve", "pay")
    refunds = session.scalars(select(DepositRefund).order_by(DepositRefund.id)).all()
    assert [(refund.withheld, refund.amount) for refund in refunds] == [(1800, 200), (0, 2000)]


def test_a_settlement_sent_back_is_reckoned_anew_and_money_that_moved_stops_the_refund(session):
    renovation = accepted(session)
    settlement = begun(session, renovation)
    settlement.id_checked = True
    advance(session, settlement, "check", "approve")
    pay(session, bill_of(session, renovation, "renovation_deposit"))
    with pytest.raises(Blocked, match="have changed"):
        advance(session, settlement, "pay")
    advance(session, settlement, "send_back", reason="又收押金")
    assert (settlement.state, settlement.checked_by_id, settlement.approved_by_name) == (
        SettlementState.DRAFT,
        None,
        "",
    )
    advance(session, settlement, "check", "approve", "pay")
    assert (settlement.deposit, settlement.refund) == (4000, 4000)


def test_a_deposit_paid_after_the_settlement_is_still_to_be_settled(session):
    renovation = accepted(session)
    settlement = begun(session, renovation)
    settlement.id_checked = True
    advance(session, settlement, "check", "approve", "pay")
    pay(session, bill_of(session, renovation, "renovation_deposit"))
    with pytest.raises(Blocked, match="not settled"):
        fire(session, renovation, "settle")


def test_another_payee_is_identified_anew(session):
    settlement, desk, cashier = begun(session), person(session, "receptionist"), person(session, "cashier")
    completion.identify_payee(session, settlement, actor=cashier)
    given = {"payee_account": "6222021234567890123", "actor": desk}
    completion.change_payee(session, settlement, payee_name=settlement.payee_name, **given)
    assert settlement.id_checked
    completion.change_payee(session, settlement, payee_name="李四", **given)
    assert not settlement.id_checked
    with pytest.raises(NotAllowed):
        completion.identify_payee(session, settlement, actor=desk)


MAY = {
    "check": {"cs_supervisor"}, "approve": {"manager"}, "send_back": {"manager"}, "pay": {"cashier"},
}  # fmt: skip
FROM = {
    "check": {SettlementState.DRAFT}, "approve": {SettlementState.CHECKED},
    "send_back": {SettlementState.CHECKED, SettlementState.APPROVED}, "pay": {SettlementState.APPROVED},
}  # fmt: skip
WAY = {
    SettlementState.DRAFT: (), SettlementState.CHECKED: ("check",), SettlementState.APPROVED: ("check", "approve"),
    SettlementState.PAID: ("check", "approve", "pay"),
}  # fmt: skip


@pytest.mark.parametrize("state", list(SettlementState))
def test_the_table_of_the_settlement_by_states_and_roles(session, state):
    settlement = begun(session)
    settlement.id_checked = True
    advance(session, settlement, *WAY[state])
    for role in ("receptionist", "cs_supervisor", "manager", "cashier", "site_supervisor", "document_administrator"):
        offered = {o.transition.name for o in SETTLEMENT.offers(settlement, person(session, role)) if o.possible}
        assert offered == {name for name in MAY if state in FROM[name] and role in MAY[name]}, role


@pytest.mark.parametrize("role", ["receptionist", "cashier", "site_supervisor", "technician", "document_administrator"])
def test_who_draws_up_and_changes_a_settlement(session, client_of, role):
    settlement = begun(session)
    session.commit()
    client, home = client_of(role), f"/renovation-settlements/{settlement.id}"
    reads = role in ("receptionist", "cashier", "document_administrator")
    assert client.get(home).status_code == (200 if reads else 404)
    given = CLAUSE | {"amount": "1", "evidence": (io.BytesIO(PNG), "a.png")}
    answer = client.post(f"{home}/deductions", data=given, content_type="multipart/form-data")
    assert answer.status_code == (302 if role == "receptionist" else 404)
    assert client.post(f"{home}/identity").status_code == (302 if role == "cashier" else 404)


@pytest.mark.clause("RN-12")
@pytest.mark.parametrize(
    "change",
    [
        {"refund": Decimal(1)}, {"claim": Decimal(5)}, {"deducted": Decimal(-1), "refund": Decimal(2001)}, {"state": "paid"},
        {"state": "checked"}, {"approved_by_id": 1}, {"accepted_on": None},
    ],
)  # fmt: skip
def test_the_database_keeps_no_settlement_that_does_not_add_up(session, change):
    settlement = begun(session)
    table = RenovationSettlement.__table__
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(update(table).where(table.c.id == settlement.id).values(**change))


def test_the_database_wants_clause_evidence_and_the_day_of_acceptance(session):
    renovation = accepted(session)
    settlement = begun(session, renovation)
    line = completion.deduct(
        session, settlement, **CLAUSE, amount=Decimal(10), evidence=evidence(), actor=person(session, "receptionist")
    )
    table = SettlementDeduction.__table__
    for change in ({"clause": ""}, {"reason": ""}, {"amount": 0}, {"evidence_id": None}):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(update(table).where(table.c.id == line.id).values(**change))
    settlements = RenovationSettlement.__table__
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(
            update(settlements).values(accepted_on=renovation.accepted_on + timedelta(days=1)).where(settlements.c.id == settlement.id)
        )  # fmt: skip
        session.flush()
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(delete(Attachment.__table__).where(Attachment.__table__.c.id == line.evidence_id))


# Papers


def header(folder: str) -> Header:
    sample: Header = load_paper(registry().papers[folder].folder).samples("both")["typical"].header
    return sample


@pytest.mark.clause("RN-12")
def test_the_voucher_says_amount_in_figures_and_words_and_never_speaks_of_fines(session):
    settlement, desk = begun(session), person(session, "receptionist")
    completion.deduct(session, settlement, **CLAUSE, amount=Decimal("299.50"), evidence=evidence(), actor=desk)
    completion.change_payee(session, settlement, payee_name="张三丰", payee_account="6222021234567890123", actor=desk)
    settlement.id_checked = True
    advance(session, settlement, "check", "approve", "pay")
    said = voucher(settlement, header("C9"))
    assert (said.refund, said.deducted, said.days, said.passes, said.way) == (
        Decimal("1700.50"), Decimal("299.50"), 0, "1 / 1", "transfer",
    )  # fmt: skip
    assert said.account.endswith("0123") and "6222" not in said.account
    paper = issue(session, registry().papers["C9"], settlement, language="both", actor=desk)
    text = words_of(read_paper(paper))
    for piece in (
        "¥1,700.50",
        in_words_zh(Decimal("1700.50")),
        in_words_en(Decimal("1700.50")),
        "协议第八条",
        "dent.png",
    ):
        assert re.sub(r"\s", "", piece) in text, piece
    assert "罚" not in text and "fine" not in text.lower()
    assert paper.number == settlement.number


def read_paper(paper: Paper) -> bytes:
    from app.core.papers.services import original

    return original(paper)


def words_of(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return re.sub(r"\s", "", "".join(page.get_textpage().get_text_range() for page in pages))


@pytest.mark.clause("RN-12")
def test_the_inspection_form_of_both_rounds(session):
    renovation = completion_over(session)
    session.refresh(renovation, ["inspections"])
    manager, kind = person(session, "manager"), registry().papers["C8"]
    for inspection in renovation.inspections:
        paper = issue(session, kind, inspection, language="zh", actor=manager)
        assert paper.unit_id == renovation.unit_id
        assert "装修验收表" in words_of(read_paper(paper))
        assert str(renovation.warranty_to) in words_of(read_paper(paper))


@pytest.mark.clause("RN-13")
def test_the_permit_file_holds_every_paper_and_signed_copy_under_a_contents_page(session, client_of):
    renovation, manager = accepted(session), person(session, "manager")
    violation = violation_of_accepted(session)
    settlement = begun(session, renovation)
    settlement.id_checked = True
    advance(session, settlement, "check", "approve", "pay")
    first = issue(session, registry().papers["F26"], renovation, language="en", actor=manager)
    big = io.BytesIO()
    Image.new("RGB", (900, 1200), "white").save(big, "PNG")
    big.seek(0)
    attach_signed_copy(session, first, FileStorage(big, "signed.png", content_type="image/png"), actor=manager)
    number, pdf = put_together(session, renovation, "both")
    entries = entries_of(session, renovation)
    codes = [entry.code for entry in entries]
    assert codes[:3] == ["F26", "F26", "RN-02"] and codes[-1] == "C9" and {"RP", "C8", "F29"} <= set(codes)
    assert [entry.original for entry in entries[:2]] == [True, False] and "F28" not in codes
    assert violation not in [entry.number for entry in entries]
    (top,) = [paper for paper in papers_of(session, renovation) if paper.code == CONTENTS]
    with pikepdf.open(io.BytesIO(pdf)) as whole:
        assert len(whole.pages) == top.pages + sum(entry.pages for entry in entries)
        with whole.open_outline() as outline:
            assert len(outline.root) == 1 + len(entries)
    text = words_of(read_paper(top))
    assert all(entry.number in text for entry in entries)
    papers = session.scalars(select(Paper)).all()
    again, second = put_together(session, renovation, "both")
    assert len(session.scalars(select(Paper)).all()) == len(papers) and second == pdf and again != number
    assert session.scalars(select(PaperCopy).where(PaperCopy.paper_id == first.id)).all()
    filed, _more = archive(session, renovation.unit_id, ArchiveFilter(part=Filed.RENOVATION), actor=manager)
    assert {"C8", "C9", CONTENTS} <= {entry.paper.code for entry in filed if entry.paper}


def violation_of_accepted(session) -> str:
    """A violation of another renovation, which stays out of the file."""
    return violation_of(session, under_way(session)).number


def put_together(session, renovation, language) -> tuple[int, bytes]:
    actor = person(session, "cs_supervisor")
    job = enqueue(session, JOB, actor=actor, renovation=renovation.id, language=language)
    job.state, job.lease_token, job.lease_until = JobState.RUNNING, f"token-{job.id}", now() + timedelta(minutes=5)
    session.flush()
    run = Run(session, job, actor, job.lease_token, {})
    with current_app.test_request_context(), acting(actor):
        result = print_permit_file(run, renovation=renovation.id, language=language)
    assert result["address"].endswith(f"/renovations/{renovation.id}")
    (file,) = session.scalars(select(Attachment).where(Attachment.record_type == "job", Attachment.record_id == job.id))
    assert file.name == f"{renovation.number}.pdf"
    return job.id, read(file)


def test_the_permit_file_is_asked_for_on_the_page_by_those_who_print(session, client_of):
    renovation = accepted(session)
    session.commit()
    address = f"/renovations/{renovation.id}/permit-file"
    for role, status in (("receptionist", 302), ("document_administrator", 302), ("technician", 404), ("cashier", 404)):
        client = client_of(role)
        assert client.post(address, data={"language": "zh"}).status_code == status
        offered = f'action="{address}"' in client.get(f"/renovations/{renovation.id}").get_data(as_text=True)
        assert offered is (status == 302)
    assert (
        client_of("receptionist").post(f"/renovations/{renovation.id}/permit-file", data={"language": "xx"}).status_code
        == 404
    )
    asked = [job.arguments for job in session.scalars(select(Job).where(Job.kind == JOB))]
    assert asked == [{"renovation": renovation.id, "language": "zh"}] * 2


def test_a_renovation_without_deposit_has_nothing_to_settle(session):
    from tests.renovation import factories

    renovation = factories.approved(session)
    pay(session, bill_of(session, renovation, "renovation_waste"))
    fire(session, renovation, "confirm_payment")
    one = factories.pass_of(session, factories.verified(session, renovation))
    fire(session, renovation, "begin")
    PASS.fire(session, one, "take_back", actor=person(session, "cs_supervisor"), inputs={"condition": "完好"})
    fire(session, renovation, "request_acceptance")
    completion.inspect(session, renovation, points=good(), actor=person(session, "site_supervisor"))
    with pytest.raises(InvalidValue, match="no deposit"):
        begun(session, renovation)
    fire(session, renovation, "settle", "archive")
    assert renovation.state is S.ARCHIVED
