"""Concentrated move-in (集中入伙): batches of units, their task force, appointments and the tickets of the day (MI-03)."""

import secrets
from datetime import date, datetime, time

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    Text,
    Time,
    UniqueConstraint,
    text,
)  # fmt: skip
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.records.base import Record, UtcDateTime, now, within_estate
from app.core.records.choices import Choice, choice
from app.modules.estates.models import Unit
from app.modules.movein.models import MoveInCase


class BatchState(Choice):
    DRAFT = "draft", _l("Being planned"), "secondary"
    OPEN = "open", _l("Batch under way"), "blue"
    CLOSED = "closed", _l("Closed"), "green"


class Post(Choice):
    """What a member of the task force does; owners wait at every post but the first."""

    LEADER = "leader", _l("Head of the task force")
    RECEPTION = "reception", _l("Reception")
    CASHIER = "cashier", _l("Payment counter")
    INSPECTION = "inspection", _l("Inspection")
    KEYS = "keys", _l("Key counter")


COUNTERS = (Post.RECEPTION, Post.CASHIER, Post.INSPECTION, Post.KEYS)
"""The posts to which tickets are called."""


class TicketState(Choice):
    WAITING = "waiting", _l("Waiting")
    CALLED = "called", _l("Being served")
    SKIPPED = "skipped", _l("Skipped")
    DONE = "done", _l("Finished")
    LEFT = "left", _l("Left without being served")


ACTIVE_TICKETS = (TicketState.WAITING, TicketState.CALLED, TicketState.SKIPPED)


def new_key() -> str:
    """Address part of a display: 128 random bits."""
    return secrets.token_urlsafe(16)


class MoveInBatch(Record):
    """Units that move in together, from one day to another (both included), received by a temporary task force.

    ``display_key``: part of the address of the counter display, which needs no login.
    """

    __tablename__ = "movein_batch"
    __table_args__ = (
        UniqueConstraint("estate_id", "title", info={"message": ("title", _l("Another batch has this name."))}),
        CheckConstraint("starts_on <= ends_on", name="begins_before_end",
                        info={"message": ("ends_on", _l("The last day lies before the first."))}),
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed_iff_closed_at"),
        CheckConstraint("state = 'draft' OR opened_at IS NOT NULL", name="opened_has_moment"),
    )  # fmt: skip

    title: Mapped[str] = mapped_column(String(100), info={"label": _l("Name of the batch")})
    state: Mapped[BatchState] = mapped_column(
        choice(BatchState, "state_known"), default=BatchState.DRAFT, info={"label": _l("State")}
    )
    starts_on: Mapped[date] = mapped_column(info={"label": _l("First day")})
    ends_on: Mapped[date] = mapped_column(info={"label": _l("Last day")})
    place: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Place of handover")})
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Opened at")})
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Closed at")})
    display_key: Mapped[str] = mapped_column(String(30), unique=True, default=new_key)

    members: Mapped[list["BatchMember"]] = relationship(
        back_populates="batch", foreign_keys="BatchMember.batch_id", order_by="BatchMember.id"
    )
    slots: Mapped[list["BatchSlot"]] = relationship(
        back_populates="batch", foreign_keys="BatchSlot.batch_id", order_by="BatchSlot.day, BatchSlot.begins_at"
    )

    def __str__(self) -> str:
        return self.title


class BatchPart(Record):
    """A row that belongs to a batch and shows on the batch's timeline."""

    __abstract__ = True

    batch_id: Mapped[int] = within_estate("movein_batch", info={"label": _l("Move-in batch")})

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "movein_batch", self.batch_id


class BatchMember(BatchPart):
    """Somebody of the task force and the post they hold; one person may hold several."""

    __tablename__ = "movein_batch_member"
    __table_args__ = (
        UniqueConstraint(
            "batch_id", "account_id", "post", info={"message": _l("This person holds this post already.")}
        ),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True, info={"label": _l("Colleague")})
    name: Mapped[str] = mapped_column(String(130), info={"label": _l("Colleague")})
    post: Mapped[Post] = mapped_column(choice(Post, "post_known"), info={"label": _l("Post")})

    batch: Mapped[MoveInBatch] = relationship(back_populates="members", foreign_keys="BatchMember.batch_id")


