"""Reading people: who they are, what they hold and live in, and how units are occupied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, bindparam, or_, select
from sqlalchemy.orm import Session, joinedload, load_only

from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue, halfwidth, phone
from app.core.records.names import name_key
from app.core.search.prefix import first_of, starts_with
from app.modules.estates.models import Unit
from app.modules.estates.queries import plate_begins
from app.modules.people.models import (
    Consent,
    ConsentScope,
    Person,
    PersonReading,
    PrivacyNotice,
    Tenure,
    TenureRole,
    Vehicle,
)


def running_on(day: date) -> ColumnElement[bool]:
    """Criterion: the tenure runs on ``day``."""
    begun = or_(Tenure.valid_from.is_(None), Tenure.valid_from <= day)
    return begun & or_(Tenure.valid_to.is_(None), Tenure.valid_to >= day)


def household_of(session: Session, unit_id: int, on: date | None = None) -> Sequence[Tenure]:
    """Everybody's running tenure in a unit on a day (default: today), owners first, with the persons."""
    day = on or _today(session, unit_id)
    tenures = session.scalars(
        select(Tenure)
        .where(Tenure.unit_id == unit_id, running_on(day))
        .options(joinedload(Tenure.person))
        .order_by(Tenure.id)
    ).all()
    return sorted(tenures, key=household_order)


def household_order(tenure: Tenure) -> int:
    """Sort key: owners, tenants, household members, occupants."""
    return list(TenureRole).index(tenure.role)


def owners_of(session: Session, unit_id: int, on: date | None = None) -> list[Tenure]:
    """The running owner tenures of a unit."""
    return [tenure for tenure in household_of(session, unit_id, on) if tenure.role is TenureRole.OWNER]


def members_of(session: Session, unit_id: int, on: date | None = None) -> list[Tenure]:
    """The running tenures of household members of a unit."""
    return [tenure for tenure in household_of(session, unit_id, on) if tenure.role is TenureRole.HOUSEHOLD_MEMBER]


def tenures_of(session: Session, unit_id: int) -> Sequence[Tenure]:
    """All tenures of a unit, past ones too, newest first."""
    return session.scalars(_tenures(), {"unit": unit_id}).all()


@cache  # building it costs more than asking it
def _tenures() -> Select[Any]:
    return (
        select(Tenure)
        .where(Tenure.unit_id == bindparam("unit"))
        .options(joinedload(Tenure.person))
        .order_by(Tenure.valid_to.is_not(None), Tenure.valid_from.desc(), Tenure.id)
    )


def holds(session: Session, *, unit_id: int, person_id: int, on: date | None = None) -> bool:
    """Whether the person is an owner of the unit on a day (default: today)."""
    return any(tenure.person_id == person_id for tenure in owners_of(session, unit_id, on))


def shares_taken(session: Session, unit_id: int, on: date, besides: Tenure | None = None) -> Fraction:
    """Sum of the shares that the owners of a unit state on a day."""
    owners = [tenure for tenure in owners_of(session, unit_id, on) if tenure is not besides]
    return sum((tenure.share for tenure in owners if tenure.share), Fraction(0))


def has_consent(session: Session, person_id: int, scope: ConsentScope = ConsentScope.SERVICE) -> bool:
    """Whether a consent of the person stands that was not withdrawn."""
    standing = select(Consent.id).where(
        Consent.person_id == person_id, Consent.scope == scope, Consent.withdrawn_at.is_(None)
    )
    return session.scalar(standing.limit(1)) is not None


def current_notice(session: Session, estate_id: int) -> PrivacyNotice | None:
    """The newest version of the estate's privacy notice."""
    return session.scalar(
        select(PrivacyNotice)
        .where(PrivacyNotice.estate_id == estate_id)
        .order_by(PrivacyNotice.valid_from.desc(), PrivacyNotice.id.desc())
        .limit(1)
    )


def find_persons(session: Session, text: str, limit: int = 10) -> Sequence[Person]:
    """Persons by name, pinyin, initials, whole phone or ID number, or the last four of either.

    Whoever is called exactly so comes first.
    """
    searches = _person_searches(text)
    if not searches:
        return []
    shown = load_only(Person.estate_id, Person.name, Person.name_key, Person.pinyin, Person.initials, Person.mobile)
    persons = session.scalars(select(Person).where(Person.id.in_(first_of(searches, limit))).options(shown)).all()
    typed = {name_key(text), _typed(text)}
    return sorted(
        persons, key=lambda p: (typed.isdisjoint((p.name_key, p.pinyin, p.initials)), p.pinyin, p.id)
    )[:limit]  # fmt: skip


def person_clause(text: str) -> ColumnElement[bool] | None:
    """Criterion for the persons that ``text`` may mean, answered from indexes; nothing when it can be none."""
    searches = _person_searches(text)
    return Person.id.in_(first_of(searches)) if searches else None


