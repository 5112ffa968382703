"""Duties (recurring obligations), their occurrences, and what people state about them."""

from datetime import date, datetime, time, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    Time,
    UniqueConstraint,
    bindparam,
    select,
    text,
)  # fmt: skip
from sqlalchemy.orm import Mapped, aliased, foreign, mapped_column, relationship

from app.core.access.models import Account
from app.core.access.roles import TITLES
from app.core.clocks.models import Shift
from app.core.records.base import Record, UtcDateTime, now, within_estate
from app.core.records.choices import Choice, choice, in_language
from app.modules.duties.recurrence import Period, Point, Recurrence

STATEMENT = "statement"
"""Evidence of duties that no module can prove: somebody says that it was done."""

DUE_DAY_HELP = _l(
    "Of the month; in a week 1 is Monday; -1 is the last working day. Empty: the period’s last day. "
    "Before the opening: in the following period."
)


class DutyState(Choice):
    """How an occurrence stands."""

    OPEN = "open", _l("To be done")
    KEPT = "kept", _l("Kept")
    LATE = "late", _l("Late")
    MISSED = "missed", _l("Missed")
    WAIVED = "waived", _l("Waived")

    @property
    def colour(self) -> str:
        return {"open": "blue", "kept": "green", "late": "orange", "missed": "red", "waived": "secondary"}[self.value]


