"""A process that lets others die: run with ``python -m tests.core.nursery SECONDS SEED``, settings from the environment.

It starts workers and people who ask for work, kills them at random moments with SIGKILL and starts new ones. On
PostgreSQL it also cuts all connections, or with ``GUANJIA_TEST_KILL_DATABASE`` kills a process of the server, which
then recovers from its log. At the end it lets the workers finish in peace and leaves through exit code 0.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click
from flask import Flask
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text

import config
from app import create_app
from app.core.access.actor import acting, system_actor
from app.core.jobs import worker
from app.core.jobs.models import Job, JobState
from app.core.jobs.services import enqueue
from app.core.records.base import UtcDateTime, now
from app.core.records.database import writing
from app.core.registry import Recurring
from app.extensions import db

STEPS = 6
EVERY = timedelta(seconds=6)
PATIENCE = 60

effects = Table(
    "failure_effect", MetaData(), Column("id", Integer, primary_key=True), Column("what", String(40), nullable=False),
    Column("step", Integer, nullable=False), Column("at", UtcDateTime, nullable=False),
)  # fmt: skip
"""What the work did, countable: no key hinders a double."""


def note(session: Any, what: str, step: int = 0) -> None:
    session.execute(insert(effects).values(what=what, step=step, at=now()))


def steps(run: worker.Run, number: str) -> None:
    """Work of some steps; the effect of a step is committed with its checkpoint, the last one with the job's end."""
    for step in range(run.checkpoint.get("done", 0), STEPS):
        note(run.session, f"job {number}", step)
        time.sleep(random.uniform(0, 0.03))
        if step < STEPS - 1:
            run.commit(step + 1, STEPS, done=step + 1)


def repeat(session: Any) -> None:
    note(session, "begun")
    session.commit()
    note(session, "ended")
    time.sleep(random.uniform(0.1, 0.8))


def ask(app: Flask) -> None:
    """A web process: business and job in one transaction, again and again."""
    with app.app_context(), acting(system_actor("web")) as actor:
        while True:
            number = os.urandom(8).hex()
            note(db.session, f"asked {number}")
            enqueue(db.session, "steps", actor=actor, number=number)
            time.sleep(random.uniform(0, 0.02))
            db.session.commit()
            db.session.remove()
            time.sleep(random.uniform(0.1, 0.3))


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    random.seed(os.getpid())
    try:
        work()
    finally:
        os._exit(0)


def crash_database(app: Flask) -> None:
    """The death of one process lets the PostgreSQL server throw out everybody and recover from its log."""
    with app.app_context(), db.engine.connect() as connection:
        os.kill(connection.scalar(text("SELECT pg_backend_pid()")) or 0, signal.SIGKILL)
        connection.invalidate()
        db.engine.dispose()


def cut_connections(app: Flask) -> None:
    """What a restart of the PostgreSQL server does to those who use it."""
    with app.app_context(), db.engine.connect() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        connection.execute(text(others))
        connection.rollback()
        db.engine.dispose()


def settle(app: Flask) -> None:
    """Write something: on SQLite a commit broken off by death may else come to light when the last process is gone."""
    with app.app_context(), acting(system_actor()):
        note(db.session, "peace")
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


def open_jobs(app: Flask) -> int:
    with app.app_context(), acting(system_actor()), writing(False):
        count = db.session.scalar(select(func.count(Job.id)).where(Job.state.in_([JobState.WAITING, JobState.RUNNING])))
        db.session.remove()
        db.engine.dispose()  # no connection may cross a fork
        return count or 0


def main(seconds: float, seed: int) -> None:
    app, moments = create_app(config.load()), random.Random(seed)
    app.extensions["guanjia"].jobs["steps"] = steps
    app.extensions["guanjia"].contributions[Recurring] = {"repeat": Recurring(name="repeat", every=EVERY, work=repeat)}
    with app.app_context():
        db.engine.dispose()
    lives: list[Callable[[], None]] = [lambda: worker.run_worker(app, threading.Event())] * 2 + [lambda: ask(app)]
    children = [fork(life) for life in lives]
    until, deaths = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        time.sleep(moments.uniform(0.05, 0.6))
        if deaths % 8 == 7 and db_is_postgres(app):
            (crash_database if "GUANJIA_TEST_KILL_DATABASE" in os.environ else cut_connections)(app)
        place = moments.randrange(len(children))
        os.kill(children[place], signal.SIGKILL)
        os.waitpid(children[place], 0)
        children[place], deaths = fork(lives[place]), deaths + 1
    os.kill(children.pop(), signal.SIGKILL)
    os.wait()
    time.sleep(2)  # a server that was just killed recovers
    settle(app)
    until = time.monotonic() + PATIENCE
    while open_jobs(app) and time.monotonic() < until:
        time.sleep(0.3)
    for child in children:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
    click.echo(f"{deaths} deaths")


def db_is_postgres(app: Flask) -> bool:
    return app.config["GUANJIA"].database_address.startswith("postgresql")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
