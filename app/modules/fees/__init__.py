"""Fees: the catalogue of fee items, bills, payments and reversals, receipts (MI-06; forms A8, E2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.modules.fees.access import GRANTS

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    from app.core.registry import QuickStart
    from app.modules.fees.configuring import FEE_ITEMS, SETTING
    from app.modules.fees.household import register_household
    from app.modules.fees.printing import KINDS
    from app.modules.fees.search import BILLS, RECEIPTS
    from app.modules.fees.seeding import seed
    from app.modules.fees.views import BillView, CashDayPage, FeeItemView, PaymentView

    registry.grants(GRANTS)
    registry.seed(seed)
    for kind in KINDS:
        registry.paper(kind)
    registry.view(BillView, label=_l("Bills"), category=_l("Fees"), icon="receipt")
    registry.view(CashDayPage, label=_l("Cashier’s day list"), category=_l("Fees"), icon="cash")
    registry.view(PaymentView, label=_l("Payments"), category=_l("Fees"), icon="credit-card")
    registry.view(FeeItemView, label=_l("Fee items"), category=_l("Fees"), icon="list-check")
    registry.contribute(FEE_ITEMS)
    registry.contribute(SETTING)
    registry.guard("bill_line", "Bill")
    registry.guard("payment_part", "Payment")
    registry.guard("deposit_refund", "Payment")
    registry.page("bill", lambda number: url_for("BillView.show", pk=number))
    registry.page("payment", lambda number: url_for("PaymentView.show", pk=number))
    registry.search(BILLS)
    registry.search(RECEIPTS)
    registry.contribute(
        QuickStart(
            name="payment", title=_l("Take a payment"), endpoint="BillView.list", icon="cash", verb="create",
            resource="Payment", order=20,
        )
    )  # fmt: skip
    register_household(registry)
