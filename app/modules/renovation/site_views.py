"""The site on the screen: the round on a phone, the visits, violations with their notices (RN-09, RN-10, RN-17; C5, C6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.access.actor import Actor, current_actor
from app.core.files.services import attachments_of
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import Registry
from app.extensions import db
from app.fab import cells
from app.fab.documents import DocumentView, papers_section
from app.fab.fields import ChoiceField, MomentField, RecordForm, Required, TextField, WholeField
from app.fab.interface import RecordInterface
from app.fab.submit import TOKEN, Outcome, carry_out, fresh_token, spread
from app.fab.views import Page, RecordView, expose, link_to_show, requires
from app.modules.checks.models import Finding
from app.modules.renovation import site
from app.modules.renovation.hours import hours_at, is_permitted
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import reached, uploads
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation, ViolationCode
from app.modules.renovation.site_parts import said_of
from app.modules.renovation.site_queries import CODE_OF, codes_of, sites_of, unnoticed
from app.modules.renovation.states import ENDED, OPEN_VIOLATIONS, PatrolAction, PointResult, Stage, ViolationState
from app.modules.renovation.violation_workflow import VIOLATION

LONGEST_WAIT = timedelta(days=30)
"""How long a visit may wait in a phone before it is sent."""
UNSEEN = (Stage.NOBODY, Stage.REFUSED)
"""Stages in which the checklist may stay open."""


class VisitForm(RecordForm):
    """One visit; the points of the checklist come beside it as ``point-<code>``."""

    stage = ChoiceField(_l("Stage of the work"), values=lambda: [(stage, stage.title) for stage in Stage])
    persons = WholeField(_l("Persons there"))
    persons_with_pass = WholeField(_l("Persons with a pass"))
    findings = TextField(_l("Findings"), rows=3, length=2000)
    action = ChoiceField(_l("Action taken"), values=lambda: [(action, action.title) for action in PatrolAction])
    met_name = TextField(_l("Person met on the site"), length=100)


class RoundPage(Page):
    """The round on the patroller's phone: the sites in walking order, and the form of a visit.

    Every visit works as a plain form. With the page's script it is kept in the phone first and sent when the network is
    there; then the answer is JSON.
    """

    resource = "RenovationPatrol"
    route_base = "/renovation-patrols"
    default_view = "show"

    @expose("/round")
    @requires("create")
    def show(self) -> str:
        moment, estate = now(), current_actor().estate_id or 0
        half = site.half_of(db.session, estate, moment)
        sites = sites_of(db.session, estate, moment)
        return self.render(
            "renovation/round.html", title=half.title, sites=sites, half=half, today=estate_today(db.session, estate),
            visited=sum(one.visit_of(half) is not None for one in sites), notice=notice_address,
            user=current_actor().user_id, form=VisitForm(None), general=(), token="", **self._form_values(moment),
        )  # fmt: skip

    @expose("/round/<int:pk>")
    @requires("create")
    def visit(self, pk: int) -> str:
        """The form of a visit on a page of its own."""
        return self._page(reached(pk), VisitForm(None), fresh_token())

    @expose("/round/<int:pk>", methods=["POST"])
    @requires("create")
    def keep(self, pk: int) -> Any:
        """Keep a visit; the same ``token`` again gives the visit that is kept already.

        ``ago``: seconds since the visit, by the phone; so its clock need not be right.
        """
        renovation, form = reached(pk), VisitForm(request.form)
        token = request.form.get("token", "")
        points = {name: value for name in site.POINTS if (value := request.form.get(f"point-{name}", ""))}

        def work() -> RenovationPatrol:
            given = form.values()
            if not TOKEN.fullmatch(token):
                raise InvalidValue(_l("This entry has no name of its own; please open the round again."))
            if given["stage"] is None:
                raise FieldErrors({"stage": _("Say what is being done.")})
            return site.record_patrol(
                db.session, renovation, token=token, visited_at=now() - _ago(), points=points,
                stage=given["stage"], persons=given["persons"] or 0, persons_with_pass=given["persons_with_pass"] or 0,
                findings=given["findings"] or "", action=given["action"] or PatrolAction.NONE,
                met_name=given["met_name"] or "", actor=current_actor(),
                photos=uploads("photo"),
            )  # fmt: skip

        outcome = carry_out(work, _address_of) if form.validate() else Outcome(errors=form.errors)
        if outcome.taken:  # the same entry came twice at the same moment: the other one is kept
            outcome = carry_out(work, _address_of)
        general = spread(form, outcome)
        if request.accept_mimetypes.best == "application/json":
            return self._answer(outcome, [*general, *(text for texts in form.errors.values() for text in texts)])
        if outcome.done:
            flash(_("The visit is kept."), "success")
            return redirect(outcome.location)
        return self._page(renovation, form, token, general), 422

    def _answer(self, outcome: Outcome, refused: list[str]) -> Any:
        if not outcome.done:
            return {"refused": refused}, 422
        patrol: RenovationPatrol = outcome.result
        notices = [
            {"title": str(site.POINTS[point]), "address": notice_address(patrol, point)}
            for point in unnoticed(db.session, [patrol])[patrol.id]
        ]
        return {
            "address": outcome.location, "said": said_of(patrol), "notices": notices if may_notice() else [],
        }  # fmt: skip

    def _page(self, renovation: Renovation, form: RecordForm, token: str, general: list[str] | None = None) -> str:
        return self.render(
            "renovation/visit.html", title=_("Visit to %(unit)s", unit=renovation.unit.code), renovation=renovation,
            form=form, token=token, general=general or [], **self._form_values(now()),
        )  # fmt: skip

    @staticmethod
    def _form_values(moment: datetime) -> dict[str, Any]:
        estate = current_actor().estate_id or 0
        return {
            "points": site.POINTS, "results": list(PointResult), "unseen": UNSEEN, "stages": list(Stage),
            "actions": list(PatrolAction), "spans": hours_at(db.session, estate, moment), "answers": request.form,
            "permitted": is_permitted(db.session, estate, moment), "said": said_of, "may_notice": may_notice(),
        }  # fmt: skip


def _ago() -> timedelta:
    text = request.form.get("ago", "") or "0"
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidValue(_l("The visit lies ahead; check the clock of the telephone."))
    waited = timedelta(seconds=int(text))
    if waited > LONGEST_WAIT:
        raise InvalidValue(_l("This visit was made too long ago."))
    return waited


def _address_of(patrol: RenovationPatrol | None) -> str:
    return url_for("RenovationPatrolView.show", pk=patrol.id) if patrol else url_for("RoundPage.show")


def may_notice() -> bool:
    return current_actor().may("create", "RenovationViolation")


def notice_address(patrol: RenovationPatrol, point: str) -> str:
    """The form of a notice, filled in from what a visit found at a point."""
    return url_for(
        "RenovationViolationView.add", renovation_id=patrol.renovation_id, patrol_id=patrol.id, point=point
    )  # fmt: skip


def photos_section(record: Any, *, title: str = "", changeable: bool = False) -> tuple[Any, str, dict[str, Any]]:
    """The photos of a visit or a violation."""
    photos = attachments_of(db.session, record, kind="photo")
    values = {"record": record, "photos": photos, "changeable": changeable}
    return title or _("Photos"), "renovation/_photos.html", values


class RenovationPatrolView(RecordView):
    """The visits of all rounds; made on the phone, never changed."""

    datamodel = RecordInterface(RenovationPatrol)
    resource, route_base = "RenovationPatrol", "/renovation-patrols"
    list_title, show_title = _l("Renovation rounds"), _l("Visit")
    intro = _l("Two rounds a day to every active site (RN-09).")
    empty_hint = _l("Visits are entered on the round's own page.")
    list_columns = (
        "visited_at", "renovation.unit_id", "renovation_id", "half", "stage", "persons", "persons_with_pass", "violated", "action",
        "patroller_name",
    )  # fmt: skip
    search_columns = ("day", "half", "renovation_id", "stage", "action", "findings", "patroller_name", "met_name")
    order_columns = ("visited_at", "stage", "persons")
    base_order = (("visited_at", "desc"), ("id", "desc"))
    label_columns = {"violated": _l("Violations found")}
    list_cell = {
        "visited_at": link_to_show(lambda visit: cells.moment(visit.visited_at, True)),
        "violated": lambda visit: ", ".join(str(site.POINTS[point]) for point in visit.violated),
    }
    load = (joinedload(RenovationPatrol.renovation).joinedload(Renovation.unit),)
    show_fieldsets = (
        (
            "",
            ("renovation_id", "day", "half", "visited_at", "stage", "persons", "persons_with_pass", "findings", "action",
             "met_name", "patroller_name"),
        ),
    )  # fmt: skip
    show_empty = False
    list_template = "renovation/patrols.html"

    def sections(self, record: RenovationPatrol, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        points = {
            "record": record, "points": site.POINTS, "results": {result.value: result for result in PointResult},
            "notice": notice_address,
            "unnoticed": unnoticed(db.session, [record])[record.id]
            if may_notice() and record.renovation.state not in ENDED else (),
            "notices": db.session.scalars(
                select(RenovationViolation).where(RenovationViolation.patrol_id == record.id)
            ).all(),
        }  # fmt: skip
        return [
            (_("Checklist"), "renovation/_points.html", points),
            photos_section(record),
            *papers_section(record, actor),
        ]


class RenovationViolationView(DocumentView):
    """Violations: the notice, its service, the re-check, the report to the authority, what a repetition opened."""

    datamodel = RecordInterface(RenovationViolation)
    resource, route_base, workflow = "RenovationViolation", "/renovation-violations", VIOLATION
    series = site.SERIES
    list_title, show_title = _l("Renovation violations"), _l("Violation")
    add_title, edit_title = _l("Issue a violation notice"), _l("Edit the notice")
    empty_hint = _l("A notice is issued from a visit, from the renovation, or with the button above.")
    list_columns = (
        "number", "unit_id", "code_id", "state", "found_at", "due_at", "stop_work", "complaint", "cleared_at"
    )  # fmt: skip
    search_columns = (
        "number", "unit_id", "renovation_id", "code_id", "state", "found_at", "due_at", "served_at", "cleared_at", "reported_at",
        "stop_work", "complaint", "description", "found_by_name", "authority",
    )  # fmt: skip
    list_cell = {"number": link_to_show(lambda violation: violation.number)}
    add_columns = (
        "renovation_id", "code_id", "description", "requirement", "due_at", "consequences", "stop_work", "complaint",
        "patrol_id",
    )  # fmt: skip
    edit_columns = ("description", "requirement", "due_at", "consequences", "complaint")
    form_fieldsets = (("", add_columns),)
    form_fields = {
        "code_id": ChoiceField(
            _l("Violation"),
            values=lambda: [(code.id, str(code)) for code in codes_of(db.session)],
            validators=[Required()],
        ),
        "due_at": MomentField(
            _l("To be rectified by"), description=_l("Left empty, the time this estate usually gives.")
        ),
    }
    allowed = {"renovation_id": lambda: [Renovation.state.not_in(ENDED)]}
    show_fieldsets = (
        (
            _l("Notice"),
            ("renovation_id", "unit_id", "code_id", "description", "requirement", "due_at", "consequences", "found_at",
             "found_by_name", "complaint", "stop_work", "patrol_id"),
        ),
        (_l("Service"), ("served_at", "served_by_method", "served_to")),
        (
            _l("What became of it"),
            ("recheck_note", "cleared_at", "cleared_by_name", "reported_at", "authority", "report_receipt", "withdrawn_reason"),
        ),
    )  # fmt: skip
    show_empty = False
    editable_in = (ViolationState.ISSUED, ViolationState.SERVED)
    signers = {"receipt": _l("Received by the renovating party or the site; or a photo of the posted notice")}

    def editable(self, record: RenovationViolation | None, actor: Actor) -> set[str]:
        if record is not None and record.state != ViolationState.ISSUED:
            return set()
        return super().editable(record, actor)

    def defaults(self) -> dict[str, Any]:
        """The usual consequences, and what the visit found when the notice is written from one."""
        given: dict[str, Any] = {"consequences": site.CONSEQUENCES}
        text, point = request.args.get("patrol_id", ""), request.args.get("point", "")
        number = int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else 0
        patrol = db.session.scalar(select(RenovationPatrol).where(RenovationPatrol.id == number)) if number else None
        if patrol is None or point not in patrol.points:
            return given
        code = next((code for code in codes_of(db.session) if code.code == CODE_OF.get(point)), None)
        return given | {
            "code_id": code.id if code else None, "description": f"{site.POINTS[point]}: {patrol.findings}",
            "stop_work": patrol.action == PatrolAction.STOP_WORK,
        }  # fmt: skip

    def create(self, values: dict[str, Any], *, actor: Actor) -> RenovationViolation:
        reference = values.pop("patrol_id")
        renovation = db.session.get_one(Renovation, values.pop("renovation_id"))
        number = values.pop("code_id")
        code = db.session.scalar(select(ViolationCode).where(ViolationCode.id == number)) if number else None
        if code is None:
            raise FieldErrors({"code_id": _("This must be filled in.")})
        patrol = db.session.get_one(RenovationPatrol, reference) if reference else None
        due = values.pop("due_at", None)  # empty fields of columns that are never null are left out
        return site.issue_notice(
            db.session, renovation, code=code, patrol=patrol, due=due, actor=actor, **values
        )  # fmt: skip

    def update(self, record: RenovationViolation, values: dict[str, Any], *, actor: Actor) -> None:
        site.change_notice(db.session, record, values, actor=actor)

    def sections(self, record: RenovationViolation, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        finding = db.session.get(Finding, record.finding_id) if record.finding_id else None
        changeable = actor.may("update", self.resource) and record.state in OPEN_VIOLATIONS
        parts = [photos_section(record, changeable=changeable)]
        if record.patrol and attachments_of(db.session, record.patrol, kind="photo"):
            parts.append(photos_section(record.patrol, title=_("Photos of the visit")))
        if finding and actor.may("read", "Finding"):
            parts.append((_("Finding"), "renovation/_finding.html", {"finding": finding}))
        return [*parts, *super().sections(record, actor)]


def register_site(registry: Registry) -> None:
    """The round, its visits, the violations, and the rules behind them."""
    from app.modules.renovation.configuring import CODES, HOURS, SETTINGS
    from app.modules.renovation.rule_views import PermittedHoursView, ViolationCodeView
    from app.modules.renovation.site_papers import KINDS

    category, settings = _l("Renovation"), _l("Settings")
    registry.view(RoundPage, label=_l("Round of the sites"), category=category, icon="map-pin")
    registry.view(RenovationPatrolView, label=_l("Renovation rounds"), category=category, icon="clipboard-list")
    registry.view(RenovationViolationView, label=_l("Renovation violations"), category=category, icon="alert-triangle")
    registry.view(PermittedHoursView, label=_l("Permitted hours"), category=settings, icon="clock")
    registry.view(ViolationCodeView, label=_l("Codes of violations"), category=settings, icon="list-check")
    registry.page("renovation_patrol", lambda number: url_for("RenovationPatrolView.show", pk=number))
    registry.page("renovation_violation", lambda number: url_for("RenovationViolationView.show", pk=number))
    for kind in KINDS:
        registry.paper(kind)
    for thing in (CODES, HOURS, *SETTINGS):
        registry.contribute(thing)
