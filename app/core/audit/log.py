"""Writing and checking the change log, inside the transaction of the change itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from sqlalchemy import bindparam, event, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.access.actor import current_actor
from app.core.access.keyring import current_keyring
from app.core.access.models import Account
from app.core.audit.models import AuditChain, AuditEntry
from app.core.records.base import SYSTEM_COLUMNS, Record, Stamped, now
from app.core.records.estate import Estate
from app.core.records.secrets import EncryptedText


@dataclass(frozen=True)
class Entry:
    """One line for the log, before it is chained. Fields as in :class:`AuditEntry`."""

    kind: str
    record: Stamped | Account
    changes: dict[str, list[Any]] = field(default_factory=dict)
    note: str = ""
    subject: tuple[str, int | None] | None = None


_reason: ContextVar[str] = ContextVar("guanjia_reason", default="")


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Every change of a record that is flushed inside bears ``reason`` as its note, unless it has one of its own."""
    token = _reason.set(reason)
    try:
        yield
    finally:
        _reason.reset(token)


def record_event(session: Session, kind: str, record: Stamped | Account, *, note: str = "", **facts: Any) -> None:
    """Log something that is no column change: a transition, a reveal, a print, a comment.

    The record must have its id (flush first). ``facts`` become the entry's changes as ``[None, value]``.
    """
    if record.id is None:
        session.flush()
    _append(session, [Entry(kind, record, {k: [None, _plain(v)] for k, v in facts.items()}, note)])


def record_change(session: Session, record: Stamped, changes: Mapping[str, tuple[Any, Any]]) -> None:
    """Log a change of what belongs to a record without being a column of it: name → former and new value."""
    _append(
        session, [Entry("update", record, {name: [_plain(old), _plain(new)] for name, (old, new) in changes.items()})]
    )


@event.listens_for(Session, "after_flush")
def _log_changes(session: Session, context: Any) -> None:
    chains: dict[int, list[Entry]] = {}
    for entry in _entries_of_flush(session, context):
        chains.setdefault(_chain_of(entry.record), []).append(entry)
    for entries in chains.values():
        _append(session, entries)


def _entries_of_flush(session: Session, context: Any) -> Iterator[Entry]:
    for record in session.new:
        if isinstance(record, Stamped) and record.audited:
            kind, note = record.audit_birth
            born = {k: [None, new] for k, (_, new) in _changes(record).items() if new is not None}
            yield Entry(kind, record, born, note or _reason.get())
    for record in session.dirty:
        if isinstance(record, Stamped) and record.audited and (changes := _changes(record)):
            yield Entry("update", record, {k: list(pair) for k, pair in changes.items()}, _reason.get())
    for state, (deleted, listed_only) in context.states.items():  # rows that went as orphans stand here only
        if deleted and not listed_only and isinstance(record := state.obj(), Stamped) and record.audited:
            yield Entry("delete", record, note=_reason.get())


def _changes(record: Stamped) -> dict[str, tuple[Any, Any]]:
    state: Any = inspect(record)
    changes: dict[str, tuple[Any, Any]] = {}
    for attribute in state.mapper.column_attrs:
        if attribute.key not in state.committed_state:  # nobody has set it: its history need not be asked
            continue
        if attribute.key in SYSTEM_COLUMNS or attribute.key.endswith(("_hash", "_tail")):
            continue
        history = state.attrs[attribute.key].history
        if not history.has_changes():
            continue
        hidden = isinstance(attribute.columns[0].type, EncryptedText)
        old, new = (_plain(v[0] if v else None, hidden) for v in (history.deleted, history.added))
        if old != new:
            changes[attribute.key] = (old, new)
    return changes


def _plain(value: Any, hidden: bool = False) -> Any:
    if value is None or value == "":
        return None
    if hidden:
        return "#" + current_keyring().blind_index("audit", str(value))[:16]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if isinstance(value, str | int | float | bool | list | dict):
        return value
    return str(value)


