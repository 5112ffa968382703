"""What the search box finds among people: persons by name, pinyin, initials, phone or ID number; cars by plate."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import url_for
from sqlalchemy.orm import Session

from app.core.records.identifiers import PROVINCES, halfwidth
from app.core.search.provider import Hit
from app.modules.estates.queries import uses_of_plate
from app.modules.people.queries import find_persons, find_vehicles, units_of

_PLATE = re.compile(rf"[{PROVINCES}][A-Z][A-Z0-9]*[挂学警港澳]?|[A-Z][A-Z0-9]{{2,6}}[挂学警港澳]?")


def search_persons(session: Session, text: str, limit: int) -> Sequence[Hit]:
    """Persons with their masked phone and the units they hold or live in."""
    persons = find_persons(session, text, limit)
    units = units_of(session, [person.id for person in persons])
    return [
        Hit(person.name, " · ".join(filter(None, (person.masked_mobile, "、".join(units.get(person.id, ()))))),
            url_for("PersonView.show", pk=person.id), "user")
        for person in persons
    ]  # fmt: skip


def search_plates(session: Session, text: str, limit: int) -> Sequence[Hit]:
    """Registered cars, then cars on parking bays, whose plate begins like the text."""
    plate = re.sub(r"[\s·•.\-]", "", halfwidth(text)).upper()
    if not _PLATE.fullmatch(plate):
        return []
    hits = [
        Hit(car.plate, f"{car.person} · {car.unit or ''}".strip(" ·"), url_for("VehicleView.show", pk=car.id), "car")
        for car in find_vehicles(session, plate, limit)
    ]
    hits += [
        Hit(
            use.plate, f"{use.bay} · {use.unit or ''}".strip(" ·"), url_for("ParkingBayView.show", pk=use.bay_id), "car"
        )
        for use in uses_of_plate(session, plate, limit)
    ]
    return hits[:limit]
