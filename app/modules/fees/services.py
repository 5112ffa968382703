"""Every write of the fees module: bills, payments, reversals, refunds of deposits, the catalogue (MI-06, RN-12)."""

from __future__ import annotations

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.records.amounts import format_money, money
from app.core.records.base import Record, now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.numbering import next_number
from app.core.records.refusals import FieldErrors
from app.modules.estates.models import Unit
from app.modules.fees.models import Bill, BillLine, DepositRefund, FeeItem, Payment, PaymentPart
from app.modules.fees.states import MONTHLY, FeeBasis, FeeKind, PaymentMethod


@dataclass(frozen=True, kw_only=True)
class Charge:
    """One line to bill. ``quantity`` is needed for piece, time, meter and bay; ``months`` for monthly fees.

    ``rate`` in yuan, the item's own when omitted; ``discount`` in yuan, with its reason. A monthly fee with
    ``period_from`` alone runs for its months.
    """

    item: FeeItem
    quantity: Decimal | None = None
    months: int | None = None
    rate: Decimal | None = None
    period_from: date | None = None
    period_to: date | None = None
    discount: Decimal = Decimal(0)
    discount_reason: str = ""

    @property
    def yuan_per_unit(self) -> Decimal:
        return self.item.rate if self.rate is None else self.rate


def _refuse(what: str, record: Record, sentence: str) -> FieldErrors:
    """The refusal of one input of one line: ``quantity_7`` is the quantity of the fee item (or line) 7."""
    return FieldErrors({f"{what}_{record.id}": sentence})


def quantity_of(charge: Charge, unit: Unit) -> Decimal:
    """The quantity the rate is multiplied with, months not yet included.

    Raises:
        FieldErrors: ``quantity_<item id>``: the unit has no gross floor area, or a quantity is missing.
    """
    basis = charge.item.basis
    if basis in (FeeBasis.GFA, FeeBasis.GFA_MONTH):
        if unit.gross_area is None:
            sentence = _("The unit has no gross floor area; enter it before billing by area.")
            raise _refuse("quantity", charge.item, sentence)
        return unit.gross_area
    if basis == FeeBasis.UNIT:
        return Decimal(1)
    if not charge.quantity or charge.quantity <= 0:
        raise _refuse("quantity", charge.item, _("“%(item)s” needs a quantity above zero.", item=str(charge.item)))
    return charge.quantity


def amount_of(charge: Charge, unit: Unit) -> Decimal:
    """Quantity × months × rate and the item's handling fee in yuan, rounded half-up to the fen.

    Raises:
        FieldErrors: a quantity or the months are missing, or the product is too large.
    """
    months = 1
    if charge.item.basis in MONTHLY:
        if not charge.months or charge.months < 0:
            raise _refuse("months", charge.item, _("“%(item)s” needs a number of months.", item=str(charge.item)))
        months = charge.months
    try:
        return money(quantity_of(charge, unit) * months * charge.yuan_per_unit + charge.item.handling_fee)
    except InvalidValue as error:
        raise _refuse("quantity", charge.item, str(error)) from error


def period_end(start: date, months: int) -> date:
    """Last day of a period of whole months: 2026-11-21 and 3 give 2027-02-20.

    Where the month after has no such day, its last day begins the next period: a month from 31 January ends on
    27 February (28 in leap years).
    """
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, calendar.monthrange(year, month + 1)[1])
    return date(year, month + 1, day) - timedelta(days=1)


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
    """Issue a bill with a number of the series BILL (MI-06). ``due_on``: today when omitted.

    Raises:
        InvalidValue: no lines.
        FieldErrors: no payer, a due date in the past, an inactive item, a quantity or discount that cannot be.
    """
    actor.require("create", "Bill")
    if not charges:
        raise InvalidValue(_("Choose at least one fee item."))
    if not payer_name.strip():
        raise FieldErrors({"payer_name": _("Say who pays.")})
    today = estate_today(session, unit.estate_id)
    if due_on and due_on < today:
        raise FieldErrors({"due_on": _("The bill cannot be due before today.")})
    lines = [_line(charge, unit, seq) for seq, charge in enumerate(charges, 1)]
    bill = Bill(
        estate_id=unit.estate_id,
        number=next_number(session, unit.estate_id, "BILL", today.year),
        unit=unit,
        payer_id=payer_id,
        payer_name=payer_name.strip(),
        joint_liable=joint_liable,
        issued_on=today,
        due_on=due_on or today,
        receivable=_total(line.receivable for line in lines),
        received=Decimal(0),
        source_type=source.__tablename__ if source else "",
        source_id=source.id if source else None,
        lines=lines,
    )
    session.add(bill)
    session.flush()
    return bill


