"""Unit codes: where a unit is, in one spelling, and how people write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations

from flask_babel import lazy_gettext as _l

from app.core.records.identifiers import InvalidValue, halfwidth

_PARTS = ("phase", "building", "entrance", "number")
_LABELS: dict[str, tuple[str, ...]] = {
    "期": ("phase",),
    "号楼": ("building",),
    "栋": ("building",),
    "幢": ("building",),
    "座": ("building",),
    "楼": ("building",),
    "#楼": ("building",),
    "#": ("building",),
    "单元": ("entrance",),
    "门": ("entrance",),
    "梯": ("entrance",),
    "室": ("number",),
    "房": ("number",),
    "号房": ("number",),
    "户": ("number",),
    "号": ("building", "number"),  # 2号1502室 is building 2, 2栋1502号 is unit 1502
}
_ENGLISH = (
    (r"(?:PHASE)\s*", "期"),
    (r"(?:BUILDING|BLDG\.?|BLOCK|TOWER)\s*", "栋"),
    (r"(?:ENTRANCE)\s*", "单元"),
    (r"(?:UNIT|ROOM|FLAT|RM\.?)\s*", "室"),
)
_NUMERALS = "零一二三四五六七八九"
_LABEL = "|".join(sorted(map(re.escape, _LABELS), key=len, reverse=True))
_TOKEN = re.compile(rf"([0-9A-Z]+)({_LABEL})?-?")


@dataclass(frozen=True, slots=True)
class UnitCode:
    """One unit: building and number, and the phase and entrance (单元) where the estate has them."""

    phase: str | None
    building: str
    entrance: str | None
    number: str

    @property
    def canonical(self) -> str:
        """``1-3-1502`` (building-entrance-number), with a phase ``1-03-2-1502``."""
        return "-".join(part for part in (self.phase, self.building, self.entrance, self.number) if part)


def parse(text: str) -> tuple[UnitCode, ...]:
    """The units ``text`` can mean, likeliest first.

    ``1-3-2-1502``, ``1栋3单元1502室``, ``1号楼3单元1502房``, ``1#3-1502``, ``1/3/1502`` and ``Building 1 Room 1502``
    are all understood. Three bare parts are read as building-entrance-number before phase-building-number. Leading
    zeros of phase, building and entrance are kept first and then varied (``1-3-1502`` also as ``01-03-1502``), so a
    lookup by all candidates finds the unit however its estate writes it. Raises :class:`InvalidValue` when there is
    no building or no number.
    """
    tokens = _tokens(text)
    readings = []
    for slots in combinations(_PARTS, len(tokens)):
        fits = all(label is None or slot in _LABELS[label] for slot, (_, label) in zip(slots, tokens, strict=True))
        if fits and "building" in slots and slots[-1] == "number":
            parts = dict(zip(slots, (value for value, _ in tokens), strict=True))
            readings.append(UnitCode(parts.get("phase"), parts["building"], parts.get("entrance"), parts["number"]))
    if not readings:
        raise InvalidValue(_l("Write the unit as building-entrance-number, such as 1-3-1502."))
    readings.sort(key=lambda code: code.phase is not None)
    return tuple(dict.fromkeys(variant for code in readings for variant in _zero_variants(code)))


def _tokens(text: str) -> list[tuple[str, str | None]]:
    """``1栋3-1502`` → ``[("1", "栋"), ("3", None), ("1502", None)]``; empty when something else is in between."""
    code = halfwidth(text).strip().upper()
    for word, label in _ENGLISH:
        code = re.sub(word + r"([0-9A-Z]+)\b,?", rf"\1{label}", code)
    code = re.sub("[零一二三四五六七八九十]+", lambda found: _numeral(found[0]), code)
    code = re.sub(rf"\s*({_LABEL})\s*", r"\1", code)
    code = re.sub(r"[\s/\\,._~‐-―−-]+", "-", code)
    if _TOKEN.sub("", code) or code.endswith("-"):
        return []
    return [(value, label or None) for value, label in _TOKEN.findall(code)]


def _numeral(text: str) -> str:
    """``十二`` → ``12``, ``二十`` → ``20``, ``一五零二`` → ``1502``."""
    tens, ten, ones = text.rpartition("十")
    if not ten:
        return "".join(str(_NUMERALS.index(char)) for char in text)
    return (_numeral(tens) if tens else "1") + (_numeral(ones) if ones else "0")


def _zero_variants(code: UnitCode) -> list[UnitCode]:
    def written(width: dict[str, int]) -> UnitCode:
        def part(name: str) -> str | None:
            value = getattr(code, name)
            if not (value and value.isdecimal()):
                return value
            return str(int(value)).zfill(width.get(name, 1))

        return UnitCode(part("phase"), part("building") or "", part("entrance"), code.number)

    return [code, written({}), written({"building": 2}), written({"building": 2, "entrance": 2})]


def sort_key(code: str) -> str:
    """What sorts codes as people count: 1-1-101 before 1-1-1001, building 2 before building 10."""
    return re.sub(r"\d+", lambda number: number[0].zfill(6), code)
