"""The sheets of buildings and units (房屋) and of parking bays (车位) of the developer's handover workbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.imports.added import added_values
from app.core.imports.plan import Step, difference, portions
from app.core.imports.tables import Column, Line, Table, cell_text, one_of, plain_text, whole_number
from app.core.records import unitcodes
from app.core.records.identifiers import InvalidValue, area, day, plate
from app.core.records.unitcodes import UnitCode
from app.modules.estates.models import (
    BayTenure,
    Building,
    DeliveryType,
    Entrance,
    HouseType,
    ParkingBay,
    ParkingUse,
    Unit,
)


def _part(name: str) -> Any:
    """Reader of one part of a unit code: 1, ``"1栋"`` and ``"一栋"`` are building 1."""
    frame = {"phase": "{}-1-1-1", "building": "{}-1", "entrance": "1-{}-1", "number": "1-{}"}[name]

    def read(cell: Any) -> str:
        refusal = InvalidValue(_l("“%(text)s” is no building, entrance or room number.", text=str(cell)))
        try:
            code = unitcodes.parse(frame.format(cell_text(cell)))[0]
        except InvalidValue:
            raise refusal from None
        part = getattr(code, name)
        if part is None or code.canonical != frame.format(part):
            raise refusal
        return str(part)

    return read


PHASE = Column(name="phase", title=_l("Phase"), aliases=("期", "分期", "期数", "Phase"), read=_part("phase"))
BUILDING = Column(
    name="building", title=_l("Building"), required=True, read=_part("building"),
    aliases=("楼栋", "楼栋号", "栋", "栋号", "楼号", "幢", "幢号", "座", "楼", "Building"),
)  # fmt: skip
ENTRANCE = Column(
    name="entrance", title=_l("Entrance"), aliases=("单元", "单元号", "门", "梯", "Entrance"), read=_part("entrance")
)
NUMBER = Column(
    name="number", title=_l("Room number"), required=True, read=_part("number"),
    aliases=("房号", "房间号", "室号", "室", "门牌号", "房屋号", "Room number", "Unit no.", "Room"),
)  # fmt: skip

UNITS = Table(
    name="units",
    title=_l("Units"),
    record_type="unit",
    aliases=("房屋", "房屋信息", "房产", "房屋清单", "房源", "Units"),
    columns=(
        PHASE,
        BUILDING,
        ENTRANCE,
        NUMBER,
        Column(name="floor", title=_l("Floor"), aliases=("楼层", "层", "所在层", "Floor"), read=whole_number, may_omit=True),
        Column(name="layout", title=_l("Layout"), aliases=("户型", "房型", "Layout"), read=plain_text(40), may_omit=True),
        Column(
            name="house_type", title=_l("House type"), aliases=("房屋类型", "类型", "房屋性质", "物业类型", "House type"),
            read=one_of({
                "高层住宅": HouseType.HIGH_RISE, "高层": HouseType.HIGH_RISE, "小高层": HouseType.HIGH_RISE,
                "住宅": HouseType.HIGH_RISE, "多层住宅": HouseType.MULTI_STOREY, "多层": HouseType.MULTI_STOREY,
                "洋房": HouseType.MULTI_STOREY, "别墅": HouseType.VILLA, "商铺": HouseType.SHOP, "商业": HouseType.SHOP,
                "办公": HouseType.OFFICE, "写字楼": HouseType.OFFICE, "车位": HouseType.PARKING, "车库": HouseType.PARKING,
                "储藏间": HouseType.STORAGE, "储藏室": HouseType.STORAGE,
            }),
        ),
        Column(
            name="gross_area", title=_l("Gross floor area"), aliases=("建筑面积", "房屋面积", "产权面积", "面积", "Gross floor area"),
            read=area, required=True,
        ),
        Column(
            name="internal_area", title=_l("Internal floor area"), read=area, may_omit=True,
            aliases=("套内面积", "套内建筑面积", "Internal floor area"),
        ),
        Column(
            name="usable_area", title=_l("Usable floor area"), aliases=("使用面积", "套内使用面积", "Usable floor area"),
            read=area, may_omit=True,
        ),
        Column(
            name="apportioned_land_area", title=_l("Apportioned land area"), read=area, may_omit=True,
            aliases=("土地分摊面积", "分摊土地面积", "Apportioned land area"),
        ),
        Column(
            name="registered_use", title=_l("Registered use"), aliases=("用途", "规划用途", "登记用途", "Registered use"),
            read=plain_text(40), may_omit=True,
        ),
        Column(
            name="delivery_type", title=_l("Delivery type"), aliases=("交付类型", "交付标准", "装修标准", "Delivery type"),
            read=one_of({
                "毛坯": DeliveryType.SHELL, "毛坯房": DeliveryType.SHELL, "精装": DeliveryType.FITTED,
                "精装修": DeliveryType.FITTED, "精装房": DeliveryType.FITTED, "全装修": DeliveryType.FITTED,
            }),
            may_omit=True,
        ),
        Column(
            name="handover_date", title=_l("Handover date"), aliases=("交付日期", "交房日期", "交付时间", "交房时间", "Handover date"),
            read=day, may_omit=True,
        ),
        Column(
            name="acceptance_date", title=_l("Completion acceptance date"), read=day, may_omit=True,
            aliases=("竣工验收日期", "竣工日期", "验收日期", "Completion acceptance date"),
        ),
        Column(name="note", title=_l("Note"), aliases=("备注", "说明", "Note"), read=plain_text(1000), may_omit=True),
    ),
)  # fmt: skip

BAYS = Table(
    name="bays",
    title=_l("Parking bays"),
    aliases=("车位", "车位信息", "停车位", "车位清单", "Parking bays"),
    columns=(
        Column(
            name="code", title=_l("Bay no."), required=True, read=plain_text(30),
            aliases=("车位号", "车位编号", "泊位号", "Bay no."),
        ),
        Column(name="zone", title=_l("Zone"), aliases=("区域", "车位区域", "位置", "Zone"), read=plain_text(60), may_omit=True),
        Column(
            name="tenure", title=_l("Bay tenure"), aliases=("产权", "权属", "性质", "产权性质", "车位性质", "使用方式", "Bay tenure"),
            read=one_of({
                "产权": BayTenure.OWNED, "自有": BayTenure.OWNED, "购买": BayTenure.OWNED, "已售": BayTenure.OWNED,
                "租用": BayTenure.RENTED, "租赁": BayTenure.RENTED, "出租": BayTenure.RENTED, "月租": BayTenure.RENTED,
                "空置": BayTenure.NONE, "空闲": BayTenure.NONE, "未售": BayTenure.NONE,
            }),
        ),
        Column(
            name="unit", title=_l("Unit no."), aliases=("关联房号", "房号", "对应房号", "房屋", "业主房号", "Unit no."),
            read=plain_text(60),
        ),
        Column(
            name="plate", title=_l("Licence plate"), aliases=("车牌", "车牌号", "车牌号码", "Licence plate"), read=plate,
            may_omit=True,
        ),
    ),
)  # fmt: skip

UNIT_COLUMNS = tuple(column.name for column in UNITS.columns if column not in (PHASE, BUILDING, ENTRANCE, NUMBER))


@dataclass
class EstateSnapshot:
    """What the estate holds already, as far as the lines at hand may touch it. Only read."""

    buildings: dict[tuple[str, str], Building] = field(default_factory=dict)
    entrances: dict[tuple[int, str], Entrance] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    bays: dict[str, ParkingBay] = field(default_factory=dict)
    uses: dict[int, list[ParkingUse]] = field(default_factory=dict)
    added: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Values of the units' added fields, by unit id and code."""


