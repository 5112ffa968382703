"""Keeping a lease alive while its holder works."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from app.core.records.base import now

OUT_OF_REACH = (OperationalError, InterfaceError)
"""The database went away, was locked too long or broke a deadlock: the same work may succeed later."""


def lease() -> timedelta:
    """How long work stays with a worker that gives no sign of life."""
    return timedelta(seconds=current_app.config["GUANJIA"].job_lease_seconds)


@contextmanager
def renewed(engine: Engine, lease: timedelta, renewal: Callable[[datetime], Any]) -> Iterator[None]:
    """Renew a lease from a thread of its own while the block runs: ``renewal(until)`` is the statement that does it."""
    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(lease.total_seconds() / 4):
            try:
                with engine.begin() as connection:
                    connection.execute(renewal(now() + lease))
            except OUT_OF_REACH:
                continue  # on SQLite the work itself may hold the database; its commit renews the lease

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
