"""The developer's handover workbook: units, owners with their households and tenants (业主), parking bays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.access.keyring import current_keyring
from app.core.imports.added import added_values, fields_in, stored_values
from app.core.imports.models import ImportRun
from app.core.imports.plan import Plan, Step, difference, portions
from app.core.imports.services import Importer, import_file, import_run
from app.core.imports.tables import Column, Line, Mapped, Table, cell_text, one_of, plain_text, read_table
from app.core.imports.workbook import Sheet
from app.core.jobs.results import outcome_of
from app.core.jobs.services import titled
from app.core.jobs.worker import Run
from app.core.records.identifiers import InvalidValue, citizen_id_facts, day, halfwidth, id_document, phone, share
from app.core.records.names import name_key
from app.modules.estates.imports import (
    BAYS,
    BUILDING,
    ENTRANCE,
    NUMBER,
    PHASE,
    UNITS,
    UnitRef,
    codes_in,
    load_estate,
    plan_bays,
    plan_units,
    unit_code,
)
from app.modules.people.models import (
    CoOwnership,
    IdKind,
    Person,
    PersonKind,
    Relation,
    Sex,
    Tenure,
    TenureRole,
    UnitUse,
)

_MEMBER = TenureRole.HOUSEHOLD_MEMBER
POSITIONS: dict[str, tuple[TenureRole, Relation | None]] = {
    "业主": (TenureRole.OWNER, None), "产权人": (TenureRole.OWNER, None), "共有人": (TenureRole.OWNER, None),
    "租户": (TenureRole.TENANT, None), "承租人": (TenureRole.TENANT, None), "租客": (TenureRole.TENANT, None),
    "使用人": (TenureRole.OCCUPANT, None),
    "配偶": (_MEMBER, Relation.SPOUSE), "妻子": (_MEMBER, Relation.SPOUSE), "丈夫": (_MEMBER, Relation.SPOUSE),
    "父母": (_MEMBER, Relation.PARENT), "父亲": (_MEMBER, Relation.PARENT), "母亲": (_MEMBER, Relation.PARENT),
    "子女": (_MEMBER, Relation.CHILD), "儿子": (_MEMBER, Relation.CHILD), "女儿": (_MEMBER, Relation.CHILD),
    "亲属": (_MEMBER, Relation.RELATIVE), "其他": (_MEMBER, Relation.OTHER), "家庭成员": (_MEMBER, Relation.OTHER),
}  # fmt: skip


def _position(cell: Any) -> tuple[TenureRole, Relation | None]:
    position = POSITIONS.get(re.sub(r"\s", "", halfwidth(str(cell))))
    if position is None:
        raise InvalidValue(
            _l("“%(text)s” is not known here; known are %(known)s.", text=str(cell), known="、".join(POSITIONS))
        )
    return position


def _name(cell: Any) -> str:
    name = plain_text(120)(halfwidth(cell_text(cell)))
    return name if name.isascii() else re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", name)


def _phone(cell: Any) -> str:
    return phone(cell_text(cell))


OWNERS = Table(
    name="people",
    title=_l("Owners, households and tenants"),
    record_type="person",
    aliases=("业主", "业主信息", "住户", "人员", "客户", "Owners", "People"),
    columns=(
        PHASE,
        BUILDING,
        ENTRANCE,
        NUMBER,
        Column(
            name="name", title=_l("Name"), aliases=("姓名", "业主姓名", "名称", "业主名称", "客户名称", "Name"), required=True,
            read=_name,
        ),
        Column(
            name="position", title=_l("Status in the unit"), required=True, read=_position,
            aliases=("与业主关系", "关系", "身份", "人员类型", "Position"),
        ),
        Column(
            name="sex", title=_l("Sex"), aliases=("性别", "Sex"), may_omit=True,
            read=one_of({"男": Sex.MALE, "女": Sex.FEMALE, "Male": Sex.MALE, "Female": Sex.FEMALE}),
        ),
        Column(
            name="id_kind", title=_l("ID document type"), aliases=("证件类型", "证件种类", "ID document type"),
            read=one_of({
                "居民身份证": IdKind.RESIDENT_ID, "身份证": IdKind.RESIDENT_ID, "护照": IdKind.PASSPORT,
                "港澳居民来往内地通行证": IdKind.HK_MACAO_PERMIT, "港澳通行证": IdKind.HK_MACAO_PERMIT,
                "回乡证": IdKind.HK_MACAO_PERMIT, "台湾居民来往大陆通行证": IdKind.TAIWAN_PERMIT,
                "台胞证": IdKind.TAIWAN_PERMIT, "港澳台居民居住证": IdKind.HMT_RESIDENCE_PERMIT,
                "外国人永久居留身份证": IdKind.FOREIGN_PR_CARD, "营业执照": IdKind.BUSINESS_LICENCE,
            }),
        ),
        Column(
            name="id_no", title=_l("ID number"), aliases=("证件号码", "证件号", "身份证号", "身份证号码", "ID number"),
            read=lambda cell: cell_text(cell).strip(), mask="id_number",
        ),
        Column(
            name="mobile", title=_l("Mobile phone"), read=_phone, may_omit=True, mask="phone",
            aliases=("手机", "手机号", "手机号码", "移动电话", "联系电话", "电话", "联系方式", "Mobile phone"),
        ),
        Column(
            name="share", title=_l("Share"), aliases=("共有份额", "份额", "产权份额", "产权比例", "Share"), read=share, may_omit=True
        ),
        Column(
            name="moved_in_on", title=_l("Move-in date"), aliases=("入住日期", "入伙日期", "入住时间", "Move-in date"), read=day,
            may_omit=True,
        ),
        Column(
            name="unit_use", title=_l("State of use"), may_omit=True,
            aliases=("使用情况", "使用状态", "使用性质", "居住状态", "State of use"),
            read=one_of({
                "自住": UnitUse.OWNER_OCCUPIED, "出租": UnitUse.LET, "空置": UnitUse.VACANT, "商用": UnitUse.COMMERCIAL,
                "装修中": UnitUse.RENOVATION, "装修": UnitUse.RENOVATION,
            }),
        ),
        Column(name="note", title=_l("Note"), aliases=("备注", "说明", "Note"), read=plain_text(1000), may_omit=True),
    ),
)  # fmt: skip

TABLES = (UNITS, OWNERS, BAYS)
"""The tables of the workbook in the order in which they are imported."""

_DATE = r"[0-9]{4}[-/.年][0-9]{1,2}[-/.月][0-9]{1,2}日?"
_LEASE = re.compile(rf"租期\s*:?\s*({_DATE})\s*(?:至|到|~|—|-)+\s*({_DATE})")


@dataclass
class PeopleSnapshot:
    """Persons and tenures that the lines at hand may touch. Only read."""

    by_id_hash: dict[str, Person] = field(default_factory=dict)
    persons: dict[int, Person] = field(default_factory=dict)
    tenures: dict[int, list[Tenure]] = field(default_factory=dict)
    added: dict[int, dict[str, Any]] = field(default_factory=dict)
    """Values of the persons' added fields, by person id and code."""


