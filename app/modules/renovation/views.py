"""Renovations on the screen: the application, what it lacks, the reviews, the permit (RN-01 … RN-08)."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, current_actor
from app.core.files.services import attach
from app.core.records.choices import in_language
from app.core.records.identifiers import InvalidValue
from app.core.records.identifiers import day as read_day
from app.extensions import db
from app.fab.documents import DocumentView
from app.fab.interface import RecordInterface
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.people.models import IdKind
from app.modules.renovation import application_parts as application_parts  # its parts of the page
from app.modules.renovation import services
from app.modules.renovation.models import Renovation, RenovationContractor
from app.modules.renovation.parts import leading, parts_of, uploads
from app.modules.renovation.requirements import QUESTIONS, REQUIREMENTS, SIGNERS, missing_of
from app.modules.renovation.states import EDITABLE, HANDED_IN, PERMITTED, Delivery
from app.modules.renovation.workflow import RENOVATION

APPLICATION = ("unit_id", "applicant_id", "capacity", "paper_entry")
WORK = (
    "extent", "works", "installs", "load_kw", "planned_from", "planned_to", "workers_expected", "neighbours_informed"
)  # fmt: skip
CREW = ("mode", "contractor_id", "leader_name", "leader_id_kind", "leader_id_no", "leader_mobile", "fire_officer")
ALTERED = tuple(QUESTIONS)
PERMIT = ("permit_no", "permit_from", "permit_to", "conditions", "delivery", "delivered_at", "delivered_to")


class RenovationView(DocumentView):
    """The page of a renovation: what is missing and the next step first, everything about it below."""

    datamodel = RecordInterface(Renovation)
    resource, route_base, workflow, series = "Renovation", "/renovations", RENOVATION, services.SERIES
    list_title, show_title = _l("Renovations"), _l("Renovation")
    add_title, edit_title = _l("New renovation application"), _l("Edit renovation application")
    list_columns = (
        "number", "unit_id", "applicant_id", "contractor_id", "state", "planned_from", "planned_to", "permit_to"
    )  # fmt: skip
    search_columns = (
        *list_columns, "permit_no", "mode", "extent", "leader_name", "submitted_at", "accepted_on", *ALTERED
    )  # fmt: skip
    list_cell = {"number": link_to_show(lambda renovation: renovation.number)}
    add_columns = edit_columns = (*APPLICATION, *WORK, *ALTERED, *CREW)
    form_fieldsets = (
        (_l("Application"), APPLICATION), (_l("Work content"), WORK), (_l("What is altered"), ALTERED), (_l("Who does it"), CREW),
    )  # fmt: skip
    show_fieldsets = (
        (_l("Permit"), PERMIT),
        (_l("Work content"), ("unit_id", "applicant_id", "capacity", *WORK)),
        (_l("What is altered"), ALTERED), (_l("Who does it"), CREW),
        (_l("Completion"), ("accepted_on", "warranty_to", "waterproofing_to")),
    )  # fmt: skip
    show_empty = False
    editable_in = EDITABLE
    signers = {role: LazyString(in_language, title.zh, title.en) for role, title in SIGNERS.items()}
    show_template = "renovation/show.html"
    leading = staticmethod(leading)

    def create(self, values: dict[str, Any], *, actor: Actor) -> Renovation:
        return services.apply(db.session, values, actor=actor)

    def defaults(self) -> dict[str, Any]:
        return {"leader_id_kind": IdKind.RESIDENT_ID}

    def update(self, record: Renovation, values: dict[str, Any], *, actor: Actor) -> None:
        services.change(db.session, record, values)

    def sections(self, record: Renovation, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        return [*parts_of(record, actor), *super().sections(record, actor)]

    def missing(self, record: Renovation) -> Any:
        """What the application lacks while its papers are handed in, in both languages."""
        return missing_of(record) if record.state in HANDED_IN else ()

    def to_deliver(self, record: Renovation) -> bool:
        """Whether the owner still has to get the copy of the decision."""
        return services.awaits_copy(record) and current_actor().may("deliver", self.resource)

    def extendable(self, record: Renovation) -> bool:
        return record.state in PERMITTED and current_actor().may("permit", self.resource)

    deliveries = tuple(Delivery)

    @expose("/<int:pk>/papers/<kind>", methods=["POST"])
    @requires("update")
    def keep_paper(self, pk: int, kind: str) -> Response:
        """Keep files of one of the papers that the application needs."""
        record = self.record_or_404(pk)

        def work() -> None:
            files = uploads("file")
            if not files or record.state not in HANDED_IN or kind not in {r.code for r in REQUIREMENTS}:
                raise InvalidValue(_l("Choose a file."))
            for upload in files:
                attach(db.session, record, upload, kind=kind, actor=current_actor())

        return self.command(work, done=_("The file is kept."), then=f"{self.address_of(record)}#papers")

    @expose("/<int:pk>/deliver", methods=["POST"])
    @requires("deliver")
    def deliver(self, pk: int) -> Response:
        """The owner has the copy of the decision (RN-04)."""
        record = self.record_or_404(pk)
        method, receiver = request.form.get("method", ""), request.form.get("receiver", "")

        def work() -> None:
            if method not in {way.value for way in Delivery}:
                raise InvalidValue(_l("Say how the copy was delivered."))
            services.deliver_copy(db.session, record, method=Delivery(method), receiver=receiver, actor=current_actor())

        return self.command(work, done=_("The delivery is noted."), then=self.address_of(record), record=record)

    @expose("/<int:pk>/extend", methods=["POST"])
    @requires("permit")
    def extend(self, pk: int) -> Response:
        """Let the permit end later."""
        record = self.record_or_404(pk)

        def work() -> None:
            last_day = read_day(request.form.get("last_day", ""))
            reason = request.form.get("reason", "")
            services.extend_permit(db.session, record, last_day=last_day, reason=reason, actor=current_actor())

        return self.command(work, done=_("The permit is extended."), then=self.address_of(record), record=record)


class RenovationContractorView(RecordView):
    datamodel = RecordInterface(RenovationContractor)
    resource, route_base = "RenovationContractor", "/renovation-contractors"
    list_title, show_title = _l("Renovation contractors"), _l("Renovation contractor")
    add_title, edit_title = _l("New renovation contractor"), _l("Edit renovation contractor")
    intro = _l("The owner chooses the contractor; the service centre recommends nobody (Decree 110 art. 19).")
    list_columns = (
        "name",
        "credit_code",
        "qualification_no",
        "qualification_grade",
        "qualified_until",
        "contact_phone",
    )
    search_columns = ("name", "credit_code", "qualification_no", "qualified_until")
    lookup_columns = ("name", "credit_code")
    add_columns = edit_columns = (*list_columns, "note")
    show_columns = add_columns
    base_order = ("name", "asc")
    list_cell = {"name": link_to_show(lambda contractor: contractor.name)}
    constraint_messages = {
        "uq_renovation_contractor_estate_id_credit_code": (
            "credit_code", _l("A contractor with this credit code is in the list already."),
        )
    }  # fmt: skip

    def create(self, values: dict[str, Any], *, actor: Actor) -> RenovationContractor:
        return services.save_contractor(db.session, RenovationContractor(), values)

    def update(self, record: RenovationContractor, values: dict[str, Any], *, actor: Actor) -> None:
        services.save_contractor(db.session, record, values)
