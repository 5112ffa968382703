"""The developer's handover workbook: what the dry run says is what the import does, and only once."""

from __future__ import annotations

import io
from datetime import date
from fractions import Fraction
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import NotAllowed, acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.imports.plan import Plan, Step, carry_out
from app.core.imports.returned import remarks, rows_to_correct
from app.core.imports.services import import_run, plan_file, plan_run, receive, remap
from app.core.imports.tables import Severity
from app.core.jobs.worker import run_next
from app.core.records.identifiers import InvalidValue
from app.modules.estates.models import BayTenure, Building, Entrance, HouseType, ParkingBay, ParkingUse, Unit
from app.modules.people.imports import ESTATE_WORKBOOK, WORKBOOK, import_workbook
from app.modules.people.models import (
    CoOwnership,
    IdKind,
    Person,
    Relation,
    Sex,
    Tenure,
    TenureRole,
    UnitUse,
)

pytestmark = pytest.mark.slow

COUNTED = (Building, Entrance, Unit, ParkingBay, ParkingUse, Person, Tenure)
ACTOR = system_actor(estate_id=1)


@pytest.fixture(scope="module")
def workbook() -> bytes:
    return WORKBOOK.read_bytes()


def counts(session: Any) -> dict[str, int]:
    return {model.__tablename__: session.scalar(select(func.count(model.id))) for model in (*COUNTED, AuditEntry)}


def facts(plan: Plan) -> list[tuple[str, Severity, str, str]]:
    return [(p.cell, p.severity, str(p.reason), str(p.action)) for p in plan.problems]


def plan(session: Any, data: bytes) -> Plan:
    return plan_file(session, ESTATE_WORKBOOK, data, estate_id=1)


def edited(data: bytes, changes: dict[str, Any]) -> bytes:
    """The workbook with other values in some cells, e.g. ``{"业主!H42": "…"}``."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    for address, value in changes.items():
        sheet, _mark, cell = address.partition("!")
        book[sheet][cell] = value
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def small(units: list[list[Any]], people: list[list[Any]] = (), bays: list[list[Any]] = ()) -> bytes:  # type: ignore[assignment]
    """A workbook of a few rows in the columns of the real one."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    heads = {
        "房屋": ["楼栋", "单元", "楼层", "房号", "房屋类型", "建筑面积", "套内面积"],
        "业主": [
            "楼栋",
            "单元",
            "房号",
            "姓名",
            "与业主关系",
            "证件类型",
            "证件号码",
            "手机",
            "共有份额",
            "使用情况",
            "备注",
        ],
        "车位": ["车位号", "区域", "产权", "关联房号", "车牌"],
    }
    for (title, head), rows in zip(heads.items(), (units, people, bays), strict=True):
        page = book.create_sheet(title)
        for row in [head, *rows]:
            page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


UNIT = [1, 1, 1, "101", "高层住宅", 100, 80]
ID_A, ID_B = "000000199003071236", "000000198506152463"


def owner(
    name: str = "张三", number: str | None = ID_A, share: Any = None, position: str = "业主", **more: Any
) -> list[Any]:
    return [1, 1, "101", name, position, "居民身份证" if number else None, number, more.get("mobile"), share,
            more.get("use"), more.get("note")]  # fmt: skip


ERRORS = [
    ("房屋!D14", "Unit 1-1-502 is already in row 13."),
    ("房屋!H19", "The internal floor area 189.11 is larger than the gross floor area 186.11."),
    ("房屋!H184", "The internal floor area 145.74 is larger than the gross floor area 142.74."),
    ("房屋!D412", "Unit 5-3-1101 is already in row 411."),
    ("房屋!H518", "The internal floor area 178.93 is larger than the gross floor area 175.93."),
    ("业主!H165", "The last character does not fit this ID number; please check the digits."),
    ("业主!H453", "The last character does not fit this ID number; please check the digits."),
    ("业主!H803", "This ID number is already used for 莫萍世 in row 676."),
    ("业主!A1049", "Unit 99-1-101 is neither in the estate nor in a correct row of this file."),
]
OMITTED = [(f"业主!I{row}", "A mobile number has 11 digits; this one has 10.") for row in (125, 306, 497)]


