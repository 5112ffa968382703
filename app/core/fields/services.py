"""Adding fields to records, changing and archiving them; setting the values that records have of them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, event, func, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed
from app.core.audit.log import record_change
from app.core.fields.kinds import Extensible, Field, FileId, Offered
from app.core.fields.models import LONGEST, CustomChoice, CustomField, CustomValue, FieldKind
from app.core.fields.queries import FILE_KIND, fields_of
from app.core.files.models import Attachment
from app.core.files.services import archive_attachment, attach
from app.core.records.base import Record, now
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import registry

MOST_FIELDS, MOST_CHOICES = 100, 200
CODE = re.compile(r"[a-z][a-z0-9_]{0,29}")
LASTING = ("record_type", "code", "kind")
"""What stays as it was when the field was added: values, filters, workbooks and papers rely on it."""


# --- values ------------------------------------------------------------------------------------------------------


def set_values(session: Session, record: Record, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Set values of ``record`` by the code of their field; None takes a value away, what is not named stays.

    A file is given as the upload and kept as attachment, or as the id of an attachment of the record. The change is
    logged as one of the record itself and makes a new version of it.

    Raises:
        NotAllowed: no such field, it is archived, or the actor does not fill it in.
        FieldErrors: values that do not fit or are required, by the names of their fields.
    """
    table = record.__tablename__
    fields = {field.code: field for field in fields_of(table, estate_id=record.estate_id)}
    if refused := [code for code in values if code not in fields or not fields[code].filled_by(actor)]:
        raise NotAllowed(f"fields {refused} of {table}")
    if not values:
        return
    session.flush()
    wanted = [fields[code].id for code in values]
    rows = {
        row.field_id: row
        for row in session.scalars(
            select(CustomValue).where(
                CustomValue.record_type == table, CustomValue.record_id == record.id, CustomValue.field_id.in_(wanted)
            )
        )
    }
    errors: dict[str, Any] = {}
    changes: dict[str, tuple[Any, Any]] = {}
    for code, value in values.items():
        field, row = fields[code], rows.get(fields[code].id)
        try:
            change = _set(session, record, field, row, value, actor)
        except InvalidValue as error:
            errors[field.name] = error.sentence
        else:
            changes |= {field.name: change} if change else {}
    if errors:
        raise FieldErrors(errors)
    if changes:
        record.changed_at = now()
        session.flush()
        record_change(session, record, changes)


def give_defaults(session: Session, record: Record, *, actor: Actor) -> None:
    """Give a record that nobody filled in on a form the first values of its fields."""
    fields = fields_of(record.__tablename__, actor, estate_id=record.estate_id)
    first = {f.code: f.first_value() for f in fields if f.default and f.filled_by(actor)}
    set_values(session, record, {code: value for code, value in first.items() if value is not None}, actor=actor)


def _set(
    session: Session, record: Record, field: Field, row: CustomValue | None, value: Any, actor: Actor
) -> tuple[Any, Any] | None:
    """Bring the value into its row; the former and the new one as the log has them, nothing when they are the same."""
    stored = getattr(row, field.column) if row else None
    if field.kind is FieldKind.FILE:
        value, old = _file(session, record, field, value, actor), _name(session, stored)
        new = _name(session, value)
    else:
        value = field.fit(value, stored)
        old, new = stored, value
    if value is None and field.required:
        raise InvalidValue(_l("“%(field)s” must be filled in.", field=field.label))
    if value == stored:
        return None
    if row is None:
        row = CustomValue(
            estate_id=record.estate_id, field_id=field.id, record_type=record.__tablename__, record_id=record.id
        )
        session.add(row)
    if value is None:
        session.delete(row)
    else:
        setattr(row, field.column, value)
    if field.kind is FieldKind.FILE and stored is not None:
        archive_attachment(session, session.get_one(Attachment, stored), reason=_("Replaced"), actor=actor)
    return _rounded(field, old), _rounded(field, new)


def _rounded(field: Field, value: Any) -> Any:
    return value.quantize(Decimal(1).scaleb(-field.decimals)) if isinstance(value, Decimal) else value


def _file(session: Session, record: Record, field: Field, value: Any, actor: Actor) -> FileId | None:
    if isinstance(value, FileStorage):
        kept = attach(session, record, value, kind=FILE_KIND, role=field.code, actor=actor)
        return FileId.of(kept.id, kept.name)
    if value is None:
        return None
    attachment = session.get(Attachment, int(value))
    here = (record.__tablename__, record.id, FILE_KIND, field.code)
    if attachment is None or (attachment.record_type, attachment.record_id, attachment.kind, attachment.role) != here:
        raise InvalidValue(_l("Choose a file."))
    return FileId.of(attachment.id, attachment.name)


