"""The renovation from application to archive, its contractor, and the opinions given on it (forms C1, C4; RN-01 … RN-08).

Workers and passes stand in ``pass_models``, patrols and violations in ``site_models``, inspection and settlement in
``completion_models``. What may never be, the database refuses: an approval without its decider, a permit before the
approval, an accepted renovation without its acceptance day.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.masking import mask_phone
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import choice
from app.core.records.identifiers import phone
from app.core.records.secrets import EncryptedText, HasSecrets
from app.core.workflow.documents import Document
from app.modules.estates.models import Unit
from app.modules.people.models import IdKind, Person
from app.modules.renovation.states import (
    APPROVED,
    DONE,
    ENDED,
    WITH_PERMIT,
    Capacity,
    Delivery,
    Extent,
    Mode,
    RenovationState,
    Step,
    Verdict,
)

if TYPE_CHECKING:
    from app.modules.renovation.completion_models import CompletionInspection, RenovationSettlement
    from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
    from app.modules.renovation.site_models import RenovationViolation

WORKS = {
    "space": _l("Space"),
    "content": _l("Work content"),
    "material": _l("Material"),
    "alteration": _l("Taken down or altered"),
}
INSTALLATIONS = {"kind": _l("Installation"), "position": _l("Position")}


def _among(states: tuple[RenovationState, ...]) -> str:
    return "(state IN ({}))".format(", ".join(f"'{state.value}'" for state in states))


def _another(step: str) -> str:
    return f"{step}_by_id <> created_by_id AND {step}_by_id <> submitted_by_id"


RUNNING = text("NOT " + _among(ENDED))
"""A unit has one renovation at a time that is neither finished nor given up."""


class RenovationContractor(Record):
    """A renovation company with its qualification; the owner chooses it, the centre never does (Decree 110 art. 19)."""

    __tablename__ = "renovation_contractor"
    __table_args__ = (UniqueConstraint("estate_id", "credit_code"),)

    name: Mapped[str] = mapped_column(String(120), info={"label": _l("Renovation contractor")})
    credit_code: Mapped[str] = mapped_column(String(18), info={"label": _l("Unified social credit code")})
    qualification_no: Mapped[str] = mapped_column(
        String(60), default="", info={"label": _l("Qualification certificate no.")}
    )
    qualification_grade: Mapped[str] = mapped_column(
        String(60), default="", info={"label": _l("Grade of the qualification")}
    )
    qualified_until: Mapped[date | None] = mapped_column(info={"label": _l("Qualification valid until")})
    contact_phone: Mapped[str] = mapped_column(String(30), default="", info={"label": _l("Telephone")})
    note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Note")})

    def __str__(self) -> str:
        return self.name


class Renovation(HasSecrets, Document):
    """One application and everything that follows from it (F26).

    ``works`` and ``installs`` are rows of ``WORKS`` and ``INSTALLATIONS``. The questions about alterations (``structural``
    … ``hot_work``) are unanswered (None) until somebody says yes or no; a yes makes papers compulsory
    (:mod:`app.modules.renovation.requirements`). ``permit_from``/``permit_to``: days on which may be worked, fixed with
    ``permit_no``; passes lie inside. ``paper_entry``: typed from a form that the owner filled in on paper.
    """

    __tablename__ = "renovation"
    __secrets__ = {"leader_mobile": phone}
    rules = (
        CheckConstraint("planned_to >= planned_from", name="planned_end_after_start",
                        info={"message": ("planned_to", _l("The planned finish comes before the start."))}),
        CheckConstraint("workers_expected > 0", name="workers_expected_positive",
                        info={"message": ("workers_expected", _l("Say how many workers there will be."))}),
        CheckConstraint("load_kw IS NULL OR load_kw > 0", name="load_positive",
                        info={"message": ("load_kw", _l("The load is more than nothing, or left empty."))}),
        CheckConstraint("mode = 'self' OR contractor_id IS NOT NULL", name="company_named",
                        info={"message": ("contractor_id", _l("Name the renovation company."))}),
        CheckConstraint("(submitted_at IS NULL) = (submitted_by_id IS NULL)", name="submitted_by_somebody"),
        CheckConstraint("state IN ('draft', 'withdrawn') OR submitted_at IS NOT NULL", name="submitted_unless_draft"),
        CheckConstraint("(reviewed_at IS NULL) = (reviewed_by_id IS NULL)", name="reviewed_by_somebody"),
        CheckConstraint(f"reviewed_by_id IS NULL OR ({_another('reviewed')})", name="reviewed_by_another"),
        CheckConstraint("(approved_at IS NULL) = (approved_by_id IS NULL)", name="approved_by_somebody"),
        CheckConstraint(f"approved_by_id IS NULL OR ({_another('approved')})", name="approved_by_another"),
        CheckConstraint("approved_by_id IS NULL OR reviewed_by_id IS NOT NULL", name="approved_after_review"),
        CheckConstraint(f"NOT {_among(APPROVED)} OR approved_by_id IS NOT NULL", name="approved_iff_decider"),
        CheckConstraint("(permit_no IS NULL) = (permit_from IS NULL)", name="permit_has_first_day"),
        CheckConstraint("(permit_no IS NULL) = (permit_to IS NULL)", name="permit_has_last_day"),
        CheckConstraint("permit_no IS NULL OR approved_by_id IS NOT NULL", name="permit_after_approval"),
        CheckConstraint("permit_to >= permit_from", name="permit_ends_after_start",
                        info={"message": _l("The permit ends before it begins.")}),
        CheckConstraint(f"NOT {_among(WITH_PERMIT)} OR permit_no IS NOT NULL", name="site_has_permit"),
        CheckConstraint(f"{_among(DONE)} = (accepted_on IS NOT NULL)", name="accepted_iff_day"),
        CheckConstraint("(delivered_at IS NULL) = (delivery IS NULL)", name="delivered_somehow"),
        UniqueConstraint("estate_id", "permit_no"),
        UniqueConstraint("id", "permit_from", "permit_to"),
        UniqueConstraint("id", "accepted_on"),
        Index("ix_renovation_state", "estate_id", "state"),
        Index("uq_renovation_open", "unit_id", unique=True, sqlite_where=RUNNING, postgresql_where=RUNNING),
    )  # fmt: skip

    state: Mapped[RenovationState] = mapped_column(
        choice(RenovationState, "state_known"), default=RenovationState.DRAFT, info={"label": _l("State")}
    )
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    applicant_id: Mapped[int] = within_estate("person", info={"label": _l("Renovating party")})
    capacity: Mapped[Capacity] = mapped_column(choice(Capacity, "capacity_known"), info={"label": _l("Acting as")})
    paper_entry: Mapped[bool] = mapped_column(default=False, info={"label": _l("Typed from a paper form")})
    mode: Mapped[Mode] = mapped_column(choice(Mode, "mode_known"), info={"label": _l("Way of renovating")})
    contractor_id: Mapped[int | None] = within_estate(
        "renovation_contractor", info={"label": _l("Renovation contractor")}
    )
    leader_name: Mapped[str] = mapped_column(String(100), info={"label": _l("Crew leader")})
    leader_id_kind: Mapped[IdKind] = mapped_column(
        choice(IdKind, "leader_id_kind_known"), default=IdKind.RESIDENT_ID, info={"label": _l("Crew leader's document")}
    )
    leader_id_no: Mapped[str | None] = mapped_column(
        EncryptedText, info={"label": _l("Crew leader's ID number"), "mask": "id_number"}
    )
    leader_mobile: Mapped[str | None] = mapped_column(
        EncryptedText, info={"label": _l("Crew leader's mobile phone"), "mask": "phone"}
    )
    fire_officer: Mapped[str] = mapped_column(String(100), info={"label": _l("Fire-safety officer")})
    extent: Mapped[Extent] = mapped_column(choice(Extent, "extent_known"), info={"label": _l("Extent")})
    works: Mapped[list[dict[str, str]]] = mapped_column(JSON, info={"label": _l("Work items"), "rows": WORKS})
    installs: Mapped[list[dict[str, str]] | None] = mapped_column(
        JSON, info={"label": _l("Air conditioners, grilles, heaters, solar panels"), "rows": INSTALLATIONS}
    )
    structural: Mapped[bool | None] = mapped_column(
        info={
            "label": _l("Walls or load-bearing structure altered"),
            "help": _l("Roof, floor, beam, column, support, load-bearing wall, joint, foundation (Decree 110 art. 5)."),
        }
    )
    waterproof: Mapped[bool | None] = mapped_column(info={"label": _l("Waterproof layer altered")})
    floor_load: Mapped[bool | None] = mapped_column(info={"label": _l("Floor load increased")})
    facade: Mapped[bool | None] = mapped_column(
        info={
            "label": _l("Structure added or façade altered"),
            "help": _l("Also openings in non-load-bearing outer walls (Decree 110 art. 6)."),
        }
    )
    heating: Mapped[bool | None] = mapped_column(info={"label": _l("Heating altered")})
    gas: Mapped[bool | None] = mapped_column(info={"label": _l("Gas altered")})
    hot_work: Mapped[bool | None] = mapped_column(info={"label": _l("Hot work or special trades")})
    load_kw: Mapped[Decimal | None] = mapped_column(
        Numeric(6, 1), info={"label": _l("Temporary electrical load"), "unit": "kW"}
    )
    planned_from: Mapped[date] = mapped_column(info={"label": _l("Planned start")})
    planned_to: Mapped[date] = mapped_column(info={"label": _l("Planned finish")})
    workers_expected: Mapped[int] = mapped_column(info={"label": _l("Number of workers")})
    neighbours_informed: Mapped[bool] = mapped_column(
        default=False,
        info={"label": _l("Neighbours informed"), "help": _l("The applicant's duty (Decree 110 art. 15).")},
    )
    submitted_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Submitted at")})
    submitted_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reviewed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Technical review at")})
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Approved at")})
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    conditions: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Conditions of the approval")})
    delivery: Mapped[Delivery | None] = mapped_column(
        choice(Delivery, "delivery_known"), info={"label": _l("Copy delivered")}
    )
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Copy delivered at")})
    delivered_to: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Copy received by")})
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Payment confirmed at")})
    paid_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Payment confirmed by")})
    permit_no: Mapped[str | None] = mapped_column(String(30), info={"label": _l("Permit no.")})
    permit_from: Mapped[date | None] = mapped_column(info={"label": _l("Permit from")})
    permit_to: Mapped[date | None] = mapped_column(info={"label": _l("Permit to")})
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Work begun at")})
    completion_requested_at: Mapped[datetime | None] = mapped_column(
        UtcDateTime, info={"label": _l("Acceptance requested at")}
    )
    accepted_on: Mapped[date | None] = mapped_column(info={"label": _l("Accepted on")})
    warranty_to: Mapped[date | None] = mapped_column(info={"label": _l("Renovation warranty to")})
    waterproofing_to: Mapped[date | None] = mapped_column(info={"label": _l("Waterproofing warranty to")})

    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])
    applicant: Mapped[Person] = relationship(foreign_keys=[applicant_id])
    contractor: Mapped[RenovationContractor | None] = relationship(foreign_keys=[contractor_id])
    decisions: Mapped[list["RenovationDecision"]] = relationship(
        foreign_keys="RenovationDecision.renovation_id", order_by="RenovationDecision.id", back_populates="renovation"
    )
    extensions: Mapped[list["PermitExtension"]] = relationship(
        foreign_keys="PermitExtension.renovation_id", order_by="PermitExtension.id", back_populates="renovation"
    )
    workers: Mapped[list["RenovationWorker"]] = relationship(
        foreign_keys="RenovationWorker.renovation_id", order_by="RenovationWorker.id", back_populates="renovation"
    )
    passes: Mapped[list["TemporaryPass"]] = relationship(
        primaryjoin="TemporaryPass.renovation_id == Renovation.id",
        foreign_keys="TemporaryPass.renovation_id",
        order_by="TemporaryPass.id",
        back_populates="renovation",
    )
    violations: Mapped[list["RenovationViolation"]] = relationship(
        foreign_keys="RenovationViolation.renovation_id", order_by="RenovationViolation.id", back_populates="renovation"
    )
    inspections: Mapped[list["CompletionInspection"]] = relationship(
        foreign_keys="CompletionInspection.renovation_id",
        order_by="CompletionInspection.id",
        back_populates="renovation",
    )
    settlement: Mapped["RenovationSettlement | None"] = relationship(
        primaryjoin="RenovationSettlement.renovation_id == Renovation.id",
        foreign_keys="RenovationSettlement.renovation_id",
        back_populates="renovation",
        uselist=False,
    )

    @property
    def leader_phone(self) -> str:
        """The crew leader's telephone, masked."""
        return mask_phone(self.leader_mobile or "")

    @property
    def company(self) -> str:
        """Who does the work, as papers say it."""
        return self.contractor.name if self.contractor else self.leader_name


