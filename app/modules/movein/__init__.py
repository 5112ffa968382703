"""Move-in: the case from the counter to the keys, its six records and its papers (MI-01 … MI-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.modules.movein.access import GRANTS

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    """Rights, workflow, screens, papers, seeds and what the module adds to search and household page."""
    from app.core.fields.kinds import Extensible
    from app.core.registry import HomeCard, QuickStart
    from app.core.search.provider import SearchProvider
    from app.modules.movein import kinds
    from app.modules.movein.archive_views import ArchivePage
    from app.modules.movein.batch_views import register_batches
    from app.modules.movein.checks import CHECKS
    from app.modules.movein.configuring import LISTS_PART, MATRIX_PART, SETTINGS, TEXTS
    from app.modules.movein.household import register_household
    from app.modules.movein.indicators import INDICATORS
    from app.modules.movein.inspection_views import register_inspection
    from app.modules.movein.paper_contexts import KINDS
    from app.modules.movein.queries import WAITING, any_case, find_cases, steps_waiting
    from app.modules.movein.seeding import seed
    from app.modules.movein.views import MoveInCaseView
    from app.modules.movein.workflow import MOVE_IN

    registry.grants(GRANTS)
    registry.workflow(MOVE_IN)
    registry.seed(seed)
    registry.seed(kinds.catch_up)
    for work in kinds.KINDS:
        registry.contribute(work)
    registry.contribute(
        QuickStart(
            name="move-in", title=_l("New move-in"), endpoint="MoveInCaseView.add", icon="home-check", verb="create",
            resource="MoveInCase", order=10,
        )
    )  # fmt: skip
    registry.contribute(
        HomeCard(
            name="move-ins", title=_l("Open move-ins"), template="movein/_home.html", load=steps_waiting, counts=WAITING,
            resource="MoveInCase", order=60,
        )
    )  # fmt: skip
    for thing in (*CHECKS, LISTS_PART, MATRIX_PART, TEXTS, *SETTINGS):
        registry.contribute(thing)
    for indicator in INDICATORS:
        registry.contribute(indicator)
    for kind in KINDS:
        registry.paper(kind)
    registry.view(MoveInCaseView, label=_l("Move-ins"), category=_l("Move-in"), icon="key")
    register_inspection(registry)
    register_batches(registry)
    for part in (
        "movein_paper_check",
        "movein_signature",
        "movein_handout",
        "movein_key",
        "inspection_round",
        "inspection_item",
    ):
        registry.guard(part, "MoveInCase")
    registry.contribute(Extensible(name="movein_case", title=_l("Move-in case")))
    registry.page("movein_case", lambda number: url_for("MoveInCaseView.show", pk=number))
    registry.search(SearchProvider("move-ins", _l("Move-ins"), "MoveInCase", find_cases, any_case))
    register_household(registry)
    registry.view(ArchivePage, label=_l("Completeness of records"), category=_l("Move-in"), icon="archive")