def plan_workbook(
    session: Session, sheets: Sequence[Sheet], mapping: Mapped, *, tables: Sequence[Table], estate_id: int, today: date
) -> Plan:
    """Decide what importing the workbook into the estate does. Reads the records, changes nothing."""
    unit_lines, people_lines, bay_lines = (read_table(table, sheets, mapping) for table in tables)
    for line in people_lines:
        _read_person(line)
    codes = [unit_code(line) for line in (*unit_lines, *people_lines) if line["building"] and line["number"]]
    codes += [code for line in bay_lines for code in codes_in(line["unit"] or "")]
    here = load_estate(session, estate_id, codes, [line["code"] for line in bay_lines if line["code"]])
    here.added = stored_values(session, unit_lines, "unit", [unit.id for unit in here.units.values()])
    steps, units = plan_units(unit_lines, here)
    known = _load_people(session, estate_id, people_lines, [unit.id for unit in here.units.values()])
    known.added = stored_values(session, people_lines, "person", known.persons)
    steps += _People(known, units).plan(people_lines)
    steps += plan_bays(bay_lines, here, units, today)
    return Plan(estate_id, tuple(steps), (*unit_lines, *people_lines, *bay_lines))


def _read_person(line: Line) -> None:
    """What one row says about a person, as far as no other row matters."""
    kind = line["id_kind"]
    if line["id_no"] and not kind:
        kind = line.values["id_kind"] = IdKind.RESIDENT_ID
    if line["id_no"]:
        try:
            number = id_document(kind.value, line["id_no"])
        except InvalidValue as error:
            line.reject("id_no", error.sentence)
        else:
            if number != line["id_no"]:
                line.correct("id_no", _l("Unusual spelling: spaces, signs or full-width characters."), number)
            if kind is IdKind.RESIDENT_ID:
                _compare_with_id(line, number)
    role, line.values["relation"] = line["position"] or (None, None)
    line.values["role"] = role
    if role is not TenureRole.OWNER:
        if line["share"] is not None:
            line.omit("share", _l("Only owners have a share."))
        line.values["unit_use"] = None  # the household's rows repeat what the owner states
    if role is TenureRole.TENANT:
        _read_lease(line)


