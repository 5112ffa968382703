"""The pages of the move-in as people with and without a mouse, in the dark, on a phone and in either language meet them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from app.modules.movein.states import CaseState
from tests.browser.conftest import Visit, log_in, look


@pytest.fixture(scope="session")
def pages(site: SimpleNamespace) -> dict[str, str]:
    """Addresses by name; a case page for every step."""
    done, signing = site.cases["completed"], site.cases["signing"]
    return {
        "home": "/",
        "search": "/search?q=M",
        "units": "/units/",
        "household": f"/households/{done.unit}",
        "move-ins": "/move-ins/",
        **{f"case-{state.value}": f"/move-ins/{site.cases[state].id}" for state in CaseState},
        "case-services": f"/move-ins/{signing.id}?step=services",
        "inspection": f"/move-ins/{site.cases['inspection'].id}/inspection",
        "inspected": f"/move-ins/{done.id}/inspection",
        "bill": f"/bills/{signing.bill}",
        "new-bill": f"/bills/new?unit={signing.unit}",
        "import": "/imports/estate/",
    }


def faults(page: Page, name: str) -> list[str]:
    """What axe finds serious or critical, with the rule and the first places."""
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{name}: {fault['id']} ({fault['impact']}): {[node['html'][:160] for node in fault['nodes'][:3]]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize(("username", "scheme"), [("manager", "light"), ("manager-en", "dark")])
def test_nothing_keeps_people_out(visit: Visit, pages: dict[str, str], username: str, scheme: str) -> None:
    page = visit(color_scheme=scheme)
    page.goto("/login/")
    found = faults(page, "login")
    look(page, f"p-login-{scheme}")
    log_in(page, username)
    for name, address in pages.items():
        answer = page.goto(address)
        assert answer and answer.status == 200, address
        found += faults(page, name)
        look(page, f"p-{name}-{scheme}")
    assert not found, "\n".join(found)


def test_nothing_is_wider_than_a_phone(visit: Visit, pages: dict[str, str]) -> None:
    page = visit("manager", phone=True)
    wide = []
    for name, address in pages.items():
        page.goto(address)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > 390:
            wide.append(f"{name}: {width}")
    assert not wide


def test_a_household_is_reached_without_a_mouse(visit: Visit, site: SimpleNamespace) -> None:
    page = visit("manager")
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("张三")
    hits = page.locator(".search-hit")
    expect(hits.nth(1)).to_be_visible()
    page.keyboard.press("ArrowDown")
    expect(hits.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(hits.nth(1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    address = hits.nth(0).get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address}")


def test_the_language_of_the_page_follows_the_choice(visit: Visit) -> None:
    page = visit("manager")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.click("header form[action$='/en'] button")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator("#search")).to_have_attribute("placeholder", "Unit, name, phone, plate, number")
    page.click("header form[action$='/zh'] button")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


def test_after_the_logout_the_back_button_shows_nothing(visit: Visit, pages: dict[str, str]) -> None:
    page = visit("manager")
    answer = page.goto(pages["household"])
    assert answer and "no-store" in answer.headers["cache-control"]
    page.click("header .dropdown:last-child > button")
    page.click("form[action*='logout'] button")
    page.wait_for_url("**/login/**")
    page.go_back()
    page.wait_for_url("**/login/**")
    expect(page.locator("#password")).to_be_visible()
