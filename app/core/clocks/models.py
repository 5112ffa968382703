"""Clocks and work: rules as data per estate, the working calendar, deadlines, and the queue of what is to be done."""

from datetime import UTC, date, datetime, time

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, Time, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.models import Account
from app.core.access.roles import TITLES, Role
from app.core.records.base import Record, UtcDateTime, session_of, within_estate
from app.core.records.choices import BothLanguages, Choice, choice, in_language
from app.core.records.clock import estate_today

NO_DEADLINE = datetime(9999, 12, 31, tzinfo=UTC)
"""Rank of work without a running clock: last in the queue."""
OPEN = text("closed_at IS NULL")
RUNNING = text("met_at IS NULL AND cancelled_at IS NULL AND paused_at IS NULL")
TO_ESCALATE = text("escalate_at IS NOT NULL")


WEEKDAYS = {
    0: _l("Monday"), 1: _l("Tuesday"), 2: _l("Wednesday"), 3: _l("Thursday"), 4: _l("Friday"), 5: _l("Saturday"),
    6: _l("Sunday"),
}  # fmt: skip


class ClockUnit(Choice):
    """What a rule counts."""

    SECONDS = "seconds", _l("seconds")
    HOURS = "hours", _l("hours")
    OPENING_HOURS = "opening_hours", _l("opening hours")
    CALENDAR_DAYS = "calendar_days", _l("calendar days")
    WORKING_DAYS = "working_days", _l("working days")
    WEEKDAY = "weekday", _l("day of the week")
    DAY_OF_MONTH = "day_of_month", _l("day of the month")
    WINDOW = "window", _l("window of days in given months")


class Shift(Choice):
    """What happens to a due day that is no working day (sources C20)."""

    KEEP = "keep", _l("keep the date")
    PREVIOUS = "previous", _l("previous working day")
    NEXT = "next", _l("next working day")


class ClockRule(Record):
    """How long something may take in this estate; editable by the administrator, keyed by ``key`` (``movein.defect``).

    ``amount`` counts seconds, hours or days (of a window: its last day of the month). ``weekday`` (0 = Monday) with
    ``due_time``; ``day`` of the month with ``due_time``; a window runs from ``day`` to ``amount`` of the ``months``
    (``3,6,9,12``; empty: every month). Day rules without ``due_time`` are due at 24:00, the first day not counted
    (Civil Code arts. 201-203; sources C2).
    """

    __tablename__ = "clock_rule"
    __table_args__ = (
        UniqueConstraint("estate_id", "key"),
        CheckConstraint("amount >= 0", name="amount_not_negative"),
        CheckConstraint("weekday IS NULL OR weekday BETWEEN 0 AND 6", name="weekday_known"),
        CheckConstraint("day IS NULL OR day BETWEEN 1 AND 31", name="day_of_month_known"),
        CheckConstraint("(unit = 'weekday') = (weekday IS NOT NULL)", name="weekday_iff_counted"),
        CheckConstraint("(unit IN ('day_of_month', 'window')) = (day IS NOT NULL)", name="day_iff_counted"),
        CheckConstraint("unit <> 'window' OR amount BETWEEN day AND 31", name="window_ends_after_opening"),
    )

    key: Mapped[str] = mapped_column(String(60), info={"label": _l("Key of the rule")})
    title_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    unit: Mapped[ClockUnit] = mapped_column(choice(ClockUnit, "unit_known"), info={"label": _l("Counted in")})
    amount: Mapped[int] = mapped_column(
        default=0, info={"label": _l("Number"), "help": _l("How many of them; of a window: its last day of the month.")}
    )
    weekday: Mapped[int | None] = mapped_column(info={"label": _l("Day of the week"), "choices": WEEKDAYS})
    day: Mapped[int | None] = mapped_column(
        info={
            "label": _l("Day of the month"),
            "help": _l("Of a window: its first day. 31 is the last day of every month."),
        }
    )
    months: Mapped[str] = mapped_column(
        String(40),
        default="",
        info={"label": _l("In the months"), "help": _l("Such as 3, 6, 9, 12; empty for every month.")},
    )
    due_time: Mapped[time | None] = mapped_column(
        Time, info={"label": _l("Time of day"), "help": _l("Empty: the end of the day, 24:00.")}
    )
    shift: Mapped[Shift] = mapped_column(
        choice(Shift, "shift_known"), default=Shift.KEEP, info={"label": _l("On a rest day")}
    )
    pausable: Mapped[bool] = mapped_column(default=True, info={"label": _l("Stops while waiting for the owner")})
    clause: Mapped[str] = mapped_column(String(20), default="", info={"label": _l("Clause")})

    escalations: Mapped[list["Escalation"]] = relationship(
        back_populates="rule", foreign_keys="Escalation.rule_id", cascade="all, delete-orphan",
        order_by="Escalation.after_hours",
    )  # fmt: skip

    @property
    def title(self) -> str:
        return in_language(self.title_zh, self.title_en)

    @property
    def words(self) -> str:
        """The limit as people say it: ``3 working days``, ``Monday 12:00``, ``from day 11 to day 20 of 3, 6, 9, 12``."""
        return rule_text(self)

    def __str__(self) -> str:
        return self.title


