"""The paper of the duties: how they were kept, by clause and month, over a number of months."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.filling import kind_of
from app.core.records.base import session_of
from app.modules.duties.models import DutyReport, DutyState
from app.modules.duties.papers.duty_report import context as paper
from app.modules.duties.queries import ReportRow, Tally, duties_by_clause, report

FOLDER = Path(__file__).parent / "papers" / "duty_report"

NO_CLAUSE = Bilingual("无条款", "No clause")
ALL = Bilingual("合计", "Total")
MANAGER = Bilingual("物业服务中心经理", "Service-centre manager")
SUPERIOR = Bilingual("上级主管部门", "Superior department")


def report_of(record: DutyReport, header: Header) -> paper.Context:
    """The figures of the report's months as they stand when the paper is issued."""
    session = session_of(record)
    found = report(session, record.estate_id, record.from_on, record.until_on)
    duties = duties_by_clause(session, record.estate_id)

    def titles(clause: str) -> Bilingual:
        named = duties.get(clause, [])
        return Bilingual("；".join(d.title_zh for d in named), "; ".join(d.title_en for d in named))

    return paper.Context(
        header=header,
        from_on=record.from_on,
        last_on=record.until_on - timedelta(days=1),
        months=tuple(f"{month:%Y-%m}" for month in found.months),
        rows=tuple(
            _row(row, Bilingual(row.clause) if row.clause else NO_CLAUSE, titles(row.clause)) for row in found.rows
        ),
        total=_row(found.total, ALL, Bilingual("")),
        signatures=(Signature(role=MANAGER, stamp=True), Signature(role=SUPERIOR)),
    )


def _row(row: ReportRow, clause: Bilingual, titles: Bilingual) -> paper.Row:
    return paper.Row(clause, titles, tuple(_figures(t) for t in row.months), _figures(row.total))


def _figures(tally: Tally) -> paper.Figures:
    return paper.Figures(
        kept=tally.of(DutyState.KEPT), late=tally.of(DutyState.LATE), missed=tally.of(DutyState.MISSED),
        waived=tally.of(DutyState.WAIVED), open=tally.of(DutyState.OPEN), percent=tally.percent,
    )  # fmt: skip


REPORT = kind_of(FOLDER, DutyReport, report_of)
