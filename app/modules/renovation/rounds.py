"""Patrol rounds as evidence of a duty: a round is made when every site of its half-day was visited (RN-09)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.records.base import now
from app.core.records.clock import estate_time, estate_zone
from app.modules.duties.kinds import Evidence, Occasion, Parameter
from app.modules.renovation.site_models import RenovationPatrol
from app.modules.renovation.site_queries import HALVES, sites_between
from app.modules.renovation.states import RoundHalf

CODE = "renovation.rounds"


def _hours(session: Session, estate_id: int, day: date, half: str) -> tuple[datetime, datetime]:
    """When a round of a day is made, as moments."""
    midnight = datetime.combine(day, datetime.min.time(), estate_zone(session, estate_id))
    return next((midnight + opens, midnight + closes) for code, opens, closes in HALVES if code == half)


def sites_owed(session: Session, estate_id: int, day: date, half: str) -> set[int]:
    """Renovations whose site owes this round as far as it has gone: work since its beginning, until its end or now."""
    opens, closes = _hours(session, estate_id, day, half)
    so_far = min(closes, now())
    sites = sites_between(session, estate_id, opens, closes)
    return {site.renovation_id for site in sites if site.begun <= opens and site.until >= so_far}


def rounds_between(
    session: Session, estate_id: int, start: datetime, end: datetime, half: Sequence[str] = ()
) -> list[Occasion]:
    """Rounds (of these halves, any when none is named) in which every site was visited, at the last of the visits."""
    days = (estate_time(session, estate_id, start).date(), estate_time(session, estate_id, end).date())
    visits: dict[tuple[date, str], list[Any]] = defaultdict(list)
    for patrol in session.execute(
        select(RenovationPatrol.id, RenovationPatrol.renovation_id, RenovationPatrol.day, RenovationPatrol.half,
               RenovationPatrol.visited_at)
        .where(RenovationPatrol.estate_id == estate_id, RenovationPatrol.day.between(*days))
        .order_by(RenovationPatrol.visited_at, RenovationPatrol.id)
    ):  # fmt: skip
        if not half or patrol.half in half:
            visits[patrol.day, patrol.half].append(patrol)
    found = []
    for (day, of_day), made in visits.items():
        left = sites_owed(session, estate_id, day, of_day)
        for patrol in made:
            left.discard(patrol.renovation_id)
            if not left:
                if start <= patrol.visited_at < end:
                    label = f"{day} {RoundHalf(of_day).title}"
                    found.append(Occasion(patrol.visited_at, RenovationPatrol.__tablename__, patrol.id, label))
                break
    return found


def rounds_owed(session: Session, estate_id: int, start: datetime, end: datetime, half: Sequence[str] = ()) -> bool:
    """Whether a site owes one of these rounds on a day of the window."""
    day, last = (estate_time(session, estate_id, moment).date() for moment in (start, end - timedelta(microseconds=1)))
    while day <= last:
        if any(sites_owed(session, estate_id, day, one) for one in half or tuple(RoundHalf)):
            return True
        day += timedelta(days=1)
    return False


def _halves() -> Mapping[str, Any]:
    return {half.value: half.title for half in RoundHalf}


ROUNDS = Evidence(
    code=CODE, title=_l("Round to every renovation site"), occasions=rounds_between, owed=rounds_owed,
    parameters={"half": Parameter(_l("Round"), _halves)},
)  # fmt: skip
