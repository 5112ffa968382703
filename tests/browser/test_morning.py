"""A morning at the desk: found, opened, decided, commented, handed over and exported without a mouse; then on a phone."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import pytest
from playwright.sync_api import Page, expect

from app.core.access.actor import acting, system_actor
from app.extensions import db
from app.modules.estates.models import Unit
from tests.browser.conftest import Visit, look


@pytest.fixture(scope="module")
def unit_code(site: SimpleNamespace) -> str:
    """Code of the unit whose move-in is ready for its next step."""
    with site.app.app_context(), acting(system_actor()):
        code: str = db.session.get_one(Unit, site.cases["ready"].unit).code
        db.session.remove()
    return code


def test_a_morning_by_keyboard(visit: Visit, site: SimpleNamespace, unit_code: str, tmp_path: Path) -> None:
    page = visit("desk")
    search(page, unit_code)
    decide(page, unit_code)
    comment(page, site)
    hand_over(page, unit_code)
    export(page, unit_code, tmp_path)
    colleague = visit("supervisor")
    was_told(colleague, unit_code)


def test_the_queue_on_a_phone(visit: Visit) -> None:
    page = visit("supervisor", phone=True)
    page.goto("/?tab=all")
    line = page.locator(".gj-work", has=page.locator(".gj-take")).first
    name = line.get_attribute("id")
    line.locator("[data-line]").tap()
    expect(page.locator(f"#{name} .gj-work-forms")).to_be_visible()
    look(page, "m1-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing is wider than the phone"
    button = page.locator(f"#{name} .gj-take button")
    box = button.bounding_box()
    assert box
    assert box["height"] >= 40
    button.tap()
    expect(page.locator(f"#{name} .gj-take")).to_have_count(0)
    page.goto("/?tab=mine")
    expect(page.locator(f"#{name}")).to_be_visible()


def search(page: Page, code: str) -> None:
    """``/``, a unit code, the arrow, Enter: the household."""
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type(code)
    expect(page.get_by_role("link", name=code).first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/households/*")
    expect(page.locator("h1")).to_contain_text(code)


def line_of(page: Page, code: str) -> str:
    """Walk the queue down with ``j`` until the line of the unit has the focus; returns its name."""
    for _ in range(60):
        page.keyboard.press("j")
        found = page.evaluate(
            "code => { const line = document.activeElement.closest('.gj-work');"
            " return line && line.querySelector('strong')?.textContent === code ? line.id : '' }",
            code,
        )
        if found:
            return str(found)
    raise AssertionError(f"no line of {code}")


def tab_to(page: Page, text: str) -> None:
    """Press Tab until the thing that reads ``text`` has the focus."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if text in page.evaluate("document.activeElement.textContent.trim()"):
            return
    raise AssertionError(f"{text} cannot be reached by keyboard")


def decide(page: Page, code: str) -> None:
    """Open the line, make its transition there, and find its next step in the same line."""
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.wait_for_url("**/")
    page.goto("/?tab=role")
    name = line_of(page, code)
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name} .gj-work-forms")).to_be_visible()
    look(page, "m2-opened")
    tab_to(page, "资料审核通过")
    page.keyboard.press("Enter")
    tab_to(page, "资料审核通过")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name} .gj-work-next")).to_contain_text("登记完成")


def comment(page: Page, site: SimpleNamespace) -> None:
    """On the case: a comment that mentions a colleague, sent by Ctrl+Enter."""
    page.goto(f"/move-ins/{site.cases['ready'].id}")
    page.locator("#comment-text").focus()
    page.keyboard.type("业主下午来签字，@super")
    expect(page.locator("#mentions")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.type("请准备资料。")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#happenings")).to_contain_text("业主下午来签字")
    look(page, "m3-comment")


def hand_over(page: Page, code: str) -> None:
    page.goto("/?tab=role")
    name = line_of(page, code)
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name} .gj-work-forms")).to_be_visible()
    tab_to(page, "转交")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("cs_supervisor")
    page.keyboard.press("Tab")
    page.keyboard.type("我下午外出")
    page.keyboard.press("Enter")
    expect(page.locator(f"#{name} .gj-work-who")).to_contain_text("cs_supervisor")


def export(page: Page, code: str, folder: Path) -> None:
    """The list of units, filtered, as CSV: exactly the lines shown."""
    page.goto(f"/units/?code={code}")
    tab_to(page, "导出")
    page.keyboard.press("Enter")
    tab_to(page, "CSV")
    with page.expect_download() as started:
        page.keyboard.press("Enter")
    started.value.save_as(folder / "units.csv")
    rows = list(csv.reader((folder / "units.csv").read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == 2
    assert code in rows[1]


def was_told(page: Page, code: str) -> None:
    """The colleague finds two notices, and the work under “mine”."""
    page.goto("/notices/")
    expect(page.locator("main")).to_contain_text("转交给您")
    expect(page.locator("main")).to_contain_text("提到了您")
    look(page, "m4-notices")
    page.goto("/?tab=mine")
    line_of(page, code)