def _person_searches(text: str) -> list[Select[int]]:
    """Ids of the persons that ``text`` may mean, one search per index.

    A text of digits is a phone or an ID number, whole or its last four; anything else is a name, in characters, in
    pinyin or as initials, from its beginning.
    """
    compact = re.sub(r"[\s\-]", "", halfwidth(text)).upper()
    if not compact:
        return []
    if re.fullmatch(r"[0-9]{3}[0-9X]", compact):
        return [select(Person.id).where(Person.secret_ends(column, compact)) for column in ("mobile", "id_no")]
    if re.fullmatch(r"\+?[0-9]{5,}X?|[A-Z]{1,3}[0-9]{6,}", compact):
        searches = [select(Person.id).where(Person.secret_is("id_no", compact))]
        try:
            phone(compact)
        except InvalidValue:
            return searches
        return [*searches, select(Person.id).where(Person.secret_is("mobile", compact))]
    key, typed = name_key(text), _typed(text)
    keys = [(Person.name_key, key), (Person.pinyin, key), (Person.pinyin, typed), (Person.initials, typed)]
    searches = [select(Person.id).where(starts_with(c, k)).order_by(c) for c, k in dict.fromkeys(keys)]
    readings = select(PersonReading.person_id).where(starts_with(PersonReading.key, typed)).order_by(PersonReading.key)
    return [*searches, readings]


def _typed(text: str) -> str:
    """Pinyin as people type it, run together: ``Zhang San`` and ``xi'an`` are zhangsan and xian."""
    return re.sub(r"[\s']", "", name_key(text))


def units_of(session: Session, person_ids: Sequence[int]) -> dict[int, list[str]]:
    """Codes of the units in which persons hold a running tenure, by person."""
    codes: dict[int, list[str]] = {}
    if person_ids:
        rows = session.execute(
            select(Tenure.person_id, Unit.code, Unit.code_order)
            .join(Unit, Unit.id == Tenure.unit_id)
            .where(Tenure.person_id.in_(person_ids), Tenure.valid_to.is_(None))
            .order_by(Unit.code_order)
            .distinct()
        )
        for person_id, code, _order in rows:
            codes.setdefault(person_id, []).append(code)
    return codes


def find_vehicles(session: Session, number_plate: str, limit: int = 10) -> Sequence[Vehicle]:
    """Vehicles whose plate begins like this, with or without its province."""
    return session.scalars(
        select(Vehicle)
        .where(plate_begins(Vehicle.plate, number_plate))
        .options(joinedload(Vehicle.person), joinedload(Vehicle.unit))
        .order_by(Vehicle.plate)
        .limit(limit)
    ).all()


class UnitLabel(StrEnum):
    """What a unit is today, derived from tenures."""

    HANDED_OVER = "handed_over"
    OWNER_OCCUPIED = "owner_occupied"
    LET = "let"
    VACANT = "vacant"
    COMMERCIAL = "commercial"
    RENOVATION = "renovation"

    @property
    def title(self) -> Any:
        return _LABELS[self][0]

    @property
    def colour(self) -> str:
        return _LABELS[self][1]


_LABELS: dict[UnitLabel, tuple[Any, str]] = {
    UnitLabel.HANDED_OVER: (_l("Handed over"), "green"),
    UnitLabel.OWNER_OCCUPIED: (_l("Owner-occupied"), "blue"),
    UnitLabel.LET: (_l("Let"), "purple"),
    UnitLabel.VACANT: (_l("Vacant"), "secondary"),
    UnitLabel.COMMERCIAL: (_l("Commercial"), "cyan"),
    UnitLabel.RENOVATION: (_l("Under renovation"), "orange"),
}


def labels_of(session: Session, units: Iterable[Unit], on: date | None = None) -> dict[int, list[UnitLabel]]:
    """The labels of units by id, from one statement: handed over once an owner has moved in, then how it is used.

    A running lease makes a unit let whatever its owner stated.
    """
    units = list(units)
    if not units:
        return {}
    day = on or estate_today(session, units[0].estate_id)
    held: dict[int, list[Any]] = {unit.id: [] for unit in units}
    rows = session.execute(
        select(Tenure.unit_id, Tenure.role, Tenure.moved_in_on, Tenure.unit_use, Tenure.lease_until).where(
            Tenure.unit_id.in_(held), running_on(day)
        )
    )
    for row in rows:
        held[row.unit_id].append(row)
    return {unit_id: labels_from(tenures, day) for unit_id, tenures in held.items()}


def labels_from(tenures: Iterable[Any], day: date) -> list[UnitLabel]:
    """The labels of one unit on ``day`` from its tenures running then."""
    labels = set()
    for tenure in tenures:
        if tenure.role is TenureRole.OWNER and tenure.moved_in_on and tenure.moved_in_on <= day:
            labels.add(UnitLabel.HANDED_OVER)
        if tenure.role is TenureRole.OWNER and tenure.unit_use:
            labels.add(UnitLabel(tenure.unit_use.value))
        if tenure.role is TenureRole.TENANT and (tenure.lease_until is None or tenure.lease_until >= day):
            labels.add(UnitLabel.LET)
    if UnitLabel.LET in labels:
        labels -= {UnitLabel.OWNER_OCCUPIED, UnitLabel.VACANT}
    return sorted(labels, key=list(UnitLabel).index)


def _today(session: Session, unit_id: int) -> date:
    unit = session.get(Unit, unit_id)
    return estate_today(session, unit.estate_id if unit else 0)
