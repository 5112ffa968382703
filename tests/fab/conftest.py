"""An application with the toy shop in a database of its own, really committed to, and people who log in there."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

import app as package
import config
from app.core.access.actor import acting, system_actor
from app.core.access.roles import Role
from app.extensions import db

PASSWORD = "correct-horse-9"


@pytest.fixture(scope="session")
def toys() -> Iterator[SimpleNamespace]:
    spec = importlib.util.spec_from_file_location("toys_of_the_tests", Path(__file__).with_name("toys.py"))
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    declared = module.declare()
    yield declared
    module.retire(declared)


@pytest.fixture(scope="session")
def shop(toys: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory, database_maker: Callable) -> Iterator[Flask]:  # type: ignore[type-arg]
    """The application; two estates with two shelves each, and the accounts receptionist, manager, security, neighbour."""
    import app.modules.estates.models  # noqa: F401  (the kernel's tables point at units)
    from app.core.access.accounts import create_account
    from app.core.access.sync import sync_permissions
    from app.core.records.estate import Estate

    folder = tmp_path_factory.mktemp("shop")
    databases = database_maker(folder)
    address = next(databases)
    module = ModuleType("toy_shop")
    module.register = toys.register  # type: ignore[attr-defined]
    sys.modules["toy_shop"] = module
    modules, package.MODULES = package.MODULES, ("app.core.files", "app.core.jobs", "app.core.messages", "toy_shop")
    try:
        shop = package.create_app(config.Settings(instance_dir=folder, database_url=address, language="en"))
    finally:
        package.MODULES = modules
    shop.testing = True
    shop.config["WTF_CSRF_ENABLED"] = False
    with shop.app_context(), acting(system_actor()):
        db.create_all()
        sync_permissions(db.session, shop.extensions["guanjia"].rights)
        estates = []
        for code in ("T1", "T2"):
            estate = Estate(code=code, name_zh=code, name_en=code, company_zh="甲", company_en="A")
            db.session.add(estate)
            db.session.flush()
            estates.append(estate)
            db.session.add_all([toys.Shelf(code=f"{code}-{n}", estate_id=estate.id) for n in (1, 2)])
        for name, place in (("receptionist", 0), ("manager", 0), ("security", 0), ("neighbour", 1)):
            role = Role.MANAGER if name == "neighbour" else Role(name)
            create_account(
                db.session, username=name, name=name.title(), password=PASSWORD, roles=[role], estates=[estates[place]],
                language="en", actor=system_actor(),
            )  # fmt: skip
        db.session.commit()
    yield shop
    with shop.app_context():
        db.session.remove()
        db.engine.dispose()
    next(databases, None)


@pytest.fixture
def stock(shop: Flask, toys: SimpleNamespace) -> Iterator[Callable[..., int]]:
    """``stock("A1", price=…)`` puts an item on the first shelf of estate 1 and returns its id; all items go afterwards."""

    def put(code: str, **values: object) -> int:
        with shop.app_context(), acting(system_actor(estate_id=1)):
            item = toys.Item(**{"code": code, "shelf_id": 1, "ware": "cup", "weight": 5, **values})
            db.session.add(item)
            db.session.commit()
            return int(item.id)

    yield put
    with shop.app_context(), acting(system_actor()):
        db.session.execute(sa.delete(toys.Item))
        db.session.commit()


@pytest.fixture
def item_of(shop: Flask, toys: SimpleNamespace) -> Callable[[str], SimpleNamespace | None]:
    """``item_of("A1")``: the stored item's columns, or nothing."""

    def find(code: str) -> SimpleNamespace | None:
        with shop.app_context(), acting(system_actor()):
            item = db.session.scalar(sa.select(toys.Item).where(toys.Item.code == code))
            return item and SimpleNamespace(**{c.key: getattr(item, c.key) for c in sa.inspect(toys.Item).column_attrs})

    return find


@pytest.fixture(scope="session")
def browser_of(shop: Flask) -> Callable[[str], FlaskClient]:
    """``browser_of("manager")``: a client logged in to the shop."""

    def log_in(username: str) -> FlaskClient:
        client = shop.test_client()
        answer = client.post("/login/", data={"username": username, "password": PASSWORD})
        assert answer.status_code == 302, answer.get_data(as_text=True)[:500]
        return client

    return log_in


@pytest.fixture
def shop_sql(shop: Flask) -> Iterator[list[str]]:
    """The statements sent to the shop's database."""
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "PRAGMA")):
            seen.append(statement)

    with shop.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)
