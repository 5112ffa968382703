"""Move-in: the case from the counter to the keys, its six records and its papers (MI-01 … MI-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.modules.movein.access import GRANTS

if TYPE_CHECKING:
    from app.core.access.actor import Actor
    from app.core.registry import Registry
    from app.modules.estates.models import Unit


def register(registry: Registry) -> None:
    """Rights, workflow, screens, papers, seeds and what the module adds to search and household page."""
    from app.core.registry import HouseholdSection
    from app.core.search.provider import SearchProvider
    from app.modules.movein.inspection_views import register_inspection
    from app.modules.movein.paper_contexts import KINDS
    from app.modules.movein.queries import find_cases
    from app.modules.movein.seeding import seed
    from app.modules.movein.views import MoveInCaseView
    from app.modules.movein.workflow import MOVE_IN

    registry.grants(GRANTS)
    registry.workflow(MOVE_IN)
    registry.seed(seed)
    for kind in KINDS:
        registry.paper(kind)
    registry.view(MoveInCaseView, label=_l("Move-ins"), category=_l("Move-in"), icon="key")
    register_inspection(registry)
    registry.page("movein_case", lambda number: url_for("MoveInCaseView.show", pk=number))
    registry.search(SearchProvider("move-ins", _l("Move-ins"), "MoveInCase", find_cases))
    registry.section(
        HouseholdSection(
            name="move-in", title=_l("Move-in"), template="movein/_household.html", load=cases_of, order=20
        )
    )


def cases_of(unit: Unit, actor: Actor) -> dict[str, Any]:
    """Values of ``movein/_household.html``: the unit's move-ins, newest first; one statement."""
    from app.extensions import db
    from app.modules.movein.queries import cases_of_unit
    from app.modules.movein.states import LOOKS

    cases = cases_of_unit(db.session, unit.id) if actor.may("read", "MoveInCase") else []
    return {"cases": cases, "looks": LOOKS}
