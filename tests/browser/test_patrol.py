"""The round of the sites on a phone without a network: what was entered in a basement arrives later, once (RN-09)."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.core.access.accounts import create_account
from app.core.access.actor import acting, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.files.services import attachments_of
from app.core.records.estate import Estate
from app.extensions import db
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation
from tests.browser.conftest import Visit, look
from tests.conftest import PASSWORD
from tests.renovation import factories as make

STAFF = (
    Role.RECEPTIONIST, Role.CASHIER, Role.EQUIPMENT_SUPERVISOR, Role.MANAGER, Role.CS_SUPERVISOR, Role.SITE_ADMINISTRATOR,
    Role.SITE_SUPERVISOR,
)  # fmt: skip
"""Who brings a renovation to its site."""

Run = Callable[[Callable[[], Any]], Any]


@pytest.fixture
def run(site: SimpleNamespace) -> Run:
    """Run a function inside the served application, as the system in estate 1."""

    def work(what: Callable[[], Any]) -> Any:
        with site.app.app_context(), acting(system_actor(estate_id=1)):
            found = what()
            db.session.commit()
            return found

    return work


@pytest.fixture
def sites(run: Run) -> Iterator[list[tuple[int, str]]]:
    """Two active sites of estate 1, id and unit, in walking order."""

    def begin() -> list[tuple[int, str]]:
        estate = db.session.get_one(Estate, 1)
        taken = set(db.session.scalars(select(Account.username)))
        for role in STAFF:
            if role.value not in taken:
                create_account(
                    db.session, username=role.value, name=role.value, password=PASSWORD, roles=[role], estates=[estate],
                    language="zh", actor=system_actor(),
                )  # fmt: skip
        db.session.flush()
        return [(one.id, one.unit.code) for one in (make.under_way(db.session), make.under_way(db.session))]

    yield run(begin)


def photo() -> dict[str, Any]:
    picture = io.BytesIO()
    Image.effect_noise((1200, 900), 60).convert("RGB").save(picture, "JPEG", quality=90)
    return {"name": "corridor.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()}


def enter(page: Page, unit: str, *, stage: str, violation: str = "", findings: str = "") -> None:
    """Fill in the form of a visit and keep it."""
    page.locator(".pat-open", has_text=unit).first.click()
    form = page.locator("#visit form")
    form.locator(f'.ins-choice:has(input[value="{stage}"])').first.click()
    form.locator("#persons").fill("2")
    form.locator("#persons_with_pass").fill("1")
    if violation:
        form.locator(f'[data-point="{violation}"] .pat-violation').click()
        form.locator("#findings").fill(findings)
        form.locator("#visit-photo").set_input_files(photo())
        expect(form.locator("[data-taken] img")).to_have_count(1)
    form.locator("[data-rest]").click()
    look(page, f"patrol-form-{stage}")
    form.locator("button.btn-primary").click()
    expect(page.locator("#visit")).to_be_hidden()


@pytest.mark.clause("RN-09")
def test_visits_entered_without_a_network_arrive_exactly_once(
    visit: Visit, run: Run, sites: list[tuple[int, str]]
) -> None:
    page = visit("site_administrator", phone=True)
    page.goto("/renovation-patrols/round")
    look(page, "patrol-round")
    units = [unit for _id, unit in sites]
    lost: list[str] = []

    def arrive_unheard(route: Any) -> None:
        """The server keeps the visit, but its answer never reaches the phone."""
        lost.append(route.fetch().text())
        route.abort("internetdisconnected")

    page.context.set_offline(True)
    enter(page, units[0], stage="masonry")
    enter(page, units[1], stage="demolition", violation="corridor", findings="楼道堆放装修垃圾")
    expect(page.locator("[data-state]")).to_contain_text("2 条尚未发送")
    expect(page.locator(".pat-site.is-waiting")).to_have_count(2)
    look(page, "patrol-offline")

    page.route("**/renovation-patrols/round/*", arrive_unheard, times=1)
    page.context.set_offline(False)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("[data-state]")).to_have_text("全部已发送")
    assert lost
    expect(page.locator(".pat-site.is-waiting")).to_have_count(0)
    look(page, "patrol-sent")

    def stored() -> list[tuple[int, str, int, int, list[str], int]]:
        here = RenovationPatrol.renovation_id.in_([number for number, _unit in sites])
        visits = db.session.scalars(select(RenovationPatrol).where(here).order_by(RenovationPatrol.renovation_id))
        return [
            (v.renovation_id, v.stage.value, v.persons, v.persons_with_pass, v.violated,
             len(attachments_of(db.session, v, kind="photo")))
            for v in visits
        ]  # fmt: skip

    expected = [(sites[0][0], "masonry", 2, 1, [], 0), (sites[1][0], "demolition", 2, 1, ["corridor"], 1)]
    assert run(stored) == expected
    page.reload()
    expect(page.locator(".pat-site.is-done")).to_have_count(2)
    assert run(stored) == expected

    # One tap from the violation to the notice, filled in.
    page.locator(".pat-after .btn").click()
    expect(page.locator("#description")).to_have_value("楼道堆放与垃圾: 楼道堆放装修垃圾")
    look(page, "violation-form")
    page.fill("#requirement", "当日清运，恢复楼道畅通")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/renovation-violations/*")
    look(page, "violation-page")
    here = select(RenovationViolation).where(RenovationViolation.renovation_id == sites[1][0])
    assert run(lambda: [v.code.code for v in db.session.scalars(here)]) == ["R27"]


@pytest.mark.clause("RN-09")
def test_a_visit_that_is_refused_stays_in_the_phone_until_it_is_corrected(
    visit: Visit, run: Run, sites: list[tuple[int, str]]
) -> None:
    page = visit("site_supervisor", phone=True)
    page.goto("/renovation-patrols/round")
    page.route(
        "**/renovation-patrols/round/*",
        lambda route: route.fulfill(status=422, json={"refused": ["说明发现的问题。"]}),
        times=1,
    )
    unit = sites[0][1]
    enter(page, unit, stage="painting")
    expect(page.locator(".pat-site.is-refused")).to_contain_text("说明发现的问题。")
    page.reload()
    page.locator(".pat-open", has_text=unit).first.click()
    expect(page.locator("[data-refusal]")).to_contain_text("说明发现的问题。")
    page.locator("#findings").fill("墙面正在刷漆")
    page.locator("#visit form button.btn-primary").click()
    expect(page.locator("[data-state]")).to_have_text("全部已发送")
    kept = run(lambda: [(v.stage.value, v.findings) for v in db.session.scalars(
        select(RenovationPatrol).where(RenovationPatrol.renovation_id == sites[0][0]))])  # fmt: skip
    assert kept == [("painting", "墙面正在刷漆")]
