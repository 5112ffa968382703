"""Files with exactly what a list shows: CSV as it is read, a small workbook at once, a large one in the background."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from typing import IO, Any, ClassVar

import sqlalchemy as sa
from flask import Response, request, stream_with_context, url_for
from flask_appbuilder.baseviews import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import Actor, acting, current_actor
from app.core.exports import tables
from app.core.files.models import Attachment
from app.core.files.services import attach, forget
from app.core.jobs.models import Job
from app.core.jobs.services import enqueue
from app.core.jobs.worker import Run
from app.core.records.base import now
from app.core.records.database import writing
from app.core.registry import Recurring, Registry
from app.extensions import db
from app.fab import cells
from app.fab.fields import estate_zone
from app.fab.filters import ListQuery
from app.fab.interface import Attribute, RecordInterface
from app.fab.lists import record_views
from app.fab.scope import requires
from app.fab.unattended import unattended

DIRECT = 5_000
"""Lines of a workbook that is made while the person waits."""
STEP = 500
KEPT = timedelta(days=7)
"""How long the file of a background export can be fetched."""


class ExportScreen:
    """Exports of one list; a part of :class:`app.fab.views.RecordView`."""

    datamodel: ClassVar[RecordInterface]
    resource: ClassVar[str]
    endpoint: str
    list_title: Any
    list_cell: Mapping[str, Callable[[Any], Any]]
    load: Sequence[Any]
    render: Callable[..., str]
    command: Callable[..., AnyResponse]
    read_list: Callable[[MultiDict[str, str]], ListQuery]
    chosen_columns: Callable[[MultiDict[str, str]], Sequence[Attribute]]
    clauses: Callable[[ListQuery], list[Any]]
    _bounded: Callable[[ListQuery, list[Any]], ListQuery]

    @expose("/export.<any(xlsx, csv):form>")
    @requires("read")
    def export(self, form: str) -> Response | str:
        """Exactly what the list shows, all pages of it."""
        table = _Table(self, request.args)
        if form == "csv":
            lines = tables.csv_lines(table.heads, table.rows())
            return self._file(stream_with_context(in_scope(current_actor(), lines)), "csv")
        total = self.datamodel.tally(table.clauses)
        if total.number > DIRECT:
            return self.render(
                "export_later.html", title=self.list_title, view=self, query=request.query_string.decode(),
                count=cells.number(DIRECT),
            )  # fmt: skip
        file = tempfile.SpooledTemporaryFile(max_size=4 * 1024 * 1024)
        tables.write_xlsx(file, str(self.list_title), table.heads, table.rows())
        size = file.tell()
        answer = self._file(_read_once(file), "xlsx")
        answer.content_length = size
        return answer

    @expose("/export.xlsx", methods=["POST"])
    @requires("read")
    def export_later(self) -> AnyResponse:
        """Have a large workbook made in the background."""
        query = [*request.args.items(multi=True)]
        kind = job_name(type(self).__name__)
        return self.command(
            lambda: enqueue(db.session, kind, actor=current_actor(), query=query),
            done=_("The workbook is being made; this page tells when it is ready."),
            then=lambda job: url_for("JobPage.show", pk=job.id) if job else url_for("JobPage.list"),
        )

    def file_name(self, form: str) -> str:
        return f"{self.list_title}-{now().astimezone(estate_zone()).date()}.{form}"

    def _file(self, content: Iterable[bytes], form: str) -> Response:
        answer = Response(content, mimetype=tables.CSV if form == "csv" else tables.XLSX)
        tables.offer(answer, self.file_name(form))
        return answer

    def export_value(self, record: Any, attribute: Attribute) -> Any:
        """What a file says in a cell of the list."""
        own = self.list_cell.get(attribute.name)
        return cells.export_value(attribute, own(record) if own else attribute.value(record))


class _Table:
    """A list as heads and rows."""

    def __init__(self, view: ExportScreen, args: MultiDict[str, str]) -> None:
        self.view, self.columns = view, view.chosen_columns(args)
        query = view.read_list(args)
        self.clauses = view.clauses(query)
        self.order = view._bounded(query, self.clauses).order
        self.heads = [str(attribute.label) for attribute in self.columns]

    def rows(self) -> Iterator[list[Any]]:
        one_moment(db.session())
        for record in self.view.datamodel.stream(self.clauses, self.order, self.columns, self.view.load, STEP):
            yield [self.view.export_value(record, attribute) for attribute in self.columns]


def one_moment(session: Session) -> None:
    """Let everything read from here on be of one moment, although it is read in many statements.

    SQLite does so by itself; on PostgreSQL the transaction must not have begun, else it stays as it is.
    """
    bind = session.get_bind()
    if bind.dialect.name == "postgresql" and isinstance(bind, sa.Engine) and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


def in_scope(actor: Actor, parts: Iterator[bytes]) -> Iterator[bytes]:
    """``parts``, each made with ``actor`` acting and reading only: a stream goes on when its request is long over.

    An error goes on to the server, which breaks the connection off, so that no shortened file passes for a whole one.
    """
    with closing(parts):  # type: ignore[type-var]  # parts are generators, which close
        while True:
            with acting(actor), writing(False):
                part = next(parts, None)
            if part is None:
                return
            yield part


def _read_once(file: IO[bytes]) -> Iterator[bytes]:
    """The content of a temporary file from its start; the file goes with its reader."""
    with file:
        file.seek(0)
        while chunk := file.read(1 << 16):
            yield chunk


def job_name(view: str) -> str:
    """Kind of the jobs that export a view's list."""
    return f"export.{view}"


