"""Identifier vectors of the standards, and what people type."""

import re
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.records import identifiers as ids
from app.core.records.identifiers import InvalidValue, Sex


def refused(check, text) -> str:
    with pytest.raises(InvalidValue) as caught:
        check(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("11010519491231002X", "11010519491231002X"),
        ("11010519491231002x", "11010519491231002X"),
        (" １１０１０５　１９４９１２３１　００２Ｘ", "11010519491231002X"),
        ("440524188001010014", "440524188001010014"),
        ("000000199003071236", "000000199003071236"),
        ("000000198506152463", "000000198506152463"),
        ("00000020000229357X", "00000020000229357X"),
    ],
)
def test_citizen_id(typed, stored):
    assert ids.citizen_id(typed) == stored


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("110105194912310021", "last character"),
        ("11010519491331002X", "19491331"),
        ("00000020010229357X", "20010229"),
        ("110105491231002", "first generation"),
        ("1101051949123100", "this one has 16"),
        ("1101051949123100X2", "17 digits"),
        ("１１٠105194912310021", "17 digits"),
        ("000000299003071234", "future"),
        ("", "this one has 0"),
    ],
)
def test_citizen_id_refused_with_the_reason(typed, says):
    assert says in refused(ids.citizen_id, typed)


def test_citizen_id_facts():
    assert ids.citizen_id_facts("000000199003071236") == (date(1990, 3, 7), Sex.MALE)
    assert ids.citizen_id_facts("000000198506152463") == (date(1985, 6, 15), Sex.FEMALE)
    assert ids.citizen_id_facts("00000020000229357x") == (date(2000, 2, 29), Sex.MALE)


WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@given(st.integers(0, 999999), st.dates(date(1900, 1, 1), date(2024, 12, 31)), st.integers(0, 999), st.integers(0, 16))
def test_any_single_wrong_digit_is_noticed(address, born, sequence, place):
    body = f"{address:06}{born:%Y%m%d}{sequence:03}"
    number = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
    assert ids.citizen_id(number) == number
    assert ids.citizen_id_facts(number) == (born, Sex.MALE if sequence % 2 else Sex.FEMALE)
    wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]
    with pytest.raises(InvalidValue):
        ids.citizen_id(wrong)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "91000000000000000K", "91000000MA00000157"])
def test_credit_code(code):
    assert ids.credit_code(code) == (code, None)
    assert ids.credit_code(f" {code[:2]} {code[2:8]}-{code[8:]}".lower()).value == code


def test_credit_code_of_other_registering_authorities():
    body = "A1110000600037341"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    check = alphabet[-sum(alphabet.index(char) * 3**place for place, char in enumerate(body)) % 31]
    assert ids.credit_code(body + check).value == body + check


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("91350100M000100Y44", "last character"),
        ("91000000IA00000157", "without I, O, S, V and Z"),
        ("9100000OMA00000157", "characters 3 to 8"),
        ("91000000MS00000157", "without I"),
        ("91000000MV00000157", "without I"),
        ("91000000MZ00000157", "without I"),
        ("91350100M000100", "this one has 15"),
        ("9135", "this one has 4"),
    ],
)
def test_credit_code_refused(typed, says):
    assert says in refused(ids.credit_code, typed)


def test_old_registration_number_is_taken_with_a_note():
    code, note = ids.credit_code("110108000000016")
    assert code == "110108000000016"
    assert "15-digit" in str(note)


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        ("13800000000", "13800000000", "138 0000 0000"),
        ("138 0000-0000", "13800000000", "138 0000 0000"),
        ("+86 138 0000 0000", "13800000000", "138 0000 0000"),
        ("008613800000000", "13800000000", "138 0000 0000"),
        ("8613800000000", "13800000000", "138 0000 0000"),
        ("１３８００００００００", "13800000000", "138 0000 0000"),
        ("19912345678", "19912345678", "199 1234 5678"),
        ("010-12345678", "01012345678", "010-12345678"),
        ("(010) 1234 5678", "01012345678", "010-12345678"),
        ("（0592）1234567", "05921234567", "0592-1234567"),
        ("+86 10 1234 5678", "01012345678", "010-12345678"),
        ("+86-0592-1234567", "05921234567", "0592-1234567"),
        ("0755-12345678-805", "075512345678-805", "0755-12345678-805"),
        ("0755-12345678转805", "075512345678-805", "0755-12345678-805"),
        ("075512345678 ext. 805", "075512345678-805", "0755-12345678-805"),
        ("400-123-4567", "4001234567", "400-123-4567"),
        ("8001234567", "8001234567", "800-123-4567"),
        ("95588", "95588", "95588"),
        ("12345", "12345", "12345"),
        ("110", "110", "110"),
        ("+852 6123 4567", "+85261234567", "+85261234567"),
        ("00852-6123-4567", "+85261234567", "+85261234567"),
        ("+1 (415) 555-0100", "+14155550100", "+14155550100"),
    ],
)
def test_phone(typed, stored, shown):
    assert ids.phone(typed) == stored
    assert ids.phone(stored) == stored
    assert ids.format_phone(stored) == shown
    assert ids.phone(shown) == stored


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("1380000000", "11 digits; this one has 10"),
        ("138000000000", "11 digits; this one has 12"),
        ("12800000000", "13 to 19"),
        ("12345678", "begins with 13"),
        ("62345678", "area code"),
        ("010-123456", "7 or 8 digits"),
        ("010-1234567890", "7 or 8 digits"),
        ("+123", "country code"),
        ("+86 22", "7 or 8 digits"),
        ("call me", "digits, spaces"),
        ("", "digits, spaces"),
        ("5551234567890", "no phone number"),
        ("١٣٨٠٠٠٠٠٠٠٠", "digits, spaces"),
    ],
)
def test_phone_refused(typed, says):
    assert says in refused(ids.phone, typed)


