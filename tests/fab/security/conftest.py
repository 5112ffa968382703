"""A small application of its own: real commits, real cookies, form keys checked as in production."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_appbuilder import Model
from sqlalchemy import delete, select

import app as package
import config
from app.core.access.accounts import create_account
from app.core.access.actor import acting, system_actor
from app.core.access.models import Account, LoginAttempt, LoginSession, Membership
from app.core.access.roles import Role
from app.core.access.sync import sync_permissions
from app.core.audit.models import AuditChain, AuditEntry
from app.core.records import base as records
from app.core.records.estate import Estate
from app.core.registry import registry
from app.extensions import db
from app.modules.estates import models  # noqa: F401  (work in the queue is about units)
from tests.conftest import PASSWORD


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, database_maker: Callable[[Path], Iterator[str]]) -> Iterator[Flask]:
    """An application with the probe module, two estates and synchronised rights; no accounts yet."""
    folder = tmp_path_factory.mktemp("site")
    for address in database_maker(folder):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(package, "MODULES", ("tests.fab.security.probe",))
            site = package.create_app(config.Settings(instance_dir=folder, database_url=address, language="en"))
        with site.app_context(), acting(system_actor()):
            Model.metadata.create_all(db.engine)
            for code in ("T1", "T2"):
                db.session.add(
                    Estate(
                        code=code, name_zh=f"小区{code}", name_en=f"Estate {code}", company_zh="物业", company_en="Co."
                    )
                )
            sync_permissions(db.session, registry().rights)
            db.session.commit()
        yield site
        with site.app_context():
            db.session.remove()
            db.engine.dispose()


@pytest.fixture
def people(site: Flask) -> Iterator[SimpleNamespace]:
    """Ids of fresh accounts: ``reception`` and ``manager`` in T1, ``admin`` and ``deputy`` (administrators), ``both`` in T1 and T2."""
    plan = {
        "reception": ([Role.RECEPTIONIST], 1),
        "manager": ([Role.MANAGER], 1),
        "admin": ([Role.SYSTEM_ADMINISTRATOR], 1),
        "deputy": ([Role.SYSTEM_ADMINISTRATOR], 1),
        "both": ([Role.RECEPTIONIST], 2),
    }
    found = SimpleNamespace()
    with site.app_context(), acting(system_actor()):
        estates = db.session.scalars(select(Estate).order_by(Estate.id)).all()
        for username, (roles, count) in plan.items():
            account = create_account(
                db.session, username=username, name=username.title(), password=PASSWORD, roles=roles,
                estates=estates[:count], language="en", actor=system_actor(),
            )  # fmt: skip
            setattr(found, username, account.id)
        found.estates = [estate.id for estate in estates]
        db.session.commit()
    yield found
    with site.app_context(), acting(system_actor()):
        for table in (AuditEntry, AuditChain, LoginSession, LoginAttempt, Membership):
            db.session.execute(delete(table))
        for account in db.session.scalars(select(Account)):
            db.session.delete(account)
        db.session.commit()


class Browser:
    """A client that sends the form key a page gave it, as a person's browser does."""

    def __init__(self, site: Flask) -> None:
        self.client: FlaskClient = site.test_client()

    def get(self, path: str, **options: object):
        return self.client.get(path, **options)

    def key(self, page: str = "/login/") -> str:
        text = self.client.get(page, follow_redirects=True).get_data(as_text=True)
        found = re.search(r'name="csrf_token" value="([^"]+)"', text)
        assert found, text[:300]
        return found[1]

    def post(self, path: str, data: dict | None = None, *, page: str = "/password/", **options: object):
        return self.client.post(path, data={**(data or {}), "csrf_token": self.key(page)}, **options)

    def log_in(self, username: str, password: str = PASSWORD, **data: str):
        return self.post("/login/", {"username": username, "password": password, **data})

    @property
    def cookie(self) -> str:
        return self.client.get_cookie("guanjia").value

    def replay(self, site: Flask, cookie: str) -> int:
        """Status of the home page for somebody who holds a copy of ``cookie``."""
        thief = site.test_client()
        thief.set_cookie("guanjia", cookie)
        return thief.get("/").status_code


@pytest.fixture
def browser(site: Flask, people: SimpleNamespace) -> Browser:
    return Browser(site)


@pytest.fixture
def browsers(site: Flask, people: SimpleNamespace):
    """``browsers("reception")``: a browser in which that account is logged in."""

    def open_one(username: str, password: str = PASSWORD) -> Browser:
        browser = Browser(site)
        answer = browser.log_in(username, password)
        assert answer.status_code == 302, answer.get_data(as_text=True)
        return browser

    return open_one


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """``clock.advance(minutes=16)`` moves the time that sessions and locks see."""
    moved = SimpleNamespace(by=timedelta())
    real = records.now

    def shown() -> datetime:
        return real() + moved.by

    for module in ("app.fab.sessions", "app.fab.scope"):
        monkeypatch.setattr(f"{module}.now", shown)
    monkeypatch.setattr(LoginAttempt.__table__.c.at.default, "arg", lambda context: shown())

    def advance(**amount: float) -> None:
        moved.by += timedelta(**amount)

    moved.advance = advance
    return moved
