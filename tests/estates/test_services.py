"""Writing and finding units, parking bays and meters; when warranties end."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.core.access.actor import NotAllowed, current_actor
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.estates import services
from app.modules.estates.models import BayTenure, Building, Entrance, KeyKind, Meter, MeterKind, ParkingBay, Unit
from app.modules.estates.queries import find_bays, find_units, meters_of, readings_since
from app.modules.estates.search import search_units
from app.modules.estates.warranty import Part, Start, warranty_end


@pytest.fixture
def building(session: Any) -> Building:
    building = Building(estate_id=1, code="1", phase="")
    session.add_all([building, Entrance(estate_id=1, building=building, code="3")])
    session.flush()
    return building


@pytest.fixture
def unit(session: Any, building: Building) -> Unit:
    values = {
        "building_id": building.id,
        "entrance_id": building.entrances[0].id,
        "number": "1502",
        "gross_area": Decimal("89.32"),
    }
    return services.save_unit(session, None, values, actor=current_actor())


def test_the_code_of_a_unit_follows_from_its_parts(session, unit, building):
    assert unit.code == "1-3-1502"
    services.save_unit(session, unit, {"number": "1503"}, actor=current_actor())
    assert unit.code == "1-3-1503"
    services.save_unit(session, unit, {"entrance_id": None}, actor=current_actor())
    assert unit.code == "1-1503"


def test_an_entrance_of_another_building_is_refused(session, unit):
    other = Building(estate_id=1, code="2")
    session.add(other)
    session.flush()
    with pytest.raises(FieldErrors) as refusal:
        services.save_unit(
            session,
            None,
            {"building_id": other.id, "entrance_id": unit.entrance_id, "number": "1"},
            actor=current_actor(),
        )
    assert list(refusal.value.errors) == ["entrance_id"]


def test_a_receptionist_does_not_create_units(session, building, actor_of):
    with pytest.raises(NotAllowed):
        services.save_unit(session, None, {"building_id": building.id, "number": "1"}, actor=actor_of("receptionist"))


@pytest.mark.parametrize(
    "text",
    ["1-3-1502", "1栋3单元1502室", "1号楼3单元1502房", "1#3-1502", "1/3/1502", "１－３－１５０２", "一栋三单元1502",
     "Building 1 Entrance 3 Room 1502",
     "1-3-15", "1栋3单元15", "1-3", "1502"],
)  # fmt: skip
def test_a_unit_is_found_by_any_usual_spelling(session, unit, text):
    assert [found.code for found in find_units(session, text)] == ["1-3-1502"]


@pytest.mark.parametrize("text", ["", "张三", "2-3-1502", "%", "1-4", "'; drop table unit"])
def test_what_is_no_beginning_of_its_code_does_not_find_it(session, unit, text):
    assert not find_units(session, text)


def test_the_exact_unit_comes_first(session, unit, building):
    for number in ("15020", "1502A"):
        services.save_unit(
            session,
            None,
            {"building_id": building.id, "entrance_id": unit.entrance_id, "number": number},
            actor=current_actor(),
        )
    assert [found.code for found in find_units(session, "1-3-1502")] == ["1-3-1502", "1-3-15020", "1-3-1502A"]


def test_a_search_costs_one_statement(app, session, unit, sql_count):
    with app.test_request_context():
        sql_count.reset()
        assert [hit.title for hit in search_units(session, "1-3-1502", 10)] == ["1-3-1502"]
    assert len(sql_count.statements) == 1


def test_a_bay_is_found_by_its_beginning_and_a_freed_bay_loses_unit_and_car(session, unit):
    actor = current_actor()
    bay = services.save_bay(
        session, None, {"code": "B1-001", "tenure": BayTenure.RENTED, "unit_id": unit.id, "estate_id": 1}, actor=actor
    )
    use = services.use_bay(session, bay, unit=unit, number_plate="京 A·12345", since=date(2026, 1, 1), actor=actor)
    assert use.plate == "京A12345"
    assert find_bays(session, "b1") == [bay]
    services.save_bay(session, bay, {"tenure": BayTenure.NONE}, actor=actor)
    assert bay.unit_id is None
    assert use.valid_to is not None


def moment(day: int) -> datetime:
    return datetime(2026, 5, day, 9, tzinfo=UTC)


@pytest.fixture
def meter(session: Any, unit: Unit) -> Meter:
    return services.add_meter(session, unit=unit, kind=MeterKind.WATER, number="W1", actor=current_actor())


@pytest.mark.clause("MI-10")
def test_a_meter_never_runs_backwards(session, meter):
    def read(value: str, day: int) -> None:
        services.record_reading(session, meter, value=Decimal(value), read_at=moment(day), actor=current_actor())

    read("10.5", 10)
    read("12", 20)
    for value, day in (("10.4", 11), ("12.1", 15), ("11", 21)):
        with pytest.raises(InvalidValue, match="backwards"):
            read(value, day)
    read("11", 15)
    with pytest.raises(InvalidValue, match="5 digits"):
        read("100000", 22)
    assert readings_since(session, unit_id=meter.unit_id, since=moment(1))[MeterKind.WATER].value == 12


def test_a_replaced_meter_starts_afresh(session, meter):
    services.record_reading(session, meter, value=Decimal(900), read_at=moment(1), actor=current_actor())
    new = services.replace_meter(session, meter, number="W2", start=Decimal(0), at=moment(2), actor=current_actor())
    assert meters_of(session, meter.unit_id) == [new]
    with pytest.raises(InvalidValue, match="removed"):
        services.record_reading(session, meter, value=Decimal(901), read_at=moment(3), actor=current_actor())


def test_keys_of_one_kind_are_counted_together(session, unit):
    for _time in range(2):
        keys = services.add_keys(session, unit=unit, kind=KeyKind.DOOR, quantity=3, actor=current_actor())
    assert keys.quantity == 6


ACCEPTED, DELIVERED = date(2024, 6, 30), date(2026, 5, 31)


@pytest.mark.parametrize(
    ("part", "ends", "start"),
    [
        (Part.STRUCTURE, date(2074, 6, 30), Start.ACCEPTANCE),
        (Part.WATERPROOFING, date(2029, 6, 30), Start.ACCEPTANCE),  # 5 years outlast 3 years from delivery
        (Part.PLUMBING, date(2027, 5, 31), Start.DELIVERY),  # 1 year from delivery outlasts 2 from acceptance
        (Part.HEATING_COOLING, date(2027, 3, 15), Start.DELIVERY),
        (Part.PIPE_BLOCKAGE, date(2026, 7, 31), Start.DELIVERY),
        (Part.LAMPS_SWITCHES, date(2026, 11, 30), Start.DELIVERY),
        (Part.ELECTRICAL, date(2026, 6, 30), Start.ACCEPTANCE),
    ],
)
def test_the_later_of_the_warranty_ends_counts(part, ends, start):
    found = warranty_end(part, ACCEPTED, DELIVERED)
    assert found is not None
    assert (found.ends, found.rule.start) == (ends, start)


def test_a_warranty_without_start_is_unknown():
    assert warranty_end(Part.PIPE_BLOCKAGE, ACCEPTED, None) is None
    assert warranty_end(Part.ELECTRICAL, date(2024, 2, 29), None).ends == date(2026, 2, 28)


def test_pages_show_parking_and_warranty(client_of, session, unit):
    unit.acceptance_date = ACCEPTED
    session.add(ParkingBay(estate_id=1, code="B9", tenure=BayTenure.OWNED, unit=unit))
    session.commit()
    page = client_of("receptionist").get(f"/units/{unit.id}").get_data(as_text=True)
    assert "B9" in page
    assert "2029-06-30" in page
    assert "B9" in client_of("receptionist").get(f"/households/{unit.id}?section=all").get_data(as_text=True)
    assert client_of("neighbour").get(f"/units/{unit.id}").status_code == 404


def test_a_wrong_area_order_comes_back_as_a_sentence_at_its_field(client_of, session, unit):
    answer = client_of("manager").post(
        f"/units/{unit.id}/edit",
        data={"version": unit.version, "building_id": unit.building_id, "entrance_id": unit.entrance_id, "number": "1502",
              "house_type": "high_rise", "gross_area": "80", "internal_area": "90"},
    )  # fmt: skip
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    assert "Usable floor area ≤ internal floor area ≤ gross floor area." in page
    assert 'value="90"' in page


@pytest.mark.parametrize(("text", "found"), [("1栋3单元15", True), ("1-3-1502", True), ("2-3-1502", False)])
def test_the_list_is_searched_by_any_spelling(client_of, session, unit, text, found):
    session.commit()
    page = client_of("receptionist").get("/units/", query_string={"q": text}).get_data(as_text=True)
    assert (f'href="/units/{unit.id}"' in page) is found


def test_lists_of_units_count_as_people_do(session, client_of):
    building = Building(estate_id=1, code="S1")
    for number in ("1001", "101", "201"):
        session.add(Unit(estate_id=1, building=building, number=number, code=f"S1-1-{number}"))
    session.commit()
    page = client_of("receptionist").get("/units/?q=S1-1").get_data(as_text=True)
    places = [page.index(f"S1-1-{number}<") for number in ("101", "201", "1001")]
    assert places == sorted(places)
