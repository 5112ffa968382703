"""What lists cost at a million rows: pages wherever they lie, right after a write, views, and exports of 50,000 rows.

``python -m bench.lists [ROWS]`` on SQLite, and on PostgreSQL too under ``scripts/with-postgres.sh``.
"""

from __future__ import annotations

import re
import sys
import threading
import time
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

import config
from bench.__main__ import EXPORTED, PASSWORD, databases, folder, memory, settle, timed
from bench.generate import fill


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    for name, address in databases():
        with folder() as place:
            measure(name, address or f"sqlite:///{place / 'bench.sqlite3'}", place, rows)


class Watch:
    """The most memory that the process held since."""

    def __init__(self) -> None:
        self.most, self.over = memory(), threading.Event()
        self.thread = threading.Thread(target=self._look)
        self.thread.start()

    def _look(self) -> None:
        while not self.over.wait(0.05):
            self.most = max(self.most, memory())

    def stop(self) -> int:
        self.over.set()
        self.thread.join()
        return self.most


def measure(name: str, address: str, place: Path, rows: int) -> None:
    """Fill one database with ``rows`` units and print a line per page and export."""
    from flask_migrate import upgrade

    from app import create_app
    from app.core.access.accounts import create_account
    from app.core.access.actor import acting, system_actor
    from app.core.access.roles import Role
    from app.core.access.sync import sync_permissions
    from app.core.jobs import worker
    from app.core.jobs.models import Job
    from app.core.registry import registry
    from app.extensions import db
    from app.modules.estates.models import Unit
    from app.modules.estates.services import create_estate

    app = create_app(config.Settings(instance_dir=place, database_url=address, language="en"))
    app.config["WTF_CSRF_ENABLED"] = False
    with app.app_context(), acting(system_actor()) as actor:
        upgrade()
        sync_permissions(db.session, registry().rights)
        estate = create_estate(
            db.session, actor=actor, code="B", name_zh="测速", name_en="Bench", company_zh="公司", company_en="Company"
        )
        create_account(
            db.session, username="bench", name="Bench", password=PASSWORD, roles=[Role.MANAGER], estates=[estate],
            language="en", actor=actor,
        )  # fmt: skip
        estate_id = estate.id
        db.session.commit()
        fill(db.engine, estate_id, units=rows, persons=1000)
        settle(db.engine)
        unit_id = db.session.scalar(select(Unit.id).order_by(Unit.id).limit(1))
        statements: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    client = app.test_client()
    client.post("/login/", data={"username": "bench", "password": PASSWORD})

    def beside(path: str, way: str) -> str:
        page = client.get(path).text
        return unescape(re.search(rf'href="([^"]+)" rel="{way}"', page)[1])  # type: ignore[index]  # a bench may break

    print(f"\n{name}, {rows:,} units")
    pages = {
        "first page": "/units/",
        "next page": beside("/units/", "next"),
        "last page": "/units/?page=last",
        "page before the last": beside("/units/?page=last", "prev"),
        "by area, first page": "/units/?sort=-gross_area",
        "by area, deep": beside("/units/?sort=-gross_area&page=200", "next"),
        "page=400": "/units/?page=400",
        "one building": "/units/?building_id=7",
        "half of all": "/units/?delivery_type=shell",
        "sort without index": "/units/?sort=layout",
    }
    for label, path in pages.items():
        timed(label, partial(client.get, path), statements)
    saved = client.post(
        "/units/views", data={"title": "Mine", "query": "delivery_type=shell&columns=code&columns=floor"}
    )
    number = re.search(r"/units/views/(\d+)/open", saved.text)[1]  # type: ignore[index]  # a bench may break
    client.post(f"/units/views/{number}/open")
    timed("opens with a view", lambda: client.get("/units/"), statements)

    def after_a_write() -> object:
        day = f"2026-01-{len(seconds) % 27 + 1:02d}"
        client.post("/units/bulk/facts", data={"pk": unit_id, "sure": "yes", "handover_date": day})
        statements.clear()
        begun = time.perf_counter()
        answer = client.get("/units/?view=all")
        seconds.append(time.perf_counter() - begun)
        return answer

    seconds: list[float] = []
    for _ in range(15):
        after_a_write()
    print(f"  {'right after a write':<24} {sorted(seconds)[7] * 1000:7.1f} ms  {len(statements):3d} SQL")
    begun = time.perf_counter()
    print(f"  counted: {client.get('/units/count?view=all').text} in {(time.perf_counter() - begun) * 1000:.0f} ms")
    timed("counted, first page", lambda: client.get("/units/?view=all"), statements)

    fifty = f"gross_area.from=60&gross_area.to={60 + 130 * EXPORTED / rows:.2f}"
    before, begun, size, top, first = memory(), time.perf_counter(), 0, 0, 0.0
    parts: Any = client.get(f"/units/export.csv?{fifty}", buffered=False).response
    for part in parts:
        first = first or time.perf_counter() - begun
        size, top = size + part.count(b"\n"), max(top, memory())
    print(f"  CSV of {size - 1:,} rows: first byte after {first * 1000:.0f} ms, {time.perf_counter() - begun:.1f} s, "
          f"memory +{(top - before) / 1024:.0f} MB")  # fmt: skip
    before, begun, top = memory(), time.perf_counter(), 0
    client.post(f"/units/export.xlsx?{fifty}")
    watch, done = Watch(), worker.run_next(app)
    top = watch.stop()
    with app.app_context(), acting(system_actor()):
        job = db.session.scalars(select(Job)).one()
        print(f"  XLSX in the background: {job.state} ({done}), {job.result.get('message', job.error)}")
    print(f"    {time.perf_counter() - begun:.1f} s, memory +{(top - before) / 1024:.0f} MB")
    with app.app_context():
        db.engine.dispose()


if __name__ == "__main__":
    main()