def _name(session: Session, number: int | None) -> str | None:
    return None if number is None else session.get_one(Attachment, number).name


@event.listens_for(Session, "before_flush")
def _remove_values(session: Session, context: Any, instances: Any) -> None:
    """The values of a record go with it."""
    gone = [record for record in session.deleted if isinstance(record, Record)]
    extensible = registry().of(Extensible) if gone else {}
    for record in gone:
        if record.__tablename__ in extensible:
            table: Any = CustomValue.__table__
            here = (table.c.record_type == record.__tablename__, table.c.record_id == record.id)
            session.connection().execute(delete(table).where(*here))


# --- definitions -------------------------------------------------------------------------------------------------


def add_field(session: Session, values: Mapping[str, Any], *, actor: Actor) -> CustomField:
    """Add a field to a kind of record, as the last one; without a ``code`` it is made of the English title.

    ``choices``: what a choice field offers, as for :func:`set_choices`.

    Raises:
        FieldErrors: the record takes no fields, code or default do not fit, or there are too many fields.
    """
    actor.require("create", "CustomField")
    given = dict(values)
    choices = given.pop("choices", None)
    table = given.get("record_type", "")
    if table not in registry().of(Extensible):
        raise FieldErrors({"record_type": _l("Choose one of the values offered.")})
    present = {field.code for field in fields_of(table, archived=True)}
    if len(present) >= MOST_FIELDS:
        raise FieldErrors({"": _l("A record has at most %(count)s fields.", count=MOST_FIELDS)})
    code = given["code"] = (given.get("code") or "").strip() or _code_from(given.get("title_en", ""), present)
    if not CODE.fullmatch(code):
        raise FieldErrors({"code": _l("A code begins with a letter and has small letters, digits and _ only.")})
    if code in present:
        raise FieldErrors({"code": _l("Another field has this code, perhaps an archived one.")})
    row = CustomField(estate_id=actor.estate_id, sequence=_next_place(session, table))
    return _save(session, row, given, choices)


def change_field(session: Session, row: CustomField, values: Mapping[str, Any], *, actor: Actor) -> CustomField:
    """Change a field, except what it is: its record, its code and its kind. Raises as :func:`add_field`."""
    actor.require("update", "CustomField")
    given = {name: value for name, value in values.items() if name not in LASTING}
    return _save(session, row, given, given.pop("choices", None))


def archive_field(session: Session, row: CustomField, *, reason: str, actor: Actor) -> None:
    """Take a field out of use; its values stay. Raises :class:`InvalidValue` without a reason."""
    actor.require("update", "CustomField")
    if not reason.strip():
        raise InvalidValue(_l("Say why the field is archived."))
    if row.archived_at is None:
        row.archived_at, row.archive_reason = now(), reason.strip()[:300]
        settings_changed(session, row.estate_id)


def restore_field(session: Session, row: CustomField, *, actor: Actor) -> None:
    """Bring an archived field back, with its values, as the last one."""
    actor.require("update", "CustomField")
    if row.archived_at is not None:
        row.archived_at, row.archive_reason = None, ""
        row.sequence = _next_place(session, row.record_type)
        settings_changed(session, row.estate_id)


def order_fields(session: Session, record_type: str, ids: Sequence[int], *, actor: Actor) -> None:
    """Put the fields of a kind of record into the order of ``ids``; those not named follow as they stood."""
    actor.require("update", "CustomField")
    rows = session.scalars(
        select(CustomField)
        .where(CustomField.estate_id == actor.estate_id, CustomField.record_type == record_type)
        .order_by(CustomField.sequence, CustomField.id)
    ).all()
    places = {number: place for place, number in enumerate(ids)}
    for place, row in enumerate(sorted(rows, key=lambda r: places.get(r.id, len(places)))):
        row.sequence = place + 1
    if actor.estate_id is not None:
        settings_changed(session, actor.estate_id)


