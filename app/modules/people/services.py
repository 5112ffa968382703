"""Every write on persons, tenures, vehicles and consents."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import (
    InvalidValue,
    citizen_id_facts,
    credit_code,
    id_document,
    phone,
    plate,
    postcode,
)
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import Unit
from app.modules.people.models import (
    Consent,
    ConsentScope,
    CoOwnership,
    IdKind,
    Person,
    PersonKind,
    PrivacyNotice,
    Sex,
    Tenure,
    TenureRole,
    UnitUse,
    Vehicle,
)
from app.modules.people.queries import current_notice, shares_taken

CONSTRAINTS: dict[str, Any] = {
    "credit_code_only_of_organisations": ("credit_code", _l("Only organisations have a credit code.")),
    "ends_after_start": ("valid_to", _l("The end must not lie before the start.")),
    "lease_ends_after_start": ("lease_until", _l("The lease must not end before it begins.")),
    "share_between_0_and_1": ("share_numerator", _l("A share is more than 0 and at most the whole.")),
    "shares_and_use_only_of_owners": ("role", _l("Share, form of co-ownership and state of use are facts of owners.")),
    "lease_only_of_tenants": ("lease_until", _l("Only tenants have a lease.")),
    "uq_tenure_unit_id_person_id_role_valid_from": (
        "person_id",
        _l("This person already holds this position in the unit."),
    ),
    "uq_vehicle_estate_id_plate_person_id": ("plate", _l("This car is registered already.")),
}
"""Sentences for what the database refuses here."""

LONGEST_LEASE_YEARS = 20
_READERS: dict[str, Callable[[str], str]] = {
    "mobile": phone,
    "phone": phone,
    "emergency_phone": phone,
    "postcode": postcode,
    "credit_code": lambda text: credit_code(text).value,
}


def register_person(session: Session, values: dict[str, Any], *, actor: Actor) -> Person:
    """Enter a person or organisation. See :func:`update_person` for the values and what is refused."""
    actor.require("create", "Person")
    person = Person(estate_id=actor.estate_id)
    _write(session, person, values)
    session.add(person)
    session.flush()
    return person


def update_person(session: Session, person: Person, values: dict[str, Any], *, actor: Actor) -> None:
    """Change columns of a person. Numbers are brought to one spelling; sex and birth date follow a citizen ID.

    Raises:
        FieldErrors: numbers that cannot be, or an ID number that another person of the estate has.
    """
    actor.require("update", "Person")
    _write(session, person, values)
    session.flush()


def _write(session: Session, person: Person, values: dict[str, Any]) -> None:
    values = _normalised(person, values)
    number = values.get("id_no")
    if number and (other := person_with_id(session, number, person.estate_id)) and other is not person:
        raise FieldErrors({"id_no": _l("This ID number is already registered for %(name)s.", name=other.name)})
    with session.no_autoflush:
        for name, value in values.items():
            setattr(person, name, value)


def _normalised(person: Person, values: dict[str, Any]) -> dict[str, Any]:
    values, errors = dict(values), {}
    for name, read in _READERS.items():
        if values.get(name):
            try:
                values[name] = read(values[name])
            except InvalidValue as error:
                errors[name] = error.sentence
    number = values.get("id_no")
    kind = values.get("id_kind", person.id_kind)
    if number and kind is None:
        errors["id_kind"] = _l("Choose the ID document type.")
    elif number and kind is not None:
        try:
            values["id_no"] = id_document(kind, number)
        except InvalidValue as error:
            errors["id_no"] = error.sentence
        else:
            values |= _facts_of_id(IdKind(kind), values)
    if not str(values.get("name", person.name) or "").strip():
        errors["name"] = _l("The name is missing.")
    if errors:
        raise FieldErrors(errors)
    return values


def _facts_of_id(kind: IdKind, values: dict[str, Any]) -> dict[str, Any]:
    if kind is IdKind.RESIDENT_ID:
        facts = citizen_id_facts(values["id_no"])
        return {"sex": Sex(facts.sex.value), "birth_date": facts.birth_date}
    if kind is IdKind.BUSINESS_LICENCE:
        return {"kind": PersonKind.ORGANISATION, "credit_code": values.get("credit_code") or values["id_no"]}
    return {}


def person_with_id(session: Session, number: str, estate_id: int | None) -> Person | None:
    """The person of the estate with this ID number, in any spelling."""
    mine = select(Person).where(Person.secret_is("id_no", number), Person.estate_id == estate_id)
    with session.no_autoflush:
        return session.scalar(mine.limit(1))


def grant_tenure(
    session: Session, *, unit: Unit, person: Person, role: TenureRole, actor: Actor, share: Fraction | None = None,
    valid_from: date | None = None, **facts: Any,
) -> Tenure:  # fmt: skip
    """Enter what a person is to a unit from ``valid_from`` on (empty: nobody knows since when).

    ``facts``: relation, co_ownership, unit_use, moved_in_on, lease_until, title_proof, title_proof_no, note.

    Raises:
        FieldErrors: the shares exceed the whole, the lease is longer than 20 years (Civil Code art. 705), or a
            household member lacks the relation.
    """
    actor.require("create", "Tenure")
    session.flush()  # unit and person may be new
    tenure = Tenure(estate_id=unit.estate_id, unit_id=unit.id, role=role, valid_from=valid_from, **facts)
    tenure.share = share
    _check_tenure(session, tenure)
    tenure.unit, tenure.person = unit, person
    session.add(tenure)
    session.flush()
    return tenure


def correct_tenure(session: Session, tenure: Tenure, values: dict[str, Any], *, actor: Actor) -> None:
    """Put an entry right that was wrong from the start. What changed in the world is a new tenure instead."""
    actor.require("update", "Tenure")
    with session.no_autoflush:
        for name, value in values.items():
            setattr(tenure, name, value)
        _check_tenure(session, tenure)
    session.flush()


def end_tenure(session: Session, tenure: Tenure, *, on: date, actor: Actor) -> None:
    """The position ends with the day ``on``."""
    actor.require("update", "Tenure")
    if tenure.valid_to is not None:
        raise InvalidValue(_l("This entry ended already."))
    if tenure.valid_from and on < tenure.valid_from:
        raise FieldErrors({"valid_to": _l("The end must not lie before the start.")})
    tenure.valid_to = on
    session.flush()


def change_use(session: Session, tenure: Tenure, use: UnitUse, *, since: date, actor: Actor) -> Tenure:
    """The owner states another use of the unit: the entry ends the day before, the same one goes on with the new use."""
    if tenure.valid_from is not None and since <= tenure.valid_from:
        correct_tenure(session, tenure, {"unit_use": use}, actor=actor)
        return tenure
    end_tenure(session, tenure, on=since - timedelta(days=1), actor=actor)
    return grant_tenure(
        session, unit=tenure.unit, person=tenure.person, role=tenure.role, share=tenure.share, valid_from=since,
        unit_use=use, co_ownership=tenure.co_ownership, moved_in_on=tenure.moved_in_on,
        title_proof=tenure.title_proof, title_proof_no=tenure.title_proof_no, note=tenure.note, actor=actor,
    )  # fmt: skip


def note_move_in(session: Session, *, unit_id: int, on: date, actor: Actor) -> None:
    """The owners of a unit have moved in (taken it over) on a day, unless an earlier day is known."""
    running = select(Tenure).where(
        Tenure.unit_id == unit_id,
        Tenure.role == TenureRole.OWNER,
        Tenure.valid_to.is_(None),
        Tenure.moved_in_on.is_(None),
    )
    for tenure in session.scalars(running):
        tenure.moved_in_on = on
    session.flush()


def _check_tenure(session: Session, tenure: Tenure) -> None:
    if tenure.role is TenureRole.HOUSEHOLD_MEMBER and tenure.relation is None:
        raise FieldErrors({"relation": _l("State the relation to the owner.")})
    if tenure.role is TenureRole.OWNER and tenure.share is not None and tenure.valid_to is None:
        day = max(tenure.valid_from or date.min, estate_today(session, tenure.estate_id))
        if shares_taken(session, tenure.unit_id, day, besides=tenure) + tenure.share > 1:
            raise FieldErrors({"share_numerator": _l("The shares of the owners add up to more than the whole.")})
        if tenure.share < 1 and tenure.co_ownership is None:
            tenure.co_ownership = CoOwnership.BY_SHARES
    if tenure.lease_until and tenure.valid_from:
        begun = tenure.valid_from
        last = date(begun.year + LONGEST_LEASE_YEARS, begun.month,
                    min(begun.day, monthrange(begun.year + LONGEST_LEASE_YEARS, begun.month)[1]))  # fmt: skip
        if tenure.lease_until > last:
            raise FieldErrors({"lease_until": _l("A lease runs for 20 years at most (Civil Code art. 705).")})


def register_vehicle(
    session: Session, values: dict[str, Any], *, actor: Actor, vehicle: Vehicle | None = None
) -> Vehicle:
    """Enter a car of a household, or change it."""
    actor.require("create" if vehicle is None else "update", "Vehicle")
    if vehicle is None:
        vehicle = Vehicle(estate_id=actor.estate_id)
        session.add(vehicle)
    with session.no_autoflush:
        for name, value in values.items():
            setattr(vehicle, name, _plate(value) if name == "plate" else value)
    session.flush()
    return vehicle


def _plate(text: str) -> str:
    try:
        return plate(text)
    except InvalidValue as error:
        raise FieldErrors({"plate": error.sentence}) from None


def give_consent(
    session: Session, person: Person, *, actor: Actor, scope: ConsentScope = ConsentScope.SERVICE,
    notice: PrivacyNotice | None = None, separate_for_sensitive: bool = False, guardian: Person | None = None,
) -> Consent:  # fmt: skip
    """Note a consent to the privacy notice (default: the newest version; PIPL arts. 14, 17, 29, 31).

    Raises:
        InvalidValue: the estate has no notice, or a child under 14 lacks the guardian's consent.
    """
    actor.require("create", "Consent")
    notice = notice or current_notice(session, person.estate_id)
    if notice is None:
        raise InvalidValue(_l("The estate has no privacy notice yet."))
    if guardian is None and is_minor(person, estate_today(session, person.estate_id)):
        raise InvalidValue(_l("A child under 14 needs the consent of a parent or guardian."))
    consent = Consent(
        estate_id=person.estate_id, person=person, notice=notice, scope=scope, guardian=guardian,
        separate_for_sensitive=separate_for_sensitive,
    )  # fmt: skip
    session.add(consent)
    session.flush()
    return consent


def withdraw_consent(session: Session, consent: Consent, *, actor: Actor) -> None:
    """The person takes a consent back (PIPL art. 15)."""
    actor.require("update", "Consent")
    if consent.withdrawn_at is None:
        consent.withdrawn_at = now()
    session.flush()


def is_minor(person: Person, on: date) -> bool:
    """Whether the person is under 14 (PIPL art. 28); not known birth dates count as older."""
    born = person.birth_date
    return born is not None and (on.year - born.year - ((on.month, on.day) < (born.month, born.day))) < 14
