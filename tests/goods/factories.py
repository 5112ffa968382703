"""Goods releases at any state, made by the real services and transitions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, system_actor
from app.core.records.clock import estate_today
from app.core.workflow.documents import enter
from app.modules.estates.models import Unit
from app.modules.fees.models import FeeItem
from app.modules.fees.services import Charge, issue_bill
from app.modules.goods.models import GoodsRelease
from app.modules.goods.states import Applicant, Confirmation, Reason
from app.modules.goods.workflow import RELEASE
from app.modules.people.models import IdKind
from tests.movein.factories import unit_of

SYSTEM = system_actor(estate_id=1)
SOFA = [{"name": "双人沙发", "quantity": "1 件", "note": "灰色"}, {"name": "Books", "quantity": "12", "note": ""}]


def release_of(session: Session, *, days: int = 0, actor: Actor = SYSTEM, **values: Any) -> GoodsRelease:
    """A pass just entered, confirmed by telephone, good for ``days`` days after today."""
    today = estate_today(session, 1)
    given: dict[str, Any] = {
        "applicant": Applicant.TENANT, "applicant_name": "李四", "id_kind": IdKind.RESIDENT_ID, "id_seen": True,
        "confirmation": Confirmation.PHONE, "confirmation_note": "业主张三 10:20 电话确认", "reason": Reason.MOVING_OUT,
        "items": SOFA, "carrier": "京A12345", "valid_from": today, "valid_to": today + timedelta(days=days),
    }  # fmt: skip
    release = GoodsRelease(**(given | values))
    release.unit = release.unit or unit_of(session)
    return enter(session, release, RELEASE, series="GR", actor=actor)


def owes(session: Session, unit: Unit) -> None:
    """A bill of the unit that nobody has paid."""
    item = session.scalars(select(FeeItem).where(FeeItem.estate_id == 1, FeeItem.code == "property_service")).one()
    charge = Charge(item=item, months=3)
    issue_bill(session, unit=unit, payer_id=None, payer_name="李四", charges=[charge], actor=SYSTEM)


def issued(session: Session, **values: Any) -> GoodsRelease:
    release = release_of(session, **values)
    RELEASE.fire(session, release, "issue", actor=SYSTEM)
    return release
