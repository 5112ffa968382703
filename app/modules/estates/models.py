"""What stands on an estate: buildings, entrances, units, parking bays, meters and keys."""

from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.core.files.models import Attachment
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import Choice, choice
from app.core.records.unitcodes import sort_key
from app.core.search.prefix import search_key


class BuildingKind(Choice):
    RESIDENTIAL = "residential", _l("Residential")
    COMMERCIAL = "commercial", _l("Commercial")
    MIXED = "mixed", _l("Mixed use")
    GARAGE = "garage", _l("Garage")


class HouseType(Choice):
    HIGH_RISE = "high_rise", _l("High-rise residential")
    MULTI_STOREY = "multi_storey", _l("Multi-storey residential")
    VILLA = "villa", _l("Villa")
    SHOP = "shop", _l("Shop")
    OFFICE = "office", _l("Office")
    PARKING = "parking", _l("Parking")
    STORAGE = "storage", _l("Storage room")


class DeliveryType(Choice):
    SHELL = "shell", _l("Shell unit")
    FITTED = "fitted", _l("Fully fitted unit")


class BayTenure(Choice):
    OWNED = "owned", _l("Owned")
    RENTED = "rented", _l("Rented")
    NONE = "none", _l("Free")


class MeterKind(Choice):
    WATER = "water", _l("Water meter")
    ELECTRICITY = "electricity", _l("Electricity meter")
    GAS = "gas", _l("Gas meter")
    HEAT = "heat", _l("Heat meter")


class ReadingSource(Choice):
    BASE = "base", _l("Base reading at move-in")
    ROUND = "round", _l("Reading round")
    OWNER = "owner", _l("Reported by the owner")
    REPLACEMENT = "replacement", _l("Start of a replaced meter")


class KeyKind(Choice):
    DOOR = "door", _l("Unit door")
    ENTRANCE = "entrance", _l("Entrance door")
    LETTER_BOX = "letter_box", _l("Letter box")
    STORAGE = "storage", _l("Storage room")
    ACCESS_CARD = "access_card", _l("Access card")
    OTHER = "other", _l("Other")


class Building(Record):
    """A building (栋); ``phase`` is empty on estates of one phase."""

    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("estate_id", "phase", "code"),)

    code: Mapped[str] = mapped_column(String(20), info={"label": _l("Building")})
    phase: Mapped[str] = mapped_column(String(20), default="", info={"label": _l("Phase")})
    name_zh: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Name (Chinese)")})
    name_en: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Name (English)")})
    kind: Mapped[BuildingKind] = mapped_column(
        choice(BuildingKind, "building_kind_known"), default=BuildingKind.RESIDENTIAL, info={"label": _l("Kind")}
    )

    entrances: Mapped[list["Entrance"]] = relationship(back_populates="building", foreign_keys="Entrance.building_id")
    units: Mapped[list["Unit"]] = relationship(back_populates="building", foreign_keys="Unit.building_id")

    @property
    def label(self) -> str:
        return "-".join(part for part in (self.phase, self.code) if part)

    def __str__(self) -> str:
        return self.label


class Entrance(Record):
    """An entrance (单元): one stairwell of a building."""

    __tablename__ = "entrance"
    __table_args__ = (
        UniqueConstraint("building_id", "code"),
        UniqueConstraint("building_id", "id"),
    )

    building_id: Mapped[int] = within_estate("building", info={"label": _l("Building")})
    code: Mapped[str] = mapped_column(String(20), info={"label": _l("Entrance")})

    building: Mapped[Building] = relationship(
        back_populates="entrances", foreign_keys=[building_id], info={"label": _l("Building")}
    )

    def __str__(self) -> str:
        return f"{self.building.label}-{self.code}"


