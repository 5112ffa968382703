"""Telling people and other systems what happened, in the transaction in which it happens."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import current_app
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import assoc_user_role
from flask_babel import force_locale
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.core.access.accounts import NO_ADDRESS
from app.core.access.actor import Actor, current_actor
from app.core.access.models import Account, Membership
from app.core.access.roles import Role
from app.core.clocks.models import Delegation
from app.core.messages.kinds import LANGUAGES, Channel, MessageEvent
from app.core.messages.models import MessageChoice, Notice, OutboxChannel, OutboxMessage, Webhook
from app.core.records.base import Record, now
from app.core.records.clock import estate_today
from app.core.registry import registry


@dataclass(frozen=True)
class Recipient:
    """Somebody who is to hear of an event, and how."""

    id: int
    name: str
    language: str
    has_email: bool
    channels: frozenset[str]


def notify(
    session: Session,
    code: str,
    record: Record,
    *,
    people: Iterable[int] = (),
    roles: Iterable[str] = (),
    **values: Any,
) -> None:
    """Tell ``people`` (account ids) and the holders of ``roles`` that the event ``code`` happened to ``record``.

    Only active accounts that serve the record's estate hear of it, each once and as they chose, never the acting person;
    somebody to whom a holder of a role has delegated their work counts as a holder. Webhooks of the estate that ask for the
    event are told once, whoever the recipients are. ``values`` fill the places of the event's sentence: texts,
    lazy texts, or ``{"zh": …, "en": …}``. Everything is written in the running transaction; sending comes later.

    Raises:
        KeyError: no such event is contributed, or its sentence has a place without a value.
    """
    event = registry().of(MessageEvent)[code]
    actor = current_actor()
    told = {"actor": actor.name, "label": str(record)} | {name: _in_languages(v) for name, v in values.items()}
    sentences = {language: event.said(told, language) for language in LANGUAGES}
    recipients = recipients_of(session, event, record.estate_id, people=people, roles=roles, but=actor.user_id)
    about = {"estate_id": record.estate_id, "event": code}
    where = {"record_type": record.__tablename__, "record_id": record.id}
    link = link_to(record.__tablename__, record.id)
    for person in recipients:
        if Channel.NOTICE in person.channels:
            session.add(Notice(**about, **where, person_id=person.id, values=told))
        if Channel.EMAIL in person.channels and person.has_email and email_is_set_up():
            words = {"subject": event.titled(person.language), "sentence": sentences[person.language], "link": link}
            session.add(
                OutboxMessage(
                    **about, delivery=new_delivery(), channel=OutboxChannel.EMAIL, person_id=person.id,
                    payload=words | {"language": person.language},
                )
            )  # fmt: skip
    for webhook in session.scalars(select(Webhook).where(Webhook.estate_id == record.estate_id, Webhook.active)):
        if code in webhook.events:
            payload = {
                "event": code,
                "title": event.titled(webhook.language),
                "sentence": _for_everybody(sentences[webhook.language], recipients, webhook.language),
                "link": link,
                "at": now().isoformat(timespec="seconds"),
            }
            session.add(
                OutboxMessage(
                    **about, delivery=new_delivery(), channel=OutboxChannel.WEBHOOK, webhook_id=webhook.id,
                    payload=payload,
                )
            )  # fmt: skip
    session.flush()


def recipients_of(
    session: Session,
    event: MessageEvent,
    estate_id: int,
    *,
    people: Iterable[int] = (),
    roles: Iterable[str] = (),
    but: int | None = None,
) -> list[Recipient]:
    """Who hears of ``event`` in an estate and through which channels, in two statements at most."""
    named, wanted = sorted(set(people)), sorted(map(str, set(roles)))
    criteria = [Account.id.in_(named)] if named else []
    if wanted:
        today = estate_today(session, estate_id)
        holders = (
            select(assoc_user_role.c.user_id)
            .join(FabRole, FabRole.id == assoc_user_role.c.role_id)
            .where(FabRole.name.in_(wanted))
        )
        lenders = holders.where(FabRole.name != Role.SYSTEM_ADMINISTRATOR)  # which is never lent
        deputies = (
            select(Delegation.delegate_id)
            .join(Account, and_(Account.id == Delegation.delegator_id, Account.active.is_(True)))
            .join(Membership, and_(Membership.user_id == Account.id, Membership.estate_id == estate_id))
            .where(
                Delegation.estate_id == estate_id, Delegation.delegator_id.in_(lenders), Delegation.ended_at.is_(None),
                Delegation.from_on <= today, today <= Delegation.until_on,
            )
        )  # fmt: skip
        criteria += [Account.id.in_(holders), Account.id.in_(deputies)]
    if not criteria:
        return []
    rows = session.execute(
        select(
            Account.id, Account.first_name, Account.last_name, Account.language, Account.email,
            MessageChoice.channel, MessageChoice.wanted,
        )
        .join(Membership, and_(Membership.user_id == Account.id, Membership.estate_id == estate_id))
        .outerjoin(MessageChoice, and_(MessageChoice.person_id == Account.id, MessageChoice.event == event.code))
        .where(Account.active.is_(True), or_(*criteria), Account.id != (but or 0))
        .order_by(Account.id)
    ).all()  # fmt: skip
    channels: dict[int, set[str]] = {row.id: set(event.channels) for row in rows}
    for row in rows:
        if row.channel is not None:
            (channels[row.id].add if row.wanted else channels[row.id].discard)(row.channel)
    found = {
        row.id: Recipient(
            row.id,
            Account(first_name=row.first_name, last_name=row.last_name).display_name,
            row.language,
            not row.email.endswith(NO_ADDRESS),
            frozenset(channels[row.id]),
        )
        for row in rows
    }
    return list(found.values())


def unread(session: Session, actor: Actor) -> int:
    """How many notices of their present estate the person has not read, counted up to a thousand."""
    mine = select(Notice.id).where(
        Notice.estate_id == actor.estate_id, Notice.person_id == actor.user_id, Notice.read_at.is_(None)
    )
    return session.scalar(select(func.count()).select_from(mine.limit(1000).subquery())) or 0


def email_is_set_up() -> bool:
    """Whether this installation can send e-mail."""
    return bool(current_app.config["GUANJIA"].smtp_host)


def link_to(record_type: str, record_id: int) -> str:
    """Address, complete with host, that leads to a record's page; the page itself asks who may see it."""
    return f"{current_app.config['GUANJIA'].public_url.rstrip('/')}/go/{record_type}/{record_id}"


