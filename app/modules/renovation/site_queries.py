"""Rounds as they are read: the sites to walk to, what was found there, the visits of a day (RN-09; forms C5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core.records.base import now
from app.core.records.clock import bounds_of, estate_time
from app.core.records.unitcodes import sort_key
from app.modules.estates.models import Unit
from app.modules.renovation.models import Renovation
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation, ViolationCode
from app.modules.renovation.states import OPEN_VIOLATIONS, SITE, RoundHalf, ViolationState

CODE_OF: Mapping[str, str] = {
    "passes_worn": "G01", "extinguishers": "G03", "open_flame": "R11", "structure": "R05-1", "waterproofing": "R08",
    "gas_heating": "R06-4", "flue": "R12", "facade": "R06-2", "corridor": "R27", "noise": "R26", "overnight": "G02",
    "common_parts": "R12",
}  # fmt: skip
"""Which violation a point of the checklist usually is; the other points leave the choice open."""

PLACE = (
    joinedload(Renovation.unit).joinedload(Unit.building), joinedload(Renovation.unit).joinedload(Unit.entrance),
    joinedload(Renovation.contractor),
)  # fmt: skip
"""Where a site is and who works there, loaded with it."""
EIGHT, NOON, EVENING = timedelta(hours=8), timedelta(hours=12), timedelta(hours=18)
HALVES = ((RoundHalf.MORNING, EIGHT, NOON), (RoundHalf.AFTERNOON, NOON, EVENING))
"""The rounds of a day and the hours in which each is made."""


class Work(NamedTuple):
    """Work on the site of a renovation within a period: from when to when."""

    renovation_id: int
    building_id: int
    begun: datetime
    until: datetime


@dataclass(frozen=True)
class Site:
    """A site of a round. ``visits``: today's, newest first; ``last``: the newest visit at all; ``violations``: how many
    are open; ``unnoticed``: :func:`unnoticed` of the visits.
    """

    renovation: Renovation
    visits: Sequence[RenovationPatrol]
    last: RenovationPatrol | None
    violations: int
    unnoticed: Mapping[int, Sequence[str]]

    @property
    def place(self) -> str:
        """Building and entrance, under which sites stand together."""
        unit = self.renovation.unit
        return str(unit.entrance or unit.building)

    def visit_of(self, half: RoundHalf) -> RenovationPatrol | None:
        """The visit of a round, the newest when there were several."""
        return next((visit for visit in self.visits if visit.half == half), None)


def sites_between(session: Session, estate_id: int, start: datetime, end: datetime) -> list[Work]:
    """Sites on which work went on in the period, with the part of the period in which it did."""
    rows = session.execute(
        select(Renovation.id, Unit.building_id, Renovation.started_at, Renovation.completion_requested_at, Renovation.accepted_on)
        .join(Unit, Unit.id == Renovation.unit_id)
        .where(
            Renovation.estate_id == estate_id, Renovation.started_at < end,
            or_(Renovation.accepted_on.is_(None), Renovation.completion_requested_at >= start),
        )
        .order_by(Renovation.id)
    )  # fmt: skip
    found = []
    for number, building, begun, requested, accepted in rows:
        until = requested if accepted and requested else now()
        if begun is not None and until > start:
            found.append(Work(number, building, max(begun, start), min(until, end)))
    return found


def walking_order(unit: Unit) -> tuple[str, str, int, str]:
    """What sorts units as somebody walks: building, entrance, floor, unit."""
    entrance = unit.entrance.code if unit.entrance else ""
    return sort_key(unit.building.label), sort_key(entrance), unit.floor or 0, unit.code_order


def sites_of(session: Session, estate_id: int, moment: datetime) -> list[Site]:
    """The active sites of the estate in walking order, with the visits of the day of ``moment``."""
    renovations = session.scalars(
        select(Renovation)
        .where(Renovation.estate_id == estate_id, Renovation.state.in_(SITE))
        .options(*PLACE, joinedload(Renovation.applicant))
    ).all()
    numbers = [renovation.id for renovation in renovations]
    newest = (
        select(func.max(RenovationPatrol.id))
        .where(RenovationPatrol.renovation_id.in_(numbers))
        .group_by(RenovationPatrol.renovation_id)
    )
    last = {
        visit.renovation_id: visit
        for visit in session.scalars(select(RenovationPatrol).where(RenovationPatrol.id.in_(newest)))
    }
    today = visits_on(session, estate_id, estate_time(session, estate_id, moment).date())
    found = session.execute(
        select(RenovationViolation.renovation_id, func.count())
        .where(RenovationViolation.renovation_id.in_(numbers), RenovationViolation.state.in_(OPEN_VIOLATIONS))
        .group_by(RenovationViolation.renovation_id)
    )
    violations = {row[0]: row[1] for row in found}
    left = unnoticed(session, today)
    sites = [
        Site(
            renovation, [visit for visit in reversed(today) if visit.renovation_id == renovation.id],
            last.get(renovation.id), violations.get(renovation.id, 0), left,
        )
        for renovation in renovations
    ]  # fmt: skip
    return sorted(sites, key=lambda site: walking_order(site.renovation.unit))


def visits_on(
    session: Session, estate_id: int, day: date, *, renovation_id: int | None = None
) -> list[RenovationPatrol]:
    """The visits of a day, in order: of one site, or of all."""
    query = select(RenovationPatrol).where(RenovationPatrol.estate_id == estate_id, RenovationPatrol.day == day)
    if renovation_id is not None:
        query = query.where(RenovationPatrol.renovation_id == renovation_id)
    return list(session.scalars(query.order_by(RenovationPatrol.visited_at, RenovationPatrol.id)))


def noticed_codes(session: Session, visits: Sequence[RenovationPatrol]) -> Mapping[int, Sequence[str]]:
    """Codes of the notices that stand from each visit, by the visit's id; one statement."""
    found: dict[int, list[str]] = {visit.id: [] for visit in visits}
    rows = session.execute(
        select(RenovationViolation.patrol_id, ViolationCode.code)
        .join(ViolationCode, ViolationCode.id == RenovationViolation.code_id)
        .where(RenovationViolation.patrol_id.in_(found), RenovationViolation.state != ViolationState.WITHDRAWN)
        .order_by(RenovationViolation.id)
    )
    for patrol_id, code in rows:
        if patrol_id is not None:
            found[patrol_id].append(code)
    return found


