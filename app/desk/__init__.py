"""The desk: home, search, household page, demo estate."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Home, search and household page."""
    from app.desk.household import HouseholdPage, register_household
    from app.desk.views import HomePage, SearchPage

    registry.view(HomePage)
    registry.view(SearchPage)
    registry.view(HouseholdPage)
    register_household(registry)
