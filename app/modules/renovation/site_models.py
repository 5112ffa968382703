"""The site: permitted hours, patrol rounds, violations (forms C5, C6; RN-09, RN-10, RN-14)."""

from datetime import date, datetime, time

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, Time, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.papers.base.context import Bilingual
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import Choice, choice, in_language
from app.core.workflow.documents import Document
from app.modules.estates.models import Unit
from app.modules.renovation.models import Renovation, RenovationPart
from app.modules.renovation.states import Delivery, PatrolAction, PointResult, RoundHalf, Stage, ViolationState


class DayKind(Choice):
    WORKDAY = "workday", _l("Working days")
    REST_DAY = "rest_day", _l("Rest days and holidays")


class PermittedHours(Record):
    """A span of a kind of day in which may be worked; noisy work only where ``noisy`` (Noise Law art. 66; rules 2.6)."""

    __tablename__ = "renovation_hours"
    __table_args__ = (
        UniqueConstraint("estate_id", "day_kind", "opens"),
        CheckConstraint("closes > opens", name="closes_after_opens",
                        info={"message": ("closes", _l("The hours end before they begin."))}),
    )  # fmt: skip

    day_kind: Mapped[DayKind] = mapped_column(choice(DayKind, "day_kind_known"), info={"label": _l("Kind of day")})
    opens: Mapped[time] = mapped_column(Time, info={"label": _l("From time")})
    closes: Mapped[time] = mapped_column(Time, info={"label": _l("To time")})
    noisy: Mapped[bool] = mapped_column(default=True, info={"label": _l("Noisy work allowed")})

    def __str__(self) -> str:
        return f"{self.day_kind.title} {self.opens:%H:%M}–{self.closes:%H:%M}"


class ViolationCode(Record):
    """An entry of the code list of violations: Decree 110 by article, and what the estate's covenant adds.

    ``category``: code of the category of findings under which repeats are counted (RN-17).
    """

    __tablename__ = "renovation_violation_code"
    __table_args__ = (UniqueConstraint("estate_id", "code"),)

    code: Mapped[str] = mapped_column(String(20), info={"label": _l("Code")})
    article: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Article")})
    title_zh: Mapped[str] = mapped_column(String(120), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(200), info={"label": _l("Title (English)")})
    basis_zh: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Basis (Chinese)")})
    basis_en: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Basis (English)")})
    category: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Category of findings")})
    grave: Mapped[bool] = mapped_column(default=False, info={"label": _l("Stop and report (Decree 110 art. 17)")})
    seq: Mapped[int] = mapped_column(default=0, info={"label": _l("Order")})
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Active")})

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)

    def __str__(self) -> str:
        return f"{self.code} {in_language(self.title_zh, self.title_en)}"


class RenovationPatrol(RenovationPart):
    """One visit of a patrol round to one site (F30). ``points``: checklist code → result of :class:`PointResult`.

    ``token``: name that the patroller's phone gave the entry, so that sending it twice stores it once.
    """

    __tablename__ = "renovation_patrol"
    __table_args__ = (
        UniqueConstraint("estate_id", "token"),
        CheckConstraint("persons >= 0 AND persons_with_pass >= 0 AND persons_with_pass <= persons", name="passes_within_persons",
                        info={"message": ("persons_with_pass", _l("No more people with a pass than people."))}),
        CheckConstraint("stage <> 'refused' OR persons = 0 OR findings <> ''", name="refusal_is_described"),
        Index("ix_renovation_patrol_day", "estate_id", "day", "half"),
    )  # fmt: skip

    day: Mapped[date] = mapped_column(info={"label": _l("Date")})
    half: Mapped[RoundHalf] = mapped_column(choice(RoundHalf, "half_known"), info={"label": _l("Round")})
    visited_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Visited at")})
    stage: Mapped[Stage] = mapped_column(choice(Stage, "stage_known"), info={"label": _l("Stage of the work")})
    persons: Mapped[int] = mapped_column(default=0, info={"label": _l("Persons there")})
    persons_with_pass: Mapped[int] = mapped_column(default=0, info={"label": _l("Persons with a pass")})
    points: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    findings: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Findings")})
    action: Mapped[PatrolAction] = mapped_column(
        choice(PatrolAction, "action_known"), default=PatrolAction.NONE, info={"label": _l("Action taken")}
    )
    patroller_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    patroller_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Patroller")})
    met_name: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Person met on the site")})
    token: Mapped[str] = mapped_column(String(40))

    renovation: Mapped[Renovation] = relationship(foreign_keys="RenovationPatrol.renovation_id")

    @property
    def violated(self) -> list[str]:
        """The points at which the visit found a violation."""
        return [point for point, result in self.points.items() if result == PointResult.VIOLATION]

    def __str__(self) -> str:
        return f"{self.renovation.unit.code} {self.day} {self.half.title}"


