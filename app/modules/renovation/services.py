"""Every write of a renovation outside the effects of its workflow (RN-01 … RN-08)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.clocks import services as clocks
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue, credit_code, id_document, mobile
from app.core.records.refusals import FieldErrors
from app.core.workflow.documents import enter
from app.modules.people.models import IdKind
from app.modules.people.queries import holds, household_of
from app.modules.renovation.effects import COPY_WORK
from app.modules.renovation.models import PermitExtension, Renovation, RenovationContractor
from app.modules.renovation.states import APPROVED, PERMITTED, Capacity, Delivery, Mode, RenovationState
from app.modules.renovation.workflow import PERMIT, RENOVATION, WORK, permit_end

SERIES = "RA"


def assign_checked(record: Any, values: Mapping[str, Any], checks: Mapping[str, Any]) -> None:
    """Set columns, each through its check; what a check refuses is told under the column's name.

    Raises:
        FieldErrors: a value is not what its column holds.
    """
    errors = {}
    for name, value in values.items():
        try:
            setattr(record, name, checks[name](value) if name in checks and value else value)
        except InvalidValue as error:
            errors[name] = str(error)
    if errors:
        raise FieldErrors(errors)


def apply(session: Session, values: Mapping[str, Any], *, actor: Actor) -> Renovation:
    """Enter an application (F26, RN-01); it can be changed until it is submitted.

    Raises:
        FieldErrors: the applicant does not live in or own the unit, a number that cannot be.
        IntegrityError: the unit has a renovation under way already (``uq_renovation_open``).
    """
    renovation = Renovation()
    change(session, renovation, values)
    return enter(session, renovation, RENOVATION, series=SERIES, actor=actor)


def change(session: Session, renovation: Renovation, values: Mapping[str, Any]) -> None:
    """Set what the application says. Raises as :func:`apply`."""
    kind = values.get("leader_id_kind") or renovation.leader_id_kind or IdKind.RESIDENT_ID
    checks = {"leader_mobile": mobile, "leader_id_no": lambda text: id_document(kind, text)}
    with session.no_autoflush:
        assign_checked(renovation, values, checks)
        if renovation.mode == Mode.SELF:
            renovation.contractor_id = None
        _check_applicant(session, renovation)


def _check_applicant(session: Session, renovation: Renovation) -> None:
    unit_id, person_id = renovation.unit_id, renovation.applicant_id
    if renovation.capacity == Capacity.OWNER and not holds(session, unit_id=unit_id, person_id=person_id):
        raise FieldErrors({"applicant_id": _("This person is not an owner of the unit today.")})
    household = household_of(session, unit_id)
    if renovation.capacity == Capacity.OCCUPANT and person_id not in {tenure.person_id for tenure in household}:
        raise FieldErrors({"applicant_id": _("This person does not live in the unit today.")})


def save_contractor(
    session: Session, contractor: RenovationContractor, values: Mapping[str, Any]
) -> RenovationContractor:
    """Store a renovation company; its credit code is checked by its check character.

    Raises:
        FieldErrors: a credit code that cannot be.
    """
    assign_checked(contractor, values, {"credit_code": lambda text: credit_code(text).value})
    session.add(contractor)
    session.flush()
    return contractor


def awaits_copy(renovation: Renovation) -> bool:
    """Whether the application was approved or rejected and the owner has no copy of it yet."""
    return renovation.delivered_at is None and renovation.state in (*APPROVED, RenovationState.REJECTED)


def deliver_copy(session: Session, renovation: Renovation, *, method: Delivery, receiver: str, actor: Actor) -> None:
    """Note that the owner has the copy of the decision (RN-04).

    Raises:
        FieldErrors: nobody is named who received it in person.
        InvalidValue: nothing was decided, or the copy is delivered already.
    """
    actor.require("deliver", "Renovation")
    if not awaits_copy(renovation):
        raise InvalidValue(_l("There is no copy to deliver now."))
    if method == Delivery.IN_PERSON and not receiver.strip():
        raise FieldErrors({"receiver": _("Say who received it.")})
    renovation.delivery, renovation.delivered_at, renovation.delivered_to = method, now(), receiver.strip()[:100]
    session.flush()
    clocks.close_work(session, renovation, COPY_WORK)


def hand_copy(session: Session, renovation: Renovation, *, receiver: str, actor: Actor) -> None:
    """:func:`deliver_copy` in person, from the queue."""
    deliver_copy(session, renovation, method=Delivery.IN_PERSON, receiver=receiver, actor=actor)


def extend_permit(session: Session, renovation: Renovation, *, last_day: date, reason: str, actor: Actor) -> None:
    """Let the permit end later, and its clock with it; passes keep their own days (forms C4).

    Raises:
        InvalidValue: no work is going on under a permit.
        FieldErrors: not later than now, or no reason.
    """
    actor.require("permit", "Renovation")
    if renovation.state not in PERMITTED or renovation.permit_to is None:
        raise InvalidValue(_l("There is no running permit to extend."))
    if last_day <= renovation.permit_to:
        raise FieldErrors({"last_day": _("The permit lasts until %(day)s already.", day=renovation.permit_to)})
    if not reason.strip():
        raise FieldErrors({"reason": _("Say why.")})
    session.add(
        PermitExtension(
            estate_id=renovation.estate_id, renovation=renovation, from_day=renovation.permit_to, to_day=last_day,
            reason=reason.strip()[:300], granted_by_name=actor.name,
        )
    )  # fmt: skip
    renovation.permit_to = last_day
    session.flush()
    item = clocks.work_of(session, renovation, WORK)
    if item is not None and clocks.running(session, item, PERMIT) is not None:
        clocks.start(session, item, PERMIT, due=permit_end(renovation))
