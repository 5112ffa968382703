"""The main job in a real browser: from the developer's workbook to a printed handover pack, each step by its own role."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from app.modules.people.imports import WORKBOOK
from tests.browser.conftest import SHOTS, Visit, look
from tests.movein.factories import VALID_IDS

UNIT = "1-1-101"
OWNER = "欧阳文博"
AMOUNT = "¥732.40"  # 87.19 m² × 2.80 × 3 months
IN_WORDS = "柒佰叁拾贰元肆角整"


@pytest.mark.clause("MI-01")
@pytest.mark.clause("MI-02")
@pytest.mark.clause("MI-04")
@pytest.mark.clause("MI-05")
@pytest.mark.clause("MI-06")
@pytest.mark.clause("MI-07")
@pytest.mark.clause("MI-08")
@pytest.mark.clause("MI-09")
@pytest.mark.clause("MI-10")
@pytest.mark.clause("MI-11")
def test_from_the_workbook_to_the_pack(visit: Visit) -> None:
    import_the_workbook(visit("admin"))
    reception = visit("reception")
    case = open_the_case(reception)
    check_the_papers(reception)
    register_the_owner(reception)
    cashier = visit("cashier")
    bill_and_take_payment(cashier)
    reception.goto(case)
    sign_the_agreements(reception)
    receipt = hand_out(reception)
    entrust_a_service(reception)
    step(reception, "close_handout")
    inspect(visit("inspector", phone=True), case)
    reception.goto(case)
    hand_over_the_keys(reception)
    look_at_the_six_records(reception)
    print_the_pack(reception)
    reprint(reception, receipt)
    verify(reception, visit())


def step(page: Page, name: str) -> None:
    """Press the button of a transition."""
    page.click(f"form[action$='/transition/{name}'] button")


def saved(page: Page, sentence: str) -> None:
    expect(page.locator(".gj-flashes .alert-success")).to_contain_text(sentence)


def draw(page: Page, root: str) -> None:
    """Sign on the pad below ``root`` with the mouse."""
    pad = page.locator(f"{root} canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    curve = ((0.2, 0.7), (0.4, 0.2), (0.5, 0.8), (0.8, 0.3))
    at = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in curve]
    page.mouse.move(*at[0])
    page.mouse.down()
    for x, y in at[1:]:
        page.mouse.move(x, y, steps=4)
    page.mouse.up()


def sign(page: Page, paper: str) -> None:
    root = f"#sign-{paper}"
    page.click(f"{root} summary")
    draw(page, root)
    page.click(f"{root} form[action$='/sign/{paper}'] button.btn-primary")
    saved(page, f"{paper} 已签字")
    expect(page.locator(f"{root} .badge")).to_have_text("已签字")


def printed(page: Page, button: str) -> bytes:
    """Press a button that opens a paper in a tab of its own, and return the paper."""
    with page.context.expect_event(
        "response", lambda answer: bool(re.search(r"/copies/\d+\.pdf$", answer.url))
    ) as answer:
        page.click(button)
    for tab in page.context.pages:
        if tab is not page:
            tab.close()
    page.bring_to_front()  # else it is drawn once a second
    return page.context.request.get(answer.value.url).body()


def text_of(pdf: bytes) -> str:
    """The text of a PDF; white space left out, as line breaks may fall anywhere."""
    return re.sub(r"\s", "", "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages))


def import_the_workbook(page: Page) -> None:
    """Upload, recognised columns, dry run, import, result (MI-01)."""
    page.goto("/imports/estate/")
    look(page, "a1-import")
    page.set_input_files("#workbook", WORKBOOK)
    page.click("form[action$='/upload'] button")
    expect(page.locator("#units-sheet")).to_have_value("房屋")
    look(page, "a2-columns")
    page.click("main button.btn-primary")
    expect(page.locator("tr", has_text="房屋!G392")).to_contain_text("134.89")
    look(page, "a3-dry-run")
    page.click("a[href*='severity=error']")
    cells = page.locator("main td code").all_inner_texts()
    units, people = ("D14", "H19", "H184", "D412", "H518"), ("H165", "H453", "H803", "A1049")
    assert cells == [*(f"房屋!{cell}" for cell in units), *(f"业主!{cell}" for cell in people)]
    page.click("form[action$='/import'] button")
    look(page, "a4-job")
    page.click("main a:has-text('继续')", timeout=120_000)
    expect(page.locator("main")).to_contain_text("611")
    look(page, "a5-result")


def open_the_case(page: Page) -> str:
    """Find the unit, start a move-in with an owner nobody has entered yet; a wrong ID number is told beside it."""
    page.keyboard.press("/")
    page.keyboard.type("1栋1单元101")
    page.keyboard.press("Enter")
    look(page, "b1-search")
    page.click(f".search-hit:has-text('{UNIT}')")
    expect(page.locator("h1")).to_have_text(UNIT)
    look(page, "b2-household")
    page.click(".gj-actions a[href*='/move-ins/new']")
    page.fill("[name=open-new_name]", OWNER)
    page.select_option("[name=open-new_id_kind]", "resident_id")
    page.fill("[name=open-new_id_no]", VALID_IDS[2][:-1] + "5")
    page.fill("[name=open-new_mobile]", "138 0000 2468")
    look(page, "b3-open")
    page.click("main form button.btn-primary")
    expect(page.locator("#open-new_id_no-error")).to_contain_text("校验")
    expect(page.locator("[name=open-new_name]")).to_have_value(OWNER)
    look(page, "b4-mistake")
    page.fill("[name=open-new_id_no]", VALID_IDS[2])
    page.click("main form button.btn-primary")
    page.wait_for_url(re.compile(r"/move-ins/\d+$"))
    look(page, "b5-case")
    return page.url


def check_the_papers(page: Page) -> None:
    page.click("form[action$='/checks'] button[name=all]")
    saved(page, "")
    look(page, "b6-checked")
    step(page, "pass_documents")
    expect(page.locator("form[action$='/owner']")).to_be_visible()
    look(page, "b7-registration")


def register_the_owner(page: Page) -> None:
    page.fill("[name=owner-emergency_name]", "欧阳明")
    page.fill("[name=owner-emergency_phone]", "13900001357")
    page.fill("[name=owner-emergency_relation]", "父亲")
    page.click("form[action$='/owner'] button:has-text('保存')")
    saved(page, "")
    page.check("form[action$='/consent'] input[type=checkbox] >> nth=0")
    page.click("form[action$='/consent'] button")
    saved(page, "")
    sign(page, "F10")
    look(page, "b8-registered")
    step(page, "confirm_registration")
    expect(page.locator("#panel-title")).to_have_text("费用")


def open_from_queue(page: Page) -> None:
    """The case waits in the queue of the person's role."""
    page.goto("/?tab=role")
    line = page.locator(".gj-work", has_text=UNIT).filter(has_text="MI-")
    line.locator("[data-line]").click()
    line.get_by_role("link", name="打开记录").click()