class Unit(Record):
    """A unit (房屋). ``code`` is canonical (1-3-1502) and unique in the estate.

    ``handover_date`` is the developer's delivery, ``acceptance_date`` the completion acceptance of the building; both
    start warranty periods. Areas in m².
    """

    __tablename__ = "unit"
    __table_args__ = (
        UniqueConstraint("estate_id", "code"),
        CheckConstraint(
            "(internal_area IS NULL OR internal_area <= gross_area)"
            " AND (usable_area IS NULL OR usable_area <= coalesce(internal_area, gross_area))",
            name="usable_within_internal_within_gross",
        ),
        CheckConstraint(
            "coalesce(gross_area, 1) > 0 AND coalesce(internal_area, 1) > 0 AND coalesce(usable_area, 1) > 0"
            " AND coalesce(apportioned_land_area, 0) >= 0",
            name="areas_positive",
        ),
        Index("ix_unit_estate_id_number", "estate_id", "number"),
        Index("ix_unit_estate_id_code_order", "estate_id", "code_order", "id"),
        Index("ix_unit_estate_id_gross_area", "estate_id", "gross_area", "id"),
    )

    building_id: Mapped[int] = within_estate("building", info={"label": _l("Building")})
    entrance_id: Mapped[int | None] = within_estate("entrance", info={"label": _l("Entrance")})
    number: Mapped[str] = mapped_column(search_key(20), info={"label": _l("Room number")})
    code: Mapped[str] = mapped_column(search_key(60), info={"label": _l("Unit no."), "sort": "code_order"})
    code_order: Mapped[str] = mapped_column(
        search_key(120), default=lambda context: sort_key(context.get_current_parameters()["code"])
    )
    floor: Mapped[int | None] = mapped_column(info={"label": _l("Floor")})
    layout: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Layout")})
    house_type: Mapped[HouseType] = mapped_column(
        choice(HouseType, "house_type_known"), default=HouseType.HIGH_RISE, info={"label": _l("House type")}
    )
    gross_area: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 2), info={"label": _l("Gross floor area"), "format": "area", "unit": "m²"}
    )
    internal_area: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 2), info={"label": _l("Internal floor area"), "format": "area", "unit": "m²"}
    )
    usable_area: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 2), info={"label": _l("Usable floor area"), "format": "area", "unit": "m²"}
    )
    apportioned_land_area: Mapped[Decimal | None] = mapped_column(
        Numeric(10, 2), info={"label": _l("Apportioned land area"), "format": "area", "unit": "m²"}
    )
    registered_use: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Registered use")})
    delivery_type: Mapped[DeliveryType | None] = mapped_column(
        choice(DeliveryType, "delivery_type_known"), info={"label": _l("Delivery type")}
    )
    handover_date: Mapped[date | None] = mapped_column(info={"label": _l("Handover date")})
    acceptance_date: Mapped[date | None] = mapped_column(info={"label": _l("Completion acceptance date")})
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})

    building: Mapped[Building] = relationship(
        back_populates="units", foreign_keys=[building_id], info={"label": _l("Building")}
    )
    entrance: Mapped[Entrance | None] = relationship(foreign_keys=[entrance_id], info={"label": _l("Entrance")})
    meters: Mapped[list["Meter"]] = relationship(back_populates="unit", foreign_keys="Meter.unit_id")
    key_sets: Mapped[list["KeySet"]] = relationship(back_populates="unit", foreign_keys="KeySet.unit_id")

    @validates("code")
    def _keep_order(self, _key: str, code: str) -> str:
        self.code_order = sort_key(code)
        return code

    @property
    def apportioned_area(self) -> Decimal | None:
        """Apportioned common area: gross less internal floor area (GB/T 17986.1)."""
        if self.gross_area is None or self.internal_area is None:
            return None
        return self.gross_area - self.internal_area

    def __str__(self) -> str:
        return self.code


class ParkingBay(Record):
    """A parking bay. ``unit_id`` is the unit it belongs or is let to now; who parked when is :class:`ParkingUse`."""

    __tablename__ = "parking_bay"
    __table_args__ = (
        UniqueConstraint("estate_id", "code"),
        CheckConstraint("tenure <> 'none' OR unit_id IS NULL", name="free_bay_has_no_unit"),
    )

    code: Mapped[str] = mapped_column(search_key(30), info={"label": _l("Bay no.")})
    zone: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Zone")})
    tenure: Mapped[BayTenure] = mapped_column(
        choice(BayTenure, "bay_tenure_known"), default=BayTenure.NONE, info={"label": _l("Bay tenure")}
    )
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})

    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    uses: Mapped[list["ParkingUse"]] = relationship(
        back_populates="bay", foreign_keys="ParkingUse.bay_id", order_by="ParkingUse.valid_from"
    )

    def __str__(self) -> str:
        return self.code


