"""Planning a concentrated move-in (MI-03): task force, units, appointments, and the batch as a table of states."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, contains_eager

from app.core.access.actor import Actor, system_actor
from app.core.fields.services import give_defaults
from app.core.records.base import now, session_of
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.unitcodes import parse
from app.core.workflow.table import Ask, Transition, Workflow, looks_of
from app.modules.duties.models import Duty
from app.modules.duties.services import change_duty
from app.modules.estates.models import Unit
from app.modules.movein.batch_models import (
    ACTIVE_TICKETS,
    BatchMember,
    BatchSlot,
    BatchState,
    BatchUnit,
    MoveInBatch,
    Post,
    QueueTicket,
    TicketState,
    new_key,
)
from app.modules.movein.models import MoveInCase
from app.modules.movein.services import colleague, open_case, open_case_of, update_notice
from app.modules.movein.states import CaseState
from app.modules.people.models import Tenure, TenureRole
from app.modules.people.queries import owners_of, running_on

SPOT_CHECK = "movein.spot-check-concentrated"
"""The manager's duty of four spot checks a month while move-ins are concentrated (MI-12)."""
NAMED = 12
"""Unit codes that one sentence names at most."""


# The batch


def _has_units(batch: MoveInBatch, actor: Actor) -> str | None:
    lines = select(exists().where(BatchUnit.batch_id == batch.id))
    return None if session_of(batch).scalar(lines) else _("Choose the units of the batch first.")


def _has_task_force(batch: MoveInBatch, actor: Actor) -> str | None:
    return None if batch.members else _("Name the task force first.")


def _nobody_waits(batch: MoveInBatch, actor: Actor) -> str | None:
    today = estate_today(session_of(batch), batch.estate_id)
    waiting = session_of(batch).scalar(
        select(func.count(QueueTicket.id)).where(
            QueueTicket.batch_id == batch.id, QueueTicket.day == today,
            QueueTicket.state.in_((TicketState.WAITING, TicketState.CALLED)),
        )
    )  # fmt: skip
    return _("%(count)s owners still wait or are being served.", count=waiting) if waiting else None


def _open(batch: MoveInBatch, *, actor: Actor) -> None:
    batch.opened_at = now()
    follow_duty(session_of(batch), batch.estate_id)


def _close(batch: MoveInBatch, *, actor: Actor) -> None:
    session = session_of(batch)
    batch.closed_at = now()
    active = select(QueueTicket).where(QueueTicket.batch_id == batch.id, QueueTicket.state.in_(ACTIVE_TICKETS))
    for ticket in session.scalars(active):
        ticket.state, ticket.ended_at = TicketState.LEFT, now()
    _run(batch, False)
    follow_duty(session, batch.estate_id)


def _reopen(batch: MoveInBatch, *, actor: Actor, reason: str) -> None:
    session = session_of(batch)
    other = BatchUnit.__table__.alias()
    taken = session.scalars(
        select(Unit.code)
        .join(BatchUnit, BatchUnit.unit_id == Unit.id)
        .where(BatchUnit.batch_id == batch.id, exists().where(other.c.unit_id == Unit.id, other.c.running))
        .order_by(Unit.code_order)
    ).all()
    if taken:
        raise InvalidValue(_("Units in another batch: %(units)s", units=named(taken)))
    batch.closed_at = None
    _run(batch, True)
    follow_duty(session, batch.estate_id)


def _run(batch: MoveInBatch, running: bool) -> None:
    for line in session_of(batch).scalars(select(BatchUnit).where(BatchUnit.batch_id == batch.id)):
        line.running = running


BATCH = Workflow(
    model=MoveInBatch, resource="MoveInBatch", looks=looks_of(BatchState), initial=BatchState.DRAFT,
    transitions=(
        Transition(name="open", title=_l("Open the batch"), sources=(BatchState.DRAFT,), target=BatchState.OPEN,
                   verb="plan", needs=(_has_task_force, _has_units), effect=_open, primary=True),
        Transition(name="close", title=_l("Close the batch"), sources=(BatchState.OPEN,), target=BatchState.CLOSED,
                   verb="plan", needs=(_nobody_waits,), effect=_close, danger=True),
        Transition(name="reopen", title=_l("Open it again"), sources=(BatchState.CLOSED,), target=BatchState.OPEN,
                   verb="plan", asks=(Ask("reason", _l("Reason")),), effect=_reopen),
    ),
)  # fmt: skip


