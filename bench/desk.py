"""A desk that has been worked at for years: open and closed work with its clocks, and a long change log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine, delete, func, select, text

from app.core.audit.models import AuditChain, AuditEntry
from app.core.clocks.models import Deadline, WorkItem
from app.core.records.base import now
from bench.generate import next_id, write_rows

ROLES = ("receptionist", "receptionist", "cashier", "inspector", "cs_supervisor", "manager")
STEPS = ("pass_documents", "confirm_registration", "close_fees", "close_signing", "accept", "hand_over_keys")
LONG_HISTORY = 100_000
"""Entries about the first unit: nobody's timeline is longer."""


def fill_desk(
    engine: Engine,
    estate_id: int,
    people: list[int],
    first_unit: int,
    units: int,
    *,
    items: int,
    entries: int,
    seed: int = 11,
) -> None:
    """Write ``items`` work items with a clock each – nine in ten of them open – and ``entries`` entries of the log."""
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA cache_size = -400000"))
        first = next_id(connection, WorkItem.__table__)
        write_rows(connection, WorkItem.__table__, _items(estate_id, people, first_unit, units, items, seed))
        write_rows(connection, Deadline.__table__, _deadlines(estate_id, first, first_unit, units, items, seed))
    with engine.begin() as connection:
        seq = connection.scalar(select(func.max(AuditEntry.seq)).where(AuditEntry.chain == estate_id)) or 0
        write_rows(connection, AuditEntry.__table__, _entries(estate_id, seq, people, first_unit, units, entries, seed))
        connection.execute(delete(AuditChain).where(AuditChain.chain == estate_id))
        connection.execute(AuditChain.__table__.insert().values(chain=estate_id, seq=seq + entries, hash="0" * 64))
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def _dues(items: int, seed: int) -> Iterator[tuple[int, Any, Any]]:
    """(number, due, closed or None): work of the last five years, its deadlines up to two months ahead."""
    chance, moment = random.Random(seed), now()
    for number in range(items):
        due = moment + timedelta(minutes=chance.randrange(-2_000, 90_000))
        closed = moment - timedelta(minutes=chance.randrange(1, 2_600_000)) if number % 10 == 9 else None
        yield number, due, closed


def _items(
    estate_id: int, people: list[int], first_unit: int, units: int, items: int, seed: int
) -> Iterator[dict[str, Any]]:
    for number, due, closed in _dues(items, seed):
        yield {
            "estate_id": estate_id, "kind": "movein.case", "record_type": "movein_case", "record_id": number + 1,
            "unit_id": first_unit + number % units, "label": f"YQ-MI-{number:07d}", "step": STEPS[number % len(STEPS)],
            "role": ROLES[number % len(ROLES)], "assignee_id": people[number % len(people)] if number % 3 == 0 else None,
            "rank_at": due, "closed_at": closed,
        }  # fmt: skip


def _deadlines(
    estate_id: int, first: int, first_unit: int, units: int, items: int, seed: int
) -> Iterator[dict[str, Any]]:
    for number, due, closed in _dues(items, seed):
        yield {
            "estate_id": estate_id, "item_id": first + number, "record_type": "movein_case", "record_id": number + 1,
            "unit_id": first_unit + number % units, "rule_key": "movein.step", "count": 3,
            "started_at": due - timedelta(days=3), "due_at": due, "met_at": closed,
            "escalate_at": None if closed or due < now() else due,
        }  # fmt: skip


def _entries(
    estate_id: int, seq: int, people: list[int], first_unit: int, units: int, entries: int, seed: int
) -> Iterator[dict[str, Any]]:
    start = now() - timedelta(days=1_800)
    step = timedelta(days=1_800) / entries
    kinds = ("update", "update", "update", "comment", "print", "reveal", "file", "create")
    for number in range(entries):
        unit = first_unit if number % (entries // min(LONG_HISTORY, entries)) == 0 else first_unit + number % units
        kind = kinds[number % len(kinds)]
        yield {
            "chain": estate_id, "seq": seq + number + 1, "at": start + step * number,
            "actor_id": people[number % len(people)], "actor_name": "测速", "kind": kind,
            "record_type": "unit", "record_id": unit, "subject_type": "unit", "subject_id": unit, "unit_id": unit,
            "changes": {"note": [None, "x"]} if kind in ("update", "create") else {}, "note": "",
            "previous_hash": "0" * 64, "hash": "0" * 64,
        }  # fmt: skip
