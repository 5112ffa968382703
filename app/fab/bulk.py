"""One command for many lines of a list: at once for some, in the background record by record for many.

Every record is taken for itself: what refuses it is told beside its name, and hinders no other record.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import parse_qsl

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_appbuilder.baseviews import expose
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.fields.kinds import PREFIX
from app.core.jobs.models import Job, JobState
from app.core.jobs.results import Failure, failure, outcome_of
from app.core.jobs.services import enqueue
from app.core.jobs.worker import Run
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import Registry
from app.core.workflow.table import Blocked
from app.extensions import db
from app.fab import cells
from app.fab.fields import RecordForm, title_of
from app.fab.filters import LARGEST, ListQuery
from app.fab.interface import RecordInterface
from app.fab.lists import record_views
from app.fab.scope import requires
from app.fab.submit import carry_out, refusals
from app.fab.unattended import unattended

AT_ONCE = 50
"""Records up to which the person waits for the result."""
STEP = 20
"""Records between two commits of the background work."""
NAMED = 20
"""Chosen records that the question before the command names."""
TOLD = 500
"""Refused records that a result lists."""


@dataclass(frozen=True, kw_only=True)
class BulkCommand:
    """A command of a module that a list offers for the lines chosen in it.

    ``work(session, record, *, actor, **inputs)`` does it to one record and refuses as every service does; ``inputs`` are
    the values of the form ``asks``. ``verb`` is asked for on ``resource`` (default: the list's own). ``danger`` wants a
    confirmation even where nothing is asked.
    """

    name: str
    title: Any
    verb: str
    work: Callable[..., Any]
    asks: type[RecordForm] | None = None
    resource: str = ""
    danger: bool = False
    icon: str = "checks"


class BulkScreen:
    """Bulk commands of one list; a part of :class:`app.fab.views.RecordView`, which declares them as ``bulk``."""

    bulk: Sequence[BulkCommand] = ()
    datamodel: ClassVar[RecordInterface]
    resource: ClassVar[str]
    endpoint: str
    load: Sequence[Any]
    constraint_messages: Mapping[str, Any]
    render: Callable[..., str]
    scope: Callable[[], list[Any]]
    read_list: Callable[[MultiDict[str, str]], ListQuery]
    clauses: Callable[[ListQuery], list[Any]]
    address_of: Callable[[Any], str]

    def offered_commands(self) -> Sequence[BulkCommand]:
        """The commands that the actor may give."""
        actor = current_actor()
        return [command for command in self.bulk if actor.may(command.verb, command.resource or self.resource)]

    def command_or_404(self, name: str, actor: Actor) -> BulkCommand:
        command = next((c for c in self.bulk if c.name == name), None)
        if command is None:
            raise NotAllowed(f"{type(self).__name__}.{name}")
        actor.require(command.verb, command.resource or self.resource)
        return command

    @expose("/bulk/<name>", methods=["POST"])
    @requires("read")
    def bulk_command(self, name: str) -> AnyResponse | str | tuple[str, int]:
        """Ask what has to be asked, then do it: ``pk`` are the lines chosen, ``all`` means every line of ``query``."""
        actor = current_actor()
        command, chosen = self.command_or_404(name, actor), Chosen.read(request.form)
        back = url_for(f"{self.endpoint}.list") + (f"?{chosen.query}" if chosen.query else "")
        count = self.datamodel.count(self.chosen_clauses(chosen)) if chosen.every else len(chosen.ids)
        if not count:
            flash(_("Choose the lines first."), "warning")
            return redirect(back)
        sure = request.form.get("sure") == "yes"
        form = command.asks(request.form if sure else None) if command.asks else None
        if (not sure and (form is not None or command.danger or chosen.every)) or (
            sure and form and not form.validate()
        ):
            return self._question(command, chosen, count, form, back, 422 if sure else 200)
        inputs = form.values() if form else {}
        texts = [(n, v) for n, v in request.form.items(multi=True) if form and n in form._fields]
        if count <= AT_ONCE:
            outcome = carry_out(
                lambda: self._at_once(command, chosen, inputs, actor, back), str, self.constraint_messages
            )
        else:
            outcome = carry_out(
                lambda: enqueue(
                    db.session, job_name(type(self).__name__, name), actor=actor, chosen=chosen.plain(self), inputs=texts,
                    back=back,
                ),
                lambda job: url_for("JobPage.show", pk=job.id) if job else url_for("JobPage.list"),
            )  # fmt: skip
        for sentences in outcome.errors.values():
            for sentence in sentences:
                flash(sentence, "danger")
        return redirect(outcome.location or back)

    def _question(
        self, command: BulkCommand, chosen: Chosen, count: int, form: RecordForm | None, back: str, status: int
    ) -> str | tuple[str, int]:
        key = self.datamodel.get_pk()
        some = sa.select(self.datamodel.obj).where(*self.chosen_clauses(chosen)).options(*self.load).order_by(key)
        named = [title_of(record) for record in db.session.scalars(some.limit(NAMED)).unique()]
        page = self.render(
            "bulk.html", title=command.title, view=self, command=command, chosen=chosen, count=count, form=form, back=back,
            named=named, more=count - len(named), later=count > AT_ONCE,
        )  # fmt: skip
        return page if status == 200 else (page, status)

    def chosen_clauses(self, chosen: Chosen) -> list[Any]:
        """WHERE clauses for the chosen records, as far as the list shows them."""
        if not chosen.every:
            return [*self.scope(), self.datamodel.get_pk().in_(chosen.ids)]
        query = self.read_list(MultiDict(parse_qsl(chosen.query)))
        if PREFIX in query.refused:  # a filter is gone with its field: without it the command would touch other records
            return [sa.false()]
        clauses = self.clauses(query)
        return [*clauses, *([self.datamodel.get_pk() <= chosen.newest] if chosen.newest else [])]

    def take(self, clauses: Sequence[Any], last: int, limit: int) -> Sequence[Any]:
        """The next chosen records by id."""
        key = self.datamodel.get_pk()
        query = sa.select(self.datamodel.obj).where(*clauses, key > last).order_by(key).limit(limit)
        return db.session.scalars(query.options(*self.load)).unique().all()

    def _at_once(self, command: BulkCommand, chosen: Chosen, inputs: Mapping[str, Any], actor: Actor, back: str) -> str:
        """Do it in this transaction and return where the person finds the result."""
        records = self.take(self.chosen_clauses(chosen), 0, AT_ONCE)
        refused = [told for record in records if (told := self.do_one(command, record, inputs, actor))]
        done, gone = len(records) - len(refused), 0 if chosen.every else len(chosen.ids) - len(records)
        message = _summary(done, len(refused) + gone)
        if gone:
            missing = ngettext("%(num)s line is no longer there.", "%(num)s lines are no longer there.", gone)
            refused.append(failure(missing))
        if not refused:
            flash(f"{command.title}: {message}", "success")
            return back
        locale = get_locale()
        job = Job(
            kind=job_name(type(self).__name__, command.name), estate_id=actor.estate_id, user_id=actor.user_id,
            language=locale.language if locale else "zh", state=JobState.DONE, progress=len(records), total=len(records),
            started_at=now(), finished_at=now(), result=outcome_of(message, refused, back, done=done, refused=len(refused)),
        )  # fmt: skip
        db.session.add(job)
        db.session.flush()
        return url_for("JobPage.show", pk=job.id)

    def do_one(self, command: BulkCommand, record: Any, inputs: Mapping[str, Any], actor: Actor) -> Failure | None:
        """Give the command to one record; returns what refused it, or nothing."""
        table, number, title = record.__tablename__, record.id, title_of(record)
        session: Session = db.session
        try:
            with session.begin_nested():
                command.work(session, record, actor=actor, **inputs)
                session.flush()
        except (Blocked, InvalidValue, FieldErrors, IntegrityError, DataError) as error:
            said = [s for found in refusals(error, self.constraint_messages).values() for s in found]
            return failure(" ".join(said), table, number, title)
        except StaleDataError:
            return failure(_("Somebody else just changed this record."), table, number, title)
        except NotAllowed:
            return failure(_("You may not do this to this record."), table, number, title)
        return None


@dataclass(frozen=True)
class Chosen:
    """The lines a person chose: their ``ids``, or ``every`` line of a list (its ``query``) up to the id ``newest``."""

    ids: Sequence[int] = ()
    every: bool = False
    query: str = ""
    newest: int = 0

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> Chosen:
        found = [int(t) for t in form.getlist("pk")[:1000] if t.isascii() and t.isdigit() and len(t) < 11]
        ids = [number for number in dict.fromkeys(found) if number <= LARGEST]
        every = form.get("all") == "yes"
        return cls([] if every else ids, every, form.get("query", "")[:2000])

    def plain(self, view: BulkScreen) -> dict[str, Any]:
        """As a job's argument; lines that come later are not meant."""
        newest = db.session.scalar(sa.select(sa.func.max(view.datamodel.get_pk()))) if self.every else 0
        return {"ids": list(self.ids), "every": self.every, "query": self.query, "newest": newest or 0}


def _summary(done: int, refused: int) -> str:
    text = ngettext("done for %(count)s line", "done for %(count)s lines", done, count=cells.number(done))
    return text if not refused else _("%(done)s, refused for %(count)s", done=text, count=cells.number(refused))


def job_name(view: str, command: str) -> str:
    """Kind of the jobs that give a command to many lines."""
    return f"{view}.{command}"


class BulkJob:
    """The background work of one command: record by record by id, each effect committed together with how far it is."""

    def __init__(self, view: str, command: BulkCommand) -> None:
        self.view, self.command, self.title = view, command, command.title

    def __call__(self, run: Run, *, chosen: dict[str, Any], inputs: list[list[str]], back: str) -> dict[str, Any]:
        view = record_views()[self.view]
        command = view.command_or_404(self.command.name, run.actor)
        last, done, failed, failures = (run.checkpoint.get(n, first) for n, first in FIRST.items())
        with unattended(run):
            form = command.asks(MultiDict((name, value) for name, value in inputs)) if command.asks else None
            if form is not None and not form.validate():
                raise InvalidValue(" ".join(sentence for found in form.errors.values() for sentence in found))
            values = form.values() if form else {}
            clauses = view.chosen_clauses(Chosen(**chosen))
            total = run.checkpoint.get("of") or view.datamodel.count(clauses)
            while records := view.take(clauses, last, STEP):
                last = records[-1].id
                for record in records:
                    told = view.do_one(command, record, values, run.actor)
                    done, failed = done + (told is None), failed + (told is not None)
                    failures = [*failures, told] if told and len(failures) < TOLD else failures
                seen = done + failed
                run.commit(seen, max(total, seen), last=last, done=done, failed=failed, failures=failures, of=total)
                run.session.expunge_all()
            return outcome_of(_summary(done, failed), failures, back, done=done, refused=failed)


FIRST: Mapping[str, Any] = {"last": 0, "done": 0, "failed": 0, "failures": []}


def register_bulk(registry: Registry, views: Mapping[str, Any]) -> None:
    """Register the background work of every list's commands."""
    for name, view in views.items():
        for command in view.bulk:
            registry.job(job_name(name, command.name), BulkJob(name, command))
