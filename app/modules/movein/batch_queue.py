"""The queue of a concentrated move-in (叫号): tickets drawn at the reception and called to the desks of the posts (MI-03)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.numbering import next_number
from app.modules.estates.models import Unit
from app.modules.movein.batch_models import (
    ACTIVE_TICKETS,
    BatchState,
    BatchUnit,
    MoveInBatch,
    Post,
    QueueTicket,
    TicketState,
)
from app.modules.movein.batches import take_in
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState

POST_OF = {
    CaseState.FEES: Post.CASHIER,
    CaseState.INSPECTION: Post.INSPECTION,
    CaseState.REFUSED: Post.INSPECTION,
    CaseState.KEYS: Post.KEYS,
}
"""Which post works on a step; the others are the reception's."""
SHOWN = 8


def post_of(case: MoveInCase) -> Post | None:
    """The post an owner waits for at the step of the case; none when the move-in is over."""
    return POST_OF.get(case.state, Post.RECEPTION) if case.is_open else None


def check_in(session: Session, line: BatchUnit, *, actor: Actor) -> QueueTicket:
    """The owner of a unit has arrived: they draw the day's next number and wait for the post of their step.

    A unit without a move-in gets one now. A ticket left over from an earlier day is ended.

    Raises:
        InvalidValue: the batch is not open, the unit has a ticket already, nobody owns it or they moved in already.
    """
    actor.require("check_in", "MoveInBatch")
    _open(line.batch)
    today = estate_today(session, line.estate_id)
    earlier = session.scalar(
        select(QueueTicket).where(QueueTicket.line_id == line.id, QueueTicket.state.in_(ACTIVE_TICKETS))
    )
    if earlier and earlier.day == today:
        raise InvalidValue(_("Unit %(unit)s has ticket %(number)s already.", unit=line.unit.code, number=earlier.label))
    if earlier:
        _end(earlier, TicketState.LEFT)
        session.flush()
    if line.case is None or line.case.state == CaseState.WITHDRAWN:
        take_in(session, line, actor=actor)
    post = post_of(line.case) if line.case else None
    if post is None:
        raise InvalidValue(_("This move-in is completed; the owner needs no ticket."))
    series = next_number(session, line.estate_id, f"Q{today:%m%d}", today.year)
    ticket = QueueTicket(
        estate_id=line.estate_id, batch_id=line.batch_id, line=line, day=today, post=post,
        number=int(series.rpartition("-")[2]),
    )  # fmt: skip
    line.arrived_at = line.arrived_at or now()
    session.add(ticket)
    session.flush()
    return ticket


def before(session: Session, ticket: QueueTicket) -> int:
    """How many wait before a ticket for the same post."""
    earlier = (QueueTicket.waiting_since < ticket.waiting_since) | (
        (QueueTicket.waiting_since == ticket.waiting_since) & (QueueTicket.id < ticket.id)
    )
    waiting = select(func.count(QueueTicket.id)).where(
        QueueTicket.batch_id == ticket.batch_id, QueueTicket.day == ticket.day, QueueTicket.post == ticket.post,
        QueueTicket.state == TicketState.WAITING, earlier,
    )  # fmt: skip
    return session.scalar(waiting) or 0


def _open(batch: MoveInBatch) -> None:
    if batch.state != BatchState.OPEN:
        raise InvalidValue(_("The batch is not open."))


