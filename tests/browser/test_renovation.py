"""A renovation from the application to the archive in a real browser, every step by its own role (RN-01 … RN-13)."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfWriter
from sqlalchemy import select

from app.core.access.actor import acting, system_actor
from app.core.access.roles import Role
from app.core.audit.log import verify
from app.core.clocks.models import WorkItem
from app.core.records.clock import estate_today
from app.core.records.database import writing
from app.core.records.estate import Estate
from app.extensions import db
from app.modules.renovation.completion import SECOND_WORK
from tests.browser.conftest import PHONE, SHOTS, Visit, _employ, look
from tests.browser.test_journey import draw, photo, printed, saved, text_of
from tests.movein import factories as make

CREW = {
    "rn-equipment": Role.EQUIPMENT_SUPERVISOR, "rn-cashier": Role.CASHIER, "rn-administrator": Role.SITE_ADMINISTRATOR,
    "rn-patroller": Role.SITE_SUPERVISOR, "rn-files": Role.DOCUMENT_ADMINISTRATOR,
}  # fmt: skip
"""Who works on renovations beside the staff that the estate has anyway."""
OWNER, COMPANY = "司徒静怡", "云栖装饰工程有限公司"
CONDITIONS = "工作日 18 点后不得使用电锤"
DEDUCTED, REFUND, IN_WORDS = "300.00", "¥1,700.00", "壹仟柒佰元整"
STEPS = (
    ("receptionist", "提交申请"), ("receptionist", "资料齐全，转技术初审"), ("rn-equipment", "退回补正"),
    ("receptionist", "提交申请"), ("receptionist", "资料齐全，转技术初审"), ("rn-equipment", "技术无异议，报经理"),
    ("manager", "修改后同意"), ("rn-cashier", "确认收讫"), ("cs_supervisor", "准予开工"),
    ("receptionist", "竣工，申请验收"), ("rn-patroller", "验收合格"), ("rn-files", "结算完毕"), ("rn-files", "归档"),
)  # fmt: skip
"""Every transition of the renovation, and whose it was."""
WORKERS = (("张木工", "carpentry", make.VALID_IDS[0]), ("李瓦工", "masonry", make.VALID_IDS[1]))


@pytest.fixture(scope="module")
def flat(site: SimpleNamespace) -> Iterator[SimpleNamespace]:
    """A unit with its owner, and the people of renovations: ``unit`` (id), ``code``, ``today``, ``stored(work)``."""
    with site.app.app_context(), acting(system_actor(estate_id=1)):
        estate = db.session.get_one(Estate, 1)
        for username, role in CREW.items():
            _employ(username, role, estate)
        unit = make.unit_of(db.session)
        make.owner_of(db.session, unit, OWNER)
        flat = SimpleNamespace(unit=unit.id, code=unit.code, today=estate_today(db.session, 1))
        db.session.commit()
        db.session.remove()
    yield flat


@pytest.mark.clause(
    "RN-01", "RN-02", "RN-03", "RN-04", "RN-05", "RN-06", "RN-07", "RN-08", "RN-09", "RN-10", "RN-11", "RN-12"
)
def test_from_the_application_to_the_archive(visit: Visit, site: SimpleNamespace, flat: SimpleNamespace) -> None:
    reception = visit("desk")
    enter_the_contractor(reception, flat.today.year + 2)
    case = apply(reception, flat)
    what_is_missing_is_listed(reception)
    bring_the_papers(reception)
    fire(reception, "submit")
    fire(reception, "pass_intake")
    equipment = visit("rn-equipment")
    open_from_queue(equipment, flat.code)
    return_it(equipment)
    correct_it(reception, case)
    equipment.goto(case)
    fire(equipment, "pass_review", opinion="水电点位已核")
    approve_on_the_phone(visit("manager", phone=True), flat.code)
    reception.goto(case)
    hand_over_the_copy(reception)
    print_the_application(reception)
    cashier = visit("rn-cashier")
    bill_and_confirm(cashier, flat.code)
    register_the_crew(reception, case)
    administrator, supervisor = visit("rn-administrator"), visit("supervisor")
    verify_each_worker(administrator, case)
    numbers = issue_the_passes(supervisor, case)
    gate = visit("gate", phone=True)
    ask_at_the_gate(gate, numbers[0])
    patroller = visit("rn-patroller", phone=True)
    notice = go_round_the_sites(patroller, flat.code)
    serve_and_recheck(administrator, notice)
    finish_the_work(reception, case, numbers)
    turned_away(gate, numbers[0])
    inspect(patroller, case)
    settlement = draw_up_the_settlement(reception, case)
    check_and_approve(supervisor, visit("manager"), settlement)
    refund(cashier, settlement)
    files = visit("rn-files")
    file_it(files, case)
    what_is_kept(files, case)
    with site.app.app_context(), acting(system_actor(estate_id=1)), writing(False):
        nothing_is_left(flat.unit)
        db.session.remove()


def fire(page: Page, name: str, **asked: str) -> None:
    """Open a transition on the page, say what it asks for and confirm it."""
    form = page.locator(f"form[action$='/transition/{name}']")
    step = page.locator("details.gj-step", has=form)
    step.locator("summary").first.click()
    for field, value in asked.items():
        box = form.locator(f"[name={field}]")
        box.select_option(value) if box.evaluate("box => box.tagName") == "SELECT" else box.fill(value)
    form.locator("button.btn-primary").click()
    expect(page.locator(".gj-flashes .alert-success")).to_be_visible()
    expect(form).to_have_count(0)


def choose(page: Page, name: str, text: str) -> None:
    """Search for a record in the select ``name`` and take it."""
    page.click(f"#{name}-ts-control")
    page.keyboard.type(text)
    page.click(f"#{name}-ts-dropdown .option:has-text('{text}')")
    box = page.locator(f".ts-wrapper:has(#{name}-ts-control)")
    expect(box).not_to_have_class(re.compile("loading"))  # an answer that still comes takes the keyboard back


def open_from_queue(page: Page, code: str) -> None:
    page.goto("/queue?tab=role")
    line = page.locator(".gj-work", has_text=code).first
    line.locator("[data-line]").click()
    line.get_by_role("link", name="打开记录").click()
    page.wait_for_url(re.compile(r"/renovations/\d+"))


def enter_the_contractor(page: Page, year: int) -> None:
    """A company with a qualification; a credit code that cannot be is told beside it."""
    page.goto("/renovation-contractors/new")
    for name, value in (
        ("name", COMPANY), ("credit_code", "91110108MA0000003X"), ("qualification_no", "D111000001"),
        ("qualification_grade", "二级"), ("qualified_until", f"{year}-12-31"),
    ):  # fmt: skip
        page.fill(f"[name={name}]", value)
    page.click("form.gj-form button.btn-primary")
    expect(page.locator("#credit_code-error")).to_be_visible()
    expect(page.locator("[name=name]")).to_have_value(COMPANY)
    page.fill("[name=credit_code]", "91110108MA0000003K")
    page.click("form.gj-form button.btn-primary")
    expect(page.locator("h1")).to_contain_text(COMPANY)


def apply(page: Page, flat: SimpleNamespace) -> str:
    """The form with rows of works and the questions; a wrong ID number keeps everything that was typed. Returns the address."""
    page.goto(f"/renovations/new?unit_id={flat.unit}")
    choose(page, "applicant_id", OWNER)
    page.select_option("[name=capacity]", "owner")
    page.select_option("[name=extent]", "partial")
    works = page.locator("[data-row]").first
    for place, text in enumerate(("厨房", "铺贴瓷砖", "800×800", "防水层")):
        works.locator("input").nth(place).fill(text)
        expect(works.locator("input").nth(place)).to_have_value(text)
    page.fill("[name=planned_from]", flat.today.isoformat())
    page.fill("[name=planned_to]", (flat.today + timedelta(days=59)).isoformat())
    page.fill("[name=workers_expected]", "2")
    for question in ("structural", "floor_load", "facade", "heating", "gas", "hot_work"):
        page.select_option(f"[name={question}]", label="否")
    page.select_option("[name=waterproof]", label="是")
    page.select_option("[name=mode]", "company")
    choose(page, "contractor_id", COMPANY)
    page.fill("[name=leader_name]", "王师傅")
    page.fill("[name=leader_id_no]", "110105194912310021")
    page.fill("[name=leader_mobile]", "13800138000")
    page.fill("[name=fire_officer]", "王师傅")
    look(page, "rn-01-form")
    page.click("form.gj-form button.btn-primary")
    expect(page.locator("#leader_id_no-error")).to_be_visible()
    expect(works.locator("input").nth(1)).to_have_value("铺贴瓷砖")
    expect(
        page.locator("#contractor_id-ts-control + *, .ts-wrapper:has(#contractor_id-ts-control)").first
    ).to_contain_text(COMPANY)
    look(page, "rn-02-mistake")
    page.fill("[name=leader_id_no]", "11010519491231002X")
    page.click("form.gj-form button.btn-primary")
    page.wait_for_url(re.compile(r"/renovations/\d+$"))
    return page.url


def what_is_missing_is_listed(page: Page) -> None:
    """Every paper that the answers ask for, in both languages, before anything can be submitted (RN-01)."""
    missing = page.locator(".alert-warning", has_text="缺少")
    for words in (
        "缺少防水施工方案", "Missing: Construction plan of the waterproofing", "缺少房屋权属证明", "Missing: Proof of title",
        "申请人尚未告知邻里", "未签字", "Not signed",
    ):  # fmt: skip
        expect(missing).to_contain_text(words)
    expect(missing).not_to_contain_text("设计方案")
    expect(page.locator("form[action$='/transition/submit']")).to_have_count(0)
    look(page, "rn-03-missing")


def bring_the_papers(page: Page) -> None:
    """The papers are uploaded, the neighbours informed, one signature is drawn and one attached as a scan (RN-02)."""
    case = page.url
    for kind in ("title_proof", "floor_plan", "qualification", "construction_plan"):
        file = (
            {"name": "平面图.pdf", "mimeType": "application/pdf", "buffer": drawing()}
            if kind == "floor_plan"
            else {"name": f"{kind}.jpg", "mimeType": "image/jpeg", "buffer": photo()}
        )
        page.set_input_files(f"form[action$='/papers/{kind}'] input[type=file]", file)
        page.click(f"form[action$='/papers/{kind}'] button")
        saved(page, "")
    page.click("a[href$='/edit']")
    page.check("[name=neighbours_informed]")
    page.click("form.gj-form button.btn-primary")
    page.wait_for_url(re.compile(r"/renovations/\d+$"))
    for role in ("notice", "agreements"):
        form = page.locator(f"form[action$='/sign/{role}']")
        page.locator("details", has=form).last.locator("summary").click()
        form.locator("[name=signer]").fill(OWNER)
        if role == "notice":
            draw(page, f"form[action$='/sign/{role}']")
        else:
            form.locator("[name=scan]").set_input_files(
                {"name": "协议.jpg", "mimeType": "image/jpeg", "buffer": photo()}
            )
        form.locator("button.btn-primary").click()
        saved(page, "签字")
    page.goto(case)
    expect(page.locator(".alert-warning", has_text="缺少")).to_have_count(0)


def drawing() -> bytes:
    """A floor plan as a PDF."""
    out, pdf = io.BytesIO(), PdfWriter()
    pdf.add_blank_page(420, 297)
    pdf.write(out)
    return out.getvalue()


def return_it(page: Page) -> None:
    """The drawings are seen beside the decision; it goes back for correction with an opinion (RN-03)."""
    drawings = page.locator("#papers img")
    expect(drawings).to_have_count(4)
    for picture in drawings.all():
        picture.scroll_into_view_if_needed()
        expect(picture).to_have_js_property("complete", True)
        assert picture.evaluate("picture => picture.naturalWidth") > 0
    look(page, "rn-04-technical")
    fire(page, "return_review", opinion="请标明冷热水管走向")
    expect(page.locator("main")).to_contain_text("请标明冷热水管走向")


def correct_it(page: Page, case: str) -> None:
    """The reception finds the opinion, corrects the application and submits it anew (RN-05)."""
    page.goto(case)
    expect(page.locator("main")).to_contain_text("请标明冷热水管走向")
    look(page, "rn-05-returned")
    page.click("a[href$='/edit']")
    page.locator("[data-row]").first.locator("input").nth(2).fill("800×800，冷热水管走顶")
    page.click("form.gj-form button.btn-primary")
    page.wait_for_url(re.compile(r"/renovations/\d+$"))
    fire(page, "submit")
    fire(page, "pass_intake", opinion="资料齐全")


def approve_on_the_phone(page: Page, code: str) -> None:
    """The manager decides from the queue with the thumb, with conditions (RN-03)."""
    page.goto("/queue?tab=role")
    line = page.locator(".gj-work", has_text=code).first
    name = line.get_attribute("id")
    line.locator("[data-line]").tap()
    form = page.locator("form[action$='/approve_with_conditions']")
    page.locator(f"#{name} details.gj-step", has=form).locator("summary").tap()
    form.locator("[name=opinion]").fill(CONDITIONS)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    look(page, "rn-06-queue")
    form.locator("button.btn-primary").tap()
    expect(page.locator(f"#{name} [role=status]").first).to_be_visible()


def hand_over_the_copy(page: Page) -> None:
    """The owner gets the copy of the decision; without a receiver the form says so (RN-04)."""
    expect(page.locator("main")).to_contain_text(CONDITIONS)
    look(page, "rn-07-approved")
    page.select_option("form[action$='/deliver'] [name=method]", "in_person")
    page.fill("form[action$='/deliver'] [name=receiver]", OWNER)
    page.click("form[action$='/deliver'] button")
    saved(page, "")
    expect(page.locator("form[action$='/deliver']")).to_have_count(0)


def paper(page: Page, code: str) -> str:
    """Issue a paper in both languages and return its text."""
    form = page.locator(f"form[action*='/issue/{code}/']").first
    form.locator("[name=language]").select_option("both")
    pdf = printed(page, f"form[action*='/issue/{code}/'] >> nth=0 >> button:has-text('签发')")
    if SHOTS:
        (Path(SHOTS) / f"rn-{code}.pdf").write_bytes(pdf)
    return text_of(pdf)


def says(text: str, *expected: str) -> None:
    for words in expected:
        assert re.sub(r"\s", "", words) in text, (words, text[:3000])
    assert "罚款" not in text


def print_the_application(page: Page) -> None:
    text = paper(page, "F26")
    says(text, OWNER, COMPANY, "装修", "Renovation", "冷热水管走顶", "waterproof", CONDITIONS)


def bill_and_confirm(page: Page, code: str) -> None:
    """The cashier bills the deposit and the removal of waste, takes the money and signs the application (RN-07)."""
    open_from_queue(page, code)
    case = page.url
    expect(page.locator(".gj-blocked")).to_contain_text("确认收讫")
    page.click("a[href*='/bills/new']")
    for box in page.locator("input[type=checkbox][name$='chosen']:checked").all():
        box.uncheck()
    for item in ("装修押金", "装修垃圾清运费"):
        page.check(f".gj-charge:has-text('{item}') input[name$='chosen']")
    expect(page.locator("#bill-total")).to_contain_text("¥2,357.28")  # 2,000.00 + 89.32 m² × 4.00
    page.click("#new-bill button.btn-primary")
    saved(page, "")
    page.wait_for_url(case)
    look(page, "rn-08-payment")
    page.locator("main a[href^='/bills/']").first.click()
    page.check(".form-selectgroup-item:has-text('微信')")
    page.click("form[action$='/pay'] button.btn-primary")
    saved(page, "")
    page.goto(case)
    fire(page, "confirm_payment")


def register_the_crew(page: Page, case: str) -> None:
    """Two workers with their photos; an ID number that cannot be keeps what was typed (RN-06)."""
    page.goto(case)
    page.click("a[href*='/renovation-workers/crew/']")
    for line, (name, trade, number) in enumerate(WORKERS):
        page.fill(f"[name='{line}.name']", name)
        page.select_option(f"[name='{line}.trade']", trade)
        page.fill(f"[name='{line}.id_no']", number)
        portrait = {"name": "照片.jpg", "mimeType": "image/jpeg", "buffer": photo()}
        page.set_input_files(f"[name='{line}.photo']", portrait)
    page.click("form[data-draft] button.btn-primary")
    saved(page, "")
    expect(page.locator("#workers .list-group-item")).to_have_count(len(WORKERS))
    expect(page.locator("#workers")).not_to_contain_text(WORKERS[0][2])
    look(page, "rn-09-workers")


def verify_each_worker(page: Page, case: str) -> None:
    """The site administrator compares document and photo of each worker (RN-06)."""
    for name, _trade, _number in WORKERS:
        page.goto(case)
        page.click(f"#workers a:has-text('{name}')")
        expect(page.locator("main img").first).to_have_js_property("complete", True)
        fire(page, "verify")


def issue_the_passes(page: Page, case: str) -> list[str]:
    """Passes for both workers inside the permit, and the work may begin; returns their numbers (RN-08)."""
    page.goto(case)
    look(page, "rn-10-passes")
    page.click("form[action*='/temporary-passes/issue/'] button.btn-primary")
    saved(page, "")
    numbers = [text for text in page.locator("#passes a").all_inner_texts() if text.startswith("TP-")]
    assert len(numbers) == len(WORKERS)
    fire(page, "begin")
    permit = paper(page, "RP")
    says(permit, COMPANY, "装修施工许可证", "Renovation permit", CONDITIONS)
    assert OWNER not in permit  # it hangs on the door
    return numbers


def ask_at_the_gate(page: Page, number: str) -> None:
    """A number opens the gate, a wrong one does not and says why; the entry is noted (RN-08, RN-11)."""
    page.goto("/gate/")
    page.fill("#gate-text", "99999")
    page.tap("[data-gate-form] button")
    expect(page.locator(".gate-answer.is-refused")).to_contain_text("没有这张出入证")
    page.fill("#gate-text", number.rpartition("-")[2])
    page.tap("[data-gate-form] button")
    expect(page.locator(".gate-answer.is-valid")).to_contain_text(WORKERS[0][0])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    look(page, "rn-11-gate")
    page.tap("form[action$='/entry'] button")
    expect(page.locator("section[aria-labelledby=inside-title]")).to_contain_text(WORKERS[0][0])


def go_round_the_sites(page: Page, code: str) -> str:
    """The site supervisor's round with the thumb: waste in the corridor, and the notice written from it (RN-09, RN-10)."""
    page.goto("/renovation-patrols/round")
    site = page.locator(".pat-site", has_text=code)
    site.locator("[data-open]").tap()
    sheet = page.locator("#visit")
    sheet.locator("label:has([name=stage][value=masonry])").tap()
    sheet.locator("[name=persons]").fill("2")
    sheet.locator("[name=persons_with_pass]").fill("2")
    sheet.locator("[data-point=corridor] label.pat-violation").tap()
    sheet.locator("[data-rest]").tap()
    sheet.locator("[name=findings]").fill("楼道堆放装修垃圾")
    sheet.locator("[name=action]").select_option("notice")
    sheet.locator("#visit-photo").set_input_files({"name": "楼道.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    look(page, "rn-12-visit")
    sheet.locator("button.btn-primary").tap()
    expect(page.locator("[data-state]")).to_contain_text("全部已发送")
    look(page, "rn-13-round")
    site.locator("[data-after] a").tap()
    expect(page.locator("#code_id")).to_have_value(re.compile(r"\d"))
    page.fill("[name=requirement]", "当日清运，恢复楼道畅通")
    expect(page.locator("[name=description]")).to_have_value(re.compile("楼道堆放装修垃圾"))
    look(page, "rn-14-notice")
    page.locator("form.gj-form button.btn-primary").press("Enter")
    page.wait_for_url(re.compile(r"/renovation-violations/\d+$"))
    return page.url


def serve_and_recheck(page: Page, notice: str) -> None:
    """The notice is printed, served on the crew leader and cleared at the re-check (RN-10)."""
    page.goto(notice)
    says(paper(page, "F31"), COMPANY, "整改通知", "rectif", "楼道堆放装修垃圾", "当日清运")
    fire(page, "serve", method="in_person", receiver="王师傅")
    look(page, "rn-15-served")
    fire(page, "clear", remark="垃圾已清运，楼道畅通")
    expect(page.locator("main .badge").first).to_contain_text("复查合格")


def finish_the_work(page: Page, case: str, numbers: list[str]) -> None:
    """The acceptance is requested and every pass handed back (RN-11, RN-12)."""
    page.goto(case)
    fire(page, "request_acceptance")
    for number in numbers:
        page.goto(case)
        page.click(f"#passes a:has-text('{number}')")
        fire(page, "take_back", condition="完好")


def turned_away(page: Page, number: str) -> None:
    page.goto(f"/gate/?text={number}")
    expect(page.locator(".gate-answer.is-refused .gate-reason")).to_contain_text("已收回")


def inspect(page: Page, case: str) -> None:
    """The inspection on the phone; the altered waterproof layer needs its ponding test (RN-12)."""
    page.goto(case)
    look(page, "rn-16-acceptance")
    page.tap("main a[href$='/inspection']")
    page.wait_for_url(re.compile(r"/inspection$"))
    expect(page.locator("main fieldset").first).to_be_visible()
    for box in page.locator("main fieldset").all():
        box.locator("label:has([value=ok])").tap()
    page.fill("[name=present]", OWNER)
    page.tap("main form button.btn-primary")
    expect(page.locator("#ponding_record-error")).to_be_visible()
    expect(page.locator("[name=present]")).to_have_value(OWNER)
    page.fill("[name=ponding_record]", "厨房 24 小时，水深 3 厘米，楼下无渗漏")
    look(page, "rn-17-inspection")
    page.tap("main form button.btn-primary")
    page.wait_for_url(re.compile(r"/renovations/\d+(#.*)?$"))
    expect(page.locator("main")).to_contain_text("保修期")
    look(page, "rn-18-accepted")


def draw_up_the_settlement(page: Page, case: str) -> str:
    """The reception draws the settlement up, with one deduction by agreement and its evidence; returns its address (RN-12)."""
    page.goto(case)
    says(paper(page, "C8"), OWNER, "验收", "inspection", "楼下无渗漏")
    page.click("form[action$='/settlement'] button")
    page.wait_for_url(re.compile(r"/renovation-settlements/\d+"))
    page.fill("#deduction-reason", "电梯轿厢划痕修复")
    page.fill("#deduction-clause", "装修管理服务协议第八条")
    page.fill("#deduction-amount", DEDUCTED)
    page.set_input_files("#deduction-evidence", {"name": "划痕.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    page.click("form[action$='/deductions'] button")
    saved(page, "")
    expect(page.locator("main")).to_contain_text(REFUND)
    expect(page.locator("main")).to_contain_text(IN_WORDS)
    look(page, "rn-19-settlement")
    return page.url.partition("#")[0]


def check_and_approve(supervisor: Page, manager: Page, settlement: str) -> None:
    for page, step in ((supervisor, "check"), (manager, "approve")):
        page.goto(settlement)
        fire(page, step)


def refund(page: Page, settlement: str) -> None:
    """The cashier sees the payee's document, pays the rest back and prints the voucher (RN-12)."""
    page.goto(settlement)
    expect(page.locator(".gj-blocked")).to_be_visible()
    page.click("form[action$='/identity'] button")
    saved(page, "")
    fire(page, "pay")
    text = paper(page, "C9")
    says(text, OWNER, "电梯轿厢划痕修复", "协议第八条", DEDUCTED, "1,700.00", IN_WORDS, "refund")
    look(page, "rn-20-refunded")


def file_it(page: Page, case: str) -> None:
    page.goto(case)
    fire(page, "settle")
    look(page, "rn-21-settled")
    fire(page, "archive")


def what_is_kept(page: Page, case: str) -> None:
    """In the archive nothing is left to be decided, and who took each step is told (RN-12)."""
    page.goto(case)
    expect(page.locator("main .badge, .gj-page-head .badge").first).to_have_text("已归档")
    expect(page.locator("details.gj-step")).to_have_count(0)
    expect(page.locator("#permit-file button")).to_be_visible()  # who files it puts it together
    look(page, "rn-22-archived")
    page.click("a:has-text('查看全部经过')")
    page.goto(f"{page.url}?kind=steps")
    said = page.locator(".gj-timeline .gj-happening > div:first-child:not(:has(a))").all_inner_texts()
    for (who, step), line in zip(STEPS, reversed(said), strict=True):
        assert line.startswith(f"{CREW.get(who, who)} {step}"), said


def nothing_is_left(unit: int) -> None:
    """Open in the queues are only the second inspection and the check of the violation (RN-16); the log is whole."""
    work = db.session.scalars(select(WorkItem).where(WorkItem.unit_id == unit, WorkItem.closed_at.is_(None)))
    assert sorted(item.kind for item in work) == ["renovation.handling", SECOND_WORK]
    assert verify(db.session) is None
