"""The settings of an estate as one file."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """The settings of an estate as one file."""