def _total(amounts: Any) -> Decimal:
    return money(sum(amounts, Decimal(0)))


def _line(charge: Charge, unit: Unit, seq: int) -> BillLine:
    item = charge.item
    if not item.active:
        raise _refuse("item", item, _("“%(item)s” is no longer charged.", item=str(item)))
    if charge.yuan_per_unit < 0:
        raise _refuse("rate", item, _("The rate of “%(item)s” cannot be below zero.", item=str(item)))
    amount, discount = amount_of(charge, unit), money(charge.discount)
    if not 0 <= discount <= amount:
        sentence = _("The discount on “%(item)s” must lie between zero and the amount.", item=str(item))
        raise _refuse("discount", item, sentence)
    if item.cap is not None and amount - discount > item.cap:
        sentence = _("“%(item)s” is capped at ¥%(cap)s here.", item=str(item), cap=f"{item.cap:,.2f}")
        raise _refuse("rate", item, sentence)
    if discount and not charge.discount_reason.strip():
        raise _refuse("discount_reason", item, _("Say why “%(item)s” is discounted.", item=str(item)))
    months = charge.months if item.basis in MONTHLY else None
    period_to = charge.period_to
    if charge.period_from and months and not period_to:
        period_to = period_end(charge.period_from, months)
    return BillLine(
        estate_id=unit.estate_id,
        item=item,
        seq=seq,
        title_zh=item.title_zh,
        title_en=item.title_en,
        kind=item.kind,
        basis=item.basis,
        handling_fee=item.handling_fee,
        rate=charge.yuan_per_unit,
        quantity=quantity_of(charge, unit),
        months=months,
        period_from=charge.period_from,
        period_to=period_to,
        amount=amount,
        discount=discount,
        discount_reason=charge.discount_reason.strip() if discount else "",
        receivable=amount - discount,
    )


def cancel_bill(session: Session, bill: Bill, *, reason: str, actor: Actor) -> None:
    """Take back a bill on which no money stands; payments have to be reversed first.

    Raises:
        InvalidValue: cancelled already, or money stands on it.
        FieldErrors: ``cancel_reason`` is missing.
    """
    actor.require("cancel", "Bill")
    if bill.cancelled_at:
        raise InvalidValue(_("This bill is cancelled already."))
    if bill.received:
        raise InvalidValue(_("Money was received on this bill. Reverse the payments first, then cancel it."))
    if not reason.strip():
        raise FieldErrors({"cancel_reason": _("Say why the bill is cancelled.")})
    bill.cancelled_at, bill.cancel_reason = now(), reason.strip()
    session.flush()


def take_payment(
    session: Session,
    bill: Bill,
    *,
    parts: Mapping[int, Decimal],
    method: PaymentMethod,
    payer_name: str = "",
    reference: str = "",
    invoice_no: str = "",
    actor: Actor,
) -> Payment:
    """Receive money for lines of a bill: ``{line id: yuan}``; gives the receipt its number (series RCPT).

    Raises:
        InvalidValue: nothing paid, a line of another bill, or the bill is cancelled.
        FieldErrors: ``part_<line id>``: less than zero or more than is outstanding on the line.
    """
    actor.require("create", "Payment")
    if bill.cancelled_at:
        raise InvalidValue(_("This bill is cancelled; nothing can be paid on it."))
    lines = {line.id: line for line in bill.lines}
    if not parts.keys() <= lines.keys():
        raise InvalidValue(_("These lines belong to another bill."))
    paid = {lines[line_id]: money(amount) for line_id, amount in parts.items() if amount}
    for line, amount in paid.items():
        if not 0 < amount <= line.outstanding:
            outstanding = format_money(line.outstanding)
            sentence = _("“%(item)s”: between zero and %(amount)s can be paid.", item=str(line), amount=outstanding)
            raise _refuse("part", line, sentence)
    if not paid:
        raise InvalidValue(_("Enter the amount received."))
    payment = _book(session, bill, paid, method=method, payer_name=payer_name.strip() or bill.payer_name, actor=actor)
    payment.reference, payment.invoice_no = reference.strip(), invoice_no.strip()
    session.flush()
    return payment


