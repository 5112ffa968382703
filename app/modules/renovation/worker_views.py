"""Workers on the screen: the crew's list, the portrait, the verification, the management record (RN-06, RN-11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, current_actor
from app.core.records.identifiers import InvalidValue
from app.core.records.identifiers import day as read_day
from app.extensions import db
from app.fab.documents import papers_section
from app.fab.interface import RecordInterface
from app.fab.reveal import secrets_section
from app.fab.submit import Outcome, carry_out
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.people.models import IdKind, Sex
from app.modules.renovation import passes
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import reached
from app.modules.renovation.pass_models import RenovationWorker
from app.modules.renovation.pass_workflow import WORKER
from app.modules.renovation.states import CERTIFIED, NOTED, Trade, WorkerState

LINES = 4
"""Empty lines that the crew's list offers at least."""
MOST_LINES = 30
CHOICES: Mapping[str, Any] = {"sex": Sex, "id_kind": IdKind, "trade": Trade}
TEXTS = ("name", "id_no", "mobile", "certificate_no", "lodging")
PERSON = ("name", "sex", "id_kind", "id_no", "mobile", "lodging")
WORK = ("trade", "certificate_no", "certificate_until")


class RenovationWorkerView(RecordView):
    """The workers of all crews; a worker's page has the portrait, the passes and the management record (F27, F32)."""

    datamodel = RecordInterface(RenovationWorker)
    resource, route_base, workflow = "RenovationWorker", "/renovation-workers", WORKER
    list_title, show_title, edit_title = _l("Renovation workers"), _l("Worker"), _l("Edit worker")
    empty_hint = _l("Workers are entered on the page of their renovation.")
    list_columns = ("name", "renovation_id", "trade", "id_no", "state", "certificate_until", "entered_on", "left_on")
    search_columns = (
        *list_columns, "sex", "certificate_no", "mobile", "lodging", "verified_at", "verified_by_name", "keep_until"
    )  # fmt: skip
    list_cell = {"name": link_to_show(lambda worker: worker.name)}
    edit_columns = (*PERSON, *WORK)
    form_fieldsets = ((_l("Person"), PERSON), (_l("Work on the site"), WORK))
    show_fieldsets = (
        (_l("Work on the site"), ("renovation_id", *WORK, "entered_on", "left_on")),
        (_l("Person"), PERSON[1:]),
        (_l("Verification"), ("verified_at", "verified_by_name", "verdict_note", "keep_until", "forgotten_at")),
    )
    show_empty = False
    show_template = "renovation/worker.html"
    conduct, certified = NOTED, CERTIFIED
    trades, sexes, id_kinds = tuple(Trade), tuple(Sex), tuple(IdKind)

    def update(self, record: RenovationWorker, values: dict[str, Any], *, actor: Actor) -> None:
        passes.change_worker(db.session, record, values)

    def editable(self, record: Any | None, actor: Actor) -> set[str]:
        """What was verified stays as it was seen; telephone and lodging may change until the worker left."""
        match record.state if record else None:
            case WorkerState.REGISTERED:
                return set(self.edit_columns)
            case WorkerState.VERIFIED:
                return {"mobile", "lodging"}
        return set()

    def sections(self, record: RenovationWorker, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        photo = {
            "record": record,
            "change": record.state == WorkerState.REGISTERED and actor.may("update", self.resource),
        }
        parts: list[tuple[Any, str, dict[str, Any]]] = [(_("Photo"), "renovation/_photo.html", photo)]
        if record.passes and actor.may("read", "TemporaryPass"):
            parts.append(
                (_("Temporary passes"), "renovation/_pass_lines.html", {"passes": record.passes, "worker": False})
            )
        lines = {"record": record, "view": self, "note": actor.may("note", self.resource)}
        parts.append((_("Worker management record"), "renovation/_conduct.html", lines))
        return [*parts, *secrets_section(record, self.resource, actor), *papers_section(record, actor)]

    @expose("/crew/<int:renovation_id>", methods=["GET", "POST"])
    @requires("create")
    def crew(self, renovation_id: int) -> Response | str | tuple[str, int]:
        """Enter the crew as the leader's form lists it, several workers at once, each with a photo."""
        actor, renovation = current_actor(), reached(renovation_id)
        home = f"{url_for('RenovationView.show', pk=renovation.id)}#workers"
        if request.method == "GET":
            return self._crew_page(renovation, [{}] * max(LINES, min(renovation.workers_expected, MOST_LINES)))
        typed = [_line(number) for number in range(MOST_LINES) if f"{number}.name" in request.form]
        named = [(number, line) for number, line in enumerate(typed) if any(line[name] for name in TEXTS)]

        def enter() -> Any:
            crew = [(_read(line), _photo(number)) for number, line in named]
            return passes.register_crew(db.session, renovation, crew, actor=actor)

        outcome = carry_out(enter, lambda _crew: home)
        if outcome.done:
            flash(_("The crew is entered."), "success")
            return redirect(outcome.location)
        places = [number for number, _line_ in named]
        return self._crew_page(renovation, typed, _at_lines(outcome, places)), 422

    def _crew_page(
        self, renovation: Renovation, lines: list[dict[str, str]], errors: Mapping[str, list[str]] | None = None
    ) -> str:
        title = _("Crew of %(number)s", number=renovation.number)
        page: str = self.render_template(
            "renovation/crew.html", title=title, view=self, renovation=renovation, lines=lines, errors=errors or {}
        )
        return page

    @expose("/<int:pk>/photo", methods=["POST"])
    @requires("update")
    def photo(self, pk: int) -> Response:
        """The portrait for the pass, by the phone's camera or as a file."""
        worker, upload = self.record_or_404(pk), request.files.get("photo")

        def keep() -> None:
            if worker.state != WorkerState.REGISTERED:
                raise InvalidValue(_l("The photo was verified with the document and stays."))
            if upload is None or not upload.filename:
                raise InvalidValue(_l("Choose a file."))
            passes.keep_photo(db.session, worker, upload, actor=current_actor())

        return self.command(keep, done=_("The photo is kept."), then=self.address_of(worker))

    @expose("/<int:pk>/conduct", methods=["POST"])
    @requires("note")
    def note(self, pk: int) -> Response:
        """A line of the worker management record (F32)."""
        worker, given = self.record_or_404(pk), request.form
        kind, what, action = given.get("kind", ""), given.get("what", ""), given.get("action", "")
        return self.command(
            lambda: passes.note_conduct(db.session, worker, kind=kind, note=what, action=action, actor=current_actor()),
            done=_("The line is entered."), then=f"{self.address_of(worker)}#conduct",
        )  # fmt: skip


def _line(number: int) -> dict[str, str]:
    names = (*TEXTS, *CHOICES, "certificate_until")
    return {name: request.form.get(f"{number}.{name}", "").replace("\0", "").strip() for name in names}


def _read(line: Mapping[str, str]) -> dict[str, Any]:
    """The line's values; what is no choice or no day counts as not given."""
    values: dict[str, Any] = {name: line[name][:200] for name in TEXTS}
    values |= {name: values[name] or None for name in ("id_no", "mobile")}
    for name, kind in CHOICES.items():
        if line[name] in {option.value for option in kind}:
            values[name] = kind(line[name])
    if line["certificate_until"]:
        values["certificate_until"] = read_day(line["certificate_until"])
    return values


def _photo(number: int) -> FileStorage | None:
    upload = request.files.get(f"{number}.photo")
    return upload if upload is not None and upload.filename else None


def _at_lines(outcome: Outcome, places: list[int]) -> dict[str, list[str]]:
    """The refusals by the line of the form they belong to; under nothing those about the whole."""
    found: dict[str, list[str]] = {}
    for name, sentences in outcome.errors.items():
        line, _dot, _column = name.partition(".")
        key = str(places[int(line)]) if line.isdigit() and int(line) < len(places) else ""
        found.setdefault(key, []).extend(sentences)
    return found
