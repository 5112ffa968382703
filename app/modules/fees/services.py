"""Every write of the fees module: issue and cancel bills, take and reverse payments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.records.amounts import format_money, money
from app.core.records.base import Record, now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.numbering import next_number
from app.modules.estates.models import Unit
from app.modules.fees.models import Bill, BillLine, FeeItem, Payment, PaymentPart
from app.modules.fees.states import MONTHLY, FeeBasis, FeeKind, PaymentMethod


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One line to bill. ``quantity`` is needed for piece, time, meter and bay; ``months`` for monthly fees.

    ``rate`` in yuan, the item's own when omitted; ``discount`` in yuan, with its reason.
    """

    item: FeeItem
    quantity: Decimal | None = None
    months: int | None = None
    rate: Decimal | None = None
    period_from: date | None = None
    period_to: date | None = None
    discount: Decimal = Decimal(0)
    discount_reason: str = ""


def quantity_of(charge: Charge, unit: Unit) -> Decimal:
    """The quantity the rate is multiplied with, months not yet included.

    Raises:
        InvalidValue: the unit has no gross floor area, or a quantity is missing.
    """
    basis = charge.item.basis
    if basis in (FeeBasis.GFA, FeeBasis.GFA_MONTH):
        if unit.gross_area is None:
            raise InvalidValue(_("The unit has no gross floor area; enter it before billing by area."))
        return unit.gross_area
    if basis == FeeBasis.UNIT:
        return Decimal(1)
    if not charge.quantity or charge.quantity <= 0:
        raise InvalidValue(_("“%(item)s” needs a quantity above zero.", item=charge.item.title_zh))
    return charge.quantity


def amount_of(charge: Charge, unit: Unit) -> Decimal:
    """Quantity × months × rate in yuan, rounded half-up to the fen."""
    if charge.item.basis in MONTHLY and not charge.months:
        raise InvalidValue(_("“%(item)s” needs a number of months.", item=charge.item.title_zh))
    months = charge.months if charge.item.basis in MONTHLY and charge.months else 1
    rate = charge.item.rate if charge.rate is None else charge.rate
    return money(quantity_of(charge, unit) * months * rate)


def issue_bill(
    session: Session,
    *,
    unit: Unit,
    payer_id: int | None,
    payer_name: str,
    charges: Sequence[Charge],
    source: Record | None = None,
    due_on: date | None = None,
    joint_liable: bool = False,
    actor: Actor,
) -> Bill:
    """Issue a bill with a number of the series BILL (MI-06).

    Raises:
        InvalidValue: no lines, an inactive item, a quantity or discount that cannot be.
    """
    actor.require("create", "Bill")
    if not charges:
        raise InvalidValue(_("Choose at least one fee item."))
    today = estate_today(session, unit.estate_id)
    bill = Bill(
        estate_id=unit.estate_id,
        number=next_number(session, unit.estate_id, "BILL", today.year),
        unit=unit,
        payer_id=payer_id,
        payer_name=payer_name,
        joint_liable=joint_liable,
        issued_on=today,
        due_on=due_on,
        source_type=source.__tablename__ if source else "",
        source_id=source.id if source else None,
        lines=[_line(charge, unit, seq) for seq, charge in enumerate(charges, 1)],
    )
    session.add(bill)
    session.flush()
    return bill


def _line(charge: Charge, unit: Unit, seq: int) -> BillLine:
    item = charge.item
    if not item.active:
        raise InvalidValue(_("“%(item)s” is no longer charged.", item=item.title_zh))
    amount, discount = amount_of(charge, unit), money(charge.discount)
    if not 0 <= discount <= amount:
        raise InvalidValue(_("The discount on “%(item)s” must lie between zero and the amount.", item=item.title_zh))
    if discount and not charge.discount_reason.strip():
        raise InvalidValue(_("Say why “%(item)s” is discounted.", item=item.title_zh))
    return BillLine(
        estate_id=unit.estate_id,
        item=item,
        seq=seq,
        title_zh=item.title_zh,
        title_en=item.title_en,
        basis=item.basis,
        rate=item.rate if charge.rate is None else charge.rate,
        quantity=quantity_of(charge, unit),
        months=charge.months if item.basis in MONTHLY else None,
        period_from=charge.period_from,
        period_to=charge.period_to,
        amount=amount,
        discount=discount,
        discount_reason=charge.discount_reason.strip() if discount else "",
        receivable=amount - discount,
    )


