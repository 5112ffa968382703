"""Fields without code."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Fields without code."""
    from app.core.fields import models  # noqa: F401  (its tables)
