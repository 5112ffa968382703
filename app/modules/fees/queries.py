"""Every read of the fees module; each function costs a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.core.access.actor import current_actor
from app.core.papers.models import Paper
from app.core.records.amounts import money
from app.core.records.base import Record
from app.core.records.clock import bounds_of
from app.modules.estates.models import Unit
from app.modules.fees.models import Bill, BillLine, DepositRefund, FeeItem, Payment, PaymentPart
from app.modules.fees.states import PaymentMethod

WHOLE_BILL = (
    joinedload(Bill.unit),
    selectinload(Bill.lines).selectinload(BillLine.parts),
    selectinload(Bill.lines).joinedload(BillLine.refund),
    selectinload(Bill.payments).selectinload(Payment.parts).joinedload(PaymentPart.line),
    selectinload(Bill.payments).joinedload(Payment.reversal),
)
"""Everything a bill's page shows, in six statements."""


def bills_of(session: Session, source: Record) -> Sequence[Bill]:
    """Bills issued for ``source`` (a move-in case), cancelled ones too, oldest first, with lines and payments."""
    return session.scalars(
        select(Bill)
        .where(Bill.source_type == source.__tablename__, Bill.source_id == source.id)
        .order_by(Bill.id)
        .options(*WHOLE_BILL)
    ).all()


def standing_bills(session: Session, source: Record) -> list[Bill]:
    """Bills of ``source`` that were not cancelled, as :func:`bills_of`."""
    return [bill for bill in bills_of(session, source) if bill.cancelled_at is None]


def whole_bill(session: Session, bill_id: int) -> Bill | None:
    """The bill with lines and payments, if the actor may see it."""
    return session.scalar(select(Bill).where(Bill.id == bill_id).options(*WHOLE_BILL))


def open_bills_of_unit(session: Session, unit: Unit) -> Sequence[Bill]:
    """Bills of a unit on which something is still to be paid, the one due first on top."""
    query = select(Bill).where(Bill.unit_id == unit.id, Bill.open).order_by(Bill.due_on, Bill.id)
    return session.scalars(query).all()


OWED_OF_UNIT = {
    name: select(value).where(Bill.unit_id == Unit.id, Bill.open).correlate(Unit).scalar_subquery()
    for name, value in (
        ("owed", func.sum(Bill.receivable - Bill.received)), ("count", func.count(Bill.id)), ("since", func.min(Bill.due_on))
    )
}  # fmt: skip
"""What is owed for a unit, on how many bills, and the earliest day on which one of them was due: expressions."""


def last_payments_of_unit(session: Session, unit: Unit, limit: int = 5) -> Sequence[Payment]:
    """The newest payments and reversals for a unit."""
    return session.scalars(
        select(Payment)
        .join(Payment.bill)
        .where(Bill.unit_id == unit.id)
        .order_by(Payment.received_at.desc(), Payment.id.desc())
        .limit(limit)
        .options(joinedload(Payment.bill))
    ).all()


@dataclass(frozen=True)
class MethodTotal:
    """What came in by one method: number of receipts, yuan less reversals."""

    method: PaymentMethod
    count: int
    amount: Decimal


def payments_between(session: Session, start: date, end: date) -> Sequence[Payment]:
    """Payments and reversals of the actor's estate received on the days ``start`` to ``end``, in order of receipt."""
    first, after = bounds_of(session, current_actor().estate_id or 0, start, end)
    return session.scalars(
        select(Payment)
        .where(Payment.received_at >= first, Payment.received_at < after)
        .order_by(Payment.received_at, Payment.id)
        .options(joinedload(Payment.bill).joinedload(Bill.unit))
    ).all()


def refunds_between(session: Session, start: date, end: date) -> Sequence[DepositRefund]:
    """Deposits that ended on the days ``start`` to ``end`` in the actor's estate, in order."""
    first, after = bounds_of(session, current_actor().estate_id or 0, start, end)
    return session.scalars(
        select(DepositRefund)
        .where(DepositRefund.refunded_at >= first, DepositRefund.refunded_at < after)
        .order_by(DepositRefund.refunded_at, DepositRefund.id)
        .options(joinedload(DepositRefund.line).joinedload(BillLine.bill).joinedload(Bill.unit))
    ).all()