def bill_and_take_payment(page: Page) -> None:
    """The cashier bills three months in advance and takes the money; the receipt says it in words (MI-06)."""
    open_from_queue(page)
    look(page, "c1-fees")
    page.click("a[href*='/bills/new']")
    for box in page.locator("input[type=checkbox][name$='chosen']:checked").all():
        box.uncheck()
    page.check(".gj-charge:has-text('物业服务费') input[name$='chosen']")
    expect(page.locator("#bill-total")).to_contain_text(AMOUNT)
    expect(page.locator("#bill-total")).to_contain_text(IN_WORDS)
    look(page, "c2-bill")
    page.click("#new-bill button.btn-primary")
    page.check(".form-selectgroup-item:has-text('微信')")
    look(page, "c3-pay")
    page.click("form[action$='/pay'] button.btn-primary")
    expect(page.locator(".movein-bill table").nth(1)).to_contain_text(IN_WORDS)
    look(page, "c4-paid")
    receipt = text_of(printed(page, "form[action*='/issue/RCPT/'] button:has-text('签发')"))
    assert IN_WORDS in receipt and OWNER in receipt and UNIT in receipt
    step(page, "close_fees")
    saved(page, "签约")


def sign_the_agreements(page: Page) -> None:
    """Covenant, renovation, payment and fire-safety agreements are signed (MI-07)."""
    look(page, "d1-signing")
    for paper in ("F02", "F03", "F06", "F07"):
        sign(page, paper)
    look(page, "d2-signed")
    step(page, "close_signing")


def hand_out(page: Page) -> bytes:
    """The documents go out against the owner's signature (MI-08); returns the printed receipt F12."""
    page.click("form[action$='/handouts'] button[name=all]")
    saved(page, "")
    sign(page, "F12")
    look(page, "d3-handed-out")
    receipt = printed(page, "form[action*='/issue/F12/'] button:has-text('签发')")
    assert OWNER in text_of(receipt)
    return receipt


def entrust_a_service(page: Page) -> None:
    """The owner entrusts the gas connection, which becomes somebody's work (MI-09)."""
    page.click("a[href*='step=services']")
    page.select_option("[name=service-code]", "gas_connection")
    page.select_option("[name=service-assignee_id]", label="inspector")
    page.fill("[name=service-details]", "周六上午，请先致电")
    look(page, "d4-service")
    page.click("form[action$='/services'] button")
    saved(page, "")
    expect(page.locator("#panel")).to_contain_text("代办燃气开通")
    sign(page, "F14")


