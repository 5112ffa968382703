"""Forms, headers, errors, rights and menu: what every request of the program keeps."""

from __future__ import annotations

import io
import logging
import re
import sqlite3

import pytest
from flask_appbuilder.security.sqla.models import Permission, PermissionView, User, ViewMenu
from flask_appbuilder.security.sqla.models import Role as FabRole
from sqlalchemy import event, func, insert, select
from sqlalchemy.exc import DBAPIError

import app as package
import config
from app.core.access.actor import acting, system_actor
from app.core.access.models import Account, LoginSession
from app.core.access.roles import Role
from app.core.access.sync import rights_of_roles, sync_permissions
from app.core.records.database import WriteWhileReading
from app.core.registry import registry
from app.extensions import db
from tests.conftest import PASSWORD


@pytest.fixture
def statements(site):
    """SQL statements that reach the database."""
    seen: list[str] = []

    def note(connection, cursor, statement, *rest):
        if not statement.startswith(("BEGIN", "PRAGMA", "ROLLBACK")):
            seen.append(statement)

    with site.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


# -- start ----------------------------------------------------------------------------------------------------------


def test_start_up_touches_no_database(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "MODULES", ("tests.fab.security.probe",))
    package.create_app(config.Settings(instance_dir=tmp_path))
    assert not (tmp_path / "guanjia.sqlite3").exists()


def test_two_applications_live_side_by_side(site, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "MODULES", ("tests.fab.security.probe",))
    second = package.create_app(config.Settings(instance_dir=tmp_path))
    assert {r.rule for r in second.url_map.iter_rules()} == {r.rule for r in site.url_map.iter_rules()}


def test_start_up_is_quick(tmp_path, monkeypatch):
    import time

    monkeypatch.setattr(package, "MODULES", ("tests.fab.security.probe",))
    started = time.process_time()
    package.create_app(config.Settings(instance_dir=tmp_path))
    assert time.process_time() - started < 2


# -- rights ---------------------------------------------------------------------------------------------------------


def test_a_page_costs_one_statement_for_person_roles_estates_and_rights(site, browsers, statements):
    browser = browsers("reception")
    browser.get("/probe/many")
    statements.clear()
    assert browser.get("/probe/many").get_data(as_text=True) == "500"
    assert len(statements) == 1


def test_a_stranger_costs_no_statement(site, browser, statements):
    browser.get("/login/")
    assert statements == []


def test_changed_rights_count_at_the_next_request_in_every_process(site, browsers):
    browser = browsers("reception")
    assert browser.get("/vault/").status_code == 404
    rights = {role: set(pairs) for role, pairs in site.extensions["guanjia"].rights.items()}
    rights[Role.RECEPTIONIST] |= {("read", "Vault")}
    with site.app_context(), acting(system_actor()):
        assert sync_permissions(db.session, rights) == 1
        db.session.commit()
    assert browser.get("/vault/").status_code == 200
    with site.app_context(), acting(system_actor()):
        assert sync_permissions(db.session, registry().rights) == 1
        db.session.commit()
    assert browser.get("/vault/").status_code == 404


def test_sync_is_exact_and_repeatable(site):
    with site.app_context(), acting(system_actor()):
        stated = registry().rights
        assert sync_permissions(db.session, stated) == 0
        extra = FabRole(name="Admin")
        db.session.add(extra)
        extra.permissions = list(db.session.scalars(select(PermissionView)))
        db.session.execute(insert(ViewMenu).values(name="ProbeOther"))
        db.session.flush()
        assert sync_permissions(db.session, stated) == len(extra.permissions)
        stored = rights_of_roles(db.session)
        assert stored == {str(role): frozenset(pairs) for role, pairs in stated.items() if pairs}
        names = set(db.session.scalars(select(ViewMenu.name)))
        assert names == {resource for pairs in stated.values() for _, resource in pairs}
        assert all(n.startswith("can_") for n in db.session.scalars(select(Permission.name)))
        db.session.rollback()