def cancel_bill(session: Session, bill: Bill, *, reason: str, actor: Actor) -> None:
    """Take back a bill on which no money stands; payments have to be reversed first."""
    actor.require("cancel", "Bill")
    if bill.cancelled_at:
        raise InvalidValue(_("This bill is cancelled already."))
    if bill.received:
        raise InvalidValue(_("Money was received on this bill. Reverse the payments first, then cancel it."))
    if not reason.strip():
        raise InvalidValue(_("Say why the bill is cancelled."))
    bill.cancelled_at, bill.cancel_reason = now(), reason.strip()
    session.flush()


def take_payment(
    session: Session,
    bill: Bill,
    *,
    parts: Mapping[int, Decimal],
    method: PaymentMethod,
    payer_name: str = "",
    invoice_no: str = "",
    actor: Actor,
) -> Payment:
    """Receive money for lines of a bill: ``{line id: yuan}``; gives the receipt its number (series RCPT).

    Raises:
        InvalidValue: nothing paid, more than is outstanding on a line, or the bill is cancelled.
    """
    actor.require("create", "Payment")
    if bill.cancelled_at:
        raise InvalidValue(_("This bill is cancelled; nothing can be paid on it."))
    lines = {line.id: line for line in bill.lines}
    paid = {lines[line_id]: money(amount) for line_id, amount in parts.items() if amount}
    for line, amount in paid.items():
        if amount < 0 or amount > line.outstanding:
            raise InvalidValue(
                _("“%(item)s”: at most %(amount)s is outstanding.", item=line.title_zh, amount=format_money(line.outstanding))
            )
    if not paid:
        raise InvalidValue(_("Enter the amount received."))
    payment = _payment(session, bill, paid, method=method, payer_name=payer_name or bill.payer_name, actor=actor)
    payment.invoice_no = invoice_no.strip()
    session.flush()
    return payment


def reverse_payment(session: Session, payment: Payment, *, reason: str, actor: Actor) -> Payment:
    """Book a payment back with a negative receipt; the original stays as it was (forms E2)."""
    actor.require("reverse", "Payment")
    if payment.reverses_id:
        raise InvalidValue(_("A reversal cannot be reversed; take the payment again instead."))
    if payment.reversal:
        raise InvalidValue(_("This payment was reversed already."))
    if not reason.strip():
        raise InvalidValue(_("Say why the payment is reversed."))
    back = {part.line: -part.amount for part in payment.parts}
    reversal = _payment(
        session, payment.bill, back, method=payment.method, payer_name=payment.payer_name, actor=actor,
        reverses=payment, reason=reason.strip(),
    )  # fmt: skip
    session.flush()
    session.expire(payment, ["reversal"])
    return reversal


def _payment(
    session: Session,
    bill: Bill,
    parts: Mapping[BillLine, Decimal],
    *,
    method: PaymentMethod,
    payer_name: str,
    actor: Actor,
    reverses: Payment | None = None,
    reason: str = "",
) -> Payment:
    today = estate_today(session, bill.estate_id)
    payment = Payment(
        estate_id=bill.estate_id,
        bill=bill,
        receipt_no=next_number(session, bill.estate_id, "RCPT", today.year),
        amount=sum(parts.values(), Decimal(0)),
        method=method,
        received_at=now(),
        payer_name=payer_name,
        cashier_name=actor.name,
        reverses=reverses,
        reason=reason,
        parts=[PaymentPart(estate_id=bill.estate_id, line=line, amount=amount) for line, amount in parts.items()],
    )
    session.add(payment)
    return payment


def save_fee_item(session: Session, item: FeeItem, *, actor: Actor) -> FeeItem:
    """Store a catalogue entry.

    Raises:
        InvalidValue: a handling fee on money collected on behalf (Regulations on Property Management art. 44), or a
            deposit that is not refundable.
    """
    actor.require("update" if item.id else "create", "FeeItem")
    if item.kind == FeeKind.ON_BEHALF and item.handling_fee:
        raise InvalidValue(
            _("No handling fee may be charged on money collected for suppliers (Regulations on Property Management art. 44).")
        )
    if item.kind == FeeKind.DEPOSIT and not item.refundable:
        raise InvalidValue(_("A deposit has to be refundable."))
    session.add(item)
    session.flush()
    return item


def proposed_items(session: Session) -> Sequence[FeeItem]:
    """Active fee items in catalogue order; those with ``proposed`` are ticked at move-in."""
    return session.scalars(select(FeeItem).where(FeeItem.active).order_by(FeeItem.seq, FeeItem.code)).all()
