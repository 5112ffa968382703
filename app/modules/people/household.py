"""Holders and occupants of a unit on its household page."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.papers.archive import Filed, FiledUnder
from app.core.records.base import now
from app.core.registry import HouseholdHead, HouseholdSection, Registry
from app.extensions import db
from app.fab.fields import estate_zone
from app.fab.once import once_per_page
from app.modules.estates.models import Unit
from app.modules.people.queries import household_order, labels_from, tenures_of


def register_household(registry: Registry) -> None:
    """The module's part of the household page and of the owner's file."""
    registry.contribute(
        HouseholdHead(name="people", title=_l("Living here now"), template="people/_head.html", load=_head, order=10)
    )
    registry.section(
        HouseholdSection(
            name="people", title=_l("People and tenure"), template="people/household.html", load=household_people,
            order=10,
        )
    )  # fmt: skip
    registry.contribute(FiledUnder(name="tenure", part=Filed.TENURE))


@once_per_page
def household_people(unit: Unit, actor: Actor) -> dict[str, Any]:
    """Who holds, rents or lives in the unit now and earlier, and what it is called for it; one statement."""
    if not actor.may("read", "Tenure"):
        return {"unit_id": unit.id, "running": [], "ended": [], "labels": []}
    today = now().astimezone(estate_zone()).date()
    tenures = tenures_of(db.session, unit.id)
    running = [tenure for tenure in tenures if tenure.valid_to is None or tenure.valid_to >= today]
    return {
        "unit_id": unit.id,
        "running": sorted(running, key=household_order),
        "ended": [tenure for tenure in tenures if tenure not in running],
        "labels": labels_from((tenure for tenure in running if tenure.holds_on(today)), today),
    }


def _head(unit: Unit, actor: Actor) -> dict[str, Any] | None:
    if not actor.may("read", "Tenure"):
        return None
    found = household_people(unit, actor)
    return {"running": found["running"], "labels": [(label.title, label.colour) for label in found["labels"]]}
