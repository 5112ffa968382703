"""Names as people search for them: one spelling, pinyin and initials."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

from app.core.records.identifiers import halfwidth

_MOST_READINGS = 8
_HAN = r"[㐀-鿿豈-﫿\U00020000-\U0003ffff]"
# How these are read as surnames, where the dictionary puts another reading first
_SURNAME_READINGS = {
    surname: tuple(reading.split("-"))
    for surname, reading in (
        pair.split()
        for pair in (
            "万俟 mo-qi, 尉迟 yu-chi, 单于 chan-yu, 澹台 tan-tai, 长孙 zhang-sun, 单 shan, 解 xie, 仇 qiu, 区 ou, "
            "曾 zeng, 查 zha, 朴 piao, 盖 ge, 翟 zhai, 乐 yue, 覃 qin, 召 shao, 黑 he, 繁 po, 员 yun, 卜 bu, 秘 bi, "
            "缪 miao, 洗 xian, 冼 xian, 宓 mi, 折 she, 晟 cheng, 种 chong"
        ).split(", ")
    )
}


def name_key(text: str) -> str:
    """The name in the one spelling we compare by: no spaces inside a Chinese name (``田　贵福`` is ``田贵福``), one
    kind of dot, Latin letters in lower case with their accents, composed (NFC)."""
    name = unicodedata.normalize("NFC", halfwidth(text))
    name = re.sub(r"\s*[·•‧・]\s*", "·", re.sub(r"\s+", " ", name).strip())
    return re.sub(rf"(?<={_HAN}) (?={_HAN})", "", name).casefold()


def pinyin_keys(name: str) -> tuple[str, str]:
    """Search keys of a name, ``(full, initials)``: 张三 gives ``("zhangsan", "zs")``.

    Other readings follow after a space (曾强: ``zengqiang cengqiang zengjiang``), eight in all at most, the usual
    one first. A Latin name gives its words without accents, and their initials.
    """
    key = name_key(name)
    if not re.search(_HAN, key):
        words = re.findall(r"[^\W_]+", re.sub("['’]", "", _unaccented(key)))
        return " ".join(words), "".join(word[0] for word in words)
    readings = list(islice(_readings(re.sub(r"[\s·]", "", key)), _MOST_READINGS))
    return (
        " ".join(dict.fromkeys("".join(syllables) for syllables in readings)),
        " ".join(dict.fromkeys("".join(syllable[0] for syllable in syllables) for syllables in readings)),
    )


def _readings(name: str) -> Iterator[list[str]]:
    """The usual reading of the name in syllables, then those that differ from it in one character."""
    from pypinyin import Style, lazy_pinyin, pinyin  # its dictionaries cost half a second; loaded with the first name

    usual = lazy_pinyin(name)
    surname = next((name[:size] for size in (2, 1) if name[:size] in _SURNAME_READINGS), "")
    usual[: len(surname)] = _SURNAME_READINGS.get(surname, ())
    yield usual
    for place, choices in enumerate(pinyin(name, style=Style.NORMAL, heteronym=True)):
        for other in dict.fromkeys(spelling for choice in (usual[place], *choices) for spelling in _spellings(choice)):
            if other != usual[place]:
                yield [*usual[:place], other, *usual[place + 1 :]]


def _spellings(syllable: str) -> tuple[str, ...]:
    """吕 is typed ``lv``, printed ``lyu`` in passports and searched as ``lu``."""
    if syllable.startswith(("lv", "nv")):
        return syllable, syllable.replace("v", "yu", 1), syllable.replace("v", "u", 1)
    return (syllable,)


def _unaccented(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char))
