"""What the database itself refuses about estates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import acting, system_actor
from app.core.records.base import now
from app.modules.estates.models import (
    BayTenure,
    Building,
    Entrance,
    KeyKind,
    KeySet,
    Meter,
    MeterKind,
    MeterReading,
    ParkingBay,
    ParkingUse,
    Unit,
)


@pytest.fixture
def building(session: Any) -> Building:
    building = Building(estate_id=1, code="1")
    session.add(building)
    session.flush()
    return building


@pytest.fixture
def unit(session: Any, building: Building) -> Unit:
    unit = Unit(estate_id=1, building=building, number="101", code="1-101", gross_area=Decimal("100"))
    session.add(unit)
    session.flush()
    return unit


def refused(session: Any, *records: Any, by: str) -> None:
    with pytest.raises(IntegrityError) as refusal:
        session.add_all(records)
        session.flush()
    assert by in str(refusal.value)
    session.rollback()


@pytest.mark.parametrize(
    ("areas", "rule"),
    [
        ({"gross_area": 100, "internal_area": "100.01"}, "usable_within_internal_within_gross"),
        ({"gross_area": 100, "internal_area": 90, "usable_area": "90.01"}, "usable_within_internal_within_gross"),
        ({"gross_area": 100, "usable_area": "100.01"}, "usable_within_internal_within_gross"),
        ({"gross_area": 0}, "areas_positive"),
        ({"apportioned_land_area": -1}, "areas_positive"),
    ],
)
def test_areas_keep_their_order(session, building, areas, rule):
    decimals = {name: Decimal(value) for name, value in areas.items()}
    refused(session, Unit(estate_id=1, building=building, number="101", code="1-101", **decimals), by=rule)


def test_areas_in_order_are_taken(session, building):
    unit = Unit(estate_id=1, building=building, number="101", code="1-101", gross_area=Decimal("89.32"),
                internal_area=Decimal("89.32"), usable_area=Decimal("61.5"))  # fmt: skip
    session.add(unit)
    session.flush()
    assert unit.apportioned_area == 0


def test_a_unit_code_occurs_once_in_an_estate(session, unit):
    refused(session, Unit(estate_id=1, building=unit.building, number="101", code="1-101"), by="code")


def test_a_unit_cannot_stand_in_a_building_of_another_estate(session, building):
    with acting(system_actor(estate_id=2)):
        refused(
            session,
            Unit(estate_id=2, building_id=building.id, number="1", code="1-1"),
            by="FOREIGN KEY" if session.get_bind().dialect.name == "sqlite" else "fk_unit",
        )


def test_a_free_bay_belongs_to_no_unit(session, unit):
    refused(session, ParkingBay(estate_id=1, code="B1", tenure=BayTenure.NONE, unit=unit), by="free_bay_has_no_unit")


def test_no_period_ends_before_it_begins(session, unit):
    bay = ParkingBay(estate_id=1, code="B1", tenure=BayTenure.RENTED, unit=unit)
    use = ParkingUse(estate_id=1, bay=bay, plate="京A12345", valid_from=date(2026, 2, 1), valid_to=date(2026, 1, 31))
    refused(session, bay, use, by="ends_after_start")


@pytest.mark.parametrize(
    ("make", "rule"),
    [
        (lambda unit: Meter(estate_id=1, unit=unit, kind=MeterKind.WATER, number="1", digits=2), "digits_sensible"),
        (lambda unit: KeySet(estate_id=1, unit=unit, kind=KeyKind.DOOR, quantity=0), "quantity_positive"),
        (lambda unit: MeterReading(estate_id=1, meter=Meter(estate_id=1, unit=unit, kind=MeterKind.GAS), read_at=now(), value=-1),
         "value_not_negative"),
        (lambda unit: Entrance(estate_id=1, building=unit.building, code=None), "code"),
    ],
)  # fmt: skip
def test_other_impossible_records(session, unit, make, rule):
    refused(session, make(unit), by=rule)


def test_a_moment_without_time_zone_is_no_moment(session, unit):
    meter = Meter(estate_id=1, unit=unit, kind=MeterKind.WATER, number="1")
    session.add(MeterReading(estate_id=1, meter=meter, read_at=datetime(2026, 1, 1), value=1))  # noqa: DTZ001
    with pytest.raises(Exception, match="time zone"):
        session.flush()
    session.rollback()
