"""The pages of a workbook import: upload, columns, dry run, import, result. One subclass per kind of workbook."""

from __future__ import annotations

import io
from collections import Counter
from typing import Any, ClassVar

from flask import Response, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import NotAllowed, current_actor
from app.core.exports.tables import XLSX
from app.core.imports import returned
from app.core.imports.models import ImportRun
from app.core.imports.services import Importer, plan_run, problem_facts, receive, remap, sheets_of
from app.core.imports.tables import Mapped, Severity, recognise_columns, shown
from app.core.imports.workbook import Sheet, column_letter
from app.core.jobs.services import enqueue
from app.core.records.identifiers import InvalidValue
from app.extensions import db
from app.fab.submit import carry_out
from app.fab.views import Page, expose, record_views, requires

RUNS_SHOWN = 20
PROBLEMS_SHOWN = 300


class ImportPage(Page):
    """The import of one kind of workbook; ``importer.kind`` is also the name of its job."""

    importer: ClassVar[Importer]
    results: ClassVar[tuple[str, ...]] = ()
    """Class names of the views that list what was imported; their lists are linked on the result page."""

    @expose("/")
    @requires("read")
    def index(self) -> str:
        return self._start()

    def _start(self, refused: str = "") -> str:
        session = db.session
        runs = select(ImportRun).where(ImportRun.kind == self.importer.kind).order_by(ImportRun.id.desc())
        return self.render(
            "imports/start.html", title=self.importer.title, page=self, refused=refused,
            runs=session.scalars(runs.limit(RUNS_SHOWN)).all(),
        )  # fmt: skip

    @expose("/template.xlsx")
    @requires("create")
    def template(self) -> Response:
        """An empty workbook with the headings of every table, those of added fields too."""
        data = returned.empty_workbook(self.importer.tables_of(current_actor().estate_id or 0))
        name = f"{self.importer.title}.xlsx"
        return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)

    @expose("/upload", methods=["POST"])
    @requires("create")
    def upload(self) -> AnyResponse | tuple[str, int]:
        file = request.files.get("workbook")
        data, name = (file.stream.read(), file.filename or "") if file else (b"", "")

        def work() -> ImportRun:
            if not data:
                raise InvalidValue(_("Choose a file."))
            return receive(db.session, self.importer, data, name, actor=current_actor())

        outcome = carry_out(work, lambda run: url_for(f"{self.endpoint}.columns", pk=run.id) if run else "")
        if not outcome.done:
            return self._start(" ".join(s for found in outcome.errors.values() for s in found)), 422
        return redirect(outcome.location)

    @expose("/<int:pk>/columns", methods=["GET", "POST"])
    @requires("create")
    def columns(self, pk: int) -> AnyResponse | str | tuple[str, int]:
        run = self._run(pk)
        sheets = sheets_of(run)
        if request.method == "GET":
            return self._columns(run, sheets, run.mapping)
        mapping, moved = self._chosen(run, sheets)
        if moved:  # another sheet was chosen: its columns are recognised first
            return self._columns(run, sheets, mapping)

        def work() -> ImportRun:
            remap(db.session, self.importer, run, mapping, actor=current_actor())
            return run

        outcome = carry_out(work, lambda _run: url_for(f"{self.endpoint}.show", pk=pk))
        if outcome.done:
            return redirect(outcome.location)
        refused = " ".join(s for found in outcome.errors.values() for s in found)
        return self._columns(self._run(pk), sheets, mapping, refused), 422

    def _chosen(self, run: ImportRun, sheets: list[Sheet]) -> tuple[Mapped, bool]:
        """The mapping that the form states, and whether a sheet differs from the one its columns were drawn for."""
        mapping: Mapped = {}
        moved = False
        by_title = {sheet.title: sheet for sheet in sheets}
        for table in self.importer.tables_of(run.estate_id):
            sheet = by_title.get(request.form.get(f"{table.name}.sheet", ""))
            if sheet is None:
                continue
            if sheet.title != request.form.get(f"{table.name}.drawn", ""):
                number, columns = recognise_columns(table, sheet)
                moved = True
            else:
                header = request.form.get(f"{table.name}.header", "")
                number = int(header) if header.isascii() and header.isdecimal() else 1
                places = {c.name: request.form.get(f"{table.name}.{c.name}", "") for c in table.columns}
                columns = {
                    name: int(at) for name, at in places.items() if at.isascii() and at.isdecimal() and len(at) < 4
                }
            mapping[table.name] = {"sheet": sheet.title, "header": number, "columns": columns}
        return mapping, moved

    def _columns(self, run: ImportRun, sheets: list[Sheet], mapping: Mapped, refused: str = "") -> str:
        return self.render(
            "imports/columns.html", title=_("Columns of %(file)s", file=run.file_name), page=self, run=run,
            mapping=mapping, sheets=sheets, refused=refused, tables=self.importer.tables_of(run.estate_id),
            choices={name: _choices(sheets, where) for name, where in mapping.items()},
        )  # fmt: skip

    @expose("/<int:pk>")
    @requires("read")
    def show(self, pk: int) -> AnyResponse | str:
        """The dry run; after the import its result."""
        run = self._run(pk)
        if run.imported_at is not None:
            return self._report(run, run.outcome["counts"], run.outcome["problems"])
        if not run.mapping:
            return redirect(url_for(f"{self.endpoint}.columns", pk=pk))
        plan = plan_run(db.session, self.importer, run)
        facts = [problem_facts(problem) for problem in plan.problems]
        return self._report(run, plan.counts, facts, digest=plan.digest, steps=len(plan.steps))

    def _report(self, run: ImportRun, counts: Any, problems: list[dict[str, str]], **more: Any) -> str:
        chosen = request.args.get("severity", "")
        severities = Counter(problem["severity"] for problem in problems)
        listed = [problem for problem in problems if chosen in ("", problem["severity"])]
        return self.render(
            "imports/report.html", title=run.file_name, page=self, run=run, counts=counts, chosen=chosen,
            severities=[(severity, severities[severity.value]) for severity in Severity if severities[severity.value]],
            problems=listed[:PROBLEMS_SHOWN], total=len(listed), severity_of=Severity,
            tables={table.name: table.title for table in self.importer.tables},
            results=[record_views()[name] for name in self.results],
            **more,
        )  # fmt: skip

    @expose("/<int:pk>/import", methods=["POST"])
    @requires("create")
    def carry_out(self, pk: int) -> AnyResponse:
        """Start the import of exactly the plan that was shown; it runs in the background."""
        run, digest = self._run(pk), request.form.get("digest", "")
        session = db.session
        outcome = carry_out(
            lambda: enqueue(session, self.importer.kind, actor=current_actor(), run_id=run.id, digest=digest),
            lambda job: url_for("JobPage.show", pk=job.id) if job else url_for(f"{self.endpoint}.show", pk=pk),
        )
        if not outcome.done:
            flash(_("The import could not be started; please try again."), "danger")
            return redirect(url_for(f"{self.endpoint}.show", pk=pk))
        return redirect(outcome.location)

    @expose("/<int:pk>/<any(correct, remarks):what>.xlsx")
    @requires("read")
    def download(self, pk: int, what: str) -> Response:
        """The rows to correct, or all remarks."""
        run = self._run(pk)
        plan = plan_run(db.session, self.importer, run)
        data = returned.rows_to_correct(plan) if what == "correct" else returned.remarks(plan)
        said = _("rows to correct") if what == "correct" else _("remarks")
        name = f"{run.file_name.removesuffix('.xlsx')} - {said}.xlsx"
        return send_file(io.BytesIO(data), mimetype=XLSX, as_attachment=True, download_name=name)

    def _run(self, pk: int) -> ImportRun:
        session = db.session
        run = session.scalar(select(ImportRun).where(ImportRun.id == pk, ImportRun.kind == self.importer.kind))
        if run is None:
            raise NotAllowed(f"{self.importer.kind} {pk}")
        return run


def _choices(sheets: list[Sheet], where: dict[str, Any]) -> list[tuple[int, str]]:
    """The columns of a mapped sheet: index, and letter, heading and first value."""
    sheet = next((s for s in sheets if s.title == where["sheet"]), None)
    if sheet is None:
        return []
    heading = next((values for number, values in sheet.rows if number == where["header"]), ())
    first = next((values for number, values in sheet.rows if number > where["header"]), ())
    described = []
    for index in range(max(len(heading), len(first))):
        head, sample = (row[index] if index < len(row) else None for row in (heading, first))
        text = f"{column_letter(index)} · {shown(head)}"
        described.append((index, f"{text} ({shown(sample)})" if sample is not None else text))
    return described
