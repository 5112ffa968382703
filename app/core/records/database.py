"""How connections behave: SQLite made durable and safe for several writers, PostgreSQL left as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Delete, Engine, Insert, Update, event
from sqlalchemy.orm import ORMExecuteState, Session

_writing: ContextVar[bool] = ContextVar("guanjia_writing", default=True)


@contextmanager
def writing(allowed: bool) -> Iterator[None]:
    """Say whether transactions begun inside will write.

    On SQLite a writing transaction takes the write lock at its start (BEGIN IMMEDIATE), so that it can never fail
    half-way because another writer came first; a reading one does not block anybody.
    """
    token = _writing.set(allowed)
    try:
        yield
    finally:
        _writing.reset(token)


class WriteWhileReading(RuntimeError):
    """A request that only reads (GET) tried to change a record (a programming error)."""


@event.listens_for(Session, "before_flush")
def _refuse_changes(session: Session, context: Any, instances: Any) -> None:
    if not _writing.get() and (
        session.new or session.deleted or any(session.is_modified(record) for record in session.dirty)
    ):
        raise WriteWhileReading(f"{[*session.new, *session.dirty, *session.deleted]!r:.200}")


@event.listens_for(Session, "do_orm_execute")
def _refuse_statements(state: ORMExecuteState) -> None:
    if not _writing.get() and isinstance(state.statement, Insert | Update | Delete):
        raise WriteWhileReading(str(state.statement)[:200])


def prepare_engine(engine: Engine) -> None:
    """Install the connection rules on an SQLite engine; other engines need none."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if _writing.get() else "BEGIN")


def refresh_statistics(engine: Engine) -> None:
    """Let SQLite look at its tables where its planner would guess; searches over many rows need it."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA analysis_limit=1000")
            connection.exec_driver_sql("PRAGMA optimize=0x10002")
            connection.commit()
