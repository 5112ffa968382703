"""Fields without code."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Fields without code."""
    from app.core.fields.access import GRANTS

    registry.grants(GRANTS)
