"""Screens of the estate: its settings, buildings, entrances, units, parking bays, meters, keys."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.extensions import db
from app.fab.api import RecordApi
from app.fab.fields import ChoiceField, DayField, RecordForm
from app.fab.filters import ListQuery
from app.fab.interface import RecordInterface
from app.fab.views import BulkCommand, RecordView, RelatedList
from app.modules.estates import services
from app.modules.estates.models import (
    Building,
    DeliveryType,
    Entrance,
    KeySet,
    Meter,
    MeterReading,
    ParkingBay,
    ParkingUse,
    Unit,
)
from app.modules.estates.queries import unit_clause
from app.modules.estates.warranty import PARTS, warranty_end

ESTATE_COLUMNS = (
    "code", "name_zh", "name_en", "company_zh", "company_en", "developer_zh", "developer_en", "address_zh", "address_en",
    "service_phone", "emergency_phone", "complaint_phone", "bank_account", "working_hours_zh", "working_hours_en", "time_zone",
)  # fmt: skip


class EstateView(RecordView):
    datamodel = RecordInterface(Estate)
    resource = "Estate"
    route_base = "/estates"
    list_title = _l("Estates")
    show_title = _l("Estate")
    add_title = _l("New estate")
    edit_title = _l("Settings of")
    list_columns = ("code", "name_zh", "name_en", "service_phone")
    base_order = ("code", "asc")
    show_fieldsets = (
        ("", ESTATE_COLUMNS[:9]),
        (_l("Contact and payment"), ESTATE_COLUMNS[9:13]),
        (_l("Times"), ESTATE_COLUMNS[13:]),
    )
    form_fieldsets = show_fieldsets
    add_columns = edit_columns = ESTATE_COLUMNS
    constraint_messages = {"uq_estate_code": ("code", _l("This estate code is taken."))}

    def create(self, values: dict[str, Any], *, actor: Actor) -> Estate:
        return services.create_estate(db.session, actor=actor, **values)


class BuildingView(RecordView):
    datamodel = RecordInterface(Building)
    resource = "Building"
    route_base = "/buildings"
    list_title = _l("Buildings")
    show_title = _l("Building")
    add_title = _l("New building")
    edit_title = _l("Edit building")
    empty_hint = _l("Import the developer’s workbook, or enter the buildings one by one.")
    list_columns = ("code", "phase", "name_zh", "name_en", "kind")
    search_columns = ("code", "phase", "name_zh", "name_en", "kind")
    base_order = (("phase", "asc"), ("code", "asc"))
    show_columns = list_columns
    add_columns = ("phase", "code", "name_zh", "name_en", "kind")
    edit_columns = ("name_zh", "name_en", "kind")
    constraint_messages = services.CONSTRAINTS
    related = (
        RelatedList(view="EntranceView", column="building_id", columns=("code",)),
        RelatedList(view="UnitView", column="building_id", columns=("code", "floor", "layout", "gross_area")),
    )


class EntranceView(RecordView):
    datamodel = RecordInterface(Entrance)
    resource = "Building"
    route_base = "/entrances"
    list_title = _l("Entrances")
    show_title = _l("Entrance")
    add_title = _l("New entrance")
    list_columns = ("building_id", "code")
    search_columns = ("building_id", "code")
    base_order = (("building_id", "asc"), ("code", "asc"))
    show_columns = list_columns
    add_columns = ("building_id", "code")
    constraint_messages = services.CONSTRAINTS
    related = (RelatedList(view="UnitView", column="entrance_id", columns=("code", "floor", "layout", "gross_area")),)


UNIT_FIELDSETS: Any = (
    (_l("Place"), ("building_id", "entrance_id", "number", "floor")),
    (_l("House"), ("house_type", "layout", "registered_use", "delivery_type")),
    (_l("Areas"), ("gross_area", "internal_area", "usable_area", "apportioned_land_area")),
    (_l("Dates"), ("handover_date", "acceptance_date", "note")),
)


class FactsForm(RecordForm):
    """What units of a building have in common; what stays empty is not touched."""

    delivery_type = ChoiceField(_l("Delivery type"), values=lambda: [(kind, kind.title) for kind in DeliveryType])
    handover_date = DayField(_l("Handover date"))
    acceptance_date = DayField(_l("Completion acceptance date"))


def _set_facts(session: Session, unit: Unit, *, actor: Actor, **facts: Any) -> None:
    given = {name: value for name, value in facts.items() if value is not None}
    if not given:
        raise InvalidValue(_("Fill in what is to be set."))
    services.save_unit(session, unit, given, actor=actor)


class UnitView(RecordView):
    datamodel = RecordInterface(Unit)
    resource = "Unit"
    route_base = "/units"
    list_title = _l("Units")
    show_title = _l("Unit")
    add_title = _l("New unit")
    edit_title = _l("Edit unit")
    empty_hint = _l("Import the developer’s workbook, or enter the units one by one.")
    list_columns = (
        "code", "floor", "layout", "house_type", "gross_area", "internal_area", "delivery_type", "handover_date",
    )  # fmt: skip
    search_columns = (
        "code", "building_id", "entrance_id", "floor", "layout", "house_type", "gross_area", "delivery_type", "handover_date",
    )  # fmt: skip
    lookup_columns = ("code",)
    base_order = ("code", "asc")
    bulk = (
        BulkCommand(
            name="facts",
            title=_l("Set dates or delivery type"),
            verb="update",
            icon="edit",
            work=_set_facts,
            asks=FactsForm,
        ),
    )
    show_template = "estates/unit.html"
    show_fieldsets = (
        (_l("Place"), ("code", "building_id", "entrance_id", "floor")),
        (_l("House"), ("house_type", "layout", "registered_use", "delivery_type")),
        (_l("Areas"), ("gross_area", "internal_area", "usable_area", "apportioned_area", "apportioned_land_area")),
        (_l("Dates"), ("handover_date", "acceptance_date", "note")),
    )
    label_columns = {"apportioned_area": _l("Apportioned common area")}
    form_fieldsets = UNIT_FIELDSETS
    add_columns = edit_columns = tuple(name for _title, names in UNIT_FIELDSETS for name in names)
    constraint_messages = services.CONSTRAINTS
    related = (
        RelatedList(view="ParkingBayView", column="unit_id", columns=("code", "zone", "tenure")),
        RelatedList(view="MeterView", column="unit_id", columns=("kind", "number", "removed_on")),
        RelatedList(view="KeySetView", column="unit_id", columns=("kind", "label", "quantity")),
    )

    def create(self, values: dict[str, Any], *, actor: Actor) -> Unit:
        return services.save_unit(db.session, None, values, actor=actor)

    def update(self, record: Unit, values: dict[str, Any], *, actor: Actor) -> None:
        services.save_unit(db.session, record, values, actor=actor)

    def find(self, text: str) -> list[Any]:
        clause = unit_clause(text)
        return super().find(text) if clause is None else [clause]

    def clauses(self, query: ListQuery) -> list[Any]:
        clause = unit_clause(query.text)
        return super().clauses(query) if clause is None else [*(c.clause() for c in query.criteria), clause]

    def sections(self, record: Unit, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        ends = [
            (title, warranty_end(part, record.acceptance_date, record.handover_date)) for part, title in PARTS.items()
        ]
        known = [(title, warranty) for title, warranty in ends if warranty]
        today = estate_today(db.session, record.estate_id)
        return [(_("Warranty"), "estates/warranty.html", {"ends": known, "today": today})] if known else []


class UnitApi(RecordApi):
    view = "UnitView"
    resource_name = "units"


class ParkingBayView(RecordView):
    datamodel = RecordInterface(ParkingBay)
    resource = "ParkingBay"
    route_base = "/parking-bays"
    list_title = _l("Parking bays")
    show_title = _l("Parking bay")
    add_title = _l("New parking bay")
    edit_title = _l("Edit parking bay")
    list_columns = ("code", "zone", "tenure", "unit_id")
    search_columns = ("code", "zone", "tenure", "unit_id")
    base_order = ("code", "asc")
    show_columns = ("code", "zone", "tenure", "unit_id", "note")
    add_columns = edit_columns = show_columns
    constraint_messages = services.CONSTRAINTS
    related = (
        RelatedList(view="ParkingUseView", column="bay_id", columns=("plate", "unit_id", "valid_from", "valid_to")),
    )

    def create(self, values: dict[str, Any], *, actor: Actor) -> ParkingBay:
        return services.save_bay(db.session, None, values, actor=actor)

    def update(self, record: ParkingBay, values: dict[str, Any], *, actor: Actor) -> None:
        services.save_bay(db.session, record, values, actor=actor)


class ParkingUseView(RecordView):
    datamodel = RecordInterface(ParkingUse)
    resource = "ParkingBay"
    route_base = "/parking-uses"
    list_title = _l("Cars on parking bays")
    show_title = _l("Car on a parking bay")
    add_title = _l("New car on a parking bay")
    list_columns = ("plate", "bay_id", "unit_id", "valid_from", "valid_to")
    search_columns = list_columns
    lookup_columns = ("plate",)
    show_columns = list_columns
    add_columns = ("bay_id", "unit_id", "plate", "valid_from")
    constraint_messages = services.CONSTRAINTS

    def create(self, values: dict[str, Any], *, actor: Actor) -> ParkingUse:
        bay = db.session.get_one(ParkingBay, values["bay_id"])
        unit_id = values["unit_id"] or bay.unit_id
        return services.use_bay(
            db.session, bay, unit=db.session.get(Unit, unit_id) if unit_id else None, number_plate=values["plate"],
            since=values["valid_from"] or estate_today(db.session, bay.estate_id), actor=actor,
        )  # fmt: skip


class MeterView(RecordView):
    datamodel = RecordInterface(Meter)
    resource = "Meter"
    route_base = "/meters"
    list_title = _l("Meters")
    show_title = _l("Meter")
    add_title = _l("New meter")
    edit_title = _l("Edit meter")
    list_columns = ("unit_id", "kind", "number", "digits", "removed_on")
    search_columns = ("unit_id", "kind", "number", "removed_on")
    show_columns = list_columns
    add_columns = ("unit_id", "kind", "number", "digits")
    edit_columns = ("number", "digits", "removed_on")
    constraint_messages = services.CONSTRAINTS
    related = (RelatedList(view="MeterReadingView", column="meter_id", columns=("read_at", "value", "source")),)

    def create(self, values: dict[str, Any], *, actor: Actor) -> Meter:
        unit = db.session.get_one(Unit, values.pop("unit_id"))
        return services.add_meter(db.session, unit=unit, actor=actor, **values)


class MeterReadingView(RecordView):
    datamodel = RecordInterface(MeterReading)
    resource = "MeterReading"
    route_base = "/meter-readings"
    list_title = _l("Meter readings")
    show_title = _l("Meter reading")
    add_title = _l("New meter reading")
    list_columns = ("meter_id", "read_at", "value", "source")
    search_columns = ("meter_id", "read_at", "source")
    base_order = ("read_at", "desc")
    show_columns = list_columns
    add_columns = ("meter_id", "value", "read_at", "source")

    def defaults(self) -> dict[str, Any]:
        return {"read_at": now()}

    def create(self, values: dict[str, Any], *, actor: Actor) -> MeterReading:
        meter = db.session.get_one(Meter, values.pop("meter_id"))
        return services.record_reading(db.session, meter, actor=actor, **values)


class KeySetView(RecordView):
    datamodel = RecordInterface(KeySet)
    resource = "KeySet"
    route_base = "/keys"
    list_title = _l("Keys")
    show_title = _l("Keys")
    add_title = _l("New keys")
    edit_title = _l("Edit keys")
    list_columns = ("unit_id", "kind", "label", "quantity")
    search_columns = ("unit_id", "kind", "label")
    show_columns = list_columns
    add_columns = list_columns
    edit_columns = ("label", "quantity")
    constraint_messages = services.CONSTRAINTS | {"quantity_positive": ("quantity", _l("At least one key."))}

    def create(self, values: dict[str, Any], *, actor: Actor) -> KeySet:
        unit = db.session.get_one(Unit, values.pop("unit_id"))
        return services.add_keys(db.session, unit=unit, actor=actor, **values)
