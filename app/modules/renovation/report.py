"""The monthly report on renovations: indicators, rounds by building, violations by kind, sites, late reviews (RN-18)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.core.clocks.models import Deadline
from app.core.indicators.queries import Trend, trends
from app.core.indicators.services import last_day, measure
from app.core.records.base import now
from app.core.records.clock import bounds_of
from app.modules.renovation.indicators import INDICATORS, NOT_WITHDRAWN, rounds_due, rounds_made
from app.modules.renovation.models import Renovation
from app.modules.renovation.papers.monthly_report.context import Kind
from app.modules.renovation.report_models import RenovationReport
from app.modules.renovation.site_models import RenovationViolation, ViolationCode
from app.modules.renovation.site_queries import sites_between
from app.modules.renovation.states import OPEN_VIOLATIONS
from app.modules.renovation.workflow import REVIEW

CODES = tuple(indicator.code for indicator in INDICATORS)
ROUNDS = "renovation.rounds"


@dataclass(frozen=True)
class SiteLine:
    """A renovation on whose site work went on; rounds made of those that were due, violations found and still open."""

    renovation: Renovation
    made: int
    due: int
    found: int
    open: int


@dataclass(frozen=True)
class LateReview:
    """A review that was not finished in time: when it was due, when it ended, what was given as the reason."""

    renovation: Renovation
    due_at: datetime
    met_at: datetime | None
    reason: str

    @property
    def hours(self) -> int:
        """How many hours late it was, or is by now."""
        return int(((self.met_at or now()) - self.due_at).total_seconds() // 3600)


@dataclass(frozen=True)
class MonthlyReport:
    month: date
    figures: Sequence[Trend]
    kinds: Sequence[Kind]
    sites: Sequence[SiteLine]
    late: Sequence[LateReview]

    @property
    def rounds(self) -> Sequence[Trend]:
        """The rounds of each building that owed some in the month."""
        whole = next(trend for trend in self.figures if trend.indicator.code == ROUNDS)
        return [part for part in whole.parts if part.now.denominator]


def monthly_report(session: Session, estate_id: int, month: date) -> MonthlyReport:
    """The month that begins with ``month``, as far as it was measured; a fixed number of statements."""
    last = last_day(month)
    found = {trend.indicator.code: trend for trend in trends(session, estate_id, last, parts=True)}
    violations = _violations(session, estate_id, month, last)
    return MonthlyReport(
        month=month, figures=[found[code] for code in CODES], kinds=_kinds(violations),
        sites=_sites(session, estate_id, month, last, violations), late=_late(session, estate_id, month, last),
    )  # fmt: skip


def _violations(session: Session, estate_id: int, first: date, last: date) -> Sequence[tuple[RenovationViolation, Any]]:
    start, end = bounds_of(session, estate_id, first, last)
    rows = session.execute(
        select(RenovationViolation, ViolationCode)
        .join(ViolationCode, ViolationCode.id == RenovationViolation.code_id)
        .where(
            RenovationViolation.estate_id == estate_id, NOT_WITHDRAWN, RenovationViolation.found_at >= start,
            RenovationViolation.found_at < end,
        )
    )  # fmt: skip
    return [(violation, code) for violation, code in rows]


def _kinds(violations: Sequence[tuple[RenovationViolation, Any]]) -> list[Kind]:
    """The most frequent first, as in a Pareto chart."""
    counts = Counter(code.id for _violation, code in violations)
    codes = {code.id: code for _violation, code in violations}
    lines, before, total = [], 0, len(violations)
    for number, count in sorted(counts.items(), key=lambda item: (-item[1], codes[item[0]].seq)):
        code, before = codes[number], before + count
        lines.append(
            Kind(
                code=code.code, title=code.title, grave=code.grave, count=count, percent=_percent(count, total),
                together=_percent(before, total),
            )
        )  # fmt: skip
    return lines


def _percent(part: int, whole: int) -> int:
    return int((Decimal(100 * part) / whole).to_integral_value()) if whole else 0


def _sites(
    session: Session, estate_id: int, first: date, last: date, violations: Sequence[tuple[RenovationViolation, Any]]
) -> list[SiteLine]:
    start, end = bounds_of(session, estate_id, first, last)
    numbers = [site.renovation_id for site in sites_between(session, estate_id, start, end)]
    owed, made = rounds_due(session, estate_id, first, last), rounds_made(session, estate_id, first, last)
    due = Counter(one.renovation_id for one in owed)
    done = Counter(one.renovation_id for one in owed if one in made)
    found = Counter(violation.renovation_id for violation, _code in violations)
    still = Counter(v.renovation_id for v, _code in violations if v.state in OPEN_VIOLATIONS)
    renovations = session.scalars(
        select(Renovation)
        .where(Renovation.id.in_(numbers))
        .options(joinedload(Renovation.unit), joinedload(Renovation.contractor))
        .order_by(Renovation.id)
    )
    return [SiteLine(r, done[r.id], due[r.id], found[r.id], still[r.id]) for r in renovations]


def _late(session: Session, estate_id: int, first: date, last: date) -> list[LateReview]:
    start, end = bounds_of(session, estate_id, first, last)
    rows = session.execute(
        select(Renovation, Deadline.due_at, Deadline.met_at, Deadline.late_reason)
        .join(Deadline, Deadline.record_id == Renovation.id)
        .where(
            Deadline.record_type == Renovation.__tablename__, Deadline.rule_key == REVIEW,
            Deadline.estate_id == estate_id, Deadline.cancelled_at.is_(None), Deadline.paused_at.is_(None),
            Deadline.due_at > start, Deadline.due_at <= end, Deadline.due_at < now(),
            or_(Deadline.met_at.is_(None), Deadline.met_at > Deadline.due_at),
        )
        .options(joinedload(Renovation.unit))
        .order_by(Deadline.due_at, Deadline.id)
    )  # fmt: skip
    return [LateReview(*row) for row in rows]


def report_for(session: Session, month: date, *, actor: Actor) -> RenovationReport:
    """The record that papers of this month hang on, made when first asked for; the month is measured anew.

    Raises:
        NotAllowed: no right to print the report.
    """
    actor.require("print", "RenovationReport")
    estate_id = actor.estate_id or 0
    for indicator in INDICATORS:
        measure(session, estate_id, indicator, month)
    known = select(RenovationReport).where(RenovationReport.estate_id == estate_id, RenovationReport.month == month)
    record = session.scalar(known)
    if record is None:
        record = RenovationReport(estate_id=estate_id, month=month)
        session.add(record)
        session.flush()
    return record
