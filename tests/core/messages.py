"""An event, a record and people for the tests of messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.core.access.models import Account
from app.core.messages.kinds import MessageEvent
from app.core.messages.models import Notice
from app.core.records.savedviews import SavedView

CODE = "test.told"


@pytest.fixture
def told_event(app: Flask) -> Iterator[MessageEvent]:
    known: dict[str, Any] = app.extensions["guanjia"].contributions.setdefault(MessageEvent, {})
    known[CODE] = MessageEvent(code=CODE, title=_l("Work"), sentence="%(actor)s told %(label)s: %(what)s")
    yield known[CODE]
    del known[CODE]


@pytest.fixture
def told_record(session: Any, told_event: MessageEvent, monkeypatch: pytest.MonkeyPatch) -> SavedView:
    monkeypatch.setattr(SavedView, "__str__", lambda self: self.title)
    view = SavedView(
        owner_id=account(session, "cashier").id, screen="UnitView", title="Ground floor", query="", estate_id=1
    )
    session.add(view)
    session.flush()
    return view


@pytest.fixture
def mail_set_up(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Settings with a mail server at a port that tests may choose with ``dataclasses.replace``."""
    settings = replace(app.config["GUANJIA"], smtp_host="127.0.0.1", smtp_from="desk@example.org", smtp_security="none")
    monkeypatch.setitem(app.config, "GUANJIA", settings)
    return settings


def account(session: Any, username: str) -> Account:
    found: Account = session.scalars(select(Account).where(Account.username == username)).one()
    return found


def hearers(session: Any) -> list[str]:
    """Who has a notice, in the order of accounts."""
    return list(
        session.scalars(select(Account.username).join(Notice, Notice.person_id == Account.id).order_by(Account.id))
    )
