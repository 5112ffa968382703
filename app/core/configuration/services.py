"""The settings of an estate into one file, and out of it: looked at first, then carried out exactly as shown.

The look at an import is the import itself in a savepoint that is rolled back, so every rule of model and service has
its say in it. An entry that is refused is left out; everything else comes in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.exc import DataError, IntegrityError, StatementError
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.audit.log import because
from app.core.configuration.codec import decode, differences, encode
from app.core.configuration.document import MEDIA, Document, read_document, written
from app.core.configuration.kinds import Child, ConfigPart, ConfigValues, Entry, Key, Part, Pointer
from app.core.configuration.plan import Fate, Line, Plan
from app.core.files.services import clean_name, content, keep
from app.core.imports.models import ImportRun
from app.core.records.base import now
from app.core.records.choices import in_language
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.core.workflow.table import Blocked

KIND = "configuration"
"""Kind of the :class:`ImportRun`."""
PASSES = 4
"""How often what was refused is tried again after others came in, because it may point at them."""
REFUSALS = (Blocked, InvalidValue, FieldErrors, IntegrityError, DataError, NotAllowed, StatementError)


def parts() -> dict[str, Part]:
    """What the modules contributed, by code, in the order of import."""
    known: list[Part] = [*registry().of(ConfigPart).values(), *registry().of(ConfigValues).values()]
    return {part.code: part for part in sorted(known, key=lambda part: part.order)}


# Export


def export(session: Session, estate: Estate, codes: Iterable[str] | None = None, *, actor: Actor) -> bytes:
    """The settings of ``estate`` as one file: every part that the actor may read, or those of ``codes``.

    Raises:
        NotAllowed: no right to take settings out, or an unknown part.
    """
    actor.require("export", "Configuration")
    known = parts()
    chosen = list(known) if codes is None else list(dict.fromkeys(codes))
    if set(chosen) - known.keys():
        raise NotAllowed("part of the configuration")
    found = {
        code: list(entries(session, estate.id, known[code]))
        for code in known
        if code in chosen and actor.may("read", known[code].resource)
    }
    return written(estate, found, now())


def entries(session: Session, estate_id: int, part: Part) -> Iterable[Entry]:
    """The entries of a part as they stand in the file, in their order."""
    if isinstance(part, ConfigValues):
        return [{part.key: " ".join(key), **values} for key, values in part.read(session, estate_id).items()]
    return [_entry(session, part, record) for record in _rows(session, estate_id, part)]


def _rows(session: Session, estate_id: int, part: ConfigPart) -> Sequence[Any]:
    table: Any = part.model
    order = [getattr(table, name) for name in ("seq", "sequence") if name in table.__table__.c]
    key = [getattr(table, name) for name in part.key if name not in part.pointers]
    return session.scalars(
        select(table)
        .where(table.estate_id == estate_id, *part.where())
        .order_by(*key[:-1], *order, *key[-1:], table.id)
    ).all()


def _entry(session: Session, part: ConfigPart, record: Any) -> Entry:
    """A row in plain JSON."""
    found: Entry = {}
    for name in (*part.key, *part.columns):
        value, pointer = getattr(record, name), part.pointers.get(name)
        if pointer and value is not None:
            value = session.scalar(select(getattr(pointer.model, pointer.key)).where(_id_of(pointer.model) == value))
        found[_spelt(part, name)] = encode(value)
    for child in part.children:
        rows = [
            {n: encode(getattr(row, n)) for n in (*child.key, *child.columns)} for row in getattr(record, child.name)
        ]
        found[child.name] = _in_order(child, rows)
    return found


def _in_order(child: Child, rows: Iterable[Entry]) -> list[Entry]:
    return sorted(rows, key=lambda row: [(type(row[name]).__name__, row[name]) for name in child.key])


def _id_of(model: type) -> Any:
    return sa.inspect(model).primary_key[0]


def _spelt(part: ConfigPart, name: str) -> str:
    """What a column is called in the file: a pointer without its ``_id``."""
    return name.removesuffix("_id") if name in part.pointers else name


# Import


def receive(session: Session, data: bytes, name: str, *, actor: Actor) -> ImportRun:
    """Keep an uploaded configuration file.

    Raises:
        InvalidValue: its name or its content is not that of a configuration file (:func:`read_document`).
    """
    actor.require("import", "Configuration")
    name = clean_name(name)
    if PurePath(name).suffix.lower() != ".json":
        raise InvalidValue(_l("A configuration file has a name that ends with .json."))
    document = read_document(data)
    run = ImportRun(
        estate_id=actor.estate_id, kind=KIND, file_name=name, stored_file=keep(session, data, MEDIA),
        mapping={"parts": list(document.parts), "withdraw": []},
    )  # fmt: skip
    session.add(run)
    session.flush()
    return run


def document_of(run: ImportRun) -> Document:
    """What the uploaded file says."""
    return read_document(content(run.stored_file))


def look(session: Session, run: ImportRun, *, actor: Actor) -> Plan:
    """What the import would do now, kept with the run. Nothing else changes."""
    actor.require("import", "Configuration")
    plan = dry_run(session, run.estate_id, document_of(run), **_choice(run), actor=actor)
    run.outcome = plan.facts()
    session.flush()
    return plan


def _choice(run: ImportRun) -> dict[str, list[str]]:
    return {"chosen": run.mapping["parts"], "withdraw": run.mapping["withdraw"]}


def dry_run(
    session: Session, estate_id: int, document: Document, *, chosen: Iterable[str] | None = None,
    withdraw: Iterable[str] = (), actor: Actor,
) -> Plan:  # fmt: skip
    """What :func:`carry_out` would do, by doing it in a savepoint that is rolled back."""
    savepoint = session.begin_nested()
    try:
        return carry_out(session, estate_id, document, chosen=chosen, withdraw=withdraw, actor=actor)
    finally:
        savepoint.rollback()
        session.expire_all()


class Meanwhile(Exception):
    """Settings changed since the import was shown: look at it again."""


def import_run(session: Session, run: ImportRun, *, digest: str, actor: Actor) -> Plan:
    """Do exactly what was shown under ``digest``; the caller commits.

    Raises:
        InvalidValue: the file was imported already.
        Meanwhile: something else would happen now; nothing was done.
    """
    actor.require("import", "Configuration")
    if run.imported_at is not None:
        raise InvalidValue(_l("This file was imported already; upload it again to import it once more."))
    document = document_of(run)
    savepoint = session.begin_nested()
    with because(reason(run.file_name)):
        plan = carry_out(session, run.estate_id, document, **_choice(run), actor=actor)
    if plan.digest != digest:
        savepoint.rollback()
        raise Meanwhile
    savepoint.commit()
    run.outcome, run.digest, run.imported_at = plan.facts(), plan.digest, now()
    session.flush()
    return plan


def reason(name: str) -> str:
    """What the change log says about every change of an import."""
    return _("configuration import %(file)s", file=name)


def carry_out(
    session: Session, estate_id: int, document: Document, *, chosen: Iterable[str] | None = None,
    withdraw: Iterable[str] = (), actor: Actor,
) -> Plan:  # fmt: skip
    """Bring the estate's settings in line with the file; flushes, does not commit.

    ``chosen``: codes of the parts that count (default: all of the file); ``withdraw``: those of which entries that
    the file does not name go out of use.
    """
    known, wanted, lines = parts(), set(document.parts if chosen is None else chosen), list[Line]()
    for code, part in known.items():
        if code not in document.parts or code not in wanted:
            continue
        if not (actor.may("update", part.resource) and actor.may("read", part.resource)):
            lines.append(_refused(code, (), str(part.title), _("You have no right to change these settings.")))
            continue
        given = document.parts[code]
        if isinstance(part, ConfigValues):
            lines += _values_in(session, estate_id, part, given, actor)
        else:
            lines += _rows_in(session, estate_id, part, given, code in set(withdraw), actor)
    for code in document.parts:
        if code not in known and code in wanted:
            lines.append(_refused(code[:60], (), code[:60], _("This installation has no such settings.")))
    return Plan(estate_id, lines)


def _refused(part: str, key: Key, title: str, problem: str) -> Line:
    return Line(part, key, title, Fate.REFUSED, (), problem)


def _values_in(
    session: Session, estate_id: int, part: ConfigValues, given: Sequence[Entry], actor: Actor
) -> Iterable[Line]:
    here, seen = dict(part.read(session, estate_id)), set[Key]()
    for entry in given:
        key: Key = (str(entry.get(part.key, "")),)
        title = str(part.name(key[0]))[:120]
        values = {name: value for name, value in entry.items() if name != part.key}
        if key in seen or not key[0] or len(key[0]) > 60:
            yield _refused(part.code, (key[0][:60],), title[:60], _("This entry stands twice or has no key."))
            continue
        seen.add(key)
        changes = _changes(part.labels, here.get(key, {}), {**here.get(key, {}), **values})
        if key in here and not changes:
            yield Line(part.code, key, title, Fate.SAME)
            continue
        try:
            with session.begin_nested():
                part.save(session, key, values, actor=actor)
                session.flush()
                after = part.read(session, estate_id).get(key, {})
        except REFUSALS as error:
            yield _refused(part.code, key, title, _sentence(error, part.labels))
            continue
        changes = _changes(part.labels, here.get(key, {}), after)
        fate = Fate.SAME if not changes else Fate.CHANGED if key in here else Fate.NEW
        yield Line(part.code, key, title, fate, changes)
    for key in here.keys() - seen:
        yield Line(part.code, key, str(part.name(key[0])), Fate.KEPT)


def _changes(labels: Mapping[str, Any], old: Entry, new: Entry) -> tuple[tuple[str, Any, Any], ...]:
    found = []
    for name in {**old, **new}:
        found += [
            (where or str(labels.get(name, name)), before, after)
            for where, before, after in differences(old.get(name), new.get(name), str(labels.get(name, name)))
        ]
    return tuple(found)


def _rows_in(
    session: Session, estate_id: int, part: ConfigPart, given: Sequence[Entry], withdraw: bool, actor: Actor
) -> list[Line]:
    here = {_key(part, e): (record.id, e) for record in _rows(session, estate_id, part)
            if (e := _entry(session, part, record))}  # fmt: skip
    lines: dict[Any, Line] = {}
    waiting: dict[Key, Entry] = {}
    for place, entry in enumerate(given):
        key = _key(part, entry)
        if key in waiting or not all(key) or any(len(text) > 120 for text in key):
            lines[place] = _refused(
                part.code,
                tuple(t[:60] for t in key),
                _title(entry, key)[:60],
                _("This entry stands twice or has no key."),
            )
            continue
        waiting[key] = entry
        lines[key] = Line(part.code, key, _title(entry, key), Fate.SAME)
    order = list(waiting)
    for _pass in range(PASSES):
        tried = {key: _row_in(session, estate_id, part, key, waiting[key], here.get(key), actor) for key in waiting}
        lines |= tried
        left = {key: waiting[key] for key, line in tried.items() if line.fate == Fate.REFUSED}
        if not left or len(left) == len(waiting):
            break
        waiting = left
    for key, (number, entry) in here.items():
        if key not in lines:
            lines[key] = _only_here(session, estate_id, part, key, number, entry, withdraw, actor)
    places = {key: place for place, key in enumerate(order)}
    return sorted(lines.values(), key=lambda line: places.get(line.key, len(places)))


def _key(part: ConfigPart, entry: Entry) -> Key:
    return tuple(_text(entry.get(_spelt(part, name))) for name in part.key)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) else ""


def _title(entry: Entry, key: Key) -> str:
    titles = [entry.get(name) for name in ("title_zh", "title_en")]
    if all(isinstance(title, str) and title for title in titles):
        return in_language(*map(str, titles))[:200]
    return str(entry.get("title") or " · ".join(key))[:200]


def _row_in(
    session: Session,
    estate_id: int,
    part: ConfigPart,
    key: Key,
    entry: Entry,
    here: tuple[int, Entry] | None,
    actor: Actor,
) -> Line:
    """Bring one entry in, or say why not; ``here``: id and values of the row that the estate has."""
    number, present = here or (None, None)
    title = _title({**(present or {}), **entry}, key)
    try:
        if unknown := entry.keys() - {*(_spelt(part, n) for n in (*part.key, *part.columns)), *_children(part)}:
            raise InvalidValue(_l("“%(names)s” is no field of these settings.", names=", ".join(sorted(unknown))[:80]))
        if present is None and not part.grows:
            raise InvalidValue(_l("This installation has no such entry; the product brings these along."))
        decoded = _decoded(session, estate_id, part, entry)
        if present is None:
            _require_whole(part, decoded)
        if present is not None:
            plain = {**present, **_encoded(part, entry, decoded)}
            if not _changes({}, present, plain):
                return Line(part.code, key, title, Fate.SAME)
            decoded = {n: v for n, v in decoded.items() if present.get(_spelt(part, n)) != plain.get(_spelt(part, n))}
        elif not actor.may("create", part.resource):
            actor.require("update", part.resource)  # settings without a verb of their own for new ones
        with session.begin_nested():
            record = _write(session, estate_id, part, decoded, number, actor)
            session.flush()
            session.expire(record)
            if session.scalar(select(_id_of(part.model)).where(_id_of(part.model) == record.id, *part.where())) is None:
                raise InvalidValue(_l("This entry belongs to another part of the settings."))
            after = _entry(session, part, record)
    except REFUSALS as error:
        return _refused(part.code, key, title, _sentence(error, _labels(part), part.model))
    changes = _changes(_labels(part), _comparable(part, present or {}), _comparable(part, after))
    fate = Fate.NEW if present is None else Fate.CHANGED if changes else Fate.SAME
    return Line(part.code, key, title, fate, changes)


def _require_whole(part: ConfigPart, values: Mapping[str, Any]) -> None:
    """A new row needs every column that may not be empty and has no default."""
    columns: Any = part.model.__table__.c
    for name in (*part.key, *part.columns):
        if not columns[name].nullable and columns[name].default is None and name not in {**part.fixed, **values}:
            raise _at(str(_labels(part)[_spelt(part, name)]), InvalidValue(_l("must be filled in")))


def _children(part: ConfigPart) -> dict[str, Child]:
    return {child.name: child for child in part.children}


def _decoded(session: Session, estate_id: int, part: ConfigPart, entry: Entry) -> dict[str, Any]:
    """The values of an entry as columns hold them; children as lists of column values."""
    columns, found = part.model.__table__.c, dict[str, Any]()
    for name in (*part.key, *part.columns):
        spelt = _spelt(part, name)
        if spelt not in entry:
            continue
        pointer = part.pointers.get(name)
        try:
            found[name] = _target(session, estate_id, pointer, columns[name], entry[spelt]) if pointer else decode(
                columns[name], entry[spelt]
            )  # fmt: skip
        except InvalidValue as error:
            raise _at(str(_labels(part).get(spelt, spelt)), error) from None
    for child in part.children:
        if child.name in entry:
            found[child.name] = _decoded_children(child, entry[child.name])
    return found


def _at(label: str, error: InvalidValue) -> InvalidValue:
    return InvalidValue(_l("“%(field)s” %(problem)s.", field=label, problem=error.sentence))


def _decoded_children(child: Child, given: Any) -> list[dict[str, Any]]:
    columns: Any = child.model.__table__.c
    names = (*child.key, *child.columns)
    if not isinstance(given, list) or not all(isinstance(row, dict) for row in given):
        raise _at(str(child.title), InvalidValue(_l("has to be a list or a group of values")))
    rows = []
    for row in given:
        if row.keys() - set(names) or not row.keys() >= set(child.key):
            raise _at(str(child.title), InvalidValue(_l("has an entry with other fields than these settings")))
        try:
            rows.append({name: decode(columns[name], row[name]) for name in names if name in row})
        except InvalidValue as error:
            raise _at(str(child.title), error) from None
    keys = [tuple(row[name] for name in child.key) for row in rows]
    if len(set(keys)) < len(keys):
        raise _at(str(child.title), InvalidValue(_l("names the same entry twice")))
    return rows


def _target(session: Session, estate_id: int, pointer: Pointer, column: Any, value: Any) -> int | None:
    if value is None and column.nullable:
        return None
    narrowed = pointer.within(estate_id) if pointer.within else [pointer.model.estate_id == estate_id]
    query = select(_id_of(pointer.model)).where(getattr(pointer.model, pointer.key) == str(value), *narrowed)
    found: int | None = session.scalar(query) if isinstance(value, str) else None
    if found is None:
        raise InvalidValue(_l("points at “%(key)s”, which is not here", key=str(value)[:60]))
    return found


def _encoded(part: ConfigPart, entry: Entry, decoded: Mapping[str, Any]) -> Entry:
    """What the entry says in the spelling of the export."""
    found = {}
    for name, value in decoded.items():
        if name in part.pointers:
            found[_spelt(part, name)] = entry[_spelt(part, name)]
        elif name in _children(part):
            found[name] = _in_order(_children(part)[name], ({n: encode(v) for n, v in row.items()} for row in value))
        else:
            found[name] = encode(value)
    return found


def _write(
    session: Session, estate_id: int, part: ConfigPart, values: dict[str, Any], number: int | None, actor: Actor
) -> Any:
    record: Any = session.get_one(part.model, number) if number else None
    if record is None:
        values = {**part.fixed, **values}
    if part.save:
        return part.save(session, record, values, actor=actor)
    if record is None:
        record = part.model(estate_id=estate_id)
        session.add(record)
    for name, value in values.items():
        if name in _children(part):
            put_children(session, record, _children(part)[name], value)
        else:
            setattr(record, name, value)
    return record


def put_children(session: Session, record: Any, child: Child, rows: Sequence[Mapping[str, Any]]) -> None:
    """Bring the rows of ``record`` in line with ``rows``."""
    kept = {tuple(getattr(row, name) for name in child.key): row for row in getattr(record, child.name)}
    for row in rows:
        key = tuple(row[name] for name in child.key)
        found = kept.pop(key, None)
        if found is None:
            found = child.model(estate_id=record.estate_id)
            getattr(record, child.name).append(found)
        for name, value in row.items():
            setattr(found, name, value)
    for found in kept.values():
        if child.withdraw:
            setattr(found, *child.withdraw)
        else:
            getattr(record, child.name).remove(found)
            session.delete(found)


def _comparable(part: ConfigPart, entry: Entry) -> Entry:
    """An entry whose children are told apart by their keys."""
    found = dict(entry)
    for name, child in _children(part).items():
        found[name] = {
            " · ".join(_said(child, column, row[column]) for column in child.key): _others(child, row)
            for row in entry.get(name, ())
        }
    return found


def _others(child: Child, row: Entry) -> Any:
    columns: Any = child.model.__table__.c
    return {str(columns[name].info.get("label", name)): row.get(name) for name in child.columns} or "✓"


def _said(child: Child, column: str, value: Any) -> str:
    choices = child.model.__table__.c[column].info.get("choices")
    return str(choices[value]) if isinstance(choices, Mapping) and value in choices else str(value)


def _labels(part: ConfigPart) -> dict[str, Any]:
    columns: Any = part.model.__table__.c
    found = {_spelt(part, n): columns[n].info.get("label", n) for n in (*part.key, *part.columns)}
    return {**found, **{child.name: child.title for child in part.children}, **part.labels}


def _only_here(
    session: Session,
    estate_id: int,
    part: ConfigPart,
    key: Key,
    number: int,
    entry: Entry,
    withdraw: bool,
    actor: Actor,
) -> Line:
    title = _title(entry, key)
    if not withdraw or part.withdraw is None or entry.get(part.withdraw[0]) == encode(part.withdraw[1]):
        return Line(part.code, key, title, Fate.KEPT)
    name, value = part.withdraw
    try:
        with session.begin_nested():
            _write(session, estate_id, part, {name: value}, number, actor)
            session.flush()
    except REFUSALS as error:
        return _refused(part.code, key, title, _sentence(error, _labels(part), part.model))
    label = str(_labels(part).get(name, name))
    return Line(part.code, key, title, Fate.WITHDRAWN, ((label, entry.get(name), encode(value)),))


def _sentence(error: Exception, labels: Mapping[str, Any], model: Any = None) -> str:
    """A refusal in words."""
    if isinstance(error, Blocked):
        return " ".join(error.reasons)
    if isinstance(error, FieldErrors):
        return " ".join(f"{labels[n]}: {s}" if n in labels else str(s) for n, s in error.errors.items())
    if isinstance(error, InvalidValue):
        return str(error)
    if isinstance(error, NotAllowed):
        return _("You have no right to change these settings.")
    said = str(getattr(error, "orig", ""))
    for constraint in model.__table__.constraints if model is not None else ():
        message = constraint.info.get("message")
        if message and str(constraint.name) in said:
            return str(message[1] if isinstance(message, tuple) else message)
    return _("A rule of these settings is broken; the values do not fit together or one is missing.")
