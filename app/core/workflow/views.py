"""Who decides in the waiting states of the workflows: all of them on one page, each with a form of its own."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import NotAllowed, current_actor
from app.core.workflow.models import Reviewer
from app.core.workflow.reviewers import (
    WaitingState,
    able_people,
    able_roles,
    set_reviewer,
    waiting_state,
    waiting_states,
    workflow_title,
)
from app.extensions import db
from app.fab.fields import ChoiceField, RecordForm
from app.fab.submit import carry_out, spread
from app.fab.timeline import timeline
from app.fab.views import Page, expose, requires


class ReviewerPage(Page):
    """``/settings/reviewers``: whose queue work stands in, by workflow and state."""

    resource = "Reviewer"
    route_base = "/settings/reviewers"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        found = waiting_states(db.session, current_actor().required_estate_id)
        return self.render(
            "workflow/reviewers.html", title=_("Who decides"), workflows=found, workflow_title=workflow_title,
            editable=current_actor().may("update", self.resource),
        )  # fmt: skip

    @expose("/<resource>/<state>")
    @requires("update")
    def edit(self, resource: str, state: str) -> str:
        place = self._place(resource, state)
        row = place.reviewer
        return self._form(place, _form(place)(None, data={"role": row.role, "person_id": row.person_id} if row else {}))

    @expose("/<resource>/<state>", methods=["POST"])
    @requires("update")
    def save(self, resource: str, state: str) -> Any:
        place = self._place(resource, state)
        form = _form(place)(request.form)
        if not form.validate():
            return self._form(place, form), 422
        role, person = form.role.data or "", form.person_id.data
        outcome = carry_out(
            lambda: set_reviewer(db.session, resource, state, role=role, person_id=person, actor=current_actor()),
            lambda _row: url_for(".index"),
        )
        if outcome.done:
            flash(_("Saved; open work has moved to where it belongs now."), "success")
            return redirect(outcome.location)
        general = spread(form, outcome)
        return self._form(self._place(resource, state), form, general), 422

    def _place(self, resource: str, state: str) -> WaitingState:
        place = waiting_state(db.session, current_actor().required_estate_id, resource, state)
        if place.named:
            raise NotAllowed(f"{resource} {state} is named by its records")
        return place

    def _form(self, place: WaitingState, form: RecordForm, general: Any = ()) -> str:
        row: Reviewer | None = place.reviewer
        return self.render(
            "workflow/reviewer.html", title=f"{workflow_title(place.workflow.resource)}: {place.title}", place=place,
            form=form, general=general, record=row, entries=timeline(row) if row else (),
        )  # fmt: skip


def _form(place: WaitingState) -> type[RecordForm]:
    roles = able_roles(db.session, place.workflow, place.state)
    people = able_people(db.session, place.workflow, current_actor().required_estate_id, place.state)
    fields = {
        "role": ChoiceField(
            _l("Role"), values=lambda: [(role.value, role.title) for role in roles], empty="",
            description=_l("Empty, and no person either: as the workflow says."),
        ),
        "person_id": ChoiceField(
            _l("Person"), values=lambda: [(person.id, person.display_name) for person in people],
            description=_l("The work goes to this person; colleagues find it in the role's queue when they give it back."),
        ),
    }  # fmt: skip
    return type("ReviewerForm", (RecordForm,), fields)
