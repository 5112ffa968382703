"""The clocks: calendar, rules, deadlines, work queue, delegation."""

from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Calendar, clock rules, deadlines, work queue, delegation."""
    from app.core.clocks.seeding import seed_hours

    registry.seed(seed_hours)
