"""The papers of the fees module: F15 move-in fee record, payment notice, receipt (forms A8, E2; MI-06)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of
from app.core.papers.titles import in_both
from app.core.records.clock import estate_time
from app.core.records.estate import Estate
from app.modules.fees.models import Bill, BillLine, Payment
from app.modules.fees.papers.movein_fee_record import context as fee_record
from app.modules.fees.papers.payment_notice import context as notice
from app.modules.fees.papers.receipt import context as receipt
from app.modules.people.models import Tenure

FOLDER = Path(__file__).parent / "papers"

PAYER = Bilingual("交款人", "Payer")
PAYEE = Bilingual("收款人", "Payee")
CASHIER = Bilingual("出纳员", "Cashier")
CENTRE = Bilingual("物业服务中心", "Property service centre")
WAYS = (
    Bilingual(
        "服务中心前台：现金、银行卡、微信支付、支付宝", "At the service desk: cash, bank card, WeChat Pay, Alipay"
    ),
    Bilingual("银行转账，请注明房号及本单编号", "Bank transfer; please state the unit and the number of this notice"),
)


def fee_record_of(bill: Bill, header: Header) -> fee_record.Context:
    """F15: every line of the bill with what was received on it and under which receipts."""
    session = _session(bill)
    standing = [payment for payment in bill.payments if payment.amount > 0 and not payment.reversed]
    last = standing[-1] if standing else None
    paid_on = estate_time(session, bill.estate_id, last.received_at).date() if last else None
    cashier = last.cashier_name if last else header.issued_by
    return fee_record.Context(
        header=replace(header, unit_code=bill.unit.code),
        payer=bill.payer_name,
        capacity=_capacity(session, bill),
        gfa=bill.unit.gross_area,
        cashier=cashier,
        paid_on=paid_on,
        lines=tuple(_fee_line(line) for line in bill.lines),
        signatures=(
            Signature(role=PAYER, name=bill.payer_name, signed_on=paid_on),
            Signature(role=CASHIER, name=cashier, signed_on=paid_on, stamp=True),
        ),
    )


def _fee_line(line: BillLine) -> fee_record.FeeLine:
    payments = [part.payment for part in line.parts if part.amount > 0 and not part.payment.reversed]
    return fee_record.FeeLine(
        item=line.title,
        kind=in_both(line.kind.title),
        basis=line.reckoning,
        period_from=line.period_from,
        period_to=line.period_to,
        amount=line.amount,
        discount=line.discount,
        receivable=line.receivable,
        received=line.received,
        method=in_both(payments[-1].method.title) if payments else None,
        receipt_no=" ".join(payment.receipt_no for payment in payments),
    )


def _capacity(session: Session, bill: Bill) -> Bilingual | None:
    """What the payer was to the unit when the bill was issued."""
    tenures = session.scalars(
        select(Tenure).where(Tenure.unit_id == bill.unit_id, Tenure.person_id == bill.payer_id).order_by(Tenure.id)
    )
    held = next((tenure for tenure in tenures if tenure.holds_on(bill.issued_on)), None)
    return in_both(held.role.title) if held else None


def notice_of(bill: Bill, header: Header) -> notice.Context:
    """The payment notice: what is still due on the bill."""
    estate = _session(bill).get_one(Estate, bill.estate_id)
    return notice.Context(
        header=replace(header, unit_code=bill.unit.code),
        addressee=bill.payer_name,
        due_on=bill.due_on,
        lines=tuple(
            notice.NoticeLine(
                item=line.title,
                period_from=line.period_from,
                period_to=line.period_to,
                basis=line.reckoning,
                receivable=line.receivable,
                paid=line.received,
            )
            for line in bill.lines
        ),
        ways=WAYS if estate.bank_account else WAYS[:1],
        account=estate.bank_account,
        contact=header.issued_by,
        phone=estate.service_phone,
        signature=Signature(role=CENTRE, name=estate.company_zh, signed_on=header.issued_on, stamp=True),
    )


def receipt_of(payment: Payment, header: Header) -> receipt.Context:
    """The receipt of a payment; of a reversal a negative one that names the receipt it takes back."""
    bill, back = payment.bill, payment.reverses
    received_at = estate_time(_session(payment), payment.estate_id, payment.received_at)
    day: date = received_at.date()
    return receipt.Context(
        header=replace(header, unit_code=bill.unit.code),
        payer=payment.payer_name,
        lines=tuple(
            receipt.ReceiptLine(
                item=part.line.title,
                period_from=part.line.period_from,
                period_to=part.line.period_to,
                amount=part.amount,
                note=bill.number,
            )
            for part in payment.parts
        ),
        method=in_both(payment.method.title),
        reference=payment.reference or payment.invoice_no,
        received_at=received_at,
        cashier=payment.cashier_name,
        reverses=back.receipt_no if back else "",
        reversal_reason=payment.reason,
        signatures=(
            Signature(role=PAYEE if back else PAYER, name=payment.payer_name, signed_on=day),
            Signature(role=CASHIER, name=payment.cashier_name, signed_on=day, stamp=True),
        ),
    )


def _session(record: Bill | Payment) -> Session:
    session = object_session(record)
    assert session is not None
    return session


FEE_RECORD = kind_of(FOLDER / "movein_fee_record", Bill, fee_record_of)
NOTICE = kind_of(FOLDER / "payment_notice", Bill, notice_of, number=lambda bill: bill.number)
RECEIPT = kind_of(FOLDER / "receipt", Payment, receipt_of, number=lambda payment: payment.receipt_no)
KINDS = (FEE_RECORD, NOTICE, RECEIPT)
