"""Fields without code in workbooks: headings, dry run, import, rights."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from flask_babel import force_locale

from app.core.access.actor import acting, current_actor
from app.core.fields.models import FieldKind
from app.core.fields.queries import values_of_record
from app.core.fields.services import add_field, archive_field
from app.core.imports.plan import Plan, carry_out
from app.core.imports.services import plan_file
from app.core.imports.tables import Severity
from app.modules.estates.models import Unit
from app.modules.people.imports import ESTATE_WORKBOOK
from app.modules.people.models import Person

METERING = [
    {"code": "single", "title_zh": "单相", "title_en": "Single phase"},
    {"code": "three", "title_zh": "三相", "title_en": "Three phases"},
]
UNIT_HEADS = ["楼栋", "单元", "房号", "建筑面积"]
PEOPLE_HEADS = ["楼栋", "单元", "房号", "姓名", "与业主关系"]


@pytest.fixture(autouse=True)
def fields(session: Any) -> dict[str, Any]:
    def add(record_type: str, code: str, kind: FieldKind, zh: str, en: str, **more: Any) -> Any:
        values = {"record_type": record_type, "code": code, "kind": kind, "title_zh": zh, "title_en": en, **more}
        return add_field(session, values, actor=current_actor())

    return {
        "power": add("unit", "power", FieldKind.NUMBER, "用电容量", "Power (kW)", places=1),
        "deposit": add("unit", "deposit", FieldKind.MONEY, "押金", "Deposit", write_roles=["cashier"]),
        "metering": add("unit", "metering", FieldKind.CHOICE, "计量", "Metering", choices=METERING),
        "solar": add("unit", "solar", FieldKind.YES_NO, "光伏", "Solar"),
        "wired": add("unit", "wired_on", FieldKind.DATE, "接线日期", "Wired on"),
        "plan": add("unit", "plan", FieldKind.FILE, "图纸", "Plan"),
        "note": add("unit", "hint", FieldKind.TEXT, "备注", "Note"),
        "club": add("person", "club", FieldKind.TEXT, "会员号", "Club card", required=True),
    }


def workbook(units: list[list[Any]], people: list[list[Any]] | None = None) -> bytes:
    """A workbook with the first rows of each list as headings."""
    book = openpyxl.Workbook()
    for title, rows in (("房屋", units), ("业主", people or [])):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def planned(session: Any, data: bytes) -> Plan:
    return plan_file(session, ESTATE_WORKBOOK, data, estate_id=1)


def remarks(plan: Plan) -> list[tuple[str, Severity, str]]:
    return [(p.cell, p.severity, f"{p.reason} {p.action}") for p in plan.problems]


def unit(session: Any, code: str) -> Unit:
    return session.scalars(sa.select(Unit).where(Unit.code == code)).one()


def test_values_of_every_kind_are_imported_by_their_titles_in_either_language(session: Any) -> None:
    heads = [*UNIT_HEADS, "用电容量 (kW)", "Deposit", "计量", "Solar", "接线日期"]
    data = workbook([
        heads,
        ["1", "1", "101", 88.5, 12.5, "1,500", "三相", "是", date(2026, 3, 1)],
        ["1", "1", "102", 90, None, None, "single phase", False, "2026年3月2日"],
        ["1", "1", "103", 91, 7, None, None, None, None],
    ])  # fmt: skip
    plan = planned(session, data)
    assert plan.counts["units"].new == 3
    assert {severity for _cell, severity, _text in remarks(plan)} == {Severity.CORRECTED}  # 1,500 and 3月2日 are texts
    carry_out(session, plan)
    assert values_of_record(session, unit(session, "1-1-101")) == {
        "power": Decimal("12.5"), "deposit": Decimal("1500.00"), "metering": "three", "solar": True,
        "wired_on": date(2026, 3, 1),
    }  # fmt: skip
    assert values_of_record(session, unit(session, "1-1-102")) == {
        "metering": "single", "solar": False, "wired_on": date(2026, 3, 2),
    }  # fmt: skip
    again = planned(session, data)
    assert again.steps == ()
    assert again.counts["units"].same == 3


def test_a_value_that_does_not_fit_is_left_out_with_a_sentence(session: Any) -> None:
    heads = [*UNIT_HEADS, "用电容量", "计量", "光伏", "接线日期"]
    plan = planned(session, workbook([heads, ["1", "1", "101", 88, "viel", "四相", "vielleicht", "31.2.2026"]]))
    found = remarks(plan)
    assert [(cell, severity) for cell, severity, _text in found] == [
        (f"房屋!{letter}2", Severity.OMITTED) for letter in "EFGH"
    ]
    assert "“viel” is no number" in found[0][2]
    assert "Single phase, Three phases" in found[1][2]
    carry_out(session, plan)
    assert values_of_record(session, unit(session, "1-1-101")) == {}


def test_a_second_import_tells_what_changes(session: Any) -> None:
    heads = [*UNIT_HEADS, "用电容量", "计量"]
    carry_out(session, planned(session, workbook([heads, ["1", "1", "101", 88, 5, "单相"]])))
    before = unit(session, "1-1-101").version
    plan = planned(session, workbook([heads, ["1", "1", "101", 88, 6, "三相"]]))
    assert [(cell, severity) for cell, severity, _text in remarks(plan)] == [
        ("房屋!E2", Severity.CHANGED), ("房屋!F2", Severity.CHANGED),
    ]  # fmt: skip
    assert "Single phase" in remarks(plan)[1][2]
    assert "Three phases" in remarks(plan)[1][2]
    assert plan.counts["units"].changed == 1
    carry_out(session, plan)
    session.expire_all()
    assert values_of_record(session, unit(session, "1-1-101")) == {"power": Decimal("6.0"), "metering": "three"}
    assert unit(session, "1-1-101").version > before
    kept = planned(session, workbook([UNIT_HEADS, ["1", "1", "101", 88]]))
    assert kept.steps == ()


def test_the_plan_is_another_one_when_a_value_changed_meanwhile(session: Any) -> None:
    heads = [*UNIT_HEADS, "用电容量"]
    first, second = (planned(session, workbook([heads, ["1", "1", "101", 88, n]])) for n in (5, 6))
    assert first.digest != second.digest


def test_a_column_of_the_table_keeps_its_heading_from_a_field_of_the_same_title(session: Any) -> None:
    carry_out(session, planned(session, workbook([[*UNIT_HEADS, "备注"], ["1", "1", "101", 88, "Corner"]])))
    assert unit(session, "1-1-101").note == "Corner"
    assert values_of_record(session, unit(session, "1-1-101")) == {}


def test_fields_of_persons_come_with_their_rows(session: Any) -> None:
    units = [UNIT_HEADS, ["1", "1", "101", 88], ["1", "1", "102", 88]]
    people = [
        [*PEOPLE_HEADS, "证件号码", "会员号"],
        ["1", "1", "101", "王芳", "业主", "11010519491231002X", None],
        ["1", "1", "102", "王芳", "业主", "11010519491231002X", "A-7"],
        ["1", "1", "101", "李伟", "租户", None, None],
    ]
    plan = planned(session, workbook(units, people))
    carry_out(session, plan)
    person = session.scalars(sa.select(Person).where(Person.name == "王芳")).one()
    assert values_of_record(session, person) == {"club": "A-7"}
    people[2][-1] = "B-8"
    again = planned(session, workbook(units, people))
    assert [severity for _cell, severity, _text in remarks(again)] == [Severity.OMITTED]
    assert again.steps == ()


def test_who_does_not_fill_a_field_in_does_not_import_it(session: Any, actor_of: Any, fields: Any) -> None:
    data = workbook([[*UNIT_HEADS, "押金", "用电容量"], ["1", "1", "101", 88, 100, 5]])
    with acting(actor_of("receptionist")):
        plan = planned(session, data)
        assert [step.added for step in plan.steps if step.model is Unit] == [{"power": Decimal(5)}]
        carry_out(session, plan)
    assert values_of_record(session, unit(session, "1-1-101")) == {"power": Decimal("5.0")}
    archive_field(session, fields["power"], reason="Not needed", actor=current_actor())
    with acting(actor_of("cashier")):
        assert planned(session, workbook([[*UNIT_HEADS, "用电容量"], ["1", "1", "101", 88, 9]])).steps == ()


def test_the_empty_workbook_has_every_heading_and_is_recognised(session: Any, app: Any) -> None:
    from app.core.imports.returned import empty_workbook
    from app.core.imports.tables import recognise
    from app.core.imports.workbook import read_workbook

    for language, titles in (("zh", ("用电容量", "计量")), ("en", ("Power (kW)", "Metering"))):
        with app.test_request_context(), force_locale(language):
            tables = ESTATE_WORKBOOK.tables_of(1)
            data = empty_workbook(tables)
            book = openpyxl.load_workbook(io.BytesIO(data))
            heads = [cell.value for cell in book.worksheets[0][1]]
            assert set(titles) < set(heads)
            assert "Plan" not in heads
            mapping = recognise(tables, read_workbook(data))
            assert [len(mapping[table.name]["columns"]) for table in tables][1:] == [len(t.columns) for t in tables][1:]
            assert mapping["units"]["columns"].keys() >= {"x_power", "x_metering", "building", "number", "gross_area"}


def test_the_page_offers_the_empty_workbook_and_the_columns(client_of: Any, session: Any) -> None:
    client = client_of("manager")
    answer = client.get("/imports/estate/template.xlsx")
    assert answer.mimetype.endswith("spreadsheetml.sheet")
    assert "Power (kW)" in {c.value for c in openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets[0][1]}
    data = workbook([[*UNIT_HEADS, "用电容量"], ["1", "1", "101", 88, 5]])
    sent = client.post("/imports/estate/upload", data={"workbook": (io.BytesIO(data), "units.xlsx")})
    assert sent.status_code == 302
    number = sent.headers["Location"].split("/")[-2]
    columns = client.get(f"/imports/estate/{number}/columns").get_data(as_text=True)
    assert 'name="units.x_power"' in columns
    assert 'name="units.x_plan"' not in columns
