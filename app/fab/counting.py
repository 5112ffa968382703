"""Counting long lists once for as long as their records stay the same.

A count over hundreds of thousands of rows costs more than the rest of a list page. Every change of a record leaves an
entry in the change log, so a count holds until the log has a newer entry of its table – exact, not estimated.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.util import find_tables

from app.core.access.actor import current_actor
from app.core.audit.models import AuditEntry

WORTHWHILE = 5_000
"""Counts below this are cheaper to take than to remember."""
MOST = 1_000
NOT_YET = -1
"""Stands for the newest entry of a count whose place in the log is not known."""

_known: dict[Any, tuple[int | None, int]] = {}


def count(session: Session, key: Any, clauses: Any) -> int:
    """Number of visible rows that satisfy ``clauses``; ``key`` is the column counted."""
    query = sa.select(sa.func.count(key)).where(*clauses)
    estates = current_actor().estates
    if estates is None or "estate_id" not in key.class_.__table__.c:
        return int(session.scalar(query) or 0)
    bind = session.get_bind()
    spelt = query.compile(bind)
    name = (str(bind.engine.url), estates, str(spelt), repr(sorted(spelt.params.items())))
    if name not in _known:
        number = int(session.scalar(query) or 0)
        if number >= WORTHWHILE:
            _remember(name, NOT_YET, number)
        return number
    entry, number = _known[name]
    newest = _newest_entry(
        session, query, estates
    )  # before counting: what comes between makes the next call count again
    if newest != entry:
        number = int(session.scalar(query) or 0)
        _remember(name, newest, number)
    return number


def _remember(name: Any, entry: int | None, number: int) -> None:
    if len(_known) >= MOST:
        _known.clear()
    _known[name] = (entry, number)


def _newest_entry(session: Session, query: Any, estates: frozenset[int]) -> int | None:
    """Id of the last log entry about the tables that ``query`` reads."""
    tables = {table.name for table in find_tables(query)}
    found: int | None = session.scalar(
        sa.select(sa.func.max(AuditEntry.id)).where(AuditEntry.chain.in_(estates), AuditEntry.record_type.in_(tables))
    )
    return found