class Duty(Record):
    """A recurring obligation of the service centre, keyed by ``code``; rule and evidence are data.

    The columns of the rule are those of :class:`~app.modules.duties.recurrence.Recurrence`. ``times`` are owed in each
    window, on as many different days when ``distinct_days``. In force from ``valid_from`` to ``valid_to``, both
    included; a duty with ``in_place_of`` takes the other one's place as long as it is in force itself (MI-12: four
    checks a month while move-ins are concentrated). ``since``: no window that was due before it is ever asked for.
    """

    __tablename__ = "duty"
    __table_args__ = (
        UniqueConstraint("estate_id", "code"),
        CheckConstraint("times > 0", name="times_positive", info={"message": ("times", _l("At least once."))}),
        CheckConstraint("grace_days BETWEEN 0 AND 366", name="grace_within_a_year",
                        info={"message": ("grace_days", _l("Between 0 and 366 days."))}),
        CheckConstraint("grace_hours BETWEEN 0 AND 23", name="grace_within_a_day",
                        info={"message": ("grace_hours", _l("Between 0 and 23 hours."))}),
        CheckConstraint("valid_to IS NULL OR valid_from <= valid_to", name="begins_before_end",
                        info={"message": ("valid_to", _l("The last day lies before the first."))}),
        CheckConstraint("opens_day IS NULL OR opens_day BETWEEN -1 AND 31", name="opens_day_known",
                        info={"message": ("opens_day", _l("There is no such day."))}),
        CheckConstraint("due_day IS NULL OR due_day BETWEEN -1 AND 31", name="due_day_known",
                        info={"message": ("due_day", _l("There is no such day."))}),
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(40), info={"label": _l("Code")})
    clause: Mapped[str] = mapped_column(String(10), default="", info={"label": _l("Clause")})
    title_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    instruction_zh: Mapped[str] = mapped_column(Text, default="", info={"label": _l("What to do (Chinese)")})
    instruction_en: Mapped[str] = mapped_column(Text, default="", info={"label": _l("What to do (English)")})
    role: Mapped[str] = mapped_column(String(40), info={"label": _l("Role in charge"), "choices": TITLES})
    period: Mapped[Period] = mapped_column(choice(Period, "period_known"), info={"label": _l("Recurs")})
    months: Mapped[str] = mapped_column(
        String(40), default="",
        info={"label": _l("Only in the months"), "help": _l("Of monthly duties, such as 3,6,9,12; empty for every month.")},
    )  # fmt: skip
    times: Mapped[int] = mapped_column(default=1, info={"label": _l("Times per period")})
    distinct_days: Mapped[bool] = mapped_column(default=False, info={"label": _l("Each on another day")})
    opens_month: Mapped[int | None] = mapped_column(
        info={"label": _l("Opens in month"), "help": _l("Of the quarter, half-year or year: 1 is its first month.")}
    )
    opens_day: Mapped[int | None] = mapped_column(
        info={"label": _l("Opens on day"), "help": _l("Of the month; in a week 1 is Monday. Empty: with the period.")}
    )
    opens_time: Mapped[time | None] = mapped_column(Time, info={"label": _l("Opens at")})
    due_month: Mapped[int | None] = mapped_column(
        info={"label": _l("Due in month"), "help": _l("Of the quarter, half-year or year. Empty: its last month.")}
    )
    due_day: Mapped[int | None] = mapped_column(info={"label": _l("Due on day"), "help": DUE_DAY_HELP})
    due_time: Mapped[time | None] = mapped_column(Time, info={"label": _l("Due at"), "help": _l("Empty: 24:00.")})
    in_working_days: Mapped[bool] = mapped_column(default=False, info={"label": _l("Days are counted as working days")})
    shift: Mapped[Shift] = mapped_column(
        choice(Shift, "shift_known"), default=Shift.KEEP, info={"label": _l("On a rest day")}
    )
    grace_days: Mapped[int] = mapped_column(default=0, info={"label": _l("Counts as late for"), "unit": _l("days")})
    grace_hours: Mapped[int] = mapped_column(default=0, info={"label": _l("and for"), "unit": _l("hours")})
    evidence: Mapped[str] = mapped_column(String(40), default=STATEMENT, info={"label": _l("Shown by")})
    parameters: Mapped[dict[str, list[str]]] = mapped_column(JSON, default=dict)
    valid_from: Mapped[date] = mapped_column(info={"label": _l("In force from")})
    valid_to: Mapped[date | None] = mapped_column(info={"label": _l("In force until")})
    in_place_of_id: Mapped[int | None] = within_estate(
        "duty", info={"label": _l("In place of"), "help": _l("The duty it replaces while it is in force.")}
    )
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Active")})
    since: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    in_place_of: Mapped["Duty | None"] = relationship(foreign_keys=[in_place_of_id], remote_side="Duty.id")
    current: Mapped["DutyOccurrence | None"] = relationship(
        primaryjoin=lambda: (foreign(DutyOccurrence.duty_id) == Duty.id) & (DutyOccurrence.id == _last_opened()),
        viewonly=True, uselist=False,
    )  # fmt: skip
    """The occurrence whose window opened last."""
    coming: Mapped["DutyOccurrence | None"] = relationship(
        primaryjoin=lambda: (foreign(DutyOccurrence.duty_id) == Duty.id) & (DutyOccurrence.id == _first_open()),
        viewonly=True, uselist=False,
    )  # fmt: skip
    """The open occurrence that is due first."""

    @property
    def title(self) -> str:
        return in_language(self.title_zh, self.title_en)

    @property
    def instruction(self) -> str:
        return in_language(self.instruction_zh, self.instruction_en)

    @property
    def next_due(self) -> datetime | None:
        """When its next open occurrence is due."""
        return self.coming.due_at if self.coming else None

    @property
    def rule(self) -> Recurrence:
        """The recurrence as a value."""
        return Recurrence(
            period=Period(self.period), times=self.times, months=frozenset(int(m) for m in self.months.split(",") if m.strip()),
            opens=Point(self.opens_month, self.opens_day, self.opens_time),
            due=Point(self.due_month, self.due_day, self.due_time),
            working=self.in_working_days, shift=Shift(self.shift), grace=timedelta(days=self.grace_days, hours=self.grace_hours),
        )  # fmt: skip

    def valid_on(self, day: date) -> bool:
        """Whether the day lies in the duty's time, switched on or not."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def __str__(self) -> str:
        return self.title


class DutyOccurrence(Record):
    """A duty in one of its periods. ``due_on`` is the due day as the rule names it, which reports go by; ``due_at`` the
    moment after any shift; until ``closes_at`` what is done counts as late. ``evidence``: what was counted, oldest
    first, each ``{"at", "type", "id", "label"}``; ``closed_at``: when the last of it was done, or the time had passed.
    ``announced``: it stands (or stood) in the queue; ``reminded``: its role was told that it falls on a rest day.
    """

    __tablename__ = "duty_occurrence"
    __table_args__ = (
        UniqueConstraint("duty_id", "period_key"),
        Index("ix_duty_occurrence_open", "estate_id", "opens_at",
              sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'")),
        Index("ix_duty_occurrence_due", "estate_id", "due_on"),
        Index("ix_duty_occurrence_closed", "duty_id", "closed_at"),
        CheckConstraint("(state = 'waived') = (waive_reason <> '')", name="waived_with_reason"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="open_until_closed"),
        CheckConstraint("needed > 0", name="something_needed"),
    )  # fmt: skip
    audited = False

    duty_id: Mapped[int] = within_estate("duty", info={"label": _l("Duty")})
    clause: Mapped[str] = mapped_column(String(10), info={"label": _l("Clause")})
    period_key: Mapped[str] = mapped_column(String(12), info={"label": _l("Period covered")})
    due_on: Mapped[date] = mapped_column(info={"label": _l("Due day")})
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Opens")})
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Due")})
    closes_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Counts as late until")})
    needed: Mapped[int] = mapped_column(info={"label": _l("Times owed")})
    counted: Mapped[int] = mapped_column(default=0, info={"label": _l("Times done")})
    state: Mapped[DutyState] = mapped_column(
        choice(DutyState, "state_known"), default=DutyState.OPEN, info={"label": _l("State")}
    )
    evidence: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    announced: Mapped[bool] = mapped_column(default=False)
    reminded: Mapped[bool] = mapped_column(default=False)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Closed at")})
    waive_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for the waiver")})
    waived_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Waived by")})

    duty: Mapped[Duty] = relationship(foreign_keys=[duty_id])
    waived_by: Mapped[Account | None] = relationship(foreign_keys=[waived_by_id])

    @property
    def done(self) -> str:
        return f"{self.counted}/{self.needed}"

    def opened(self, moment: datetime) -> bool:
        return self.opens_at <= moment

    def overdue(self, moment: datetime) -> bool:
        """Still open although its due moment has passed."""
        return self.state == DutyState.OPEN and moment > self.due_at

    def __str__(self) -> str:
        return f"{self.duty.title} {self.period_key}"


def _last_opened() -> Any:
    other, moment = aliased(DutyOccurrence), bindparam("moment", callable_=now, type_=UtcDateTime())
    same = select(other.id).where(other.duty_id == DutyOccurrence.duty_id, other.opens_at <= moment)
    return same.order_by(other.opens_at.desc(), other.id.desc()).limit(1).correlate(DutyOccurrence).scalar_subquery()


def _first_open() -> Any:
    other = aliased(DutyOccurrence)
    same = select(other.id).where(other.duty_id == DutyOccurrence.duty_id, other.state == DutyState.OPEN)
    return same.order_by(other.due_at, other.id).limit(1).correlate(DutyOccurrence).scalar_subquery()


class DutyStatement(Record):
    """Somebody of the duty's role states that it was done at ``done_at``; a file may hang on it."""

    __tablename__ = "duty_statement"

    occurrence_id: Mapped[int] = within_estate("duty_occurrence", info={"label": _l("Occurrence")})
    done_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Done at")})
    note: Mapped[str] = mapped_column(String(500), info={"label": _l("What was done")})

    occurrence: Mapped[DutyOccurrence] = relationship(foreign_keys=[occurrence_id])

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "duty_occurrence", self.occurrence_id

    def __str__(self) -> str:
        return self.note


class DutyReport(Record):
    """The months of a duty report that was printed; its papers keep what they showed."""

    __tablename__ = "duty_report"
    __table_args__ = (
        UniqueConstraint("estate_id", "from_on", "until_on"),
        CheckConstraint("from_on < until_on", name="begins_before_end"),
    )

    from_on: Mapped[date] = mapped_column(info={"label": _l("From")})
    until_on: Mapped[date] = mapped_column(info={"label": _l("Until")})

    def __str__(self) -> str:
        return f"{self.from_on:%Y-%m} – {self.until_on:%Y-%m}"
