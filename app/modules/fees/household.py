"""What a household owes and has paid, for the household page."""

from __future__ import annotations

from typing import Any

from app.core.access.actor import Actor
from app.extensions import db
from app.modules.estates.models import Unit
from app.modules.fees.queries import last_payments_of_unit, open_bills_of_unit


def fees_of_unit(unit: Unit, actor: Actor) -> dict[str, Any]:
    """Values of ``fees/_household.html``: open bills, what is owed in all, last payments; two statements.

    Nothing for people who may not read bills: the section is not shown.
    """
    if not actor.may("read", "Bill"):
        return {}
    bills = open_bills_of_unit(db.session, unit)
    return {
        "unit": unit,
        "bills": bills,
        "owed": sum(bill.outstanding for bill in bills),
        "payments": last_payments_of_unit(db.session, unit) if actor.may("read", "Payment") else (),
    }