def test_a_role_called_admin_is_worth_nothing(site, browsers, people):
    """Flask-AppBuilder gives its Admin role everything; here it is a name like any other."""
    with site.app_context(), acting(system_actor()):
        account = db.session.get_one(Account, people.reception)
        account.roles = [FabRole(name="Admin"), FabRole(name="system_administrator_")]
        db.session.commit()
    try:
        browser = browsers("reception")
        assert browser.get("/accounts/").status_code == 404
        assert browser.get("/probe/").status_code == 404
    finally:
        with site.app_context(), acting(system_actor()):
            for role in db.session.scalars(select(FabRole).where(FabRole.name.in_(["Admin", "system_administrator_"]))):
                db.session.delete(role)
            db.session.commit()


def test_the_menu_shows_what_one_may_read_without_a_statement(site, browsers, statements):
    from app.core.access.actor import Actor
    from app.fab.menu import menu_entries

    with site.test_request_context("/probe/"):
        rights = frozenset({("read", "Probe")})
        with acting(Actor(user_id=1, name="x", grants=rights)):
            statements.clear()
            shown = menu_entries()
    assert [(c.title, [link.address for link in c.links]) for c in shown] == [("Tests", ["/probe/"])]
    assert shown[0].active
    assert statements == []


def test_a_remembered_menu_is_only_shown_to_whom_it_was_drawn_for(site):
    from flask_babel import force_locale

    from app.core.access.actor import Actor
    from app.fab.menu import drawn_menu

    def menu(path, *rights, language="en"):
        actor = Actor(user_id=1, name="x", grants=frozenset(rights))
        with site.test_request_context(path), acting(actor), force_locale(language):
            return str(drawn_menu())

    probe, vault = ("read", "Probe"), ("read", "Vault")
    for _ in range(2):  # drawn, then remembered
        both, less = menu("/probe/", probe, vault), menu("/probe/", probe)
        assert "/vault/" in both
        assert "/vault/" not in less
        assert "/probe/" not in menu("/probe/")
        assert less.count("aria-current") == 1  # the open page is marked, and only it
        assert menu("/vault/", probe, vault).index("aria-current") > both.index("aria-current")
        assert "Desk" in less
        assert "Desk" not in menu("/probe/", probe, language="zh")


@pytest.mark.parametrize(
    "path",
    ["/users/list/", "/users/add", "/users/edit/1", "/userstatschartview/chart/", "/roles/list/", "/roles/edit/1",
     "/permissions/list/", "/permissionsviews/list/", "/viewmenus/list/", "/groups/list/", "/resetpassword/form",
     "/resetmypassword/form", "/userinfoeditview/form", "/users/userinfo/", "/register/form", "/lang/en", "/back",
     "/api/v1/security/users/", "/api/v1/security/roles/", "/api/v1/security/refresh",
     "/api/v1/menu/", "/static/appbuilder/js/jquery-latest.js"],
)  # fmt: skip
def test_what_flask_appbuilder_would_open_is_not_there(browsers, path):
    browser = browsers("admin")
    assert browser.get(path).status_code in {404, 405}
    assert browser.post(path, {"roles": "1"}).status_code in {404, 405}


def test_denied_unknown_and_missing_look_the_same(browsers):
    browser = browsers("reception")
    pages = [
        re.sub("nonce[^>]*", "", browser.get(p).get_data(as_text=True)) for p in ("/vault/", "/nowhere", "/accounts/1")
    ]
    keyless = [re.sub(r'value="[^"]*"', "", page) for page in pages]
    assert keyless[0] == keyless[1] == keyless[2]
    assert browser.post("/probe/touch").status_code == 404


# -- estates --------------------------------------------------------------------------------------------------------


def test_one_works_in_one_estate_and_switches_by_post(browsers, people):
    browser = browsers("both")
    first, second = people.estates
    assert browser.get("/").json["estates"] == [first]
    assert browser.get(f"/estate/{second}").status_code == 405
    assert browser.post(f"/estate/{second}").status_code == 303
    assert browser.get("/").json == {**browser.get("/").json, "estate": second, "estates": [second]}


