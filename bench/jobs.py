"""How many jobs workers claim, carry out and end per second: ``python -m bench.jobs [N]``.

N empty jobs wait (default 2,000); one worker process, then two, do them all. On SQLite, and on PostgreSQL too under
``scripts/with-postgres.sh``, where, unlike here, a server also waits for its disk.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import func, insert, select

import config
from bench.__main__ import databases, folder


def main() -> None:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    for name, address in databases():
        with folder() as place:
            measure(name, address or f"sqlite:///{place / 'bench.sqlite3'}", place, jobs)


def measure(name: str, address: str, place: Path, jobs: int = 2_000) -> None:
    """Print a line per number of workers."""
    from flask_migrate import upgrade

    from app import create_app
    from app.core.jobs.models import Job, JobState
    from app.extensions import db

    app = create_app(config.Settings(instance_dir=place, database_url=address))
    app.extensions["guanjia"].jobs["bench.empty"] = _empty
    with app.app_context():
        upgrade()
    for workers in (1, 2):
        with app.app_context():
            with db.engine.begin() as connection:
                connection.execute(insert(Job), [{"kind": "bench.empty"} for _ in range(jobs)])
            db.engine.dispose()  # no connection may cross the fork
        processes = [multiprocessing.get_context("fork").Process(target=_work, args=(app,)) for _ in range(workers)]
        begun = time.perf_counter()
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        took = time.perf_counter() - begun
        with app.app_context():
            with db.engine.connect() as connection:
                waiting = connection.scalar(select(func.count(Job.id)).where(Job.state != JobState.DONE))
            db.engine.dispose()
        assert waiting == 0, waiting
        print(f"{name}: {jobs:,} empty jobs, {workers} worker{'s' if workers > 1 else ' '}: {jobs / took:5.0f} jobs/s")


def _empty(run: Any) -> None:
    pass


def _work(app: Flask) -> None:
    from app.core.jobs.worker import run_next

    while run_next(app):
        pass


if __name__ == "__main__":
    main()
