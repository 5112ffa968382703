"""The inspection with a thumb on a phone, and its matrix on a desk (MI-10, MI-11)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Page, expect
from sqlalchemy import func, select

from app.core.access.actor import acting, system_actor
from app.core.files.models import Attachment
from app.core.files.services import content
from app.extensions import db
from app.modules.movein import inspection
from app.modules.movein.models import Defect, InspectionItem, MoveInCase
from app.modules.movein.states import CaseState
from tests.browser.conftest import Visit, look
from tests.movein import factories as make


@pytest.fixture
def stored(site: SimpleNamespace) -> Callable[[Callable[[], Any]], Any]:
    """Run a function inside the served application, as the system in estate 1."""

    def run(work: Callable[[], Any]) -> Any:
        with site.app.app_context(), acting(system_actor(estate_id=1)):
            found = work()
            db.session.commit()
            return found

    return run


@pytest.fixture
def case(stored: Callable[[Callable[[], Any]], Any]) -> int:
    """A move-in at its inspection with meters read and the round open; its id."""

    def make_one() -> int:
        case = make.case_at(db.session, CaseState.INSPECTION)
        inspection.open_round(db.session, case, actor=make.SYSTEM)
        return case.id

    return stored(make_one)


def results(pk: int) -> dict[str, int]:
    rows = db.session.execute(
        select(InspectionItem.result, func.count()).where(InspectionItem.case_id == pk).group_by(InspectionItem.result)
    )
    return {str(result or ""): count for result, count in rows}


def picture(folder: Path) -> Path:
    path = folder / "裂缝.jpg"
    image = Image.effect_noise((2600, 1950), 90).convert("RGB")
    ImageDraw.Draw(image).line((300, 0, 1800, 1900), fill="black", width=40)
    image.save(path, "JPEG", quality=95)
    return path


def draw(page: Page, root: str) -> None:
    pad = page.locator(f"{root} canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box
    points = [
        (box["x"] + box["width"] * x, box["y"] + box["height"] * y)
        for x, y in ((0.2, 0.7), (0.4, 0.2), (0.5, 0.8), (0.8, 0.3))
    ]
    page.mouse.move(*points[0])
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(x, y, steps=5)
    page.mouse.up()


def fits(page: Page) -> None:
    """Nothing is wider than the screen."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.clause("MI-10")
@pytest.mark.clause("MI-11")
def test_a_unit_is_inspected_with_a_phone(visit: Visit, case: int, stored: Any, tmp_path: Path) -> None:
    page = visit("manager", phone=True)
    page.goto(f"/move-ins/{case}/inspection")
    fits(page)
    look(page, "i1-start")
    space = page.locator("details.ins-space").first
    expect(space).to_have_attribute("open", "")
    first = space.locator(".ins-row").first
    height = first.locator(".ins-b").first.bounding_box()
    assert height and height["height"] >= 44
    first.locator(".ins-pass").tap()
    expect(first.locator(".ins-pass")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-state]")).to_have_text("已全部保存")
    assert stored(lambda: results(case))["pass"] == 1

    second = space.locator(".ins-row").nth(1)
    second.locator(".ins-fail").tap()
    sheet = page.locator("#sheet")
    expect(sheet).to_be_visible()
    due = sheet.locator("[name=due_on]").input_value()
    sheet.locator(".ins-choice", has_text="结构安全").tap()
    assert sheet.locator("[name=due_on]").input_value() < due
    sheet.locator(".ins-choice", has_text="一般").tap()
    assert sheet.locator("[name=due_on]").input_value() == due
    sheet.locator("[name=description]").fill("墙面有裂缝")
    for _shot in range(2):
        sheet.locator("#defect-photo").set_input_files(picture(tmp_path))
    expect(sheet.locator("[data-taken] img")).to_have_count(2)
    look(page, "i2-sheet")
    sheet.locator("button.btn-primary").tap()
    expect(page.locator("#defects")).to_contain_text("墙面有裂缝")
    defect, files = stored(lambda: _defect(case))
    assert defect == "墙面有裂缝" and [kind for kind, _wide, _size in files] == ["image/jpeg"] * 2
    assert all(wide <= 2000 and size < 2_500_000 for _kind, wide, size in files)

    while page.locator(".ins-rest .btn:not([hidden])").count():
        opened = page.locator("details.ins-space[open] .ins-rest .btn:not([hidden])")
        if not opened.count():
            page.locator("details.ins-space:has(.ins-rest .btn:not([hidden])) summary").first.tap()
        with page.expect_navigation():
            page.locator("details.ins-space[open] .ins-rest .btn:not([hidden])").first.tap()
    assert "" not in stored(lambda: results(case))

    for kind, value in (("water", "3.5"), ("electricity", "12")):
        add = page.locator("#meters details").last
        if add.get_attribute("open") is None:
            add.locator("summary").tap()
        add.locator("[name=kind]").select_option(kind)
        add.locator("[name=number]").fill(f"{kind}-1")
        add.locator("[name=value]").fill(value)
        with page.expect_navigation():
            add.locator("button.btn-primary").tap()

    signing = "#conclusion [data-signature]"
    page.locator("#conclusion form[action$='/sign'] button.btn-primary").click()
    expect(page.locator(f"{signing} [data-signature-hint]")).to_be_visible()
    draw(page, signing)
    page.set_viewport_size({"width": 844, "height": 390})
    page.set_viewport_size({"width": 390, "height": 844})
    look(page, "i3-signed")
    with page.expect_navigation():
        page.locator("#conclusion form[action$='/sign'] button.btn-primary").click()
    expect(page.locator("#conclusion")).to_contain_text("张三 已签")

    page.locator(".ins-offers details:has(form[action$='/conclude/accept_with_defects']) summary").tap()
    with page.expect_navigation():
        page.locator("form[action$='/conclude/accept_with_defects'] button").tap()
    assert stored(lambda: db.session.get(MoveInCase, case).state) == CaseState.KEYS
    fits(page)
    look(page, "i4-done")


