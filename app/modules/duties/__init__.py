"""Recurring obligations and how they were kept."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Recurring obligations and how they were kept."""
