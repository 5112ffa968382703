"""Counting long lists: exactly as far as that is quick, beyond it once for as long as their records stay the same.

A count over hundreds of thousands of rows costs more than the rest of a list page. Every change of a record leaves an
entry in the change log, so a count holds until the log has a newer entry of its table – exact, not estimated. Tables
that leave no trace in the log are counted anew whenever somebody asks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from flask_appbuilder import Model
from sqlalchemy.orm import Session
from sqlalchemy.sql.util import find_tables

from app.core.access.actor import current_actor
from app.core.audit.models import AuditEntry
from app.core.fields.models import CustomValue
from app.core.records.base import Stamped
from app.fab.paging import DEEPEST, Tally

WORTHWHILE = 5_000
"""Counts below this are cheaper to take than to remember."""
MOST = 1_000

_known: dict[Any, tuple[int | None, int]] = {}


def count(session: Session, key: Any, clauses: Sequence[Any]) -> int:
    """Exact number of visible rows that satisfy ``clauses``; ``key`` is the column counted."""
    query = sa.select(sa.func.count(key)).where(*clauses)
    name, newest = _memory(session, key, query)
    if name is None:
        return int(session.scalar(query) or 0)
    entry = session.scalar(newest)  # before counting: what comes between makes the next call count again
    if name in _known and _known[name][0] == entry:
        return _known[name][1]
    number = int(session.scalar(query) or 0)
    if number >= WORTHWHILE:
        if len(_known) >= MOST:
            _known.clear()
        _known[name] = (entry, number)
    return number


def tally(session: Session, key: Any, clauses: Sequence[Any], ahead: Any = None, walked: Any = None) -> Tally:
    """How many rows satisfy ``clauses``, in one quick statement: counted as far as ``DEEPEST``, or as it is remembered.

    ``ahead``: clause for the rows before a page, counted in the same go; ``walked`` adds the joins that it needs.
    """
    inner = sa.select(key.label("id"))  # a column of the model: without one the estate's scope would not apply
    inner = inner.add_columns(sa.case((ahead, 1), else_=0).label("ahead")) if ahead is not None else inner
    inner = inner.where(*clauses).limit(DEEPEST + 1)
    rows = (walked(inner) if walked is not None and ahead is not None else inner).subquery()
    counted: list[Any] = [sa.func.count(), sa.func.sum(rows.c.ahead) if ahead is not None else sa.null()]
    name, newest = _memory(session, key, sa.select(sa.func.count(key)).where(*clauses))
    if name is None or name not in _known:
        found = session.execute(sa.select(*counted).select_from(rows)).one()
        number, before = found
    else:
        found = session.execute(sa.select(*counted, newest.scalar_subquery()).select_from(rows)).one()
        number, before, entry = found
        if number > DEEPEST and _known[name][0] == entry:
            return Tally(_known[name][1])
        _known.pop(name, None)
    if number > DEEPEST:
        return Tally(DEEPEST, exact=False)
    return Tally(number, True, None if before is None else int(before))


def _memory(session: Session, key: Any, query: Any) -> tuple[Any, Any]:
    """Under which name the count of ``query`` is remembered, and the statement for the newest log entry about its tables."""
    estates = current_actor().estates
    if estates is None or "estate_id" not in key.class_.__table__.c:
        return None, None
    tables = {table.name for table in find_tables(query)}
    if tables - _logged():
        return None, None
    bind = session.get_bind()
    spelt = query.compile(bind)
    name = (str(bind.engine.url), estates, str(spelt), repr(sorted(spelt.params.items())))
    newest = sa.select(sa.func.max(AuditEntry.id)).where(
        AuditEntry.chain.in_(estates), AuditEntry.record_type.in_(tables)
    )
    return name, newest


def _logged() -> set[str]:
    """Tables whose every change is in the log; values of added fields are logged as changes of their record."""
    classes = [mapper.class_ for mapper in Model.registry.mappers]
    return {c.__tablename__ for c in classes if issubclass(c, Stamped) and (c.audited or c is CustomValue)}
