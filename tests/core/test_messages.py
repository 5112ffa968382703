"""Messages: who hears of an event, in which words, through what; nothing without the business that it tells of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_babel import refresh
from sqlalchemy import select

from app.core.access.accounts import deactivate
from app.core.access.actor import acting, system_actor
from app.core.access.roles import Role
from app.core.clocks.models import Delegation
from app.core.messages import delivery, services
from app.core.messages.kinds import Channel, MessageEvent
from app.core.messages.models import MessageChoice, Notice, OutboxMessage, OutboxState, Webhook
from app.core.messages.services import notify, unread
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.modules.estates.models import Building
from tests.core.messages import CODE, account, hearers


def test_roles_and_people_hear_once_but_not_the_acting_person(session: Any, told_record: Any, actor_of: Any) -> None:
    manager, cashier = account(session, "manager"), account(session, "cashier")
    with acting(actor_of("receptionist")):
        notify(
            session, CODE, told_record, people=[manager.id, cashier.id, account(session, "receptionist").id],
            roles=[Role.MANAGER, Role.RECEPTIONIST], what="x",
        )  # fmt: skip
    assert sorted(hearers(session)) == ["cashier", "manager"]
    assert unread(session, actor_of("manager")) == 1
    assert unread(session, actor_of("receptionist")) == 0


def test_closed_accounts_and_other_estates_hear_nothing(session: Any, told_record: Any) -> None:
    cashier = account(session, "cashier")
    deactivate(session, cashier, actor=system_actor())
    notify(
        session,
        CODE,
        told_record,
        people=[cashier.id, account(session, "neighbour").id],
        roles=[Role.MANAGER],
        what="x",
    )
    assert hearers(session) == ["manager"]


def test_a_deputy_hears_what_the_role_hears_while_the_delegation_lasts(session: Any, told_record: Any) -> None:
    manager, inspector, cashier = (account(session, name) for name in ("manager", "inspector", "cashier"))
    today = estate_today(session, 1)
    for person, since, until in ((inspector, 0, 0), (cashier, 1, 5)):
        session.add(
            Delegation(
                estate_id=1, delegator_id=manager.id, delegate_id=person.id, from_on=today + timedelta(days=since),
                until_on=today + timedelta(days=until),
            )
        )  # fmt: skip
    session.flush()
    notify(session, CODE, told_record, roles=[Role.MANAGER], what="x")
    assert sorted(hearers(session)) == ["inspector", "manager"]


def test_recipients_take_two_statements_however_many_they_are(session: Any, told_record: Any, sql_count: Any) -> None:
    session.expire_all()
    known = services.registry().of(MessageEvent)[CODE]
    sql_count.reset()
    found = services.recipients_of(session, known, 1, people=[1, 2, 3], roles=list(Role))
    assert len(found) == len(Role)
    assert len(sql_count.statements) <= 2


def test_each_reads_the_sentence_in_their_own_language(
    session: Any, told_record: Any, client_of: Any, mail_set_up: Any
) -> None:
    manager, cashier = account(session, "manager"), account(session, "cashier")
    manager.email, cashier.email = "m@example.org", "c@example.org"
    cashier.language = "zh"
    for person in (manager, cashier):
        session.add(MessageChoice(person_id=person.id, event=CODE, channel=Channel.EMAIL, wanted=True))
    session.flush()
    notify(session, CODE, told_record, people=[manager.id, cashier.id], what={"zh": "三天", "en": "three days"})
    said = {m.person_id: m.payload["sentence"] for m in session.scalars(select(OutboxMessage))}
    assert said == {
        manager.id: "system told Ground floor: three days",
        cashier.id: "system told Ground floor: 三天",
    }
    english = client_of("manager").get("/notices/").get_data(as_text=True)
    refresh()  # the tests' one context remembers the language
    chinese = client_of("cashier").get("/notices/").get_data(as_text=True)
    assert "Ground floor: three days" in english and "三天" not in english
    assert "Ground floor: 三天" in chinese


def test_a_place_without_a_value_is_found_at_once(session: Any, told_record: Any) -> None:
    with pytest.raises(KeyError):
        notify(session, CODE, told_record, roles=[Role.MANAGER])


def test_what_is_rolled_back_leaves_no_message(session: Any, told_record: Any, mail_set_up: Any) -> None:
    manager = account(session, "manager")
    manager.email = "m@example.org"
    session.add(MessageChoice(person_id=manager.id, event=CODE, channel=Channel.EMAIL, wanted=True))
    session.commit()
    notify(session, CODE, told_record, roles=[Role.MANAGER], what="x")
    assert session.scalar(select(OutboxMessage.id)) and session.scalar(select(Notice.id))
    session.rollback()
    assert session.scalar(select(OutboxMessage.id)) is None and session.scalar(select(Notice.id)) is None


def test_switches_are_kept_as_differences_and_obeyed(
    session: Any, told_record: Any, client_of: Any, mail_set_up: Any
) -> None:
    manager = account(session, "manager")
    manager.email = "m@example.org"
    session.commit()
    client = client_of("manager")
    assert client.post("/notices/settings", data={f"{CODE}:email": "yes"}).status_code == 302
    notify(session, CODE, told_record, roles=[Role.MANAGER], what="x")
    assert hearers(session) == []
    assert [m.person_id for m in session.scalars(select(OutboxMessage))] == [manager.id]
    everything = {f"{code}:{channel}": "yes" for code, channel in services.choices_of(session, manager.id)
                  if services.registry().of(MessageEvent)[code].channels.count(channel)}  # fmt: skip
    client.post("/notices/settings", data=everything)
    assert session.scalars(select(MessageChoice).where(MessageChoice.person_id == manager.id)).all() == []


def test_without_a_mail_server_nobody_is_written_to(session: Any, told_record: Any) -> None:
    manager = account(session, "manager")
    manager.email = "m@example.org"
    session.add(MessageChoice(person_id=manager.id, event=CODE, channel=Channel.EMAIL, wanted=True))
    session.flush()
    notify(session, CODE, told_record, roles=[Role.MANAGER], what="x")
    assert session.scalar(select(OutboxMessage.id)) is None


def test_a_webhook_is_told_once_whom_it_concerns(session: Any, told_record: Any) -> None:
    for title, events, active, estate in (
        ("bot", [CODE], True, 1), ("off", [CODE], False, 1), ("other", [], True, 1), ("neighbour", [CODE], True, 2),
    ):  # fmt: skip
        session.add(
            Webhook(
                title=title, address="https://bot.example/x", events=events, active=active, estate_id=estate, language="en"
            )
        )  # fmt: skip
    session.flush()
    notify(session, CODE, told_record, roles=[Role.MANAGER, Role.CASHIER], what="x")
    (message,) = session.scalars(select(OutboxMessage))
    assert message.webhook.title == "bot"
    assert message.payload["sentence"] == "For Manager, Cashier: system told Ground floor: x"
    assert message.payload["link"].endswith(f"/go/saved_view/{told_record.id}")


def test_the_inbox_is_everybodys_own(session: Any, told_record: Any, client_of: Any) -> None:
    notify(session, CODE, told_record, roles=[Role.MANAGER], what="x")
    session.commit()
    notice = session.scalars(select(Notice)).one()
    stranger = client_of("cashier")
    assert "Ground floor" not in stranger.get("/notices/").get_data(as_text=True)
    for command in ("open", "read"):
        assert stranger.post(f"/notices/{notice.id}/{command}").status_code == 404
    assert session.scalar(select(Notice.read_at)) is None
    client = client_of("manager")
    assert client.post(f"/notices/{notice.id}/open").headers["Location"] == f"/go/saved_view/{told_record.id}"
    assert session.scalar(select(Notice.read_at)) is not None


def test_all_notices_are_read_at_once_and_filtered(
    session: Any, told_record: Any, client_of: Any, actor_of: Any
) -> None:
    for what in ("first", "second"):
        notify(session, CODE, told_record, roles=[Role.MANAGER, Role.CASHIER], what=what)
    session.commit()
    client = client_of("manager")
    first = session.scalars(select(Notice).where(Notice.person_id == account(session, "manager").id)).first()
    client.post(f"/notices/{first.id}/read", data={"next": "/notices/"})
    page = client.get("/notices/?show=unread").get_data(as_text=True)
    assert "Ground floor: second" in page and "Ground floor: first" not in page
    page = client.get("/notices/").get_data(as_text=True)
    assert page.index("Ground floor: second") < page.index("Ground floor: first")
    client.post("/notices/read")
    assert unread(session, actor_of("manager")) == 0
    assert unread(session, actor_of("cashier")) == 2


def test_a_link_leads_to_the_record_or_nowhere(app: Flask, session: Any, client_of: Any) -> None:
    building = Building(estate_id=1, code="G9")
    session.add(building)
    session.flush()
    client, address = client_of("manager"), f"/go/building/{building.id}"
    assert client.get(address).headers["Location"] == f"/buildings/{building.id}"
    assert client_of("neighbour").get(address).status_code == 404
    assert client.get(f"{address}000").status_code == 404
    assert client.get("/go/no_table/7").status_code == 404


def test_old_messages_go_and_failed_or_unread_ones_stay(session: Any, told_record: Any) -> None:
    notify(session, CODE, told_record, roles=[Role.MANAGER, Role.CASHIER, Role.INSPECTOR], what="x")
    hook = Webhook(title="bot", address="https://bot.example/x", events=[], estate_id=1)
    session.add(hook)
    session.flush()
    old, young = now() - timedelta(days=91), now() - timedelta(days=29)
    kept, gone, _unread = session.scalars(select(Notice).order_by(Notice.id))
    kept.read_at, gone.read_at = young, old
    for state, sent_at, error in (
        (OutboxState.SENT, old, ""), (OutboxState.SENT, young, ""), (OutboxState.FAILED, None, "status 500"),
    ):  # fmt: skip
        session.add(
            OutboxMessage(
                estate_id=1, delivery=services.new_delivery(), event=CODE, channel="webhook", webhook_id=hook.id,
                payload={}, state=state, sent_at=sent_at, error=error,
            )
        )  # fmt: skip
    session.flush()
    delivery.purge(session)
    session.expire_all()
    assert sorted((m.state, m.sent_at) for m in session.scalars(select(OutboxMessage)) if m.sent_at) == [
        (OutboxState.SENT, young)
    ]
    assert len(session.scalars(select(OutboxMessage)).all()) == 2
    assert sorted(n.read_at is None for n in session.scalars(select(Notice))) == [False, True]
