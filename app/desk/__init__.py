"""The desk: home, search, household page, demo estate."""

from flask_babel import lazy_gettext as _l

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Home, search and household page."""
    from app.desk.views import HomePage, HouseholdPage, SearchPage

    registry.view(HomePage, label=_l("Desk"), icon="home", first=True)
    registry.view(SearchPage)
    registry.view(HouseholdPage)