class RenovationViolation(Document):
    """A violation with its rectification notice (F31): found, served, re-checked, and reported where that is due."""

    __tablename__ = "renovation_violation"
    rules = (
        CheckConstraint("description <> '' AND requirement <> ''", name="says_what"),
        CheckConstraint("state NOT IN ('served', 'overdue') OR served_at IS NOT NULL", name="served_at_known"),
        CheckConstraint("(served_at IS NULL) = (served_by_method IS NULL)", name="served_somehow"),
        CheckConstraint("(state = 'cleared') = (cleared_at IS NOT NULL)", name="cleared_iff_moment"),
        CheckConstraint("(cleared_at IS NULL) = (cleared_by_name = '')", name="cleared_by_somebody"),
        CheckConstraint("state <> 'reported' OR reported_at IS NOT NULL", name="reported_iff_moment"),
        CheckConstraint("(reported_at IS NULL) = (authority = '')", name="reported_to_somebody"),
        CheckConstraint("due_at > found_at", name="deadline_after_finding",
                        info={"message": ("due_at", _l("The deadline lies before the finding."))}),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_reason <> '')", name="withdrawn_iff_reason"),
        Index("ix_renovation_violation_repeat", "estate_id", "code_id", "found_at"),
        Index("ix_renovation_violation_state", "estate_id", "state"),
    )  # fmt: skip

    state: Mapped[ViolationState] = mapped_column(
        choice(ViolationState, "state_known"), default=ViolationState.ISSUED, info={"label": _l("State")}
    )
    renovation_id: Mapped[int] = within_estate("renovation", info={"label": _l("Renovation")})
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    patrol_id: Mapped[int | None] = within_estate("renovation_patrol", info={"label": _l("Patrol")})
    code_id: Mapped[int] = within_estate("renovation_violation_code", index=False, info={"label": _l("Violation")})
    finding_id: Mapped[int | None] = within_estate("check_finding", info={"label": _l("Finding")})
    found_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Found at")})
    found_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Found by")})
    description: Mapped[str] = mapped_column(Text, info={"label": _l("Description")})
    requirement: Mapped[str] = mapped_column(Text, info={"label": _l("What is required")})
    due_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("To be rectified by"), "format": "limit"})
    consequences: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Consequences")})
    complaint: Mapped[bool] = mapped_column(default=False, info={"label": _l("Found after a complaint")})
    stop_work: Mapped[bool] = mapped_column(default=False, info={"label": _l("Work stopped")})
    served_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Served at")})
    served_by_method: Mapped[Delivery | None] = mapped_column(
        choice(Delivery, "served_by_method_known"), info={"label": _l("Served")}
    )
    served_to: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Served on")})
    recheck_note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Result of the re-check")})
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Cleared at")})
    cleared_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Re-checked by")})
    reported_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Reported at")})
    authority: Mapped[str] = mapped_column(String(120), default="", info={"label": _l("Authority")})
    report_receipt: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Receipt no. of the report")})
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for withdrawing")})

    renovation: Mapped[Renovation] = relationship(foreign_keys=[renovation_id], back_populates="violations")
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])
    code: Mapped[ViolationCode] = relationship(foreign_keys=[code_id], info={"label": _l("Violation")})
    patrol: Mapped[RenovationPatrol | None] = relationship(foreign_keys=[patrol_id])
