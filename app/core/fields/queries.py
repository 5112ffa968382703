"""Which fields the records of an estate have, and the values that records have of them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from flask import current_app, g, has_request_context
from sqlalchemy import ColumnElement, bindparam, or_, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, current_actor
from app.core.fields.kinds import Field, FileId, Offered
from app.core.fields.models import CustomChoice, CustomField, CustomValue, FieldKind
from app.core.files.models import Attachment
from app.core.records.base import Record
from app.core.records.estate import Estate
from app.extensions import db


def fields_of(
    record_type: str, actor: Actor | None = None, *, archived: bool = False, estate_id: int | None = None
) -> tuple[Field, ...]:
    """The fields of the records of a table in their order; only those that ``actor`` sees when given.

    Of the estate in which the acting person works, unless ``estate_id`` names another. With ``archived`` the archived
    ones come last. In a request this takes no statement, as long as nobody changes a definition.
    """
    estate_id = estate_id or current_actor().estate_id
    if estate_id is None:
        return ()
    defined, chosen = _definitions(estate_id)
    key = (record_type, archived, actor and (actor.system, actor.roles))
    if key not in chosen:
        found = (f for f in defined if f.record_type == record_type and (archived or not f.archived))
        chosen[key] = tuple(f for f in found if actor is None or f.seen_by(actor))
    return chosen[key]


def values_of(
    session: Session, record_type: str, ids: Iterable[int], fields: Iterable[Field] | None = None
) -> dict[int, dict[str, Any]]:
    """The values of many records, ``{record id: {code: value}}``, in one statement; records without any are missing.

    Numbers have the decimals of their field; a file is the id of its attachment (:class:`FileId`). ``fields``
    defaults to all that are not archived, whoever sees them.
    """
    known = {field.id: field for field in (fields_of(record_type) if fields is None else fields)}
    wanted = sorted(set(ids))
    if not known or not wanted:
        return {}
    if session.autoflush:
        session.flush()
    with_files = any(field.kind is FieldKind.FILE for field in known.values())
    rows = session.connection().execute(  # no objects: the fields are those of one estate, and so are their values
        _values_with_files if with_files else _values,
        {"type": record_type, "records": wanted, "fields": list(known)},
    )
    found: dict[int, dict[str, Any]] = {}
    value: Any
    for record_id, field_id, text, number, day, yes, attachment_id, *name in rows:
        field = known[field_id]
        if number is not None:
            value = number.quantize(Decimal(1).scaleb(-field.decimals))
        elif attachment_id is not None:
            value = FileId.of(attachment_id, name[0] or "")
        else:
            value = text if text is not None else yes if day is None else day
        found.setdefault(record_id, {})[field.code] = value
    return found


def values_of_record(session: Session, record: Record, fields: Iterable[Field] | None = None) -> dict[str, Any]:
    """The values of one record by code; see :func:`values_of`."""
    return values_of(session, record.__tablename__, [record.id], fields).get(record.id, {})


def sees_file(session: Session, attachment: Attachment, actor: Actor) -> bool:
    """Whether the actor, who may read the record, sees a file of it: one in a field, only with the field."""
    if attachment.kind != FILE_KIND:
        return True
    fields = fields_of(attachment.record_type, actor, archived=True, estate_id=attachment.estate_id)
    return attachment.role in {field.code for field in fields}


def hidden_files(actor: Actor) -> list[ColumnElement[bool]]:
    """WHERE clauses on attachments that leave out the files in fields which the actor does not see."""
    found = _definitions(actor.estate_id)[0] if actor.estate_id is not None else ()
    hidden = [(f.record_type, f.code) for f in found if f.kind is FieldKind.FILE and not f.seen_by(actor)]
    return [
        or_(Attachment.kind != FILE_KIND, Attachment.record_type != table, Attachment.role != code)
        for table, code in hidden
    ]


FILE_KIND = "field"
"""Kind of the attachments that fields hold; their ``role`` is the code of the field."""


def _definitions(estate_id: int) -> tuple[tuple[Field, ...], dict[Any, tuple[Field, ...]]]:
    """All fields of an estate, and the choices among them made so far: a list asks for its own a dozen times.

    Both are remembered by this process until the estate's settings change.
    """
    version = _version(estate_id)
    cache: dict[int, tuple[int | None, tuple[Any, Any]]] = current_app.extensions.setdefault("guanjia.fields", {})
    known = cache.get(estate_id)
    if known is None or known[0] != version:
        cache[estate_id] = known = (version, (_read(db.session, estate_id), {}))
    return known[1]


def _version(estate_id: int) -> int | None:
    """Number of the estate's settings: in a request it came with the person."""
    estate = getattr(g.get("user"), "estate", None) if has_request_context() else None
    if estate is not None and estate.id == estate_id:
        version: int = estate.settings_version
        return version
    table: Any = Estate.__table__
    return db.session.connection().scalar(select(table.c.settings_version).where(table.c.id == estate_id))


def _read(session: Session, estate_id: int) -> tuple[Field, ...]:
    """The stored definitions: plain rows, so that a record that is being changed stays as it is."""
    fields, choices, connection = _fields, _choices, session.connection()
    offered: dict[int, list[Offered]] = {}
    for row in connection.execute(
        select(choices).where(choices.c.estate_id == estate_id).order_by(choices.c.sequence, choices.c.id)
    ):
        choice = Offered(code=row.code, title_zh=row.title_zh, title_en=row.title_en, withdrawn=row.withdrawn)
        offered.setdefault(row.field_id, []).append(choice)
    rows = connection.execute(
        select(fields)
        .where(fields.c.estate_id == estate_id)
        .order_by(fields.c.archived_at.is_not(None), fields.c.sequence, fields.c.id)
    )
    return tuple(
        Field(
            **{name: getattr(row, name) for name in AS_STORED},
            read_roles=frozenset(row.read_roles),
            write_roles=frozenset(row.write_roles),
            archived=row.archived_at is not None,
            choices=tuple(offered.get(row.id, ())),
        )
        for row in rows
    )


AS_STORED = (
    "id", "record_type", "code", "kind", "title_zh", "title_en", "help_zh", "help_en", "section_zh", "section_en",
    "sequence", "required", "default", "places", "listed", "searched",
)  # fmt: skip
_fields: Any = CustomField.__table__
_choices: Any = CustomChoice.__table__
_v: Any = CustomValue.__table__.c
_a: Any = Attachment.__table__.c
_values: Any = select(_v.record_id, _v.field_id, _v.text, _v.number, _v.day, _v.yes, _v.attachment_id).where(
    _v.record_type == bindparam("type"),
    _v.record_id.in_(bindparam("records", expanding=True)),
    _v.field_id.in_(bindparam("fields", expanding=True)),
)
"""The rows of :func:`values_of`, a statement made once: lists and forms ask it in every request."""
_values_with_files: Any = _values.add_columns(_a.name).outerjoin(Attachment.__table__, _a.id == _v.attachment_id)
