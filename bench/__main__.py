"""What the product promises about speed, measured: ``make bench`` or ``python -m bench [--units N] [--keep FOLDER]``.

Pages are requested through the WSGI application of this process over a generated estate (default 200,000 units,
300,000 persons, a million pieces of work), on SQLite and, when ``GUANJIA_TEST_DATABASE_URL`` names a server, on
PostgreSQL. Times are medians in milliseconds of what the server does for a request, by the clock and of this process's
CPU (which other work on the machine does not lengthen); SQL counts the statements of one request.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, func, select, text

import config
from bench.desk import fill_desk
from bench.generate import fill

PASSWORD = "Kranich-Wolke-1717"
WARM, ROUNDS = 3, 25
EXPORTED = 50_000


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("--units", type=int, default=200_000)
    options.add_argument("--persons", type=int, default=300_000)
    options.add_argument("--items", type=int, default=1_000_000, help="work items and clocks of the desk")
    options.add_argument("--entries", type=int, default=5_000_000, help="entries of the change log")
    options.add_argument("--skip-print", action="store_true")
    options.add_argument("--keep", type=Path, help="folder of databases that later runs use again")
    chosen = options.parse_args()
    print(f"start-up of the application, whole process: {start_up():.2f} s")
    for name, address in databases(chosen.keep):
        with folder(chosen.keep and chosen.keep.resolve() / name) as place:
            measure(name, address or f"sqlite:///{place / 'bench.sqlite3'}", place, chosen)
    jobs()
    if not chosen.skip_print:
        printing()


@contextmanager
def folder(kept: Path | None = None) -> Iterator[Path]:
    """``kept``, or a folder that is removed afterwards."""
    if kept:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept
        return
    with tempfile.TemporaryDirectory(prefix="guanjia-bench-", dir=os.environ.get("TMPDIR", "/var/tmp")) as name:
        yield Path(name)


def databases(kept: Path | None = None) -> Iterator[tuple[str, str]]:
    """Name and address of an empty database of each engine (empty address: a file of SQLite); ``kept``, of a lasting one."""
    yield "SQLite", ""
    server = os.environ.get("GUANJIA_TEST_DATABASE_URL")
    if not server:
        print("PostgreSQL: left out, GUANJIA_TEST_DATABASE_URL names no server")
        return
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    name = "guanjia_bench" if kept else f"guanjia_bench_{uuid.uuid4().hex[:8]}"
    with admin.connect() as connection:
        if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}):
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
    try:
        yield "PostgreSQL", admin.url.set(database=name).render_as_string(hide_password=False)
    finally:
        if not kept:
            with admin.connect() as connection:
                connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def start_up() -> float:
    """Seconds a new process needs until the application answers (best of three)."""
    code = "import config; from app import create_app; create_app(config.load())"
    with folder() as place:
        environment = {**os.environ, "GUANJIA_INSTANCE_DIR": str(place)}
        best = []
        for _ in range(3):
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], env=environment, cwd=config.ROOT, check=True)
            best.append(time.perf_counter() - begun)
    return min(best)


def measure(name: str, address: str, place: Path, chosen: argparse.Namespace) -> None:
    """Fill one database, unless a kept one is full already, and print a line per page."""
    from app import create_app
    from app.core.access.actor import acting, system_actor
    from app.core.garbage import spare_garbage_searches
    from app.extensions import db
    from app.modules.estates.models import Unit
    from app.modules.people.models import Person

    app = create_app(config.Settings(instance_dir=place, database_url=address))
    units, persons = chosen.units, chosen.persons
    with app.app_context(), acting(system_actor()):
        begun = time.perf_counter()
        generate(chosen)
        print(
            f"\n{name}: {units:,} units, {persons:,} persons, {chosen.items:,} work items and clocks, "
            f"{chosen.entries:,} log entries, made in {time.perf_counter() - begun:.0f} s"
        )
        first = db.session.scalar(select(func.min(Unit.id)))
        unit = db.session.scalars(select(Unit).order_by(Unit.id).offset(units // 2).limit(1)).one()
        person = db.session.scalars(select(Person).order_by(Person.id).offset(persons // 2).limit(1)).one()
        code, unit_id, initials, tail = unit.code, unit.id, person.initials, person.mobile[-4:]
        statements: list[str] = []
        event.listen(db.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        db.session.remove()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login/", data={"username": "bench", "password": PASSWORD})
    pages = {
        "units, first page": "/units/?view=all",
        "units, filtered": "/units/?view=all&layout=%E4%B8%89%E5%AE%A4",
        "units, half of them": "/units/?view=all&delivery_type=shell",
        "units, sorted by area": "/units/?view=all&sort=-gross_area",
        "units, page 1,000": "/units/?view=all&page=1000",
        "persons, first page": "/persons/",
        "search by unit code": f"/search?q={code}",
        "search by initials": f"/search?q={initials}",
        "search by last four": f"/search?q={tail}",
        "household page": f"/households/{unit_id}",
        "open the form": f"/units/{unit_id}/edit",
        "home: my work": "/",
        "home: my role": "/?tab=role",
        "work: all": "/queue/?tab=all",
        "work: one kind, overdue": "/queue/?tab=all&kind=movein.case&late=1",
        "work: counts": "/queue/counts",
        "household, long history": f"/households/{first}",
        "timeline": f"/timeline/unit/{unit_id}",
        "timeline, 100,000 entries": f"/timeline/unit/{first}",
        "timeline, filtered": f"/timeline/unit/{first}?kind=comments",
    }
    for path in pages.values():
        client.get(path)
    spare_garbage_searches()
    for label, path in pages.items():
        timed(label, partial(client.get, path), statements)

    def save() -> Any:
        data = form_values(client.get(f"/units/{unit_id}/edit").get_data(as_text=True))
        data["note"] = uuid.uuid4().hex
        return lambda: client.post(f"/units/{unit_id}/edit", data=data)

    saved = client.post(
        "/units/views",
        data={"title": uuid.uuid4().hex, "query": "delivery_type=shell&sort=-gross_area&columns=code&columns=floor"},
    )
    number = max(map(int, re.findall(r"/units/views/(\d+)/open", saved.text)))
    client.post(f"/units/views/{number}/open")
    timed("units, opened by a view", lambda: client.get("/units/"), statements)
    export(client, units)
    timed("save the form", save, statements, prepared=True, status=302)
    print(f"  memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB")
    with app.app_context():
        db.engine.dispose()


def export(client: Any, units: int) -> None:
    """A file of about 50,000 lines: how long it takes, and how much more memory than before."""
    before, begun, lines, top = memory(), time.perf_counter(), 0, 0
    wanted = f"view=all&gross_area.from=60&gross_area.to={60 + 130 * min(1, EXPORTED / units):.2f}"
    for part in client.get(f"/units/export.csv?{wanted}", buffered=False).response:
        lines, top = lines + part.count(b"\n"), max(top, memory())
    took = time.perf_counter() - begun
    print(f"  CSV of {lines - 1:,} lines: {took:.1f} s, memory +{(top - before) / 1024:.0f} MB")


def memory() -> int:
    """Kilobytes that this process holds now."""
    return int(re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text())[1])  # type: ignore[index]  # Linux says it


def generate(chosen: argparse.Namespace) -> None:
    """An estate with one account, and its years of work, in the database of the application; nothing when it is there."""
    from flask_migrate import upgrade

    from app.core.access.accounts import create_account
    from app.core.access.actor import current_actor
    from app.core.access.models import Account
    from app.core.access.roles import Role
    from app.core.access.sync import sync_permissions
    from app.core.audit.models import AuditChain
    from app.core.registry import registry
    from app.extensions import db
    from app.modules.estates.models import Unit
    from app.modules.estates.services import create_estate

    upgrade()
    sync_permissions(db.session, registry().rights)
    db.session.commit()
    if (db.session.scalar(select(func.max(AuditChain.seq))) or 0) >= chosen.entries:  # written last
        return
    actor = current_actor()
    estate = create_estate(
        db.session, actor=actor, code="B", name_zh="测速", name_en="Bench", company_zh="公司", company_en="Company"
    )
    create_account(
        db.session, username="bench", name="Bench", password=PASSWORD, roles=[Role.MANAGER, Role.RECEPTIONIST],
        estates=[estate], actor=actor,
    )  # fmt: skip
    estate_id, people = estate.id, list(db.session.scalars(select(Account.id)))
    db.session.commit()
    fill(db.engine, estate_id, units=chosen.units, persons=chosen.persons)
    first = db.session.scalar(select(func.min(Unit.id))) or 0
    db.session.commit()
    fill_desk(db.engine, estate_id, people, first, chosen.units, items=chosen.items, entries=chosen.entries)
    settle(db.engine)


def settle(engine: Engine) -> None:
    """What the servers do by themselves in the minutes after a large load: planner statistics, visibility."""
    from app.core.records.database import refresh_statistics

    refresh_statistics(engine)
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def form_values(page: str) -> dict[str, str]:
    """What a browser would send back of the page's form."""
    from bs4 import BeautifulSoup

    form = max(BeautifulSoup(page, "html.parser").find_all("form"), key=lambda f: len(f.find_all(["input", "select"])))
    values = {
        str(i["name"]): str(i.get("value", ""))
        for i in form.find_all("input")
        if i.get("name") and i.get("type") != "checkbox"
    }
    for choice in form.find_all("select"):
        chosen = choice.find("option", selected=True)
        values[str(choice["name"])] = str(chosen.get("value", "")) if chosen else ""
    for area in form.find_all("textarea"):
        values[str(area["name"])] = area.text.strip()
    return values