class ExportJob:
    """The background work behind :meth:`ExportScreen.export_later`."""

    def __init__(self, view: str, list_title: Any) -> None:
        self.view = view
        self.title = _l("Excel workbook: %(list)s", list=list_title)

    def __call__(self, run: Run, *, query: list[list[str]]) -> dict[str, Any]:
        view = record_views()[self.view]
        run.actor.require("read", view.resource)
        with unattended(run), tempfile.TemporaryFile() as file:
            run.session.commit()  # what is read next must hold nobody up
            with writing(False):
                table = _Table(view, MultiDict((name, value) for name, value in query))
                total = view.datamodel.count(table.clauses)
                run.session.rollback()
                tables.write_xlsx(file, str(view.list_title), table.heads, _told(run, table.rows(), total))
                run.session.rollback()
            file.seek(0)
            attach(run.session, run.job, FileStorage(file, view.file_name("xlsx")), kind="result", actor=run.actor)
            lines = ngettext("%(count)s line", "%(count)s lines", total, count=cells.number(total))
            kept = _("The file can be fetched for %(days)s days.", days=KEPT.days)
            return {"message": f"{lines}. {kept}"}


def _told(run: Run, rows: Iterator[list[Any]], total: int) -> Iterator[list[Any]]:
    for number, row in enumerate(rows, 1):
        yield row
        if number % STEP == 0:
            run.tell(number, max(total, number))


def forget_old_files(session: Session) -> None:
    """Remove the files of exports that are older than ``KEPT``."""
    old = (
        sa.select(Attachment)
        .join(Job, Job.id == Attachment.record_id)
        .where(Attachment.record_type == "job", Job.kind.startswith("export."), Attachment.created_at < now() - KEPT)
        .order_by(Attachment.id)
        .limit(50)
    )
    while found := session.scalars(old).all():
        for attachment in found:
            forget(session, attachment)
        session.commit()


def register_exports(registry: Registry, views: Mapping[str, Any]) -> None:
    """Register the background exports of all lists, and that their files go in time."""
    for name, view in views.items():
        registry.job(job_name(name), ExportJob(name, view.list_title))
    registry.contribute(
        Recurring(
            name="exports.forget", title=_l("Old export files removed"), every=timedelta(hours=6), work=forget_old_files
        )
    )