def test_nobody_switches_to_an_estate_they_do_not_serve(browsers, people):
    browser = browsers("reception")
    assert browser.post(f"/estate/{people.estates[1]}").status_code == 404
    assert browser.get("/").json["estates"] == [people.estates[0]]


def test_leaving_an_estate_counts_at_once(site, browsers, people):
    browser = browsers("both")
    browser.post(f"/estate/{people.estates[1]}")
    with site.app_context(), acting(system_actor()):
        account = db.session.get_one(Account, people.both)
        account.memberships = [m for m in account.memberships if m.estate_id == people.estates[0]]
        db.session.commit()
    assert browser.get("/").json["estates"] == [people.estates[0]]


# -- forms ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/login/", "/logout", "/password/", "/probe/touch", "/language/zh"])
def test_no_post_without_the_form_key(site, browsers, path):
    browser = browsers("manager")
    client = site.test_client() if path == "/login/" else browser.client
    answer = client.post(path, data={"username": "manager", "password": PASSWORD})
    assert answer.status_code == 400
    assert "Set-Cookie" not in answer.headers or "login" not in answer.headers["Set-Cookie"]
    assert browser.get("/").status_code == 200


def test_a_form_key_of_another_session_does_not_fit(browsers):
    mine, other = browsers("manager"), browsers("reception")
    answer = mine.client.post("/probe/touch", data={"csrf_token": other.key("/password/")})
    assert answer.status_code == 400
    assert mine.post("/probe/touch", {"text": "x"}).get_data(as_text=True) == "touched x"


TROUBLE = {f"ProbePage.{view}" for view in ("boom", "sneaky", "sneaky_statement", "sneaky_text", "sneaky_connection")}


@pytest.mark.parametrize(
    ("path", "refusal"),
    [
        ("/probe/sneaky", WriteWhileReading),
        ("/probe/sneaky-statement", WriteWhileReading),
        ("/probe/sneaky-text", DBAPIError),  # here the database itself refuses
        ("/probe/sneaky-connection", DBAPIError),
    ],
)
def test_a_page_that_would_write_while_reading_fails_instead(site, browsers, people, path, refusal, caplog):
    assert browsers("reception").get(path).status_code == 500
    assert issubclass(caplog.records[-1].exc_info[0], refusal)
    with site.app_context(), acting(system_actor()):
        assert not db.session.scalar(select(Account.id).where(Account.email == "changed@example.org"))


def test_reading_changes_nothing(site, browsers):
    """Every page that needs no argument is fetched; no row of the database changes."""
    from flask_appbuilder import Model

    browser = browsers("admin")

    def contents() -> dict:
        with site.app_context(), db.engine.connect() as connection:
            return {t.name: sorted(map(repr, connection.execute(select(t)))) for t in Model.metadata.sorted_tables}

    before = contents()
    for rule in site.url_map.iter_rules():
        if "GET" in rule.methods and not rule.arguments and rule.endpoint not in TROUBLE:
            browser.get(rule.rule)
    assert contents() == before


# -- language -------------------------------------------------------------------------------------------------------


