"""Nobody reads or writes outside the estates of the acting person, however the statement is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, joinedload

from app.core.access.actor import Actor, NoActor, acting, system_actor
from app.core.records import base
from app.core.records.base import OutsideEstate
from app.core.records.estate import Estate
from app.modules.estates.models import Building, Unit

HERE, NEXT_DOOR = 1, 2


@pytest.fixture
def units(session: Session) -> dict[int, Unit]:
    """One unit in each of the two estates."""
    made = {}
    for estate_id in (HERE, NEXT_DOOR):
        building = Building(estate_id=estate_id, code="1")
        made[estate_id] = Unit(estate_id=estate_id, building=building, number="101", code="1-1-101")
        session.add(made[estate_id])
    session.commit()
    session.expire_all()
    return made


@pytest.fixture
def local() -> Actor:
    return Actor(user_id=None, name="local", estates=frozenset({HERE}), estate_id=HERE)


def test_every_way_of_reading_stays_in_the_estate(session: Session, units: dict[int, Unit], local: Actor) -> None:
    foreign = units[NEXT_DOOR].id
    other = aliased(Unit)
    with acting(local):
        assert {u.estate_id for u in session.scalars(select(Unit))} == {HERE}
        assert session.scalar(select(func.count()).select_from(Unit)) == 1
        assert session.scalar(select(func.count(Unit.id))) == 1
        assert session.execute(select(other.id)).scalars().all() == [units[HERE].id]
        assert session.scalars(select(Building.estate_id).join(Unit)).all() == [HERE]
        assert session.scalars(select(Unit.estate_id).where(Unit.id.in_(select(other.id)))).all() == [HERE]
        assert session.scalar(select(func.count()).select_from(select(Unit.id).subquery())) == 1
        assert session.query(Unit).count() == 1
        assert session.get(Unit, foreign, populate_existing=True) is None
        assert [e.id for e in session.scalars(select(Estate))] == [HERE]
        assert (
            session.scalars(select(Unit).options(joinedload(Unit.building))).unique().one().building.estate_id == HERE
        )


def test_bulk_statements_stay_in_the_estate(session: Session, units: dict[int, Unit], local: Actor) -> None:
    with acting(local):
        assert session.execute(update(Unit).values(note="seen")).rowcount == 1
        assert session.execute(delete(Unit)).rowcount == 1
    assert session.scalars(select(Unit.estate_id)).all() == [NEXT_DOOR]


def test_statements_that_cannot_be_limited_are_refused(session: Session, units: dict[int, Unit], local: Actor) -> None:
    with acting(local), pytest.raises(TypeError):
        session.execute(text("SELECT * FROM unit"))


def test_reading_records_needs_somebody_who_acts(session: Session, units: dict[int, Unit]) -> None:
    with acting(None):  # type: ignore[arg-type]
        for statement in (
            select(Unit),
            select(func.count()).select_from(Unit),
            select(Estate),
            update(Unit).values(note="x"),
        ):
            with pytest.raises(NoActor):
                session.execute(statement)


def test_writing_into_another_estate_is_refused(session: Session, units: dict[int, Unit], local: Actor) -> None:
    with acting(local):
        session.add(Building(estate_id=NEXT_DOOR, code="9"))
        with pytest.raises(OutsideEstate):
            session.flush()
        session.rollback()


def test_changing_a_foreign_record_is_refused(session: Session, units: dict[int, Unit], local: Actor) -> None:
    foreign = session.get(Unit, units[NEXT_DOOR].id)
    assert foreign is not None
    with acting(local):
        foreign.note = "taken over"
        with pytest.raises(OutsideEstate):
            session.flush()
        session.rollback()


def test_the_database_refuses_a_reference_into_another_estate(session: Session, units: dict[int, Unit]) -> None:
    foreign_building = units[NEXT_DOOR].building_id
    row = {
        "estate_id": HERE, "building_id": foreign_building, "number": "102", "code": "1-1-102", "layout": "", "house_type": "high_rise",
        "registered_use": "", "note": "", "created_at": base.now(), "changed_at": base.now(), "version": 1,
    }  # fmt: skip
    with pytest.raises(IntegrityError):
        session.connection().execute(insert(Unit.__table__).values(**row))
    session.rollback()


def test_new_records_belong_to_the_estate_worked_in(session: Session, local: Actor) -> None:
    with acting(replace(system_actor(), estate_id=HERE)):
        building = Building(code="7")
        session.add(building)
        session.flush()
        assert building.estate_id == HERE
