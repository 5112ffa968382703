"""Spot checks, rectification notices, corrective and preventive actions."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Spot checks, rectification notices, corrective and preventive actions."""
