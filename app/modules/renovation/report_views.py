"""Screens of the monthly report on renovations: a month as it stands, as a file, as a paper."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from flask import Response, abort, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor, current_actor
from app.core.exports import tables
from app.core.indicators.chart import chart
from app.core.records.clock import estate_today
from app.extensions import db
from app.fab.documents import papers_section
from app.fab.interface import RecordInterface
from app.fab.views import Page, RecordView, expose, link_to_show, requires
from app.modules.renovation.report import MonthlyReport, monthly_report, report_for
from app.modules.renovation.report_models import RenovationReport


def _values(month: date) -> dict[str, Any]:
    """What ``renovation/_report.html`` shows."""
    return {"report": monthly_report(db.session, current_actor().estate_id or 0, month), "chart": chart}


class RenovationReportPage(Page):
    """The renovations of a month: indicators, rounds by building, violations by kind, sites, late reviews."""

    resource = "RenovationReport"
    route_base = "/renovations/report"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        month = self._month(request.args.get("month"))
        return self.render(
            "renovation/report.html", title=_("Monthly report on renovations"), month=month, **_values(month)
        )

    @expose("/export.<any(xlsx, csv):form>")
    @requires("read")
    def export(self, form: str) -> Response:
        """The indicators of the month, as a whole and by building."""
        month = self._month(request.args.get("month"))
        found = monthly_report(db.session, current_actor().estate_id or 0, month)
        heads = [
            _("Month"),
            _("Indicator"),
            _("Detail"),
            _("Clause"),
            _("Target"),
            _("Numerator"),
            _("Denominator"),
            _("Value"),
        ]
        file, title = io.BytesIO(), _("Monthly report on renovations")
        if form == "csv":
            tables.write_csv(file, heads, _rows(found))
        else:
            tables.write_xlsx(file, title, heads, _rows(found))
        answer = Response(file.getvalue(), mimetype=tables.CSV if form == "csv" else tables.XLSX)
        tables.offer(answer, f"{title}-{month:%Y-%m}.{form}")
        return answer

    @expose("/paper", methods=["POST"])
    @requires("print")
    def paper(self) -> Any:
        """Open the page from which the paper of this month is issued."""
        month = self._month(request.form.get("month"))
        return self.command(
            lambda: report_for(db.session, month, actor=current_actor()),
            done=_("Preview the paper or issue it."),
            then=lambda record: url_for("RenovationReportView.show", pk=record.id),
            back=url_for("RenovationReportPage.index", month=f"{month:%Y-%m}"),
        )

    def _month(self, text: str | None) -> date:
        """First day of the month named ``2026-03``; of this month when none is named."""
        today = estate_today(db.session, current_actor().estate_id or 0)
        if not text:
            return today.replace(day=1)
        found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", text)
        if found is None:
            abort(400)
        return min(date(int(found[1]), int(found[2]), 1), today.replace(day=1))


def _rows(found: MonthlyReport) -> Iterator[list[Any]]:
    for whole in found.figures:
        for part in (whole, *whole.parts):
            if part is whole or part.now.denominator:
                yield [
                    f"{found.month:%Y-%m}", whole.title, part.title if part is not whole else "", whole.indicator.clause,
                    whole.target, part.now.numerator, part.now.denominator, part.now.value,
                ]  # fmt: skip


class RenovationReportView(RecordView):
    """The reports that were printed, with their papers."""

    datamodel = RecordInterface(RenovationReport)
    resource = "RenovationReport"
    route_base = "/renovation-reports"
    list_title = _l("Printed reports on renovations")
    show_title = _l("Monthly report on renovations")
    list_columns = ["month", "created_at", "created_by_id"]
    search_columns = ["month"]
    show_fieldsets = [("", ["created_at"])]
    list_cell = {"month": link_to_show(lambda record: f"{record.month:%Y-%m}")}

    def sections(self, record: RenovationReport, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        return [
            *papers_section(record, actor),
            (_("As it stands now"), "renovation/_report.html", _values(record.month)),
        ]
