"""What the manager answers for in renovations: reviews, rounds, condition, complaints, violations (RN-05 … RN-18).

Each is measured by building; the part of an indicator is the number of the building.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from app.core.clocks.models import Deadline
from app.core.indicators.kinds import Better, Indicator, IndicatorUnit, Ratio
from app.core.indicators.queries import own_targets
from app.core.records.base import now
from app.core.records.clock import bounds_of, estate_time
from app.modules.estates.models import Building, Unit
from app.modules.movein.models import MoveInCase
from app.modules.renovation.handling import RULE as HANDLING
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation, ViolationCode
from app.modules.renovation.site_queries import HALVES, Work, sites_between
from app.modules.renovation.states import RoundHalf, ViolationState
from app.modules.renovation.workflow import REVIEW

NOT_WITHDRAWN = RenovationViolation.state != ViolationState.WITHDRAWN


class Round(NamedTuple):
    """A round that is owed at a site."""

    renovation_id: int
    day: date
    half: RoundHalf


def by_building(kept: Iterable[int], all_of_them: Iterable[int]) -> dict[str, Ratio]:
    """Ratios by building of what was ``kept`` among ``all_of_them``, both as the building of each."""
    good, whole = Counter(kept), Counter(all_of_them)
    return {str(building): (good[building], whole[building]) for building in sorted(good.keys() | whole.keys())}


def building_titles(session: Session, estate_id: int) -> Mapping[str, str]:
    """The estate's buildings by the part that names them."""
    rows = session.execute(select(Building.id, Building.code).where(Building.estate_id == estate_id))
    return {str(number): code for number, code in rows}


def _deadlines(session: Session, estate_id: int, first: date, last: date, rule: str) -> dict[str, Ratio]:
    """Deadlines of a rule due in the period and met in time ÷ those met or passed; days end at 24:00 of the last one."""
    start, end = bounds_of(session, estate_id, first, last)
    in_time = case((Deadline.met_at <= Deadline.due_at, 1), else_=0)
    rows = session.execute(
        select(Unit.building_id, func.sum(in_time), func.count())
        .join(Unit, Unit.id == Deadline.unit_id)
        .where(
            Deadline.estate_id == estate_id, Deadline.rule_key == rule, Deadline.cancelled_at.is_(None),
            Deadline.paused_at.is_(None), Deadline.due_at > start, Deadline.due_at <= end,
            or_(Deadline.met_at.is_not(None), Deadline.due_at < now()),
        )
        .group_by(Unit.building_id)
    )  # fmt: skip
    return {str(building): (kept, total) for building, kept, total in rows}


