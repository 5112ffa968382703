"""Masks hide what they must."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.access.masking import MASKS, mask


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("name", "张三", "张**"),
        ("name", "张三丰", "张**"),
        ("name", "Maria Fernanda", "M**"),
        ("phone", "13812345678", "138****5678"),
        ("phone", "01012345678", "010****5678"),
        ("phone", "01012345678-805", "010****5678"),
        ("phone", "+85261234567", "+852****4567"),
        ("phone", "12345", "12345"),
        ("id_number", "11010519491231002X", "110105********002X"),
        ("id_number", "E12345678", "****5678"),
        ("id_number", "91350100M000100Y43", "****0Y43"),
        ("id_tail", "11010519491231002X", "…002X"),
        ("bank_account", "6222 0200 1234 1234", "****1234"),
        ("bank_account", "1234", "****"),
        ("email", "zhang@example.com", "z***@example.com"),
        ("email", "nonsense", "****ense"),
    ],
)
def test_masks(kind, value, shown):
    assert mask(kind, value) == shown


@pytest.mark.parametrize("kind", MASKS)
@pytest.mark.parametrize("value", [None, "", " "])
def test_nothing_to_mask(kind, value):
    assert not mask(kind, value).strip("*…")


@given(st.sampled_from(["name", "id_number", "id_tail", "bank_account"]), st.text("ABCDEFGH12345678", min_size=2))
def test_a_mask_never_shows_the_whole_value(kind, value):
    assert value not in mask(kind, value)


@given(st.from_regex(r"1[3-9][0-9]{9}|0[1-9][0-9]{9}|\+[1-9][0-9]{6,14}", fullmatch=True))
def test_a_phone_hides_at_least_three_digits(number):
    shown = mask("phone", number).replace("*", "")
    assert len(number) - len(shown) >= 3
