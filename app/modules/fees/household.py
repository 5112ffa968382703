"""What a household owes and has paid, for the household page."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.papers.archive import Filed, FiledUnder
from app.core.records.amounts import money
from app.core.records.base import now
from app.core.registry import HouseholdHead, HouseholdSection, Registry
from app.extensions import db
from app.fab.fields import estate_zone
from app.modules.estates.models import Unit
from app.modules.fees.queries import OWED_OF_UNIT, exact, last_payments_of_unit, open_bills_of_unit


def register_household(registry: Registry) -> None:
    """The module's part of the household page and of the owner's file."""
    registry.contribute(
        HouseholdHead(
            name="fees", title=_l("Outstanding"), template="fees/_head.html", load=_head, facts=OWED_OF_UNIT, order=30
        )
    )
    registry.section(
        HouseholdSection(name="fees", title=_l("Fees"), template="fees/_household.html", load=fees_of_unit, order=50)
    )
    for table in ("bill", "payment"):
        registry.contribute(FiledUnder(name=table, part=Filed.FEES))


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


def _head(unit: Unit, actor: Actor, owed: Any, count: int, since: date | None) -> dict[str, Any] | None:
    if not actor.may("read", "Bill"):
        return None
    late = since is not None and since < now().astimezone(estate_zone()).date()
    return {"owed": money(exact(owed)), "count": count, "since": since, "late": late}
