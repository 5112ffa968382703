"""Background work: rows written with the business, carried out by a worker under a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    from app.core.jobs.views import JobPage

    registry.view(JobPage)