def added_up(payments: Sequence[Payment]) -> list[MethodTotal]:
    """Loaded payments added up by method."""
    found = {method: [p.amount for p in payments if p.method is method] for method in PaymentMethod}
    return [MethodTotal(method, len(amounts), sum(amounts, Decimal(0))) for method, amounts in found.items() if amounts]


def totals_by_method(session: Session, *clauses: Any) -> list[MethodTotal]:
    """The payments that satisfy ``clauses``, added up by method (the cashier's balance)."""
    rows = session.execute(
        select(Payment.method, func.count(), func.sum(Payment.amount)).where(*clauses).group_by(Payment.method)
    )
    found = {method: MethodTotal(method, count, money(exact(amount))) for method, count, amount in rows}
    return [found[method] for method in PaymentMethod if method in found]


@dataclass(frozen=True)
class ItemTotal:
    """What one fee item brought in a period, in yuan: charged, and received less reversals (both from those bills)."""

    title_zh: str
    title_en: str
    charged: Decimal
    received: Decimal


def charged_by_item(session: Session, start: date, end: date, source_type: str = "") -> list[ItemTotal]:
    """Fees of the bills issued from ``start`` to ``end`` by fee item, in catalogue order; cancelled bills don't count.

    ``source_type``: only bills issued for records of this table (``movein_case``: the move-in fees).
    """
    issued: list[Any] = [Bill.issued_on.between(start, end), Bill.cancelled_at.is_(None)]
    if source_type:
        issued.append(Bill.source_type == source_type)
    bills = select(BillLine).join(BillLine.bill).where(*issued)
    charged = dict(
        session.execute(
            bills.with_only_columns(BillLine.fee_item_id, func.sum(BillLine.receivable)).group_by(BillLine.fee_item_id)
        ).all()
    )
    received = dict(
        session.execute(
            bills.join(BillLine.parts)
            .with_only_columns(BillLine.fee_item_id, func.sum(PaymentPart.amount))
            .group_by(BillLine.fee_item_id)
        ).all()
    )
    items = session.scalars(select(FeeItem).where(FeeItem.id.in_(charged)).order_by(FeeItem.seq, FeeItem.code))
    return [
        ItemTotal(item.title_zh, item.title_en, money(exact(charged[item.id])), money(exact(received.get(item.id))))
        for item in items
    ]


def papers_of_bill(session: Session, bill: Bill) -> Sequence[Paper]:
    """Papers issued about the bill and its payments, newest first."""
    about_payments = and_(Paper.record_type == "payment", Paper.record_id.in_([p.id for p in bill.payments]))
    about_bill = and_(Paper.record_type == "bill", Paper.record_id == bill.id)
    return session.scalars(select(Paper).where(or_(about_bill, about_payments)).order_by(Paper.id.desc())).all()


def proposed_items(session: Session) -> Sequence[FeeItem]:
    """Active fee items in catalogue order; those with ``proposed`` are ticked at move-in."""
    return session.scalars(select(FeeItem).where(FeeItem.active).order_by(FeeItem.seq, FeeItem.code)).all()


def totals_of_bills(session: Session, *clauses: Any) -> tuple[Decimal, Decimal]:
    """Receivable and received of the bills that satisfy ``clauses``, in yuan; cancelled ones don't count."""
    query = select(func.sum(Bill.receivable), func.sum(Bill.received)).where(Bill.cancelled_at.is_(None), *clauses)
    receivable, received = session.execute(query).one()
    return money(exact(receivable)), money(exact(received))


def exact(total: Decimal | float | None) -> Decimal:
    """A sum as the database returns it (SQLite adds up in binary) as the decimal it means."""
    return Decimal(0) if total is None else Decimal(str(total)) if isinstance(total, float) else total