class ParkingUse(Record):
    """Which car of which unit uses a bay from one day to another (inclusive); an open end is still running."""

    __tablename__ = "parking_use"
    __table_args__ = (CheckConstraint("valid_to >= valid_from", name="ends_after_start"),)

    bay_id: Mapped[int] = within_estate("parking_bay", info={"label": _l("Parking bay")})
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    plate: Mapped[str] = mapped_column(search_key(12), default="", index=True, info={"label": _l("Licence plate")})
    valid_from: Mapped[date | None] = mapped_column(info={"label": _l("Valid from")})
    valid_to: Mapped[date | None] = mapped_column(info={"label": _l("Valid to")})

    bay: Mapped[ParkingBay] = relationship(back_populates="uses", foreign_keys=[bay_id])
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})

    def __str__(self) -> str:
        return self.plate

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "parking_bay", self.bay_id


class Meter(Record):
    """A meter of a unit, until ``removed_on``. ``digits``: places before the decimal point."""

    __tablename__ = "meter"
    __table_args__ = (
        UniqueConstraint("unit_id", "kind", "number"),
        CheckConstraint("digits BETWEEN 3 AND 9", name="digits_sensible"),
    )

    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    kind: Mapped[MeterKind] = mapped_column(choice(MeterKind, "meter_kind_known"), info={"label": _l("Meter kind")})
    number: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Meter no.")})
    digits: Mapped[int] = mapped_column(default=5, info={"label": _l("Digits before the point")})
    removed_on: Mapped[date | None] = mapped_column(info={"label": _l("Removed on")})

    unit: Mapped[Unit] = relationship(back_populates="meters", foreign_keys=[unit_id], info={"label": _l("Unit")})
    readings: Mapped[list["MeterReading"]] = relationship(
        back_populates="meter", foreign_keys="MeterReading.meter_id", order_by="MeterReading.read_at"
    )

    def __str__(self) -> str:
        return f"{self.kind.title} {self.number}".strip()

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "unit", self.unit_id


class MeterReading(Record):
    """What a meter showed at a moment."""

    __tablename__ = "meter_reading"
    __table_args__ = (
        UniqueConstraint("meter_id", "read_at"),
        CheckConstraint("value >= 0", name="value_not_negative"),
    )
    part_of = "meter_id"

    meter_id: Mapped[int] = within_estate("meter", info={"label": _l("Meter")})
    read_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Read at")})
    value: Mapped[Decimal] = mapped_column(Numeric(12, 2), info={"label": _l("Reading")})
    photo_id: Mapped[int | None] = within_estate("attachment", info={"label": _l("Photo")})
    source: Mapped[ReadingSource] = mapped_column(
        choice(ReadingSource, "reading_source_known"), default=ReadingSource.ROUND, info={"label": _l("Source")}
    )

    meter: Mapped[Meter] = relationship(back_populates="readings", foreign_keys=[meter_id])
    photo: Mapped[Attachment | None] = relationship(foreign_keys=[photo_id], info={"label": _l("Photo")})

    def __str__(self) -> str:
        return f"{self.meter} · {self.value}"


class KeySet(Record):
    """Keys of one kind that belong to a unit; who holds them is recorded by the hand-over."""

    __tablename__ = "key_set"
    __table_args__ = (
        UniqueConstraint("unit_id", "kind", "label"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    kind: Mapped[KeyKind] = mapped_column(choice(KeyKind, "key_kind_known"), info={"label": _l("Key kind")})
    label: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Key label")})
    quantity: Mapped[int] = mapped_column(default=1, info={"label": _l("Quantity")})

    unit: Mapped[Unit] = relationship(back_populates="key_sets", foreign_keys=[unit_id], info={"label": _l("Unit")})

    def __str__(self) -> str:
        return f"{self.kind.title} {self.label}".strip()

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "unit", self.unit_id
