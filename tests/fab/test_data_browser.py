"""What only a browser can show: keys, confirmation, searching selects, drafts, one submit, no layout wider than a phone."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(shop: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, shop, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium: Browser, address: str) -> Iterator[Page]:
    context = chromium.new_context(base_url=address, viewport={"width": 1280, "height": 800}, color_scheme="light")
    page = context.new_page()
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None)
    page.goto("/login/?next=/toys/")
    page.fill("#username", "manager")
    page.fill("#password", "correct-horse-9")
    page.press("#password", "Enter")
    page.wait_for_url("**/toys/")
    yield page
    context.close()
    assert not problems


def test_slash_goes_to_the_search_box_and_the_theme_is_remembered(page, stock):
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.press("Escape")
    page.click("[data-theme-toggle]")
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_a_cancelled_delete_never_happens_later(page, stock, item_of):
    pk = stock("A1")
    page.goto(f"/toys/{pk}")
    delete = page.get_by_role("button", name="Delete")
    delete.click()
    page.keyboard.press("Escape")
    delete.click()
    page.get_by_role("button", name="Cancel").click()
    page.goto("/toys/")
    page.goto(f"/toys/{pk}")
    assert item_of("A1") is not None
    delete.click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text("“A1” was deleted.")).to_be_visible()
    assert item_of("A1") is None


def test_a_record_is_entered_by_keyboard_with_a_searching_select(page, stock, item_of):
    page.goto("/toys/new")
    page.fill("#code", "K1")
    page.press("#name", "Tab")
    page.keyboard.type("T1-2")
    expect(page.locator(".ts-dropdown .option")).to_have_text(["T1-2"])
    page.keyboard.press("Enter")
    page.select_option("#ware", "cup")
    page.fill("#price", "3.50")
    page.press("#price", "Enter")
    page.wait_for_url(re.compile(r"/toys/\d+$"))
    assert item_of("K1").shelf_id == 2


def test_what_was_typed_survives_an_expired_session(page, stock, shop, item_of):
    pk = stock("A1", name="Old", phone="13812345678")
    page.goto(f"/toys/{pk}/edit")
    page.fill("#name", "Typed for a long time")
    page.fill("#phone", "13912345679")
    page.context.clear_cookies()
    page.click("button:has-text('Save')")
    page.wait_for_url("**/login/**")
    assert "1391" not in page.evaluate("JSON.stringify(sessionStorage)")
    page.fill("#username", "manager")
    page.fill("#password", "correct-horse-9")
    page.press("#password", "Enter")
    page.wait_for_url(f"**/toys/{pk}/edit")
    expect(page.locator("#name")).to_have_value("Typed for a long time")
    expect(page.get_by_text("has been put back")).to_be_visible()
    page.click("button:has-text('Save')")
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert item_of("A1").name == "Typed for a long time" and item_of("A1").phone == "13812345678"
    page.goto(f"/toys/{pk}/edit")
    expect(page.get_by_text("has been put back")).to_have_count(0)


def test_the_summary_of_mistakes_is_focused_and_leads_to_the_fields(page, stock):
    page.goto("/toys/new")
    page.click("button:has-text('Save')")
    expect(page.locator("[data-focus-first]")).to_be_focused()
    page.click(".alert-link >> text=Code")
    expect(page.locator("#code")).to_be_focused()
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    page.click(".alert-link >> text=Shelf")
    expect(page.locator("#shelf_id-ts-control")).to_be_focused()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(
    "path", ["/toys/?ware=cup", "/toys/?code=nothing", "/toys/new?submit", "/toys/{pk}", "/toys/{pk}/edit"]
)
def test_axe_finds_nothing_serious(page, stock, path, theme):
    pk = stock("A1", name="Old")
    page.evaluate("theme => localStorage.setItem('theme', theme)", theme)
    page.goto(path.format(pk=pk))
    if path.endswith("submit"):
        page.click("button:has-text('Save')")
    page.wait_for_timeout(300)
    found = Axe().run(page).response["violations"]
    serious = [v for v in found if v["impact"] in {"serious", "critical"}]
    assert not serious, [
        (v["id"], [n["html"][:150] + n["failureSummary"][:200] for n in v["nodes"]][:3]) for v in serious
    ]


@pytest.mark.parametrize("path", ["/toys/", "/toys/new", "/toys/{pk}", "/toys/{pk}/edit"])
def test_nothing_is_wider_than_a_phone_and_targets_fit_a_thumb(page, stock, path):
    pk = stock("A1", name="A name as long as it may be 30")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(path.format(pk=pk))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    small = page.evaluate(
        "[...document.querySelectorAll('main .btn, main input:not([type=hidden]):not([type=checkbox]), main select')]"
        ".filter(e => e.checkVisibility() && !e.closest('.ts-wrapper') && e.getBoundingClientRect().height < 40)"
        ".map(e => e.outerHTML.slice(0, 90))"
    )
    assert not small