def timed(
    label: str, request: Callable[[], Any], statements: list[str], *, prepared: bool = False, status: int = 200
) -> None:
    """Ask for a page many times and print the median times and the number of statements.

    ``prepared``: ``request`` makes ready, untimed, and returns the call to be timed.
    """
    spent: list[tuple[float, float]] = []
    for _ in range(WARM + ROUNDS):
        call = request() if prepared else request
        statements.clear()
        wall, cpu = time.perf_counter(), time.process_time()
        answer = call()
        spent.append((time.perf_counter() - wall, time.process_time() - cpu))
        assert answer.status_code == status, (label, answer.status_code)
    wall, cpu = (statistics.median(times) * 1000 for times in zip(*spent[WARM:], strict=True))
    print(f"  {label:<26} {wall:7.1f} ms  CPU {cpu:6.1f} ms  {len(statements):3d} SQL", flush=True)


def jobs() -> None:
    """Empty jobs done per second, with a process of its own as the workers are forked."""
    print("\nJobs", flush=True)
    subprocess.run([sys.executable, "-m", "bench.jobs"], cwd=config.ROOT, check=True)


def printing() -> None:
    """One pack warm and cold, and 200 packs by two processes."""
    print("\nPrinting")
    begun = time.perf_counter()
    subprocess.run([sys.executable, "bench/papers.py", "1"], cwd=config.ROOT, check=True)
    print(f"  cold, whole process with two packs: {time.perf_counter() - begun:.1f} s")
    begun = time.perf_counter()
    workers = [subprocess.Popen([sys.executable, "bench/papers.py", "99"], cwd=config.ROOT) for _ in range(2)]
    for worker in workers:
        worker.wait()
    print(f"  200 packs, 2 processes: {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