def new_delivery() -> str:
    """A number by which a receiver knows a repeated message again."""
    return secrets.token_hex(16)


def _in_languages(value: Any) -> Any:
    """A plain value for a JSON column: a text, or one per language where they differ."""
    if not isinstance(value, LazyString | Mapping):
        return str(value)
    said = {}
    for language in LANGUAGES:
        with force_locale(language):
            said[language] = str(value[language] if isinstance(value, Mapping) else value)
    return said if len(set(said.values())) > 1 else said[language]


def _for_everybody(sentence: str, recipients: Iterable[Recipient], language: str) -> str:
    """The sentence for a group that reads along: it says whom “you” means."""
    names = ("、" if language == "zh" else ", ").join(person.name for person in recipients)
    with force_locale(language):
        return _("For %(people)s: %(sentence)s", people=names, sentence=sentence) if names else sentence


# One's own notices and choices


def mark_read(session: Session, actor: Actor, notice_id: int | None = None) -> None:
    """Mark one of the actor's notices as read, or all of their present estate."""
    mine = update(Notice).where(
        Notice.estate_id == actor.estate_id, Notice.person_id == actor.user_id, Notice.read_at.is_(None)
    )
    if notice_id is not None:
        mine = mine.where(Notice.id == notice_id)
    session.execute(mine.values(read_at=now()).execution_options(synchronize_session=False))


def choices_of(session: Session, person_id: int) -> dict[tuple[str, Channel], bool]:
    """What a person wants to hear of: (event, channel) → wanted, for every event, chosen or by default."""
    chosen = {
        (row.event, row.channel): row.wanted
        for row in session.scalars(select(MessageChoice).where(MessageChoice.person_id == person_id))
    }
    return {
        (event.code, channel): chosen.get((event.code, channel), channel in event.channels)
        for event in registry().of(MessageEvent).values()
        for channel in Channel
    }


def choose(session: Session, person_id: int, wanted: Collection[tuple[str, Channel]]) -> None:
    """Let a person hear of exactly ``wanted``; kept is what differs from the events' defaults."""
    session.execute(delete(MessageChoice).where(MessageChoice.person_id == person_id))
    for event in registry().of(MessageEvent).values():
        for channel in Channel:
            wants = (event.code, channel) in wanted
            if wants != (channel in event.channels):
                session.add(MessageChoice(person_id=person_id, event=event.code, channel=channel, wanted=wants))
    session.flush()
