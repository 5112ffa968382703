"""Screens of people: persons, tenures, vehicles, consents, the privacy notice and the workbook import."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, current_actor
from app.core.records.choices import in_language
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue, day
from app.extensions import db
from app.fab.api import RecordApi
from app.fab.filters import ListQuery
from app.fab.importing import ImportPage
from app.fab.interface import RecordInterface
from app.fab.reveal import secrets_section
from app.fab.views import RecordView, RelatedList, expose, requires
from app.modules.estates.models import Unit
from app.modules.people import services
from app.modules.people.forms import ShareField
from app.modules.people.imports import ESTATE_WORKBOOK
from app.modules.people.models import Consent, Person, PrivacyNotice, Tenure, TenureRole, UnitUse, Vehicle
from app.modules.people.queries import person_clause

PERSON_FIELDSETS: Any = (
    (_l("Person"), ("kind", "name", "sex", "birth_date", "nationality", "id_kind", "id_no")),
    (_l("Organisation"), ("credit_code", "legal_representative")),
    (_l("Contact"), ("mobile", "phone", "email", "address", "postcode", "language", "channel")),
    (_l("Emergency contact"), ("emergency_name", "emergency_phone", "emergency_relation")),
    (_l("Invoices"), ("taxpayer_no", "bank_name", "bank_account")),
    (_l("Note"), ("note",)),
)


class PersonView(RecordView):
    datamodel = RecordInterface(Person)
    resource = "Person"
    route_base = "/persons"
    list_title = _l("Persons")
    show_title = _l("Person")
    add_title = _l("New person")
    edit_title = _l("Edit person")
    list_columns = ("name", "kind", "sex", "mobile", "id_kind", "id_no")
    search_columns = ("name", "kind", "mobile", "id_no", "id_kind", "language")
    lookup_columns = ("name",)
    order_columns = ("name", "kind", "sex")
    base_order = ("id", "desc")
    show_fieldsets = PERSON_FIELDSETS
    form_fieldsets = PERSON_FIELDSETS
    add_columns = edit_columns = tuple(name for _title, names in PERSON_FIELDSETS for name in names)
    constraint_messages = services.CONSTRAINTS
    related = (
        RelatedList(
            view="TenureView", column="person_id", columns=("unit_id", "role", "relation", "valid_from", "valid_to")
        ),
        RelatedList(view="VehicleView", column="person_id", columns=("plate", "make", "colour", "unit_id")),
        RelatedList(view="ConsentView", column="person_id", columns=("scope", "notice_id", "given_at", "withdrawn_at")),
    )

    def create(self, values: dict[str, Any], *, actor: Actor) -> Person:
        return services.register_person(db.session, values, actor=actor)

    def update(self, record: Person, values: dict[str, Any], *, actor: Actor) -> None:
        services.update_person(db.session, record, values, actor=actor)

    def find(self, text: str) -> list[Any]:
        clause = person_clause(text)
        return [] if clause is None else [clause]

    def clauses(self, query: ListQuery) -> list[Any]:
        return [*(criterion.clause() for criterion in query.criteria), *self.find(query.text)]

    def sections(self, record: Person, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        return secrets_section(record, self.resource, actor)


class PersonApi(RecordApi):
    view = "PersonView"
    resource_name = "persons"


class TenureView(RecordView):
    datamodel = RecordInterface(Tenure)
    resource = "Tenure"
    route_base = "/tenures"
    list_title = _l("Owners, tenants and households")
    show_title = _l("Entry")
    add_title = _l("New owner, tenant or household member")
    edit_title = _l("Correct the entry")
    list_columns = (
        "unit_id",
        "person_id",
        "role",
        "relation",
        "share",
        "unit_use",
        "valid_from",
        "valid_to",
        "lease_until",
    )
    search_columns = ("unit_id", "person_id", "role", "relation", "unit_use", "valid_from", "valid_to", "lease_until")
    order_columns = ("role", "valid_from", "valid_to", "lease_until")
    show_template = "people/tenure.html"
    show_fieldsets = (
        (_l("Who and where"), ("unit_id", "person_id", "role", "relation")),
        (_l("Ownership"), ("share", "co_ownership", "unit_use", "title_proof", "title_proof_no")),
        (_l("Dates"), ("valid_from", "valid_to", "moved_in_on", "lease_until", "note")),
    )
    form_fieldsets = show_fieldsets
    label_columns = {"share": _l("Share")}
    form_fields = {"share": ShareField()}
    add_columns = (
        "unit_id", "person_id", "role", "relation", "share", "co_ownership", "unit_use", "title_proof", "title_proof_no",
        "valid_from", "moved_in_on", "lease_until", "note",
    )  # fmt: skip
    edit_columns = add_columns[3:]
    constraint_messages = services.CONSTRAINTS

    def create(self, values: dict[str, Any], *, actor: Actor) -> Tenure:
        unit = db.session.get_one(Unit, values.pop("unit_id"))
        person = db.session.get_one(Person, values.pop("person_id"))
        return services.grant_tenure(db.session, unit=unit, person=person, actor=actor, **values)

    def update(self, record: Tenure, values: dict[str, Any], *, actor: Actor) -> None:
        services.correct_tenure(db.session, record, values, actor=actor)

    def _page_of(self, record: Tenure, **more: Any) -> str:
        running = record.valid_to is None and current_actor().may("update", self.resource)
        return super()._page_of(
            record, running=running, owner=record.role is TenureRole.OWNER, uses=list(UnitUse),
            today=estate_today(db.session, record.estate_id), **more,
        )  # fmt: skip

    @expose("/<int:pk>/end", methods=["POST"])
    @requires("update")
    def end(self, pk: int) -> Response:
        """The position ends: moved out, sold, lease over."""
        record = self.record_or_404(pk)
        return self.command(
            lambda: services.end_tenure(db.session, record, on=_day(), actor=current_actor()),
            done=_("The entry ends with this day."),
            then=url_for(f"{self.endpoint}.show", pk=pk),
        )

    @expose("/<int:pk>/use", methods=["POST"])
    @requires("update")
    def use(self, pk: int) -> Response:
        """The owner states another use of the unit from a day on."""
        record = self.record_or_404(pk)

        def work() -> Tenure:
            use = next((u for u in UnitUse if u.value == request.form.get("use")), None)
            if use is None or record.role is not TenureRole.OWNER:
                raise InvalidValue(_l("Choose the state of use."))
            return services.change_use(db.session, record, use, since=_day(), actor=current_actor())

        return self.command(
            work, done=_("The new use is entered."), back=url_for(f"{self.endpoint}.show", pk=pk),
            then=lambda tenure: url_for(f"{self.endpoint}.show", pk=tenure.id if tenure else pk),
        )  # fmt: skip


def _day() -> date:
    return day(request.form.get("day", ""))


class VehicleView(RecordView):
    datamodel = RecordInterface(Vehicle)
    resource = "Vehicle"
    route_base = "/vehicles"
    list_title = _l("Vehicles")
    show_title = _l("Vehicle")
    add_title = _l("New vehicle")
    edit_title = _l("Edit vehicle")
    list_columns = ("plate", "make", "colour", "person_id", "unit_id", "bay_id")
    search_columns = list_columns
    lookup_columns = ("plate",)
    base_order = ("plate", "asc")
    show_columns = list_columns
    add_columns = edit_columns = ("person_id", "unit_id", "plate", "make", "colour", "bay_id")
    constraint_messages = services.CONSTRAINTS

    def create(self, values: dict[str, Any], *, actor: Actor) -> Vehicle:
        return services.register_vehicle(db.session, values, actor=actor)

    def update(self, record: Vehicle, values: dict[str, Any], *, actor: Actor) -> None:
        services.register_vehicle(db.session, values, actor=actor, vehicle=record)


class ConsentView(RecordView):
    datamodel = RecordInterface(Consent)
    resource = "Consent"
    route_base = "/consents"
    list_title = _l("Consents")
    show_title = _l("Consent")
    add_title = _l("New consent")
    list_columns = ("person_id", "scope", "notice_id", "separate_for_sensitive", "given_at", "withdrawn_at")
    search_columns = ("person_id", "scope", "given_at", "withdrawn_at")
    show_template = "people/consent.html"
    show_columns = (*list_columns, "guardian_id")
    add_columns = ("person_id", "scope", "separate_for_sensitive", "guardian_id")
    constraint_messages = {"guardian_is_another": ("guardian_id", _l("The guardian must be another person."))}

    def create(self, values: dict[str, Any], *, actor: Actor) -> Consent:
        person = db.session.get_one(Person, values.pop("person_id"))
        guardian_id = values.pop("guardian_id")
        guardian = db.session.get_one(Person, guardian_id) if guardian_id else None
        return services.give_consent(db.session, person, guardian=guardian, actor=actor, **values)

    @expose("/<int:pk>/withdraw", methods=["POST"])
    @requires("update")
    def withdraw(self, pk: int) -> Response:
        """The person takes the consent back."""
        record = self.record_or_404(pk)
        return self.command(
            lambda: services.withdraw_consent(db.session, record, actor=current_actor()),
            done=_("The consent is withdrawn."),
            then=url_for(f"{self.endpoint}.show", pk=pk),
        )


class PrivacyNoticeView(RecordView):
    datamodel = RecordInterface(PrivacyNotice)
    resource = "PrivacyNotice"
    route_base = "/privacy-notices"
    list_title = _l("Privacy notices")
    show_title = _l("Privacy notice")
    list_columns = ("notice_version", "title_zh", "title_en", "valid_from")
    show_columns = list_columns
    base_order = ("valid_from", "desc")

    def sections(self, record: PrivacyNotice, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        return [(_("Text"), "people/_notice.html", {"text": record.text, "said_of": in_language})]


class EstateWorkbookPage(ImportPage):
    importer = ESTATE_WORKBOOK
    results = ("UnitView", "PersonView", "TenureView", "ParkingBayView")
    resource = "EstateWorkbook"
    route_base = "/imports/estate"
