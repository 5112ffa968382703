"""Every write on estates, buildings, units, parking bays, meters and keys."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue, plate
from app.core.records.refusals import FieldErrors
from app.core.records.unitcodes import UnitCode, parse
from app.core.registry import registry
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
    ReadingSource,
    Unit,
)
from app.modules.estates.queries import last_reading, reading_after

CONSTRAINTS: dict[str, Any] = {
    "usable_within_internal_within_gross": (
        "internal_area", _l("Usable floor area ≤ internal floor area ≤ gross floor area."),
    ),
    "areas_positive": ("gross_area", _l("Areas must be more than 0.")),
    "uq_unit_estate_id_code": ("number", _l("This unit exists already.")),
    "uq_building_estate_id_phase_code": ("code", _l("This building exists already.")),
    "uq_entrance_building_id_code": ("code", _l("This entrance exists already.")),
    "uq_parking_bay_estate_id_code": ("code", _l("This parking bay exists already.")),
    "free_bay_has_no_unit": ("unit_id", _l("A free bay cannot belong to a unit.")),
    "uq_meter_unit_id_kind_number": ("number", _l("The unit has this meter already.")),
    "digits_sensible": ("digits", _l("A meter has 3 to 9 digits before the point.")),
    "ends_after_start": ("valid_to", _l("The end must not lie before the start.")),
}  # fmt: skip
"""Sentences for what the database refuses here."""


def create_estate(session: Session, *, actor: Actor, **values: Any) -> Estate:
    """Open an estate with the code lists of every module."""
    actor.require("create", "Estate")
    estate = Estate(**values)
    session.add(estate)
    session.flush()
    _seed(session, estate)
    return estate


def seed_estates(session: Session) -> int:
    """Bring the code lists of every module into every estate, after an update; present rows stay. Returns how many."""
    estates = session.scalars(select(Estate).order_by(Estate.id)).all()
    for estate in estates:
        _seed(session, estate)
    return len(estates)


def _seed(session: Session, estate: Estate) -> None:
    for seed in registry().seeds:
        seed(session, estate)
    session.flush()


def save_unit(session: Session, unit: Unit | None, values: dict[str, Any], *, actor: Actor) -> Unit:
    """Create a unit, or change one; its code follows from building, entrance and room number.

    Raises:
        FieldErrors: the entrance belongs to another building, or the parts make no unit code.
    """
    actor.require("create" if unit is None else "update", "Unit")
    if unit is None:
        unit = Unit()
    for name, value in values.items():
        setattr(unit, name, value)
    with session.no_autoflush:
        building = session.get(Building, unit.building_id) if unit.building_id else None
        entrance = session.get(Entrance, unit.entrance_id) if unit.entrance_id else None
    if building is None:
        raise FieldErrors({"building_id": _l("Choose the building.")})
    if entrance is not None and entrance.building_id != building.id:
        raise FieldErrors({"entrance_id": _l("This entrance belongs to another building.")})
    code = UnitCode(building.phase or None, building.code, entrance.code if entrance else None, unit.number or "")
    try:
        parse(code.canonical)
    except InvalidValue:
        raise FieldErrors({"number": _l("A room number has letters and digits only.")}) from None
    unit.estate_id, unit.code = building.estate_id, code.canonical
    session.add(unit)
    session.flush()
    return unit


def save_bay(session: Session, bay: ParkingBay | None, values: dict[str, Any], *, actor: Actor) -> ParkingBay:
    """Create or change a parking bay; a bay that becomes free loses its unit and its running uses end today."""
    actor.require("create" if bay is None else "update", "ParkingBay")
    if bay is None:
        bay = ParkingBay()
        session.add(bay)
    for name, value in values.items():
        setattr(bay, name, value)
    if bay.tenure is BayTenure.NONE:
        bay.unit_id = None
        session.flush()
        end_uses(session, bay, on=estate_today(session, bay.estate_id))
    session.flush()
    return bay


def use_bay(
    session: Session, bay: ParkingBay, *, unit: Unit | None, number_plate: str, since: date, actor: Actor
) -> ParkingUse:
    """Let a car of a household use the bay from ``since``; what used it before ends then."""
    actor.require("update", "ParkingBay")
    end_uses(session, bay, on=since)
    use = ParkingUse(estate_id=bay.estate_id, bay=bay, unit=unit, plate=plate(number_plate), valid_from=since)
    session.add(use)
    session.flush()
    return use


def end_uses(session: Session, bay: ParkingBay, *, on: date) -> None:
    """End the running uses of a bay."""
    for use in bay.uses:
        if use.valid_to is None:
            use.valid_to = max(on, use.valid_from) if use.valid_from else on
    session.flush()


def add_meter(session: Session, *, unit: Unit, kind: MeterKind, number: str, digits: int = 5, actor: Actor) -> Meter:
    """Register a meter of a unit."""
    actor.require("create", "Meter")
    meter = Meter(estate_id=unit.estate_id, unit=unit, kind=kind, number=number.strip(), digits=digits)
    session.add(meter)
    session.flush()
    return meter


def record_reading(
    session: Session, meter: Meter, *, value: Decimal, read_at: datetime, actor: Actor,
    source: ReadingSource = ReadingSource.ROUND, photo_id: int | None = None,
) -> MeterReading:  # fmt: skip
    """Enter what a meter showed (MI-10: base readings).

    Raises:
        InvalidValue: the meter would run backwards, shows more digits than it has, or was removed.
    """
    actor.require("create", "MeterReading")
    if meter.removed_on is not None:
        raise InvalidValue(_l("This meter was removed."))
    _require_forwards(session, meter, value, after=last_reading(session, meter.id, until=read_at), moment=read_at)
    reading = MeterReading(
        estate_id=meter.estate_id, meter=meter, value=value, read_at=read_at, source=source, photo_id=photo_id
    )
    session.add(reading)
    session.flush()
    return reading


def correct_reading(
    session: Session, reading: MeterReading, *, value: Decimal, actor: Actor, photo_id: int | None = None
) -> None:
    """Put a misread value right; the change log keeps what was written first.

    Raises:
        InvalidValue: the meter would run backwards between its other readings, or shows more digits than it has.
    """
    actor.require("create", "MeterReading")
    before = last_reading(session, reading.meter_id, until=reading.read_at - timedelta(microseconds=1))
    _require_forwards(session, reading.meter, value, after=before, moment=reading.read_at)
    reading.value = value
    reading.photo_id = photo_id or reading.photo_id
    session.flush()


def _require_forwards(
    session: Session, meter: Meter, value: Decimal, *, after: MeterReading | None, moment: datetime
) -> None:
    """Refuse a value that the meter cannot show, or not between the readings ``after`` which and before which it stands."""
    if not 0 <= value < Decimal(10) ** meter.digits:
        raise InvalidValue(_l("This meter shows %(digits)s digits before the point.", digits=meter.digits))
    if after is not None and value < after.value:
        raise InvalidValue(_l("A meter cannot run backwards: it showed %(value)s already.", value=after.value))
    later = reading_after(session, meter.id, moment)
    if later is not None and value > later.value:
        raise InvalidValue(_l("A meter cannot run backwards: it showed %(value)s later.", value=later.value))


def replace_meter(
    session: Session,
    meter: Meter,
    *,
    number: str,
    start: Decimal,
    at: datetime,
    actor: Actor,
    digits: int | None = None,
) -> Meter:
    """Remove a meter and put another one in its place, which begins at ``start``."""
    actor.require("update", "Meter")
    meter.removed_on = at.date()
    successor = add_meter(
        session, unit=meter.unit, kind=meter.kind, number=number, digits=digits or meter.digits, actor=actor
    )
    record_reading(session, successor, value=start, read_at=at, source=ReadingSource.REPLACEMENT, actor=actor)
    return successor


def add_keys(session: Session, *, unit: Unit, kind: KeyKind, quantity: int, actor: Actor, label: str = "") -> KeySet:
    """Register keys of a unit; keys of the same kind and label are counted together."""
    actor.require("create", "KeySet")
    keys = session.scalar(select(KeySet).where(KeySet.unit_id == unit.id, KeySet.kind == kind, KeySet.label == label))
    if keys is None:
        keys = KeySet(estate_id=unit.estate_id, unit=unit, kind=kind, label=label, quantity=0)
        session.add(keys)
    keys.quantity += quantity
    session.flush()
    return keys