def unit_code(line: Line) -> str:
    """Canonical unit code of a line with the columns phase, building, entrance and number."""
    return UnitCode(line["phase"], line["building"], line["entrance"], line["number"]).canonical


def codes_in(text: str) -> list[str]:
    """Canonical codes that ``text`` can mean, likeliest first; nothing when it is no unit code."""
    try:
        return [code.canonical for code in unitcodes.parse(text)]
    except InvalidValue:
        return []


def load_estate(session: Session, estate_id: int, codes: Iterable[str], bays: Iterable[str]) -> EstateSnapshot:
    """Read what the estate has of the units and bays with these codes."""
    here = EstateSnapshot()
    for building in session.scalars(select(Building).where(Building.estate_id == estate_id)):
        here.buildings[building.phase, building.code] = building
    for entrance in session.scalars(select(Entrance).where(Entrance.estate_id == estate_id)):
        here.entrances[entrance.building_id, entrance.code] = entrance
    for part in portions(dict.fromkeys(codes)):
        for unit in session.scalars(select(Unit).where(Unit.estate_id == estate_id, Unit.code.in_(part))):
            here.units[unit.code] = unit
    for part in portions(dict.fromkeys(bays)):
        for bay in session.scalars(
            select(ParkingBay).where(ParkingBay.estate_id == estate_id, ParkingBay.code.in_(part))
        ):
            here.bays[bay.code] = bay
    for part in portions(bay.id for bay in here.bays.values()):
        for use in session.scalars(select(ParkingUse).where(ParkingUse.bay_id.in_(part))):
            here.uses.setdefault(use.bay_id, []).append(use)
    return here


UnitRef = int | tuple[type[Unit], tuple[str, ...]]
"""A unit that exists (its id), or that the plan creates."""


def plan_units(lines: Sequence[Line], here: EstateSnapshot) -> tuple[list[Step], dict[str, UnitRef]]:
    """Steps for the lines of :data:`UNITS`, and every unit that the estate has afterwards, by code."""
    steps: dict[tuple[type, tuple[str, ...]], Step] = {}
    units: dict[str, UnitRef] = {code: unit.id for code, unit in here.units.items()}
    rows: dict[str, int] = {}
    for line in lines:
        if line.rejected:
            continue
        code = unit_code(line)
        if code in rows:
            line.reject("number", _l("Unit %(code)s is already in row %(row)s.", code=code, row=rows[code]))
            continue
        rows[code] = line.row
        _check_areas(line)
        if line.rejected:
            continue
        stored = here.units.get(code)
        if stored:
            changes = difference(line, stored, UNIT_COLUMNS)
            added = added_values(line, here.added.get(stored.id, {}))
            line.result = "changed" if changes or added else "same"
            if changes or added:
                steps[Unit, (code,)] = Step(Unit, (code,), changes, record_id=stored.id, added=added)
            continue
        building = _building(line, here, steps)
        values = {name: line[name] for name in UNIT_COLUMNS if line[name] is not None}
        refs: dict[str, Any] = {"building": building}
        if line["entrance"]:
            refs["entrance"] = _entrance(line, building, here, steps)
        values |= {"code": code, "number": line["number"]}
        steps[Unit, (code,)] = Step(Unit, (code,), values, refs, added=added_values(line))
        units[code] = (Unit, (code,))
        line.result = "new"
    return list(steps.values()), units


