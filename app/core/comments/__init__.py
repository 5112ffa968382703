"""Comments on records, with mentions."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Comments on records, with mentions."""
