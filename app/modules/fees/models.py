"""Fee items, bills and payments (MI-06; forms A8, E2). A wrong entry is reversed by a new one, never deleted."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, Computed, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.papers.base.context import Bilingual
from app.core.records.amounts import format_area, format_money
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import choice, in_language
from app.core.workflow.table import Look
from app.modules.estates.models import Unit
from app.modules.fees.states import CANCELLED, PAID, PARTLY_PAID, UNPAID, FeeBasis, FeeKind, PaymentMethod


def rate_text(rate: Decimal) -> str:
    """A rate in yuan with at least two decimals and no needless ones: ``¥2.80``, ``¥2.805``."""
    return f"¥{rate.quantize(Decimal('0.01')) if rate == round(rate, 2) else rate.normalize():,f}"


class FeeItem(Record):
    """An entry of the fee-item catalogue. ``rate`` in yuan per unit of ``basis``.

    Money collected on behalf of utility suppliers carries no handling fee (Regulations on Property Management art. 44).
    """

    __tablename__ = "fee_item"
    __table_args__ = (
        UniqueConstraint("estate_id", "code"),
        CheckConstraint("rate >= 0", name="rate_not_negative"),
        CheckConstraint("handling_fee >= 0 AND (kind <> 'collected_on_behalf' OR handling_fee = 0)", name="no_handling_fee_on_behalf"),
        CheckConstraint("kind <> 'deposit' OR refundable", name="deposit_is_refundable"),
        CheckConstraint("cap IS NULL OR cap > 0", name="cap_positive",
                        info={"message": ("cap", _l("The cap is more than nothing, or left empty."))}),
    )  # fmt: skip

    code: Mapped[str] = mapped_column(String(40), info={"label": _l("Code")})
    seq: Mapped[int] = mapped_column(default=0, info={"label": _l("Order")})
    title_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    kind: Mapped[FeeKind] = mapped_column(choice(FeeKind, "kind_known"), info={"label": _l("Kind of fee")})
    basis: Mapped[FeeBasis] = mapped_column(choice(FeeBasis, "basis_known"), info={"label": _l("Rate basis")})
    rate: Mapped[Decimal] = mapped_column(Numeric(12, 4), default=Decimal(0), info={"label": _l("Rate")})
    handling_fee: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Handling fee"), "format": "money"}
    )
    cap: Mapped[Decimal | None] = mapped_column(
        Numeric(12, 2), info={"label": _l("At most on one bill"), "format": "money",
                              "help": _l("Some places cap deposits, for example at 2,000 yuan a household.")}
    )  # fmt: skip
    taxable: Mapped[bool] = mapped_column(default=False, info={"label": _l("Taxable")})
    refundable: Mapped[bool] = mapped_column(default=False, info={"label": _l("Refundable")})
    mandatory: Mapped[bool] = mapped_column(default=False, info={"label": _l("Mandatory")})
    proposed: Mapped[bool] = mapped_column(default=False, info={"label": _l("Proposed at move-in")})
    advance: Mapped[bool] = mapped_column(default=False, info={"label": _l("Advance receipt")})
    active: Mapped[bool] = mapped_column(default=True, info={"label": _l("Active")})
    caution_zh: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Caution (Chinese)")})
    caution_en: Mapped[str] = mapped_column(String(400), default="", info={"label": _l("Caution (English)")})

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)

    @property
    def caution(self) -> Bilingual:
        return Bilingual(self.caution_zh, self.caution_en)

    @property
    def caution_text(self) -> str:
        """The caution in the reader's language."""
        return in_language(self.caution_zh, self.caution_en)

    @property
    def price(self) -> str:
        """The rate in figures: ``¥2.80``."""
        return rate_text(self.rate)

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)


