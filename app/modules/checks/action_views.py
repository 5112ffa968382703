"""Corrective and preventive actions on the screen (F33; RN-17, OS-08)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.records.clock import estate_today
from app.extensions import db
from app.fab.fields import RecordForm, ReferenceField
from app.fab.interface import RecordInterface
from app.fab.submit import carry_out, spread
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.checks import services
from app.modules.checks.forms import CauseForm, CorrectionForm, DoneForm, MeasureForm
from app.modules.checks.models import CheckCategory, CorrectiveAction, Finding
from app.modules.checks.queries import WHOLE_ACTION, files_of, measure_of, reissue_of
from app.modules.checks.states import ActionSource, ActionState, ActionType
from app.modules.checks.views import file_section, keep_uploads, paper_section, severity_badge, stale_or
from app.modules.checks.workflow import ACTION, responsible


class CorrectiveActionView(RecordView):
    datamodel = RecordInterface(CorrectiveAction)
    resource = "CorrectiveAction"
    route_base = "/corrective-actions"
    workflow = ACTION
    list_title = _l("Corrective actions")
    show_title = _l("Corrective action")
    add_title = _l("New corrective action")
    edit_title = _l("Edit action")
    empty_hint = _l("Repeated findings open an action by themselves; others are opened with the button above.")
    list_columns = ("number", "description", "type", "source", "category_id", "severity", "role", "state", "found_on")
    search_columns = (
        "number",
        "state",
        "type",
        "source",
        "category_id",
        "severity",
        "role",
        "description",
        "found_on",
        "effective",
    )
    order_columns = ("number", "severity", "state", "found_on")
    load = WHOLE_ACTION
    list_cell = {"number": link_to_show(lambda action: action.number), "severity": severity_badge}
    show_empty = False
    show_fieldsets = (
        (
            "",
            ("description", "type", "source", "category_id", "severity", "role", "risk", "found_on", "found_by_name",
             "follows_id", "withdrawn_reason"),
        ),
    )  # fmt: skip
    add_columns = (
        "finding", "type", "source", "category_id", "severity", "description", "risk", "role", "found_on", "found_by_name",
        "correction",
    )  # fmt: skip
    form_fieldsets = (("", add_columns),)
    edit_columns = ("type", "severity", "description", "risk", "role")
    form_fields = {"finding": ReferenceField(_l("Finding"), target=Finding, lookup="/lookup/check_finding")}
    allowed = {"category_id": lambda: [CheckCategory.active]}
    show_template = "checks/action_show.html"

    def editable(self, record: CorrectiveAction | None, actor: Actor) -> set[str]:
        if record is not None and record.state != ActionState.OPEN:
            return set()
        return super().editable(record, actor)

    def defaults(self) -> dict[str, Any]:
        today = estate_today(db.session, current_actor().estate_id or 0)
        finding = self._finding(request.args.get("finding", ""))
        if finding is None:
            return {"found_on": today, "type": ActionType.CORRECTIVE}
        return {
            "finding": finding.id, "type": ActionType.CORRECTIVE, "source": ActionSource.CHECK, "category_id": finding.category_id,
            "severity": finding.severity, "description": finding.description, "role": finding.role, "found_on": today,
            "found_by_name": finding.found_by_name,
        }  # fmt: skip

    def _finding(self, text: Any) -> Finding | None:
        number = int(text) if str(text).isdecimal() and len(str(text)) < 10 else 0
        return db.session.scalar(select(Finding).where(Finding.id == number)) if number else None

    def create(self, values: dict[str, Any], *, actor: Actor) -> CorrectiveAction:
        finding = self._finding(values.pop("finding") or "")
        category = db.session.scalars(select(CheckCategory).where(CheckCategory.id == values.pop("category_id"))).one()
        return services.open_action(
            db.session, category=category, findings=[finding] if finding else [], actor=actor, **values
        )

    def update(self, record: CorrectiveAction, values: dict[str, Any], *, actor: Actor) -> None:
        services.change_action(db.session, record, values, actor=actor)

    def papers_and_files(self, record: CorrectiveAction, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        """What comes last on the page."""
        changeable = actor.may("update", "CorrectiveAction") and record.judged_on is None
        return [paper_section(record, "F33"), file_section(record, changeable)]

    def _page_of(self, record: CorrectiveAction, **more: Any) -> str:
        actor = current_actor()
        mine = responsible(record, actor) is None
        state, today = record.state, estate_today(db.session, record.estate_id)
        forms = {
            "correction_form": CorrectionForm(None, obj=record), "cause_form": CauseForm(None), "measure_form": MeasureForm(None),
            "done_form": DoneForm(None, data={"done_on": today}), "tried_form": "", "general": [],
        }  # fmt: skip
        return super()._page_of(
            record, last=self.papers_and_files(record, actor), following=reissue_of(db.session, record),
            analysing=mine and state == ActionState.OPEN and actor.may("analyse", self.resource),
            planning=mine and actor.may("carry_out", self.resource)
            and (state == ActionState.ANALYSED or (state == ActionState.AGREED and actor.may("agree", self.resource))),
            doing=state == ActionState.AGREED and actor.may("carry_out", self.resource),
            leads=actor.may("agree", self.resource), me=actor.user_id,
            evidence_files=files_of(db.session, "capa_measure", [m.id for m in record.measures]), **{**forms, **more},
        )  # fmt: skip

    def _take(
        self, pk: int, key: str, form: RecordForm, work: Callable[[CorrectiveAction, dict[str, Any]], Any], done: str
    ) -> Any:
        """Carry out a form of the action's page; refused, the page is drawn again with what was typed."""
        action, general = self.record_or_404(pk), []
        if form.validate():
            outcome = carry_out(lambda: work(action, form.values()), lambda _r: self.address_of(action))
            if outcome.done:
                flash(done, "success")
                return redirect(outcome.location)
            general = stale_or(outcome, spread(form, outcome))
        name = key.partition("-")[0]
        page = self._page_of(self.record_or_404(pk), tried_form=key, general=general, **{f"{name}_form": form})
        return page, 422

    @expose("/<int:pk>/correction", methods=["POST"])
    @requires("analyse")
    def correction(self, pk: int) -> Any:
        """What was done at once."""

        def work(action: CorrectiveAction, values: dict[str, Any]) -> None:
            services.correct(db.session, action, actor=current_actor(), **values)

        return self._take(pk, "correction", CorrectionForm(request.form), work, _("The correction is kept."))

    @expose("/<int:pk>/causes", methods=["POST"])
    @requires("analyse")
    def cause(self, pk: int) -> Any:
        """A further root cause."""

        def work(action: CorrectiveAction, values: dict[str, Any]) -> Any:
            return services.add_cause(db.session, action, actor=current_actor(), **values)

        return self._take(pk, "cause", CauseForm(request.form), work, _("The cause is entered."))

    @expose("/<int:pk>/causes/<int:number>/remove", methods=["POST"])
    @requires("analyse")
    def drop_cause(self, pk: int, number: int) -> Any:
        action = self.record_or_404(pk)
        cause = _part(action.causes, number)
        return self.command(
            lambda: services.remove_cause(db.session, cause, actor=current_actor()), done=_("The cause is taken back."),
            then=self.address_of(action),
        )  # fmt: skip

    @expose("/<int:pk>/measures", methods=["POST"])
    @requires("carry_out")
    def add_measure(self, pk: int) -> Any:
        """A further measure."""

        def work(action: CorrectiveAction, values: dict[str, Any]) -> Any:
            return services.add_measure(db.session, action, actor=current_actor(), **values)

        return self._take(pk, "measure", MeasureForm(request.form), work, _("The measure is entered."))

    @expose("/<int:pk>/measures/<int:number>/remove", methods=["POST"])
    @requires("carry_out")
    def drop_measure(self, pk: int, number: int) -> Any:
        action = self.record_or_404(pk)
        measure = _part(action.measures, number)
        return self.command(
            lambda: services.remove_measure(db.session, measure, actor=current_actor()), done=_("The measure is taken back."),
            then=self.address_of(action),
        )  # fmt: skip

    @expose("/<int:pk>/measures/<int:number>/done", methods=["POST"])
    @requires("carry_out")
    def done(self, pk: int, number: int) -> Any:
        """The owner reports a measure as done, with what shows it."""
        measure = _part(self.record_or_404(pk).measures, number)

        def work(action: CorrectiveAction, values: dict[str, Any]) -> None:
            services.finish_measure(db.session, measure, actor=current_actor(), **values)
            keep_uploads(measure, current_actor())

        return self._take(pk, f"done-{number}", DoneForm(request.form), work, _("The measure is reported as done."))

    @expose("/measures/<int:number>")
    @requires("read")
    def measure(self, number: int) -> Any:
        """Where a measure stands: the page of its action."""
        found = measure_of(db.session, number)
        return redirect(url_for(".show", pk=found.action_id) + f"#measure-{found.id}")


def _part(parts: Any, number: int) -> Any:
    found = next((part for part in parts if part.id == number), None)
    if found is None:
        raise NotAllowed(f"part {number}")
    return found
