"""A concluded check as evidence of a duty (MI-12, MI-13)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.modules.checks.models import SpotCheck, kind_titles
from app.modules.checks.states import CheckState
from app.modules.duties.kinds import Evidence, Occasion, Parameter


def concluded_checks(
    session: Session, estate_id: int, start: datetime, end: datetime, kind: Sequence[str] = ()
) -> list[Occasion]:
    """Checks of these kinds (any, when none is named) concluded from ``start`` until ``end``, at their conclusion."""
    found = select(SpotCheck).where(
        SpotCheck.estate_id == estate_id, SpotCheck.state == CheckState.CONCLUDED,
        SpotCheck.concluded_at >= start, SpotCheck.concluded_at < end,
    )  # fmt: skip
    if kind:
        found = found.where(SpotCheck.kind.in_(kind))
    return [
        Occasion(check.concluded_at, check.__tablename__, check.id, check.number)
        for check in session.scalars(found.order_by(SpotCheck.concluded_at, SpotCheck.id))
        if check.concluded_at
    ]


CHECK_EVIDENCE = Evidence(
    code="check", title=_l("Concluded spot check"), occasions=concluded_checks,
    parameters={"kind": Parameter(_l("Kind of check"), kind_titles)},
)  # fmt: skip