def _defect(pk: int) -> tuple[str, list[tuple[str, int, int]]]:
    defect = db.session.scalars(select(Defect).where(Defect.case_id == pk)).one()
    photos = db.session.scalars(
        select(Attachment).where(Attachment.record_type == "movein_defect", Attachment.record_id == defect.id)
    )
    files = []
    for photo in photos:
        with Image.open(io.BytesIO(content(photo.stored_file))) as image:
            files.append((photo.stored_file.media_type, max(image.size), photo.stored_file.size))
    return defect.description, files


def test_taps_survive_a_lost_network_and_a_reload(visit: Visit, case: int, stored: Any) -> None:
    page = visit("manager", phone=True)
    page.goto(f"/move-ins/{case}/inspection")
    taps = re.compile(r"/inspection/taps$")
    page.route(taps, lambda route: route.fulfill(status=202, body=""))  # no answer of ours
    rows = page.locator("details.ins-space").first.locator(".ins-row")
    for place in range(3):
        rows.nth(place).locator(".ins-pass").tap()
    rows.nth(0).locator(".ins-not_applicable").tap()
    expect(rows.nth(0).locator(".ins-not_applicable")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("[data-state]")).to_contain_text("3")
    assert stored(lambda: results(case)).keys() == {""}
    page.unroute(taps)
    page.reload()
    expect(page.locator("[data-state]")).to_have_text("已全部保存")
    assert stored(lambda: {k: v for k, v in results(case).items() if k}) == {"pass": 2, "not_applicable": 1}


def test_without_script_the_buttons_post_their_form(visit: Visit, case: int, stored: Any) -> None:
    page = visit(phone=True, storage_state=_login(visit), java_script_enabled=False)
    page.goto(f"/move-ins/{case}/inspection")
    page.locator("details.ins-space").first.locator(".ins-row .ins-pass").first.tap()
    page.wait_for_url("**/inspection?space=**")
    assert stored(lambda: results(case))["pass"] == 1


def _login(visit: Visit) -> Any:
    return visit("manager").context.storage_state()


def test_the_matrix_on_a_desk(visit: Visit, case: int, stored: Any) -> None:
    page = visit("manager")
    page.goto(f"/move-ins/{case}/inspection")
    expect(page.locator(".ins-matrix")).to_be_visible()
    expect(page.locator(".ins-spaces")).to_be_hidden()
    cell = page.locator(".ins-cell").first
    cell.click()
    expect(cell).to_have_attribute("data-result", "pass")
    cell.click()
    expect(cell).to_have_attribute("data-result", "fail")
    expect(page.locator("[data-state]")).to_have_text("已全部保存")
    assert stored(lambda: results(case))["fail"] == 1
    fits(page)
    look(page, "i5-matrix")
    page.click("[data-view-toggle]")
    expect(page.locator(".ins-spaces")).to_be_visible()
    page.select_option("#trade", "doors")
    assert page.locator(".ins-row:visible").count() == page.locator('.ins-row[data-trade="doors"]').count()


def test_lists_and_texts_look_right(visit: Visit, site: SimpleNamespace) -> None:
    page = visit("manager")
    for name, address in (
        ("i6-defects", "/defects/"), ("i7-services", "/entrusted-services/"), ("i8-texts", "/standing-texts/"),
        ("i9-editor", "/standing-texts/F07"), ("i10-lists", "/move-in-lists/"),
    ):  # fmt: skip
        page.goto(address)
        expect(page.locator("h1")).to_be_visible()
        fits(page)
        look(page, name)
    page.goto("/standing-texts/F07")
    sections = page.locator("section.card[aria-label]").count()
    page.click("button[value='section:']")
    expect(page.locator("section.card[aria-label]")).to_have_count(sections + 1)
    page.goto("/defects/")
    page.click("table tbody a >> nth=0")
    expect(page.locator("main")).to_contain_text("整改")
    look(page, "i11-defect")
    page.goto("/move-in-lists/?list_name=limits")
    page.click("table tbody a >> nth=0")
    look(page, "i12-entry")


def test_the_pad_undoes_clears_and_keeps_its_drawing(visit: Visit, case: int, tmp_path: Path) -> None:
    page = visit("manager")
    page.goto(f"/move-ins/{case}/inspection#conclusion")
    root = "#conclusion [data-signature]"
    value = page.locator(f"{root} [data-signature-value]")
    undo, clear = page.locator(f"{root} [data-signature-undo]"), page.locator(f"{root} [data-signature-clear]")
    expect(undo).to_be_disabled()
    draw(page, root)
    one = value.input_value()
    assert one.startswith("data:image/png;base64,")
    page.set_viewport_size({"width": 1000, "height": 700})
    assert ink(page, root) > 100
    page.locator(f"{root} canvas").click(position={"x": 30, "y": 30})
    assert value.input_value() != one
    undo.click()
    assert value.input_value() != ""
    clear.click()
    assert value.input_value() == "" and ink(page, root) == 0
    expect(clear).to_be_disabled()
    page.set_input_files(f"{root} [data-signature-scan]", picture(tmp_path))
    with page.expect_navigation():
        page.locator("#conclusion form[action$='/sign'] button.btn-primary").click()
    expect(page.locator("#conclusion")).to_contain_text("张三 已签")


def ink(page: Page, root: str) -> int:
    """Painted pixels of the pad as it is shown."""
    pixels = """canvas => { const d = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
        let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0; return n; }"""
    found: int = page.locator(f"{root} canvas").evaluate(pixels)
    return found
