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

    title: Mapped[str] = mapped_column(String(80), info={"label": _l("Name of the webhook")})
    format: Mapped[WebhookFormat] = mapped_column(
        choice(WebhookFormat, "format_known"), default=WebhookFormat.GENERIC, info={"label": _l("Format")}
    )
    address: Mapped[str] = mapped_column(EncryptedText, info={"label": _l("Address")})
    secret: Mapped[str] = mapped_column(EncryptedText, default="", info={"label": _l("Secret")})
    language: Mapped[str] = mapped_column(
        String(5), default="zh", info={"label": _l("Language"), "choices": {"zh": "中文", "en": "English"}}
    )
    events: Mapped[list[str]] = mapped_column(JSON, default=list, info={"label": _l("Events")})
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Switched on")})

    messages: Mapped[list["OutboxMessage"]] = relationship(
        back_populates="webhook", foreign_keys="OutboxMessage.webhook_id", cascade="all, delete-orphan"
    )

    @property
    def host(self) -> str:
        """The host of the address: as much of it as is shown."""
        return urlsplit(self.address).hostname or ""

    @property
    def signed(self) -> bool:
        """Whether what is sent carries a signature."""
        return bool(self.secret) and self.format is not WebhookFormat.WECOM

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
    EMAIL = "email", _l("By e-mail")
    WEBHOOK = "webhook", _l("Webhook")


class Trouble(Choice):
    """Why a message could not be delivered."""

    SWITCHED_OFF = "switched_off", _l("The webhook is switched off.")
    NO_ADDRESS = "no_address", _l("The account is closed or has no e-mail address.")
    MAIL_OFF = "mail_off", _l("No mail server is set up in this installation.")
    UNKNOWN_HOST = "unknown_host", _l("The name of the host cannot be resolved.")
    PRIVATE_ADDRESS = (
        "private_address",
        _l("The host lies in a private network, which this installation does not allow."),
    )
    INSECURE = "insecure", _l("Only addresses that begin with https:// are used.")
    UNREACHABLE = "unreachable", _l("The receiver cannot be reached.")
    CERTIFICATE = "certificate", _l("The receiver's certificate is not trusted.")
    REDIRECT = "redirect", _l("The receiver points to another address, which is not followed.")
    STATUS = "status", _l("The receiver answered with an error.")
    BOT = "bot", _l("The group bot refused the message.")
    MAIL = "mail", _l("The mail server refused the message.")
    BROKEN_OFF = "broken_off", _l("Sending broke off again and again.")


def trouble_in_words(error: str) -> str:
    """A stored error (a :class:`Trouble` and a detail) as a sentence in the reader's language; empty for none."""
    code, _blank, detail = error.partition(" ")
    return f"{Trouble(code).title} {f'({detail})' if detail else ''}".strip() if code else ""


class OutboxMessage(Record):
    """A message that leaves the program, written in the transaction of the business it tells of.

    ``delivery`` identifies it at the receiver, who may get it twice when the sender dies between sending and noting it.
    ``payload``: the words, in the receiver's language. ``lease_token``: only the sender that holds it may note how it
    went; until ``next_at`` nobody else takes the message. ``error``: a :class:`Trouble` and what else is known.
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
    error: Mapped[str] = mapped_column(String(100), default="")
    lease_token: Mapped[str | None] = mapped_column(String(32))

    person: Mapped[Account | None] = relationship(foreign_keys=[person_id])
    webhook: Mapped[Webhook | None] = relationship(foreign_keys=[webhook_id], back_populates="messages")

    @property
    def receiver(self) -> str:
        return self.person.display_name if self.person else str(self.webhook or "")

    def __str__(self) -> str:
        return self.receiver

    @property
    def trouble(self) -> str:
        """What went wrong at the last attempt, in the reader's language; empty when nothing did."""
        return trouble_in_words(self.error)
