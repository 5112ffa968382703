"""Names: one spelling, and search by pinyin."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.records.names import name_key, pinyin_keys


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("田　贵福", "田贵福"),
        (" 张 三 丰 ", "张三丰"),
        ("阿卜杜拉•买买提", "阿卜杜拉·买买提"),
        ("Maria  Fernanda", "maria fernanda"),
        ("ＭＡＲＩＡ", "maria"),
        (unicodedata.normalize("NFD", "Gonçalves"), "gonçalves"),
        ("张三 John", "张三 john"),
    ],
)
def test_name_key(typed, key):
    assert name_key(typed) == key


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(text):
    assert name_key(name_key(text)) == name_key(text)


@pytest.mark.parametrize(
    ("name", "full", "initials"),
    [
        ("张三", "zhangsan", "zs"),
        ("田　贵福", "tianguifu", "tgf"),
        ("欧阳修", "ouyangxiu", "oyx"),
        ("Maria Fernanda Gonçalves de Oliveira", "maria fernanda goncalves de oliveira", "mfgdo"),
        ("Seán O'Neil-Smith", "sean oneil smith", "sos"),
        ("", "", ""),
    ],
)
def test_pinyin_keys(name, full, initials):
    assert pinyin_keys(name) == (full, initials)


@pytest.mark.parametrize(
    ("name", "first", "other"),
    [
        ("单雄信", "shanxiongxin", "danxiongxin"),
        ("曾国藩", "zengguofan", "cengguofan"),
        ("万俟咏", "moqiyong", None),
        ("吕布", "lvbu", "lyubu"),
        ("乐嘉", "yuejia", "lejia"),
    ],
)
def test_surnames_and_other_readings(name, first, other):
    readings = pinyin_keys(name)[0].split(" ")
    assert readings[0] == first
    assert other is None or other in readings


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=10))
def test_the_number_of_readings_is_bounded(name):
    full, initials = pinyin_keys(name)
    assert 1 <= len(full.split(" ")) <= 8
    assert 1 <= len(initials.split(" ")) <= 8