class RenovationPart(Record):
    """A row that belongs to a renovation and shows on its timeline."""

    __abstract__ = True
    part_of = "renovation_id"

    renovation_id: Mapped[int] = within_estate("renovation", info={"label": _l("Renovation")})


class RenovationDecision(RenovationPart):
    """One opinion on an application; those of earlier submissions stay (RN-02 … RN-04)."""

    __tablename__ = "renovation_decision"
    __table_args__ = (
        CheckConstraint("verdict = 'approve' OR opinion <> ''", name="opinion_unless_plain_approval"),
        CheckConstraint("step = 'approval' OR verdict <> 'reject'", name="only_the_manager_rejects"),
    )

    step: Mapped[Step] = mapped_column(choice(Step, "step_known"), info={"label": _l("Review step")})
    verdict: Mapped[Verdict] = mapped_column(choice(Verdict, "verdict_known"), info={"label": _l("Decision")})
    opinion: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Opinion")})
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Decided at")})
    decided_by_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    decided_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Decided by")})

    renovation: Mapped[Renovation] = relationship(
        foreign_keys="RenovationDecision.renovation_id", back_populates="decisions"
    )

    def __str__(self) -> str:
        return f"{self.step.title} · {self.verdict.title}"


class PermitExtension(RenovationPart):
    """The permit's last day moved: the lines of extension on the permit (forms C4)."""

    __tablename__ = "renovation_extension"
    __table_args__ = (CheckConstraint("to_day > from_day", name="extension_is_later"),)

    from_day: Mapped[date] = mapped_column(info={"label": _l("Last day before")})
    to_day: Mapped[date] = mapped_column(info={"label": _l("New last day")})
    reason: Mapped[str] = mapped_column(String(300), info={"label": _l("Reason")})
    granted_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Granted by")})

    renovation: Mapped[Renovation] = relationship(
        foreign_keys="PermitExtension.renovation_id", back_populates="extensions"
    )

    def __str__(self) -> str:
        return f"{self.from_day} → {self.to_day}"


from app.modules.renovation import completion_models, pass_models, site_models  # noqa: E402, F401  (a renovation is mapped with its parts)