def test_every_problem_of_the_real_workbook_is_told_with_its_cell(session, workbook):
    found = facts(plan(session, workbook))
    assert [(cell, reason) for cell, severity, reason, _a in found if severity == "error"] == ERRORS
    assert [(cell, reason) for cell, severity, reason, _a in found if severity == "omitted"] == OMITTED
    corrected = {cell: action for cell, severity, _r, action in found if severity == "corrected"}
    assert len(corrected) == 204
    samples = {
        "房屋!A4": "Read as 1.",  # 1栋
        "房屋!J11": "Read as 2026-06-23.",  # 2026/06/23
        "房屋!G392": "Read as 134.89.",  # 134.89㎡
        "业主!J2": "Read as 1/2.",  # 50%
        "业主!J32": "Read as 1/2.",
        "业主!I13": "Read as 177****1460.",  # +86
        "业主!I66": "Read as 138****0943.",  # spaces
        "业主!D396": "Read as 田贵福.",  # ideographic space
    }
    assert samples.items() <= corrected.items()


def test_what_the_dry_run_says_is_what_the_import_does_and_only_once(session, workbook):
    before = counts(session)
    said = plan(session, workbook)
    assert counts(session) == before  # a dry run leaves no trace
    done = import_workbook(session, workbook, estate_id=1, actor=ACTOR)
    assert (done.digest, facts(done), done.counts) == (said.digest, facts(said), said.counts)
    new = {name: count - before[name] for name, count in counts(session).items()}
    assert new["unit"] == said.counts["units"].new == 611
    assert new["tenure"] == said.counts["people"].new == 1044
    assert new["parking_bay"] == new["parking_use"] == said.counts["bays"].new == 219
    assert new["building"] == 8
    assert new["person"] == 1044
    planned = {}
    for step in said.steps:
        planned[step.model.__tablename__] = planned.get(step.model.__tablename__, 0) + 1
    assert planned == {name: count for name, count in new.items() if name != "audit_entry"}
    assert new["audit_entry"] == len(said.steps)
    after = counts(session)
    again = import_workbook(session, workbook, estate_id=1, actor=ACTOR)
    assert again.steps == ()
    assert counts(session) == after
    assert {c.new + c.changed for c in again.counts.values()} == {0}
    assert [p[0] for p in facts(again) if p[1] == "error"] == [cell for cell, _reason in ERRORS]


def test_the_records_hold_what_the_rows_say(session, workbook, actor_of):
    with acting(actor_of("receptionist")) as receptionist:
        import_workbook(session, workbook, estate_id=1, actor=receptionist)
    unit = session.scalars(select(Unit).where(Unit.code == "1-1-102")).one()
    assert (unit.building.code, unit.entrance.code, unit.number, unit.floor) == ("1", "1", "102", 1)
    assert (str(unit.gross_area), unit.house_type, unit.handover_date) == (
        "182.33",
        HouseType.HIGH_RISE,
        date(2026, 3, 9),
    )
    tenures = {t.person.name: t for t in session.scalars(select(Tenure).where(Tenure.unit_id == unit.id))}
    first, spouse = tenures["姚飞刚"], tenures["何宁"]
    assert (first.role, first.share, first.co_ownership) == (TenureRole.OWNER, Fraction(1, 2), CoOwnership.BY_SHARES)
    assert (first.unit_use, first.moved_in_on) == (UnitUse.OWNER_OCCUPIED, date(2026, 3, 25))
    assert (spouse.role, spouse.relation, spouse.unit_use) == (TenureRole.HOUSEHOLD_MEMBER, Relation.SPOUSE, None)
    person = first.person
    assert (person.id_kind, person.id_no, person.mobile) == (IdKind.RESIDENT_ID, "000000198812058088", "19162164355")
    assert (person.sex, person.birth_date, person.initials) == (Sex.FEMALE, date(1988, 12, 5), "yfg")
    tenant = session.scalars(select(Tenure).where(Tenure.role == TenureRole.TENANT).order_by(Tenure.id)).first()
    assert (tenant.valid_from, tenant.lease_until) == (date(2026, 3, 1), date(2027, 2, 28))
    bay = session.scalars(select(ParkingBay).where(ParkingBay.code == "B1-001")).one()
    assert (bay.tenure, bay.unit.code, bay.uses[0].plate) == (BayTenure.RENTED, "1-1-202", "冀GGR9YXL")
    passport = session.scalars(select(Person).where(Person.secret_is("id_no", "G53360418"))).one()
    assert (passport.name, passport.id_kind) == ("Nguyễn Thị Minh Khai", IdKind.PASSPORT)


