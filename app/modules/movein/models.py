"""The move-in case and its records (MI-01, MI-02, MI-04 … MI-11; fields of forms A1–A9)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import g
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.actor import current_actor
from app.core.files.models import Attachment
from app.core.papers.base.context import Bilingual
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import choice, in_language
from app.core.records.secrets import EncryptedText
from app.extensions import db
from app.modules.estates.models import DeliveryType, Unit
from app.modules.movein.states import (
    LISTS,
    Capacity,
    CaseState,
    CheckResult,
    Conclusion,
    DefectState,
    ItemResult,
    PaperGroup,
    ServiceState,
    Severity,
    SigningMethod,
)
from app.modules.people.models import Person

OPEN_STATES = "state NOT IN ('completed', 'withdrawn')"


class MoveInCase(Record):
    """One ordinary move-in (平时入伙): an owner takes over a unit. At most one open case per unit."""

    __tablename__ = "movein_case"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        Index(
            "uq_movein_case_one_open_per_unit", "unit_id", unique=True,
            sqlite_where=text(OPEN_STATES), postgresql_where=text(OPEN_STATES),
        ),
        CheckConstraint("(state = 'completed') = (completed_at IS NOT NULL)", name="completed_iff_completed_at"),
        CheckConstraint("capacity <> 'agent' OR agent_name <> ''", name="agent_has_name"),
        CheckConstraint(
            "state NOT IN ('keys', 'completed')"
            " OR coalesce(conclusion, '') IN ('accepted', 'accepted_with_defects')",
            name="keys_only_after_acceptance",
        ),
        Index("ix_movein_case_estate_id_state", "estate_id", "state"),
    )  # fmt: skip

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Case no.")})
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    owner_id: Mapped[int] = within_estate("person", info={"label": _l("Owner")})
    state: Mapped[CaseState] = mapped_column(
        choice(CaseState, "state_known"), default=CaseState.DOCUMENTS, info={"label": _l("State")}
    )
    conclusion: Mapped[Conclusion | None] = mapped_column(
        choice(Conclusion, "conclusion_known"), info={"label": _l("Conclusion of the inspection")}
    )
    handover_from: Mapped[date | None] = mapped_column(info={"label": _l("Handover period from")})
    handover_to: Mapped[date | None] = mapped_column(info={"label": _l("Handover period to")})
    handover_place: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Place of handover")})
    capacity: Mapped[Capacity] = mapped_column(
        choice(Capacity, "capacity_known"), default=Capacity.OWNER, info={"label": _l("Who comes")}
    )
    agent_name: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Agent's name")})
    agent_phone: Mapped[str | None] = mapped_column(
        EncryptedText, info={"label": _l("Agent's telephone"), "mask": "phone"}
    )
    authorisation_no: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Authorisation no.")})
    authorisation_notarised: Mapped[bool] = mapped_column(default=False, info={"label": _l("Authorisation notarised")})
    owner_overseas: Mapped[bool] = mapped_column(default=False, info={"label": _l("Owner lives overseas")})
    move_in_on: Mapped[date | None] = mapped_column(info={"label": _l("Move-in date")})
    completed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Completed at")})
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})

    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    owner: Mapped[Person] = relationship(foreign_keys=[owner_id], info={"label": _l("Owner")})
    checks: Mapped[list["PaperCheck"]] = relationship(
        foreign_keys="PaperCheck.case_id", order_by="PaperCheck.seq", back_populates="case"
    )
    signatures: Mapped[list["CaseSignature"]] = relationship(
        foreign_keys="CaseSignature.case_id", order_by="CaseSignature.id", back_populates="case"
    )
    handouts: Mapped[list["Handout"]] = relationship(
        foreign_keys="Handout.case_id", order_by="Handout.seq", back_populates="case"
    )
    services: Mapped[list["EntrustedService"]] = relationship(
        foreign_keys="EntrustedService.case_id", order_by="EntrustedService.id", back_populates="case"
    )
    rounds: Mapped[list["InspectionRound"]] = relationship(
        foreign_keys="InspectionRound.case_id", order_by="InspectionRound.round_no", back_populates="case"
    )
    defects: Mapped[list["Defect"]] = relationship(
        foreign_keys="Defect.case_id", order_by="Defect.seq", back_populates="case"
    )
    keys: Mapped[list["KeyHandover"]] = relationship(
        foreign_keys="KeyHandover.case_id", order_by="KeyHandover.id", back_populates="case"
    )

    def __str__(self) -> str:
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state not in (CaseState.COMPLETED, CaseState.WITHDRAWN)

    @property
    def round(self) -> "InspectionRound | None":
        """The latest inspection round."""
        return self.rounds[-1] if self.rounds else None

    @property
    def receiver(self) -> str:
        """Name of the person at the counter: the owner or the agent."""
        return self.agent_name if self.capacity == Capacity.AGENT else self.owner.name

    def signature(self, paper: str, role: str = "owner") -> "CaseSignature | None":
        """The valid signature of ``role`` on a paper of this case."""
        found = [s for s in self.signatures if s.paper == paper and s.role == role and s.revoked_at is None]
        return found[-1] if found else None


class CasePart(Record):
    """A row that belongs to a case and shows on the case's timeline."""

    __abstract__ = True
    part_of = "case_id"

    case_id: Mapped[int] = within_estate("movein_case", info={"label": _l("Move-in case")})


