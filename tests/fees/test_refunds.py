"""Deposits go back once and whole, less what is withheld with its reason; nothing booked before changes (RN-12)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import NotAllowed
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.fees.models import BillLine, DepositRefund
from app.modules.fees.services import Charge, refund_deposit, reverse_payment, take_payment
from app.modules.fees.states import PaymentMethod

pytestmark = pytest.mark.clause("RN-12")

CASH = {"method": PaymentMethod.CASH, "payee_name": "张三丰"}


@pytest.fixture
def lines(session: Any, bill_for: Any, item: Any, actor_of: Any) -> list[BillLine]:
    """A deposit of 2000 yuan and two access cards, both paid."""
    bill = bill_for(
        Charge(item=item("renovation_deposit")), Charge(item=item("access_card"), quantity=Decimal(2))
    )  # fmt: skip
    parts = {line.id: line.outstanding for line in bill.lines}
    take_payment(session, bill, parts=parts, method=PaymentMethod.WECHAT, actor=actor_of("cashier"))
    return bill.lines


def test_a_deposit_is_refunded_under_a_number_of_its_own(session: Any, lines: list[BillLine], actor_of: Any) -> None:
    refund = refund_deposit(
        session, lines[0], withheld=Decimal("300.5"), reason="协议第八条", actor=actor_of("cashier"), **CASH
    )  # fmt: skip
    assert refund.receipt_no.startswith("RFND-")
    assert (refund.amount, refund.withheld) == (Decimal("1699.50"), Decimal("300.50"))
    assert lines[0].bill.received == lines[0].bill.receivable and not lines[0].bill.open


def test_nothing_is_refunded_twice_and_a_refunded_payment_is_not_reversed(
    session: Any, lines: list[BillLine], actor_of: Any
) -> None:
    refund = refund_deposit(session, lines[0], actor=actor_of("cashier"), **CASH)
    with pytest.raises(InvalidValue, match=refund.receipt_no):
        refund_deposit(session, lines[0], actor=actor_of("cashier"), **CASH)
    with pytest.raises(InvalidValue, match="refunded"):
        reverse_payment(session, lines[0].bill.payments[0], reason="录错", actor=actor_of("manager"))
    values = {c.name: getattr(refund, c.name) for c in DepositRefund.__table__.c if c.name != "id"}
    for change in ({"receipt_no": "RFND-X"}, {"receipt_no": "RFND-Y", "line_id": lines[1].id, "amount": 0}):
        with pytest.raises(IntegrityError), session.begin_nested():
            session.execute(DepositRefund.__table__.insert().values(**{**values, **change}))


def test_only_deposits_go_back_and_only_with_reasons(session: Any, lines: list[BillLine], actor_of: Any) -> None:
    cashier = actor_of("cashier")
    with pytest.raises(InvalidValue):
        refund_deposit(session, lines[1], actor=cashier, **CASH)
    for withheld, reason in ((Decimal("2000.01"), "x"), (Decimal(1), " "), (Decimal(-1), "x")):
        with pytest.raises(FieldErrors):
            refund_deposit(session, lines[0], withheld=withheld, reason=reason, actor=cashier, **CASH)
    with pytest.raises(FieldErrors):
        refund_deposit(session, lines[0], method=PaymentMethod.CASH, payee_name=" ", actor=cashier)
    with pytest.raises(NotAllowed):
        refund_deposit(session, lines[0], actor=actor_of("receptionist"), **CASH)
    assert lines[0].refund is None


def test_the_bill_and_the_day_list_show_the_refund(
    session: Any, lines: list[BillLine], actor_of: Any, client_of: Any
) -> None:
    refund = refund_deposit(
        session, lines[0], withheld=Decimal(200), reason="电梯划痕", actor=actor_of("cashier"), **CASH
    )  # fmt: skip
    number, bill_id = refund.receipt_no, lines[0].bill_id
    session.commit()
    client = client_of("cashier")
    for address in (f"/bills/{bill_id}", "/cash-day/"):
        page = client.get(address).get_data(as_text=True)
        assert number in page and "1,800.00" in page and "200.00" in page
