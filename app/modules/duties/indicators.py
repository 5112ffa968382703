"""How many of the duties are kept in time: the indicator."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.indicators.kinds import Indicator, IndicatorUnit, Ratio
from app.modules.duties.models import DutyState
from app.modules.duties.queries import duties_by_clause, report

NO_CLAUSE = "–"


def kept(session: Session, estate_id: int, first: date, last: date) -> dict[str, Ratio]:
    """Duties due in the period and kept in time ÷ those kept, late or missed, by clause; as the report counts them."""
    rows = report(session, estate_id, first, last + timedelta(days=1)).rows
    return {row.clause or NO_CLAUSE: (row.total.of(DutyState.KEPT), row.total.decided) for row in rows}


def clause_titles(session: Session, estate_id: int) -> dict[str, str]:
    """The clauses with the titles of their duties."""
    duties = duties_by_clause(session, estate_id)
    return {clause or NO_CLAUSE: " · ".join([clause, *map(str, found)]) for clause, found in duties.items()}


DUTIES_KEPT = Indicator(
    code="duties.kept",
    title=_l("Duties kept"),
    unit=IndicatorUnit.PERCENT,
    target=Decimal(100),
    measure=kept,
    parts=clause_titles,
    explained=_l("Duties due in the month and kept in time ÷ those kept, late or missed"),
)
