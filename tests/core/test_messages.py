"""Messages: who hears of an event, in which words, through what; nothing without the business that it tells of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
from flask import Flask
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

import config
from app.core.access.accounts import deactivate
from app.core.access.actor import Actor, acting, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.clocks.models import Delegation
from app.core.messages.kinds import Channel, MessageEvent
from app.core.messages.models import MessageChoice, Notice, OutboxMessage, Webhook
from app.core.messages.services import notify, unread
from app.core.records.estate import Estate
from app.core.records.savedviews import SavedView

EVENT = MessageEvent(code="test.handed", title=_l("Work"), sentence=_l("Role") + _l(": %(actor)s, %(label)s, %(what)s"))
"""Its words are ones that the catalogue translates already."""


@pytest.fixture
def event(app: Flask) -> Iterator[MessageEvent]:
    known: dict[str, Any] = app.extensions["guanjia"].contributions.setdefault(MessageEvent, {})
    known[EVENT.code] = EVENT
    yield EVENT
    del known[EVENT.code]


@pytest.fixture
def record(session: Any, event: MessageEvent) -> SavedView:
    owner = session.scalar(select(Account.id).where(Account.username == "cashier"))
    view = SavedView(owner_id=owner, screen="UnitView", title="Ground floor", query="", estate_id=1)
    session.add(view)
    session.flush()
    return view


def account(session: Any, username: str) -> Account:
    found: Account = session.scalars(select(Account).where(Account.username == username)).one()
    return found


def hearers(session: Any) -> list[str]:
    return list(
        session.scalars(select(Account.username).join(Notice, Notice.person_id == Account.id).order_by(Account.id))
    )


def test_roles_and_people_hear_once_but_not_the_acting_person(session: Any, record: Any, actor_of: Any) -> None:
    manager, cashier = account(session, "manager"), account(session, "cashier")
    with acting(actor_of("receptionist")):
        notify(
            session, EVENT.code, record, people=[manager.id, cashier.id, account(session, "receptionist").id],
            roles=[Role.MANAGER, Role.RECEPTIONIST], what="x",
        )  # fmt: skip
    assert sorted(hearers(session)) == ["cashier", "manager"]
    assert unread(session, actor_of("manager")) == 1
    assert unread(session, actor_of("receptionist")) == 0
