"""What the manager answers for in renovations: reviews, rounds, condition, complaints, violations (RN-05, RN-09, RN-14)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from app.core.clocks.models import Deadline
from app.core.indicators.kinds import Better, Indicator, IndicatorUnit, Ratio
from app.core.records.base import now
from app.core.records.clock import bounds_of, estate_time
from app.modules.movein.models import MoveInCase
from app.modules.renovation.models import Renovation
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation, ViolationCode
from app.modules.renovation.states import RoundHalf, ViolationState
from app.modules.renovation.workflow import REVIEW

NOT_WITHDRAWN = RenovationViolation.state != ViolationState.WITHDRAWN


def reviews_in_time(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Reviews due in the period and finished by then ÷ those finished or overdue (RN-05)."""
    start, end = bounds_of(session, estate_id, first, last)
    in_time = case((Deadline.met_at <= Deadline.due_at, 1), else_=0)
    kept, total = session.execute(
        select(func.coalesce(func.sum(in_time), 0), func.count()).where(
            Deadline.estate_id == estate_id, Deadline.rule_key == REVIEW, Deadline.cancelled_at.is_(None),
            Deadline.due_at >= start, Deadline.due_at < end, or_(Deadline.met_at.is_not(None), Deadline.due_at < now()),
        )
    ).one()  # fmt: skip
    return kept, total


def sites_between(
    session: Session, estate_id: int, start: datetime, end: datetime
) -> list[tuple[int, datetime, datetime]]:
    """Renovations on whose sites work went on in the period: id, and from when to when within it."""
    rows = session.execute(
        select(Renovation.id, Renovation.started_at, Renovation.completion_requested_at, Renovation.accepted_on).where(
            Renovation.estate_id == estate_id, Renovation.started_at < end,
            or_(Renovation.accepted_on.is_(None), Renovation.completion_requested_at >= start),
        )
    )  # fmt: skip
    found = []
    for number, begun, requested, accepted in rows:
        until = requested if accepted and requested else now()
        if begun is not None and until > start:
            found.append((number, max(begun, start), min(until, end)))
    return found


def rounds_due(session: Session, estate_id: int, first: date, last: date) -> set[tuple[int, date, RoundHalf]]:
    """The rounds owed: each site, each day of work, each half that had begun with work and is over (RN-09)."""
    start, end = bounds_of(session, estate_id, first, last)
    owed = set()
    for number, begun, until in sites_between(session, estate_id, start, min(end, now())):
        owed.update((number, day, half) for day, half in _halves(session, estate_id, begun, until))
    return owed


def _halves(session: Session, estate_id: int, begun: datetime, until: datetime) -> Iterator[tuple[date, RoundHalf]]:
    """Halves of days that lie wholly between two moments, by the estate's clock; the day ends at 18:00 for rounds."""
    begins, ends = estate_time(session, estate_id, begun), estate_time(session, estate_id, until)
    day = begins.date()
    while day <= ends.date():
        noon, evening = (datetime.combine(day, datetime.min.time()) + timedelta(hours=h) for h in (12, 18))
        if begins.replace(tzinfo=None) <= noon - timedelta(hours=4) and ends.replace(tzinfo=None) >= noon:
            yield day, RoundHalf.MORNING
        if begins.replace(tzinfo=None) <= noon and ends.replace(tzinfo=None) >= evening:
            yield day, RoundHalf.AFTERNOON
        day += timedelta(days=1)


def rounds_done(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Rounds made of the rounds that were due (RN-09)."""
    owed = rounds_due(session, estate_id, first, last)
    visits = session.execute(
        select(RenovationPatrol.renovation_id, RenovationPatrol.day, RenovationPatrol.half).where(
            RenovationPatrol.estate_id == estate_id, RenovationPatrol.day.between(first, last)
        )
    )
    return len(owed & {(number, day, half) for number, day, half in visits}), len(owed)


def good_condition(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Units under renovation without an uncleared grave violation ÷ units under renovation (RN-14, sources C17)."""
    start, end = bounds_of(session, estate_id, first, last)
    sites = {number for number, _begun, _until in sites_between(session, estate_id, start, end)}
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
    return len(sites - harmed), len(sites)


def complaint_rate(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Violations found after a complaint ÷ households moved in (RN-14, sources C16)."""
    start, end = bounds_of(session, estate_id, first, last)
    complaints = session.scalar(
        select(func.count()).where(
            RenovationViolation.estate_id == estate_id, RenovationViolation.complaint, NOT_WITHDRAWN,
            RenovationViolation.found_at >= start, RenovationViolation.found_at < end,
        )
    )  # fmt: skip
    households = session.scalar(
        select(func.count(func.distinct(MoveInCase.unit_id))).where(
            MoveInCase.estate_id == estate_id, MoveInCase.completed_at < end
        )
    )
    return complaints or 0, households or 0


def violations_in_time(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Violations due in the period and cleared by then ÷ those cleared or overdue (RN-10)."""
    start, end = bounds_of(session, estate_id, first, last)
    in_time = case((RenovationViolation.cleared_at <= RenovationViolation.due_at, 1), else_=0)
    kept, total = session.execute(
        select(func.coalesce(func.sum(in_time), 0), func.count()).where(
            RenovationViolation.estate_id == estate_id, NOT_WITHDRAWN, RenovationViolation.due_at >= start,
            RenovationViolation.due_at < end,
            or_(RenovationViolation.cleared_at.is_not(None), RenovationViolation.due_at < now()),
        )
    ).one()  # fmt: skip
    return kept, total


INDICATORS = (
    Indicator(
        code="renovation.reviews_in_time", title=_l("Renovation reviews in time"), unit=IndicatorUnit.PERCENT,
        target=Decimal(100), measure=reviews_in_time, clause="RN-05",
        explained=_l("Reviews due in the month and finished in time ÷ those finished or overdue"),
    ),
    Indicator(
        code="renovation.rounds", title=_l("Renovation rounds made"), unit=IndicatorUnit.PERCENT, target=Decimal(100),
        measure=rounds_done, clause="RN-09", explained=_l("Rounds made ÷ rounds due: two a day on every site"),
    ),
    Indicator(
        code="renovation.good_condition", title=_l("Good-condition rate of renovations"), unit=IndicatorUnit.PERCENT,
        target=Decimal(100), measure=good_condition, clause="RN-14",
        explained=_l("Units under renovation without an uncleared grave violation ÷ units under renovation"),
    ),
    Indicator(
        code="renovation.complaint_rate", title=_l("Complaint rate of renovations"), unit=IndicatorUnit.PERCENT,
        target=Decimal("0.5"), better=Better.LOWER, measure=complaint_rate, clause="RN-14",
        explained=_l("Violations found after a complaint ÷ households moved in"),
    ),
    Indicator(
        code="renovation.violations_in_time", title=_l("Violations cleared in time"), unit=IndicatorUnit.PERCENT,
        target=Decimal(100), measure=violations_in_time, clause="RN-10",
        explained=_l("Violations due in the month and cleared by their deadline ÷ those cleared or overdue"),
    ),
)  # fmt: skip
