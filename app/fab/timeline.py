"""What happened to a record, in sentences, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_babel import gettext as _

from app.core.audit.models import AuditEntry
from app.core.records.base import Stamped
from app.extensions import db
from app.fab.cells import text_of
from app.fab.fields import title_of
from app.fab.interface import Attribute, Kind, RecordInterface, model_of

ICONS = {
    "create": "plus", "update": "edit", "delete": "trash", "transition": "arrow-right", "reveal": "eye",
    "issue": "file-text", "print": "printer", "sign": "writing-sign", "signature": "writing-sign", "file": "paperclip",
    "comment": "message",
}  # fmt: skip
GATHERED = {ICONS["issue"], ICONS["print"]}
PACK = 40
"""Entries read beyond those asked for: the papers of a pack, issued and printed, take two lines."""
TOGETHER = timedelta(minutes=2)


@dataclass(frozen=True)
class Change:
    """One field of a change: label, former and new value as texts; ``secret`` values are never shown."""

    label: str
    old: str
    new: str
    secret: bool = False


@dataclass(frozen=True)
class Happening:
    """One entry of a timeline."""

    at: datetime
    who: str
    what: str
    icon: str
    changes: tuple[Change, ...] = ()
    note: str = ""
    first: bool = False
    """The record was made; ``changes`` are its first values."""


def timeline(record: Stamped, limit: int = 50, kinds: Sequence[str] = ()) -> list[Happening]:
    """The last ``limit`` entries about ``record`` and its parts, newest first; only those of ``kinds`` when given.

    At most two statements, plus one per kind of record that changed references pointed at.
    """
    kind, number = record.audit_subject
    about = [AuditEntry.subject_type == kind, AuditEntry.subject_id == number]
    return _happenings([*about, AuditEntry.kind.in_(kinds)] if kinds else about, kind, limit)


def entries_about(records: Sequence[Stamped], limit: int = 50) -> list[Happening]:
    """The last entries about exactly these records, the first being the main one; for a part with a page of its own."""
    pairs = [(record.__tablename__, record.id) for record in records]
    clause = sa.tuple_(AuditEntry.record_type, AuditEntry.record_id).in_(pairs)
    return _happenings([clause], records[0].__tablename__, limit)


def _happenings(clauses: Sequence[Any], kind: str, limit: int) -> list[Happening]:
    session = db.session
    newest = sa.select(AuditEntry).where(*clauses).order_by(AuditEntry.id.desc())
    found = session.scalars(newest.limit(limit + PACK)).all()
    named = _names_of_references(found)
    return _gathered(_happening(entry, named, entry.record_type == kind) for entry in found)[:limit]


def _gathered(happenings: Iterable[Happening]) -> list[Happening]:
    """One entry for papers that a person issued or printed one right after the other, as in a pack."""
    gathered: list[Happening] = []
    for one in happenings:
        last = gathered[-1] if gathered else None
        if (
            last
            and last.icon in GATHERED
            and (last.who, last.what) == (one.who, one.what)
            and last.at - one.at < TOGETHER
        ):
            gathered[-1] = replace(last, note=f"{last.note}, {one.note}")
        else:
            gathered.append(one)
    return gathered


def _attributes(table: str) -> dict[str, Attribute]:
    cache: dict[str, dict[str, Attribute]] = current_app.extensions.setdefault("guanjia.timeline", {})
    if table not in cache:
        model = model_of(table)
        interface = RecordInterface(model) if model else None
        columns = interface.columns.items() if interface else ()
        cache[table] = {n: interface.attribute(n) for n, c in columns if "label" in c.info} if interface else {}
    return cache[table]


def _names_of_references(entries: Iterable[AuditEntry]) -> dict[tuple[type, int], str]:
    wanted: dict[type, set[int]] = {}
    for entry in entries:
        for name, pair in entry.changes.items():
            attribute = _attributes(entry.record_type).get(name)
            if attribute and attribute.kind is Kind.REFERENCE and attribute.target:
                wanted.setdefault(attribute.target, set()).update(v for v in pair if isinstance(v, int))
    named = {}
    for target, numbers in wanted.items():
        key: Any = sa.inspect(target).primary_key[0]
        for row in db.session.scalars(sa.select(target).where(key.in_(numbers))):
            named[target, row.id] = title_of(row)
    return named


def _happening(entry: AuditEntry, named: Mapping[tuple[type, int], str], own: bool) -> Happening:
    what = _step(entry) if entry.kind == "transition" else _sentence(entry.kind, own)
    changes = tuple(_changes(entry, named)) if entry.kind in {"update", "create"} else ()
    return Happening(
        entry.at, entry.actor_name, what, ICONS.get(entry.kind, "point"), changes, entry.note, entry.kind == "create"
    )


def _sentence(kind: str, own: bool) -> str:
    sentences = {
        "create": _("entered this record") if own else _("added a part"),
        "update": _("changed this record") if own else _("changed a part"),
        "delete": _("deleted this record") if own else _("removed a part"),
        "reveal": _("looked at personal data"),
        "issue": _("issued a paper"),
        "print": _("printed a paper"),
        "sign": _("had a paper signed"),
        "signature": _("added a drawn signature"),
        "file": _("added a file"),
        "comment": _("wrote a comment"),
    }
    return sentences.get(kind) or kind.replace("_", " ")


def _step(entry: AuditEntry) -> str:
    name, source, target = (entry.changes.get(key, [None, None])[1] for key in ("transition", "source", "target"))
    for workflow in current_app.extensions["guanjia"].workflows.values():
        if workflow.model.__tablename__ == entry.record_type:
            titles = {t.name: str(t.title) for t in workflow.transitions}
            looks = {str(state): str(look.title) for state, look in workflow.looks.items()}
            return _(
                "%(step)s: %(source)s → %(target)s",
                step=titles.get(name, name), source=looks.get(source, source), target=looks.get(target, target),
            )  # fmt: skip
    return str(name)


def _changes(entry: AuditEntry, named: Mapping[tuple[type, int], str]) -> Iterable[Change]:
    for name, (old, new) in entry.changes.items():
        attribute = _attributes(entry.record_type).get(name)
        if attribute is None:
            continue
        if attribute.kind is Kind.SECRET:
            yield Change(str(attribute.label), "", "", secret=True)
        else:
            yield Change(str(attribute.label), _text(attribute, old, named), _text(attribute, new, named))


def _text(attribute: Attribute, plain: Any, named: Mapping[tuple[type, int], str]) -> str:
    """The logged value as the record's page would show it."""
    if plain is None:
        return ""
    if attribute.kind is Kind.REFERENCE:
        return named.get((attribute.target, plain), f"#{plain}") if attribute.target else f"#{plain}"
    return text_of(attribute, logged_value(attribute, plain))


def logged_value(attribute: Attribute, plain: Any) -> Any:
    """A value of the change log as records hold it."""
    readers: dict[Kind, Any] = {
        Kind.DAY: date.fromisoformat,
        Kind.MOMENT: datetime.fromisoformat,
        Kind.DECIMAL: Decimal,
    }
    try:
        return plain if plain is None else readers.get(attribute.kind, lambda value: value)(plain)
    except (ValueError, TypeError, InvalidOperation):
        return plain


def changed_since(record: Stamped, version: int) -> dict[str, Any]:
    """Columns changed after ``version`` with the values they had then (personal data: a hash).

    Every change of a record raises its version by one and leaves one entry in the log.
    """
    steps = min(max(record.version - version, 0), 1000)
    entries = db.session.scalars(
        sa.select(AuditEntry)
        .where(
            AuditEntry.record_type == record.__tablename__,
            AuditEntry.record_id == record.id,
            AuditEntry.kind == "update",
        )
        .order_by(AuditEntry.id.desc())
        .limit(steps)
    )
    attributes = _attributes(record.__tablename__)
    return {
        name: logged_value(attributes[name], old)
        for entry in entries
        for name, (old, _new) in entry.changes.items()
        if name in attributes
    }