def test_a_corrected_file_brings_only_what_was_missing(session, workbook):
    import_workbook(session, workbook, estate_id=1, actor=ACTOR)
    better = edited(workbook, {"房屋!H19": 150.5, "业主!I125": "13965411699", "业主!A1049": 1, "房屋!G2": 88.2})
    said = plan(session, better)
    assert [(s.model.__tablename__, s.record_id is None) for s in said.steps] == [
        ("unit", False), ("unit", True), ("person", False), ("person", True), ("tenure", True),
    ]  # fmt: skip
    changed = [(p.cell, str(p.reason), str(p.action)) for p in said.problems if p.severity == "changed"]
    assert changed == [
        ("房屋!G2", "So far the record says 87.19.", "Becomes 88.20."),
        ("业主!I125", "So far the record says —.", "Becomes 139****1699."),
    ]
    carry_out(session, said)
    assert session.scalars(select(Unit.code).where(Unit.code == "1-1-701")).all() == ["1-1-701"]
    assert plan(session, better).steps == ()


def test_the_rows_to_correct_come_back_as_a_workbook_that_can_be_imported(session, workbook):
    said = plan(session, workbook)
    returned = openpyxl.load_workbook(io.BytesIO(rows_to_correct(said)))
    assert {sheet.title: sheet.max_row - 1 for sheet in returned} == {"房屋": 5, "业主": 7}
    page = returned["业主"]
    assert [cell.value for cell in page[1]][-1] == "Reason"
    rows = {row[3]: row for row in page.iter_rows(min_row=2, values_only=True)}
    assert rows["查无此房"][-1].startswith("A1049: Unit 99-1-101")
    carry_out(session, said)
    for row in page.iter_rows(min_row=2):
        if row[3].value == "查无此房":
            row[0].value = 1
    file = io.BytesIO()
    returned.save(file)
    again = plan(session, file.getvalue())
    assert again.counts["people"].new == 1  # the others are as wrong as before
    assert again.counts["units"].rejected == 3  # the repeated rows are known by now: they change nothing
    assert len(list(openpyxl.load_workbook(io.BytesIO(remarks(said))).active.rows)) == 1 + len(said.problems)


def test_text_that_looks_like_a_formula_stays_text(session):
    said = plan(session, small([["=1+1", 1, 1, "101", "高层住宅", 100, 80], ["@x", 1, 1, "101", "高层住宅", 100, 80]]))
    page = openpyxl.load_workbook(io.BytesIO(rows_to_correct(said)))["房屋"]
    assert {cell.data_type for row in page.iter_rows(min_row=2, max_col=1) for cell in row} <= {"s", "n"}
    assert page["A3"].value == "@x"


@pytest.mark.parametrize(
    ("people", "cell", "severity", "reason"),
    [
        ([owner(share="60%"), owner("李四", ID_B, "1/2")], "业主!I3", "error", "The shares of unit 1-1-101 add up to 11/10."),
        ([owner(), owner()], "业主!D3", "error", "张三 is already in row 2 with the same position."),
        ([owner(), owner("李四")], "业主!G3", "error", "This ID number is already used for 张三 in row 2."),
        ([owner(position="房东")], "业主!E2", "error", "“房东” is not known here; known are "),
        ([owner(share="50%", position="配偶")], "业主!I2", "omitted", "Only owners have a share."),
        ([owner(position="租户", note="租期 2026-03-01 至 2025-02-28")], "业主!K2", "omitted", "The lease ends before it begins."),
        ([owner(number="00000019900307123")], "业主!G2", "error", "An ID number has 18 characters; this one has 17."),
        ([owner(number=ID_A.replace("1990", "１９９０"))], "业主!G2", "corrected", "Unusual spelling"),
        ([owner(), owner(position="使用人", mobile="13800000001"), owner(position="租户", mobile="13800000002")],
         "业主!H4", "omitted", "Row 2 says otherwise for the same person."),
    ],
)  # fmt: skip
def test_rules_between_the_rows_of_one_file(session, people, cell, severity, reason):
    found = [f for f in facts(plan(session, small([UNIT], people))) if not f[2].startswith("A text instead")]
    assert [(f[0], f[1]) for f in found] == [(cell, severity)]
    assert found[0][2].startswith(reason)


