"""Several cashiers at once: every receipt its own number, no gap, and no yuan taken twice (MI-06)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm.exc import StaleDataError

import config
from app.core.access.actor import acting, system_actor
from app.core.records.estate import Estate
from app.core.records.refusals import FieldErrors
from app.extensions import db
from app.modules.estates.models import Building, Unit
from app.modules.fees.models import Bill, FeeItem, Payment
from app.modules.fees.seeding import seed
from app.modules.fees.services import Charge, issue_bill, take_payment
from app.modules.fees.states import PaymentMethod
from tests.conftest import migrated_app

CASHIERS = 6


@pytest.fixture
def desk(tmp_path: Path, database_maker: Callable[[Path], Iterator[str]]) -> Iterator[Flask]:
    """An application of its own with a bill for each cashier and one (the last) that all want to settle."""
    for address in database_maker(tmp_path):
        app = migrated_app(config.Settings(instance_dir=tmp_path, database_url=address))
        with app.app_context(), acting(system_actor(estate_id=1)):
            estate = Estate(code="C", name_zh="花园", name_en="Gardens", company_zh="物业", company_en="Property")
            db.session.add(estate)
            db.session.flush()
            seed(db.session, estate)
            building = Building(estate_id=estate.id, code="1")
            unit = Unit(estate_id=estate.id, building=building, number="101", code="1-101")
            db.session.add_all([building, unit])
            db.session.flush()
            deposit = db.session.scalars(select(FeeItem).where(FeeItem.code == "renovation_deposit")).one()
            for _cashier in range(CASHIERS + 1):
                issue_bill(
                    db.session, unit=unit, payer_id=None, payer_name="张三丰", charges=[Charge(item=deposit)],
                    actor=system_actor(estate_id=1),
                )  # fmt: skip
            db.session.commit()
        yield app
        with app.app_context():
            db.engine.dispose()


def settle(app: Flask, bill_id: int, start: Barrier) -> str | None:
    """Pay the whole bill in a transaction of its own; nothing when it was refused."""
    with app.app_context(), acting(system_actor("cashier", estate_id=1)):
        start.wait()
        try:
            bill = db.session.scalars(select(Bill).where(Bill.id == bill_id)).one()
            parts = {bill.lines[0].id: Decimal(2000)}
            payment = take_payment(
                db.session, bill, parts=parts, method=PaymentMethod.CASH, actor=system_actor("cashier", estate_id=1)
            )
            number = payment.receipt_no
            db.session.commit()
        except (StaleDataError, FieldErrors):
            db.session.rollback()
            return None
        return number


@pytest.mark.clause("MI-06")
def test_cashiers_at_once_share_neither_numbers_nor_money(desk: Flask) -> None:
    with desk.app_context(), acting(system_actor(estate_id=1)):
        *own, contested = db.session.scalars(select(Bill.id).order_by(Bill.id)).all()
    start = Barrier(CASHIERS)
    with ThreadPoolExecutor(CASHIERS) as pool:
        numbers = list(pool.map(lambda bill_id: settle(desk, bill_id, start), own))
        rivals = list(pool.map(lambda _n: settle(desk, contested, start), range(CASHIERS)))
    assert sorted(str(number)[-5:] for number in numbers) == [f"{n:05}" for n in range(1, CASHIERS + 1)]
    assert [number[-5:] for number in rivals if number] == [f"{CASHIERS + 1:05}"]
    with desk.app_context(), acting(system_actor(estate_id=1)):
        assert db.session.scalars(select(Bill.received)).all() == [Decimal(2000)] * (CASHIERS + 1)
        assert len(db.session.scalars(select(Payment.id)).all()) == CASHIERS + 1
