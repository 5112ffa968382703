"""A served installation for real browsers: CSRF and CSP on, a worker beside it, Chinese as its language.

Estate 1 has a move-in at every state, for the tests of pages; estate 2 is empty, for the journey from the workbook to
the pack. Every page that a test opens is watched: an error of a script, a refused resource or a violation of the
content security policy fails the test. With ``GUANJIA_TEST_SHOTS=FOLDER`` pictures of the pages are written there.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

import config
from app.core.access.accounts import create_account
from app.core.access.actor import acting, system_actor
from app.core.access.roles import Role
from app.core.jobs.worker import run_worker
from app.core.records.estate import Estate
from app.extensions import db
from app.modules.estates.services import create_estate
from app.modules.fees.queries import bills_of
from app.modules.movein.states import CaseState
from tests.conftest import PASSWORD, migrated_app, new_database
from tests.movein import factories as make

SHOTS = os.environ.get("GUANJIA_TEST_SHOTS")
DESK = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
PATIENCE = 60_000
"""Milliseconds that anybody waits for anything at most; nobody does on an idle machine."""
expect.set_options(timeout=PATIENCE)
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Programs, the first that is there; the one without windows of its own takes half the time for a page."""

STAFF = {
    "admin": Role.SYSTEM_ADMINISTRATOR,
    "reception": Role.RECEPTIONIST,
    "cashier": Role.CASHIER,
    "inspector": Role.INSPECTOR,
}
"""The staff of the empty estate."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs a browser."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)


class Quiet(WSGIRequestHandler):
    """A request line in the log for every style sheet tells nobody anything."""

    def log(self, *said: object) -> None:
        pass


@pytest.fixture(scope="session")
def site(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """The installation: ``address``, and ``cases`` of estate 1 by state (ids of case, unit and bill) and one that is
    ``ready`` for its next step, the served ``app``."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copy(app.config["GUANJIA"].keys_file, folder)  # a process has one keyring
    for database in new_database(folder):
        served = migrated_app(config.Settings(instance_dir=folder, database_url=database, language="zh"))
        server = make_server("127.0.0.1", 0, served, threaded=True, request_handler=Quiet)
        address = f"http://127.0.0.1:{server.server_port}"
        served.config["GUANJIA"] = dataclasses.replace(served.config["GUANJIA"], public_url=address)
        with served.app_context(), acting(system_actor(estate_id=1)):
            cases = _furnish()
            db.session.commit()
        stop = threading.Event()
        threads = [
            threading.Thread(target=server.serve_forever, name="server"),
            threading.Thread(target=run_worker, args=(served, stop), name="worker"),
        ]
        for thread in threads:
            thread.start()
        yield SimpleNamespace(address=address, cases=cases, app=served)
        stop.set()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
        with served.app_context():
            db.engine.dispose()


def _furnish() -> dict[str, SimpleNamespace]:
    """The two estates with their accounts, and the move-ins of the first."""
    full, empty = (
        create_estate(
            db.session, actor=system_actor(), code=code, name_zh=zh, name_en=en,
            company_zh="安居物业服务有限公司", company_en="Anju Property Service Co., Ltd.",
            developer_zh="安居置业有限公司", developer_en="Anju Development Co., Ltd.", service_phone="010-12345678",
        )
        for code, zh, en in (("T1", "测试花园", "Test Gardens"), ("YQ", "云栖花园", "Yunqi Gardens"))
    )  # fmt: skip
    _employ("manager", Role.MANAGER, full)
    _employ("manager-en", Role.MANAGER, full, language="en")
    _employ("desk", Role.RECEPTIONIST, full)
    _employ("supervisor", Role.CS_SUPERVISOR, full)
    _employ("gate", Role.SECURITY, full)
    for username, role in STAFF.items():
        _employ(username, role, empty)
    cases = {}
    for state in CaseState:
        case = make.case_at(db.session, state)
        db.session.flush()
        bill = bills_of(db.session, case) if state in (CaseState.SIGNING, CaseState.COMPLETED) else []
        cases[state.value] = SimpleNamespace(id=case.id, unit=case.unit_id, bill=bill[0].id if bill else None)
    ready = make.new_case(db.session, owner=None)
    make.check_papers(db.session, ready)
    cases["ready"] = SimpleNamespace(id=ready.id, unit=ready.unit_id, bill=None)
    return cases


def _employ(username: str, role: Role, estate: Estate, language: str = "zh") -> None:
    create_account(
        db.session, username=username, name=role.value, password=PASSWORD, roles=[role], estates=[estate],
        language=language, actor=system_actor(),
    )  # fmt: skip


@contextmanager
def browsing() -> Iterator[Browser]:
    """A browser for the thread that asks."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert program, "Chromium is missing; `make setup-test` installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


Visit = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, site: SimpleNamespace) -> Iterator[Visit]:
    """``visit(username=…, phone=True, …)``: a page of a fresh browser, logged in when a user name is given."""
    with visiting(chromium, site.address) as open_page:
        yield open_page


@contextmanager
def visiting(browser: Browser, address: str, patience: float = PATIENCE) -> Iterator[Visit]:
    """Opens pages of an installation for a while and watches them; ``patience``: milliseconds to wait for anything."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        page.on("console", note)

    def note(said: ConsoleMessage) -> None:
        place = said.location.get("url", "")
        # 422: a form that came back with something to correct; a network that the test took away; the browser asks for an
        # icon beside a PDF
        meant = "status of 422" in said.text or "net::ERR_INTERNET_DISCONNECTED" in said.text
        if said.type == "error" and not meant and not place.endswith("/favicon.ico"):
            problems.append(f"{place}: {said.text}")

    def open_page(username: str = "", *, phone: bool = False, **options: Any) -> Page:
        options = (
            {"viewport": PHONE, "has_touch": True, "is_mobile": True} | options
            if phone
            else {"viewport": DESK} | options
        )
        context = browser.new_context(base_url=address, locale="zh-CN", reduced_motion="reduce", **options)
        contexts.append(context)
        context.on("page", watch)
        page = context.new_page()
        page.set_default_timeout(patience)
        if username:
            log_in(page, username)
        return page

    try:
        yield open_page
    finally:
        for context in contexts:
            context.close()
    assert not problems


def log_in(page: Page, username: str) -> None:
    page.goto("/login/")
    page.fill("#username", username)
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/")


def look(page: Page, name: str) -> None:
    """Keep pictures of the page at the width of a desk and of a phone, when somebody asked for them."""
    if not SHOTS:
        return
    size = page.viewport_size
    for width, height in ((1440, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(SHOTS) / f"{name}-{width}.png", full_page=True)
    if size:
        page.set_viewport_size(size)