def test_shares_count_together_with_owners_already_entered(session):
    import_workbook(session, small([UNIT], [owner(share="3/4")]), estate_id=1, actor=ACTOR)
    said = plan(session, small([UNIT], [owner("李四", ID_B, "1/2")]))
    assert said.counts["people"].rejected == 1


def test_a_person_without_id_number_is_known_by_unit_and_name(session):
    data = small([UNIT], [owner("张　三", None), owner("李四", None, position="配偶")])
    import_workbook(session, data, estate_id=1, actor=ACTOR)
    assert import_workbook(session, data, estate_id=1, actor=ACTOR).steps == ()
    assert sorted(session.scalars(select(Person.name))) == ["张三", "李四"]


def test_one_person_in_two_units_is_one_record(session):
    second = [1, 1, "102", *owner()[3:]]
    import_workbook(
        session, small([UNIT, [1, 1, 1, "102", "高层住宅", 90, 70]], [owner(), second]), estate_id=1, actor=ACTOR
    )
    (person,) = session.scalars(select(Person))
    assert sorted(t.unit.code for t in person.tenures) == ["1-1-101", "1-1-102"]


def test_a_tenure_that_ended_is_not_brought_back_by_an_old_list(session):
    data = small([UNIT], [owner()])
    import_workbook(session, data, estate_id=1, actor=ACTOR)
    session.scalars(select(Tenure)).one().valid_to = date(2026, 1, 1)
    session.flush()
    assert plan(session, data).steps == ()


def test_another_car_on_a_bay_ends_the_use_of_the_first(session):
    import_workbook(
        session, small([UNIT], bays=[["B1", "地面", "租用", "1栋1单元101", "京A12345"]]), estate_id=1, actor=ACTOR
    )
    import_workbook(
        session, small([UNIT], bays=[["B1", "地面", "租用", "1-1-101", "京A54321"]]), estate_id=1, actor=ACTOR
    )
    uses = {use.plate: use.valid_to for use in session.scalars(select(ParkingUse))}
    assert uses["京A54321"] is None
    assert uses["京A12345"] is not None


@pytest.mark.parametrize(
    ("bay", "cell", "severity"),
    [
        (["B1", "地面", "产权", "9-9-901", "京A12345"], "车位!D2", "error"),
        (["B1", "地面", "空置", "1-1-101", None], "车位!C2", "error"),
        (["B1", "地面", "产权", "1-1-101", "A12345"], "车位!E2", "omitted"),
        (["B1", "地面", "偷的", "1-1-101", "京A12345"], "车位!C2", "error"),
    ],
)
def test_problems_of_parking_bays(session, bay, cell, severity):
    assert [(f[0], f[1]) for f in facts(plan(session, small([UNIT], bays=[bay])))] == [(cell, severity)]


def test_a_failure_half_way_leaves_nothing(session, workbook):
    before = counts(session)
    said = plan(session, workbook)
    broken = Plan(said.estate_id, (*said.steps, Step(Unit, ("x",), {"code": "x", "number": None})), said.lines)
    with pytest.raises(IntegrityError):
        carry_out(session, broken)
    session.rollback()
    assert counts(session) == before


