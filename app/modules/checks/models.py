"""Spot checks and their findings, written rectification notices (F18), corrective and preventive actions (F33)."""

from datetime import date, datetime, timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.actor import Actor
from app.core.access.models import Account
from app.core.access.roles import TITLES, Role
from app.core.papers.base.context import Bilingual
from app.core.records.base import Record, UtcDateTime, session_of, within_estate
from app.core.records.choices import choice, in_language
from app.core.records.clock import estate_time
from app.core.registry import registry
from app.modules.checks.kinds import CheckKind
from app.modules.checks.states import (
    ActionSource,
    ActionState,
    ActionType,
    Bone,
    CheckState,
    NoticeState,
    SampleResult,
    Severity,
)
from app.modules.estates.models import Unit

RUNNING_REPEAT = text("source = 'repeated' AND state NOT IN ('effective', 'reissued', 'withdrawn')")


def kind_titles() -> dict[str, str]:
    """Titles of all kinds of checks by code, in the reader's language."""
    return {kind.code: in_language(kind.title.zh, kind.title.en) for kind in registry().of(CheckKind).values()}


class CheckCategory(Record):
    """A category of findings. So many within so many days are a repeated problem, which needs an action (RN-17)."""

    __tablename__ = "check_category"
    __table_args__ = (
        UniqueConstraint("estate_id", "code"),
        CheckConstraint("repeat_count >= 2", name="repeated_is_at_least_twice",
                        info={"message": _l("A problem is repeated from the second time on.")}),
        CheckConstraint("repeat_days BETWEEN 1 AND 1000", name="repeat_days_in_range",
                        info={"message": _l("The period has 1 to 1000 days.")}),
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(40), info={"label": _l("Code")})
    seq: Mapped[int] = mapped_column(default=0, info={"label": _l("Order")})
    title_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    repeat_count: Mapped[int] = mapped_column(default=2, info={"label": _l("Repeated from this number on")})
    repeat_days: Mapped[int] = mapped_column(default=90, info={"label": _l("Within days")})
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Active")})

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)


class SpotCheck(Record):
    """A random draw of records of one kind and period, and what their check found (MI-12, MI-13).

    ``population``: ids of all records of the period at the draw, in the order of the draw's input; ``digest`` is their
    SHA-256. The records with the smallest SHA-256 of ``seed:id`` are drawn, so anybody can draw again and compare.
    """

    __tablename__ = "spot_check"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        CheckConstraint("period_from <= period_to", name="period_ends_after_start",
                        info={"message": _l("The period ends before it begins.")}),
        CheckConstraint("sample_size >= 0 AND population_size >= sample_size", name="sample_within_population"),
        CheckConstraint("(state = 'concluded') = (concluded_at IS NOT NULL)", name="concluded_iff_concluded_at"),
        CheckConstraint("(concluded_at IS NULL) = (concluded_by_name = '')", name="concluded_by_somebody"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_reason <> '')", name="withdrawn_iff_reason"),
        Index("ix_spot_check_concluded", "estate_id", "kind", "concluded_at"),
    )  # fmt: skip

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Check no.")})
    kind: Mapped[str] = mapped_column(String(40), info={"label": _l("Kind of check"), "choices": kind_titles})
    state: Mapped[CheckState] = mapped_column(
        choice(CheckState, "state_known"), default=CheckState.DRAWN, info={"label": _l("State")}
    )
    period_from: Mapped[date] = mapped_column(info={"label": _l("Records from")})
    period_to: Mapped[date] = mapped_column(info={"label": _l("Records to")})
    drawn_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Drawn at")})
    drawn_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Drawn by")})
    seed: Mapped[str] = mapped_column(String(64), info={"label": _l("Seed")})
    population: Mapped[list[int]] = mapped_column(JSON)
    population_size: Mapped[int] = mapped_column(info={"label": _l("Records in the period")})
    digest: Mapped[str] = mapped_column(String(64), info={"label": _l("Fingerprint of the records")})
    sample_size: Mapped[int] = mapped_column(info={"label": _l("Number to draw")})
    questions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    conclusion: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Conclusion")})
    concluded_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Concluded at")})
    concluded_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Concluded by")})
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for withdrawing")})

    samples: Mapped[list["CheckSample"]] = relationship(
        foreign_keys="CheckSample.check_id", order_by="CheckSample.seq", back_populates="check"
    )

    def __str__(self) -> str:
        return self.number

    @property
    def title(self) -> Bilingual:
        kind = registry().of(CheckKind).get(self.kind)
        return kind.title if kind else Bilingual(self.kind)

    @property
    def is_open(self) -> bool:
        return self.state in (CheckState.DRAWN, CheckState.UNDER_WAY)

    @property
    def progress(self) -> str:
        """How many of the samples have a result: ``3 / 5``."""
        return f"{sum(1 for s in self.samples if s.result)} / {len(self.samples)}"


