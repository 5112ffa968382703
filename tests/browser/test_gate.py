"""A goods release from the counter to the gate: entered and signed at the desk, scanned and let pass on a phone (DU-17)."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.core.access.actor import acting, system_actor
from app.core.papers.models import Paper
from app.core.papers.services import issue
from app.core.registry import registry
from app.extensions import db
from app.modules.goods.models import GoodsRelease
from tests.browser.conftest import Visit, look


@pytest.mark.clause("DU-17")
def test_goods_pass_the_gate_once(visit: Visit, site: SimpleNamespace) -> None:
    desk = visit("desk")
    unit = site.cases["completed"].unit
    desk.goto(f"/goods-releases/new?unit_id={unit}")
    for name, value in (
        ("applicant", "tenant"),
        ("id_kind", "passport"),
        ("confirmation", "signature"),
        ("reason", "moving_out"),
    ):
        desk.select_option(f"[name={name}]", value)
    desk.fill("[name=applicant_name]", "Ann Lee")
    desk.check("[name=id_seen]")
    desk.click("[data-add-row]")
    lines = desk.locator("[data-row]")
    expect(lines).to_have_count(4)
    for place, goods in enumerate(("Sofa", "Piano", "Lamp", "Desk")):
        lines.nth(place).locator("input").first.fill(goods)
    look(desk, "goods-form")
    desk.click("form.gj-form button.btn-primary")
    desk.locator("summary", has_text="签字").click()
    desk.fill("[name=signer]", "张三")
    pad = desk.locator(".signature-pad canvas")
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    desk.mouse.move(box["x"] + 20, box["y"] + 30)
    desk.mouse.down()
    desk.mouse.move(box["x"] + 120, box["y"] + 60, steps=4)
    desk.mouse.up()
    desk.click("text=保存签字")
    desk.locator("summary", has_text="签发放行条").click()
    desk.locator(".gj-step-body button", has_text="签发放行条").click()
    expect(desk.locator("main")).to_contain_text("已签发，待门岗放行")
    number = int(desk.url.rstrip("/").rpartition("/")[2].partition("?")[0])
    with site.app.app_context(), acting(system_actor(estate_id=1)):
        release = db.session.get_one(GoodsRelease, number)
        assert [row["name"] for row in release.items] == ["Sofa", "Piano", "Lamp", "Desk"]
        assert release.unit_id == unit
        issue(db.session, registry().papers["DU-17"], release, language="both", actor=system_actor(estate_id=1))
        code = db.session.scalars(select(Paper.verification_code).where(Paper.number == release.number)).one()
        db.session.commit()
        db.session.remove()

    gate = visit("gate", phone=True)
    gate.goto(f"/verify/{code}")
    gate.click("text=打开")
    expect(gate.locator("#gate-title")).to_be_in_viewport()
    assert gate.evaluate("document.documentElement.scrollWidth") <= 390
    look(gate, "goods-gate")
    gate.locator("summary", has_text="与清单相符").click()
    gate.locator(".gj-step-body button", has_text="放行").first.click()
    expect(gate.locator("main")).to_contain_text("门岗已放行")
    expect(gate.locator("summary", has_text="与清单相符")).to_have_count(0)
    stranger = visit(phone=True)
    stranger.goto(f"/verify/{code}")
    expect(stranger.locator("body")).to_contain_text("Released at the gate: this paper no longer serves.")
