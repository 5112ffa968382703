"""The same problem found by several people at once opens one corrective action (RN-17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select

import config
from app.core.access.actor import acting, system_actor
from app.core.records.estate import Estate
from app.extensions import db
from app.modules.checks.models import CorrectiveAction, Finding
from app.modules.checks.seeding import seed
from app.modules.estates.models import Building, Unit
from tests.checks.factories import finding_of
from tests.conftest import migrated_app

CHECKERS = 4


@pytest.fixture
def centre(tmp_path: Path, database_maker: Callable[[Path], Iterator[str]]) -> Iterator[Flask]:
    """An application of its own with one unit."""
    for address in database_maker(tmp_path):
        app = migrated_app(config.Settings(instance_dir=tmp_path, database_url=address))
        with app.app_context(), acting(system_actor(estate_id=1)):
            estate = Estate(code="C", name_zh="花园", name_en="Gardens", company_zh="物业", company_en="Property")
            db.session.add(estate)
            db.session.flush()
            seed(db.session, estate)
            building = Building(estate_id=estate.id, code="1")
            db.session.add_all([building, Unit(estate_id=estate.id, building=building, number="101", code="1-101")])
            db.session.commit()
        yield app
        with app.app_context():
            db.engine.dispose()


def find(app: Flask, start: Barrier) -> None:
    with app.app_context(), acting(system_actor("checker", estate_id=1)):
        start.wait(20)
        finding_of(db.session, db.session.scalars(select(Unit)).one())
        db.session.commit()
        db.session.remove()


@pytest.mark.clause("RN-17")
def test_findings_at_the_same_moment_open_one_action(centre: Flask) -> None:
    start = Barrier(CHECKERS)
    with ThreadPoolExecutor(CHECKERS) as pool:
        list(pool.map(lambda _n: find(centre, start), range(CHECKERS)))
    with centre.app_context(), acting(system_actor(estate_id=1)):
        (action,) = db.session.scalars(select(CorrectiveAction)).all()
        findings = db.session.scalars(select(Finding)).all()
        assert len(findings) == CHECKERS and all(finding.action_id == action.id for finding in findings)
