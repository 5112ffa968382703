"""A large invented estate, written in bulk: as the screens and searches will find it, but without a change log."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select, text
from sqlalchemy.schema import ColumnDefault

from app.core.access.keyring import current_keyring
from app.core.records.base import now
from app.core.records.unitcodes import sort_key
from app.modules.estates.models import BayTenure, Building, DeliveryType, Entrance, HouseType, ParkingBay, Unit
from app.modules.people.models import (
    Channel,
    IdKind,
    Language,
    Person,
    PersonKind,
    PersonReading,
    Relation,
    Sex,
    Tenure,
    TenureRole,
    UnitUse,
    reading_keys,
)

GIVES_IDS = {"building", "entrance", "unit", "person"}
ENTRANCES, FLOORS, PER_FLOOR = 2, 25, 4
PER_BUILDING = ENTRANCES * FLOORS * PER_FLOOR
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红玲芬燕彬浩凯佳嘉宇轩梓涵思雨欣怡子墨文博"
LAYOUTS = ("两室一厅一卫", "三室两厅一卫", "三室两厅两卫", "四室两厅两卫")


def fill(engine: Engine, estate_id: int, *, units: int = 200_000, persons: int = 300_000, seed: int = 7) -> None:
    """Write ``units`` units in buildings of 200, and ``persons`` persons with a tenure each, into an empty estate.

    The first persons own one unit each, the others live with them. Search columns are filled as the models do it.
    """
    chance = random.Random(seed)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA cache_size = -400000"))  # KB: the indexes stay in memory while they grow
        first = {model: next_id(connection, model.__table__) for model in (Building, Entrance, Unit, Person)}
        for model, rows in (
            (Building, _buildings(estate_id, units, first)),
            (Entrance, _entrances(estate_id, units, first)),
            (Unit, _units(estate_id, units, first, chance)),
            (ParkingBay, _bays(estate_id, units // 4, first)),
            (Person, _persons(estate_id, persons, first, seed)),
            (PersonReading, _readings(persons, first, seed)),
            (Tenure, _tenures(estate_id, persons, units, first, chance)),
        ):
            write_rows(connection, model.__table__, rows)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def next_id(connection: Connection, table: Table) -> int:
    return (connection.scalar(select(func.max(table.c.id))) or 0) + 1


def write_rows(connection: Connection, table: Table, rows: Iterator[dict[str, Any]]) -> None:
    """The rows by the fastest way of the database: COPY, or one prepared INSERT; values as their column types bind them."""
    columns = [column for column in table.columns if column.name != "id" or table.name in GIVES_IDS]
    stamp = now()
    usual = {c.name: c.default.arg for c in columns if isinstance(c.default, ColumnDefault) and c.default.is_scalar}
    usual |= {c.name: stamp for c in columns if c.name in ("created_at", "changed_at")}
    bind = [(c.name, c.type.dialect_impl(connection.dialect).bind_processor(connection.dialect)) for c in columns]
    names = ", ".join(f'"{column.name}"' for column in columns)

    def values() -> Iterator[tuple[Any, ...]]:
        for row in rows:
            filled = usual | row
            yield tuple(process(filled.get(name)) if process else filled.get(name) for name, process in bind)

    cursor = connection.connection.cursor()
    if connection.dialect.name == "postgresql":
        with cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for line in values():
                copy.write_row(line)
        sequence = func.pg_get_serial_sequence(table.name, "id")  # ids were given, so it has to follow
        connection.execute(select(func.setval(sequence, next_id(connection, table), False)))
    else:
        cursor.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(columns))})', values())  # type: ignore[arg-type]  # sqlite3 takes an iterator


def _buildings(estate_id: int, units: int, first: dict[Any, int]) -> Iterator[dict[str, Any]]:
    for number in range(-(-units // PER_BUILDING)):
        yield {"id": first[Building] + number, "estate_id": estate_id, "code": str(number + 1)}


def _entrances(estate_id: int, units: int, first: dict[Any, int]) -> Iterator[dict[str, Any]]:
    for number in range(-(-units // PER_BUILDING) * ENTRANCES):
        building, code = divmod(number, ENTRANCES)
        yield {
            "id": first[Entrance] + number, "estate_id": estate_id, "building_id": first[Building] + building,
            "code": str(code + 1),
        }  # fmt: skip


def _place(unit: int) -> tuple[int, int, str]:
    """Number of the building and of the entrance, and the room number, of the unit with this running number."""
    entrance, rest = divmod(unit, FLOORS * PER_FLOOR)
    floor, door = divmod(rest, PER_FLOOR)
    return entrance // ENTRANCES, entrance, f"{floor + 1}{door + 1:02d}"


def _units(estate_id: int, units: int, first: dict[Any, int], chance: random.Random) -> Iterator[dict[str, Any]]:
    handed = date(2026, 1, 1)
    for number in range(units):
        building, entrance, room = _place(number)
        gross = chance.randint(6000, 19000)
        code = f"{building + 1}-{entrance % ENTRANCES + 1}-{room}"
        yield {
            "id": first[Unit] + number, "estate_id": estate_id, "building_id": first[Building] + building,
            "entrance_id": first[Entrance] + entrance, "number": room,
            "code": code, "code_order": sort_key(code), "floor": int(room[:-2]),
            "layout": chance.choice(LAYOUTS), "house_type": HouseType.HIGH_RISE,
            "gross_area": Decimal(gross) / 100, "internal_area": Decimal(gross * 8 // 10) / 100,
            "delivery_type": chance.choice(list(DeliveryType)),
            "handover_date": handed + timedelta(days=chance.randrange(300)),
        }  # fmt: skip


def _bays(estate_id: int, bays: int, first: dict[Any, int]) -> Iterator[dict[str, Any]]:
    for number in range(bays):
        yield {"estate_id": estate_id, "code": f"B1-{number + 1:05d}", "zone": "B1", "tenure": BayTenure.OWNED,
               "unit_id": first[Unit] + number}  # fmt: skip


def _names(seed: int) -> Iterator[str]:
    """Names without end, of a stock of ten thousand: about thirty persons share one, as in a city."""
    chance = random.Random(seed)
    stock = [
        chance.choice(SURNAMES) + "".join(chance.choices(GIVEN, k=chance.choice((1, 2, 2)))) for _ in range(10_000)
    ]
    while True:
        yield chance.choice(stock)


@cache
def _keys(name: str) -> tuple[str, str, list[str]]:
    return reading_keys(name)


def _persons(estate_id: int, persons: int, first: dict[Any, int], seed: int) -> Iterator[dict[str, Any]]:
    chance, index = random.Random(seed), current_keyring().blind_index
    usual = {
        "estate_id": estate_id, "kind": PersonKind.INDIVIDUAL, "id_kind": IdKind.RESIDENT_ID, "language": Language.ZH,
        "channel": Channel.PHONE,
    }  # fmt: skip
    for number, name in enumerate(islice(_names(seed), persons)):
        pinyin, initials, _others = _keys(name)
        mobile = f"13{chance.randrange(10**9):09d}"
        id_no = _id_number(number)
        yield usual | {
            "id": first[Person] + number, "name": name, "name_key": name, "pinyin": pinyin, "initials": initials,
            "sex": Sex.FEMALE if number % 2 else Sex.MALE,
            "mobile": mobile, "mobile_hash": index("mobile", mobile), "mobile_tail": index("mobile.tail", mobile[-4:]),
            "id_no": id_no, "id_no_hash": index("id_no", id_no), "id_no_tail": index("id_no.tail", id_no[-4:]),
        }  # fmt: skip


def _id_number(number: int) -> str:
    """A number of the impossible area 000000 with a true check digit."""
    days, serial = divmod(number, 999)
    born = date(1950, 1, 1) + timedelta(days=days)
    body = f"000000{born:%Y%m%d}{serial + 1:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def _readings(persons: int, first: dict[Any, int], seed: int) -> Iterator[dict[str, Any]]:
    for number, name in enumerate(islice(_names(seed), persons)):
        for key in _keys(name)[2]:
            yield {"person_id": first[Person] + number, "key": key}


def _tenures(
    estate_id: int, persons: int, units: int, first: dict[Any, int], chance: random.Random
) -> Iterator[dict[str, Any]]:
    uses = list(UnitUse)
    for number in range(persons):
        owner = number < units
        yield {
            "estate_id": estate_id, "unit_id": first[Unit] + number % units, "person_id": first[Person] + number,
            "role": TenureRole.OWNER if owner else TenureRole.HOUSEHOLD_MEMBER,
            "relation": None if owner else Relation.SPOUSE, "unit_use": chance.choice(uses) if owner else None,
        }  # fmt: skip
