"""Bills and receipts in the search box, by the beginning or the end of their number."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core.records.amounts import format_money
from app.core.search.numbers import any_numbered, numbered
from app.core.search.provider import Hit, SearchProvider
from app.modules.fees.models import Bill, Payment


def find_bills(session: Session, text: str, limit: int) -> Sequence[Hit]:
    wanted = numbered(Bill.number, text)
    if wanted is None:
        return ()
    query = select(Bill).where(wanted).order_by(Bill.id.desc()).limit(limit).options(joinedload(Bill.unit))
    return [
        Hit(bill.number, f"{bill.unit.code} {bill.payer_name} {format_money(bill.receivable)}",
            url_for("BillView.show", pk=bill.id), "receipt")
        for bill in session.scalars(query)
    ]  # fmt: skip


def find_receipts(session: Session, text: str, limit: int) -> Sequence[Hit]:
    wanted = _of_receipt(text)
    if wanted is None:
        return ()
    query = (
        select(Payment)
        .where(wanted)
        .order_by(Payment.id.desc())
        .limit(limit)
        .options(joinedload(Payment.bill).joinedload(Bill.unit))
    )
    return [
        Hit(payment.receipt_no, f"{payment.bill.unit.code} {payment.payer_name} {format_money(payment.amount)}",
            url_for("PaymentView.show", pk=payment.id), "cash")
        for payment in session.scalars(query)
    ]  # fmt: skip


def _of_receipt(text: str) -> ColumnElement[bool] | None:
    """Criterion for the number of a receipt or of its invoice."""
    by_receipt = numbered(Payment.receipt_no, text)
    return None if by_receipt is None else or_(by_receipt, func.upper(Payment.invoice_no) == text.strip().upper())


def _any_receipt(text: str) -> ColumnElement[bool] | None:
    wanted = _of_receipt(text)
    return None if wanted is None else exists().where(wanted)


BILLS = SearchProvider("bills", _l("Bills"), "Bill", find_bills, any_numbered(Bill.number))
RECEIPTS = SearchProvider("receipts", _l("Receipts"), "Payment", find_receipts, _any_receipt)