def reviews_in_time(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Reviews due in the period and finished by then ÷ those finished or overdue (RN-05)."""
    return _deadlines(session, estate_id, first, last, REVIEW)


def violations_checked(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Handled violations whose check was due in the period and made by then ÷ those checked or overdue (RN-16)."""
    return _deadlines(session, estate_id, first, last, HANDLING)


def rounds_due(session: Session, estate_id: int, first: date, last: date) -> dict[Round, int]:
    """The rounds owed, each with its building: every site, every half-day of work that is over (RN-09)."""
    start, end = bounds_of(session, estate_id, first, last)
    return {
        Round(site.renovation_id, day, half): site.building_id
        for site in sites_between(session, estate_id, start, min(end, now()))
        for day, half in _halves(session, estate_id, site)
    }


def _halves(session: Session, estate_id: int, site: Work) -> Iterator[tuple[date, RoundHalf]]:
    """Half-days during the whole of which there was work on a site, by the estate's clock."""
    begun, until = (estate_time(session, estate_id, moment).replace(tzinfo=None) for moment in (site.begun, site.until))
    day = begun.date()
    while day <= until.date():
        midnight = datetime.combine(day, datetime.min.time())
        for half, opens, closes in HALVES:
            if begun <= midnight + opens and midnight + closes <= until:
                yield day, half
        day += timedelta(days=1)


def rounds_made(session: Session, estate_id: int, first: date, last: date) -> set[Round]:
    """The rounds that were made, owed or not."""
    visits = session.execute(
        select(RenovationPatrol.renovation_id, RenovationPatrol.day, RenovationPatrol.half).where(
            RenovationPatrol.estate_id == estate_id, RenovationPatrol.day.between(first, last)
        )
    )
    return {Round(*visit) for visit in visits}


def rounds_done(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Rounds made of the rounds that were due (RN-09)."""
    owed, made = rounds_due(session, estate_id, first, last), rounds_made(session, estate_id, first, last)
    return by_building((building for one, building in owed.items() if one in made), owed.values())


def good_condition(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Units under renovation without an uncleared grave violation ÷ units under renovation (RN-14, sources C17)."""
    start, end = bounds_of(session, estate_id, first, last)
    sites = {site.renovation_id: site.building_id for site in sites_between(session, estate_id, start, end)}
    moment = min(end, now())
    harmed = set(
        session.scalars(
            select(RenovationViolation.renovation_id)
            .join(ViolationCode, ViolationCode.id == RenovationViolation.code_id)
            .where(
                RenovationViolation.estate_id == estate_id, ViolationCode.grave, NOT_WITHDRAWN,
                RenovationViolation.found_at < moment,
                or_(RenovationViolation.cleared_at.is_(None), RenovationViolation.cleared_at >= moment),
            )
        )
    )  # fmt: skip
    return by_building((building for number, building in sites.items() if number not in harmed), sites.values())


def complaint_rate(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Violations found after a complaint ÷ households moved in by the end of the period (RN-14, sources C16)."""
    start, end = bounds_of(session, estate_id, first, last)
    complaints = session.scalars(
        select(Unit.building_id)
        .join(RenovationViolation, RenovationViolation.unit_id == Unit.id)
        .where(
            RenovationViolation.estate_id == estate_id, RenovationViolation.complaint, NOT_WITHDRAWN,
            RenovationViolation.found_at >= start, RenovationViolation.found_at < end,
        )
    )  # fmt: skip
    households = session.execute(
        select(Unit.building_id, Unit.id)
        .join(MoveInCase, MoveInCase.unit_id == Unit.id)
        .where(MoveInCase.estate_id == estate_id, MoveInCase.completed_at < end)
        .distinct()
    )
    return by_building(complaints, (building for building, _unit in households))


def violations_in_time(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Violations due in the period and cleared by then ÷ those cleared or overdue (RN-10)."""
    start, end = bounds_of(session, estate_id, first, last)
    in_time = case((RenovationViolation.cleared_at <= RenovationViolation.due_at, 1), else_=0)
    rows = session.execute(
        select(Unit.building_id, func.sum(in_time), func.count())
        .join(Unit, Unit.id == RenovationViolation.unit_id)
        .where(
            RenovationViolation.estate_id == estate_id, NOT_WITHDRAWN, RenovationViolation.due_at > start,
            RenovationViolation.due_at <= end,
            or_(RenovationViolation.cleared_at.is_not(None), RenovationViolation.due_at < now()),
        )
        .group_by(Unit.building_id)
    )  # fmt: skip
    return {str(building): (kept, total) for building, kept, total in rows}


def _indicator(
    code: str, title: Any, measure: Any, clause: str, explained: Any, target: Decimal = Decimal(100),
    better: Better = Better.HIGHER, places: int = 1,
) -> Indicator:  # fmt: skip
    return Indicator(
        code=f"renovation.{code}", title=title, unit=IndicatorUnit.PERCENT, target=target, better=better, places=places,
        measure=measure, clause=clause, explained=explained, parts=building_titles,
    )  # fmt: skip


MEASURED = (
    _indicator(
        "reviews_in_time", _l("Renovation reviews in time"), reviews_in_time, "RN-05",
        _l("Reviews due in the month and finished in time ÷ those finished or overdue"),
    ),
    _indicator(
        "rounds", _l("Renovation rounds made"), rounds_done, "RN-09",
        _l("Rounds made ÷ rounds due: two a day on every site"),
    ),
    _indicator(
        "good_condition", _l("Good-condition rate of renovations"), good_condition, "RN-14",
        _l("Units under renovation without an uncleared grave violation ÷ units under renovation"),
    ),
    _indicator(
        "complaint_rate", _l("Complaint rate of renovations"), complaint_rate, "RN-14",
        _l("Violations found after a complaint ÷ households moved in"),
        target=Decimal("0.5"), better=Better.BELOW, places=2,
    ),
    _indicator(
        "violations_in_time", _l("Violations cleared in time"), violations_in_time, "RN-10",
        _l("Violations due in the month and cleared by their deadline ÷ those cleared or overdue"),
    ),
    _indicator(
        "violations_checked", _l("Handling of violations checked"), violations_checked, "RN-16",
        _l("Cleared or reported violations whose check was due in the month and made in time ÷ those checked or overdue"),
    ),
)  # fmt: skip
"""The indicators of renovations, each by itself."""


def quality(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """The indicators of renovations on target ÷ those that had something to measure, by indicator (RN-18)."""
    targets = own_targets(session, estate_id)
    found: dict[str, Ratio] = {}
    for indicator in MEASURED:
        parts: Collection[Ratio] = indicator.measure(session, estate_id, first, last).values()  # type: ignore[union-attr]  # all by building
        value = indicator.exact(Decimal(sum(n for n, _d in parts)), Decimal(sum(d for _n, d in parts)))
        if value is not None:
            kept = indicator.keeps(value, targets.get(indicator.code, indicator.target or Decimal(0)))
            found[indicator.code] = (int(kept), 1)
    return found


QUALITY = Indicator(
    code="renovation.quality", title=_l("Renovation quality in the office’s assessment"), unit=IndicatorUnit.PERCENT,
    target=Decimal(100), measure=quality, clause="RN-18",
    parts=lambda _session, _estate_id: {one.code: str(one.title) for one in MEASURED},
    explained=_l("Indicators of renovations on target in the month ÷ indicators of renovations with something to measure"),
)  # fmt: skip
INDICATORS = (*MEASURED, QUALITY)