class PaperCheck(CasePart):
    """One paper the owner has to show and what the check found. Originals of ID documents are seen, never kept."""

    __tablename__ = "movein_paper_check"
    __table_args__ = (
        UniqueConstraint("case_id", "code"),
        CheckConstraint("(result = 'pending') = (checked_at IS NULL)", name="checked_iff_result"),
    )

    code: Mapped[str] = mapped_column(String(40))
    seq: Mapped[int]
    kind: Mapped[PaperGroup] = mapped_column(choice(PaperGroup, "kind_known"), info={"label": _l("Kind")})
    title_zh: Mapped[str] = mapped_column(String(100))
    title_en: Mapped[str] = mapped_column(String(160))
    mandatory: Mapped[bool] = mapped_column(default=True, info={"label": _l("Mandatory")})
    result: Mapped[CheckResult] = mapped_column(
        choice(CheckResult, "result_known"), default=CheckResult.PENDING, info={"label": _l("Result")}
    )
    note: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Note")})
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Checked at")})
    checked_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Checked by")})

    case: Mapped[MoveInCase] = relationship(foreign_keys="PaperCheck.case_id", back_populates="checks")

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)


class CaseSignature(CasePart):
    """A signature under a paper of the case: drawn on the screen or scanned with the paper.

    ``text_version`` keeps which version of a standing text was signed. A wrong signature is revoked, never removed.
    """

    __tablename__ = "movein_signature"
    __table_args__ = (CheckConstraint("(revoked_at IS NULL) = (revoked_reason = '')", name="revoked_iff_reason"),)

    paper: Mapped[str] = mapped_column(String(10), info={"label": _l("Paper")})
    role: Mapped[str] = mapped_column(String(20), default="owner", info={"label": _l("Role")})
    signer: Mapped[str] = mapped_column(String(100), info={"label": _l("Signed by")})
    method: Mapped[SigningMethod] = mapped_column(choice(SigningMethod, "method_known"), info={"label": _l("Method")})
    attachment_id: Mapped[int] = within_estate("attachment", info={"label": _l("File")})
    text_version: Mapped[int | None]
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Signed at")})
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_reason: Mapped[str] = mapped_column(String(200), default="")

    case: Mapped[MoveInCase] = relationship(foreign_keys="CaseSignature.case_id", back_populates="signatures")
    attachment: Mapped[Attachment] = relationship(foreign_keys=[attachment_id])

    @property
    def audit_birth(self) -> tuple[str, str]:
        return "sign", f"{self.paper} {self.signer}"