class BatchSlot(BatchPart):
    """An appointment: from when to when on a day, for how many units."""

    __tablename__ = "movein_slot"
    __table_args__ = (
        UniqueConstraint("batch_id", "day", "begins_at"),
        UniqueConstraint("batch_id", "id"),
        CheckConstraint("begins_at < ends_at", name="begins_before_end",
                        info={"message": _l("The appointment ends before it begins.")}),
        CheckConstraint("capacity > 0", name="takes_somebody",
                        info={"message": _l("An appointment takes at least one unit.")}),
    )  # fmt: skip

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    begins_at: Mapped[time] = mapped_column(Time, info={"label": _l("From")})
    ends_at: Mapped[time] = mapped_column(Time, info={"label": _l("To")})
    capacity: Mapped[int] = mapped_column(info={"label": _l("Units at a time")})

    batch: Mapped[MoveInBatch] = relationship(back_populates="slots", foreign_keys="BatchSlot.batch_id")

    def __str__(self) -> str:
        return f"{self.day} {self.begins_at:%H:%M}–{self.ends_at:%H:%M}"


class BatchUnit(BatchPart):
    """A unit of a batch. ``running``: the batch is not closed; a unit is in one such batch at most.

    ``arrived_at``: when the owner was first checked in; ``packed_at``: when its papers were last printed as a pack.
    """

    __tablename__ = "movein_batch_unit"
    __table_args__ = (
        UniqueConstraint("batch_id", "unit_id"),
        Index("uq_movein_batch_unit_running", "unit_id", unique=True,
              sqlite_where=text("running"), postgresql_where=text("running")),
        ForeignKeyConstraint(["batch_id", "slot_id"], ["movein_slot.batch_id", "movein_slot.id"]),
    )  # fmt: skip

    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    case_id: Mapped[int | None] = within_estate("movein_case", info={"label": _l("Move-in case")})
    slot_id: Mapped[int | None] = mapped_column(index=True, info={"label": _l("Appointment")})
    running: Mapped[bool] = mapped_column(default=True)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Arrived at")})
    packed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Papers printed at")})

    batch: Mapped[MoveInBatch] = relationship(foreign_keys="BatchUnit.batch_id")
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    case: Mapped[MoveInCase | None] = relationship(foreign_keys=[case_id], info={"label": _l("Move-in case")})
    slot: Mapped[BatchSlot | None] = relationship(
        primaryjoin=lambda: BatchUnit.slot_id == BatchSlot.id, foreign_keys=[slot_id], info={"label": _l("Appointment")}
    )


class QueueTicket(BatchPart):
    """A number an arriving owner draws at the reception, good for the day; it goes from post to post.

    ``waiting_since`` orders the line of a post; ``desk`` says where the ticket is called to. At one desk one ticket is
    served at a time. Calling is logged by nobody: the case's own history tells what was done.
    """

    __tablename__ = "movein_ticket"
    __table_args__ = (
        UniqueConstraint("estate_id", "day", "number"),
        Index("uq_movein_ticket_active", "line_id", unique=True,
              sqlite_where=text("state IN ('waiting', 'called', 'skipped')"),
              postgresql_where=text("state IN ('waiting', 'called', 'skipped')")),
        Index("uq_movein_ticket_desk", "estate_id", "desk", unique=True,
              sqlite_where=text("state = 'called'"), postgresql_where=text("state = 'called'")),
        Index("ix_movein_ticket_line", "batch_id", "day", "post", "state", "waiting_since"),
        CheckConstraint("state <> 'called' OR (desk <> '' AND called_at IS NOT NULL)", name="called_to_a_desk"),
        CheckConstraint("(state IN ('done', 'left')) = (ended_at IS NOT NULL)", name="ended_iff_over"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("post <> 'leader'", name="post_is_a_counter"),
    )  # fmt: skip
    audited = False

    line_id: Mapped[int] = within_estate("movein_batch_unit")
    day: Mapped[date]
    number: Mapped[int] = mapped_column(info={"label": _l("Ticket")})
    post: Mapped[Post] = mapped_column(choice(Post, "post_known"), info={"label": _l("Post")})
    state: Mapped[TicketState] = mapped_column(
        choice(TicketState, "state_known"), default=TicketState.WAITING, info={"label": _l("State")}
    )
    waiting_since: Mapped[datetime] = mapped_column(UtcDateTime, default=now, info={"label": _l("Waiting since")})
    desk: Mapped[str] = mapped_column(String(20), default="", info={"label": _l("Counter desk")})
    called_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Called at")})
    calls: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    line: Mapped[BatchUnit] = relationship(foreign_keys=[line_id])

    @property
    def label(self) -> str:
        """The number as it is called: 007."""
        return f"{self.number:03d}"

    def __str__(self) -> str:
        return self.label