class CheckSample(Record):
    """One record of a check. ``picked``: chosen by hand in addition to the draw."""

    __tablename__ = "check_sample"
    __table_args__ = (
        UniqueConstraint("check_id", "record_id"),
        CheckConstraint("(result IS NULL) = (checked_at IS NULL)", name="checked_iff_result"),
        CheckConstraint("(checked_at IS NULL) = (checked_by_name = '')", name="checked_by_somebody"),
        CheckConstraint("coalesce(result, '') <> 'not_applicable' OR note <> ''", name="not_applicable_has_note"),
        Index("ix_check_sample_record", "record_type", "record_id"),
    )

    check_id: Mapped[int] = within_estate("spot_check", info={"label": _l("Check")})
    seq: Mapped[int] = mapped_column(info={"label": _l("Order")})
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    label: Mapped[str] = mapped_column(String(200), info={"label": _l("Record")})
    picked: Mapped[bool] = mapped_column(default=False, info={"label": _l("Picked by hand")})
    result: Mapped[SampleResult | None] = mapped_column(
        choice(SampleResult, "result_known"), info={"label": _l("Result")}
    )
    note: Mapped[str] = mapped_column(String(500), default="", info={"label": _l("Note")})
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Checked at")})
    checked_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Checked by")})

    check: Mapped[SpotCheck] = relationship(foreign_keys=[check_id], back_populates="samples")
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id])
    findings: Mapped[list["Finding"]] = relationship(
        foreign_keys="Finding.sample_id", order_by="Finding.id", back_populates="sample"
    )

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "spot_check", self.check_id

    @property
    def standing_findings(self) -> list["Finding"]:
        return [finding for finding in self.findings if not finding.revoked_at]

    def __str__(self) -> str:
        return self.label


class Sourced(Record):
    """A record about another one: ``source_label`` says which, its page is found by ``source_type``/``source_id``."""

    __abstract__ = True

    source_type: Mapped[str] = mapped_column(String(64), default="")
    source_id: Mapped[int | None]
    source_label: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Source")})

    @property
    def source_address(self) -> str:
        """Address of the source's page, empty when it has none."""
        page = registry().record_pages.get(self.source_type)
        return page(self.source_id) if page and self.source_id else ""


