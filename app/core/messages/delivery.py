"""The outbox at work: claim a message, send it outside any transaction, note how it went; later, throw old ones away.

Two senders never have the same message at once. One that dies between sending and noting leaves the message to be sent
again when its lease has run out, under the same delivery number.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.orm import Session

import config
from app.core.access.accounts import email_of
from app.core.access.actor import Actor
from app.core.messages import mail, webhooks
from app.core.messages.models import Notice, OutboxMessage, OutboxState, Trouble
from app.core.messages.webhooks import Undelivered
from app.core.records.base import now
from app.core.records.database import writing
from app.core.records.identifiers import InvalidValue

LEASE = timedelta(minutes=2)
BACKOFF = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 480, 1440))
"""Waiting times between attempts; after the last one the message has failed."""
TURN_SECONDS = 10
"""A worker sends no longer than this in one go, for other work waits."""
KEEP_READ_NOTICES = timedelta(days=90)
KEEP_SENT_MESSAGES = timedelta(days=30)

Send = Callable[[], None]


@dataclass(frozen=True)
class Claim:
    """A message in the hands of one sender, who knows ``token``; ``send`` needs no database."""

    id: int
    token: str
    attempts: int
    send: Send


def deliver(session: Session) -> int:
    """Send what is due and return how many messages were tried."""
    tried, until = 0, time.monotonic() + TURN_SECONDS
    while time.monotonic() < until and (claim := claim_next(session)):
        _try(session, claim)
        tried += 1
    return tried


def claim_next(session: Session) -> Claim | None:
    """Take the message that has been due longest, in a transaction of its own."""
    with writing(False):
        due = session.scalar(select(OutboxMessage.id).where(*_due()).limit(1))
        session.rollback()
    if due is None:
        return None
    message = session.scalar(
        select(OutboxMessage)
        .where(*_due())
        .order_by(OutboxMessage.next_at, OutboxMessage.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if message is None:
        session.rollback()
        return None
    message.lease_token, message.next_at = secrets.token_hex(16), now() + LEASE
    message.attempts += 1
    claim = Claim(message.id, message.lease_token, message.attempts, _prepared(message))
    session.commit()
    return claim


def _due() -> tuple[ColumnElement[bool], ...]:
    return OutboxMessage.state == OutboxState.PENDING, OutboxMessage.next_at <= now()


def _prepared(message: OutboxMessage) -> Send:
    """How to send the message, with everything read that it takes; a hopeless one says so when it is tried."""
    settings: config.Settings = current_app.config["GUANJIA"]
    try:
        if message.attempts > len(BACKOFF) + 1:
            raise Undelivered(Trouble.BROKEN_OFF, final=True)
        if message.webhook is not None:
            return _prepared_post(message, settings)
        return _prepared_letter(message, settings)
    except Undelivered as hopeless:
        return _raising(hopeless)


def _prepared_post(message: OutboxMessage, settings: config.Settings) -> Send:
    assert message.webhook is not None
    if not message.webhook.active:
        raise Undelivered(Trouble.SWITCHED_OFF, final=True)
    call = webhooks.call_of(message.webhook, message.payload, message.delivery, now())
    return lambda: webhooks.post(call, settings.private_hosts)


def _prepared_letter(message: OutboxMessage, settings: config.Settings) -> Send:
    if not settings.smtp_host:
        raise Undelivered(Trouble.MAIL_OFF, final=True)
    to = email_of(message.person) if message.person and message.person.active else ""
    if not to:
        raise Undelivered(Trouble.NO_ADDRESS, final=True)
    page = f"{settings.public_url.rstrip('/')}/notices/settings"
    letter = mail.letter_of(message.payload, message.delivery, to=to, settings_address=page, settings=settings)
    return lambda: mail.send(letter, settings)


def _raising(problem: Undelivered) -> Send:
    def send() -> None:
        raise problem

    return send


def _try(session: Session, claim: Claim) -> None:
    try:
        claim.send()
    except Undelivered as problem:
        last = problem.final or claim.attempts > len(BACKOFF)
        if last:
            _note(session, claim, state=OutboxState.FAILED, error=problem.error)
        else:
            _note(session, claim, next_at=now() + BACKOFF[claim.attempts - 1], error=problem.error)
    else:
        _note(session, claim, state=OutboxState.SENT, sent_at=now(), error="")


def _note(session: Session, claim: Claim, **values: object) -> None:
    """Write how it went, unless the lease ran out and somebody else has the message now."""
    session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == claim.id, OutboxMessage.lease_token == claim.token)
        .values(lease_token=None, **values)
        .execution_options(synchronize_session=False)
    )
    session.commit()


def send_again(session: Session, message: OutboxMessage, *, actor: Actor) -> None:
    """Let a failed message begin anew, under its old delivery number.

    Raises:
        InvalidValue: it has not failed.
    """
    actor.require("resend", "OutboxMessage")
    if message.state is not OutboxState.FAILED:
        raise InvalidValue(_l("Only a message that failed can be sent again."))
    message.state, message.attempts, message.next_at, message.error = OutboxState.PENDING, 0, now(), ""
    session.flush()


def purge(session: Session) -> None:
    """Throw away notices read and messages sent a good while ago; what failed stays to be looked at."""
    session.execute(delete(Notice).where(Notice.read_at < now() - KEEP_READ_NOTICES))
    session.execute(delete(OutboxMessage).where(OutboxMessage.sent_at < now() - KEEP_SENT_MESSAGES))
    session.commit()
