"""Rounds and violations on the renovation's page (RN-09, RN-10)."""

from __future__ import annotations

from datetime import timedelta

from flask import url_for
from flask_babel import gettext as _

from app.core.access.actor import Actor
from app.core.records.clock import estate_today
from app.extensions import db
from app.fab import cells
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import Part, part
from app.modules.renovation.site_models import RenovationPatrol
from app.modules.renovation.site_queries import visits_since
from app.modules.renovation.states import ENDED, SITE, RenovationState, RoundHalf

DAYS = timedelta(days=7)
"""How far back the page shows rounds."""


def said_of(visit: RenovationPatrol) -> str:
    """A visit in few words: the time of day and the stage of the work."""
    return f"{cells.moment(visit.visited_at, True)[-5:]} {visit.stage.title}"


@part(60)
def rounds(record: Renovation, actor: Actor) -> Part | None:
    if record.started_at is None or not actor.may("read", "RenovationPatrol"):
        return None
    today = estate_today(db.session, record.estate_id)
    visits = visits_since(db.session, record, today - DAYS)
    days = {visit.day for visit in visits} | ({today} if record.state in SITE else set())
    table = [
        (day, [[visit for visit in visits if (visit.day, visit.half) == (day, half)] for half in RoundHalf])
        for day in sorted(days, reverse=True)
    ]
    values = {
        "days": table, "said": said_of,
        "halves": list(RoundHalf),
        "visit": url_for("RoundPage.visit", pk=record.id)
        if record.state in SITE and actor.may("create", "RenovationPatrol") else "",
        "all": url_for("RenovationPatrolView.list", renovation_id=record.id),
    }  # fmt: skip
    return _("Rounds"), "renovation/_rounds.html", values


@part(65)
def violations(record: Renovation, actor: Actor) -> Part | None:
    mine = actor.may("create", "RenovationViolation") and record.started_at is not None and record.state not in ENDED
    if not actor.may("read", "RenovationViolation") or not (record.violations or mine):
        return None
    values = {
        "violations": record.violations, "stopped": record.state == RenovationState.SUSPENDED,
        "new": url_for("RenovationViolationView.add", renovation_id=record.id) if mine else "",
    }  # fmt: skip
    return _("Violations"), "renovation/_violations.html", values
