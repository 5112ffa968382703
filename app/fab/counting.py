"""Counting long lists: exactly as far as that is quick, beyond it once for as long as their records stay the same.

A count over hundreds of thousands of rows costs more than the rest of a list page. Every change of a record leaves an
entry in the change log, so a count holds until the log has a newer entry of its table – exact, not estimated. Tables
that leave no trace in the log are counted anew whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Session
from sqlalchemy.sql.util import find_tables

from app.core.access.actor import current_actor
from app.core.audit.models import AuditEntry
from app.core.fields.models import CustomValue
from app.core.records.base import Stamped
from app.core.records.database import written
from app.fab.paging import DEEPEST, Tally

WORTHWHILE = 5_000
"""Counts below this are cheaper to take than to remember."""
MOST = 1_000

MOST_TABLES = 8
"""Tables of estates whose newest entries are looked up with a count; a list over more is counted anew."""


@dataclass(frozen=True)
class _Remembered:
    """A count, the newest log entry at that time, and the statement that counts again if there is a newer one."""

    tally: Tally
    entry: int | None
    again: sa.Select[Any]


_known: dict[Any, _Remembered] = {}


def count(session: Session, key: Any, clauses: Sequence[Any]) -> int:
    """Exact number of visible rows that satisfy ``clauses``; ``key`` is the column counted."""
    query = sa.select(sa.func.count(key)).where(*clauses)
    name, newest = _memory(session, key, query)
    if name is None:
        return int(session.scalar(query) or 0)
    entry = session.scalar(newest)  # before counting: what comes between makes the next call count again
    known = _known.get(name)
    if known and known.entry == entry and known.tally.exact:
        return known.tally.number
    number = int(session.scalar(query) or 0)
    _remember(name, entry, Tally(number), newest, key, clauses)
    return number


def tally(session: Session, key: Any, clauses: Sequence[Any], ahead: Any = None, walked: Any = None) -> Tally:
    """How many rows satisfy ``clauses``, in one quick statement: counted as far as ``DEEPEST``, or as it is remembered.

    ``ahead``: clause for the rows before a page, counted in the same go; ``walked`` adds the joins that it needs.
    """
    name, newest = _memory(session, key, sa.select(sa.func.count(key)).where(*clauses))
    known = _known.get(name)
    if known and (ahead is None or known.tally.number >= DEEPEST):
        number, at = session.execute(known.again).one()
        if number is None:
            return known.tally
        before = None
    else:
        rows = _rows(key, clauses)
        rows = rows.add_columns(sa.case((ahead, 1), else_=0).label("ahead")) if ahead is not None else rows
        found = (walked(rows) if walked is not None and ahead is not None else rows).limit(_most()).subquery()
        placed = sa.func.sum(found.c.ahead) if ahead is not None else sa.null()
        latest = newest.scalar_subquery() if name else sa.null()
        number, before, at = session.execute(sa.select(sa.func.count(), placed, latest).select_from(found)).one()
    tally = Tally(DEEPEST, exact=False) if number > DEEPEST else Tally(number)
    if name:
        _remember(name, at, tally, newest, key, clauses)
    return tally if number > DEEPEST or before is None else replace(tally, ahead=int(before))


def _rows(key: Any, clauses: Sequence[Any]) -> sa.Select[Any]:
    """What is counted, by a column of the model: without one no estate's scope would apply."""
    return sa.select(key.label("id")).where(*clauses)


def _most() -> Any:
    """As far as anybody counts."""
    return written(DEEPEST + 1)


def _remember(name: Any, entry: int | None, found: Tally, newest: Any, key: Any, clauses: Sequence[Any]) -> None:
    if found.number < WORTHWHILE:
        _known.pop(name, None)
        return
    if len(_known) >= MOST:
        _known.clear()
    anew = sa.select(sa.func.count()).select_from(_rows(key, clauses).limit(_most()).subquery()).scalar_subquery()
    same = newest.scalar_subquery().is_not_distinct_from(entry)
    counted = sa.case((same, sa.null()), else_=anew)  # which reads the list only if the log has a newer entry
    _known[name] = _Remembered(found, entry, sa.select(counted, newest.scalar_subquery()))


def _memory(session: Session, key: Any, query: Any) -> tuple[Any, Any]:
    """Under which name the count of ``query`` is remembered, and the statement for the newest log entry about its tables."""
    estates = current_actor().estates
    if estates is None or "estate_id" not in key.class_.__table__.c:
        return None, None
    tables = frozenset(table.name for table in find_tables(query))
    if not 0 < len(estates) * len(tables) <= MOST_TABLES or not all(map(_logged, tables)):
        return None, None
    spelt = query._generate_cache_key()
    if spelt is None:
        return None, None
    values = repr([bound.effective_value for bound in spelt.bindparams])
    name = (str(session.get_bind().engine.url), estates, spelt.key, values)
    return name, _newest(estates, tables)


@lru_cache(maxsize=200)  # building it costs more than asking it
def _newest(estates: frozenset[int], tables: frozenset[str]) -> Any:
    ends = [  # one by one: only so the end of the index is all that is read
        sa.select(sa.func.max(AuditEntry.id).label("id")).where(
            AuditEntry.chain == estate, AuditEntry.record_type == table
        )
        for estate in sorted(estates)
        for table in sorted(tables)
    ]
    if len(ends) == 1:
        return ends[0]
    newest = sa.union_all(*ends).subquery()
    return sa.select(sa.func.max(newest.c.id))


@cache
def _logged(table: str) -> bool:
    """Whether every change of the table is in the log; values of added fields are logged as changes of their record."""
    classes = (mapper.class_ for mapper in Model.registry.mappers)
    return any(issubclass(c, Stamped) and c.__tablename__ == table and (c.audited or c is CustomValue) for c in classes)
