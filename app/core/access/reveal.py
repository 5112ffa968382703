"""Showing personal data in full: by a right, for a reason, written into the change log."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.audit.log import record_event
from app.core.records.base import Record
from app.core.records.identifiers import InvalidValue
from app.core.records.lookup import reach
from app.core.records.secrets import EncryptedText

SHORTEST_REASON = 4


def reveal(
    session: Session, table: str, record_id: int, column: str, *, reason: str, actor: Actor
) -> tuple[Record, str]:
    """The record and the value of one of its encrypted columns; the reveal is logged with its reason.

    The actor needs the verb ``reveal`` on the record's resource. The caller commits before showing the value.

    Raises:
        NotAllowed: no such record, column or right.
        InvalidValue: no reason was given.
    """
    record: Record = reach(session, table, record_id, verb="reveal", actor=actor)
    if column not in secret_columns(type(record)):
        raise NotAllowed(f"{table}.{column}")
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise InvalidValue(_l("Say why you need to see this, in a few words."))
    record_event(session, "reveal", record, note=reason[:300], column=column)
    return record, getattr(record, column) or ""


def secret_columns(model: type[Record]) -> list[str]:
    """The encrypted columns of a model."""
    return [a.key for a in inspect(model).column_attrs if isinstance(a.columns[0].type, EncryptedText)]
