"""Standing in for colleagues: while a delegation lasts, the delegate has the delegator's work and roles in the estate.

What was lent is never lent on, and the administration of the system never is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import assoc_user_role
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, Deputised, NotAllowed
from app.core.access.models import Account, Membership
from app.core.access.roles import Role
from app.core.clocks.models import Delegation, Standing
from app.core.messages.kinds import MessageEvent
from app.core.messages.services import notify
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors

NEVER_LENT = Role.SYSTEM_ADMINISTRATOR.value
DELEGATED = MessageEvent(
    code="work.delegated",
    title=_l("Work was delegated to you"),
    sentence=_l("%(actor)s delegated their work and rights to you from %(first)s to %(last)s."),
)


def in_force(today: date) -> tuple[ColumnElement[bool], ...]:
    """Criteria of delegations that hold on ``today``."""
    return (Delegation.ended_at.is_(None), Delegation.from_on <= today, Delegation.until_on >= today)


def deputised(session: Session, person_id: int, estate_id: int) -> list[Deputised]:
    """Those for whom a person stands in today in an estate: active colleagues who serve it; one statement."""
    rows = session.execute(
        select(Account.id, Account.first_name, Account.last_name, FabRole.name)
        .select_from(Delegation)
        .join(Account, and_(Account.id == Delegation.delegator_id, Account.active.is_(True)))
        .join(Membership, and_(Membership.user_id == Account.id, Membership.estate_id == Delegation.estate_id))
        .join(assoc_user_role, assoc_user_role.c.user_id == Account.id)
        .join(FabRole, FabRole.id == assoc_user_role.c.role_id)
        .where(
            Delegation.delegate_id == person_id, Delegation.estate_id == estate_id,
            *in_force(estate_today(session, estate_id)),
        )
    )  # fmt: skip
    return gathered((number, first, last, role) for number, first, last, role in rows)


def gathered(rows: Iterable[tuple[int, str, str, str]]) -> list[Deputised]:
    """Rows of (account id, first name, last name, role) as one value per colleague, by id."""
    names: dict[int, str] = {}
    roles: dict[int, set[str]] = {}
    for number, first, last, role in rows:
        names[number] = Account(first_name=first, last_name=last).display_name
        roles.setdefault(number, set()).add(role)
    return [Deputised(id=n, name=names[n], roles=frozenset(roles[n] - {NEVER_LENT})) for n in sorted(names)]


def delegate(
    session: Session, *, delegate_id: int, from_on: date, until_on: date, reason: str = "", actor: Actor
) -> Delegation:
    """The actor hands their work and rights in this estate to a colleague for some days, both ends included.

    Raises:
        FieldErrors: the days are not in order or gone by, the colleague does not serve the estate, or stands in for the
            actor already on one of those days.
    """  # fmt: skip
    if actor.user_id is None or actor.estate_id is None:
        raise NotAllowed("delegate")
    if from_on < estate_today(session, actor.estate_id):
        raise FieldErrors({"from_on": _("The first day lies in the past.")})
    if until_on < from_on:
        raise FieldErrors({"until_on": _("The last day lies before the first.")})
    if delegate_id == actor.user_id:
        raise FieldErrors({"delegate_id": _("Choose a colleague, not yourself.")})
    colleague(session, actor.estate_id, delegate_id)
    overlapping = select(Delegation.id).where(
        Delegation.delegator_id == actor.user_id, Delegation.delegate_id == delegate_id, Delegation.ended_at.is_(None),
        Delegation.estate_id == actor.estate_id, Delegation.from_on <= until_on, Delegation.until_on >= from_on,
    )  # fmt: skip
    if session.scalar(overlapping.limit(1)):
        raise FieldErrors({"from_on": _("This colleague stands in for you on some of these days already.")})
    delegation = Delegation(
        estate_id=actor.estate_id, delegator_id=actor.user_id, delegate_id=delegate_id, from_on=from_on, until_on=until_on,
        reason=reason.strip(),
    )  # fmt: skip
    session.add(delegation)
    session.flush()
    days = {"first": from_on.isoformat(), "last": until_on.isoformat()}
    notify(session, DELEGATED.code, delegation, people=[delegate_id], **days)
    return delegation


def end(session: Session, delegation: Delegation, *, actor: Actor) -> None:
    """End a delegation before its last day: the delegator, or who may end those of others.

    Raises:
        NotAllowed: neither of the two.
        InvalidValue: it is over already.
    """  # fmt: skip
    if delegation.delegator_id != actor.user_id:
        actor.require("end", "Delegation")
    if delegation.standing in (Standing.ENDED, Standing.OVER):
        raise InvalidValue(_("This delegation is over already."))
    delegation.ended_at = now()
    session.flush()


def colleague(session: Session, estate_id: int, person_id: int) -> Account:
    """An active account that serves the estate. Raises ``FieldErrors`` (``delegate_id``) for anybody else."""
    found = session.scalar(
        select(Account)
        .join(Membership, and_(Membership.user_id == Account.id, Membership.estate_id == estate_id))
        .where(Account.id == person_id, Account.active.is_(True))
    )
    if found is None:
        raise FieldErrors({"delegate_id": _("Choose a colleague who serves this estate.")})
    return found


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Criterion of the delegations the actor sees: their own and those to them; with ``end``, all of the estate."""
    if actor.may("end", "Delegation"):
        return Delegation.id.is_not(None)
    return or_(Delegation.delegator_id == actor.user_id, Delegation.delegate_id == actor.user_id)