def save_batch(session: Session, batch: MoveInBatch | None, values: dict[str, Any], *, actor: Actor) -> MoveInBatch:
    """Enter a batch or change its name, period, place and note; the duty of MI-12 follows the period.

    Raises:
        InvalidValue: the batch is closed.
    """
    actor.require("create" if batch is None else "update", "MoveInBatch")
    if batch is None:
        batch = MoveInBatch(estate_id=actor.estate_id)
        session.add(batch)
    _not_closed(batch)
    for name, value in values.items():
        setattr(batch, name, value)
    session.flush()
    if batch.state == BatchState.OPEN:
        follow_duty(session, batch.estate_id)
    return batch


def _not_closed(batch: MoveInBatch) -> None:
    if batch.state == BatchState.CLOSED:
        raise InvalidValue(_("The batch is closed."))


def renew_display(session: Session, batch: MoveInBatch, *, actor: Actor) -> None:
    """Give the counter display a new address; the old one shows nothing any more."""
    actor.require("plan", "MoveInBatch")
    batch.display_key = new_key()
    session.flush()


def follow_duty(session: Session, estate_id: int) -> None:
    """Four spot checks a month are owed from the first to the last day of the open batches (MI-12).

    When none is open any more, the duty ends today, or is switched off if it never began.
    """
    session.flush()
    duty = session.scalar(select(Duty).where(Duty.estate_id == estate_id, Duty.code == SPOT_CHECK))
    if duty is None:
        return
    first, last = session.execute(
        select(func.min(MoveInBatch.starts_on), func.max(MoveInBatch.ends_on)).where(
            MoveInBatch.estate_id == estate_id, MoveInBatch.state == BatchState.OPEN
        )
    ).one()
    values: dict[str, Any] = {"valid_from": first, "valid_to": last, "active": True}
    if first is None:
        today = estate_today(session, estate_id)
        ends = min(duty.valid_to or today, today)
        values = {"valid_to": ends} if duty.valid_from <= ends else {"active": False}
    if any(getattr(duty, name) != value for name, value in values.items()):
        change_duty(session, duty, values, actor=system_actor("movein", estate_id))


# Task force


def add_member(session: Session, batch: MoveInBatch, *, account_id: int, post: Post, actor: Actor) -> BatchMember:
    """Take a colleague of the estate into the task force. Raises InvalidValue for anybody else."""
    actor.require("plan", "MoveInBatch")
    _not_closed(batch)
    account = colleague(session, batch.estate_id, account_id)
    member = BatchMember(
        estate_id=batch.estate_id, batch=batch, account_id=account.id, name=account.display_name, post=post
    )  # fmt: skip
    session.add(member)
    session.flush()
    return member


def remove_member(session: Session, member: BatchMember, *, actor: Actor) -> None:
    actor.require("plan", "MoveInBatch")
    _not_closed(member.batch)
    session.delete(member)
    session.flush()


# Units


def lines_of(batch: MoveInBatch) -> Any:
    """The query of a batch's units in walking order, joined with the units."""
    return (
        select(BatchUnit).join(BatchUnit.unit).where(BatchUnit.batch_id == batch.id)
        .options(contains_eager(BatchUnit.unit)).order_by(Unit.code_order)
    )  # fmt: skip


def places_taken(session: Session, batch: MoveInBatch) -> Counter[int]:
    """How many units have each appointment of the batch, by its id."""
    taken = select(BatchUnit.slot_id, func.count()).where(
        BatchUnit.batch_id == batch.id, BatchUnit.slot_id.is_not(None)
    )
    return Counter({slot: count for slot, count in session.execute(taken.group_by(BatchUnit.slot_id)) if slot})


@dataclass(frozen=True)
class Choosing:
    """What was chosen: how many units came in, and the codes of those that are in another batch already."""

    added: int
    elsewhere: Sequence[str] = ()


def add_units(
    session: Session, batch: MoveInBatch, *, building_id: int | None = None, entrance_id: int | None = None,
    floor_from: int | None = None, floor_to: int | None = None, codes: str = "", actor: Actor,
) -> Choosing:  # fmt: skip
    """Take units into the batch: those of a building, entrance or floor range, or a list of codes, however written.

    Units that are in another batch under way stay there and are told.

    Raises:
        InvalidValue: nothing is chosen, or a code is no unit of the estate.
    """
    actor.require("plan", "MoveInBatch")
    _not_closed(batch)
    wanted = select(Unit).where(Unit.estate_id == batch.estate_id)
    if codes.strip():
        wanted = wanted.where(Unit.id.in_(_units_of_codes(session, batch.estate_id, codes)))
    elif building_id:
        wanted = wanted.where(Unit.building_id == building_id)
        wanted = wanted.where(Unit.entrance_id == entrance_id) if entrance_id else wanted
        wanted = wanted.where(Unit.floor >= floor_from) if floor_from is not None else wanted
        wanted = wanted.where(Unit.floor <= floor_to) if floor_to is not None else wanted
    else:
        raise InvalidValue(_("Choose a building, or enter unit codes."))
    units = session.scalars(wanted.order_by(Unit.code_order)).all()
    ids = [unit.id for unit in units]
    lines = session.execute(
        select(BatchUnit.unit_id, BatchUnit.batch_id).where(BatchUnit.unit_id.in_(ids), BatchUnit.running)
    )
    present: dict[int, int] = dict(lines.all())
    new = [unit for unit in units if unit.id not in present]
    session.add_all(BatchUnit(estate_id=batch.estate_id, batch_id=batch.id, unit_id=unit.id) for unit in new)
    session.flush()
    return Choosing(len(new), [unit.code for unit in units if present.get(unit.id, batch.id) != batch.id])