class Finding(Sourced):
    """A problem that was found: in a sample of a check, or reported by another module. ``role`` has to put it right."""

    __tablename__ = "check_finding"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        CheckConstraint("(revoked_at IS NULL) = (revoked_reason = '')", name="revoked_iff_reason"),
        CheckConstraint("(source_type = '') = (source_id IS NULL)", name="source_is_a_record"),
        CheckConstraint("description <> ''", name="finding_is_described"),
        Index("ix_check_finding_repeat", "category_id", "found_at"),
        Index("ix_check_finding_source", "source_type", "source_id"),
    )

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Finding no.")})
    sample_id: Mapped[int | None] = within_estate("check_sample")
    category_id: Mapped[int] = within_estate("check_category", index=False, info={"label": _l("Category")})
    severity: Mapped[Severity] = mapped_column(choice(Severity, "severity_known"), info={"label": _l("Severity")})
    description: Mapped[str] = mapped_column(Text, info={"label": _l("What was found")})
    role: Mapped[str] = mapped_column(String(40), info={"label": _l("Responsible role"), "choices": TITLES})
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Responsible person")})
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    found_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Found at")})
    found_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Found by")})
    action_id: Mapped[int | None] = within_estate("corrective_action", info={"label": _l("Corrective action")})
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Taken back at")})
    revoked_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for taking back")})

    sample: Mapped[CheckSample | None] = relationship(foreign_keys=[sample_id], back_populates="findings")
    category: Mapped[CheckCategory] = relationship(foreign_keys=[category_id], info={"label": _l("Category")})
    person: Mapped[Account | None] = relationship(foreign_keys=[person_id])
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    action: Mapped["CorrectiveAction | None"] = relationship(foreign_keys=[action_id], back_populates="findings")
    notices: Mapped[list["RectificationNotice"]] = relationship(
        foreign_keys="RectificationNotice.finding_id", order_by="RectificationNotice.id", back_populates="finding"
    )

    @property
    def check(self) -> SpotCheck | None:
        """The check whose sample showed the problem."""
        return self.sample.check if self.sample else None

    def __str__(self) -> str:
        return self.number


class RectificationNotice(Sourced):
    """A written notice to put a problem right (书面整改通知, F18), addressed to a role or a person.

    ``due_at``: the moment the deadline ends (24:00 of its last day). ``returned``: how often the answer was sent back;
    the answers before are in the history.
    """

    __tablename__ = "rectification_notice"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        CheckConstraint("state NOT IN ('served', 'answered', 'closed') OR served_at IS NOT NULL", name="served_at_known"),
        CheckConstraint("state <> 'draft' OR served_at IS NULL", name="draft_is_not_served"),
        CheckConstraint("(served_at IS NULL) = (served_by_name = '')", name="served_by_somebody"),
        CheckConstraint("served_at IS NULL OR due_at IS NOT NULL", name="served_with_deadline"),
        CheckConstraint("(received_at IS NULL) = (received_by_name = '')", name="received_by_somebody"),
        CheckConstraint("received_at IS NULL OR served_at IS NOT NULL", name="received_after_serving"),
        CheckConstraint("(state IN ('answered', 'closed')) = (answered_at IS NOT NULL)", name="answered_iff_answered_at"),
        CheckConstraint("(answered_at IS NULL) = (answer = '')", name="answered_iff_answer"),
        CheckConstraint("(answered_at IS NULL) = (answered_by_name = '')", name="answered_by_somebody"),
        CheckConstraint("answered_at IS NULL OR received_at IS NOT NULL", name="answered_after_receipt"),
        CheckConstraint("(state = 'closed') = (verified_at IS NOT NULL)", name="closed_iff_verified"),
        CheckConstraint("(verified_at IS NULL) = (verified_by_name = '')", name="verified_by_somebody"),
        CheckConstraint("verified_by_id IS NULL OR verified_by_id <> answered_by_id", name="verified_by_another"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_reason <> '')", name="withdrawn_iff_reason"),
        CheckConstraint("(source_type = '') = (source_id IS NULL)", name="source_is_a_record"),
        CheckConstraint("problem <> '' AND requirement <> ''", name="notice_says_what"),
        Index("ix_rectification_notice_source", "source_type", "source_id"),
        Index("ix_rectification_notice_state", "estate_id", "state"),
    )  # fmt: skip

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Notice no.")})
    state: Mapped[NoticeState] = mapped_column(
        choice(NoticeState, "state_known"), default=NoticeState.DRAFT, info={"label": _l("State")}
    )
    finding_id: Mapped[int | None] = within_estate("check_finding", info={"label": _l("Finding")})
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    problem: Mapped[str] = mapped_column(Text, info={"label": _l("Problem")})
    requirement: Mapped[str] = mapped_column(Text, info={"label": _l("What is required")})
    role: Mapped[str] = mapped_column(String(40), info={"label": _l("To (role)"), "choices": TITLES})
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("To (person)")})
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Deadline")})
    issued_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Issued by")})
    served_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Served at")})
    served_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Served by")})
    received_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Notice received at")})
    received_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Received by")})
    answer: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Result of the rectification")})
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Answered at")})
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    answered_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Answered by")})
    returned: Mapped[int] = mapped_column(default=0, info={"label": _l("Sent back (times)")})
    return_reason: Mapped[str] = mapped_column(String(500), default="", info={"label": _l("Why it was sent back")})
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Verified at")})
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    verified_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Verified by")})
    verify_note: Mapped[str] = mapped_column(String(500), default="", info={"label": _l("Verification")})
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for withdrawing")})

    finding: Mapped[Finding | None] = relationship(
        foreign_keys=[finding_id], back_populates="notices", info={"label": _l("Finding")}
    )
    person: Mapped[Account | None] = relationship(foreign_keys=[person_id], info={"label": _l("To (person)")})
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})

    @property
    def addressee(self) -> str:
        """Whom the notice is addressed to, for people."""
        role = str(TITLES[Role(self.role)])
        return f"{role} · {self.person.display_name}" if self.person else role

    def addressed_to(self, actor: Actor) -> bool:
        """Whether the actor is the person addressed or holds the role addressed."""
        return self.person_id == actor.user_id or self.role in actor.roles

    def allows(self, verb: str, actor: Actor) -> bool:
        """Its files: everybody who reads notices reads them; addressees add theirs while they rectify."""
        if actor.may(verb, "RectificationNotice"):
            return True
        rectifying = (
            verb == "update" and self.state == NoticeState.SERVED and actor.may("answer", "RectificationNotice")
        )
        return rectifying and self.addressed_to(actor)

    @property
    def due_on(self) -> date | None:
        """Last day of the deadline at the estate."""
        if self.due_at is None:
            return None
        return estate_time(session_of(self), self.estate_id, self.due_at - timedelta(microseconds=1)).date()

    def __str__(self) -> str:
        return self.number