def _compare_with_id(line: Line, number: str) -> None:
    facts = citizen_id_facts(number)
    sex = Sex(facts.sex.value)
    line.values["birth_date"] = facts.birth_date
    if line["sex"] not in (None, sex):
        line.correct("sex", _l("The ID number says otherwise."), sex)
    line.values["sex"] = sex


def _read_lease(line: Line) -> None:
    found = _LEASE.search(halfwidth(line["note"] or ""))
    if not found:
        return
    try:
        begins, ends = (day(text) for text in found.groups())
    except InvalidValue as error:
        line.omit("note", error.sentence)
        return
    if ends < begins:
        line.omit("note", _l("The lease ends before it begins."))
    else:
        line.values |= {"valid_from": begins, "lease_until": ends}


def _id_hash(number: str) -> str:
    return current_keyring().blind_index("id_no", Person.__secrets__["id_no"](number))


def _load_people(session: Session, estate_id: int, lines: Sequence[Line], unit_ids: list[int]) -> PeopleSnapshot:
    known = PeopleSnapshot()
    hashes = {_id_hash(line["id_no"]) for line in lines if line["id_no"]}
    for part in portions(sorted(hashes)):
        for person in session.scalars(select(Person).where(Person.estate_id == estate_id, Person.id_no_hash.in_(part))):
            known.by_id_hash[person.id_no_hash or ""] = person
            known.persons[person.id] = person
    for part in portions(unit_ids):
        for tenure in session.scalars(select(Tenure).where(Tenure.estate_id == estate_id, Tenure.unit_id.in_(part))):
            known.tenures.setdefault(tenure.unit_id, []).append(tenure)
    others = {t.person_id for ts in known.tenures.values() for t in ts} - known.persons.keys()
    for part in portions(sorted(others)):
        for person in session.scalars(select(Person).where(Person.estate_id == estate_id, Person.id.in_(part))):
            known.persons[person.id] = person
    return known


PERSON_COLUMNS = ("sex", "id_kind", "id_no", "mobile")
TENURE_COLUMNS = ("unit_use", "moved_in_on")


@dataclass
class _Entry:
    """A person of the file: the first row that states it, and where the record is or will be."""

    line: Line
    ref: int | tuple[type[Person], tuple[str, ...]]
    stored: Person | None
    step: int | None = None