def rule_text(rule: ClockRule) -> str:
    """What :attr:`ClockRule.words` says."""
    count = rule.amount
    match rule.unit:
        case ClockUnit.SECONDS:
            return ngettext("%(num)s second", "%(num)s seconds", count)
        case ClockUnit.HOURS:
            return ngettext("%(num)s hour", "%(num)s hours", count)
        case ClockUnit.OPENING_HOURS:
            return ngettext("%(num)s opening hour", "%(num)s opening hours", count)
        case ClockUnit.CALENDAR_DAYS:
            text = ngettext("%(num)s calendar day", "%(num)s calendar days", count)
        case ClockUnit.WORKING_DAYS:
            text = ngettext("%(num)s working day", "%(num)s working days", count)
        case ClockUnit.WEEKDAY:
            text = str(WEEKDAYS[rule.weekday or 0])
        case ClockUnit.DAY_OF_MONTH:
            text = _("day %(day)s of the month", day=rule.day)
        case ClockUnit.WINDOW:
            text = _("from day %(first)s to day %(last)s of the month", first=rule.day, last=rule.amount)
    if rule.months:
        text += " " + _("(months %(months)s)", months=rule.months.replace(",", ", "))
    return f"{text}, {rule.due_time:%H:%M}" if rule.due_time else text


class Escalation(Record):
    """Who is told when a rule's limit has passed by ``after_hours`` (0: at once)."""

    __tablename__ = "clock_escalation"
    __table_args__ = (
        UniqueConstraint("estate_id", "rule_id", "after_hours", "role"),
        CheckConstraint("after_hours >= 0", name="after_the_limit"),
    )

    rule_id: Mapped[int] = within_estate("clock_rule", info={"label": _l("Clock rule")})
    after_hours: Mapped[int] = mapped_column(default=0, info={"label": _l("Hours after the limit")})
    role: Mapped[str] = mapped_column(String(40), info={"label": _l("Role"), "choices": TITLES})

    rule: Mapped[ClockRule] = relationship(foreign_keys=[rule_id], back_populates="escalations")

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "clock_rule", self.rule_id

    def __str__(self) -> str:
        return _("%(role)s, %(hours)s h after the limit", role=TITLES[Role(self.role)], hours=self.after_hours)