def _units_of_codes(session: Session, estate_id: int, text: str) -> list[int]:
    entries = [entry.strip() for entry in re.split(r"[\n,，、;；\t]+", text) if entry.strip()]
    meant: dict[str, list[str]] = {}
    unknown: list[str] = []
    for entry in entries:
        try:
            meant[entry] = [code.canonical for code in parse(entry)]
        except InvalidValue:
            unknown.append(entry)
    every = {code for codes in meant.values() for code in codes}
    found: dict[str, int] = dict(
        session.execute(select(Unit.code, Unit.id).where(Unit.estate_id == estate_id, Unit.code.in_(every))).all()
    )
    unknown += [entry for entry, codes in meant.items() if not any(code in found for code in codes)]
    if unknown:
        raise InvalidValue(_("No units of this estate: %(codes)s", codes=named(unknown)))
    return [next(found[code] for code in codes if code in found) for codes in meant.values()]


def named(codes: Sequence[str]) -> str:
    return "、".join(codes[:NAMED]) + (" …" if len(codes) > NAMED else "")


def remove_unit(session: Session, line: BatchUnit, *, actor: Actor) -> None:
    """Take a unit out of the batch; its move-in, if it has one, goes on as an ordinary one (MI-04).

    Raises:
        InvalidValue: the owner has been checked in already.
    """
    actor.require("plan", "MoveInBatch")
    _not_closed(line.batch)
    if line.arrived_at:
        raise InvalidValue(_("The owner has been received already; the unit stays in the batch."))
    session.delete(line)
    session.flush()


def take_in(session: Session, line: BatchUnit, *, actor: Actor) -> bool:
    """See to it that the unit has its move-in: the open one is taken into the batch, otherwise one is opened.

    Returns whether one was opened now.

    Raises:
        InvalidValue: the unit has no owner, or its owner has moved in already.
    """
    if line.case is not None and line.case.is_open:
        return False
    found = open_case_of(session, line.unit_id)
    day, batch = line.slot.day if line.slot else None, line.batch
    notice: dict[str, Any] = {
        "handover_from": day or batch.starts_on, "handover_to": day or batch.ends_on,
        "handover_place": _place(batch, line.slot),
    }  # fmt: skip
    if found is None:
        owners = [tenure.person for tenure in owners_of(session, line.unit_id)]
        if not owners:
            raise InvalidValue(_("No owner is entered for this unit."))
        _not_moved_in(session, line.unit_id, {owner.id for owner in owners})
        line.case = open_case(session, unit=line.unit, owner=owners[0], actor=actor, **notice)
        give_defaults(session, line.case, actor=actor)
    else:
        line.case = found
        if found.handover_from is None:
            update_notice(found, **notice)
    session.flush()
    return found is None


def _not_moved_in(session: Session, unit_id: int, owners: set[int]) -> None:
    number = session.scalar(
        select(MoveInCase.number).where(
            MoveInCase.unit_id == unit_id, MoveInCase.owner_id.in_(owners), MoveInCase.state == CaseState.COMPLETED
        )
    )
    if number:
        raise InvalidValue(_("The owner has moved in already (%(number)s).", number=number))


def _place(batch: MoveInBatch, slot: BatchSlot | None) -> str:
    """Where the owner is asked to come; with an appointment also from when to when, as the notice has no line for it."""
    if slot is None:
        return batch.place
    return f"{batch.place} {slot.begins_at:%H:%M}–{slot.ends_at:%H:%M}".strip()[:100]


