"""Numbered records that go through a workflow and bear papers: how they begin, are signed and note who did what."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, ClassVar, TypeVar

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor
from app.core.files.models import Attachment
from app.core.files.services import attach, attach_signature, attachments_of
from app.core.records.base import Record, UtcDateTime, now, session_of
from app.core.records.clock import bounds_of, estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.numbering import next_number
from app.core.workflow.table import Guard, Workflow


class Document(Record):
    """A record with a number of its own series. ``rules`` are the table's further constraints and indexes.

    :class:`Issued`, :class:`Checked` and :class:`Valid` add what many documents have.
    """

    __abstract__ = True
    rules: ClassVar[tuple[Any, ...]] = ()

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Document number")})

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:
        mixed = (rule for base in cls.__mro__ if "mixed_rules" in vars(base) for rule in base.mixed_rules())
        return (UniqueConstraint("estate_id", "number"), *mixed, *cls.rules)

    def __str__(self) -> str:
        return self.number


class Issued:
    """Who issued the document when; ``noted("issued")`` fills it in."""

    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Issued at")})
    issued_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Issued by")})


class Checked:
    """Who checked what the document is about, when; ``noted("checked")`` fills it in."""

    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Check made at")})
    checked_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Check made by")})


class Valid:
    """First and last day on which the document holds, with the guards :func:`valid_today` and :func:`not_over`."""

    valid_from: Mapped[date] = mapped_column(info={"label": _l("Valid from")})
    valid_to: Mapped[date] = mapped_column(info={"label": _l("Valid to")})

    @staticmethod
    def mixed_rules() -> tuple[Any, ...]:
        sentence = _l("The last day comes before the first one.")
        return (CheckConstraint("valid_from <= valid_to", name="valid_to_after_from", info={"message": sentence}),)


def valid_today(record: Any, actor: Actor) -> str | None:
    """Guard: today is one of the days on which the document holds."""
    days = {"first": record.valid_from, "last": record.valid_to}
    good = record.valid_from <= estate_today(session_of(record), record.estate_id) <= record.valid_to
    return None if good else _("Valid from %(first)s to %(last)s only.", **days)


def not_over(record: Any, actor: Actor) -> str | None:
    """Guard: the last day has not gone by."""
    over = record.valid_to < estate_today(session_of(record), record.estate_id)
    return _("The last day, %(day)s, has gone by.", day=record.valid_to) if over else None


def end_of_validity(record: Any) -> datetime:
    """24:00 of the document's last day at the estate, for the clock of a :class:`~app.core.workflow.table.Wait`."""
    return bounds_of(session_of(record), record.estate_id, record.valid_to, record.valid_to)[1]


def must(hold: Callable[[Any], Any], sentence: Any) -> Guard:
    """Guard: ``hold(record)`` is true, otherwise the ``sentence`` says what is missing."""
    return lambda record, actor: None if hold(record) else str(sentence)


D = TypeVar("D", bound=Document)


def enter(session: Session, document: D, workflow: Workflow, *, series: str, actor: Actor) -> D:
    """Store a new document under the next number of its series in this year and put it into the queue.

    Raises:
        NotAllowed: no right to create such records.
    """
    actor.require("create", workflow.resource)
    if document.estate_id is None and actor.estate_id is not None:
        document.estate_id = actor.estate_id
    with session.no_autoflush:  # it may stand among the parts of another record already
        year = estate_today(session, document.estate_id).year
        document.number = next_number(session, document.estate_id, series, year)
    session.add(document)
    session.flush()
    workflow.follow(session, document)
    return document


def noted(who: str = "", **values: Any) -> Callable[..., None]:
    """Effect of a transition that notes itself on the record.

    It sets ``<who>_at`` and ``<who>_by_name``, the ``values``, and what was asked for under the name of a column.
    """

    def effect(record: Any, *, actor: Actor, **asked: str) -> None:
        stamp = {f"{who}_at": now(), f"{who}_by_name": actor.name} if who else {}
        columns = {name: text for name, text in asked.items() if hasattr(type(record), name)}
        for name, value in {**stamp, **values, **columns}.items():
            setattr(record, name, value)

    return effect


def sign(
    session: Session, document: Document, *, role: str, signer: str, drawing: str = "", scan: FileStorage | None = None, actor: Actor
) -> Attachment:  # fmt: skip
    """Keep a signature given in ``role``: drawn on the screen (PNG data URL) or the ``scan`` of the signed paper.

    A later one counts instead of an earlier one; both stay. Whoever calls checks the right.

    Raises:
        InvalidValue: no name, nothing drawn, or a file we don't keep.
    """
    if not signer.strip():
        raise InvalidValue(_l("Say who signs."))
    if scan and scan.filename:
        return attach(session, document, scan, kind=f"signed_{role}", note=signer.strip()[:100], actor=actor)
    return attach_signature(session, document, drawing, role=role, name=signer, actor=actor)


def signed(document: Document, role: str) -> Attachment | None:
    """What was signed last in ``role``, on the screen or on paper; nothing when nobody did."""
    given = reversed(attachments_of(session_of(document), document))
    return next((file for file in given if file.role == role or file.kind == f"signed_{role}"), None)
