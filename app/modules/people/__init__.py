"""People: persons, tenures, vehicles, consents, and the import of the handover workbook."""

from app.core.registry import Registry
from app.modules.people.access import GRANTS
from app.modules.people.seeding import seed


def register(registry: Registry) -> None:
    """Rights and seeds of the module."""
    registry.grants(GRANTS)
    registry.seed(seed)
