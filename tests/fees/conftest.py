"""A unit of 89.32 m² with its owner, and bills on it."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select

from app.modules.estates.models import Building, Unit
from app.modules.fees import services
from app.modules.fees.models import Bill, FeeItem
from app.modules.people.models import Person, Tenure, TenureRole


@pytest.fixture
def household(session: Any) -> SimpleNamespace:
    building = Building(estate_id=1, code="7")
    session.add(building)
    session.flush()
    unit = Unit(estate_id=1, building=building, number="1502", code="7-1-1502", gross_area=Decimal("89.32"))
    owner = Person(estate_id=1, name="张三丰")
    session.add_all([unit, owner])
    session.flush()
    session.add(Tenure(estate_id=1, unit=unit, person=owner, role=TenureRole.OWNER))
    session.flush()
    return SimpleNamespace(unit=unit, owner=owner)


@pytest.fixture
def item(session: Any) -> Callable[[str], FeeItem]:
    def find(code: str) -> FeeItem:
        return session.scalars(select(FeeItem).where(FeeItem.code == code, FeeItem.estate_id == 1)).one()

    return find


@pytest.fixture
def bill_for(
    session: Any, household: SimpleNamespace, item: Callable[[str], FeeItem], actor_of: Callable[[str], Any]
) -> Callable[..., Bill]:
    """``bill_for(Charge…)``; by default three months of service fee and two access cards: 780.29 yuan."""

    def issue(*charges: services.Charge, **values: Any) -> Bill:
        lines = charges or (
            services.Charge(item=item("property_service"), months=3),
            services.Charge(item=item("access_card"), quantity=Decimal(2)),
        )
        given = {"payer_id": household.owner.id, "payer_name": household.owner.name, "actor": actor_of("receptionist")}
        return services.issue_bill(session, unit=household.unit, charges=lines, **{**given, **values})

    return issue