def reverse_payment(session: Session, payment: Payment, *, reason: str, actor: Actor) -> Payment:
    """Book a payment back with a negative receipt; the original stays as it was (forms E2).

    Raises:
        InvalidValue: a reversal, reversed already, or the deposit it brought was refunded.
        FieldErrors: ``reason`` is missing.
    """
    actor.require("reverse", "Payment")
    if payment.reverses_id:
        raise InvalidValue(_("A reversal cannot be reversed; take the payment again instead."))
    if payment.reversed:
        raise InvalidValue(_("This payment was reversed already."))
    if any(part.line.refund for part in payment.parts):
        raise InvalidValue(_("The deposit of this payment was refunded; it cannot be reversed any more."))
    if not reason.strip():
        raise FieldErrors({"reason": _("Say why the payment is reversed.")})
    back = {part.line: -part.amount for part in payment.parts}
    reversal = _book(session, payment.bill, back, method=payment.method, payer_name=payment.payer_name, actor=actor)
    reversal.reverses, reversal.reason = payment, reason.strip()
    session.flush()
    session.expire(payment, ["reversal"])
    return reversal


def refund_deposit(
    session: Session, line: BillLine, *, withheld: Decimal = Decimal(0), method: PaymentMethod, payee_name: str,
    reason: str = "", actor: Actor,
) -> DepositRefund:  # fmt: skip
    """Pay the deposit on a bill's line back, less what is ``withheld`` by agreement, under a number of the series RFND.

    ``reason``: what it is withheld for. Neither the payment nor the bill changes (forms C9, E2).

    Raises:
        InvalidValue: no deposit, nothing was received on it, or it was refunded already.
        FieldErrors: ``withheld`` is more than the deposit, or without its reason; nobody to refund to.
    """
    actor.require("create", "Payment")
    if line.kind != FeeKind.DEPOSIT or line.received <= 0:
        raise InvalidValue(_("There is no deposit to refund."))
    if line.refund is not None:
        raise InvalidValue(_("This deposit was refunded already: %(number)s.", number=line.refund.receipt_no))
    errors = {}
    if not 0 <= withheld <= line.received:
        errors["withheld"] = _("At most %(amount)s is left to be set off.", amount=format_money(line.received))
    if withheld and not reason.strip():
        errors["reason"] = _("Say why.")
    if not payee_name.strip():
        errors["payee_name"] = _("Say who gets the refund.")
    if errors:
        raise FieldErrors(errors)
    refund = DepositRefund(
        estate_id=line.estate_id, line=line, method=method, refunded_at=now(), cashier_name=actor.name,
        receipt_no=next_number(session, line.estate_id, "RFND", estate_today(session, line.estate_id).year),
        amount=money(line.received - withheld), withheld=money(withheld), payee_name=payee_name.strip()[:120],
        reason=reason.strip()[:200],
    )  # fmt: skip
    session.add(refund)
    session.flush()
    return refund


def _book(
    session: Session,
    bill: Bill,
    parts: Mapping[BillLine, Decimal],
    *,
    method: PaymentMethod,
    payer_name: str,
    actor: Actor,
) -> Payment:
    """A payment (or, with negative parts, a reversal) under the next receipt number; not flushed yet."""
    with session.no_autoflush:
        amount = _total(parts.values())
        payment = Payment(
            estate_id=bill.estate_id,
            bill=bill,
            receipt_no=next_number(session, bill.estate_id, "RCPT", estate_today(session, bill.estate_id).year),
            amount=amount,
            method=method,
            received_at=now(),
            payer_name=payer_name,
            cashier_name=actor.name,
            parts=[PaymentPart(estate_id=bill.estate_id, line=line, amount=part) for line, part in parts.items()],
        )
        bill.received += amount
        session.add(payment)
    return payment


def save_fee_item(session: Session, item: FeeItem, *, actor: Actor) -> FeeItem:
    """Store a catalogue entry.

    Raises:
        FieldErrors: a handling fee on money collected on behalf (Regulations on Property Management art. 44), or a
            deposit that is not refundable.
    """
    actor.require("update" if item.id else "create", "FeeItem")
    if item.kind == FeeKind.ON_BEHALF and item.handling_fee:
        sentence = _(
            "No handling fee may be charged on money collected for suppliers (Regulations on Property Management art. 44)."
        )
        raise FieldErrors({"handling_fee": sentence})
    if item.kind == FeeKind.DEPOSIT and not item.refundable:
        raise FieldErrors({"refundable": _("A deposit has to be refundable.")})
    session.add(item)
    session.flush()
    return item