class CorrectiveAction(Sourced):
    """A corrective or preventive action (纠正/预防措施, F33): cause, measures, verification, effectiveness.

    One that was not effective is reissued: the next one points back with ``follows_id``. ``source``: what gave rise to
    it; at most one opened for repeated findings runs per category.
    """

    __tablename__ = "corrective_action"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        Index("uq_corrective_action_repeat", "category_id", unique=True,
              sqlite_where=RUNNING_REPEAT, postgresql_where=RUNNING_REPEAT),
        Index("ix_corrective_action_state", "estate_id", "state"),
        Index("uq_corrective_action_follows", "follows_id", unique=True),
        CheckConstraint("description <> ''", name="nonconformity_is_described"),
        CheckConstraint("(state IN ('verified', 'effective', 'reissued')) = (verified_at IS NOT NULL)", name="verified_iff_verified_at"),
        CheckConstraint("(verified_at IS NULL) = (verification = '')", name="verified_with_evidence"),
        CheckConstraint("(verified_at IS NULL) = (verified_by_name = '')", name="verified_by_somebody"),
        CheckConstraint("(state IN ('effective', 'reissued')) = (effective IS NOT NULL)", name="judged_iff_ended"),
        CheckConstraint("(effective IS NULL) = (judged_on IS NULL)", name="judged_on_a_day"),
        CheckConstraint("state <> 'effective' OR effective", name="effective_when_closed"),
        CheckConstraint("state <> 'reissued' OR NOT effective", name="not_effective_when_reissued"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_reason <> '')", name="withdrawn_iff_reason"),
        CheckConstraint("(source_type = '') = (source_id IS NULL)", name="source_is_a_record"),
        CheckConstraint("follows_id IS NULL OR follows_id <> id", name="follows_another"),
    )  # fmt: skip

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Action no.")})
    type: Mapped[ActionType] = mapped_column(choice(ActionType, "type_known"), info={"label": _l("Type of action")})
    state: Mapped[ActionState] = mapped_column(
        choice(ActionState, "state_known"), default=ActionState.OPEN, info={"label": _l("State")}
    )
    source: Mapped[ActionSource] = mapped_column(choice(ActionSource, "source_known"), info={"label": _l("Arose from")})
    category_id: Mapped[int] = within_estate("check_category", info={"label": _l("Category")})
    severity: Mapped[Severity] = mapped_column(choice(Severity, "severity_known"), info={"label": _l("Severity")})
    description: Mapped[str] = mapped_column(Text, info={"label": _l("Nonconformity")})
    risk: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Risk or opportunity")})
    found_on: Mapped[date] = mapped_column(info={"label": _l("Found on")})
    found_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Found by")})
    role: Mapped[str] = mapped_column(String(40), info={"label": _l("Responsible department"), "choices": TITLES})
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    correction: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Immediate correction")})
    follows_id: Mapped[int | None] = within_estate("corrective_action", index=False, info={"label": _l("Reissue of")})
    verification: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Evidence of the verification")})
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Verified at")})
    verified_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Verified by")})
    effective: Mapped[bool | None] = mapped_column(info={"label": _l("Effective")})
    judged_on: Mapped[date | None] = mapped_column(info={"label": _l("Effect judged on")})
    judgement: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Judgement of the effect")})
    withdrawn_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for withdrawing")})

    category: Mapped[CheckCategory] = relationship(foreign_keys=[category_id], info={"label": _l("Category")})
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    follows: Mapped["CorrectiveAction | None"] = relationship(
        foreign_keys=[follows_id], remote_side="CorrectiveAction.id", info={"label": _l("Reissue of")}
    )
    causes: Mapped[list["Cause"]] = relationship(
        foreign_keys="Cause.action_id", order_by="Cause.id", back_populates="action"
    )
    measures: Mapped[list["Measure"]] = relationship(
        foreign_keys="Measure.action_id", order_by="Measure.id", back_populates="action"
    )
    findings: Mapped[list[Finding]] = relationship(
        foreign_keys=[Finding.action_id], order_by=Finding.id, back_populates="action"
    )

    def __str__(self) -> str:
        return self.number


