"""Role × record: on the demo estate everybody opens what their rights give them, and nobody a record of another estate."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

import config
from app.core.access.accounts import create_account
from app.core.access.actor import acting, system_actor
from app.core.access.demo import DEMO_ACCOUNTS, DEMO_PASSWORD
from app.core.access.roles import Role
from app.core.records.estate import Estate
from app.core.registry import registry
from app.extensions import db
from app.fab.views import record_views
from app.modules.estates.services import create_estate
from tests.conftest import PASSWORD, migrated_app

pytestmark = pytest.mark.slow

SELDOM = {
    "CalendarDayView", "DutyReportView", "KeySetView", "OutboxView", "PaperView", "RenovationReportView", "VehicleView", "WebhookView",
}  # fmt: skip
"""Views of what an estate may well do without."""

BETWEEN_PEOPLE = {"DelegationView", "MoveInBatchView"}
"""Views whose records only those concerned and their managers open, whatever the right says."""

OF_THE_INSTALLATION = {"AccountView"}
"""Views whose records belong to no estate; the system administrator of any estate manages them."""

OF_ONES_OWN = {"PaperTemplatePage.restore"}
"""Routes whose number counts the versions of one's own estate."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory, database_maker: Callable) -> Iterator[Flask]:  # type: ignore[type-arg]
    """The demo estate, and beside it an empty estate in which ``outsider`` holds every role."""
    from app.desk.demo import load_demo

    folder = tmp_path_factory.mktemp("demo")
    for address in database_maker(folder):
        site = migrated_app(config.Settings(instance_dir=folder, database_url=address, language="en", demo=True))
        site.config["WTF_CSRF_ENABLED"] = False
        with site.app_context(), acting(system_actor()):
            load_demo()
            away = create_estate(
                db.session, actor=system_actor(), code="AWAY", name_zh="别处", name_en="Elsewhere", company_zh="物业",
                company_en="Co.",
            )  # fmt: skip
            create_account(
                db.session, username="outsider", name="Outsider", password=PASSWORD, roles=list(Role), estates=[away],
                actor=system_actor(),
            )  # fmt: skip
            db.session.commit()
        yield site
        with site.app_context():
            db.session.remove()
            db.engine.dispose()


def client(site: Flask, username: str, password: str):
    found = site.test_client()
    assert found.post("/login/", data={"username": username, "password": password}).status_code == 302
    return found


def first_records(site: Flask) -> dict[str, int]:
    """Id of one record of the demo estate for each record view that has one."""
    found = {}
    with site.test_request_context(), acting(system_actor()):
        estate_id = db.session.scalar(select(Estate.id).order_by(Estate.id))
        for name, view in record_views().items():
            model = view.datamodel.obj
            own = model.id == estate_id if model is Estate else model.estate_id == estate_id
            record_id = db.session.scalar(select(model.id).where(own, *view.scope()).order_by(model.id).limit(1))
            if record_id:
                found[name] = record_id
    return found


@pytest.mark.parametrize("account", DEMO_ACCOUNTS, ids=lambda account: account.username)
def test_records_open_to_those_who_may_read_them(demo, account):
    browser = client(demo, account.username, DEMO_PASSWORD)
    rights = demo.extensions["guanjia"].rights[account.role]
    opened = 0
    for name, pk in first_records(demo).items():
        view = demo.extensions["guanjia.record_views"][name]
        answer = browser.get(f"{view.route_base}/{pk}")
        allowed = ("read", view.resource) in rights
        if name in BETWEEN_PEOPLE and answer.status_code == 404:
            continue
        assert answer.status_code == (200 if allowed else 404), f"{account.username}: {view.route_base}/{pk}"
        opened += allowed
    assert opened or account.role in {Role.SURVEYOR, Role.SECURITY}


def test_the_demo_estate_has_nearly_every_kind_of_record_to_try(demo):
    untried = set(demo.extensions["guanjia.record_views"]) - first_records(demo).keys()
    assert untried <= SELDOM, untried - SELDOM


def addresses(site: Flask, records: dict[str, int]) -> Iterator[tuple[str, str]]:
    """Method and address of every route with a record's number in it, pointing at a record of the demo estate."""
    with site.app_context():
        paper = next(iter(registry().papers.values()))
        workflows = {flow.resource: flow.transitions[0].name for flow in registry().workflows.values()}
        views = dict(record_views())
    for rule in site.url_map.iter_rules():
        view = rule.endpoint.partition(".")[0]
        numbers = [a for a in rule.arguments if type(rule._converters[a]).__name__ == "IntegerConverter"]
        if not numbers or view in OF_THE_INSTALLATION or rule.endpoint in OF_ONES_OWN:
            continue
        values: dict[str, object] = dict.fromkeys(rule.arguments, "x")
        values |= {"code": paper.code, "record_type": "unit", "table": "person", "column": "phone"}
        values |= {a: records.get(view, 1) for a in numbers}
        if view in views:
            values["name"] = workflows.get(views[view].resource, "x")
        for argument in rule.arguments:
            if type(rule._converters[argument]).__name__ == "AnyConverter":
                values[argument] = sorted(rule._converters[argument].items)[0]
        for method in sorted(rule.methods - {"HEAD", "OPTIONS"}):
            yield method, rule.build({a: values[a] for a in rule.arguments})[1]


def test_no_role_reaches_into_another_estate(demo):
    browser = client(demo, "outsider", PASSWORD)
    reached = {}
    for method, address in addresses(demo, first_records(demo)):
        answer = browser.open(address, method=method)
        answer.close()
        if answer.status_code != 404:
            reached[f"{method} {address}"] = answer.status_code
    assert not reached


def test_lists_searches_and_exports_of_another_estate_are_empty(demo):
    browser = client(demo, "outsider", PASSWORD)
    with demo.app_context(), acting(system_actor()):
        names = ["云栖花园", *(account.name for account in DEMO_ACCOUNTS)]
    for rule in demo.url_map.iter_rules():
        if rule.arguments or "GET" not in rule.methods or rule.endpoint.partition(".")[0] in OF_THE_INSTALLATION:
            continue
        with browser.get(rule.rule, query_string={"q": ""}) as answer:
            text = answer.get_data().decode(errors="replace")  # a paper or a workbook is no text
        assert answer.status_code < 500
        assert not [name for name in names if name in text], rule.rule
