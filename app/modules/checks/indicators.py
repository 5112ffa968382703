"""What spot checks found: the indicator."""

from __future__ import annotations

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from app.core.indicators.kinds import Indicator, IndicatorUnit, Ratio
from app.core.records.clock import bounds_of
from app.modules.checks.models import CheckSample, SpotCheck, kind_titles
from app.modules.checks.states import CheckState, SampleResult


def in_order(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Records checked in the period and found in order ÷ records checked, by kind of check (MI-12, MI-13)."""
    start, end = bounds_of(session, estate_id, first, last)
    rows = session.execute(
        select(SpotCheck.kind, func.sum(case((CheckSample.result == SampleResult.OK, 1), else_=0)), func.count())
        .join(SpotCheck, SpotCheck.id == CheckSample.check_id)
        .where(
            SpotCheck.estate_id == estate_id,
            SpotCheck.state != CheckState.WITHDRAWN,
            CheckSample.checked_at >= start,
            CheckSample.checked_at < end,
            CheckSample.result.in_((SampleResult.OK, SampleResult.FINDING)),
        )
        .group_by(SpotCheck.kind)
    )
    return {kind: (fine, total) for kind, fine, total in rows}


CHECKS_IN_ORDER = Indicator(
    code="checks.in_order",
    title=_l("Spot checks in order"),
    unit=IndicatorUnit.PERCENT,
    measure=in_order,
    parts=lambda _session, _estate_id: {code: str(title) for code, title in kind_titles().items()},
    clause="MI-12",
    explained=_l("Records checked in the month and found in order ÷ records checked"),
)