class Handout(CasePart):
    """One document handed to the owner against signature (F12; MI-01, MI-08)."""

    __tablename__ = "movein_handout"
    __table_args__ = (
        UniqueConstraint("case_id", "code"),
        CheckConstraint("copies >= 1", name="at_least_one_copy"),
        CheckConstraint("issued_at IS NOT NULL OR returned_on IS NULL", name="returned_after_issue"),
    )

    code: Mapped[str] = mapped_column(String(40))
    seq: Mapped[int]
    title_zh: Mapped[str] = mapped_column(String(100))
    title_en: Mapped[str] = mapped_column(String(160))
    document_version: Mapped[str] = mapped_column(String(30), default="", info={"label": _l("Version")})
    language: Mapped[str] = mapped_column(String(10), default="both", info={"label": _l("Language")})
    copies: Mapped[int] = mapped_column(default=1, info={"label": _l("Copies")})
    pages: Mapped[int | None] = mapped_column(info={"label": _l("Pages")})
    required: Mapped[bool] = mapped_column(default=True)
    must_return: Mapped[bool] = mapped_column(default=False, info={"label": _l("To be signed and returned")})
    issued_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Handed out at")})
    issued_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Handed out by")})
    returned_on: Mapped[date | None] = mapped_column(info={"label": _l("Returned on")})
    note: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Note")})

    case: Mapped[MoveInCase] = relationship(foreign_keys="Handout.case_id", back_populates="handouts")

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)


class EntrustedService(CasePart):
    """A service the owner entrusts to the centre; it is work for ``assignee`` until done (F14; MI-09).

    Utilities collected on behalf of their suppliers carry no handling fee (Regulations on Property Management art. 44).
    """

    __tablename__ = "entrusted_service"
    __table_args__ = (
        CheckConstraint("paid OR fee = 0", name="free_service_costs_nothing"),
        CheckConstraint("fee >= 0", name="fee_not_negative"),
        CheckConstraint("NOT on_behalf OR fee = 0", name="no_handling_fee_on_utilities"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done_iff_done_at"),
        CheckConstraint("satisfaction BETWEEN 1 AND 5", name="satisfaction_on_scale"),
    )

    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    code: Mapped[str] = mapped_column(String(40), info={"label": _l("Service")})
    title_zh: Mapped[str] = mapped_column(String(100))
    title_en: Mapped[str] = mapped_column(String(160))
    paid: Mapped[bool] = mapped_column(default=False, info={"label": _l("Paid service")})
    on_behalf: Mapped[bool] = mapped_column(default=False)
    rate: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Rate")})
    details: Mapped[str] = mapped_column(String(500), default="", info={"label": _l("Details")})
    materials: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Materials or keys needed")})
    appointment_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Appointment")})
    assignee_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True, info={"label": _l("Assigned to")})
    assignee_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Assigned to")})
    accepted_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Accepted by")})
    state: Mapped[ServiceState] = mapped_column(
        choice(ServiceState, "state_known"), default=ServiceState.OPEN, info={"label": _l("State")}
    )
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Done at")})
    result: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Result")})
    fee: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Fee"), "format": "money"}
    )
    receipt_no: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Receipt no.")})
    satisfaction: Mapped[int | None] = mapped_column(info={"label": _l("Satisfaction (1–5)")})

    case: Mapped[MoveInCase] = relationship(foreign_keys="EntrustedService.case_id", back_populates="services")
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)