class _People:
    """Plans the lines of :data:`OWNERS`: one person per ID number, one tenure per person, unit and position."""

    def __init__(self, known: PeopleSnapshot, units: dict[str, UnitRef]) -> None:
        self.known = known
        self.units = units
        self.steps: list[Step] = []
        self.entries: dict[str, _Entry] = {}
        self.tenure_rows: dict[tuple[str, str, str], int] = {}
        self.shares: dict[str, Fraction] = {}

    def plan(self, lines: Sequence[Line]) -> list[Step]:
        for line in lines:
            if not line.rejected:
                self._plan_line(line)
        return self.steps

    def _plan_line(self, line: Line) -> None:
        code = unit_code(line)
        if code not in self.units:
            line.reject(
                "building", _l("Unit %(code)s is neither in the estate nor in a correct row of this file.", code=code)
            )
            return
        unit = self.units[code]
        identity = _id_hash(line["id_no"]) if line["id_no"] else f"{code} {name_key(line['name'])}"
        stored = self._stored_person(line, unit, identity)
        entry = self.entries.get(identity)
        if entry and name_key(entry.line["name"]) != name_key(line["name"]):
            reason = _l("This ID number is already used for %(name)s in row %(row)s.",
                        name=entry.line["name"], row=entry.line.row)  # fmt: skip
            line.reject("id_no", reason)
            return
        if stored and stored.name_key != name_key(line["name"]):
            line.reject("id_no", _l("This ID number is already registered for %(name)s.", name=stored.name))
            return
        position = (code, identity, line["role"].value)
        if position in self.tenure_rows:
            line.reject("name", _l("%(name)s is already in row %(row)s with the same position.",
                                   name=line["name"], row=self.tenure_rows[position]))  # fmt: skip
            return
        tenure = self._stored_tenure(unit, stored, line["role"])
        if line["role"] is TenureRole.OWNER and not self._share_fits(line, code, unit, tenure):
            return
        self.tenure_rows[position] = line.row
        entry, changed = self._plan_person(line, identity, stored, entry)
        changed |= self._plan_tenure(line, code, unit, entry, tenure)
        line.result = "new" if tenure is None else "changed" if changed else "same"

    def _stored_person(self, line: Line, unit: UnitRef, identity: str) -> Person | None:
        if line["id_no"]:
            return self.known.by_id_hash.get(identity)
        tenures = self.known.tenures.get(unit, []) if isinstance(unit, int) else []
        living = (self.known.persons[tenure.person_id] for tenure in tenures)
        return next((person for person in living if person.name_key == name_key(line["name"])), None)

    def _stored_tenure(self, unit: UnitRef, person: Person | None, role: TenureRole) -> Tenure | None:
        tenures = self.known.tenures.get(unit, []) if isinstance(unit, int) and person else []
        mine = [tenure for tenure in tenures if person and tenure.person_id == person.id and tenure.role is role]
        return next((tenure for tenure in mine if tenure.valid_to is None), mine[-1] if mine else None)

    def _share_fits(self, line: Line, code: str, unit: UnitRef, tenure: Tenure | None) -> bool:
        """Whether the shares of all owners of the unit stay within the whole (Civil Code art. 298)."""
        if line["share"] is None:
            return True
        running = self.known.tenures.get(unit, []) if isinstance(unit, int) else []
        if code not in self.shares:
            stated = [t.share for t in running if t.role is TenureRole.OWNER and t.valid_to is None and t.share]
            self.shares[code] = sum(stated, Fraction(0))
        total = self.shares[code] + line["share"] - ((tenure and tenure.share) or 0)
        if total > 1:
            line.reject("share", _l("The shares of unit %(code)s add up to %(total)s.", code=code, total=str(total)))
            return False
        self.shares[code] = total
        return True

    def _plan_person(
        self, line: Line, identity: str, stored: Person | None, entry: _Entry | None
    ) -> tuple[_Entry, bool]:
        if entry:
            return entry, self._complete(line, entry)
        if stored:
            changes = difference(line, stored, PERSON_COLUMNS)
            added = added_values(line, self.known.added.get(stored.id, {}))
            entry = _Entry(line, stored.id, stored)
            if changes or added:
                entry.step = len(self.steps)
                self.steps.append(Step(Person, (identity,), changes, record_id=stored.id, added=added))
            self.entries[identity] = entry
            return entry, bool(changes or added)
        values = {name: line[name] for name in ("name", *PERSON_COLUMNS, "birth_date") if line[name] is not None}
        if line["id_kind"] is IdKind.BUSINESS_LICENCE:
            values |= {"kind": PersonKind.ORGANISATION, "credit_code": line["id_no"]}
        entry = _Entry(line, (Person, (identity,)), None, len(self.steps))
        self.steps.append(Step(Person, (identity,), values, added=added_values(line)))
        self.entries[identity] = entry
        return entry, True

    def _complete(self, line: Line, entry: _Entry) -> bool:
        """A further row of the same person adds what the first row left empty."""
        kept = self.known.added.get(entry.stored.id, {}) if entry.stored else {}
        before = {column: getattr(entry.stored, column, None) for column in ("sex", "mobile")}
        before |= {f.name: kept.get(f.code) for f in fields_in(line.table)}
        more = {}
        for column, stored in before.items():
            said, here = entry.line[column], line[column]
            first = stored if said is None else said
            if here is not None and first is None:
                more[column] = entry.line.values[column] = here
            elif here is not None and here != first:
                line.omit(column, _l("Row %(row)s says otherwise for the same person.", row=entry.line.row))
        added = {f.code: more.pop(f.name) for f in fields_in(line.table) if f.name in more}
        if not (more or added):
            return False
        if entry.step is not None:
            step = self.steps[entry.step]
            self.steps[entry.step] = replace(step, values=step.values | more, added=step.added | added)
        elif entry.stored:
            entry.step = len(self.steps)
            key = (entry.stored.id_no_hash or entry.stored.name_key,)
            self.steps.append(Step(Person, key, more, record_id=entry.stored.id, added=added))
        return True

    def _plan_tenure(self, line: Line, code: str, unit: UnitRef, entry: _Entry, stored: Tenure | None) -> bool:
        key = (code, line["role"].value, str(entry.ref))
        stated = {name: line[name] for name in (*TENURE_COLUMNS, "relation", "valid_from", "lease_until")}
        if line["share"] is not None:
            stated["share_numerator"], stated["share_denominator"] = line["share"].numerator, line["share"].denominator
            stated["co_ownership"] = CoOwnership.BY_SHARES if line["share"] < 1 else None
        if line["role"] is not TenureRole.OWNER and line["role"] is not TenureRole.TENANT:
            stated["valid_from"] = line["moved_in_on"]
        if line["note"]:
            stated["note"] = line["note"]
        stated = {name: value for name, value in stated.items() if value is not None}
        if stored is None:
            self.steps.append(Step(Tenure, key, {"role": line["role"], **stated}, {"unit": unit, "person": entry.ref}))
            return True
        if stored.valid_to is not None:  # it ended since; an old list does not bring it back
            return False
        changes = {name: value for name, value in stated.items() if getattr(stored, name) != value}
        if changes:
            for column in {_column_of(name) for name in changes}:
                line.change(column, _stored(stored, column), line[column] if column != "position" else line["relation"])
            self.steps.append(Step(Tenure, key, changes, record_id=stored.id))
        return bool(changes)


