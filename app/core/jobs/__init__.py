"""Background work: rows written with the business, carried out by a worker under a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    from datetime import timedelta

    from flask_babel import lazy_gettext as _l

    from app.core.access.roles import Role
    from app.core.jobs.services import purge
    from app.core.jobs.views import EstateJobPage, JobPage
    from app.core.registry import Recurring

    registry.grants({"Job": {"oversee": (Role.SYSTEM_ADMINISTRATOR,)}})
    registry.view(JobPage)
    registry.view(EstateJobPage, label=_l("Background work"), category=_l("Settings"), icon="refresh")
    registry.contribute(
        Recurring(name="jobs.purge", title=_l("Old background work removed"), every=timedelta(hours=6), work=purge)
    )