def inspect(page: Page, case: str) -> None:
    """The accompanied inspection with the thumb: a defect with photo, readings, signature, conclusion (MI-10, MI-11)."""
    open_from_queue(page)
    expect(page).to_have_url(case)
    page.tap("main a[href$='/inspection']")
    look(page, "e1-start")
    page.tap("form[action$='/inspection/start'] button")
    look(page, "e2-matrix")
    page.tap(".ins-space[open] .ins-row >> nth=1 >> .ins-fail")
    page.fill("#sheet textarea", "窗台石材崩角")
    page.tap("#sheet .ins-severities label >> nth=0")
    page.set_input_files("#defect-photo", {"name": "窗台.jpg", "mimeType": "image/jpeg", "buffer": photo()})
    expect(page.locator("#sheet [data-taken] img")).to_have_count(1)
    look(page, "e3-defect")
    page.tap("#sheet button.btn-primary")
    expect(page.locator("#defects")).to_contain_text("窗台石材崩角")
    for _space in page.locator(".ins-space").all():
        with page.expect_navigation():  # the next space with something left opens by itself
            page.tap(".ins-space[open] .ins-rest button:visible")
    for number, (kind, value) in enumerate((("water", "3.20"), ("electricity", "12.5"))):
        if number:
            page.tap("#meters details:has(form[action$='/inspection/meters']) > summary")
        page.select_option("#meters [name=kind]", kind)
        page.fill("#meters [name=number]", f"M-{number}")
        page.fill("#meters form[action$='/meters'] [name=value]", value)
        page.tap("#meters form[action$='/meters'] button.btn-primary")
        expect(page.locator("#meters")).to_contain_text(f"M-{number}")
    draw(page, "form[action$='/inspection/sign']")
    page.tap("form[action$='/inspection/sign'] button.btn-primary")
    look(page, "e4-signed")
    page.tap("#conclusion details:has(form[action$='/conclude/accept_with_defects']) > summary")
    page.tap("form[action$='/conclude/accept_with_defects'] button")
    expect(page.locator("#conclusion strong").first).to_contain_text("条件")
    look(page, "e5-concluded")


def photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (800, 600), (150, 160, 170)).save(out, "JPEG")
    return out.getvalue()


def hand_over_the_keys(page: Page) -> None:
    """Keys only after the conclusion, against signature (MI-11)."""
    page.click("form[action$='/keys/usual'] button")
    sign(page, "F13")
    look(page, "f1-keys")
    step(page, "hand_over_keys")
    expect(page.locator("main .badge").first).to_have_text("已办结")
    look(page, "f2-completed")


def look_at_the_six_records(page: Page) -> None:
    """MI-02: registration, sign-off, receipts, service and fee record are reachable; only the service is still to be done."""
    kept = page.locator("section[aria-labelledby=records-title] a")
    assert [text.split()[0] for text in kept.all_inner_texts()] == ["F10", "F11", "F12", "F13", "F14", "F15"]
    expect(kept.locator(".text-success")).to_have_count(5)
    expect(kept.nth(4)).to_contain_text("待办 1 项")


def print_the_pack(page: Page) -> None:
    """One PDF of everything: a bookmark per paper, pages numbered through, in both languages."""
    page.select_option("#pack-language", "both")
    page.click("form[action$='/papers/pack'] button")
    look(page, "g1-printing")
    link = page.locator("main a:has-text('.pdf')")
    link.wait_for(timeout=90_000)
    look(page, "g2-printed")
    pdf = page.context.request.get(link.get_attribute("href") or "").body()
    if SHOTS:
        (Path(SHOTS) / "pack.pdf").write_bytes(pdf)
    reader = PdfReader(io.BytesIO(pdf))
    marks = [str(entry["/Title"]) for entry in reader.outline if not isinstance(entry, list)]
    assert len(marks) == len(set(marks)) == 18
    for number, sheet in enumerate(reader.pages, 1):
        assert f"Packpage{number}of{len(reader.pages)}" in re.sub(r"\s", "", sheet.extract_text())
    page.click("main a:has-text('继续')")  # back to the case
    expect(page.locator(".gj-timeline li").first).to_contain_text("F16-")
    text = text_of(pdf)
    for expected in (UNIT, OWNER, IN_WORDS, "窗台石材崩角", "代办燃气开通", "Packpage"):
        assert expected in text


def reprint(page: Page, receipt: bytes) -> None:
    """What was issued once stays: printed again it is the same, byte for byte."""
    page.goto("/papers/")
    look(page, "g3-papers")
    page.click("tr:has-text('F12') a >> nth=0")
    look(page, "g4-paper")
    assert printed(page, "form[action$='/reprint'] button") == receipt


def verify(page: Page, stranger: Page) -> None:
    """Whoever scans the code of a paper sees without login that it holds."""
    stranger.goto(page.get_attribute("a[href*='/verify/']", "href") or "")
    expect(stranger.locator("main")).to_contain_text("有效")
    expect(stranger.locator("main")).to_contain_text(UNIT)
    expect(stranger.locator("body")).not_to_contain_text(OWNER)
    look(stranger, "g5-verified")
