"""A database that an earlier version filled comes through the upgrade whole, and its open work stands in the queue."""

from __future__ import annotations

import json
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Boolean, Connection, Engine, MetaData, Table, func, select, text

import config
from app import create_app
from app.core.access.actor import acting, system_actor
from app.core.access.demo import DEMO_PASSWORD
from app.core.access.sync import sync_permissions
from app.core.audit.log import verify
from app.core.audit.models import AuditEntry
from app.core.clocks.models import Deadline, WorkItem
from app.core.records.base import Stamped
from app.core.records.lookup import model_of
from app.core.registry import registry
from app.extensions import db
from app.modules.estates.services import seed_estates
from app.modules.movein.models import Defect, MoveInCase
from app.modules.movein.states import CaseState, DefectState
from tests.conftest import new_database

pytestmark = pytest.mark.slow

FILLED = Path(__file__).parent.parent / "data"
"""``version-*.json.xz``: every row of a demo estate made by that version, with the keys its personal data are encrypted with."""


@pytest.mark.parametrize(("version", "revision"), [("0.1", "0001"), ("0.2", "0002")])
def test_what_an_earlier_version_stored_survives(tmp_path: Path, version: str, revision: str) -> None:
    from flask_migrate import downgrade, upgrade

    kept = json.loads(lzma.decompress((FILLED / f"version-{version}.json.xz").read_bytes()))
    keys = tmp_path / "keys.json"
    keys.touch(mode=0o600)
    keys.write_text(json.dumps(kept["keys"]))
    for address in new_database(tmp_path):
        app = create_app(config.Settings(instance_dir=tmp_path, database_url=address, demo=True))
        with app.app_context(), acting(system_actor()):
            upgrade(revision=revision)
            fill(db.engine, kept["tables"])
            upgrade()
            assert counts(db.engine, kept["tables"]) == {name: len(t["rows"]) for name, t in kept["tables"].items()}
            if revision == "0001":
                check_entries_have_their_unit()
            sync_permissions(db.session, registry().rights)
            seed_estates(db.session)
            db.session.commit()
            assert verify(db.session) is None
            check_work_is_queued()
            before = db.session.scalar(select(func.count(WorkItem.id)))
            seed_estates(db.session)
            assert db.session.scalar(select(func.count(WorkItem.id))) == before, "seeding again opens nothing twice"
            diary = select(func.count(AuditEntry.id)).where(AuditEntry.unit_id.is_not(None))
            assert db.session.scalar(diary)
            db.session.remove()
            people_can_work(app)
            db.session.remove()  # a table in use is not changed
            downgrade(revision=revision)
            rest = counts(db.engine, kept["tables"])
            assert all(rest[name] >= len(t["rows"]) for name, t in kept["tables"].items())
            db.session.remove()
            db.engine.dispose()


def check_entries_have_their_unit() -> None:
    """Set-based, in the migration, the unit of every entry comes to what the rows themselves say."""
    told: Counter[str] = Counter()
    entries = db.session.scalars(select(AuditEntry).where(AuditEntry.record_id.is_not(None))).all()
    for table in {entry.record_type for entry in entries}:
        rows = {row.id: row for row in db.session.scalars(select(model_of(table))) if isinstance(row, Stamped)}
        for entry in entries:
            if entry.record_type == table and entry.record_id in rows:
                assert entry.unit_id == rows[entry.record_id].audit_unit, (table, entry.record_id)
                told[table] += entry.unit_id is not None
    db.session.rollback()
    assert {"unit", "tenure", "movein_case", "attachment", "bill_line", "payment_part"} <= {
        table for table, count in told.items() if count
    }
    assert told["person"] == 0 and "person" in told


def check_work_is_queued() -> None:
    queued = set(
        db.session.execute(select(WorkItem.record_type, WorkItem.record_id).where(WorkItem.closed_at.is_(None)))
    )
    closed = (CaseState.COMPLETED, CaseState.WITHDRAWN)
    cases = set(db.session.scalars(select(MoveInCase.id).where(MoveInCase.state.not_in(closed))))
    defects = set(db.session.scalars(select(Defect.id).where(Defect.state == DefectState.OPEN)))
    assert cases and defects
    assert {("movein_case", case) for case in cases} <= queued
    assert {("movein_defect", defect) for defect in defects} <= queued
    timed = set(db.session.scalars(select(Deadline.record_id).where(Deadline.record_type == "movein_defect")))
    assert defects <= timed


def people_can_work(app: Flask) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.post("/login/", data={"username": "reception", "password": DEMO_PASSWORD})
    for path in ("/", "/units/", "/persons/", "/households/1", "/move-ins/"):
        assert client.get(path).status_code == 200, path


def fill(engine: Engine, tables: dict[str, Any]) -> None:
    """Write the rows in the order of their references."""
    metadata = MetaData()
    metadata.reflect(engine)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        for table in metadata.sorted_tables:
            if table.name in tables:
                write(connection, table, tables[table.name])


def write(connection: Connection, table: Table, stored: dict[str, Any]) -> None:
    names = stored["columns"]
    flags = {name for name in names if isinstance(table.c[name].type, Boolean)}
    quoted, bound = ", ".join(f'"{name}"' for name in names), ", ".join(f":{name}" for name in names)
    insert = text(f'INSERT INTO "{table.name}" ({quoted}) VALUES ({bound})')
    rows = [
        {n: bool(v) if n in flags and v is not None else v for n, v in zip(names, row, strict=True)}
        for row in stored["rows"]
    ]
    connection.execute(insert, rows)
    if (
        connection.dialect.name == "postgresql"
        and "id" in table.c
        and connection.scalar(text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": table.name})
    ):
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT max(id) FROM \"{table.name}\"))")
        )


def counts(engine: Engine, tables: dict[str, Any]) -> dict[str, int]:
    with engine.connect() as connection:
        return {name: connection.scalar(text(f'SELECT count(*) FROM "{name}"')) or 0 for name in tables}
