"""Values of columns as plain JSON, and back: typed, within the bounds of their column, or refused with a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from enum import Enum
from typing import Any

import sqlalchemy as sa
from flask_babel import lazy_gettext as _l

from app.core.records.identifiers import InvalidValue

LARGEST = 2**31 - 1
_NUMBER = re.compile(r"-?[0-9]{1,18}(\.[0-9]{1,6})?")


def encode(value: Any) -> Any:
    """A column's value in plain JSON: numbers with decimals, days and times as text."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value.quantize(Decimal('0.01')) if value == round(value, 2) else value.normalize():f}"
    if isinstance(value, time):
        return f"{value:%H:%M:%S}" if value.second else f"{value:%H:%M}"
    return value.isoformat() if isinstance(value, date) else value


def decode(column: sa.Column[Any], value: Any) -> Any:
    """The value of ``column`` that :func:`encode` wrote.

    Raises:
        InvalidValue: it is of another type, too long, out of bounds, or none of the column's choices.
    """
    if value is None:
        if not column.nullable:
            raise InvalidValue(_l("must be filled in"))
        return None
    kind: Any = column.type
    found = _typed(kind, value)
    given = column.info.get("choices")
    if given is not None and found not in _offered(given) and not (found == "" and column.default is not None):
        raise InvalidValue(_l("“%(value)s” is none of the values offered", value=str(value)[:60]))
    return found


def _offered(given: Any) -> list[Any]:
    if callable(given) and not isinstance(given, type):
        given = given()
    if isinstance(given, Mapping) or isinstance(given, type):
        members: Any = given  # a mapping, or an enum
        return list(members)
    return [value for value, _title in given]


def _typed(kind: Any, value: Any) -> Any:
    if isinstance(kind, sa.Enum) and kind.enum_class is not None:
        if isinstance(value, str) and value in kind.enums:
            return kind.enum_class(value)
        raise InvalidValue(_l("“%(value)s” is none of the values offered", value=str(value)[:60]))
    if isinstance(kind, sa.JSON):
        if isinstance(value, dict | list):
            return value
        raise InvalidValue(_l("has to be a list or a group of values"))
    if isinstance(kind, sa.Boolean):
        if isinstance(value, bool):
            return value
        raise InvalidValue(_l("has to be true or false"))
    if isinstance(kind, sa.Integer):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST:
            return value
        raise InvalidValue(_l("has to be a whole number"))
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidValue(_l("has to be a text"))
    if isinstance(kind, sa.Numeric):
        return _number(kind, str(value))
    if not isinstance(value, str):
        raise InvalidValue(_l("has to be a text"))
    if isinstance(kind, sa.Date | sa.Time):
        return _moment(kind, value)
    length = getattr(kind, "length", None) or 20_000
    if len(value) > length:
        raise InvalidValue(_l("is longer than %(count)s characters", count=length))
    return value


def _number(kind: Any, text: str) -> Decimal:
    places = kind.scale or 0
    if not _NUMBER.fullmatch(text) or Decimal(text) != round(Decimal(text), places):
        raise InvalidValue(_l("has to be a number with at most %(count)s decimals", count=places))
    if abs(Decimal(text)) >= Decimal(10) ** ((kind.precision or 12) - places):
        raise InvalidValue(_l("is too large"))
    return Decimal(text)


def _moment(kind: Any, text: str) -> date | time:
    try:
        if isinstance(kind, sa.Time):
            return time.fromisoformat(text).replace(microsecond=0, tzinfo=None)
        day = date.fromisoformat(text)
    except ValueError:
        raise InvalidValue(_l("has to be a day as 2026-11-21 or a time as 08:30")) from None
    if not 1900 <= day.year < 3000:
        raise InvalidValue(_l("has to be a day as 2026-11-21 or a time as 08:30"))
    return day


def differences(old: Any, new: Any, label: str = "") -> Iterable[tuple[str, Any, Any]]:
    """What differs between two plain values, down to the single value: (where, old, new); nothing stands for no value."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in {**old, **new}:
            yield from differences(old.get(name), new.get(name), f"{label} · {name}" if label else str(name))
    elif isinstance(old, list) and isinstance(new, list) and any(isinstance(v, dict | list) for v in (*old, *new)):
        for place in range(max(len(old), len(new))):
            before, after = (found[place] if place < len(found) else None for found in (old, new))
            yield from differences(before, after, f"{label} {place + 1}")
    elif old != new:
        yield label, old, new
