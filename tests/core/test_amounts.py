"""Amounts in figures and words."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.records.amounts import bill_date_zh, format_area, format_money, in_words_en, in_words_zh, money
from app.core.records.identifiers import InvalidValue

AMOUNTS = st.decimals("-9999999999.99", "9999999999.99", places=2)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0.00", "人民币零元整"),
        ("0.05", "人民币伍分"),
        ("0.50", "人民币伍角整"),
        ("15.00", "人民币壹拾伍元整"),
        ("100.05", "人民币壹佰元零伍分"),
        ("1001.00", "人民币壹仟零壹元整"),
        ("1010.00", "人民币壹仟零壹拾元整"),
        ("1409.50", "人民币壹仟肆佰零玖元伍角整"),
        ("6007.14", "人民币陆仟零柒元壹角肆分"),
        ("1680.32", "人民币壹仟陆佰捌拾元零叁角贰分"),
        ("107000.53", "人民币壹拾万柒仟元零伍角叁分"),
        ("16409.02", "人民币壹万陆仟肆佰零玖元零贰分"),
        ("325.04", "人民币叁佰贰拾伍元零肆分"),
        ("100000.00", "人民币壹拾万元整"),
        ("10001.00", "人民币壹万零壹元整"),
        ("500010.00", "人民币伍拾万零壹拾元整"),
        ("100010000.00", "人民币壹亿零壹万元整"),
        ("100000001.00", "人民币壹亿零壹元整"),
        ("20030.40", "人民币贰万零叁拾元零肆角整"),
        ("12345678.90", "人民币壹仟贰佰叁拾肆万伍仟陆佰柒拾捌元玖角整"),
        ("-120.30", "人民币负壹佰贰拾元零叁角整"),
        ("9999999999.99", "人民币玖拾玖亿玖仟玖佰玖拾玖万玖仟玖佰玖拾玖元玖角玖分"),
    ],
)
def test_words_zh(amount, words):
    assert in_words_zh(Decimal(amount)) == words


def read_zh(words: str) -> Decimal:
    """The amount a reader takes from the words."""
    digits, units = "零壹贰叁肆伍陆柒捌玖", {"拾": 10, "佰": 100, "仟": 1000}
    total = section = digit = Decimal(0)
    for char in words.removeprefix("人民币").lstrip("负").rstrip("整"):
        if char in digits:
            digit = Decimal(digits.index(char))
        elif char in units:
            section, digit = section + digit * units[char], Decimal(0)
        elif char == "万":
            section, digit = (section + digit) * 10000, Decimal(0)
        elif char == "亿":
            total, section, digit = (section + digit) * 10**8, Decimal(0), Decimal(0)
        elif char == "元":
            total, section, digit = total + section + digit, Decimal(0), Decimal(0)
        else:
            total, digit = total + digit * {"角": Decimal("0.1"), "分": Decimal("0.01")}[char], Decimal(0)
    return -total if "负" in words else total


@given(AMOUNTS)
def test_words_zh_read_back(amount):
    words = in_words_zh(amount)
    assert read_zh(words) == amount
    assert "零零" not in words
    assert words.endswith("分") == (int(abs(amount) * 100) % 10 != 0)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "RMB Zero Yuan Only"),
        ("0.05", "RMB Five Fen"),
        ("15", "RMB Fifteen Yuan Only"),
        ("1409.50", "RMB One Thousand Four Hundred and Nine Yuan and Fifty Fen"),
        ("1001", "RMB One Thousand and One Yuan Only"),
        ("107000.53", "RMB One Hundred and Seven Thousand Yuan and Fifty-Three Fen"),
        ("12345678.90", "RMB Twelve Million Three Hundred and Forty-Five Thousand Six Hundred and Seventy-Eight Yuan "
         "and Ninety Fen"),
        ("-120.30", "RMB Minus One Hundred and Twenty Yuan and Thirty Fen"),
        ("9000000000", "RMB Nine Billion Yuan Only"),
    ],
)  # fmt: skip
def test_words_en(amount, words):
    assert in_words_en(amount) == words


@pytest.mark.parametrize(
    ("given_", "value"),
    [
        ("1,409.5", "1409.50"),
        ("¥1,409.50", "1409.50"),
        ("￥１，４０９．５０元", "1409.50"),
        ("-¥120.30", "-120.30"),
        ("−120.30", "-120.30"),
        ("RMB 15", "15.00"),
        ("0.005", "0.01"),
        ("-0.005", "-0.01"),
        ("2.675", "2.68"),
        ("-0.001", "0.00"),
        (Decimal("1.005"), "1.01"),
        (7, "7.00"),
    ],
)
def test_money(given_, value):
    assert str(money(given_)) == value


@pytest.mark.parametrize(
    "text", ["", "free", "1,40.5", "1e5", "nan", "--1", "10000000000", "9999999999.995", "1.2.3", "¥", "1,2345"]
)
def test_money_refuses_what_is_no_amount(text):
    with pytest.raises(InvalidValue):
        money(text)


@pytest.mark.parametrize("value", [0.1, 1.0, True, None])
def test_money_is_never_a_float(value):
    with pytest.raises(TypeError):
        money(value)


@given(AMOUNTS)
def test_figures_read_back(amount):
    assert money(format_money(amount)) == amount


def test_figures():
    assert format_money(Decimal("1409.5")) == "¥1,409.50"
    assert format_money(Decimal("-120.3")) == "-¥120.30"
    assert format_area(Decimal("89.3")) == "89.30 m²"


@pytest.mark.parametrize(
    ("day", "words"),
    [
        (date(2026, 2, 10), "贰零贰陆年零贰月零壹拾日"),
        (date(2026, 1, 1), "贰零贰陆年零壹月零壹日"),
        (date(2026, 10, 20), "贰零贰陆年零壹拾月零贰拾日"),
        (date(2026, 11, 30), "贰零贰陆年壹拾壹月零叁拾日"),
        (date(2026, 3, 15), "贰零贰陆年叁月壹拾伍日"),
        (date(2026, 12, 31), "贰零贰陆年壹拾贰月叁拾壹日"),
    ],
)
def test_bill_date(day, words):
    assert bill_date_zh(day) == words