class Bill(Record):
    """What a payer owes for a unit, in yuan. ``source_type/source_id``: the record it was issued for (a move-in case).

    ``receivable``: sum of the lines after discounts, fixed at issue. ``received``: payments less reversals; every payment
    changes it, so two cashiers can never take the same money twice. ``open``: something is still to be paid.
    ``joint_liable``: the owner is jointly liable when somebody else pays (Regulations on Property Management art. 41).
    """

    __tablename__ = "bill"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        CheckConstraint("(cancelled_at IS NULL) = (cancel_reason = '')", name="cancelled_iff_reason"),
        CheckConstraint("cancelled_at IS NULL OR received = 0", name="no_money_on_a_cancelled_bill"),
        CheckConstraint("received >= 0 AND received <= receivable", name="received_within_receivable"),
        CheckConstraint("due_on >= issued_on", name="due_not_before_issue"),
        Index("ix_bill_source", "estate_id", "source_type", "source_id"),
        Index("ix_bill_estate_id_issued_on", "estate_id", "issued_on"),
    )

    number: Mapped[str] = mapped_column(String(30), info={"label": _l("Bill no.")})
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    payer_id: Mapped[int | None] = within_estate("person", info={"label": _l("Payer")})
    payer_name: Mapped[str] = mapped_column(String(120), info={"label": _l("Payer")})
    joint_liable: Mapped[bool] = mapped_column(default=False, info={"label": _l("Owner jointly liable")})
    issued_on: Mapped[date] = mapped_column(info={"label": _l("Issued on")})
    due_on: Mapped[date] = mapped_column(info={"label": _l("Due on"), "deadline": lambda: Bill.open.is_(True)})
    receivable: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Receivable"), "format": "money"})
    received: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Received"), "format": "money"}
    )
    source_type: Mapped[str] = mapped_column(String(64), default="")
    source_id: Mapped[int | None]
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Cancelled at")})
    cancel_reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason for cancelling")})
    open: Mapped[bool] = mapped_column(
        Computed("cancelled_at IS NULL AND received < receivable", persisted=True), info={"label": _l("Open")}
    )

    payment_methods: ClassVar = tuple(PaymentMethod)
    """How it can be paid, for the payment form."""

    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    lines: Mapped[list["BillLine"]] = relationship(
        foreign_keys="BillLine.bill_id", order_by="BillLine.seq", back_populates="bill"
    )
    payments: Mapped[list["Payment"]] = relationship(
        foreign_keys="Payment.bill_id", order_by="Payment.id", back_populates="bill"
    )

    @property
    def standing(self) -> Look:
        """Where the bill stands, for people."""
        if self.cancelled_at:
            return CANCELLED
        if not self.outstanding:
            return PAID
        return PARTLY_PAID if self.received else UNPAID

    @property
    def outstanding(self) -> Decimal:
        """What is still to be paid, in yuan."""
        return Decimal(0) if self.cancelled_at else self.receivable - self.received

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return (self.source_type, self.source_id) if self.source_type else ("bill", self.id)

    @property
    def audit_parts(self) -> Sequence[Record]:
        return self.payments

    def __str__(self) -> str:
        return self.number


class BillLine(Record):
    """One fee on a bill; title, kind, rate, basis and handling fee are frozen at issue. ``quantity`` in the unit of the basis."""

    __tablename__ = "bill_line"
    __table_args__ = (
        CheckConstraint(
            "discount >= 0 AND receivable >= 0 AND round(amount - discount - receivable, 2) = 0",
            name="receivable_is_amount_less_discount",
        ),
        CheckConstraint("discount = 0 OR discount_reason <> ''", name="discount_has_reason"),
        CheckConstraint("period_to >= period_from", name="period_ends_after_start"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("handling_fee >= 0 AND (kind <> 'collected_on_behalf' OR handling_fee = 0)", name="no_handling_fee_on_behalf"),
    )  # fmt: skip
    part_of = "bill_id"

    bill_id: Mapped[int] = within_estate("bill")
    fee_item_id: Mapped[int] = within_estate("fee_item", info={"label": _l("Fee item")})
    seq: Mapped[int]
    title_zh: Mapped[str] = mapped_column(String(100))
    title_en: Mapped[str] = mapped_column(String(160))
    kind: Mapped[FeeKind] = mapped_column(choice(FeeKind, "kind_known"), info={"label": _l("Kind of fee")})
    basis: Mapped[FeeBasis] = mapped_column(choice(FeeBasis, "basis_known"), info={"label": _l("Rate basis")})
    rate: Mapped[Decimal] = mapped_column(Numeric(12, 4), info={"label": _l("Rate")})
    handling_fee: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Handling fee"), "format": "money"}
    )
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Quantity")})
    months: Mapped[int | None] = mapped_column(info={"label": _l("Months")})
    period_from: Mapped[date | None] = mapped_column(info={"label": _l("Period from")})
    period_to: Mapped[date | None] = mapped_column(info={"label": _l("Period to")})
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Amount"), "format": "money"})
    discount: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Discount"), "format": "money"}
    )
    discount_reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason for discount")})
    receivable: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Receivable"), "format": "money"})

    bill: Mapped[Bill] = relationship(foreign_keys=[bill_id], back_populates="lines")
    item: Mapped[FeeItem] = relationship(foreign_keys=[fee_item_id])
    refund: Mapped["DepositRefund | None"] = relationship(
        foreign_keys="DepositRefund.line_id", back_populates="line", uselist=False
    )
    parts: Mapped[list["PaymentPart"]] = relationship(foreign_keys="PaymentPart.line_id", back_populates="line")

    @property
    def title(self) -> Bilingual:
        return Bilingual(self.title_zh, self.title_en)

    @property
    def reckoning(self) -> str:
        """How the amount came about: ``89.32 m² × ¥2.80 × 3`` (quantity, rate, months)."""
        area = self.basis in (FeeBasis.GFA, FeeBasis.GFA_MONTH)
        quantity = format_area(self.quantity) if area else f"{self.quantity.normalize():f}"
        fee = f" + {format_money(self.handling_fee)}" if self.handling_fee else ""
        return f"{quantity} × {rate_text(self.rate)}" + (f" × {self.months}" if self.months else "") + fee

    @property
    def received(self) -> Decimal:
        """Payments on this line less reversals, in yuan."""
        return sum((part.amount for part in self.parts), Decimal(0))

    @property
    def outstanding(self) -> Decimal:
        return self.receivable - self.received

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.bill.audit_subject

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)


