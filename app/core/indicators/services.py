"""Measuring the indicators month by month, and setting an estate's targets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.indicators.kinds import Indicator, IndicatorUnit, Ratio
from app.core.indicators.models import IndicatorTarget, IndicatorValue
from app.core.records.base import now
from app.core.records.clock import bounds_of, estate_today
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry

MONTHS = 13
"""The running month and the twelve before it."""
DAY = timedelta(days=1)


def months_until(today: date, count: int = MONTHS) -> list[date]:
    """First days of the ``count`` months that end with the one of ``today``, oldest first."""
    months = [today.replace(day=1)]
    while len(months) < count:
        months.append((months[-1] - DAY).replace(day=1))
    return months[::-1]


def last_day(month: date) -> date:
    """The last day of the month that begins with ``month``."""
    return (month.replace(day=28) + 4 * DAY).replace(day=1) - DAY


def measure_indicators(session: Session) -> None:
    """Measure what is due in every estate: the running month each time, an earlier one once it is over.

    Commits after each indicator of a month, so that a broken run goes on where it was.
    """
    for estate_id in session.scalars(select(Estate.id).order_by(Estate.id)).all():
        known: dict[tuple[str, date], Any] = {
            (code, month): measured_at
            for code, month, measured_at in session.execute(
                select(IndicatorValue.code, IndicatorValue.month, IndicatorValue.measured_at).where(
                    IndicatorValue.estate_id == estate_id, IndicatorValue.part == ""
                )
            )
        }
        for month in reversed(months_until(estate_today(session, estate_id))):
            over = bounds_of(session, estate_id, month, last_day(month))[1]
            for indicator in registry().of(Indicator).values():
                measured_at = known.get((indicator.code, month))
                if measured_at is None or measured_at < over:
                    measure(session, estate_id, indicator, month)
                    session.commit()


def measure(session: Session, estate_id: int, indicator: Indicator, month: date) -> None:
    """Measure an indicator in the month that begins with ``month`` and keep the values, the whole and its parts."""
    found = indicator.measure(session, estate_id, month, last_day(month))
    values: dict[str, Ratio] = {"": _whole(indicator, found), **found} if isinstance(found, Mapping) else {"": found}
    kept = {
        row.part: row
        for row in session.scalars(
            select(IndicatorValue).where(
                IndicatorValue.estate_id == estate_id,
                IndicatorValue.code == indicator.code,
                IndicatorValue.month == month,
            )
        )
    }
    for part in kept.keys() | values.keys():
        row = kept.get(part)
        if row is None:
            row = IndicatorValue(estate_id=estate_id, code=indicator.code, month=month, part=part)
            session.add(row)
        numerator, denominator = values.get(part, (0, 0))
        row.numerator, row.denominator, row.measured_at = Decimal(numerator), Decimal(denominator), now()
    session.flush()


def _whole(indicator: Indicator, parts: Mapping[str, Ratio]) -> Ratio:
    numerator = sum(part[0] for part in parts.values())
    return numerator, 1 if indicator.unit is IndicatorUnit.COUNT else sum(part[1] for part in parts.values())


def set_target(session: Session, code: str, target: Decimal | None, *, actor: Actor) -> None:
    """Set the estate's own target of an indicator; ``None`` goes back to the one it comes with.

    Raises:
        NotAllowed: unknown indicator, or no right to set targets.
        InvalidValue: a negative target, or more than 100 %.
    """
    actor.require("update", "Indicator")
    indicator = registry().of(Indicator).get(code)
    if indicator is None:
        raise NotAllowed(f"indicator {code}")
    if target is not None and not 0 <= target <= (100 if indicator.unit is IndicatorUnit.PERCENT else 10**6):
        raise InvalidValue(_l("A target is a number from 0 up; a percentage goes to 100."))
    row = session.scalar(
        select(IndicatorTarget).where(IndicatorTarget.estate_id == actor.estate_id, IndicatorTarget.code == code)
    )
    if target is None:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(IndicatorTarget(estate_id=actor.estate_id, code=code, target=target))
    else:
        row.target = target
    session.flush()
