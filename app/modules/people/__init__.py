"""People: persons, tenures, vehicles, consents, and the import of the handover workbook."""

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.core.fields.kinds import Extensible
from app.core.registry import QuickStart, Registry
from app.core.search.provider import SearchProvider
from app.modules.people.access import GRANTS
from app.modules.people.seeding import seed


def register(registry: Registry) -> None:
    """Screens, rights, searches, seeds and jobs of the module."""
    from app.fab.reveal import RevealPage
    from app.modules.people import views
    from app.modules.people.household import register_household
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
    registry.contribute(Extensible(name="person", title=_l("Person")))
    registry.page("person", lambda number: url_for("PersonView.show", pk=number))
    registry.contribute(
        QuickStart(
            name="people", title=_l("People"), endpoint="PersonView.list", icon="users", verb="create", resource="Person",
            order=90,
        )
    )  # fmt: skip
    register_household(registry)
    registry.seed(seed)
    registry.job(ESTATE_WORKBOOK.kind, workbook_job)