def _check_areas(line: Line) -> None:
    """Usable ≤ internal ≤ gross floor area (GB/T 17986.1)."""
    gross, internal, usable = line["gross_area"], line["internal_area"], line["usable_area"]
    if internal is not None and gross is not None and internal > gross:
        line.reject("internal_area", _l("The internal floor area %(small)s is larger than the gross floor area %(large)s.",
                                        small=internal, large=gross))  # fmt: skip
    elif usable is not None and usable > (internal or gross or usable):
        line.reject("usable_area", _l("The usable floor area %(small)s is larger than the internal floor area %(large)s.",
                                      small=usable, large=internal or gross))  # fmt: skip


def _building(line: Line, here: EstateSnapshot, steps: dict[Any, Step]) -> Any:
    phase, code = line["phase"] or "", line["building"]
    stored = here.buildings.get((phase, code))
    if stored:
        return stored.id
    steps.setdefault((Building, (phase, code)), Step(Building, (phase, code), {"phase": phase, "code": code}))
    return Building, (phase, code)


def _entrance(line: Line, building: Any, here: EstateSnapshot, steps: dict[Any, Step]) -> Any:
    code = line["entrance"]
    stored = here.entrances.get((building, code)) if isinstance(building, int) else None
    if stored:
        return stored.id
    key = (line["phase"] or "", line["building"], code)
    steps.setdefault((Entrance, key), Step(Entrance, key, {"code": code}, {"building": building}))
    return Entrance, key


def plan_bays(lines: Sequence[Line], here: EstateSnapshot, units: dict[str, UnitRef], today: date) -> list[Step]:
    """Steps for the lines of :data:`BAYS`; ``units`` are those that exist once the units are imported."""
    steps: list[Step] = []
    rows: dict[str, int] = {}
    for line in lines:
        if line.rejected:
            continue
        code = line["code"]
        if code in rows:
            line.reject("code", _l("Parking bay %(code)s is already in row %(row)s.", code=code, row=rows[code]))
            continue
        rows[code] = line.row
        unit = next((units[c] for c in codes_in(line["unit"] or "") if c in units), None)
        if line["unit"] and unit is None:
            line.reject(
                "unit",
                _l("Unit %(code)s is neither in the estate nor in a correct row of this file.", code=line["unit"]),
            )
            continue
        if line["tenure"] is None:
            line.values["tenure"] = BayTenure.RENTED if unit is not None else BayTenure.NONE
        if line["tenure"] is BayTenure.NONE and unit is not None:
            line.reject("tenure", _l("A free bay cannot belong to a unit."))
            continue
        steps += _plan_bay(line, here.bays.get(code), unit, here, today)
    return steps


def _plan_bay(line: Line, stored: ParkingBay | None, unit: Any, here: EstateSnapshot, today: date) -> list[Step]:
    code = line["code"]
    bay: Any = (ParkingBay, (code,))
    steps: list[Step] = []
    if stored is None:
        values = {name: line[name] for name in ("code", "zone", "tenure") if line[name] is not None}
        steps.append(Step(ParkingBay, (code,), values, {} if unit is None else {"unit": unit}))
        line.result = "new"
    else:
        bay = stored.id
        changes = difference(line, stored, ("zone", "tenure"))
        moved = unit is not None and unit != stored.unit_id
        if moved:
            line.change("unit", stored.unit.code if stored.unit else None, line["unit"])
        if changes or moved:
            steps.append(Step(ParkingBay, (code,), changes, {"unit": unit} if moved else {}, stored.id))
        line.result = "changed" if steps else "same"
    running = [use for use in here.uses.get(stored.id, ()) if use.valid_to is None] if stored else []
    if line["plate"] and not any(use.plate == line["plate"] and use.unit_id == unit for use in running):
        for use in running:  # another car or household: its use ends, nothing is overwritten
            line.change("plate", use.plate, line["plate"])
            ends = max(today, use.valid_from) if use.valid_from else today
            steps.append(Step(ParkingUse, (code, use.plate), {"valid_to": ends}, record_id=use.id))
        begins = {"valid_from": today} if running else {}
        refs = {"bay": bay} | ({} if unit is None else {"unit": unit})
        steps.append(Step(ParkingUse, (code, line["plate"], "new"), {"plate": line["plate"], **begins}, refs))
        line.result = line.result if line.result == "new" else "changed"
    return steps
