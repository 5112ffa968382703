"""What wakes a waiting worker: the database itself says that something was committed."""

from __future__ import annotations

import threading
import time
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

CHANNEL = "guanjia_job"
"""PostgreSQL notification that a job waits."""
GLANCE_SECONDS = 0.1
"""How often a worker on SQLite looks whether anything was committed, and any worker whether it is to stop."""


def ring(session: Session) -> None:
    """Wake the workers when the running transaction is committed. On SQLite they see the commit itself."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_notify(CHANNEL, "")))


class Alarm:
    """A worker's ear at the database, on a connection of its own; without a connection it merely waits."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Any = None
        self._seen = -1

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Return when a job may have come, when ``stop`` is set, and after ``seconds`` at the latest."""
        until = time.monotonic() + seconds
        try:
            self._connect()
            while not stop.is_set() and (left := until - time.monotonic()) > 0:
                if self._heard(stop, min(left, GLANCE_SECONDS)):
                    return
        except (self._engine.dialect.loaded_dbapi.Error, SQLAlchemyError):
            self.close()
            stop.wait(max(0.0, until - time.monotonic()))

    def close(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()

    def _connect(self) -> None:
        if self._connection is None:
            pooled = self._engine.raw_connection()
            self._connection = pooled.driver_connection
            pooled.detach()
            if self._engine.dialect.name == "postgresql":
                self._connection.autocommit = True
                self._connection.execute(f"LISTEN {CHANNEL}")

    def _heard(self, stop: threading.Event, seconds: float) -> bool:
        if self._engine.dialect.name == "postgresql":
            return any(True for _notice in self._connection.notifies(timeout=seconds, stop_after=1))
        seen, self._seen = self._seen, self._connection.execute("PRAGMA data_version").fetchone()[0]
        return bool(seen != self._seen) or stop.wait(seconds)
