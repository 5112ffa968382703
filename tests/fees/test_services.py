"""Bills, payments and reversals: amounts, rights, numbers, and what the database itself refuses (MI-06)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import NotAllowed
from app.core.audit.models import AuditEntry
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.fees.models import BillLine, FeeItem, Payment
from app.modules.fees.seeding import seed
from app.modules.fees.services import (
    Charge,
    amount_of,
    cancel_bill,
    period_end,
    reverse_payment,
    save_fee_item,
    take_payment,
)
from app.modules.fees.states import FeeBasis, FeeKind, PaymentMethod

pytestmark = pytest.mark.clause("MI-06")


def pay(session: Any, bill: Any, actor: Any, *amounts: str, **values: Any) -> Payment:
    parts = {line.id: Decimal(amount) for line, amount in zip(bill.lines, amounts, strict=False)}
    return take_payment(session, bill, parts=parts, method=PaymentMethod.WECHAT, actor=actor, **values)


def fee(basis: FeeBasis, rate: str, **values: Any) -> FeeItem:
    return FeeItem(
        id=7,
        code="x",
        title_zh="费",
        title_en="Fee",
        basis=basis,
        rate=Decimal(rate),
        **values,
        handling_fee=Decimal(0),
    )


@pytest.mark.parametrize(
    ("basis", "rate", "quantity", "months", "amount"),
    [
        (FeeBasis.GFA_MONTH, "2.80", None, 3, "750.29"),  # 89.32 × 2.80 × 3 = 750.288
        (FeeBasis.GFA, "4.00", None, None, "357.28"),
        (FeeBasis.GFA, "0.5625", None, None, "50.24"),  # 50.2425
        (FeeBasis.UNIT, "2000", None, None, "2000.00"),
        (FeeBasis.PIECE, "15", "2", None, "30.00"),
        (FeeBasis.TIME, "0.005", "1", None, "0.01"),  # half a fen is rounded up
        (FeeBasis.METER, "80", "1.50", None, "120.00"),
        (FeeBasis.BAY_MONTH, "60", "2", 6, "720.00"),
    ],
)
def test_an_amount_is_quantity_by_months_by_rate_rounded_half_up(
    household: Any, basis: FeeBasis, rate: str, quantity: str | None, months: int | None, amount: str
) -> None:
    charge = Charge(item=fee(basis, rate), quantity=Decimal(quantity) if quantity else None, months=months)
    assert amount_of(charge, household.unit) == Decimal(amount)


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 11, 21), 3, date(2027, 2, 20)),
        (date(2026, 12, 1), 3, date(2027, 2, 28)),
        (date(2027, 1, 31), 1, date(2027, 2, 27)),
        (date(2024, 1, 1), 12, date(2024, 12, 31)),
    ],
)
def test_a_period_of_months_ends_the_day_before(start: date, months: int, end: date) -> None:
    assert period_end(start, months) == end


def test_a_bill_freezes_what_the_catalogue_said(session: Any, bill_for: Any, item: Any, household: Any) -> None:
    service = item("property_service")
    bill = bill_for(
        Charge(
            item=service, months=3, period_from=date(2026, 12, 1), discount=Decimal("0.10"), discount_reason="入住优惠"
        )
    )
    service.rate, service.title_zh = Decimal(9), "改名"
    household.unit.gross_area = Decimal(50)
    session.flush()
    line = bill.lines[0]
    assert (line.amount, line.discount, line.receivable) == (Decimal("750.29"), Decimal("0.10"), Decimal("750.19"))
    assert (line.title_zh, line.rate, line.quantity) == ("物业服务费（预收）", Decimal("2.80"), Decimal("89.32"))
    assert (line.period_from, line.period_to) == (date(2026, 12, 1), date(2027, 2, 28))
    assert line.reckoning == "89.32 m² × ¥2.80 × 3"
    assert bill.receivable == bill.outstanding == Decimal("750.19")
    assert bill.open


@pytest.mark.parametrize(
    ("charge", "input_name"),
    [
        ({"code": "access_card"}, "quantity"),
        ({"code": "access_card", "quantity": Decimal(-1)}, "quantity"),
        ({"code": "access_card", "quantity": Decimal("9999999999")}, "quantity"),
        ({"code": "property_service"}, "months"),
        ({"code": "property_service", "months": -3}, "months"),
        ({"code": "renovation_deposit", "discount": Decimal(1)}, "discount_reason"),
        ({"code": "renovation_deposit", "discount": Decimal("2000.01"), "discount_reason": "x"}, "discount"),
        ({"code": "renovation_deposit", "discount": Decimal(-1), "discount_reason": "x"}, "discount"),
        ({"code": "renovation_deposit", "rate": Decimal(-1)}, "rate"),
        ({"code": "maintenance_fund"}, "item"),
    ],
)
def test_a_line_that_cannot_be_billed_names_its_input(
    bill_for: Any, item: Any, charge: dict[str, Any], input_name: str
) -> None:
    wanted = item(charge.pop("code"))
    with pytest.raises(FieldErrors) as refusal:
        bill_for(Charge(item=wanted, **charge))
    assert list(refusal.value.errors) == [f"{input_name}_{wanted.id}"]


def test_billing_by_area_needs_the_area(session: Any, bill_for: Any, household: Any) -> None:
    household.unit.gross_area = None
    with pytest.raises(FieldErrors, match="gross floor area"):
        bill_for()


def test_a_bill_needs_lines_a_payer_and_a_due_date_that_is_not_past(
    session: Any, household: Any, bill_for: Any, actor_of: Any
) -> None:
    from app.modules.fees.services import issue_bill

    with pytest.raises(InvalidValue):
        issue_bill(session, unit=household.unit, payer_id=None, payer_name="x", charges=[], actor=actor_of("cashier"))
    with pytest.raises(FieldErrors) as refusal:
        bill_for(payer_name="  ")
    assert set(refusal.value.errors) == {"payer_name"}
    with pytest.raises(FieldErrors) as refusal:
        bill_for(due_on=bill_for().issued_on - timedelta(days=1))
    assert set(refusal.value.errors) == {"due_on"}


def test_money_comes_in_parts_and_each_part_has_a_receipt(session: Any, bill_for: Any, actor_of: Any) -> None:
    bill, cashier = bill_for(), actor_of("cashier")
    first = pay(session, bill, cashier, "500", "30", reference="4200001", invoice_no=" 24312000 ")
    assert (bill.received, bill.outstanding, bill.open) == (Decimal(530), Decimal("250.29"), True)
    assert (first.cashier_name, first.payer_name, first.invoice_no) == ("Cashier", "张三丰", "24312000")
    second = pay(session, bill, cashier, "250.29", payer_name="李四")
    assert (bill.outstanding, bill.open, str(bill.standing.title)) == (0, False, "Paid")
    assert int(second.receipt_no[-5:]) == int(first.receipt_no[-5:]) + 1
    assert second.payer_name == "李四"


@pytest.mark.parametrize("amounts", [("750.30",), ("-1",), ("0", "30.01")])
def test_nobody_pays_more_than_is_owed(session: Any, bill_for: Any, actor_of: Any, amounts: tuple[str, ...]) -> None:
    bill = bill_for()
    with pytest.raises(FieldErrors) as refusal:
        pay(session, bill, actor_of("cashier"), *amounts)
    assert set(refusal.value.errors) == {f"part_{bill.lines[len(amounts) - 1].id}"}
    assert session.scalars(select(Payment)).all() == []


def test_a_payment_of_nothing_or_for_another_bill_is_refused(session: Any, bill_for: Any, actor_of: Any) -> None:
    bill, other = bill_for(), bill_for()
    with pytest.raises(InvalidValue):
        pay(session, bill, actor_of("cashier"), "0", "0")
    with pytest.raises(InvalidValue):
        take_payment(
            session, bill, parts={other.lines[0].id: Decimal(1)}, method=PaymentMethod.CASH, actor=actor_of("cashier")
        )


def test_a_reversal_books_back_and_leaves_the_payment_as_it_was(session: Any, bill_for: Any, actor_of: Any) -> None:
    bill = bill_for()
    payment = pay(session, bill, actor_of("cashier"), "100", "30")
    reversal = reverse_payment(session, payment, reason="金额录错", actor=actor_of("manager"))
    assert (payment.amount, reversal.amount, reversal.reason) == (Decimal(130), Decimal(-130), "金额录错")
    assert [part.amount for part in reversal.parts] == [Decimal(-100), Decimal(-30)]
    assert payment.reversal is reversal and payment.reversed
    assert (bill.received, bill.lines[0].received, bill.open) == (0, 0, True)
    assert int(reversal.receipt_no[-5:]) == int(payment.receipt_no[-5:]) + 1
    for wrong in (payment, reversal):
        with pytest.raises(InvalidValue):
            reverse_payment(session, wrong, reason="again", actor=actor_of("manager"))
    with pytest.raises(FieldErrors):
        reverse_payment(session, pay(session, bill, actor_of("cashier"), "1"), reason=" ", actor=actor_of("manager"))


def test_a_bill_is_cancelled_only_without_money_on_it(session: Any, bill_for: Any, actor_of: Any) -> None:
    bill, receptionist = bill_for(), actor_of("receptionist")
    payment = pay(session, bill, actor_of("cashier"), "1")
    with pytest.raises(InvalidValue, match="Reverse the payments"):
        cancel_bill(session, bill, reason="x", actor=receptionist)
    reverse_payment(session, payment, reason="x", actor=actor_of("manager"))
    with pytest.raises(FieldErrors):
        cancel_bill(session, bill, reason="", actor=receptionist)
    cancel_bill(session, bill, reason="房号错误", actor=receptionist)
    assert (bill.outstanding, bill.open, str(bill.standing.title)) == (0, False, "Cancelled")
    with pytest.raises(InvalidValue):
        pay(session, bill, actor_of("cashier"), "1")
    with pytest.raises(InvalidValue):
        cancel_bill(session, bill, reason="again", actor=receptionist)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("receptionist", {"bill", "cancel"}),
        ("cashier", {"bill", "pay", "cancel"}),
        ("cs_supervisor", {"bill", "pay", "reverse", "cancel"}),
        ("manager", {"bill", "reverse", "cancel", "catalogue"}),
        ("inspector", set()),
        ("technician", set()),
        ("superior", set()),
    ],
)
def test_what_each_role_may_do_with_money(
    session: Any, bill_for: Any, item: Any, actor_of: Any, role: str, may: set[str]
) -> None:
    bill, empty, actor = bill_for(), bill_for(), actor_of(role)
    payment = pay(session, bill, actor_of("cashier"), "1")
    deeds = {
        "bill": lambda: bill_for(actor=actor),
        "pay": lambda: pay(session, bill, actor, "1"),
        "reverse": lambda: reverse_payment(session, payment, reason="x", actor=actor),
        "cancel": lambda: cancel_bill(session, empty, reason="x", actor=actor),
        "catalogue": lambda: save_fee_item(session, item("access_card"), actor=actor),
    }
    for name, deed in deeds.items():
        if name in may:
            deed()
        else:
            with pytest.raises(NotAllowed):
                deed()


def test_receipt_numbers_have_no_gap_after_a_refusal(session: Any, bill_for: Any, actor_of: Any) -> None:
    bill, cashier = bill_for(), actor_of("cashier")
    first = pay(session, bill, cashier, "1")
    with pytest.raises(FieldErrors):
        pay(session, bill, cashier, "10000")
    assert int(pay(session, bill, cashier, "1").receipt_no[-5:]) == int(first.receipt_no[-5:]) + 1


# The law (rules §12)


def test_no_handling_fee_on_money_collected_for_suppliers(
    session: Any, item: Any, bill_for: Any, actor_of: Any
) -> None:
    gas = item("gas_connection")
    gas.handling_fee = Decimal(5)
    with session.no_autoflush, pytest.raises(FieldErrors) as refusal:
        save_fee_item(session, gas, actor=actor_of("manager"))
    assert set(refusal.value.errors) == {"handling_fee"}
    session.expire(gas)
    refused(session, update(FeeItem).where(FeeItem.code == "gas_connection").values(handling_fee=5))
    line = bill_for(Charge(item=gas, quantity=Decimal(1))).lines[0]
    refused(session, update(BillLine).where(BillLine.id == line.id).values(handling_fee=5))


def test_a_handling_fee_of_our_own_is_on_the_bill_for_all_to_see(session: Any, item: Any, bill_for: Any) -> None:
    card = item("access_card")
    card.handling_fee = Decimal(5)
    line = bill_for(Charge(item=card, quantity=Decimal(2))).lines[0]
    assert (line.amount, line.reckoning) == (Decimal(35), "2 × ¥15.00 + ¥5.00")


def test_a_cap_holds_for_what_is_charged_after_discount(session: Any, item: Any, bill_for: Any) -> None:
    deposit = item("renovation_deposit")
    deposit.cap = Decimal("1500.00")
    with pytest.raises(FieldErrors) as refused:
        bill_for(Charge(item=deposit, quantity=Decimal(1)))
    assert f"rate_{deposit.id}" in refused.value.errors
    bill = bill_for(Charge(item=deposit, quantity=Decimal(1), discount=Decimal(500), discount_reason="本地上限"))
    assert bill.receivable == Decimal("1500.00")


def test_deposits_are_refundable(session: Any, item: Any, actor_of: Any) -> None:
    deposits = session.scalars(select(FeeItem).where(FeeItem.kind == FeeKind.DEPOSIT)).all()
    assert deposits and all(deposit.refundable for deposit in deposits)
    deposit = item("renovation_deposit")
    deposit.refundable = False
    with session.no_autoflush, pytest.raises(FieldErrors):
        save_fee_item(session, deposit, actor=actor_of("manager"))
    session.expire(deposit)
    refused(session, update(FeeItem).where(FeeItem.code == "renovation_deposit").values(refundable=False))


def test_nothing_is_called_a_fine(session: Any) -> None:
    """A property service enterprise has no power to fine (rules §12)."""
    titles = [kind.title for kind in FeeKind]
    items = session.scalars(select(FeeItem)).all()
    assert not [i.code for i in items if "罚" in i.title_zh or " fine" in f" {i.title_en.lower()}"]
    assert not [t for t in titles if "fine" in str(t).lower().split()]


def test_prepaid_fees_are_never_mandatory(session: Any) -> None:
    assert not session.scalars(select(FeeItem).where(FeeItem.advance, FeeItem.mandatory)).all()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bill SET received = receivable + 1",
        "UPDATE bill SET received = -1",
        "UPDATE bill SET cancel_reason = 'x'",
        "UPDATE bill SET due_on = '2000-01-01'",
        "UPDATE bill_line SET receivable = amount + 1",
        "UPDATE bill_line SET discount = 1, receivable = amount - 1",
        "UPDATE bill_line SET quantity = 0",
        "UPDATE payment SET amount = -1",
        "UPDATE payment SET method = 'barter'",
    ],
)
def test_the_database_refuses_impossible_money(session: Any, bill_for: Any, actor_of: Any, statement: str) -> None:
    pay(session, bill_for(), actor_of("cashier"), "1")
    refused(session, text(statement))


def refused(session: Any, statement: Any) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        session.connection().execute(statement)


def test_the_log_of_a_bill_stands_on_the_case_it_was_issued_for(
    session: Any, bill_for: Any, household: Any, actor_of: Any
) -> None:
    bill = bill_for(source=household.unit)
    payment = pay(session, bill, actor_of("cashier"), "1")
    kept = session.scalars(
        select(AuditEntry).where(AuditEntry.record_type == "payment", AuditEntry.record_id == payment.id)
    )
    assert [(entry.subject_type, entry.subject_id) for entry in kept] == [("unit", household.unit.id)]


def test_seeding_again_leaves_the_catalogue_as_the_centre_changed_it(session: Any, item: Any) -> None:
    from app.core.records.estate import Estate

    card = item("access_card")
    card.rate = Decimal(99)
    session.delete(item("cable_tv"))
    session.flush()
    seed(session, session.get(Estate, 1))
    assert item("access_card").rate == Decimal(99)
    assert item("cable_tv").rate == Decimal(100)
