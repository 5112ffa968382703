"""What the papers of the fees module say: F15, payment notice, receipt and its reversal (forms A8, E2; MI-06)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from app.core.papers.services import issue, preview
from app.core.papers.template import load_paper
from app.core.records.estate import Estate
from app.modules.fees.printing import FEE_RECORD, NOTICE, RECEIPT
from app.modules.fees.services import Charge, reverse_payment, take_payment
from app.modules.fees.states import PaymentMethod

pytestmark = pytest.mark.clause("MI-06")


def context_of(kind: Any, record: Any) -> Any:
    header = load_paper(kind.folder).header(
        company="安居物业服务有限公司", estate_name_zh="测试花园", estate_name_en="Test Gardens",
        issued_on=date(2026, 11, 21), issued_by="Receptionist",
    )  # fmt: skip
    return kind.context(record, header)


@pytest.fixture
def payment(session: Any, bill_for: Any, item: Any, actor_of: Any) -> Any:
    bill = bill_for(
        Charge(
            item=item("property_service"),
            months=3,
            period_from=date(2026, 12, 1),
            discount=Decimal(50),
            discount_reason="优惠",
        ),
        Charge(item=item("gas_connection"), quantity=Decimal(1)),
    )
    parts = {bill.lines[0].id: Decimal("700.29")}
    return take_payment(
        session, bill, parts=parts, method=PaymentMethod.WECHAT, reference="4200001", actor=actor_of("cashier")
    )


def test_the_fee_record_lists_what_was_charged_and_received(payment: Any) -> None:
    paper = context_of(FEE_RECORD, payment.bill)
    service, gas = paper.lines
    assert (paper.header.unit_code, paper.payer, paper.capacity.en) == ("7-1-1502", "张三丰", "Owner")
    assert (service.basis, service.amount, service.discount, service.received) == (
        "89.32 m² × ¥2.80 × 3", Decimal("750.29"), Decimal(50), Decimal("700.29"),
    )  # fmt: skip
    assert (service.kind.en, service.method.en, service.receipt_no) == (
        "Service income",
        "WeChat Pay",
        payment.receipt_no,
    )
    assert (gas.kind.en, gas.received, gas.method, gas.receipt_no) == ("Collection on behalf", 0, None, "")
    assert (paper.receivable, paper.received, paper.cashier) == (Decimal("780.29"), Decimal("700.29"), "Cashier")


def test_a_reversed_payment_leaves_the_fee_record(session: Any, payment: Any, actor_of: Any) -> None:
    reverse_payment(session, payment, reason="录错", actor=actor_of("manager"))
    paper = context_of(FEE_RECORD, payment.bill)
    assert (paper.received, paper.lines[0].receipt_no, paper.paid_on, paper.cashier) == (0, "", None, "Receptionist")


def test_the_notice_asks_for_what_is_left(session: Any, payment: Any) -> None:
    paper = context_of(NOTICE, payment.bill)
    assert [line.due for line in paper.lines] == [0, Decimal(80)]
    assert (paper.total, paper.due_on, paper.addressee, paper.phone) == (
        Decimal(80),
        payment.bill.due_on,
        "张三丰",
        "010-12345678",
    )
    assert (paper.account, len(paper.ways)) == ("", 1)
    session.get(Estate, 1).bank_account = "安居物业，中国银行，3566 0000"
    paper = context_of(NOTICE, payment.bill)
    assert (paper.account, len(paper.ways)) == ("安居物业，中国银行，3566 0000", 2)


def test_the_receipt_says_who_paid_what_how_and_when(session: Any, payment: Any) -> None:
    paper = context_of(RECEIPT, payment)
    assert [(line.item.en, line.amount) for line in paper.lines] == [
        ("Property service fee (advance)", Decimal("700.29"))
    ]
    assert (paper.payer, paper.method.en, paper.reference, paper.cashier) == (
        "张三丰",
        "WeChat Pay",
        "4200001",
        "Cashier",
    )
    assert paper.received_at.tzinfo is None
    assert (paper.received_at - payment.received_at.replace(tzinfo=None)).total_seconds() == 8 * 3600
    assert (paper.reverses, paper.total) == ("", Decimal("700.29"))


def test_a_reversal_has_a_negative_receipt_that_names_the_first(session: Any, payment: Any, actor_of: Any) -> None:
    paper = context_of(RECEIPT, reverse_payment(session, payment, reason="录错", actor=actor_of("manager")))
    assert (paper.total, paper.reverses, paper.reversal_reason) == (Decimal("-700.29"), payment.receipt_no, "录错")
    assert paper.signatures[0].role.en == "Payee"


def test_issued_receipts_bear_the_number_of_the_payment(session: Any, payment: Any, actor_of: Any) -> None:
    cashier = actor_of("cashier")
    first = issue(session, RECEIPT, payment, language="both", actor=cashier)
    assert (first.number, first.unit_code) == (payment.receipt_no, "7-1-1502")
    assert issue(session, RECEIPT, payment, language="zh", actor=cashier).number == f"{payment.receipt_no}-2"
    assert issue(session, NOTICE, payment.bill, language="both", actor=cashier).number == payment.bill.number
    assert issue(session, FEE_RECORD, payment.bill, language="both", actor=cashier).number.startswith("F15-")
    assert preview(session, RECEIPT, payment, language="en", actor=cashier).startswith(b"%PDF")
