"""Several desks of a concentrated move-in at once: every owner has a number of their own and is called once (MI-03)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

import config
from app.core.access.actor import acting, system_actor
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.extensions import db
from app.modules.movein import batch_queue, batches
from app.modules.movein.batch_models import BatchUnit, MoveInBatch, Post
from tests.conftest import furnish, migrated_app
from tests.movein import factories as make

DESKS = 5
ACTOR = system_actor("desk", estate_id=1)


@pytest.fixture
def hall(tmp_path: Path, database_maker: Callable[[Path], Iterator[str]]) -> Iterator[Flask]:
    """An application of its own with an open batch of as many units as there are desks."""
    for address in database_maker(tmp_path):
        app = migrated_app(config.Settings(instance_dir=tmp_path, database_url=address, language="en"))
        with app.app_context(), acting(ACTOR):
            with acting(system_actor()):
                furnish(app)
            today = estate_today(db.session, 1)
            batch = batches.save_batch(
                db.session, None, {"title": "First", "starts_on": today, "ends_on": today}, actor=ACTOR
            )
            batches.add_member(db.session, batch, account_id=1, post=Post.LEADER, actor=ACTOR)
            for _number in range(DESKS):
                unit = make.unit_of(db.session)
                make.owner_of(db.session, unit)
                batches.add_units(db.session, batch, codes=unit.code, actor=ACTOR)
            db.session.expire_all()
            batches.BATCH.fire(db.session, batch, "open", actor=ACTOR)
            db.session.commit()
        yield app
        with app.app_context():
            db.engine.dispose()


def at_once(app: Flask, work: Callable[[int], int | None]) -> list[int | None]:
    """What every desk has from ``work``, each in a transaction of its own, all begun together."""
    start = Barrier(DESKS)

    def one(desk: int) -> int | None:
        with app.app_context(), acting(ACTOR):
            start.wait()
            try:
                found = work(desk)
                db.session.commit()
            except (InvalidValue, IntegrityError):
                db.session.rollback()
                return None
            return found

    with ThreadPoolExecutor(DESKS) as pool:
        return list(pool.map(one, range(DESKS)))


@pytest.mark.clause("MI-03")
def test_desks_at_once_give_each_owner_one_number_and_call_each_once(hall: Flask) -> None:
    def the_batch() -> MoveInBatch:
        return db.session.scalars(select(MoveInBatch)).one()

    with hall.app_context(), acting(ACTOR):
        lines = db.session.scalars(select(BatchUnit.id).order_by(BatchUnit.id)).all()

    def check_in(desk: int) -> int:
        return batch_queue.check_in(db.session, db.session.get_one(BatchUnit, lines[desk]), actor=ACTOR).number

    def check_in_the_first(_desk: int) -> int:
        return batch_queue.check_in(db.session, db.session.get_one(BatchUnit, lines[0]), actor=ACTOR).number

    def call(desk: int) -> int:
        return batch_queue.call_next(db.session, the_batch(), post=Post.RECEPTION, desk=str(desk), actor=ACTOR).number

    def call_to_one_desk(_desk: int) -> int:
        return batch_queue.call_next(db.session, the_batch(), post=Post.RECEPTION, desk="7", actor=ACTOR).number

    assert sorted(number or 0 for number in at_once(hall, check_in)) == [1, 2, 3, 4, 5]
    assert at_once(hall, check_in_the_first) == [None] * DESKS
    served = [number for number in at_once(hall, call_to_one_desk) if number]
    assert len(served) == 1
    assert sorted([*served, *(n for n in at_once(hall, call) if n)]) == [1, 2, 3, 4, 5]
