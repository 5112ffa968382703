"""Screens of the duties: the list, a duty with its year, its form with the next due days, occurrences, the report."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from dateutil.relativedelta import relativedelta
from flask import Response, abort, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import selectinload

from app.core.access.actor import Actor, current_actor
from app.core.clocks.calendar import calendar_of
from app.core.clocks.words import limit_text, span
from app.core.exports import tables
from app.core.files.services import attachments_of
from app.core.papers.services import papers_of
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.extensions import db
from app.fab import cells
from app.fab.fields import ChoiceField, estate_zone
from app.fab.interface import RecordInterface
from app.fab.views import Page, RecordView, RelatedList, expose, link_to_show, requires
from app.modules.duties import services
from app.modules.duties.forms import DoneForm, ParametersField, evidences, parameters_of, shown_by
from app.modules.duties.models import STATEMENT, Duty, DutyOccurrence, DutyReport, DutyState
from app.modules.duties.printing import REPORT
from app.modules.duties.queries import (
    Report,
    duties_by_clause,
    months_between,
    neighbours,
    report,
    year_of,
)
from app.modules.duties.recurrence import Period, upcoming

COMING = 6
"""Due days the form shows ahead."""
FIRST_YEAR, LAST_YEAR = 2000, 2100


def state_badge(occurrence: DutyOccurrence) -> Any:
    """How an occurrence stands, an open one with what has been counted."""
    title = str(DutyState(occurrence.state).title)
    if occurrence.state == DutyState.OPEN:
        overdue = occurrence.overdue(now())
        title = _("Overdue") if overdue else title
        if occurrence.needed > 1:
            title = f"{title} {occurrence.counted}/{occurrence.needed}"
        return cells.badge(title, "orange" if overdue else "blue")
    return cells.badge(title, DutyState(occurrence.state).colour)


def limit(moment: datetime | None) -> Markup:
    """A due moment at the estate; midnight ends a day: 24:00."""
    return Markup("{}").format(limit_text(moment, estate_zone()) if moment else "")


class DutyView(RecordView):
    """The recurring duties of the centre, editable as data."""

    datamodel = RecordInterface(Duty)
    resource = "Duty"
    route_base = "/duties"
    list_title = _l("Duties")
    show_title = _l("Duty")
    add_title = _l("New duty")
    edit_title = _l("Edit duty")
    intro = _l("What recurs, by whom and until when. A duty closes by itself as soon as its evidence exists.")
    label_columns = {
        "title": _l("Duty"), "current": _l("This period"), "next_due": _l("Next due"), "instruction": _l("What to do"),
    }  # fmt: skip
    list_columns = ["title", "clause", "role", "period", "current", "next_due", "active"]
    search_columns = ["code", "clause", "title_zh", "title_en", "role", "period", "active"]
    order_columns = ["clause", "role"]
    base_order = [("active", "desc"), ("clause", "asc"), ("code", "asc")]
    show_fieldsets = [
        ("", ["clause", "role", "period", "evidence", "valid_from", "valid_to", "instruction"]),
        (
            _l("Rule of recurrence"),
            ["months", "shift", "grace_days", "distinct_days", "in_place_of", "active", "code"],
        ),
    ]
    form_fieldsets = [
        ("", ["code", "clause", "title_zh", "title_en", "role", "active", "instruction_zh", "instruction_en"]),
        (_l("How often"), ["period", "months", "times", "distinct_days"]),
        (_l("Window"), ["opens_month", "opens_day", "opens_time", "due_month", "due_day", "due_time",
                        "in_working_days", "shift", "grace_days", "grace_hours"]),
        (_l("In force"), ["valid_from", "valid_to", "in_place_of_id"]),
        (_l("Evidence"), ["evidence", "parameters"]),
    ]  # fmt: skip
    edit_columns = [name for _title, names in form_fieldsets for name in names if name != "code"]
    add_columns = ["code", *edit_columns]
    form_fields = {
        "evidence": ChoiceField(_l("Shown by"), values=evidences, default=STATEMENT, empty=STATEMENT),
        "parameters": ParametersField(_l("Only these records count"), description=_l("Empty: any of the chosen kind.")),
    }
    form_template = "duties/form.html"
    related = [
        RelatedList(
            view="DutyOccurrenceView", column="duty_id", limit=12, add=False,
            columns=["period_key", "opens_at", "due_at", "state", "closed_at"],
        )
    ]  # fmt: skip
    list_cell = {
        "title": link_to_show(str),
        "period": lambda duty: recurs(duty),
        "grace_days": lambda duty: span(duty.rule.grace) if duty.rule.grace else "",
        "next_due": lambda duty: limit(duty.next_due),
        "evidence": lambda duty: shown_by(duty.evidence, duty.parameters),
        "current": lambda duty: standing_of(duty),
    }
    load = [selectinload(Duty.current), selectinload(Duty.coming)]

    def sections(self, record: Duty, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        this_year = estate_today(db.session, record.estate_id).year
        year = _whole(request.args.get("year"), this_year, FIRST_YEAR, LAST_YEAR)
        values = {"duty": record, "year": year, "months": year_of(db.session, record, year), "now": now()}
        return [(_("The year %(year)s", year=year), "duties/_year.html", values)]

    def defaults(self) -> dict[str, Any]:
        return {"valid_from": estate_today(db.session, current_actor().estate_id or 0)}

    def create(self, values: dict[str, Any], *, actor: Actor) -> Duty:
        return services.create_duty(db.session, _plain(values), actor=actor)

    def update(self, record: Duty, values: dict[str, Any], *, actor: Actor) -> None:
        services.change_duty(db.session, record, _plain(values), actor=actor)

    @expose("/preview")
    @requires("update")
    def preview(self) -> str:
        """The next due days of the rule being typed, as a piece of the form."""
        form = self.add_form(request.args)
        form.validate()
        duty = Duty()
        names = [
            "period", "months", "times", "opens_month", "opens_day", "opens_time", "due_month", "due_day", "due_time",
            "in_working_days", "shift", "grace_days", "grace_hours", "valid_from", "valid_to",
        ]  # fmt: skip
        problems: list[str] = [error for name in names for error in form[name].errors if form[name].data is not None]
        windows = []
        if form["period"].data and form["valid_from"].data and not problems:
            calendar = calendar_of(db.session, current_actor().estate_id or 0)
            try:
                services.set_rule(duty, {name: form[name].data for name in names if form[name].data is not None})
                windows = upcoming(duty.rule, calendar, now(), COMING, duty.valid_on)
            except FieldErrors as refused:
                problems = [str(sentence) for sentence in refused.errors.values()]
        return self.render_template(
            "duties/_preview.html", windows=windows, problems=problems, period=form["period"].data, limit=limit
        )


def recurs(duty: Duty) -> str:
    """How often, in words."""
    title = str(Period(duty.period).title)
    return title if duty.times == 1 else _("%(times)s times %(period)s", times=duty.times, period=title)


def standing_of(duty: Duty) -> Any:
    """How the period stands that runs now, or nothing."""
    current = duty.current
    return Markup("{} {}").format(state_badge(current), current.period_key) if current else ""


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    evidence = values.get("evidence") or STATEMENT
    return {**values, "evidence": evidence, "parameters": parameters_of(evidence, values.get("parameters") or [])}


class DutyOccurrenceView(RecordView):
    """The occurrences of the duties: what closed them, statements, waivers."""

    datamodel = RecordInterface(DutyOccurrence)
    resource = "DutyOccurrence"
    route_base = "/duty-occurrences"
    list_title = _l("Occurrences of duties")
    show_title = _l("Duty")
    label_columns = {
        "duty.title": _l("Duty"), "duty.instruction": _l("What to do"), "done": _l("Times done"),
    }  # fmt: skip
    list_columns = ["duty.title", "clause", "period_key", "opens_at", "due_at", "state", "closed_at"]
    search_columns = ["duty_id", "clause", "period_key", "due_on", "due_at", "state"]
    order_columns = ["clause", "period_key", "opens_at", "due_at", "closed_at"]
    base_order = [("due_at", "desc"), ("id", "desc")]
    show_fieldsets = [
        ("", ["duty", "clause", "duty.role", "state", "done", "opens_at", "due_at", "closes_at", "closed_at",
              "waive_reason", "waived_by", "duty.instruction"]),
    ]  # fmt: skip
    list_cell = {
        "duty.title": link_to_show(lambda occurrence: occurrence.duty.title),
        "duty.instruction": lambda occurrence: occurrence.duty.instruction,
        "state": state_badge,
        "due_at": lambda occurrence: limit(occurrence.due_at),
        "closes_at": lambda occurrence: limit(occurrence.closes_at),
    }
    show_template = "duties/occurrence.html"

    def scope(self) -> list[Any]:
        return [DutyOccurrence.opens_at <= now()]

    def sections(self, record: DutyOccurrence, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        pages = registry().record_pages
        evidence = [
            {
                **line,
                "at": datetime.fromisoformat(line["at"]),
                "address": pages[line["type"]](line["id"]) if line["type"] in pages else "",
            }
            for line in record.evidence
        ]
        values = {
            "occurrence": record,
            "evidence": evidence,
            "shown_by": shown_by(record.duty.evidence, record.duty.parameters),
            "files": attachments_of(db.session, record),
        }
        return [(_("What was done"), "duties/_evidence.html", values)]

    def _page_of(self, record: DutyOccurrence, **more: Any) -> str:
        actor = current_actor()
        before, after = neighbours(db.session, record)
        opened = record.state == DutyState.OPEN and record.opened(now())
        return super()._page_of(
            record, before=before, after=after,
            can_state=opened and services.by_statement(record.duty) and services.answers_for(record, actor),
            can_waive=record.state in (DutyState.OPEN, DutyState.MISSED) and actor.may("waive", "Duty"), **more,
        )  # fmt: skip

    @expose("/<int:pk>/done", methods=["POST"])
    @requires("read")
    def done(self, pk: int) -> Any:
        """State that the duty was done: fields ``note``, ``done_at`` (estate time, empty: now), ``file``."""
        occurrence = self.record_or_404(pk)

        def work() -> Any:
            form = DoneForm(request.form)
            if form.done_at.process_errors:
                raise FieldErrors({"done_at": form.done_at.process_errors[0]})
            return services.state_done(
                db.session, occurrence, note=form.note.data or "", done_at=form.done_at.data,
                upload=request.files.get("file"), actor=current_actor(),
            )  # fmt: skip

        return self.command(work, done=_("Recorded."), then=url_for("DutyOccurrenceView.show", pk=pk))

    @expose("/<int:pk>/waive", methods=["POST"])
    @requires("waive", "Duty")
    def waive(self, pk: int) -> Any:
        """Waive the occurrence for a reason."""
        occurrence, reason = self.record_or_404(pk), request.form.get("reason", "")
        return self.command(
            lambda: services.waive(db.session, occurrence, reason=reason, actor=current_actor()),
            done=_("The occurrence is waived."),
            then=url_for("DutyOccurrenceView.show", pk=pk),
            record=occurrence,
        )


class DutyReportPage(Page):
    """How the duties were kept, by clause and month of a year, a quarter, a half-year or a month."""

    resource = "DutyReport"
    route_base = "/duties/report"

    @expose("/")
    @requires("read", "DutyReport")
    def index(self) -> str:
        return self.render("duties/report.html", title=_("Report on duties"), **self._values(*self._months()))

    @expose("/export.<any(xlsx, csv):form>")
    @requires("read", "DutyReport")
    def export(self, form: str) -> Response:
        """The report as a table: a line per clause and month."""
        found = report(db.session, current_actor().estate_id or 0, *self._months())
        heads = [
            _("Clause"), _("Month"), *(str(state.title) for state in OUTCOMES), str(DutyState.OPEN.title),
            _("Kept in time (per cent)"),
        ]  # fmt: skip
        file = io.BytesIO()
        if form == "csv":
            tables.write_csv(file, heads, _export_rows(found))
        else:
            tables.write_xlsx(file, _("Report on duties"), heads, _export_rows(found))
        answer = Response(file.getvalue(), mimetype=tables.CSV if form == "csv" else tables.XLSX)
        name = f"{_('Report on duties')}-{found.from_on:%Y-%m}.{form}"
        tables.offer(answer, name)
        return answer

    @expose("/paper", methods=["POST"])
    @requires("print", "DutyReport")
    def paper(self) -> Any:
        """Open the page from which the paper of these months is issued."""
        from_on, until_on = self._months(request.form)
        return self.command(
            lambda: services.report_for(db.session, from_on, until_on, actor=current_actor()),
            done=_("Preview the paper or issue it."),
            then=lambda record: url_for("DutyReportView.show", pk=record.id),
            back=url_for("DutyReportPage.index"),
        )

    def _months(self, given: Any = None) -> tuple[date, date]:
        """First month and the one after the last, from ``year`` and ``part`` (year, H1, Q1 … or 1-12)."""
        given = request.args if given is None else given
        today = estate_today(db.session, current_actor().estate_id or 0)
        year = _whole(given.get("year"), today.year, FIRST_YEAR, LAST_YEAR)
        part = given.get("part", "year")
        if part not in PARTS:
            abort(400)
        first, length = PARTS[part]
        begin = date(year, first, 1)
        return begin, begin + relativedelta(months=length)

    def _values(self, from_on: date, until_on: date) -> dict[str, Any]:
        return report_values(from_on, until_on) | {
            "year": from_on.year, "part": request.args.get("part", "year"), "parts": part_titles(),
        }  # fmt: skip


OUTCOMES = (DutyState.KEPT, DutyState.LATE, DutyState.MISSED, DutyState.WAIVED)
PARTS = (
    {"year": (1, 12)}
    | {f"H{n}": (6 * n - 5, 6) for n in (1, 2)}
    | {f"Q{n}": (3 * n - 2, 3) for n in range(1, 5)}
    | {str(n): (n, 1) for n in range(1, 13)}
)
"""Parts of a year that can be reported: first month and number of months."""


def part_titles() -> dict[str, str]:
    titles = {"year": _("Whole year")}
    titles |= {f"H{n}": _("Half-year %(number)s", number=n) for n in (1, 2)}
    titles |= {f"Q{n}": _("Quarter %(number)s", number=n) for n in range(1, 5)}
    return titles | {str(n): _("Month %(number)s", number=n) for n in range(1, 13)}


def report_values(from_on: date, until_on: date) -> dict[str, Any]:
    """What ``duties/_report.html`` shows; two statements."""
    estate_id = current_actor().estate_id or 0
    found = report(db.session, estate_id, from_on, until_on)
    return {
        "report": found,
        "states": [*OUTCOMES, DutyState.OPEN],
        "duties": duties_by_clause(db.session, estate_id),
        "last_day": until_on - timedelta(days=1),
        "month_ends": [month + relativedelta(day=31) for month in months_between(from_on, until_on)],
    }


def _export_rows(found: Report) -> Iterator[list[Any]]:
    for row in found.rows:
        for month, tally in zip(found.months, row.months, strict=True):
            if tally.total:
                yield [row.clause, f"{month:%Y-%m}", *(tally.of(s) for s in OUTCOMES), tally.of("open"), tally.percent]


class DutyReportView(RecordView):
    """The reports that were printed, with their papers."""

    datamodel = RecordInterface(DutyReport)
    resource = "DutyReport"
    route_base = "/duty-reports"
    list_title = _l("Printed reports on duties")
    show_title = _l("Report on duties")
    list_columns = ["from_on", "until_on", "created_at", "created_by_id"]
    search_columns = ["from_on"]
    show_fieldsets = [("", ["created_at"])]
    list_cell = {
        "from_on": link_to_show(lambda record: f"{record.from_on:%Y-%m}"),
        "until_on": lambda record: f"{record.until_on - timedelta(days=1):%Y-%m}",
    }

    def sections(self, record: DutyReport, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        values = report_values(record.from_on, record.until_on) | {
            "kind": REPORT, "record": record, "papers": papers_of(db.session, record),
            "printable": actor.may("print", "DutyReport"),
        }  # fmt: skip
        return [
            (_("Papers"), "duties/_papers.html", values),
            (_("As it stands now"), "duties/_report.html", values),
        ]


def _whole(text: str | None, usual: int, least: int, most: int) -> int:
    """A whole number from an address; what is none, or out of range, is the usual one."""
    if text and text.isascii() and text.isdigit() and least <= int(text[:9]) <= most:
        return int(text)
    return usual