def without_owner(session: Session, batch: MoveInBatch) -> Sequence[Unit]:
    """Units of the batch for which no owner is entered: nobody can be invited."""
    today = estate_today(session, batch.estate_id)
    owned = exists().where(Tenure.unit_id == Unit.id, Tenure.role == TenureRole.OWNER, running_on(today))
    return session.scalars(
        select(Unit)
        .join(BatchUnit, BatchUnit.unit_id == Unit.id)
        .where(BatchUnit.batch_id == batch.id, ~owned)
        .order_by(Unit.code_order)
    ).all()


# Appointments


def add_slots(
    session: Session, batch: MoveInBatch, *, day_from: date, day_to: date | None, begins_at: time, ends_at: time,
    minutes: int | None, capacity: int, actor: Actor,
) -> int:  # fmt: skip
    """Offer appointments from ``begins_at`` to ``ends_at`` on every day from ``day_from`` to ``day_to``.

    ``minutes``: how long each takes (none: the whole time is one). Returns how many were added; those that exist stay.

    Raises:
        InvalidValue: a day outside the batch's period, or times that make no appointment.
    """
    actor.require("plan", "MoveInBatch")
    _not_closed(batch)
    last = day_to or day_from
    if not batch.starts_on <= day_from <= last <= batch.ends_on:
        raise InvalidValue(_("Appointments lie within the period of the batch, %(first)s to %(last)s.",
                             first=batch.starts_on, last=batch.ends_on))  # fmt: skip
    length = timedelta(minutes=minutes) if minutes else _span(begins_at, ends_at)
    if begins_at >= ends_at or length > _span(begins_at, ends_at) or length < timedelta(minutes=5):
        raise InvalidValue(_("An appointment takes five minutes at least and ends after it begins."))
    present = {(slot.day, slot.begins_at) for slot in batch.slots}
    added = 0
    for number in range((last - day_from).days + 1):
        day, at = day_from + timedelta(days=number), begins_at
        while _span(at, ends_at) >= length:
            until = (datetime.combine(day, at) + length).time()
            if (day, at) not in present:
                session.add(
                    BatchSlot(
                        estate_id=batch.estate_id, batch_id=batch.id, day=day, begins_at=at, ends_at=until,
                        capacity=capacity,
                    )
                )  # fmt: skip
                added += 1
            if until >= ends_at or until <= at:
                break
            at = until
    session.flush()
    session.expire(batch, ["slots"])
    return added


def _span(begin: time, end: time) -> timedelta:
    return datetime.combine(date.min, end) - datetime.combine(date.min, begin)


def remove_slot(session: Session, slot: BatchSlot, *, actor: Actor) -> None:
    """Withdraw an appointment; the units that had it have none until they are given another."""
    actor.require("plan", "MoveInBatch")
    _not_closed(slot.batch)
    for line in session.scalars(select(BatchUnit).where(BatchUnit.slot_id == slot.id)):
        line.slot_id = None
    session.flush()
    session.delete(slot)
    session.flush()


def assign_slots(session: Session, batch: MoveInBatch, *, actor: Actor) -> tuple[int, int]:
    """Give the units without an appointment the free ones, in walking order and from the earliest on.

    Returns how many were given and how many units go without for want of free appointments.
    """
    actor.require("plan", "MoveInBatch")
    _not_closed(batch)
    slots = session.scalars(
        select(BatchSlot)
        .where(BatchSlot.batch_id == batch.id)
        .order_by(BatchSlot.day, BatchSlot.begins_at)
        .with_for_update()
    ).all()
    taken = places_taken(session, batch)
    free = (slot for slot in slots for _place in range(slot.capacity - taken[slot.id]))
    waiting = session.scalars(lines_of(batch).where(BatchUnit.slot_id.is_(None))).all()
    given = 0
    for line, slot in zip(waiting, free, strict=False):
        line.slot_id = slot.id
        given += 1
    session.flush()
    return given, len(waiting) - given


def set_slot(session: Session, line: BatchUnit, slot: BatchSlot | None, *, actor: Actor) -> None:
    """Give one unit another appointment, or none.

    Raises:
        InvalidValue: the appointment is of another batch or full.
    """
    actor.require("plan", "MoveInBatch")
    _not_closed(line.batch)
    if slot is not None:
        if slot.batch_id != line.batch_id:
            raise InvalidValue(_("Choose an appointment of this batch."))
        session.refresh(slot, with_for_update=True)  # two who give the last place away take turns
        taken = session.scalar(
            select(func.count(BatchUnit.id)).where(BatchUnit.slot_id == slot.id, BatchUnit.id != line.id)
        )
        if (taken or 0) >= slot.capacity:
            raise InvalidValue(_("The appointment is full."))
    line.slot_id = slot.id if slot else None
    session.flush()
    session.expire(line, ["slot"])
