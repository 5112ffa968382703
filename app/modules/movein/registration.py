"""Registering the owner at move-in: person, share, household, cars and consent (F10; MI-02, forms A1)."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.core.access.actor import Actor
from app.core.fields.services import give_defaults
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.identifiers import share as read_share
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import Unit
from app.modules.movein.models import MoveInCase
from app.modules.movein.services import open_case, require_step
from app.modules.movein.states import CaseState
from app.modules.people.models import Consent, ConsentScope, CoOwnership, Person, Tenure, TenureRole
from app.modules.people.queries import owners_of
from app.modules.people.services import (
    correct_tenure,
    give_consent,
    grant_tenure,
    is_minor,
    register_person,
    register_vehicle,
    update_person,
    withdraw_consent,
)

SENSITIVE = (ConsentScope.IDENTITY_NUMBER, ConsentScope.BANK_ACCOUNT)
"""Scopes that are a separate consent to sensitive data (PIPL art. 29)."""


def open_for(session: Session, unit: Unit, values: Mapping[str, Any], *, actor: Actor) -> MoveInCase:
    """Open the move-in of a unit for one of its owners or for a person entered now, who becomes its owner.

    ``values``: ``owner`` (an owner's id or ``new``), then ``known`` (a registered person's id) or ``new_…`` columns of
    the new person, and the columns of the notice.

    Raises:
        FieldErrors: the person's data cannot be.
        InvalidValue: the unit has an open move-in, or the handover period ends before it begins.
    """
    actor.require("create", "MoveInCase")
    if values["owner"] == "new":
        owner = _new_owner(session, unit, values, actor)
    else:
        owner = next(t.person for t in owners_of(session, unit.id) if str(t.person_id) == values["owner"])
    notice = {name: values[name] for name in ("handover_from", "handover_to", "handover_place")}
    return open_case(session, unit=unit, owner=owner, actor=actor, **notice)


def _new_owner(session: Session, unit: Unit, values: Mapping[str, Any], actor: Actor) -> Person:
    given = {name.removeprefix("new_"): value for name, value in values.items() if name.startswith("new_")}
    try:
        person = _person(session, {**given, "known": values["known"]}, actor)
    except FieldErrors as error:
        raise FieldErrors({f"new_{name}": sentence for name, sentence in error.errors.items()}) from error
    today = estate_today(session, unit.estate_id)
    grant_tenure(session, unit=unit, person=person, role=TenureRole.OWNER, valid_from=today, actor=actor)
    return person


def _person(session: Session, given: dict[str, Any], actor: Actor) -> Person:
    """The registered person ``known``, or a new one of the other values; what is empty is not written."""
    if number := given.pop("known"):
        return session.scalars(select(Person).where(Person.id == number)).one()
    person = register_person(session, {name: value for name, value in given.items() if value}, actor=actor)
    give_defaults(session, person, actor=actor)
    return person


def register_owner(session: Session, case: MoveInCase, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Complete the owner's own data. ``values`` may hold ``record_version``: the version the form was drawn from.

    Raises:
        StaleDataError: somebody changed the person in the meantime.
        FieldErrors: numbers that cannot be.
    """
    _require(case, actor)
    given = dict(values)
    drawn_from = given.pop("record_version", None)
    if drawn_from and str(drawn_from) != str(case.owner.version):
        raise StaleDataError
    update_person(session, case.owner, given, actor=actor)


def register_holding(
    session: Session, case: MoveInCase, tenure_id: int, values: Mapping[str, Any], *, actor: Actor
) -> None:
    """Share, form of co-ownership, title proof, use and move-in day of one owner of the unit."""
    _require(case, actor)
    tenure = _tenure_of(session, case, tenure_id)
    facts = {name: value for name, value in values.items() if name != "share"}
    with _as_field("share_numerator", "share"):
        correct_tenure(session, tenure, {**facts, "share": _share(values["share"])}, actor=actor)