def _chain_of(record: Stamped | Account) -> int:
    if isinstance(record, Record):
        return record.estate_id
    return record.id if isinstance(record, Estate) else 0


# Every flush sends these three, so they are put together once.
_MINE = AuditChain.chain == bindparam("of_chain")
_TAKE_NUMBERS = (
    update(AuditChain)
    .where(_MINE)
    .values(seq=AuditChain.seq + bindparam("count"))
    .returning(AuditChain.seq, AuditChain.hash)
)
_STORE = insert(AuditEntry.__table__)
_CLOSE = update(AuditChain).where(_MINE).values(hash=bindparam("last_hash"))


def _append(session: Session, entries: Sequence[Entry]) -> None:
    """Chain and store entries of one chain; the head row is locked until the transaction ends."""
    actor = current_actor()
    connection = session.connection()
    chain = _chain_of(entries[0].record)
    head = connection.execute(_TAKE_NUMBERS, {"of_chain": chain, "count": len(entries)}).one_or_none()
    if head is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(AuditChain).values(chain=chain, seq=0, hash=""))
        except IntegrityError:
            pass  # another transaction opened the chain first
        return _append(session, entries)
    rows: list[dict[str, Any]] = []
    previous = head.hash
    for seq, entry in enumerate(entries, start=head.seq - len(entries) + 1):
        subject_type, subject_id = entry.subject or entry.record.audit_subject
        row = {
            "chain": chain,
            "seq": seq,
            "at": now(),
            "actor_id": actor.user_id,
            "actor_name": actor.signature,
            "kind": entry.kind,
            "record_type": entry.record.__tablename__,
            "record_id": entry.record.id,
            "subject_type": subject_type,
            "subject_id": subject_id,
            "unit_id": _unit(entry),
            "changes": entry.changes,
            "note": entry.note,
            "previous_hash": previous,
        }
        previous = row["hash"] = _digest(row)
        rows.append(row)
    connection.execute(_STORE, rows)
    connection.execute(_CLOSE, {"of_chain": chain, "last_hash": previous})


def _unit(entry: Entry) -> int | None:
    """The unit the record concerns; of one that has just left a unit, that unit."""
    unit: int | None = getattr(entry.record, "audit_unit", None)
    return unit if unit is not None else entry.changes.get("unit_id", [None])[0]


CHAINED = (
    "chain", "seq", "at", "actor_id", "actor_name", "kind", "record_type", "record_id",
    "subject_type", "subject_id", "changes", "note", "previous_hash",
)  # fmt: skip


def _digest(row: dict[str, Any]) -> str:
    facts = [row[name].isoformat() if name == "at" else row[name] for name in CHAINED]
    return hashlib.sha256(json.dumps(facts, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class BrokenLink:
    """The first entry of a chain that does not fit: its id, chain, place and why."""

    entry_id: int | None
    chain: int
    seq: int
    reason: str


def verify(session: Session) -> BrokenLink | None:
    """Walk every chain and return the first broken link, or nothing when all entries are intact."""
    heads = session.execute(select(AuditChain.chain, AuditChain.seq, AuditChain.hash).order_by(AuditChain.chain)).all()
    return next(filter(None, (_verify_chain(session, *head) for head in heads)), None)


def _verify_chain(session: Session, chain: int, length: int, last_hash: str) -> BrokenLink | None:
    previous, expected = "", 1
    entries = select(AuditEntry.__table__).where(AuditEntry.chain == chain).order_by(AuditEntry.seq)
    with session.execute(entries, execution_options={"yield_per": 2000}) as rows:
        for row in rows.mappings():
            if row["seq"] != expected:
                return BrokenLink(row["id"], chain, expected, "missing")
            if row["previous_hash"] != previous or row["hash"] != _digest(dict(row)):
                return BrokenLink(row["id"], chain, expected, "altered")
            previous, expected = row["hash"], expected + 1
    if length != expected - 1 or last_hash != previous:
        return BrokenLink(None, chain, expected, "missing")
    return None
