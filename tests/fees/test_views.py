"""The fee screens as people use them: bill, take money, reverse, cancel, lists, the cashier's day (MI-06)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from app.modules.fees.models import Bill, Payment
from app.modules.fees.services import Charge, reverse_payment, take_payment
from app.modules.fees.states import PaymentMethod

pytestmark = pytest.mark.clause("MI-06")

DUE = (datetime.now(UTC).date() + timedelta(days=2)).isoformat()


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


@pytest.fixture
def paid(session: Any, bill_for: Any, actor_of: Any) -> Payment:
    bill = bill_for()
    parts = {bill.lines[0].id: Decimal(700), bill.lines[1].id: Decimal(30)}
    payment = take_payment(
        session, bill, parts=parts, method=PaymentMethod.WECHAT, reference="42000", actor=actor_of("cashier")
    )
    session.commit()
    return payment


# A new bill


def new_bill(household: Any, item: Any, **more: str) -> dict[str, str]:
    service = item("property_service").id
    return {
        "unit_id": str(household.unit.id), "payer_id": str(household.owner.id), "payer_name": "",
        "due_on": DUE,
        f"i{service}-chosen": "y", f"i{service}-months": "3", f"i{service}-period_from": "2026-12-01", **more,
    }  # fmt: skip


def test_a_bill_is_issued_for_the_chosen_items(session: Any, household: Any, item: Any, client_of: Any) -> None:
    session.commit()
    client, card, deposit = client_of("receptionist"), item("access_card").id, item("renovation_deposit").id
    page = text_of(client.get(f"/bills/new?unit={household.unit.id}&payer={household.owner.id}"))
    assert "7-1-1502" in page and "张三丰" in page and "usually to 3 months" in page and "maintenance fund" not in page
    typed = new_bill(household, item, **{
        f"i{card}-chosen": "y", f"i{card}-quantity": "2", f"i{card}-discount": "5", f"i{card}-discount_reason": "入住优惠",
        f"i{deposit}-discount": "what",  # not chosen: never mind
    })  # fmt: skip
    answer = client.post("/bills/new", data=typed)
    bill = session.scalars(select(Bill)).one()
    assert (answer.status_code, answer.location) == (303, f"/bills/{bill.id}")
    assert [line.receivable for line in bill.lines] == [Decimal("750.29"), Decimal("25.00")]
    assert (bill.payer_name, bill.payer_id, bill.lines[0].period_to) == (
        "张三丰",
        household.owner.id,
        date(2027, 2, 28),
    )
    page = text_of(client.get(answer.location))
    for said in (bill.number, "¥775.29", "人民币柒佰柒拾伍元贰角玖分", "89.32 m² × ¥2.80 × 3", "入住优惠", "Unpaid"):
        assert said in page


def test_what_cannot_be_billed_is_said_beside_the_field_and_all_is_kept(
    session: Any, household: Any, item: Any, client_of: Any
) -> None:
    session.commit()
    client, card, service = client_of("receptionist"), item("access_card").id, item("property_service").id
    wrong = [
        ({f"i{card}-chosen": "y", f"i{card}-quantity": "two"}, f"i{card}-quantity-error"),
        ({f"i{card}-chosen": "y", f"i{card}-quantity": ""}, f"i{card}-quantity-error"),
        ({f"i{service}-discount": "9999", f"i{service}-discount_reason": "x"}, f"i{service}-discount-error"),
        ({f"i{service}-discount": "1"}, f"i{service}-discount_reason-error"),
        ({f"i{service}-months": "-1"}, f"i{service}-months-error"),
        ({"unit_id": "999999"}, "unit_id-error"),
        ({"payer_id": ""}, "payer_name-error"),
        ({"due_on": "2020-01-01"}, "due_on-error"),
        ({f"i{service}-chosen": ""}, "Choose at least one fee item"),
    ]
    for typed, said in wrong:
        given = {k: v for k, v in new_bill(household, item, **typed).items() if v or not k.endswith("chosen")}
        answer = client.post("/bills/new", data=given)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422 and said in page, typed
        assert 'value="2026-12-01"' in page
    assert session.scalars(select(Bill)).all() == []


def test_amounts_are_computed_while_typing(session: Any, household: Any, item: Any, client_of: Any) -> None:
    session.commit()
    card = item("access_card").id
    typed = new_bill(household, item, **{f"i{card}-chosen": "y", f"i{card}-quantity": "x"})
    answer = client_of("receptionist").get("/bills/new/amounts", query_string=typed)
    page = answer.get_data(as_text=True)
    service = item("property_service").id
    assert re.search(rf'id="amount-{service}" [^>]*>¥750.29<', page)
    assert re.search(rf'id="amount-{card}" [^>]*><', page)
    assert "人民币柒佰伍拾元零贰角玖分" in page
    assert session.scalars(select(Bill)).all() == []


def test_a_bill_for_a_case_names_it_and_leads_back(
    session: Any, household: Any, item: Any, client_of: Any, paid: Payment
) -> None:
    client = client_of("receptionist")
    source = f"bill:{paid.bill_id}"
    assert client.get(f"/bills/new?source={source}&unit={household.unit.id}").status_code == 200
    answer = client.post("/bills/new", data=new_bill(household, item, source=source, next="/fee-items/"))
    assert answer.location == "/fee-items/"
    made = session.scalars(select(Bill).order_by(Bill.id.desc())).first()
    assert (made.source_type, made.source_id) == ("bill", paid.bill_id)
    foreign = client.post("/bills/new", data=new_bill(household, item, next="https://evil.example/"))
    assert foreign.location == "/"
    for nonsense in ("bill:x", "bill:999999", "ab_user:1", "nothing:1"):
        assert client.get(f"/bills/new?source={nonsense}").status_code == 404


# Money


def test_the_cashier_takes_money_and_the_page_shows_it(session: Any, bill_for: Any, client_of: Any) -> None:
    bill = bill_for()
    session.commit()
    client = client_of("cashier")
    page = client.get(f"/bills/{bill.id}").get_data(as_text=True)
    first, second = bill.lines
    assert re.search(rf'name="part_{first.id}"[^>]*value="750.29"', page)
    sum_ = client.get(f"/bills/{bill.id}/sum?part_{first.id}=700&part_{second.id}=30").get_data(as_text=True)
    assert "¥730.00" in sum_ and "人民币柒佰叁拾元整" in sum_
    typed = {f"part_{first.id}": "700", f"part_{second.id}": "30.00", "method": "wechat", "payer_name": "李四",
             "reference": "42000", "invoice_no": "2431", "submit_token": "a" * 20}  # fmt: skip
    answers = [client.post(f"/bills/{bill.id}/pay", data=typed) for _twice in range(2)]
    assert {answer.location for answer in answers} == {f"/bills/{bill.id}"}
    payment = session.scalars(select(Payment)).one()
    assert (payment.amount, payment.method, payment.payer_name) == (Decimal(730), PaymentMethod.WECHAT, "李四")
    page = text_of(client.get(f"/bills/{bill.id}"))
    for said in (payment.receipt_no, "Partly paid", "¥50.29", "人民币伍拾元零贰角玖分"):
        assert said in page


def test_a_payment_that_cannot_be_is_explained_and_kept(session: Any, bill_for: Any, client_of: Any) -> None:
    bill = bill_for()
    session.commit()
    first, second = bill.lines
    client = client_of("cashier")
    good = {f"part_{first.id}": "1", f"part_{second.id}": "", "method": "cash", "payer_name": "李四"}
    wrong = [
        ({f"part_{first.id}": "750.30"}, f"part_{first.id}-error"),
        ({f"part_{first.id}": "abc"}, f"part_{first.id}-error"),
        ({f"part_{first.id}": "-5"}, f"part_{first.id}-error"),
        ({"method": "barter"}, f"pay-{bill.id}-method-error"),
        ({"payer_name": "李" * 121}, f"pay-{bill.id}-payer_name-error"),
        ({f"part_{first.id}": "0"}, "Enter the amount received."),
    ]
    for change, said in wrong:
        typed = {**good, **change}
        answer = client.post(f"/bills/{bill.id}/pay", data=typed)
        page = answer.get_data(as_text=True)
        assert answer.status_code == 422 and said in page, change
        assert f'value="{typed["payer_name"]}"' in page and f'value="{typed[f"part_{first.id}"]}"' in page
    assert session.scalars(select(Payment)).all() == []


def test_reversal_and_cancelling(session: Any, paid: Payment, client_of: Any) -> None:
    bill, client = paid.bill, client_of("manager")
    address = f"/bills/{bill.id}/payments/{paid.id}/reverse"
    refused = client.post(address, data={"reason": ""})
    assert refused.status_code == 422 and f"reverse-{paid.id}-error" in refused.get_data(as_text=True)
    assert client.post(f"/bills/{bill.id}/cancel", data={"cancel_reason": "x"}).status_code == 422
    assert client.post(address, data={"reason": "金额录错"}).location == f"/bills/{bill.id}"
    page = text_of(client.get(f"/bills/{bill.id}"))
    assert "-¥730.00" in page and "人民币负柒佰叁拾元整" in page and "Reversal: 金额录错" in page
    assert client.post(f"/bills/{bill.id}/cancel", data={"cancel_reason": "房号错误"}).location == f"/bills/{bill.id}"
    assert "房号错误" in text_of(client.get(f"/bills/{bill.id}"))
    assert client.post(address, data={"reason": "again"}).status_code == 422


@pytest.mark.parametrize(
    ("role", "new", "pay", "reverse", "cancel"),
    [
        ("receptionist", 422, 404, 404, 422),
        ("cashier", 422, 422, 404, 422),
        ("cs_supervisor", 422, 422, 422, 422),
        ("inspector", 404, 404, 404, 404),
        ("security", 404, 404, 404, 404),
        ("neighbour", 422, 404, 404, 404),
    ],
)
def test_strangers_to_a_deed_find_nothing(
    paid: Payment, client_of: Any, role: str, new: int, pay: int, reverse: int, cancel: int
) -> None:
    client = client_of(role)
    bill = f"/bills/{paid.bill_id}"
    deeds = {
        "/bills/new": new,
        f"{bill}/pay": pay,
        f"{bill}/payments/{paid.id}/reverse": reverse,
        f"{bill}/cancel": cancel,
    }
    assert {address: client.post(address, data={}).status_code for address in deeds} == deeds
    if role in ("security", "neighbour"):
        assert {client.get(a).status_code for a in (bill, f"/payments/{paid.id}", f"{bill}/sum")} == {404}


# Lists


def test_lists_cost_few_statements_and_add_up(
    session: Any, bill_for: Any, paid: Payment, client_of: Any, sql_count: Any
) -> None:
    for _n in range(6):
        bill_for()
    session.commit()
    client = client_of("cashier")
    for address in ("/bills/", "/payments/", "/cash-day/", "/fee-items/"):
        client.get(address)
        sql_count.reset()
        answer = client.get(address)
        assert answer.status_code == 200
        assert len(sql_count.statements) <= 6, (address, sql_count.statements)
    assert "¥5,462.03" in text_of(client.get("/bills/")), "7 bills of 780.29"
    page = text_of(client.get(f"/bills/?open=no&unit_id={paid.bill.unit_id}&number=BILL"))
    assert paid.bill.number not in page
    page = text_of(client.get("/payments/?method=wechat"))
    assert paid.receipt_no in page and "WeChat Pay: ¥730.00" in page


def test_the_cashiers_day(session: Any, paid: Payment, actor_of: Any, client_of: Any) -> None:
    reverse_payment(session, paid, reason="金额录错", actor=actor_of("manager"))
    take_payment(
        session,
        paid.bill,
        parts={paid.bill.lines[0].id: Decimal(50)},
        method=PaymentMethod.CASH,
        actor=actor_of("cashier"),
    )
    session.commit()
    client = client_of("cashier")
    page = text_of(client.get("/cash-day/"))
    assert "Cash 1 ¥50.00" in page and "WeChat Pay 2 ¥0.00" in page and "人民币伍拾元整" in page
    assert "No money was received" in text_of(client.get("/cash-day/?day=2020-02-02"))
    assert {client.get(f"/cash-day/?day={day}").status_code for day in ("x", "9999-12-31", "0001-01-01")} == {404}
    book = client.get("/payments/export.xlsx")
    assert book.status_code == 200 and book.data.startswith(b"PK")


def test_a_receipt_page_shows_what_was_paid_for(paid: Payment, client_of: Any) -> None:
    page = text_of(client_of("cashier").get(f"/payments/{paid.id}"))
    for said in (paid.receipt_no, "Property service fee (advance)", "¥700.00", "人民币柒佰叁拾元整", "42000"):
        assert said in page


def test_the_catalogue_keeps_the_law(session: Any, item: Any, client_of: Any) -> None:
    client, gas = client_of("manager"), item("gas_connection")
    form = {
        "version": str(gas.version), "title_zh": "燃气开通费", "title_en": "Gas connection",
        "kind": "collected_on_behalf", "basis": "meter",
        "rate": "80", "handling_fee": "5", "active": "y", "seq": "10",
    }  # fmt: skip
    answer = client.post(f"/fee-items/{gas.id}/edit", data=form)
    assert answer.status_code == 422 and "handling_fee-error" in answer.get_data(as_text=True)
    assert client.post(f"/fee-items/{gas.id}/edit", data={**form, "handling_fee": "0", "rate": "90"}).status_code == 302
    session.refresh(gas)
    assert gas.rate == 90
    assert client_of("cashier").get(f"/fee-items/{gas.id}/edit").status_code == 404


# Elsewhere


def test_the_search_finds_bills_and_receipts_by_number(app: Any, session: Any, paid: Payment) -> None:
    from app.modules.fees.search import find_bills, find_receipts

    with app.test_request_context():
        for typed in (paid.bill.number, paid.bill.number.lower(), paid.bill.number[-5:], paid.bill.number[:9]):
            assert [hit.title for hit in find_bills(session, typed, 5)] == [paid.bill.number]
        assert [hit.title for hit in find_receipts(session, paid.receipt_no, 5)] == [paid.receipt_no]
        for typed in ("张三", "7", "%%%", "1%"):
            assert not find_bills(session, typed, 5)
            assert not find_receipts(session, typed, 5)


def test_what_a_household_owes(
    app: Any, session: Any, household: Any, paid: Payment, bill_for: Any, actor_of: Any, sql_count: Any
) -> None:
    from app.core.registry import HouseholdHead, registry
    from app.modules.fees.household import fees_of_unit
    from app.modules.fees.services import cancel_bill

    cancel_bill(session, bill_for(), reason="x", actor=actor_of("manager"))
    other = bill_for()
    session.commit()
    sql_count.reset()
    fees = fees_of_unit(household.unit, actor_of("cashier"))
    with app.test_request_context():
        head = registry().of(HouseholdHead)["fees"].of(session, household.unit, actor_of("cashier"))
    assert fees["owed"] == head["owed"] == Decimal("830.58") and head["count"] == 2
    assert list(fees["bills"]) == [paid.bill, other] and list(fees["payments"]) == [paid]
    assert fees_of_unit(household.unit, actor_of("security")) == {}


def test_the_household_page_shows_what_is_owed(household: Any, paid: Payment, client_of: Any) -> None:
    page = text_of(client_of("cashier").get(f"/households/{household.unit.id}?section=all"))
    for said in ("Outstanding: ¥50.29", "人民币伍拾元零贰角玖分", paid.bill.number, paid.receipt_no):
        assert said in page


def test_what_each_fee_item_brought(session: Any, paid: Payment, bill_for: Any, item: Any) -> None:
    from app.modules.fees.queries import bills_of, charged_by_item

    unit = paid.bill.unit
    for_case = bill_for(Charge(item=item("access_card"), quantity=Decimal(1)), source=unit)
    day = for_case.issued_on
    rows = [(row.title_en, row.charged, row.received) for row in charged_by_item(session, day, day)]
    assert rows == [
        ("Property service fee (advance)", Decimal("750.29"), Decimal(700)),
        ("Access-card cost fee", Decimal(45), Decimal(30)),
    ]
    assert [row.charged for row in charged_by_item(session, day, day, source_type="unit")] == [Decimal(15)]
    assert charged_by_item(session, day - timedelta(days=9), day - timedelta(days=1)) == []
    assert list(bills_of(session, unit)) == [for_case]