class CalendarDay(Record):
    """A day on which the estate's calendar differs from what weekday and State Council notice say.

    ``notice``: the day stands in the State Council's notice as imported for a year the library does not know; such
    days are the whole notice of their year. ``opens``/``closes``: opening hours of this day alone; ``closed``: the
    counter stays closed. A day off does not close the counter by itself (RE-02).
    """

    __tablename__ = "calendar_day"
    __table_args__ = (
        UniqueConstraint("estate_id", "day"),
        CheckConstraint("(opens IS NULL) = (closes IS NULL)", name="hours_are_whole"),
        CheckConstraint("opens IS NULL OR opens < closes", name="opens_before_closing"),
        CheckConstraint("opens IS NULL OR NOT closed", name="closed_has_no_hours"),
    )

    day: Mapped[date] = mapped_column(info={"label": _l("Day")})
    working: Mapped[bool] = mapped_column(info={"label": _l("Working day")})
    title: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Reason")})
    notice: Mapped[bool] = mapped_column(default=False, info={"label": _l("From the yearly notice")})
    closed: Mapped[bool] = mapped_column(default=False, info={"label": _l("Counter closed")})
    opens: Mapped[time | None] = mapped_column(Time, info={"label": _l("Opens at")})
    closes: Mapped[time | None] = mapped_column(Time, info={"label": _l("Closes at")})

    def __str__(self) -> str:
        return self.day.isoformat()