def call_next(session: Session, batch: MoveInBatch, *, post: Post, desk: str, actor: Actor) -> QueueTicket:
    """Call whoever has waited longest for ``post`` to ``desk``. Two desks that call at once get different tickets.

    Raises:
        InvalidValue: no desk, a ticket is still served at it, or nobody waits.
    """
    actor.require("call", "MoveInBatch")
    _open(batch)
    desk = desk.strip()[:20]
    if not desk:
        raise InvalidValue(_("Enter the number of your desk."))
    today = estate_today(session, batch.estate_id)
    served = session.scalar(
        select(QueueTicket).where(
            QueueTicket.estate_id == batch.estate_id, QueueTicket.desk == desk,
            QueueTicket.state == TicketState.CALLED,
        )
    )  # fmt: skip
    if served and served.day == today:
        raise InvalidValue(_("Ticket %(number)s is still being served at this desk.", number=served.label))
    if served:
        _end(served, TicketState.LEFT)
        session.flush()
    ticket = session.scalar(
        select(QueueTicket)
        .where(
            QueueTicket.batch_id == batch.id, QueueTicket.day == today, QueueTicket.post == post,
            QueueTicket.state == TicketState.WAITING,
        )
        .order_by(QueueTicket.waiting_since, QueueTicket.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    if ticket is None:
        raise InvalidValue(_("Nobody waits for this post."))
    ticket.state, ticket.desk = TicketState.CALLED, desk
    _call(ticket)
    session.flush()
    return ticket


def _call(ticket: QueueTicket) -> None:
    ticket.called_at, ticket.calls = now(), ticket.calls + 1


def call_again(session: Session, ticket: QueueTicket, *, actor: Actor) -> None:
    """Call a ticket once more: the display shows it anew, a skipped one goes back to the head of its line."""
    actor.require("call", "MoveInBatch")
    _today(session, ticket)
    if ticket.state == TicketState.SKIPPED:
        ticket.state, ticket.desk = TicketState.WAITING, ""
    elif ticket.state == TicketState.CALLED:
        _call(ticket)
    else:
        raise InvalidValue(_("Ticket %(number)s is not being called.", number=ticket.label))
    session.flush()


def skip(session: Session, ticket: QueueTicket, *, actor: Actor) -> None:
    """Whoever was called did not come; the ticket is kept aside until it is called again."""
    actor.require("call", "MoveInBatch")
    _served(ticket)
    ticket.state = TicketState.SKIPPED
    session.flush()


def finish(session: Session, ticket: QueueTicket, *, post: Post | None = None, actor: Actor) -> Post | None:
    """The desk is done: the owner goes on to ``post``, or to the one of the step that the case has come to.

    Returns the post; none when the move-in is over, or still where it was: then the ticket ends.
    """
    actor.require("call", "MoveInBatch")
    _served(ticket)
    case = ticket.line.case
    further = post or (post_of(case) if case else None)
    if further is None or (post is None and further == ticket.post):
        _end(ticket, TicketState.DONE)
        session.flush()
        return None
    ticket.post, ticket.state, ticket.desk, ticket.waiting_since = further, TicketState.WAITING, "", now()
    session.flush()
    return further


def _served(ticket: QueueTicket) -> None:
    if ticket.state != TicketState.CALLED:
        raise InvalidValue(_("Ticket %(number)s is not being served.", number=ticket.label))


def _today(session: Session, ticket: QueueTicket) -> None:
    if ticket.day != estate_today(session, ticket.estate_id):
        raise InvalidValue(_("This ticket is of another day."))


def _end(ticket: QueueTicket, state: TicketState) -> None:
    ticket.state, ticket.ended_at = state, now()


@dataclass(frozen=True)
class Desk:
    """What a desk sees: whom it serves, who waits for its post in order, and who was skipped."""

    serving: QueueTicket | None
    waiting: Sequence[QueueTicket]
    skipped: Sequence[QueueTicket]


def at_desk(session: Session, batch: MoveInBatch, *, post: Post, desk: str) -> Desk:
    """The tickets of today that concern a desk; one statement."""
    tickets = session.scalars(
        _today_of(session, batch)
        .options(joinedload(QueueTicket.line).joinedload(BatchUnit.case).joinedload(MoveInCase.owner))
        .order_by(QueueTicket.waiting_since, QueueTicket.id)
    ).all()
    mine = [ticket for ticket in tickets if ticket.post == post]
    return Desk(
        next((t for t in tickets if t.state == TicketState.CALLED and t.desk == desk), None),
        [t for t in mine if t.state == TicketState.WAITING],
        [t for t in mine if t.state == TicketState.SKIPPED],
    )


def _today_of(session: Session, batch: MoveInBatch) -> Select[QueueTicket]:
    return (
        select(QueueTicket)
        .where(
            QueueTicket.batch_id == batch.id, QueueTicket.state.in_(ACTIVE_TICKETS),
            QueueTicket.day == estate_today(session, batch.estate_id),
        )
        .options(joinedload(QueueTicket.line).joinedload(BatchUnit.unit))
    )  # fmt: skip


@dataclass(frozen=True)
class Serving:
    """A line of the display: number, unit and desk, nothing about the person."""

    number: str
    unit: str
    desk: str
    post: Post
    calls: int


def now_serving(session: Session, batch: MoveInBatch) -> tuple[list[Serving], dict[Post, int]]:
    """The tickets that are being served, last called first, and how many wait for each post; two statements."""
    rows = session.execute(
        select(QueueTicket, Unit.code)
        .join(QueueTicket.line)
        .join(BatchUnit.unit)
        .where(
            QueueTicket.batch_id == batch.id, QueueTicket.state == TicketState.CALLED,
            QueueTicket.day == estate_today(session, batch.estate_id),
        )
        .order_by(QueueTicket.called_at.desc(), QueueTicket.id)
        .limit(SHOWN)
    ).all()  # fmt: skip
    waiting = session.execute(
        select(QueueTicket.post, func.count())
        .where(
            QueueTicket.batch_id == batch.id, QueueTicket.state == TicketState.WAITING,
            QueueTicket.day == estate_today(session, batch.estate_id),
        )
        .group_by(QueueTicket.post)
    )  # fmt: skip
    called = [Serving(t.label, unit, t.desk, t.post, t.calls) for t, unit in rows]
    return called, dict(waiting.all())
