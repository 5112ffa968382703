"""People: persons, tenures, vehicles, consents, and the import of the handover workbook."""

from typing import Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.registry import HouseholdSection, Registry
from app.core.search.provider import SearchProvider
from app.modules.estates.models import Unit
from app.modules.people.access import GRANTS
from app.modules.people.seeding import seed


def register(registry: Registry) -> None:
    """Screens, rights, searches, seeds and jobs of the module."""
    from app.fab.reveal import RevealPage
    from app.modules.people import views
    from app.modules.people.imports import ESTATE_WORKBOOK, workbook_job
    from app.modules.people.search import search_persons, search_plates

    registry.grants(GRANTS)
    category = _l("People")
    registry.view(views.PersonView, label=_l("Persons"), category=category, icon="users")
    registry.view(views.PersonApi)
    registry.view(views.TenureView, label=_l("Owners, tenants and households"), category=category, icon="address-book")
    registry.view(views.VehicleView, label=_l("Vehicles"), category=category, icon="car")
    registry.view(views.ConsentView, label=_l("Consents"), category=category, icon="shield-check")
    registry.view(views.PrivacyNoticeView, label=_l("Privacy notices"), category=category, icon="shield-lock")
    registry.view(views.EstateWorkbookPage, label=_l("Import workbook"), category=_l("Estate"), icon="file-spreadsheet")
    registry.view(RevealPage)
    registry.search(SearchProvider("persons", _l("Persons"), "Person", search_persons))
    registry.search(SearchProvider("plates", _l("Vehicles"), "Vehicle", search_plates))
    registry.page("person", lambda number: url_for("PersonView.show", pk=number))
    registry.section(
        HouseholdSection(
            name="people", title=_l("People and tenure"), template="people/household.html", load=household_people,
            order=10,
        )
    )  # fmt: skip
    registry.seed(seed)
    registry.job(ESTATE_WORKBOOK.kind, workbook_job)


def household_people(unit: Unit, actor: Actor) -> dict[str, Any]:
    """Who holds, rents or lives in the unit now and earlier, and what it is called for it."""
    from app.core.records.clock import estate_today
    from app.extensions import db
    from app.modules.people.queries import household_order, labels_of, tenures_of

    if not actor.may("read", "Tenure"):
        return {"unit_id": unit.id, "running": [], "ended": [], "labels": []}
    today = estate_today(db.session, unit.estate_id)
    tenures = tenures_of(db.session, unit.id)
    running = [tenure for tenure in tenures if tenure.valid_to is None or tenure.valid_to >= today]
    return {
        "unit_id": unit.id,
        "running": sorted(running, key=household_order),
        "ended": [tenure for tenure in tenures if tenure not in running],
        "labels": labels_of(db.session, [unit])[unit.id],
    }