def set_choices(session: Session, row: CustomField, choices: Iterable[Mapping[str, Any]]) -> None:
    """Offer ``choices`` – ``{code, title_zh, title_en, withdrawn}`` – in this order.

    One without a code is the one with these titles, or new and gets a code from its English title; one that is left
    out is withdrawn: records may have chosen it.

    Raises:
        FieldErrors: no choice is left, a title is missing, twice the same title, or there are too many.
    """
    present = {choice.code: choice for choice in row.choices}
    codes: list[str] = []
    for place, given in enumerate(choices):
        titles = {name: str(given.get(name) or "").strip()[:60] for name in ("title_zh", "title_en")}
        if not all(titles.values()):
            raise FieldErrors({"choices": _l("Write the Chinese and the English title of every value.")})
        same = next((c.code for c in present.values() if (c.title_zh, c.title_en) == tuple(titles.values())), "")
        code = str(given.get("code") or "").strip() or same or _code_from(titles["title_en"], {*present, *codes})
        if not CODE.fullmatch(code):
            raise FieldErrors({"choices": _l("A code begins with a letter and has small letters, digits and _ only.")})
        choice = present.get(code)
        if choice is None:
            choice = CustomChoice(estate_id=row.estate_id, code=code)
            row.choices.append(choice)
        if code in codes:
            raise FieldErrors({"choices": _l("The code “%(code)s” stands there twice.", code=code)})
        codes.append(code)
        choice.title_zh, choice.title_en = titles["title_zh"], titles["title_en"]
        choice.sequence, choice.withdrawn = place + 1, bool(given.get("withdrawn"))
    for choice in row.choices:
        choice.withdrawn = choice.withdrawn or choice.code not in codes
    _check_choices([choice for choice in row.choices if not choice.withdrawn], len(row.choices))


def settings_changed(session: Session, estate_id: int) -> None:
    """Let every process read the estate's settings anew after the transaction.

    The number never comes back, so that nobody keeps what a rolled-back transaction would have changed.
    """
    session.flush()
    session.execute(
        update(Estate)
        .where(Estate.id == estate_id)
        .values(settings_version=secrets.randbelow(2**31 - 1) + 1)
        .execution_options(synchronize_session=False)
    )


def _save(session: Session, row: CustomField, values: Mapping[str, Any], choices: Any) -> CustomField:
    with session.no_autoflush:
        for name, value in values.items():
            setattr(row, name, value)
        row.read_roles, row.write_roles = sorted(row.read_roles or ()), sorted(row.write_roles or ())
        if row.kind is FieldKind.CHOICE:
            if choices is not None or not row.choices:
                set_choices(session, row, choices or ())
        elif choices:
            raise FieldErrors({"choices": _l("Only a choice offers values.")})
        row.places = (row.places or 0) if row.kind is FieldKind.NUMBER else 0
        row.searched = bool(row.searched) and row.kind is FieldKind.TEXT
        _check_default(row)
    session.add(row)
    settings_changed(session, row.estate_id)
    return row


def _check_default(row: CustomField) -> None:
    offered = tuple(
        Offered(code=c.code, title_zh=c.title_zh, title_en=c.title_en, withdrawn=bool(c.withdrawn)) for c in row.choices
    )
    names = ("record_type", "code", "kind", "title_zh", "title_en", "places")
    field = Field(id=0, **{name: getattr(row, name) for name in names}, choices=offered)
    row.default = (row.default or "").strip()[:LONGEST]
    try:
        field.read(row.default)
    except InvalidValue as error:
        raise FieldErrors({"default": error.sentence}) from None


def _check_choices(offered: Sequence[CustomChoice], total: int) -> None:
    if not offered:
        raise FieldErrors({"choices": _l("A choice offers at least one value.")})
    if total > MOST_CHOICES:
        raise FieldErrors({"choices": _l("A choice offers at most %(count)s values.", count=MOST_CHOICES)})
    for titles in ([c.title_zh for c in offered], [c.title_en for c in offered]):
        if len({title.casefold() for title in titles}) < len(titles):
            raise FieldErrors({"choices": _l("Two values have the same title.")})


def _next_place(session: Session, record_type: str) -> int:
    last = session.scalar(select(func.max(CustomField.sequence)).where(CustomField.record_type == record_type))
    return (last or 0) + 1


def _code_from(title: str, taken: Iterable[str]) -> str:
    """A code like the English title: ``Power (kW)`` → ``power_kw``."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.casefold()).strip("_")[:24].strip("_")
    code = plain if CODE.fullmatch(plain) else f"v_{plain}".rstrip("_")
    used, number = set(taken), 1
    while (found := code if number == 1 else f"{code}_{number}") in used:
        number += 1
    return found
