"""Who has a piece of work: taking it, handing it over, giving it back; and what people say about its clocks.

Everything stands in the change log of the record the work is about.
"""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.access.models import Account
from app.core.access.sync import rights_of_roles
from app.core.audit.log import record_event
from app.core.clocks import services as clocks
from app.core.clocks.delegation import colleague
from app.core.clocks.kinds import WorkKind
from app.core.clocks.models import Deadline, WorkItem
from app.core.messages.kinds import MessageEvent
from app.core.messages.services import notify
from app.core.records.base import Record, now
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry

HANDED_OVER = MessageEvent(
    code="work.handed_over", title=_l("Work was handed over to you"), sentence=_l("%(actor)s handed you %(label)s.")
)


def kind_of(item: WorkItem) -> WorkKind:
    return registry().of(WorkKind)[item.kind]


def record_of(session: Session, item: WorkItem) -> Record | None:
    """The record the work is about; None when it was deleted."""
    record: Record | None = session.get(kind_of(item).model, item.record_id)
    return record


def concerns(actor: Actor, item: WorkItem) -> bool:
    """Whether the actor may take the work and pass it on: it is theirs, a colleague's they stand in for, their role's,
    or they assign the work of others."""
    people = {actor.user_id, *(other.id for other in actor.stands_for)} - {None}
    return (
        actor.system
        or item.assignee_id in people
        or item.role in actor.roles
        or (actor.may("assign", "Work") and actor.may("read", kind_of(item).resource))
    )


def take(session: Session, item: WorkItem, *, holder_id: int | None = None, actor: Actor) -> None:
    """The actor makes the work theirs. ``holder_id``: who had it when the actor decided to take it.

    Raises:
        InvalidValue: somebody else was faster, or the work is done.
    """
    _require(item, actor)
    if item.assignee_id not in (holder_id, actor.user_id):
        raise InvalidValue(_("%(person)s took this work a moment ago.", person=_holder(session, item)))
    if item.assignee_id != actor.user_id:
        _assign(session, item, actor.user_id, "take", "")


def hand_over(session: Session, item: WorkItem, person_id: int, *, note: str = "", actor: Actor) -> None:
    """Give the work to a colleague, who hears of it.

    Raises:
        FieldErrors: nobody who serves the estate.
        InvalidValue: the colleague may not read such records, has the work already, or the work is done.
    """  # fmt: skip
    _require(item, actor)
    person = colleague(session, item.estate_id, person_id)
    if item.assignee_id == person.id:
        raise InvalidValue(_("%(person)s has this work already.", person=person.display_name))
    rights, wanted = rights_of_roles(session), ("read", kind_of(item).resource)
    if not any(wanted in rights.get(role.name, ()) for role in person.roles):
        raise InvalidValue(_("%(person)s has no right to open such records.", person=person.display_name))
    record = _assign(session, item, person.id, "hand_over", note)
    if record is not None:
        notify(session, HANDED_OVER.code, record, people=[person.id])


def give_back(session: Session, item: WorkItem, *, note: str = "", actor: Actor) -> None:
    """The work waits for its role again. Raises :class:`InvalidValue` when it belongs to no role."""
    _require(item, actor)
    if not item.role:
        raise InvalidValue(_("This work was given to a person; hand it over to somebody else instead."))
    if item.assignee_id is not None:
        _assign(session, item, None, "hand_over", note)


def wait_for_owner(session: Session, item: WorkItem, deadline: Deadline, *, reason: str, actor: Actor) -> None:
    """Stop a clock while the owner is waited for.

    Raises:
        InvalidValue: no reason, or the clock may not stop or does not run.
    """
    _require(item, actor)
    if not reason.strip():
        raise InvalidValue(_("Say what is being waited for."))
    if (
        not deadline.open
        or deadline.paused_at
        or not clocks.rule_of(session, item.estate_id, deadline.rule_key).pausable
    ):
        raise InvalidValue(_("This clock cannot be stopped."))
    clocks.pause(session, deadline, reason.strip()[:200])
    _log(session, item, "clock_paused", reason.strip())


def go_on(session: Session, item: WorkItem, deadline: Deadline, *, actor: Actor) -> None:
    """The owner answered: the clock runs again. Raises :class:`InvalidValue` when it does not stand still."""
    _require(item, actor)
    if deadline.paused_at is None:
        raise InvalidValue(_("This clock does not stand still."))
    clocks.resume(session, deadline)
    _log(session, item, "clock_resumed", "")


def explain(session: Session, item: WorkItem, deadline: Deadline, *, reason: str, actor: Actor) -> None:
    """Say why a deadline passed; the manager reads it beside what is late.

    Raises:
        InvalidValue: no reason, or the deadline has not passed.
    """
    _require(item, actor)
    if not reason.strip():
        raise InvalidValue(_("Say why it is late."))
    if not deadline.late(now()):
        raise InvalidValue(_("This deadline has not passed."))
    deadline.late_reason = reason.strip()
    session.flush()
    _log(session, item, "late_reason", deadline.late_reason)


def _require(item: WorkItem, actor: Actor) -> None:
    if not concerns(actor, item):
        raise NotAllowed(f"work {item.id}")
    if item.closed_at is not None:
        raise InvalidValue(_("This work is done already."))


def _assign(session: Session, item: WorkItem, person_id: int | None, noun: str, note: str) -> Record | None:
    person = session.get(Account, person_id) if person_id else None
    item.assignee, item.assignee_id = person, person_id
    session.flush()
    record, kept = record_of(session, item), kind_of(item).assigned
    if record is None:
        return None
    if kept:
        kept(session, record, person)
    record_event(session, noun, record, note=note.strip(), to=person.display_name if person else None)
    return record


def _log(session: Session, item: WorkItem, noun: str, note: str) -> None:
    record = record_of(session, item)
    if record is not None:
        record_event(session, noun, record, note=note)


def _holder(session: Session, item: WorkItem) -> str:
    found = session.scalar(select(Account).where(Account.id == item.assignee_id)) if item.assignee_id else None
    return found.display_name if found else _("Somebody else")
