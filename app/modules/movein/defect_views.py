"""Defects of all units: what is to be rectified, by whom, until when; reporting and re-inspecting them (MI-11)."""

from __future__ import annotations

from typing import Any, ClassVar

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from sqlalchemy.orm import Session, joinedload
from wtforms.validators import InputRequired

from app.core.access.actor import Actor, current_actor
from app.core.files.services import attach
from app.core.records.base import now
from app.extensions import db
from app.fab import cells
from app.fab.fields import DayField, RecordForm, TextField, estate_zone
from app.fab.interface import RecordInterface
from app.fab.views import BulkCommand, RecordView, expose, requires
from app.modules.movein.gates import said
from app.modules.movein.inspection import postpone, report_fixed, verify_fixed
from app.modules.movein.inspection_queries import PHOTO, photos_of
from app.modules.movein.models import Defect
from app.modules.movein.states import DefectState

COLOURS = {DefectState.OPEN: "orange", DefectState.FIXED: "blue", DefectState.VERIFIED: "green"}


class FixedForm(RecordForm):
    """The responsible party says the defect is rectified."""

    fixed_on = DayField(_l("Rectified on"))


class RecheckForm(RecordForm):
    """The outcome of looking again."""

    note = TextField(_l("Re-inspection note"), length=300)


class DeadlineForm(RecordForm):
    """A later deadline, and why."""

    due_on = DayField(_l("New deadline"), validators=[InputRequired()])
    reason = TextField(_l("Reason"), rows=2, length=300, validators=[InputRequired()])


def _right(session: Session, defect: Defect, *, note: str, actor: Actor) -> None:
    verify_fixed(session, defect, passed=True, note=note, actor=actor)


def _due(defect: Defect) -> Markup:
    day = Markup("{}").format(cells.day(defect.due_on))
    overdue = defect.state == DefectState.OPEN and defect.due_on < now().astimezone(estate_zone()).date()
    return day + Markup(" ") + cells.badge(_("Overdue"), "red") if overdue else day


class DefectView(RecordView):
    datamodel = RecordInterface(Defect)
    resource = "Defect"
    route_base = "/defects"
    list_title = _l("Defects")
    show_title = _l("Defect")
    intro = _l(
        "Defects found at unit inspections that are not yet re-inspected as right; the state filter shows the others too."
    )
    empty_hint = _l("Defects are entered at the inspection of a unit.")
    list_columns = ("place", "unit", "description", "severity", "party", "party_name", "due_on", "state")
    search_columns = ("unit_id", "description", "severity", "party", "party_name", "due_on", "state", "case_id")
    order_columns = ("severity", "party", "due_on", "state")
    base_order = ("due_on", "asc")
    first_filter: ClassVar = {"state": (DefectState.OPEN.value, DefectState.FIXED.value)}
    load = (joinedload(Defect.item), joinedload(Defect.unit))
    bulk = (
        BulkCommand(
            name="fixed", title=_l("Report as rectified"), verb="rectify", resource="MoveInCase", icon="tool",
            work=report_fixed, asks=FixedForm,
        ),
        BulkCommand(
            name="right", title=_l("Re-inspected: it is right"), verb="inspect", resource="MoveInCase", icon="checks",
            work=_right, asks=RecheckForm,
        ),
        BulkCommand(
            name="postpone", title=_l("New deadline"), verb="inspect", resource="MoveInCase", icon="calendar-due",
            work=postpone, asks=DeadlineForm,
        ),
    )  # fmt: skip
    label_columns = {"place": _l("Space and item")}
    list_cell = {
        "place": lambda defect: said(defect.place),
        "due_on": _due,
        "state": lambda defect: cells.badge(defect.state.title, COLOURS[defect.state]),
    }
    show_fieldsets = (
        ("", ("unit", "case_id", "place", "description", "position", "severity", "state")),
        (
            _l("Rectification"),
            ("party", "party_name", "due_on", "fixed_on", "verified_on", "verified_by_name", "recheck_note"),
        ),
    )
    show_template = "movein/defect_show.html"

    def _page_of(self, record: Defect, **more: Any) -> str:
        actor = current_actor()
        return super()._page_of(
            record, inspection=url_for("InspectionPage.show", pk=record.case_id),
            may_report=record.state == DefectState.OPEN and actor.may("rectify", "MoveInCase"),
            may_verify=record.state == DefectState.FIXED and actor.may("inspect", "MoveInCase"),
            fixed_form=FixedForm(None, data={"fixed_on": now().astimezone(estate_zone()).date()}), recheck_form=RecheckForm(None),
            **more,
        )  # fmt: skip

    def sections(self, record: Defect, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        return [(_("Photos"), "movein/inspection/_photos.html", {"photos": photos_of(db.session, [record])[record.id]})]

    @expose("/<int:pk>/fixed", methods=["POST"])
    @requires("rectify", "MoveInCase")
    def fixed(self, pk: int) -> Any:
        """The responsible party reports the defect as rectified, with photos if there are any."""
        defect, form = self.record_or_404(pk), FixedForm(request.form)
        form.validate()

        def work() -> None:
            report_fixed(db.session, defect, fixed_on=form.values()["fixed_on"], actor=current_actor())
            for photo in request.files.getlist("photo"):
                if photo.filename:
                    attach(db.session, defect, photo, kind=PHOTO, note=_("After rectification"), actor=current_actor())

        return self.command(
            work, done=_("Reported as rectified; an inspector looks at it again."), then=self.address_of(defect)
        )

    @expose("/<int:pk>/verify", methods=["POST"])
    @requires("inspect", "MoveInCase")
    def verify(self, pk: int) -> Any:
        """Re-inspect the defect outside a round."""
        defect, form = self.record_or_404(pk), RecheckForm(request.form)
        passed, note = request.form.get("outcome") == "pass", (form.note.data or "")[:300]
        return self.command(
            lambda: verify_fixed(db.session, defect, passed=passed, note=note, actor=current_actor()),
            done=_("The defect is re-inspected.") if passed else _("The defect is open again."), then=self.address_of(defect),
        )  # fmt: skip
