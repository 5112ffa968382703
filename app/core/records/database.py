"""How connections behave: who only reads can write nothing; SQLite is made durable and safe for several writers."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Delete, Engine, Insert, Update, event, literal_column
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import ORMExecuteState, Session

_writing: ContextVar[bool] = ContextVar("guanjia_writing", default=True)


@contextmanager
def writing(allowed: bool) -> Iterator[None]:
    """Say whether transactions begun inside will write.

    In the others the database itself refuses every change, whatever statement it comes with. On SQLite a writing
    transaction takes the write lock at its start (BEGIN IMMEDIATE), so that it can never fail half-way because another
    writer came first; a reading one does not block anybody.
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


def written(number: int) -> Any:
    """``number`` for a LIMIT or OFFSET, written out in the statement instead of sent beside it.

    PostgreSQL plans a statement anew each time whose limit it does not know, and then may not follow an index.
    """
    return literal_column(str(number))


def prepare_engine(engine: Engine) -> None:
    """Install the connection rules."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        event.listen(engine, "begin", _begin_postgresql)
        event.listen(engine, "checkout", _replace_closed)


def _configure_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=15000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reading, info = not _writing.get(), connection.info
    if info.get("reading", False) != reading:
        connection.exec_driver_sql(f"PRAGMA query_only={reading:d}")
        info["reading"] = reading
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _begin_postgresql(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    if bool(driver.read_only) == _writing.get():
        driver.read_only = (
            not _writing.get()
        )  # the driver's own BEGIN, sent with the first statement, then says READ ONLY


def _replace_closed(driver: Any, record: Any, proxy: Any) -> None:
    """A connection that ended while it waited in the pool (the server went down) is not handed out.

    The end has arrived, so that there is something to read; asking the server would cost each request a message.
    """
    poll = select.poll()
    if not driver.closed:
        poll.register(driver.fileno(), select.POLLIN)
    if driver.closed or poll.poll(0):
        raise DisconnectionError


def refresh_statistics(engine: Engine) -> None:
    """Let SQLite look at its tables where its planner would guess; searches over many rows need it."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA analysis_limit=1000")
            connection.exec_driver_sql("PRAGMA optimize=0x10002")
            connection.commit()