def unnoticed(session: Session, visits: Sequence[RenovationPatrol]) -> Mapping[int, Sequence[str]]:
    """The violated points of each visit that no notice was written about yet, by the visit's id (RN-10).

    A notice is about every point whose usual violation it names; one that names another is about one point, first of
    all about one that leaves the choice open.
    """
    codes = noticed_codes(session, visits)
    return {visit.id: _left(visit.violated, codes[visit.id]) for visit in visits}


def _left(points: Sequence[str], codes: Sequence[str]) -> list[str]:
    usual = {CODE_OF.get(point) for point in points}
    others = sum(code not in usual for code in codes)
    left = [point for point in points if CODE_OF.get(point) not in codes]
    covered = sorted(left, key=lambda point: point in CODE_OF)[:others]
    return [point for point in left if point not in covered]


def visits_since(session: Session, renovation: Renovation, day: date) -> list[RenovationPatrol]:
    """The visits to a site from a day on, in order."""
    mine = (RenovationPatrol.renovation_id == renovation.id, RenovationPatrol.day >= day)
    return list(session.scalars(select(RenovationPatrol).where(*mine).order_by(RenovationPatrol.visited_at)))


def sites_on(session: Session, estate_id: int, day: date) -> list[Renovation]:
    """The sites on which work went on during a day, in walking order."""
    start, end = bounds_of(session, estate_id, day, day)
    numbers = {site.renovation_id for site in sites_between(session, estate_id, start, end)}
    renovations = session.scalars(select(Renovation).where(Renovation.id.in_(numbers)).options(*PLACE))
    return sorted(renovations, key=lambda renovation: walking_order(renovation.unit))


def codes_of(session: Session) -> Sequence[ViolationCode]:
    """The codes in use of the estate that the session sees, in their order."""
    return session.scalars(select(ViolationCode).where(ViolationCode.active).order_by(ViolationCode.seq)).all()