class InspectionRound(CasePart):
    """One accompanied inspection (F01): items, readings, conclusion. Round 2 and later are re-inspections (MI-10, MI-11)."""

    __tablename__ = "inspection_round"
    __table_args__ = (
        UniqueConstraint("case_id", "round_no"),
        UniqueConstraint("estate_id", "number"),
        CheckConstraint("(conclusion IS NULL) = (concluded_at IS NULL)", name="concluded_iff_conclusion"),
    )

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Inspection no.")})
    round_no: Mapped[int] = mapped_column(info={"label": _l("Round")})
    inspected_on: Mapped[date] = mapped_column(info={"label": _l("Inspected on")})
    inspector_id: Mapped[int | None] = mapped_column(
        ForeignKey("ab_user.id"), info={"label": _l("Accompanying inspector")}
    )
    inspector_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Accompanying inspector")})
    delivery_type: Mapped[DeliveryType] = mapped_column(
        choice(DeliveryType, "delivery_type_known"), info={"label": _l("Delivery type")}
    )
    weather: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Weather")})
    builder: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Contractor or developer")})
    owner_remarks: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Owner's remarks")})
    conclusion: Mapped[Conclusion | None] = mapped_column(
        choice(Conclusion, "conclusion_known"), info={"label": _l("Conclusion")}
    )
    concluded_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Concluded at")})

    case: Mapped[MoveInCase] = relationship(foreign_keys="InspectionRound.case_id", back_populates="rounds")
    items: Mapped[list["InspectionItem"]] = relationship(
        foreign_keys="InspectionItem.round_id", order_by="InspectionItem.seq", back_populates="round"
    )

    def __str__(self) -> str:
        return self.number


class InspectionItem(CasePart):
    """One line of the check matrix in a round: a check item of a trade in a space, with its result."""

    __tablename__ = "inspection_item"
    __table_args__ = (UniqueConstraint("round_id", "trade", "item", "space"),)

    round_id: Mapped[int] = within_estate("inspection_round")
    seq: Mapped[int]
    trade: Mapped[str] = mapped_column(String(30), info={"label": _l("Trade")})
    item: Mapped[str] = mapped_column(String(40), info={"label": _l("Check item")})
    space: Mapped[str] = mapped_column(String(30), info={"label": _l("Space")})
    titles: Mapped[dict[str, Any]] = mapped_column(JSON, info={"note": "trade, item, space, standard → [zh, en]"})
    result: Mapped[ItemResult | None] = mapped_column(choice(ItemResult, "result_known"), info={"label": _l("Result")})
    note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Note")})

    round: Mapped[InspectionRound] = relationship(foreign_keys=[round_id], back_populates="items")

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        """Its round: hundreds of results would bury what else happened to the case."""
        return "inspection_round", self.round_id

    def title(self, part: str) -> Bilingual:
        """``part``: trade, item, space or standard."""
        return Bilingual(*self.titles.get(part, ["", ""]))

    def __str__(self) -> str:
        return " · ".join(in_language(title.zh, title.en) for title in (self.title("space"), self.title("item")))


def party_titles() -> dict[str, str]:
    """Who can be responsible for a defect, by code, in the reader's language; read once in a request."""
    if "movein_parties" not in g:
        entries = db.session.scalars(
            select(MoveInItem)
            .where(MoveInItem.list_name == "responsible_parties", MoveInItem.estate_id == current_actor().estate_id)
            .order_by(MoveInItem.seq)
        )
        g.movein_parties = {entry.code: in_language(entry.title_zh, entry.title_en) for entry in entries}
    found: dict[str, str] = g.movein_parties
    return found