def _column_of(name: str) -> str:
    """The column of the sheet in which a fact of a tenure stands."""
    columns = {"relation": "position", "valid_from": "moved_in_on", "lease_until": "note"}
    return "share" if name.startswith(("share_", "co_")) else columns.get(name, name)


def _stored(tenure: Tenure, column: str) -> Any:
    return tenure.relation if column == "position" else getattr(tenure, column)


ESTATE_WORKBOOK = Importer(
    kind="estate_workbook", title=_l("Import of the handover workbook"), resource="EstateWorkbook", tables=TABLES,
    plan=plan_workbook,
)  # fmt: skip

WORKBOOK = Path(__file__).parent.parent / "estates" / "seeds" / "estate-handover.xlsx"
"""The developer's workbook of the demo estate."""


def import_workbook(session: Session, data: bytes, *, estate_id: int, actor: Actor) -> Plan:
    """Import a handover workbook into an estate, in the session's transaction; the caller commits.

    Raises:
        InvalidValue: the file cannot be read, or none of its sheets is recognised.
    """
    return import_file(session, ESTATE_WORKBOOK, data, estate_id=estate_id, actor=actor)


@titled(ESTATE_WORKBOOK.title)
def workbook_job(job: Run, *, run_id: int, digest: str) -> dict[str, Any]:
    """Background work: import an uploaded workbook as its dry run showed."""
    run = job.session.get(ImportRun, run_id)
    if run is None:
        raise NotAllowed(f"import_run {run_id}")
    plan = import_run(job.session, ESTATE_WORKBOOK, run, digest=digest, actor=job.actor)
    counts = plan.counts.values()
    counted = {n: sum(getattr(c, n) for c in counts) for n in ("new", "changed", "same", "rejected")}
    message = _("%(new)s new, %(changed)s changed, %(same)s unchanged, %(rejected)s rows not imported.", **counted)
    return outcome_of(message, address=f"/imports/estate/{run_id}", **counted)