class Payment(Record):
    """Money received on a bill, with its receipt; or the reversal of one (negative, at most once)."""

    __tablename__ = "payment"
    __table_args__ = (
        UniqueConstraint("estate_id", "receipt_no"),
        UniqueConstraint("reverses_id"),
        CheckConstraint(
            "(reverses_id IS NULL AND amount > 0) OR (reverses_id IS NOT NULL AND amount < 0 AND reason <> '')",
            name="payment_or_reversal",
        ),
        Index("ix_payment_estate_id_received_at", "estate_id", "received_at"),
    )  # fmt: skip
    part_of = "bill_id"

    bill_id: Mapped[int] = within_estate("bill", info={"label": _l("Bill")})
    receipt_no: Mapped[str] = mapped_column(String(30), info={"label": _l("Receipt no.")})
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Amount"), "format": "money"})
    method: Mapped[PaymentMethod] = mapped_column(
        choice(PaymentMethod, "method_known"), info={"label": _l("Method of payment")}
    )
    received_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Received at")})
    payer_name: Mapped[str] = mapped_column(String(120), info={"label": _l("Payer")})
    cashier_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Cashier")})
    reference: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Transaction reference")})
    invoice_no: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Tax invoice no.")})
    reverses_id: Mapped[int | None] = within_estate("payment", info={"label": _l("Reverses")})
    reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason for reversal")})

    bill: Mapped[Bill] = relationship(foreign_keys=[bill_id], back_populates="payments")
    parts: Mapped[list["PaymentPart"]] = relationship(
        foreign_keys="PaymentPart.payment_id", order_by="PaymentPart.id", back_populates="payment"
    )
    reverses: Mapped["Payment | None"] = relationship(
        foreign_keys=[reverses_id], remote_side="Payment.id", back_populates="reversal"
    )
    reversal: Mapped["Payment | None"] = relationship(
        foreign_keys=[reverses_id], back_populates="reverses", uselist=False, viewonly=True
    )

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.bill.audit_subject

    @property
    def reversed(self) -> bool:
        """Whether the money was booked back."""
        return self.reversal is not None

    def __str__(self) -> str:
        return self.receipt_no


class PaymentPart(Record):
    """The share of a payment that settles one line of the bill."""

    __tablename__ = "payment_part"
    __table_args__ = (UniqueConstraint("payment_id", "line_id"),)
    part_of = "payment_id"

    payment_id: Mapped[int] = within_estate("payment")
    line_id: Mapped[int] = within_estate("bill_line")
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2))

    payment: Mapped[Payment] = relationship(foreign_keys=[payment_id], back_populates="parts")
    line: Mapped[BillLine] = relationship(foreign_keys=[line_id], back_populates="parts")

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.payment.audit_subject


class DepositRefund(Record):
    """What became of a deposit: ``amount`` paid back, ``withheld`` set off by agreement. A deposit ends once and whole.

    The payment that brought it stays as it was, and so does what the bill received.
    """

    __tablename__ = "deposit_refund"
    __table_args__ = (
        UniqueConstraint("estate_id", "receipt_no"),
        UniqueConstraint("line_id"),
        CheckConstraint("amount >= 0 AND withheld >= 0 AND amount + withheld > 0", name="refund_of_something"),
        CheckConstraint("withheld = 0 OR reason <> ''", name="withheld_with_reason"),
        Index("ix_deposit_refund_estate_id_refunded_at", "estate_id", "refunded_at"),
    )
    part_of = "line_id"

    line_id: Mapped[int] = within_estate("bill_line", info={"label": _l("Fee item")})
    receipt_no: Mapped[str] = mapped_column(String(30), info={"label": _l("Receipt no.")})
    amount: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Refund"), "format": "money"})
    withheld: Mapped[Decimal] = mapped_column(
        Numeric(12, 2), default=Decimal(0), info={"label": _l("Set off"), "format": "money"}
    )
    method: Mapped[PaymentMethod] = mapped_column(
        choice(PaymentMethod, "method_known"), info={"label": _l("Method of payment")}
    )
    refunded_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Refunded at")})
    payee_name: Mapped[str] = mapped_column(String(120), info={"label": _l("Payee")})
    cashier_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Cashier")})
    reason: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Reason")})

    line: Mapped[BillLine] = relationship(foreign_keys=[line_id], back_populates="refund")

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.line.audit_subject

    def __str__(self) -> str:
        return self.receipt_no
