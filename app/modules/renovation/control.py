"""What the manager has of renovations: checks, rounds as duties, numbers on the home page, the monthly report."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.clocks.kinds import WorkCommand, WorkKind
from app.core.registry import HomeCard, HouseholdHead, Registry
from app.modules.estates.models import Unit
from app.modules.renovation.checks import CHECKS
from app.modules.renovation.handling import WORK, draw_cases
from app.modules.renovation.models import Renovation
from app.modules.renovation.report_paper import REPORT
from app.modules.renovation.report_views import RenovationReportPage, RenovationReportView
from app.modules.renovation.rounds import ROUNDS
from app.modules.renovation.site_models import RenovationViolation
from app.modules.renovation.states import OPEN_VIOLATIONS, REVIEWED, SITE, RenovationState

NUMBERS = (
    ("review", _l("Applications under review"), tuple(state.value for state in REVIEWED)),
    ("sites", _l("Sites under way"), tuple(state.value for state in SITE)),
    ("stopped", _l("Sites stopped"), (RenovationState.SUSPENDED.value,)),
)
"""Numbers of the home page: name, title, states of the renovations counted."""
COUNTS = {
    name: select(func.count()).where(table.c.estate_id == bindparam("estate"), table.c.state.in_(states)).scalar_subquery()
    for name, table, states in (
        *((name, Renovation.__table__, states) for name, _title, states in NUMBERS),
        ("violations", RenovationViolation.__table__, OPEN_VIOLATIONS),
    )
}  # fmt: skip
"""The numbers of the home page of an estate, and its open violations."""
RUNNING = {
    name: select(getattr(Renovation, name)).where(Renovation.unit_id == Unit.id, Renovation.state.in_(SITE))
    .order_by(Renovation.id.desc()).limit(1).correlate(Unit).scalar_subquery()
    for name in ("id", "number", "state", "permit_to")
}  # fmt: skip
"""Facts of a unit: the newest work that goes on in it."""
HANDLING = WorkKind(
    code=WORK, title=_l("Check how a violation was handled"), resource="RenovationViolation", model=RenovationViolation,
    icon="clipboard-check", label=lambda violation: f"{violation.number} · {violation.code.code}",
    commands=(
        WorkCommand(
            name="draw", title=_l("Draw the check of these cases"), verb="create", resource="SpotCheck", primary=True,
            when=lambda violation: True, run=draw_cases,
        ),
    ),
)  # fmt: skip


def register_control(registry: Registry, category: Any) -> None:
    """The module's part of checks, duties, home page, household page and reports."""
    for thing in (*CHECKS, ROUNDS, HANDLING):
        registry.contribute(thing)
    registry.contribute(
        HomeCard(
            name="renovations", title=_l("Renovations"), template="renovation/_home.html", load=numbers, counts=COUNTS,
            resource="Renovation", roles=frozenset({Role.MANAGER, Role.CS_SUPERVISOR, Role.SITE_SUPERVISOR}), order=55,
        )
    )  # fmt: skip
    registry.contribute(
        HouseholdHead(
            name="renovation",
            title=_l("Renovation"),
            template="renovation/_head.html",
            load=head,
            facts=RUNNING,
            order=40,
        )
    )
    registry.paper(REPORT)
    registry.view(RenovationReportPage, label=_l("Monthly report on renovations"), category=category, icon="report")
    registry.view(RenovationReportView)
    registry.page("renovation_report", lambda number: url_for("RenovationReportView.show", pk=number))


def numbers(session: Session, actor: Actor, violations: int, **counts: int) -> dict[str, Any]:
    """Values of ``renovation/_home.html`` from :data:`COUNTS`: renovations by where they stand, open violations."""
    return {"lines": [(title, counts[name], states) for name, title, states in NUMBERS], "violations": violations}


def head(unit: Unit, actor: Actor, **running: Any) -> dict[str, Any] | None:
    """The work that goes on in the unit (its :data:`RUNNING` facts), None when there is none."""
    if not running["id"] or not actor.may("read", "Renovation"):
        return None
    return {"renovation": running, "labels": [(_("Under renovation"), "orange")]}
