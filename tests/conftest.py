"""What every test stands on: an application over a migrated database, an estate, one account per role.

The schema is built by migration once per test process; each test runs in a transaction that is rolled back.
``GUANJIA_TEST_DATABASE_URL`` (a PostgreSQL server address) runs on PostgreSQL every test that stands on a database.
The others know nothing of that address, so that they would only repeat what they prove on SQLite; which they are is
decided by :func:`stands_on_database`, and :func:`new_database` refuses whoever is not among them.
"""

from __future__ import annotations

import gc
import os
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace

import hypothesis
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import URL, Connection, NullPool, create_engine, event, make_url, select, text

import config
from app import create_app
from app.core.access import passwords
from app.core.access.actor import Actor, acting, system_actor
from app.core.access.roles import Role
from app.extensions import db
from tests.measuring import function_of, slow_functions

PASSWORD = "correct-horse-9"

hypothesis.settings.register_profile("same every time", derandomize=True, database=None, deadline=None)
hypothesis.settings.load_profile("same every time")


passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)  # what is slow to guess is slow to test
passwords._NOBODY = passwords._hasher.hash("nobody has this password")

_running = SimpleNamespace(may_open=False, templates={})
"""Whether the test at hand stands on a database; by server a copy of the first migrated one: a path, or a name there."""


def server() -> str:
    """Address of the PostgreSQL server the tests run on, and nothing on SQLite; a test may bring a server of its own."""
    return os.environ.get("GUANJIA_TEST_DATABASE_URL", "")