def test_language_of_a_stranger(browser, site):
    def language(**options) -> str:
        return re.search(r'<html lang="(zh|en)[-"]', browser.get("/login/", **options).get_data(as_text=True))[1]

    assert language() == site.config["BABEL_DEFAULT_LOCALE"]
    assert language(headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.5"}) == "zh"
    assert browser.post("/language/zh", {"next": "/login/"}).location == "/login/"
    assert language(headers={"Accept-Language": "en"}) == "zh"
    assert browser.post("/language/xx").status_code == 404


def test_language_is_kept_with_the_person(site, browsers, people):
    browser = browsers("reception")
    assert '<html lang="en' in browser.get("/password/").get_data(as_text=True)
    browser.post("/language/zh", {"next": "https://evil.example/"})
    assert '<html lang="zh' in browsers("reception").get("/password/").get_data(as_text=True)


# -- headers --------------------------------------------------------------------------------------------------------


def test_headers_of_a_page(browser):
    headers = browser.get("/login/").headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert re.fullmatch(r"'nonce-[\w-]{16,}'", policy["script-src"])
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["form-action"] == policy["default-src"] == "'self'"
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert "Strict-Transport-Security" not in headers


def test_the_nonce_is_of_one_page_and_on_its_elements(browser):
    first, second = browser.get("/login/"), browser.get("/login/")
    nonce = re.search(r"'nonce-([\w-]+)'", first.headers["Content-Security-Policy"])[1]
    assert nonce not in second.headers["Content-Security-Policy"]
    page = first.get_data(as_text=True)
    assert set(re.findall(r"<(?:script|style)\b([^>]*)>", page)) == {f' nonce="{nonce}"'}
    assert not re.search(r'\son\w+="|\sstyle="|javascript:', page)


def test_behind_tls(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "MODULES", ())
    secure = package.create_app(config.Settings(instance_dir=tmp_path, secure_cookies=True))
    answer = secure.test_client().get("/login/", base_url="https://localhost")
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("__Host-guanjia=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


def test_assets_with_a_fingerprint_may_be_kept(browser):
    with browser.get("/static/vendor/tabler.min.css?v=abc") as answer:
        assert "immutable" in answer.headers["Cache-Control"]
        assert "Set-Cookie" not in answer.headers


# -- errors ---------------------------------------------------------------------------------------------------------


def test_a_failure_shows_a_number_and_no_sql(browsers, caplog):
    browser = browsers("reception")
    with caplog.at_level(logging.ERROR):
        answer = browser.get("/probe/boom")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 500
    for leak in ("Traceback", "SELECT", "no_such_table", "sqlalchemy", "OperationalError"):
        assert leak not in page
    number = re.search(r"incident number ([0-9a-f]{8})", page)[1]
    record = next(r for r in caplog.records if number in r.getMessage())
    assert record.exc_info
    assert "GET /probe/boom" in record.getMessage()


def test_errors_speak_the_callers_language_and_format(browsers, site):
    browser = browsers("reception")
    fragment = browser.get("/probe/boom", headers={"HX-Request": "true"})
    assert fragment.status_code == 500
    assert fragment.get_data(as_text=True).startswith('<div class="alert')
    problem = site.test_client().get("/api/v1/nothing")
    assert (problem.status_code, problem.content_type) == (404, "application/problem+json")
    assert problem.json["status"] == 404


def test_too_large_is_said_so(site, browsers, monkeypatch):
    browser = browsers("manager")
    monkeypatch.setitem(site.config, "MAX_CONTENT_LENGTH", 100)
    answer = browser.client.post("/probe/touch", data={"text": "x" * 200})
    assert answer.status_code == 413
    assert "20 MB" in answer.get_data(as_text=True)


def test_a_slow_upload_keeps_nobody_from_writing(site, browsers):
    """The body is read before the request's transaction takes SQLite's write lock."""
    if db_name(site) != "sqlite":
        pytest.skip("PostgreSQL has no such lock")
    free = []

    class SlowBody(io.BytesIO):
        def readinto(self, buffer) -> int:
            other = sqlite3.connect(site.config["SQLALCHEMY_DATABASE_URI"].removeprefix("sqlite:///"), timeout=0)
            other.execute("BEGIN IMMEDIATE")
            other.close()
            free.append(True)
            return super().readinto(buffer)

    browser = browsers("manager")
    body = f"csrf_token={browser.key('/password/')}&text=slow".encode()
    answer = browser.client.post(
        "/probe/touch", input_stream=SlowBody(body), content_length=len(body),
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.get_data(as_text=True) == "touched slow"
    assert free


def db_name(site) -> str:
    with site.app_context():
        return db.engine.dialect.name


def test_the_current_user_of_flask_login_is_the_person(site, browsers, people):
    from flask_login import current_user

    browser = browsers("reception")
    with browser.client:
        browser.get("/")
        assert (current_user.id, current_user.is_authenticated, current_user.username) == (
            people.reception,
            True,
            "reception",
        )
    with site.app_context(), acting(system_actor()):
        assert db.session.scalar(select(func.count()).select_from(LoginSession)) == 1
        assert db.session.get(User, people.reception).last_login is not None
