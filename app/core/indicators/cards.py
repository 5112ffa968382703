"""What the manager sees on the home page: decisions that wait, indicators with their trend, what is late and why."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.indicators.chart import chart
from app.core.indicators.queries import approvals, late_work, trends
from app.core.records.base import now
from app.core.registry import HomeCard
from app.fab.fields import estate_zone


def _approvals(session: Session, actor: Actor) -> dict[str, Any] | None:
    decisions, total = approvals(session, actor)
    return {"decisions": decisions, "total": total}


def _indicators(session: Session, actor: Actor) -> dict[str, Any] | None:
    today = now().astimezone(estate_zone()).date()
    found = [trend for trend in trends(session, actor.estate_id or 0, today) if trend.measured]
    return {"trends": found, "chart": chart}


def _late(session: Session, actor: Actor) -> dict[str, Any] | None:
    return {"kinds": late_work(session, actor, now())}


CARDS = (
    HomeCard(
        name="approvals", title=_l("Waiting for your decision"), template="indicators/_approvals.html",
        load=_approvals, roles=frozenset({Role.MANAGER}), order=10,
    ),
    HomeCard(
        name="indicators", title=_l("Indicators"), template="indicators/_indicators.html", load=_indicators,
        resource="Indicator", order=20,
    ),
    HomeCard(
        name="late", title=_l("Late, and why"), template="indicators/_late.html", load=_late, resource="Indicator",
        order=15,
    ),
)  # fmt: skip