class OpeningHours(Record):
    """When the counter is open on a day of the week (RE-02); a day without a row is closed."""

    __tablename__ = "opening_hours"
    __table_args__ = (
        UniqueConstraint("estate_id", "weekday", "opens"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_known"),
        CheckConstraint("opens < closes", name="opens_before_closing"),
    )

    weekday: Mapped[int] = mapped_column(info={"label": _l("Day of the week"), "choices": WEEKDAYS})
    opens: Mapped[time] = mapped_column(Time, info={"label": _l("Opens at")})
    closes: Mapped[time] = mapped_column(Time, info={"label": _l("Closes at")})


LABEL = 200
"""Characters of what a line of the queue says its record is called."""


class WorkItem(Record):
    """Something to be done about a record, by a role or a person: one line of the queue.

    ``kind``: code of the registered :class:`~app.core.clocks.kinds.WorkKind`; ``step``: what is next, in the kind's own
    words (a transition's name); ``label``: what the record was called when the work arose, in the reader's language; ``rank_at``: the
    earliest running deadline, :data:`NO_DEADLINE` without one.
    """

    __tablename__ = "work_item"
    __table_args__ = (
        Index("uq_work_item_open", "record_type", "record_id", "kind", unique=True,
              sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_record", "record_type", "record_id"),
        Index("ix_work_item_all", "estate_id", "rank_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_kind", "estate_id", "kind", "rank_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_role", "estate_id", "role", "rank_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_role_kind", "estate_id", "role", "kind", "rank_at", "id",
              sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_mine", "estate_id", "assignee_id", "rank_at", "id", "kind",
              sqlite_where=OPEN, postgresql_where=OPEN),
        Index("ix_work_item_unit", "estate_id", "unit_id", "rank_at", "id", sqlite_where=OPEN, postgresql_where=OPEN),
    )  # fmt: skip
    audited = False

    kind: Mapped[str] = mapped_column(String(40), info={"label": _l("Kind of work")})
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    unit_id: Mapped[int | None] = within_estate("unit", index=False, info={"label": _l("Unit")})
    label: Mapped[str] = mapped_column(BothLanguages(LABEL), info={"label": _l("About")})
    step: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Next step")})
    role: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Role"), "choices": TITLES})
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Assigned to")})
    rank_at: Mapped[datetime] = mapped_column(UtcDateTime, default=NO_DEADLINE, info={"label": _l("Due")})
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Closed at")})

    assignee: Mapped[Account | None] = relationship(foreign_keys=[assignee_id])
    deadlines: Mapped[list["Deadline"]] = relationship(
        back_populates="item", foreign_keys="Deadline.item_id", order_by="Deadline.id"
    )

    def __str__(self) -> str:
        return self.label


class Deadline(Record):
    """A clock on a record: which rule, started, due, paused, met. Days of a rule are due at 24:00 of ``due_at``'s eve.

    ``count``: how many units were granted when they differ from the rule's (a defect's trade has its own). ``remaining``: units
    still left while paused (days of day rules, seconds of others). ``pauses``: the pauses that have ended, as
    ``[from, until]`` in ISO 8601. ``chosen``: a person set ``due_at``, so that rule and calendar no longer do.
    ``escalate_at``: when the next people are to be told; ``escalated``: the :attr:`Escalation.after_hours` of the last
    ones who were.
    """

    __tablename__ = "deadline"
    __table_args__ = (
        Index("uq_deadline_open", "record_type", "record_id", "rule_key", unique=True,
              sqlite_where=text("met_at IS NULL AND cancelled_at IS NULL"),
              postgresql_where=text("met_at IS NULL AND cancelled_at IS NULL")),
        Index("ix_deadline_record", "record_type", "record_id"),
        Index("ix_deadline_running", "estate_id", "due_at", sqlite_where=RUNNING, postgresql_where=RUNNING),
        Index("ix_deadline_escalate", "escalate_at", sqlite_where=TO_ESCALATE, postgresql_where=TO_ESCALATE),
        Index("ix_deadline_kept", "estate_id", "rule_key", "due_at"),
        CheckConstraint("(paused_at IS NULL) = (remaining IS NULL)", name="remaining_iff_paused"),
        CheckConstraint("met_at IS NULL OR cancelled_at IS NULL", name="met_or_cancelled"),
        CheckConstraint("(met_at IS NULL AND cancelled_at IS NULL) OR escalate_at IS NULL", name="ended_not_escalated"),
    )  # fmt: skip
    audited = False

    item_id: Mapped[int] = within_estate("work_item", info={"label": _l("Work")})
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    unit_id: Mapped[int | None] = within_estate("unit", index=False, info={"label": _l("Unit")})
    rule_key: Mapped[str] = mapped_column(String(60), info={"label": _l("Clock rule")})
    count: Mapped[int | None]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Started at")})
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Due")})
    paused_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Paused at")})
    pause_reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason for the pause")})
    remaining: Mapped[int | None]
    met_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Met at")})
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    escalate_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    escalated: Mapped[int | None]
    chosen: Mapped[bool] = mapped_column(default=False)
    pauses: Mapped[list[list[str]]] = mapped_column(JSON, default=list)
    late_reason: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Why it is late")})

    item: Mapped[WorkItem] = relationship(foreign_keys=[item_id], back_populates="deadlines")

    @property
    def open(self) -> bool:
        """Neither met nor cancelled."""
        return self.met_at is None and self.cancelled_at is None

    def late(self, moment: datetime) -> bool:
        """Met after its limit, or not met though the limit has passed while it ran."""
        if self.met_at:
            return self.met_at > self.due_at
        return self.cancelled_at is None and self.paused_at is None and moment > self.due_at


class Standing(Choice):
    """Where a delegation stands today."""

    COMING = "coming", _l("Not yet begun")
    IN_FORCE = "in_force", _l("In force")
    OVER = "over", _l("Over")
    ENDED = "ended", _l("Ended early")


class Delegation(Record):
    """A person hands their work and rights in this estate to a colleague from one day to another, both included."""

    __tablename__ = "delegation"
    __table_args__ = (
        CheckConstraint("from_on <= until_on", name="starts_before_end"),
        CheckConstraint("delegator_id <> delegate_id", name="to_somebody_else"),
        Index("ix_delegation_delegate", "delegate_id", "until_on"),
    )

    delegator_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True, info={"label": _l("Delegated by")})
    delegate_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Delegated to")})
    from_on: Mapped[date] = mapped_column(info={"label": _l("From")})
    until_on: Mapped[date] = mapped_column(info={"label": _l("Until")})
    reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason")})
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Ended early at")})

    delegator: Mapped[Account] = relationship(foreign_keys=[delegator_id])
    delegate: Mapped[Account] = relationship(foreign_keys=[delegate_id])

    @property
    def standing(self) -> Standing:
        """Where it stands at the estate's today."""
        today = estate_today(session_of(self), self.estate_id)
        if self.ended_at is not None:
            return Standing.ENDED
        if self.until_on < today:
            return Standing.OVER
        return Standing.IN_FORCE if self.from_on <= today else Standing.COMING

    def __str__(self) -> str:
        return f"{self.delegator.display_name} → {self.delegate.display_name}"
