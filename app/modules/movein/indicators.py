"""What the manager answers for at move-in: defects rectified in time, move-ins completed, days until the keys."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from statistics import median

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from app.core.indicators.kinds import Better, Indicator, IndicatorUnit, Ratio
from app.core.records.clock import bounds_of, estate_today
from app.modules.movein.completeness import records_complete
from app.modules.movein.models import Defect, MoveInCase

DAY = 86_400


def defects_in_time(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Defects due in the period and reported rectified by their day ÷ those rectified or overdue (MI-11)."""
    in_time = case((Defect.fixed_on <= Defect.due_on, 1), else_=0)
    kept, total = session.execute(
        select(func.coalesce(func.sum(in_time), 0), func.count()).where(
            Defect.estate_id == estate_id,
            Defect.due_on.between(first, last),
            or_(Defect.fixed_on.is_not(None), Defect.due_on < estate_today(session, estate_id)),
        )
    ).one()
    return kept, total


def completed(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Move-ins completed in the period."""
    start, end = bounds_of(session, estate_id, first, last)
    count = session.scalar(
        select(func.count()).where(
            MoveInCase.estate_id == estate_id, MoveInCase.completed_at >= start, MoveInCase.completed_at < end
        )
    )
    return count or 0, 1


def days_to_keys(session: Session, estate_id: int, first: date, last: date) -> Ratio:
    """Median days from the opening of the case to the keys, of the move-ins completed in the period."""
    start, end = bounds_of(session, estate_id, first, last)
    rows = session.execute(
        select(MoveInCase.created_at, MoveInCase.completed_at).where(
            MoveInCase.estate_id == estate_id, MoveInCase.completed_at >= start, MoveInCase.completed_at < end
        )
    )
    days = [(done - begun).total_seconds() / DAY for begun, done in rows if done]
    return (round(Decimal(median(days)), 2), 1) if days else (0, 0)


INDICATORS = (
    Indicator(
        code="movein.defects_in_time", title=_l("Defects rectified in time"), unit=IndicatorUnit.PERCENT,
        target=Decimal(100), measure=defects_in_time, clause="MI-11",
        explained=_l("Defects due in the month and reported rectified by their day ÷ those rectified or overdue"),
    ),
    Indicator(
        code="movein.records_complete", title=_l("Move-in records complete"), unit=IndicatorUnit.PERCENT,
        target=Decimal(100), measure=records_complete, clause="MI-02",
        explained=_l("Move-ins completed in the month with all nine documents and six records ÷ move-ins completed"),
    ),
    Indicator(
        code="movein.completed", title=_l("Move-ins completed"), unit=IndicatorUnit.COUNT, measure=completed,
        clause="MI-04", explained=_l("Move-ins whose keys were handed over in the month"),
    ),
    Indicator(
        code="movein.days_to_keys", title=_l("Days until the keys"), unit=IndicatorUnit.DAYS, better=Better.LOWER,
        measure=days_to_keys, clause="MI-04",
        explained=_l("Median days from the opening of the case to the keys, of the move-ins completed in the month"),
    ),
)  # fmt: skip
