"""The paper of the monthly report on renovations."""

from __future__ import annotations

from typing import Literal

from app.core.indicators.queries import Reading, Trend
from app.core.indicators.services import last_day
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of, local
from app.core.papers.titles import in_both
from app.core.records.base import session_of
from app.modules.renovation.application_papers import FOLDER
from app.modules.renovation.papers.monthly_report import context as paper
from app.modules.renovation.report import LateReview, SiteLine, monthly_report
from app.modules.renovation.report_models import RenovationReport
from app.modules.renovation.states import Mode

MONTHS = 5
"""Months of each indicator, the report's own the last."""


def report_of(record: RenovationReport, header: Header) -> paper.Context:
    """The figures of the month as they stand when the paper is issued."""
    session = session_of(record)
    found = monthly_report(session, record.estate_id, record.month)
    return paper.Context(
        header=header,
        from_on=record.month,
        last_on=last_day(record.month),
        months=tuple(f"{reading.month:%Y-%m}" for reading in found.figures[0].readings[-MONTHS:]),
        figures=tuple(_figure(trend) for trend in found.figures),
        rounds=tuple(
            paper.Rounds(
                building=part.title, made=int(part.now.numerator), due=int(part.now.denominator),
                percent=part.indicator.said(part.now.value),
            )
            for part in found.rounds
        ),
        kinds=tuple(found.kinds),
        sites=tuple(_site(line) for line in found.sites),
        late=tuple(_late(record, line) for line in found.late),
        signatures=(
            Signature(role=Bilingual("物业服务中心经理", "Service-centre manager"), stamp=True),
            Signature(role=Bilingual("上级主管部门", "Superior department")),
        ),
    )  # fmt: skip


def _figure(trend: Trend) -> paper.Figure:
    indicator, better = trend.indicator, in_both(trend.indicator.better.title)
    target = indicator.said(trend.target)
    return paper.Figure(
        title=in_both(indicator.title), explained=in_both(indicator.explained), clause=indicator.clause,
        target=Bilingual(f"{better.zh} {target}", f"{better.en} {target}"),
        values=tuple(indicator.said(reading.value) for reading in trend.readings[-MONTHS:]),
        standing=_standing(trend.now),
    )  # fmt: skip


def _standing(reading: Reading) -> Literal["kept", "missed", "none"]:
    return "none" if reading.kept is None else "kept" if reading.kept else "missed"


def _site(line: SiteLine) -> paper.Site:
    renovation = line.renovation
    contractor = Bilingual(renovation.contractor.name) if renovation.contractor else in_both(Mode.SELF.title)
    return paper.Site(
        unit=renovation.unit.code, number=renovation.number, contractor=contractor, state=in_both(renovation.state.title),
        made=line.made, due=line.due, found=line.found, open=line.open,
    )  # fmt: skip


def _late(record: RenovationReport, line: LateReview) -> paper.Late:
    return paper.Late(
        unit=line.renovation.unit.code, number=line.renovation.number, due_at=local(record, line.due_at),
        met_at=local(record, line.met_at), hours=line.hours, reason=line.reason,
    )  # fmt: skip


REPORT = kind_of(FOLDER / "monthly_report", RenovationReport, report_of)
