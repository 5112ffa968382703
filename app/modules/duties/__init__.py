"""Duties: recurring obligations as data, their occurrences, and how they were kept (MI-12, MI-13)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from flask import url_for
from flask_babel import lazy_gettext as _l

from app.modules.duties.access import GRANTS

if TYPE_CHECKING:
    from app.core.registry import Registry

SEEDS = Path(__file__).parent / "seeds"


def register(registry: Registry) -> None:
    """Rights, screens, the recurring look at what is due, its clock and its messages, the report's paper."""
    from app.core.audit.kinds import EventKind
    from app.core.clocks.kinds import WorkKind
    from app.core.clocks.seeding import seed_rules
    from app.core.messages.kinds import MessageEvent
    from app.core.registry import HomeCard, Recurring
    from app.modules.duties.configuring import DUTIES, SETTING
    from app.modules.duties.indicators import DUTIES_KEPT
    from app.modules.duties.models import DutyOccurrence
    from app.modules.duties.printing import REPORT
    from app.modules.duties.queries import due_this_week
    from app.modules.duties.services import WORK, tick
    from app.modules.duties.views import DutyOccurrenceView, DutyReportPage, DutyReportView, DutyView

    registry.grants(GRANTS)
    registry.contribute(EventKind(code="waive", sentence=_l("waived the duty"), icon="ban"))
    registry.contribute(
        Recurring(name="duties.tick", title=_l("Duties that fall due"), every=timedelta(minutes=5), work=tick)
    )
    registry.contribute(
        WorkKind(
            code=WORK, title=_l("Duty"), resource="DutyOccurrence", model=DutyOccurrence, icon="refresh",
            steps={"do": _l("Do it")},
        )
    )  # fmt: skip
    registry.contribute(
        MessageEvent(
            code="duty.missed",
            title=_l("A duty was missed"),
            sentence=_l("The duty “%(duty)s” of %(period)s, due on %(due)s, was missed."),
        )
    )
    registry.contribute(
        MessageEvent(
            code="duty.on_rest_day",
            title=_l("A duty falls due on a rest day"),
            sentence=_l("The duty “%(duty)s” of %(period)s falls due on %(due)s, a rest day."),
        )
    )
    registry.seed(lambda session, estate: seed_rules(session, estate, SEEDS / "clocks.yaml"))
    for thing in (DUTIES, SETTING, DUTIES_KEPT):
        registry.contribute(thing)
    registry.view(DutyView, label=_l("Duties"), category=_l("Quality"), icon="refresh")
    registry.view(DutyReportPage, label=_l("Report on duties"), category=_l("Quality"), icon="chart-bar")
    registry.view(DutyOccurrenceView)
    registry.view(DutyReportView)
    registry.paper(REPORT)
    registry.contribute(
        HomeCard(
            name="duties", title=_l("Duties due this week"), template="duties/_card.html", load=due_this_week,
            resource="DutyOccurrence", order=30,
        )
    )  # fmt: skip
    registry.page("duty", lambda number: url_for("DutyView.show", pk=number))
    registry.page("duty_report", lambda number: url_for("DutyReportView.show", pk=number))
    registry.page("duty_occurrence", lambda number: url_for("DutyOccurrenceView.show", pk=number))
