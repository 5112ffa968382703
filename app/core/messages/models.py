"""Messages as rows: notices in the program, what people want to hear of, webhooks, and the outbox."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.models import Account
from app.core.messages.kinds import Channel
from app.core.records.base import Record, UtcDateTime, now, within_estate
from app.core.records.choices import Choice, choice
from app.core.records.secrets import EncryptedText

UNREAD = text("read_at IS NULL")
PENDING = text("state = 'pending'")


class Notice(Record):
    """What one person is told in the program. ``values`` fill the sentence of ``event`` when it is read."""

    __tablename__ = "notice"
    __table_args__ = (
        Index("ix_notice_inbox", "estate_id", "person_id", "id"),
        Index("ix_notice_unread", "estate_id", "person_id", "id", sqlite_where=UNREAD, postgresql_where=UNREAD),
        Index("ix_notice_read", "read_at"),
    )
    audited = False

    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    event: Mapped[str] = mapped_column(String(60))
    values: Mapped[dict[str, Any]] = mapped_column(JSON)
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MessageChoice(Model):
    """A person wants, or does not want, to hear of an event through a channel, other than the event's own default."""

    __tablename__ = "message_choice"

    person_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True)
    event: Mapped[str] = mapped_column(String(60), primary_key=True)
    channel: Mapped[Channel] = mapped_column(choice(Channel, "channel_known"), primary_key=True)
    wanted: Mapped[bool]


class WebhookFormat(Choice):
    """In which words a receiver wants to be told."""

    GENERIC = "generic", _l("Signed JSON")
    WECOM = "wecom", _l("WeCom group bot")
    DINGTALK = "dingtalk", _l("DingTalk group bot")


class Webhook(Record):
    """An address of another system that is told of an estate's ``events``.

    Addresses of group bots hold their key, so the address is as secret as ``secret``, which signs what is sent.
    """

    __tablename__ = "webhook"
    __table_args__ = (UniqueConstraint("estate_id", "title"),)

    title: Mapped[str] = mapped_column(String(80), info={"label": _l("Name")})
    format: Mapped[WebhookFormat] = mapped_column(
        choice(WebhookFormat, "format_known"), default=WebhookFormat.GENERIC, info={"label": _l("Format")}
    )
    address: Mapped[str] = mapped_column(EncryptedText, info={"label": _l("Address")})
    secret: Mapped[str] = mapped_column(EncryptedText, default="", info={"label": _l("Secret")})
    language: Mapped[str] = mapped_column(String(5), default="zh", info={"label": _l("Language")})
    events: Mapped[list[str]] = mapped_column(JSON, default=list, info={"label": _l("Events")})
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Switched on")})

    @property
    def host(self) -> str:
        """The host of the address: as much of it as is shown."""
        return urlsplit(self.address).hostname or ""

    def __str__(self) -> str:
        return self.title


class OutboxState(Choice):
    PENDING = "pending", _l("To be sent")
    SENT = "sent", _l("Sent")
    FAILED = "failed", _l("Failed")

    @property
    def colour(self) -> str:
        return {"pending": "blue", "sent": "green", "failed": "red"}[self.value]


class OutboxChannel(Choice):
    EMAIL = "email", _l("E-mail")
    WEBHOOK = "webhook", _l("Webhook")


class OutboxMessage(Record):
    """A message that leaves the program, written in the transaction of the business it tells of.

    ``delivery`` identifies it at the receiver, who may get it twice when the sender dies between sending and noting it.
    ``payload``: the words, in the receiver's language. ``lease_token``: only the sender that holds it may note how it went.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index("ix_outbox_message_pending", "next_at", "id", sqlite_where=PENDING, postgresql_where=PENDING),
        Index("ix_outbox_message_sent", "sent_at"),
        CheckConstraint("(channel = 'email') = (person_id IS NOT NULL)", name="email_iff_person"),
        CheckConstraint("(channel = 'webhook') = (webhook_id IS NOT NULL)", name="webhook_iff_target"),
        CheckConstraint("(state = 'sent') = (sent_at IS NOT NULL)", name="sent_iff_moment"),
        CheckConstraint("state <> 'failed' OR error <> ''", name="failed_has_error"),
    )
    audited = False

    delivery: Mapped[str] = mapped_column(String(32), unique=True, info={"label": _l("Delivery number")})
    event: Mapped[str] = mapped_column(String(60), info={"label": _l("Event")})
    channel: Mapped[OutboxChannel] = mapped_column(
        choice(OutboxChannel, "channel_known"), info={"label": _l("Channel")}
    )
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Person")})
    webhook_id: Mapped[int | None] = within_estate("webhook", info={"label": _l("Webhook")})
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[OutboxState] = mapped_column(
        choice(OutboxState, "state_known"), default=OutboxState.PENDING, info={"label": _l("State")}
    )
    attempts: Mapped[int] = mapped_column(default=0, info={"label": _l("Attempts")})
    next_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, info={"label": _l("Next attempt")})
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Sent at")})
    error: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("What went wrong")})
    lease_token: Mapped[str | None] = mapped_column(String(32))

    person: Mapped[Account | None] = relationship(foreign_keys=[person_id])
    webhook: Mapped[Webhook | None] = relationship(foreign_keys=[webhook_id])
