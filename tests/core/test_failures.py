"""Processes are killed at random moments: no work is lost, no effect is doubled."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import func, select

import config
from app.core.access.actor import acting, system_actor
from app.core.jobs.models import Job, JobState
from app.extensions import db
from tests.conftest import migrated_app, new_database
from tests.core.nursery import ENOUGH, EVERY, STEPS, answered, effects

pytestmark = pytest.mark.slow

DEATHS = 18
LEASE = 2
OVERDUE = 5 * EVERY
"""What recurs begins anew before that, even where all processes share two busy cores."""


@pytest.fixture
def server_of_its_own(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A PostgreSQL server that may be killed, and that like every real one has written what it says is committed."""
    holding = ["scripts/with-postgres.sh", "sh", "-c", 'echo "$GUANJIA_TEST_DATABASE_URL"; read _']
    with subprocess.Popen(
        holding, cwd=config.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as server:
        assert server.stdin is not None and server.stdout is not None
        address = f"{server.stdout.readline().strip()}&options=-csynchronous_commit%3Don"
        monkeypatch.setenv("GUANJIA_TEST_DATABASE_URL", address)
        monkeypatch.setenv("GUANJIA_TEST_KILL_DATABASE", "yes")
        yield
        server.stdin.close()


@pytest.mark.postgres
def test_a_killed_database_loses_nothing_and_doubles_nothing(server_of_its_own: None, tmp_path: Path) -> None:
    kill_and_count(tmp_path)


def test_killed_workers_and_web_processes_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    kill_and_count(tmp_path)


def kill_and_count(tmp_path: Path) -> None:
    for address in new_database(tmp_path):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        settings = config.Settings(instance_dir=tmp_path, database_url=address, port=port, job_lease_seconds=LEASE)
        app = migrated_app(settings)
        with app.app_context():
            effects.create(db.engine)
            db.session.remove()
            db.engine.dispose()
        killing = subprocess.run(
            [sys.executable, "-m", "tests.core.nursery", str(DEATHS), "88"],
            cwd=config.ROOT, env={**os.environ, **settings.environment()}, capture_output=True, text=True, timeout=150,
        )  # fmt: skip
        assert killing.returncode == 0, killing.stderr[-3000:]
        deaths, web_deaths = (int(count) for count in killing.stdout.splitlines()[-1].split()[:2])
        assert deaths + web_deaths >= DEATHS and web_deaths > 2
        with app.app_context(), acting(system_actor()):
            states = Counter(db.session.scalars(select(Job.state)))
            leases = db.session.scalar(select(func.count(Job.id)).where(Job.lease_token.is_not(None)))
            numbers = [arguments["number"] for arguments in db.session.scalars(select(Job.arguments))]
            done = [tuple(row) for row in db.session.execute(select(effects.c.what, effects.c.step))]
            recurring = select(effects.c.what, effects.c.at).where(effects.c.what.in_(["begun", "ended"]))
            rounds = [(what, at) for what, at in db.session.execute(recurring.order_by(effects.c.id))]
            db.session.remove()
            db.engine.dispose()
        assert set(states) == {JobState.DONE} and leases == 0
        told = answered(settings)
        assert len(told) >= ENOUGH and set(told) <= set(numbers) and len(numbers) == len(set(numbers))
        asked = sorted(what.removeprefix("asked ") for what, _step in done if what.startswith("asked "))
        assert asked == sorted(numbers)  # whoever was killed asking had both rows committed or neither
        wanted = Counter((f"job {number}", step) for number in numbers for step in range(STEPS))
        assert Counter(row for row in done if row[0].startswith("job ")) == wanted
        check_rounds(rounds)


def check_rounds(rounds: list[tuple[str, datetime]]) -> None:
    """A round that broke off is begun anew before its next period, one that ended is not begun before."""
    for (what, at), (then, later) in pairwise(rounds):
        if what == "begun" and then == "begun":
            assert later - at < EVERY
        elif what == "ended":
            assert then == "begun" and EVERY <= later - at < OVERDUE
    assert sum(what == "ended" for what, _at in rounds) >= 1
