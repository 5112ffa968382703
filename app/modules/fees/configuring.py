"""Fee items on the page of settings and in the configuration file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.configuration.kinds import ConfigPart, Group, Setting
from app.modules.fees.models import FeeItem
from app.modules.fees.services import save_fee_item
from app.modules.fees.views import FeeItemView


def _save(session: Session, item: FeeItem | None, values: dict[str, Any], *, actor: Actor) -> FeeItem:
    with session.no_autoflush:
        item = item or FeeItem(estate_id=actor.estate_id, handling_fee=0)
        for name, value in values.items():
            setattr(item, name, value)
        return save_fee_item(session, item, actor=actor)


FEE_ITEMS = ConfigPart(
    code="fee_items", title=_l("Fee items"), model=FeeItem, key=("code",), resource="FeeItem", save=_save,
    columns=(
        "seq", "title_zh", "title_en", "kind", "basis", "rate", "cap", "handling_fee", "taxable", "refundable", "mandatory",
        "proposed", "advance", "active", "caution_zh", "caution_en",
    ),
    withdraw=("active", False), order=60,
)  # fmt: skip
SETTING = Setting(
    code="fee_items", title=_l("Fee items"), group=Group.LISTS, view=FeeItemView, models=(FeeItem,), icon="receipt",
    counted=lambda: [FeeItem.active], sentence=_l("What may be charged, and at which rate."), order=10,
)  # fmt: skip