def add_co_owner(session: Session, case: MoveInCase, values: Mapping[str, Any], *, actor: Actor) -> Tenure:
    """Enter a further owner of the unit (Civil Code arts. 297–299)."""
    _require(case, actor)
    given = dict(values)
    share, form = _share(given.pop("share")), given.pop("co_ownership")
    person = _person(session, given, actor)
    form = form or (CoOwnership.BY_SHARES if share else CoOwnership.JOINT)
    today = estate_today(session, case.estate_id)
    with _as_field("share_numerator", "share"):
        return grant_tenure(
            session, unit=case.unit, person=person, role=TenureRole.OWNER, share=share, co_ownership=form,
            valid_from=today, actor=actor,
        )  # fmt: skip


def add_member(session: Session, case: MoveInCase, values: Mapping[str, Any], *, actor: Actor) -> Tenure:
    """Enter a household member; for a child under 14 the owner's consent as guardian is kept (PIPL art. 31).

    Raises:
        FieldErrors: ``relation`` is missing, or ``guardian_consents`` for a child under 14.
    """
    _require(case, actor)
    given = dict(values)
    relation, consents = given.pop("relation"), given.pop("guardian_consents")
    person = _person(session, given, actor)
    today = estate_today(session, case.estate_id)
    tenure = grant_tenure(
        session, unit=case.unit, person=person, role=TenureRole.HOUSEHOLD_MEMBER, relation=relation, valid_from=today, actor=actor
    )  # fmt: skip
    if is_minor(person, today):
        if not consents:
            raise FieldErrors({"guardian_consents": _("A child under 14 needs the consent of a parent or guardian.")})
        give_consent(
            session, person, scope=ConsentScope.CHILDREN, separate_for_sensitive=True, guardian=case.owner, actor=actor
        )
    return tenure


def add_vehicle(session: Session, case: MoveInCase, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Enter a car of the owner's household."""
    _require(case, actor)
    register_vehicle(session, {**values, "person_id": case.owner_id, "unit_id": case.unit_id}, actor=actor)


def record_consents(session: Session, case: MoveInCase, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Keep what the owner ticked under the privacy notice (PIPL arts. 13–17); what is no longer ticked is withdrawn.

    Raises:
        FieldErrors: ``service``: the part without which the service contract cannot be carried out is not ticked.
    """
    _require(case, actor)
    if not values.get(ConsentScope.SERVICE):
        raise FieldErrors(
            {ConsentScope.SERVICE: _("Without this acknowledgement the registration cannot be completed.")}
        )
    standing = consents_of(session, case.owner_id)
    for name, wanted in values.items():
        scope = ConsentScope(name)
        if wanted and scope not in standing:
            give_consent(session, case.owner, scope=scope, separate_for_sensitive=scope in SENSITIVE, actor=actor)
        elif not wanted and scope in standing:
            withdraw_consent(session, standing[scope], actor=actor)


def consents_of(session: Session, person_id: int) -> dict[ConsentScope, Consent]:
    """The consents of a person that stand, by scope."""
    found = session.scalars(
        select(Consent).where(Consent.person_id == person_id, Consent.withdrawn_at.is_(None)).order_by(Consent.given_at)
    )
    return {consent.scope: consent for consent in found}


def _require(case: MoveInCase, actor: Actor) -> None:
    actor.require("register", "MoveInCase")
    require_step(case, CaseState.REGISTRATION)


def _share(text: str) -> Fraction | None:
    if not text:
        return None
    try:
        return read_share(text)
    except InvalidValue as error:
        raise FieldErrors({"share": error.sentence}) from error


def _tenure_of(session: Session, case: MoveInCase, tenure_id: int) -> Tenure:
    for tenure in owners_of(session, case.unit_id):
        if tenure.id == tenure_id:
            return tenure
    raise InvalidValue(_("This person is no owner of the unit."))


class _as_field:
    """Report a refusal of one column under the name its input has here."""

    def __init__(self, column: str, field: str) -> None:
        self.column, self.field = column, field

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, FieldErrors) and self.column in error.errors:
            errors = {self.field if name == self.column else name: said for name, said in error.errors.items()}
            raise FieldErrors(errors) from error
