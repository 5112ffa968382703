"""Reading estates: units by any usual spelling, meter readings, the parts of an estate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, aliased, joinedload

from app.core.records.identifiers import PROVINCES, InvalidValue, halfwidth
from app.core.records.unitcodes import parse
from app.core.search.prefix import first_of, starts_with
from app.modules.estates.models import KeySet, Meter, MeterKind, MeterReading, ParkingBay, ParkingUse, Unit


def find_units(session: Session, text: str, limit: int = 10) -> Sequence[Unit]:
    """Units that ``text`` may mean: a code in any usual spelling, the beginning of one, or a bare room number.

    Exact codes come first, then the codes that begin like it.
    """
    clauses = _unit_clauses(text)
    if not clauses:
        return []
    searches = (select(Unit.id).where(clause).order_by(column) for column, clause in clauses)
    units = session.scalars(select(Unit).where(Unit.id.in_(first_of(searches, limit)))).all()
    exact = set(_exact_codes(text))
    return sorted(units, key=lambda unit: (unit.code not in exact, unit.code))[:limit]


def unit_clause(text: str) -> ColumnElement[bool] | None:
    """Criterion for the units that ``text`` may mean, answered from indexes; nothing when it can be none."""
    clauses = [clause for _column, clause in _unit_clauses(text)]
    return or_(*clauses) if clauses else None


def _unit_clauses(text: str) -> list[tuple[Any, ColumnElement[bool]]]:
    """The ways in which ``text`` may mean units: an indexed column and the criterion on it."""
    exact, prefix = _exact_codes(text), _prefix(text)
    clauses: list[tuple[Any, ColumnElement[bool]]] = [(Unit.code, Unit.code.in_(exact))] if exact else []
    if prefix:
        clauses.append((Unit.code, starts_with(Unit.code, prefix)))
        if "-" not in prefix:
            clauses.append((Unit.number, starts_with(Unit.number, prefix)))
    return clauses


def _exact_codes(text: str) -> list[str]:
    try:
        return [code.canonical for code in parse(text)]
    except InvalidValue:
        return []


def _prefix(text: str) -> str:
    """``1栋3单元`` and ``1/3/`` → ``1-3-``, ``1栋3单元15`` → ``1-3-15``; empty when it is no beginning of a code."""
    code = halfwidth(text).strip().upper()
    code = re.sub(r"\s*(?:号楼|号房|#楼|单元|[期栋幢座楼#门梯室房户号/\\_—–.-])\s*|\s+", "-", code)
    return code if re.fullmatch(r"[0-9A-Z]{1,10}(-[0-9A-Z]{1,10}){0,3}-?", code) else ""


def find_bays(session: Session, text: str, limit: int = 10) -> Sequence[ParkingBay]:
    """Parking bays whose number begins with ``text``."""
    code = halfwidth(text).strip().upper()
    return session.scalars(
        select(ParkingBay).where(starts_with(ParkingBay.code, code)).order_by(ParkingBay.code).limit(limit)
    ).all()


def bays_of(session: Session, unit_id: int) -> Sequence[ParkingBay]:
    """The bays that belong or are let to a unit."""
    return session.scalars(select(ParkingBay).where(ParkingBay.unit_id == unit_id).order_by(ParkingBay.code)).all()


def plate_begins(column: Any, number_plate: str) -> ColumnElement[bool]:
    """Criterion: the plate in ``column`` begins like this; a text without its province may stand for any."""
    if number_plate[:1] in PROVINCES:
        return starts_with(column, number_plate)
    return or_(*(starts_with(column, province + number_plate) for province in PROVINCES))


def uses_of_plate(session: Session, number_plate: str, limit: int = 10) -> Sequence[ParkingUse]:
    """Running uses of parking bays by cars whose plate begins like this, with or without its province."""
    running = select(ParkingUse).where(plate_begins(ParkingUse.plate, number_plate), ParkingUse.valid_to.is_(None))
    loaded = running.options(joinedload(ParkingUse.bay), joinedload(ParkingUse.unit))
    return session.scalars(loaded.order_by(ParkingUse.plate).limit(limit)).all()


def meters_of(session: Session, unit_id: int) -> Sequence[Meter]:
    """The meters of a unit that are still there."""
    return session.scalars(
        select(Meter).where(Meter.unit_id == unit_id, Meter.removed_on.is_(None)).order_by(Meter.kind, Meter.number)
    ).all()


def meters_and_readings(session: Session, unit_id: int) -> list[tuple[Meter, MeterReading | None]]:
    """The meters of :func:`meters_of`, each with its newest reading."""
    other = aliased(MeterReading)
    newest = (
        select(other.id)
        .where(other.meter_id == Meter.id)
        .order_by(other.read_at.desc())
        .limit(1)
        .correlate(Meter)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Meter, MeterReading)
        .outerjoin(MeterReading, MeterReading.id == newest)
        .where(Meter.unit_id == unit_id, Meter.removed_on.is_(None))
        .order_by(Meter.kind, Meter.number)
    )
    return [(row.Meter, row.MeterReading) for row in rows]


def keys_of(session: Session, unit_id: int) -> Sequence[KeySet]:
    """The keys that belong to a unit."""
    return session.scalars(select(KeySet).where(KeySet.unit_id == unit_id).order_by(KeySet.kind, KeySet.label)).all()


def last_reading(session: Session, meter_id: int, *, until: datetime | None = None) -> MeterReading | None:
    """The newest reading of a meter, not after ``until``."""
    readings = select(MeterReading).where(MeterReading.meter_id == meter_id)
    if until is not None:
        readings = readings.where(MeterReading.read_at <= until)
    return session.scalar(readings.order_by(MeterReading.read_at.desc()).limit(1))


def reading_after(session: Session, meter_id: int, moment: datetime) -> MeterReading | None:
    """The first reading of a meter after ``moment``."""
    readings = select(MeterReading).where(MeterReading.meter_id == meter_id, MeterReading.read_at > moment)
    return session.scalar(readings.order_by(MeterReading.read_at).limit(1))


def readings_since(session: Session, *, unit_id: int, since: datetime) -> dict[MeterKind, MeterReading]:
    """The newest reading by kind of meter that was taken in a unit since a moment."""
    rows = session.execute(
        select(Meter.kind, MeterReading)
        .join(Meter, Meter.id == MeterReading.meter_id)
        .where(Meter.unit_id == unit_id, MeterReading.read_at >= since)
        .order_by(MeterReading.read_at)
    )
    return {row.kind: row.MeterReading for row in rows}