def test_a_run_is_carried_out_only_as_it_was_shown(session, app):
    data = small([UNIT, [1, 1, 1, "102", "高层住宅", 70, 90]], [owner()])
    run = receive(session, ESTATE_WORKBOOK, data, "交房资料.xlsx", actor=ACTOR)
    shown = plan_run(session, ESTATE_WORKBOOK, run)
    session.add(Building(code="1"))
    session.flush()
    with pytest.raises(InvalidValue, match="changed since this dry run"):
        import_run(session, ESTATE_WORKBOOK, run, digest=shown.digest, actor=ACTOR)
    again = plan_run(session, ESTATE_WORKBOOK, run)
    import_run(session, ESTATE_WORKBOOK, run, digest=again.digest, actor=ACTOR)
    assert run.outcome["counts"]["units"] == {"rows": 2, "new": 1, "changed": 0, "same": 0, "rejected": 1}
    assert [problem["cell"] for problem in run.outcome["problems"]] == ["房屋!G3"]
    with pytest.raises(InvalidValue, match="imported already"):
        import_run(session, ESTATE_WORKBOOK, run, digest=again.digest, actor=ACTOR)


def test_columns_chosen_by_hand_must_be_complete_and_single(session, workbook):
    run = receive(session, ESTATE_WORKBOOK, workbook, "交房资料.xlsx", actor=ACTOR)
    columns = dict(run.mapping["units"]["columns"])
    for wrong, sentence in (
        ({"units": {**run.mapping["units"], "columns": {"building": 0}}}, "choose the columns"),
        (
            {"units": {**run.mapping["units"], "columns": columns | {"usable_area": columns["gross_area"]}}},
            "two things",
        ),
        ({}, "at least one table"),
    ):
        with pytest.raises(InvalidValue, match=sentence):
            remap(session, ESTATE_WORKBOOK, run, wrong, actor=ACTOR)
    remap(session, ESTATE_WORKBOOK, run, {"units": run.mapping["units"]}, actor=ACTOR)
    assert list(plan_run(session, ESTATE_WORKBOOK, run).counts) == ["units"]


def test_only_those_with_the_right_import(session, workbook, actor_of):
    with pytest.raises(NotAllowed):
        import_workbook(session, workbook, estate_id=1, actor=actor_of("security"))


def test_the_pages_lead_from_upload_to_result(client_of, app, session):
    client = client_of("receptionist")
    data = small([UNIT, [1, 1, 1, "102", "高层住宅", 70, 90]], [owner(mobile="1396541169")])
    answer = client.post("/imports/estate/upload", data={"workbook": (io.BytesIO(data), "交房资料.xlsx")})
    columns = answer.headers["Location"]
    assert "建筑面积" in client.get(columns).get_data(as_text=True)
    address = columns.removesuffix("/columns")
    page = client.get(address).get_data(as_text=True)
    assert "房屋!G3" in page
    assert "业主!H2" in page
    assert "业主!H2" not in client.get(f"{address}?severity=error").get_data(as_text=True)
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    assert client.get(f"{address}/correct.xlsx").data.startswith(b"PK")
    job = client.post(f"{address}/import", data={"digest": digest}).headers["Location"]
    assert run_next(app)
    assert "2 new, 0 changed, 0 unchanged, 1 rows not imported." in client.get(job).get_data(as_text=True)
    result = client.get(address).get_data(as_text=True)
    assert "Imported at" in result
    assert "Import now" not in result


def test_choosing_another_sheet_recognises_its_columns_first(client_of, session, workbook):
    client = client_of("receptionist")
    columns = client.post("/imports/estate/upload", data={"workbook": (io.BytesIO(workbook), "x.xlsx")}).headers[
        "Location"
    ]
    answer = client.post(columns, data={"units.sheet": "房屋"})
    assert answer.status_code == 200
    assert "建筑面积" in answer.get_data(as_text=True)
    assert (
        client.post(columns, data={"units.sheet": "房屋", "units.drawn": "房屋", "units.header": "1"}).status_code
        == 422
    )


def test_a_file_that_is_no_workbook_is_refused_on_the_page(client_of, session):
    answer = client_of("receptionist").post(
        "/imports/estate/upload", data={"workbook": (io.BytesIO(b"hello"), "x.xlsx")}
    )
    assert answer.status_code == 422


def test_another_estate_s_upload_does_not_exist(client_of, session, workbook):
    address = client_of("receptionist").post(
        "/imports/estate/upload", data={"workbook": (io.BytesIO(workbook), "x.xlsx")}
    ).headers["Location"]  # fmt: skip
    assert client_of("neighbour").get(address).status_code == 404
    assert client_of("security").get("/imports/estate/").status_code == 404
