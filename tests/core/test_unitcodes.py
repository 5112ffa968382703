"""Unit codes in the spellings people use."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.records.identifiers import InvalidValue
from app.core.records.unitcodes import UnitCode, parse, sort_key


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1-3-1502", "1-3-1502"),
        ("1栋3单元1502", "1-3-1502"),
        ("1栋3单元1502室", "1-3-1502"),
        ("1幢3单元1502", "1-3-1502"),
        ("1号楼3单元1502房", "1-3-1502"),
        ("１－３－１５０２", "1-3-1502"),
        ("１栋３单元１５０２", "1-3-1502"),
        ("1/3/1502", "1-3-1502"),
        ("1#3-1502", "1-3-1502"),
        ("1#楼3单元1502", "1-3-1502"),
        (" 1 栋 3 单元 1502 室 ", "1-3-1502"),
        ("1 - 3 - 1502", "1-3-1502"),
        ("1 3 1502", "1-3-1502"),
        ("一栋三单元1502", "1-3-1502"),
        ("十二栋二十一单元1502", "12-21-1502"),
        ("a座1502a", "A-1502A"),
        ("2号1502室", "2-1502"),
        ("2栋1502号", "2-1502"),
        ("1-1502", "1-1502"),
        ("1-3-2-1502", "1-3-2-1502"),
        ("1-03-2-1502", "1-03-2-1502"),
        ("1期2栋3单元1502", "1-2-3-1502"),
        ("一期2-3-1502", "1-2-3-1502"),
        ("Building 1, Entrance 3, Unit 1502", "1-3-1502"),
        ("Phase 1 Bldg. 2 Room 1502", "1-2-1502"),
    ],
)
def test_spellings(text, canonical):
    assert parse(text)[0].canonical == canonical


def test_labels_leave_one_reading():
    assert parse("1期2栋1502")[0] == UnitCode("1", "2", None, "1502")
    assert {code.phase for code in parse("1栋3单元1502")} == {None}


def test_bare_parts_have_two_readings():
    codes = parse("1-3-1502")
    assert codes[0] == UnitCode(None, "1", "3", "1502")
    assert UnitCode("1", "3", None, "1502") in codes


@pytest.mark.parametrize("stored", ["1-3-2-1502", "1-03-2-1502", "1-03-02-1502"])
@pytest.mark.parametrize("typed", ["1-3-2-1502", "1-03-2-1502", "1期3栋2单元1502室", "01-03-02-1502"])
def test_found_whatever_the_leading_zeros(stored, typed):
    assert stored in {code.canonical for code in parse(typed)}


@pytest.mark.parametrize(
    "text", ["", "1502", "1栋", "3单元1502", "1-2-3-4-5", "1栋楼上", "1--", "A" * 60 + "!", "张三"]
)
def test_refused(text):
    with pytest.raises(InvalidValue, match="building-entrance-number"):
        parse(text)


PART = st.text(string.digits + "ABCDEFGH", min_size=1, max_size=4)


@given(st.none() | PART, PART, PART, PART)
def test_the_canonical_code_is_read_back(phase, building, entrance, number):
    code = UnitCode(phase, building, entrance, number)
    assert parse(code.canonical)[0] == code


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        assert parse(text)
    except InvalidValue:
        pass


def test_codes_sort_as_people_count() -> None:
    codes = ["10-1-101", "1-1-1001", "1-2-101", "1-1-101", "2-1-101", "A1-1-2"]
    assert sorted(codes, key=sort_key) == ["1-1-101", "1-1-1001", "1-2-101", "2-1-101", "10-1-101", "A1-1-2"]
