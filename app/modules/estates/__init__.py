"""Estates: buildings, entrances, units, parking bays, meters, keys."""

from app.core.registry import Registry
from app.modules.estates.access import GRANTS


def register(registry: Registry) -> None:
    """Rights of the module."""
    registry.grants(GRANTS)