def test_mobile():
    assert ids.mobile("+86 138-0000-0000") == "13800000000"
    assert ids.mobile("86 13800000000") == "13800000000"
    assert "this one has 10" in refused(ids.mobile, "1380000000")
    assert "13 to 19" in refused(ids.mobile, "01012345678")
    assert "digits only" in refused(ids.mobile, "+85261234567")


@given(st.text())
def test_a_phone_is_stored_in_one_form_or_refused(text):
    try:
        stored = ids.phone(text)
    except InvalidValue:
        return
    assert re.fullmatch(r"\+?[0-9]+(-[0-9]+)?", stored)
    assert ids.phone(stored) == stored
    assert ids.phone(ids.format_phone(stored)) == stored


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("京A12345", "京A12345"),
        ("京a·12345", "京A12345"),
        ("粤BD12345", "粤BD12345"),
        ("沪 A-F0001", "沪AF0001"),
        ("粤Z1234港", "粤Z1234港"),
        ("京Ａ1234学", "京A1234学"),
    ],
)
def test_plate(typed, stored):
    assert ids.plate(typed) == stored


@pytest.mark.parametrize("typed", ["A12345", "京I12345", "京A1234", "京A1234567", "京A1O345", ""])
def test_plate_refused(typed):
    assert "licence plate" in refused(ids.plate, typed)


def test_postcode():
    assert ids.postcode("１００ ０００") == "100000"
    assert "six digits" in refused(ids.postcode, "10000")


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        ("resident_id", "11010519491231002x", "11010519491231002X"),
        ("hk_macao_permit", "h12345678", "H12345678"),
        ("hk_macao_permit", "M1234567801", "M1234567801"),
        ("taiwan_permit", "12345678", "12345678"),
        ("taiwan_permit", "0123456789(B)", "0123456789(B)"),
        ("hmt_residence_permit", "810000199003070017", None),
        ("passport", "e 1234 5678", "E12345678"),
        ("foreign_pr_card", "CAN110108010101", "CAN110108010101"),
        ("business_licence", "91350100M000100Y43", "91350100M000100Y43"),
    ],
)
def test_id_documents(kind, typed, stored):
    if stored is None:
        body = typed[:17]
        stored = typed = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
    assert ids.id_document(kind, typed) == stored


@pytest.mark.parametrize(
    ("kind", "typed", "says"),
    [
        ("hmt_residence_permit", "11010519491231002X", "81, 82 or 83"),
        ("hk_macao_permit", "A12345678", "H or M"),
        ("taiwan_permit", "1234567", "8 digits"),
        ("passport", "PASSPORT", "5 to 15"),
        ("foreign_pr_card", "11010519491231002X", "begins with 9"),
        ("business_licence", "91350100M000100Y44", "credit code"),
    ],
)
def test_id_documents_refused(kind, typed, says):
    assert says in refused(lambda number: ids.id_document(kind, number), typed)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (89.3, "89.30"),
        (89.30000000000001, "89.30"),
        (Decimal("89.3"), "89.30"),
        (120, "120.00"),
        ("89.3㎡", "89.30"),
        ("８９．３", "89.30"),
        ("1,089.30 m²", "1089.30"),
        ("89.3平方米", "89.30"),
    ],
)
def test_area(cell, value):
    found = ids.area(cell)
    assert (str(found.value), found.note) == (value, None)


def test_area_notes_rounding_and_refuses_nonsense():
    value, note = ids.area("89.305")
    assert value == Decimal("89.31")
    assert "89.305" in str(note)
    for cell in ("", "about 90", "-3", 0, "0.001", "nan", "1e9", None):
        with pytest.raises(InvalidValue):
            ids.area(cell)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("50%", Fraction(1, 2)),
        ("１／２", Fraction(1, 2)),
        (0.5, Fraction(1, 2)),
        ("50", Fraction(1, 2)),
        (50, Fraction(1, 2)),
        (50.0, Fraction(1, 2)),
        ("33.33 %", Fraction(3333, 10000)),
        (1 / 3, Fraction(1, 3)),
        ("1", Fraction(1)),
        ("100%", Fraction(1)),
        ("0.5%", Fraction(1, 200)),
    ],
)
def test_share(cell, value):
    assert ids.share(cell) == value


@pytest.mark.parametrize("cell", ["", "half", "1/0", "0", "-10%", "3/2", "101%", float("nan"), float("inf"), None])
def test_share_refused(cell):
    assert "share" in refused(ids.share, cell)


@pytest.mark.parametrize(
    "cell",
    [
        date(2026, 6, 23),
        datetime(2026, 6, 23, 8, 30),  # noqa: DTZ001 (what openpyxl gives)
        "2026/06/23",
        "2026-6-23",
        "2026.6.23",
        "2026年6月23日",
        "2026 年 6 月 23 日",
        "２０２６－０６－２３",
        "20260623",
        20260623,
        20260623.0,
        "2026-06-23 00:00:00",
    ],
)
def test_day(cell):
    assert ids.day(cell) == date(2026, 6, 23)
    assert type(ids.day(cell)) is date


@pytest.mark.parametrize("cell", ["2026-02-30", "20261301", "23/06/2026", "2026-6/23", "soon", "", 46196, None])
def test_day_refused(cell):
    assert refused(ids.day, cell)