def stands_on_database(item: pytest.Item) -> bool:
    """Its fixtures lead to a database of the engine under test, or its module makes some itself."""
    asked = {"settings", "database_maker"} & set(item.fixturenames)  # type: ignore[attr-defined]  # of functions
    return bool(asked) or "new_database" in vars(item.module) or item.get_closest_marker("postgres") is not None  # type: ignore[attr-defined]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    slow = slow_functions()
    for item in items:
        if function_of(item.nodeid) in slow:
            item.add_marker(pytest.mark.slow)
    if server():
        config.hook.pytest_deselected(items=[item for item in items if not stands_on_database(item)])
        items[:] = filter(stands_on_database, items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    _running.may_open = stands_on_database(item)


def pytest_sessionfinish() -> None:
    if server() and (template := _running.templates.get(server())):
        with _administration() as connection:
            connection.execute(text(f"DROP DATABASE {template}"))


@contextmanager
def _administration() -> Iterator[Connection]:
    admin = create_engine(server(), isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        yield connection


def new_database(folder: Path) -> Iterator[str]:
    """Address of a fresh database, dropped afterwards."""
    assert _running.may_open, "ask for the fixture `database_maker`: otherwise this test is left out on PostgreSQL"
    if not server():
        yield f"sqlite:///{folder / 'test.sqlite3'}"
        return
    name = f"guanjia_test_{uuid.uuid4().hex[:10]}"
    with _administration() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    yield make_url(server()).set(database=name).render_as_string(hide_password=False)
    with _administration() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def migrated_app(settings: config.Settings) -> Flask:
    """An application whose database has the newest schema, synchronised rights and nothing else."""
    app = create_app(settings)
    app.testing = True
    with app.app_context(), acting(system_actor()):
        if template := _running.templates.get(server()):
            _copy_template(template, db.engine.url)
        else:
            _migrate()
            _running.templates[server()] = _keep_template()
    return app


def _migrate() -> None:
    from flask_migrate import upgrade

    from app.core.access.sync import sync_permissions
    from app.core.registry import registry

    upgrade()
    sync_permissions(db.session, registry().rights)
    db.session.commit()
    db.session.remove()


def _keep_template() -> str:
    """A copy of the database at hand, made once per process: to migrate takes a second, to copy almost nothing."""
    name = db.engine.url.database or ""
    if server():
        db.engine.dispose()  # a database is copied while nobody is connected
        with _administration() as connection:
            connection.execute(text(f"CREATE DATABASE {name}_template TEMPLATE {name}"))
        return f"{name}_template"
    with db.engine.connect() as connection, closing(sqlite3.connect(f"{name}.template")) as copy:
        connection.connection.driver_connection.backup(copy)
    return f"{name}.template"


def _copy_template(template: str, address: URL) -> None:
    db.engine.dispose()
    if server():
        with _administration() as connection:
            connection.execute(text(f"DROP DATABASE {address.database}"))
            connection.execute(text(f"CREATE DATABASE {address.database} TEMPLATE {template}"))
    else:
        shutil.copy(template, address.database or "")


@pytest.fixture(scope="session")
def database_maker() -> Callable[[Path], Iterator[str]]:
    """:func:`new_database`, for tests with an application of their own."""
    return new_database


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[config.Settings]:
    folder = tmp_path_factory.mktemp("instance")
    for address in new_database(folder):
        yield config.Settings(instance_dir=folder, database_url=address, language="en")


@pytest.fixture(scope="session")
def app(settings: config.Settings) -> Iterator[Flask]:
    """The application with two estates, the code lists of every module, and one account per role in estate 1."""
    app = migrated_app(settings)
    with app.app_context(), acting(system_actor()):
        furnish(app)
        db.session.commit()
    gc.freeze()  # half a million objects that stay: the collector need not walk them again and again
    gc.set_threshold(20_000, 20, 20)
    yield app
    with app.app_context():
        db.engine.dispose()


def furnish(app: Flask) -> None:
    """Create the two estates, their code lists and the accounts."""
    from app.core.access.accounts import create_account
    from app.core.records.estate import Estate
    from app.core.registry import registry

    for code, zh, en in (("T1", "测试花园", "Test Gardens"), ("T2", "邻居小区", "Neighbour Court")):
        estate = Estate(
            code=code, name_zh=zh, name_en=en, company_zh="安居物业服务有限公司", company_en="Anju Property Service Co., Ltd.",
            developer_zh="安居置业有限公司", developer_en="Anju Development Co., Ltd.", service_phone="010-12345678",
        )  # fmt: skip
        db.session.add(estate)
        db.session.flush()
        for seed in registry().seeds:
            seed(db.session, estate)
    first, second = db.session.scalars(select(Estate).order_by(Estate.id))
    for role in Role:
        create_account(
            db.session, username=role.value, name=role.value.replace("_", " ").title(), password=PASSWORD,
            roles=[role], estates=[first], language="en", actor=system_actor(),
        )  # fmt: skip
    create_account(
        db.session, username="neighbour", name="Neighbour", password=PASSWORD, roles=[Role.RECEPTIONIST, Role.MANAGER],
        estates=[second], language="en", actor=system_actor(),
    )  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Iterator[object]:
    """The browser of this test process, for all rooms: the thread of the tests can drive only one."""
    from tests.browser.conftest import browsing

    with browsing() as browser:
        yield browser


@pytest.fixture
def session(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """The database session inside an outer transaction; the system acts in estate 1; all is rolled back."""
    from flask_sqlalchemy.session import Session

    with app.app_context():
        connection = db.engine.connect()
        outer = connection.begin()
        usual, here = Session.get_bind, threading.get_ident()
        monkeypatch.setattr(  # a server or worker that a browser test left running keeps its own database
            Session,
            "get_bind",
            lambda self, *a, **k: connection if threading.get_ident() == here else usual(self, *a, **k),
        )
        db.session.configure(join_transaction_mode="create_savepoint")  # commits and rollbacks stay inside
        with acting(system_actor(estate_id=1)):
            yield db.session
        db.session.remove()
        outer.rollback()
        connection.close()


@pytest.fixture
def actor_of(session: object) -> Callable[[str], Actor]:
    """``actor_of("cashier")``: the actor that a request of that account would have."""
    from app.fab.scope import actor_for

    def find(username: str) -> Actor:
        from app.core.access.models import Account

        account = db.session.scalar(select(Account).where(Account.username == username))
        return actor_for(account)

    return find


@pytest.fixture
def client_of(app: Flask, session: object) -> Callable[[str], FlaskClient]:
    """``client_of("cashier")``: a browser-like client logged in as that account. CSRF checks are off here."""

    def log_in(username: str) -> FlaskClient:
        client = app.test_client()
        answer = client.post("/login/", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
        return client

    app.config["WTF_CSRF_ENABLED"] = False
    return log_in


@pytest.fixture
def sql_count(app: Flask) -> Iterator[SimpleNamespace]:
    """Counts SQL statements: ``sql_count.reset()``, then ``sql_count.statements``."""
    seen = SimpleNamespace(statements=[])
    seen.reset = seen.statements.clear

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA")):
            seen.statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