class ActionPart(Record):
    """A row of an action, on whose timeline it shows."""

    __abstract__ = True

    action_id: Mapped[int] = within_estate("corrective_action", info={"label": _l("Corrective action")})

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "corrective_action", self.action_id


class Cause(ActionPart):
    """A root cause on its bone of the fishbone. ``whys``: up to five lines, each the reason of the one before."""

    __tablename__ = "capa_cause"
    __table_args__ = (CheckConstraint("whys <> ''", name="cause_is_explained"),)

    bone: Mapped[Bone] = mapped_column(choice(Bone, "bone_known"), info={"label": _l("Bone")})
    whys: Mapped[str] = mapped_column(Text, info={"label": _l("Why? Why? Why?")})

    action: Mapped[CorrectiveAction] = relationship(foreign_keys="Cause.action_id", back_populates="causes")

    @property
    def chain(self) -> list[str]:
        """The answers from the first why to the root."""
        return self.whys.splitlines()

    def __str__(self) -> str:
        return self.chain[-1]


class Measure(ActionPart):
    """One measure of an action: somebody's work until a day, with what shows that it was done."""

    __tablename__ = "capa_measure"
    __table_args__ = (
        CheckConstraint("(done_on IS NULL) = (evidence = '')", name="done_with_evidence"),
        CheckConstraint("content <> ''", name="measure_is_described"),
    )

    content: Mapped[str] = mapped_column(Text, info={"label": _l("Measure")})
    owner_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id"), index=True, info={"label": _l("Owner of the measure")}
    )
    owner_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Owner of the measure")})
    due_on: Mapped[date] = mapped_column(info={"label": _l("To be done by")})
    done_on: Mapped[date | None] = mapped_column(info={"label": _l("Done on")})
    evidence: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Evidence of completion")})

    action: Mapped[CorrectiveAction] = relationship(foreign_keys="Measure.action_id", back_populates="measures")

    def __str__(self) -> str:
        return self.content
