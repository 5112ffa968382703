"""Completion: inspections and the settlement of deposits (forms C8, C9; RN-12)."""

from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import choice
from app.core.records.secrets import EncryptedText
from app.core.workflow.documents import Document
from app.modules.estates.models import Unit
from app.modules.renovation.models import Renovation, RenovationPart
from app.modules.renovation.states import InspectionResult, InspectionRound, SettlementState

SECOND = text("round = 'second'")


class CompletionInspection(RenovationPart):
    """One inspection of the finished work (C8, Decree 110 art. 30). ``points``: checklist code → result.

    The second one follows the occupancy period and finds out what shows only in use; there is one of it.
    """

    __tablename__ = "renovation_inspection"
    __table_args__ = (
        CheckConstraint("result = 'passed' OR findings <> ''", name="failed_with_findings",
                        info={"message": ("findings", _l("Say what is not right."))}),
        Index("uq_renovation_inspection_second", "renovation_id", unique=True, sqlite_where=SECOND, postgresql_where=SECOND),
    )  # fmt: skip

    round: Mapped[InspectionRound] = mapped_column(
        choice(InspectionRound, "round_known"), default=InspectionRound.FIRST, info={"label": _l("Inspection round")}
    )
    inspected_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Inspected at")})
    inspector_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    inspector_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Inspector")})
    points: Mapped[dict[str, str]] = mapped_column(JSON)
    findings: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Findings")})
    result: Mapped[InspectionResult] = mapped_column(
        choice(InspectionResult, "result_known"), info={"label": _l("Result")}
    )
    ponding_record: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Ponding test")})
    warranty_received: Mapped[bool] = mapped_column(default=False, info={"label": _l("Quality warranty received")})
    present: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Present")})

    renovation: Mapped[Renovation] = relationship(
        foreign_keys="CompletionInspection.renovation_id", back_populates="inspections"
    )

    def __str__(self) -> str:
        return f"{self.round.title} · {self.result.title}"


class RenovationSettlement(Document):
    """What becomes of the deposits after acceptance (C9). It repeats the day of acceptance, which the database keeps equal
    to the renovation's: without acceptance there is no settlement. Amounts in yuan; ``claim``: what the deductions come to
    beyond the deposits, which stays a claim and is not taken from anything else.
    """

    __tablename__ = "renovation_settlement"
    rules = (
        UniqueConstraint("renovation_id"),
        ForeignKeyConstraint(
            ["renovation_id", "accepted_on"], ["renovation.id", "renovation.accepted_on"],
            name="fk_renovation_settlement_accepted",
        ),
        CheckConstraint("deposit >= 0 AND deducted >= 0 AND refund >= 0 AND round(deposit - deducted - refund, 2) = 0",
                        name="refund_is_deposit_less_deductions"),
        CheckConstraint("claim >= 0 AND (claim = 0 OR refund = 0)", name="claim_only_beyond_the_deposit"),
        CheckConstraint("(checked_at IS NULL) = (checked_by_id IS NULL)", name="checked_by_somebody"),
        CheckConstraint("state = 'draft' OR checked_by_id IS NOT NULL", name="checked_before_approval"),
        CheckConstraint("(approved_at IS NULL) = (approved_by_id IS NULL)", name="approved_by_somebody"),
        CheckConstraint("state NOT IN ('approved', 'paid') OR approved_by_id IS NOT NULL", name="approved_before_payment"),
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> created_by_id", name="approved_by_another"),
        CheckConstraint("approved_by_id IS NULL OR approved_by_id <> checked_by_id", name="approved_by_a_second"),
        CheckConstraint("(state = 'paid') = (paid_at IS NOT NULL)", name="paid_iff_moment"),
        CheckConstraint("paid_at IS NULL OR (paid_by_id IS NOT NULL AND id_checked)", name="paid_by_somebody_to_somebody"),
    )  # fmt: skip

    state: Mapped[SettlementState] = mapped_column(
        choice(SettlementState, "state_known"), default=SettlementState.DRAFT, info={"label": _l("State")}
    )
    renovation_id: Mapped[int] = within_estate("renovation", info={"label": _l("Renovation")})
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    accepted_on: Mapped[date] = mapped_column(info={"label": _l("Accepted on")})
    deposit_receipt: Mapped[str] = mapped_column(
        String(200), default="", info={"label": _l("Receipts of the deposits")}
    )
    deposit: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Deposits"), "format": "money"})
    deducted: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Deductions"), "format": "money"}
    )
    refund: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Refund"), "format": "money"})
    claim: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Claim beyond the deposit"), "format": "money"}
    )
    payee_name: Mapped[str] = mapped_column(String(100), info={"label": _l("Payee")})
    payee_account: Mapped[str | None] = mapped_column(
        EncryptedText, info={"label": _l("Payee's account"), "mask": "bank_account"}
    )
    id_checked: Mapped[bool] = mapped_column(default=False, info={"label": _l("Payee's identity checked")})
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Checked at")})
    checked_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    checked_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Checked by")})
    approved_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Approved at")})
    approved_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    approved_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Approved by")})
    paid_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Refunded at")})
    paid_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    paid_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Cashier")})

    renovation: Mapped[Renovation] = relationship(
        primaryjoin=lambda: RenovationSettlement.renovation_id == Renovation.id,
        foreign_keys=[renovation_id],
        back_populates="settlement",
    )
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])
    deductions: Mapped[list["SettlementDeduction"]] = relationship(
        foreign_keys="SettlementDeduction.settlement_id", order_by="SettlementDeduction.id", back_populates="settlement"
    )


class SettlementDeduction(Record):
    """A set-off against the deposit by agreement: with the clause it rests on and a file that shows why. Never a fine."""

    __tablename__ = "renovation_deduction"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive", info={"message": ("amount", _l("Enter an amount above zero."))}),
        CheckConstraint("reason <> '' AND clause <> ''", name="deducted_with_clause",
                        info={"message": ("clause", _l("A deduction needs its reason and the clause of the agreement."))}),
    )  # fmt: skip
    part_of = "settlement_id"

    settlement_id: Mapped[int] = within_estate("renovation_settlement", info={"label": _l("Settlement")})
    reason: Mapped[str] = mapped_column(String(300), info={"label": _l("Reason")})
    clause: Mapped[str] = mapped_column(String(200), info={"label": _l("Clause of the agreement")})
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Amount"), "format": "money"})
    violation_id: Mapped[int | None] = within_estate("renovation_violation", info={"label": _l("Violation")})
    evidence_id: Mapped[int] = within_estate("attachment", info={"label": _l("Evidence")})

    settlement: Mapped[RenovationSettlement] = relationship(foreign_keys=[settlement_id], back_populates="deductions")

    def __str__(self) -> str:
        return self.reason