class Defect(CasePart):
    """A failed item to be put right: who, by when, and how the re-inspection went (MI-11; limits per trade, forms A2)."""

    __tablename__ = "movein_defect"
    __table_args__ = (
        UniqueConstraint("case_id", "seq"),
        CheckConstraint("(state = 'verified') = (verified_on IS NOT NULL)", name="verified_iff_verified_on"),
        CheckConstraint("state = 'open' OR fixed_on IS NOT NULL", name="fixed_has_day"),
        Index("ix_movein_defect_state_due_on", "estate_id", "state", "due_on"),
    )

    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    item_id: Mapped[int] = within_estate("inspection_item")
    seq: Mapped[int] = mapped_column(info={"label": _l("No.")})
    description: Mapped[str] = mapped_column(String(300), info={"label": _l("Defect")})
    position: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Position")})
    severity: Mapped[Severity] = mapped_column(choice(Severity, "severity_known"), info={"label": _l("Severity")})
    party: Mapped[str] = mapped_column(String(30), info={"label": _l("Responsible party"), "choices": party_titles})
    party_name: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Responsible company")})
    due_on: Mapped[date] = mapped_column(
        info={"label": _l("To be rectified by"), "deadline": lambda: Defect.state == DefectState.OPEN}
    )
    state: Mapped[DefectState] = mapped_column(
        choice(DefectState, "state_known"), default=DefectState.OPEN, info={"label": _l("State")}
    )
    fixed_on: Mapped[date | None] = mapped_column(info={"label": _l("Rectified on")})
    verified_on: Mapped[date | None] = mapped_column(info={"label": _l("Re-inspected on")})
    verified_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Re-inspected by")})
    verified_round: Mapped[int | None]
    recheck_note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Re-inspection note")})

    case: Mapped[MoveInCase] = relationship(foreign_keys="Defect.case_id", back_populates="defects")
    item: Mapped[InspectionItem] = relationship(foreign_keys=[item_id])
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})

    @property
    def place(self) -> Bilingual:
        """Space and check item."""
        space, item = self.item.title("space"), self.item.title("item")
        return Bilingual(f"{space.zh} · {item.zh}", f"{space.en} · {item.en}")

    def __str__(self) -> str:
        return f"{self.unit.code} · {self.seq}"


class KeyHandover(CasePart):
    """Keys and cards of one kind handed over, or left in custody, after the conclusion (F13; forms A5, A6)."""

    __tablename__ = "movein_key"
    __table_args__ = (
        CheckConstraint("quantity >= 1", name="at_least_one_key"),
        CheckConstraint("NOT in_custody OR custody_reason <> ''", name="custody_has_reason"),
    )

    kind: Mapped[str] = mapped_column(String(40), info={"label": _l("Kind")})
    title_zh: Mapped[str] = mapped_column(String(100))
    title_en: Mapped[str] = mapped_column(String(160))
    label: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("No.")})
    quantity: Mapped[int] = mapped_column(default=1, info={"label": _l("Quantity")})
    deposit: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), info={"label": _l("Deposit"), "format": "money"})
    in_custody: Mapped[bool] = mapped_column(default=False, info={"label": _l("Left in custody")})
    custody_reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason for custody")})
    custody_until: Mapped[date | None] = mapped_column(info={"label": _l("In custody until")})
    handed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Collected at")})
    issued_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Handed out by")})
    note: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Note")})

    case: Mapped[MoveInCase] = relationship(foreign_keys="KeyHandover.case_id", back_populates="keys")

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)


class StandingTextVersion(Record):
    """A version of a standing text (F02–F09), edited in the browser. The highest published version is in force."""

    __tablename__ = "standing_text_version"
    __table_args__ = (UniqueConstraint("estate_id", "code", "number"),)

    code: Mapped[str] = mapped_column(String(10), info={"label": _l("Form code")})
    number: Mapped[int] = mapped_column(info={"label": _l("Version")})
    title_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Published at")})

    def __str__(self) -> str:
        return f"{self.code} v{self.number}"


class MoveInItem(Record):
    """A code-list entry of the module: papers to check, documents to hand out, services, key kinds, parties.

    ``data`` holds what is special to the list (``mandatory``, ``when``, ``copies``, ``to_return`` …).
    """

    __tablename__ = "movein_item"
    __table_args__ = (UniqueConstraint("estate_id", "list_name", "code"),)

    list_name: Mapped[str] = mapped_column(String(30), info={"label": _l("List"), "choices": LISTS})
    code: Mapped[str] = mapped_column(String(40), info={"label": _l("Code")})
    seq: Mapped[int] = mapped_column(default=0, info={"label": _l("Order")})
    title_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Active")})

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)
