"""Estates: buildings, entrances, units, parking bays, meters, keys."""

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.configuration.kinds import Group, Setting
from app.core.fields.kinds import Extensible
from app.core.registry import HouseholdSection, QuickStart, Registry
from app.core.search.provider import SearchProvider
from app.modules.estates.access import GRANTS
from app.modules.estates.models import Unit


def register(registry: Registry) -> None:
    """Screens, rights, searches and household section of the module."""
    from app.modules.estates import views
    from app.modules.estates.search import search_bays, search_units

    registry.grants(GRANTS)
    category = _l("Estate")
    registry.view(views.UnitView, label=_l("Units"), category=category, icon="home")
    registry.view(views.UnitApi)
    registry.view(views.BuildingView, label=_l("Buildings"), category=category, icon="building-community")
    registry.view(views.EntranceView)
    registry.view(views.ParkingBayView, label=_l("Parking bays"), category=category, icon="parking")
    registry.view(views.ParkingUseView)
    registry.view(views.MeterView, label=_l("Meters"), category=category, icon="gauge")
    registry.view(views.MeterReadingView)
    registry.view(views.KeySetView, label=_l("Keys"), category=category, icon="key")
    registry.view(views.EstateView, label=_l("Estates"), category=_l("Administration"), icon="building-estate")
    registry.contribute(
        Setting(
            code="estate", title=_l("Estates"), group=Group.ESTATE, view=views.EstateView, icon="building-estate", order=10,
            sentence=_l("Names, telephones and addresses of the centre, as they stand on papers."),
        )
    )  # fmt: skip
    registry.search(SearchProvider("units", _l("Units"), "Unit", search_units))
    registry.search(SearchProvider("bays", _l("Parking bays"), "ParkingBay", search_bays))
    registry.contribute(Extensible(name="unit", title=_l("Unit")))
    registry.contribute(Extensible(name="parking_bay", title=_l("Parking bay")))
    registry.page("unit", lambda number: url_for("HouseholdPage.show", pk=number))
    registry.contribute(
        QuickStart(
            name="units", title=_l("Units"), endpoint="UnitView.list", icon="building", verb="read", resource="Unit",
            order=80,
        )
    )  # fmt: skip
    registry.section(
        HouseholdSection(
            name="parts",
            title=_l("Parking, meters and keys"),
            template="estates/household.html",
            load=household_parts,
            order=30,
        )
    )


def household_parts(unit: Unit, actor: Actor) -> dict[str, Any]:
    """What belongs to the unit, as far as the person may see it."""
    from app.extensions import db
    from app.modules.estates.queries import bays_of, keys_of, meters_and_readings

    return {
        "bays": bays_of(db.session, unit.id) if actor.may("read", "ParkingBay") else [],
        "meters": meters_and_readings(db.session, unit.id) if actor.may("read", "Meter") else [],
        "keys": keys_of(db.session, unit.id) if actor.may("read", "KeySet") else [],
    }
