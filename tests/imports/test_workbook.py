"""Reading strangers' workbooks: limits, headings, cells."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from decimal import Decimal
from fractions import Fraction

import openpyxl
import pytest

from app.core.imports import workbook
from app.core.imports.tables import (
    Column,
    Severity,
    Table,
    one_of,
    plain_text,
    read_table,
    recognise,
    whole_number,
)
from app.core.imports.workbook import read_workbook
from app.core.records.choices import Choice
from app.core.records.identifiers import InvalidValue, area, day, phone, share


class Kind(Choice):
    FLAT = "flat", "Flat"
    SHOP = "shop", "Shop"


def column(name: str, *aliases: str, **options: object) -> Column:
    return Column(**{"name": name, "title": name, "aliases": aliases, "read": plain_text(20)} | options)  # type: ignore[arg-type]


THINGS = Table(
    name="things",
    title="Things",
    aliases=("东西",),
    columns=(
        column("code", "编号", "代码", required=True),
        column("area", "面积", read=area),
        column("share", "份额", read=share, may_omit=True),
        column("day", "日期", read=day, may_omit=True),
        column("floor", "楼层", read=whole_number),
        column("kind", "类型", read=one_of({"住宅": Kind.FLAT, "商铺": Kind.SHOP})),
        column("mobile", "手机", read=lambda cell: phone(str(cell)), mask="phone", may_omit=True),
    ),
)


def xlsx(*sheets: tuple[str, list[list[object]]]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets:
        page = book.create_sheet(title)
        for row in rows:
            page.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def lines(rows: list[list[object]], title: str = "东西"):
    sheets = read_workbook(xlsx((title, rows)))
    return read_table(THINGS, sheets, recognise([THINGS], sheets))


HEAD = ["编号", "面积（㎡）", "份额", " 日 期 ", "楼层", "类型", "手机*"]


def test_headings_are_recognised_whatever_brackets_spaces_and_order():
    sheets = read_workbook(xlsx(("说明", [["请填写"]]), ("Sheet1", [["某某花园"], [], HEAD[::-1], [1]])))
    found = recognise([THINGS], sheets)["things"]
    assert (found["sheet"], found["header"]) == ("Sheet1", 3)
    assert found["columns"] == {
        "code": 6, "area": 5, "share": 4, "day": 3, "floor": 2, "kind": 1, "mobile": 0,
    }  # fmt: skip


def test_a_sheet_without_the_columns_that_must_be_there_is_no_table():
    assert recognise([THINGS], read_workbook(xlsx(("东西", [["面积", "份额"], [1, 2]])))) == {}


def test_cells_are_read_and_every_correction_is_remarked_at_its_address():
    (line,) = lines([HEAD, ["Ａ　1 ", "89.3㎡", "50%", "2026/06/23", "12层", "商铺", "138 1234 5678"]])
    assert line.values == {
        "code": "Ａ 1", "area": Decimal("89.30"), "share": Fraction(1, 2), "day": date(2026, 6, 23), "floor": 12,
        "kind": Kind.SHOP, "mobile": "13812345678",
    }  # fmt: skip
    assert [(p.cell, p.severity) for p in line.problems] == [
        (f"东西!{letter}2", Severity.CORRECTED) for letter in "ABCDEG"
    ]
    assert str(line.problems[-1].action) == "Read as 138****5678."


def test_an_unusable_value_rejects_the_row_or_is_left_out():
    wrong, short = lines(
        [HEAD, ["1", "many", None, None, None, None, None], ["2", 9, None, None, None, None, "1396541169"]]
    )
    assert wrong.rejected
    assert [p.cell for p in wrong.problems] == ["东西!B2"]
    assert not short.rejected
    assert [(p.cell, p.severity, str(p.reason)) for p in short.problems] == [
        ("东西!G3", Severity.OMITTED, "A mobile number has 11 digits; this one has 10.")
    ]


def test_an_unknown_word_is_answered_with_the_known_ones():
    (line,) = lines([HEAD, ["1", 9, None, None, None, "宫殿", None]])
    assert "住宅、商铺" in str(line.problems[0].reason)


def test_empty_rows_are_passed_over_and_a_missing_value_is_an_error():
    (line,) = lines([HEAD, [None] * 7, [" ", 9]])
    assert line.row == 3
    assert str(line.problems[0].reason) == "code is empty."


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nonsense", b"%PDF-1.7"])
def test_what_is_no_workbook_is_refused_in_words(data: bytes):
    with pytest.raises(InvalidValue, match="cannot be read"):
        read_workbook(data)


def test_a_zip_that_unpacks_to_far_more_than_its_size_is_not_opened():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    with pytest.raises(InvalidValue, match="far more"):
        read_workbook(file.getvalue())


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(workbook, "MOST_ROWS", 3)
    with pytest.raises(InvalidValue, match="more than 3 rows"):
        read_workbook(xlsx(("东西", [["x"]] * 5)))


def test_formulas_are_never_computed_and_links_never_followed():
    (line,) = lines([HEAD, ['=HYPERLINK("http://example.com")', 9]])
    assert line.rejected  # the file holds no stored value for the formula
