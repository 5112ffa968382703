"""A process that lets others die: run with ``python -m tests.core.nursery DEATHS SEED``, settings from the environment.

It starts workers, people who ask for work, and the web server, whose processes answer somebody who sends every form
until it is answered; it kills them at random moments with SIGKILL, and new ones are started, until so many died and
``ENOUGH`` forms were answered meanwhile. On PostgreSQL it also cuts all connections, or with
``GUANJIA_TEST_KILL_DATABASE`` kills a process of the server, which then recovers from its log. At the end it lets the
workers finish in peace and leaves through exit code 0.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from flask import Flask, redirect, request
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
from app.fab.scope import public
from app.fab.submit import carry_out
from app.server import _Server

STEPS = 6
EVERY = timedelta(seconds=6)
PATIENCE = 60
"""Seconds for the dying, and again for the work that is left then; on an idle machine both take a quarter of that."""
ENOUGH = 6
ORDERED = "ordered"
"""File of the numbers that were answered, one a line."""

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
            time.sleep(random.uniform(0.2, 0.5))


@public
def answer_order() -> Any:
    """What a form does that asks for work: business, job and the note of its token in one transaction."""
    number = request.form["number"]

    def work() -> str:
        note(db.session, f"asked {number}")
        enqueue(db.session, "steps", actor=actor, number=number)
        time.sleep(random.uniform(0, 0.02))
        return number

    with acting(system_actor("web")) as actor:
        return redirect(carry_out(work, lambda _result: f"/ordered/{number}").location or "/")


def serve(app: Flask, settings: config.Settings) -> None:
    """The real web server around ``app``, without the background workers that it usually starts."""

    class Server(_Server):
        def load(self) -> Flask:
            return app

    server = Server(settings)
    server.workers.places = []
    server.run()


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


def order(settings: config.Settings) -> None:
    """Somebody who sends a form again until the answer to it has come, and notes it down then."""
    opener = urllib.request.build_opener(_Stay)
    with (settings.instance_dir / ORDERED).open("w") as ordered:
        while True:
            number = os.urandom(8).hex()
            form = urllib.parse.urlencode({"number": number, "submit_token": number}).encode()
            while not sent(opener, f"{settings.public_url}/order", form, f"/ordered/{number}"):
                time.sleep(0.02)
            ordered.write(f"{number}\n")
            ordered.flush()
            time.sleep(random.uniform(0.2, 0.5))


def sent(opener: urllib.request.OpenerDirector, address: str, form: bytes, location: str) -> bool:
    """Whether the form was answered; nobody answers when the process that had it was killed."""
    try:
        opener.open(address, form, timeout=20)
    except urllib.error.HTTPError as answer:
        return answer.headers.get("Location", "").endswith(location)
    except OSError:
        return False
    return False


def answered(settings: config.Settings) -> list[str]:
    """Numbers of the forms that were answered."""
    ordered = settings.instance_dir / ORDERED
    return ordered.read_text().split() if ordered.exists() else []


def web_processes(server: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{server}/task/{server}/children").read_text().split()]


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


def main(wanted: int, seed: int) -> None:
    settings = config.load()
    app, moments = create_app(settings), random.Random(seed)
    app.config["WTF_CSRF_ENABLED"] = False
    app.add_url_rule("/order", view_func=answer_order, methods=["POST"])
    app.extensions["guanjia"].jobs["steps"] = steps
    app.extensions["guanjia"].contributions[Recurring] = {"repeat": Recurring(name="repeat", every=EVERY, work=repeat)}
    with app.app_context():
        db.engine.dispose()
    lives: list[Callable[[], None]] = [lambda: worker.run_worker(app, threading.Event())] * 2 + [lambda: ask(app)]
    children = [fork(life) for life in lives]
    server, customer = fork(lambda: serve(app, settings)), fork(lambda: order(settings))
    until, deaths, web_deaths = time.monotonic() + PATIENCE, 0, 0
    while time.monotonic() < until and (deaths + web_deaths < wanted or len(answered(settings)) < ENOUGH):
        time.sleep(moments.uniform(0.05, 0.6))
        if deaths % 5 == 4 and db_is_postgres(app):
            (crash_database if "GUANJIA_TEST_KILL_DATABASE" in os.environ else cut_connections)(app)
        place = moments.randrange(len(children) + 1)
        if place == len(children):
            for process in web_processes(server)[:1]:  # the server starts another one by itself
                os.kill(process, signal.SIGKILL)
                web_deaths += 1
            continue
        os.kill(children[place], signal.SIGKILL)
        os.waitpid(children[place], 0)
        children[place], deaths = fork(lives[place]), deaths + 1
    for last, sign in ((children.pop(), signal.SIGKILL), (customer, signal.SIGKILL), (server, signal.SIGTERM)):
        os.kill(last, sign)
        os.waitpid(last, 0)
    time.sleep(2)  # a server that was just killed recovers
    settle(app)
    until = time.monotonic() + PATIENCE
    while open_jobs(app) and time.monotonic() < until:
        time.sleep(0.3)
    for child in children:
        os.kill(child, signal.SIGTERM)
        os.waitpid(child, 0)
    click.echo(f"{deaths} {web_deaths} deaths")


def db_is_postgres(app: Flask) -> bool:
    return app.config["GUANJIA"].database_address.startswith("postgresql")


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
