"""The parts of a renovation's page: each room of the module shows its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.core.access.actor import Actor
from app.modules.renovation.models import Renovation

Part = tuple[Any, str, dict[str, Any]]
"""Title, template, and the values it shows as ``part``."""
Show = Callable[[Renovation, Actor], Part | None]

PARTS: list[tuple[int, Show]] = []


def part(order: int) -> Callable[[Show], Show]:
    """Decorator: ``show(record, actor)`` is a part of the page, None where there is nothing to show; ``order`` sorts."""

    def keep(show: Show) -> Show:
        PARTS.append((order, show))
        return show

    return keep


def parts_of(renovation: Renovation, actor: Actor) -> list[Part]:
    """The parts of this renovation's page that the actor sees, in order."""
    shown = (show(renovation, actor) for _order, show in sorted(PARTS, key=lambda entry: entry[0]))
    return [found for found in shown if found]
