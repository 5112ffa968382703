"""Long lists page by page along their order: from a row to the rows behind it, never by counting what lies between.

A place in a list is the sort values of a row and its id, so the page behind it costs the same however deep it lies, and
rows that others add or take away meanwhile make nothing appear twice. NULL sorts above every value on both databases.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import sqlalchemy as sa

DEEPEST = 10_000
"""Rows that a page asked for by its number may skip; rows up to which a list is counted and its rows are placed."""

Branch = list[sa.ColumnElement[bool]]


@dataclass(frozen=True)
class Key:
    """One column of a list's order."""

    column: Any
    descending: bool
    nullable: bool

    def ordering(self, backwards: bool, dialect: str) -> Any:
        descending = self.descending is not backwards
        ordering = self.column.desc() if descending else self.column.asc()
        if not self.nullable or dialect == "postgresql":
            return ordering
        return ordering.nulls_first() if descending else ordering.nulls_last()

    def is_at(self, value: Any) -> Any:
        return self.column.is_(None) if value is None else self.column == value

    def beyond(self, value: Any, backwards: bool) -> list[Any]:
        """Clauses for what follows ``value`` in this column, in the order in which it follows."""
        if self.descending is not backwards:
            return [self.column.is_not(None)] if value is None else [self.column < value]
        if value is None:
            return []
        return [self.column > value, *([self.column.is_(None)] if self.nullable else [])]


def beyond(keys: Sequence[Key], values: Sequence[Any], backwards: bool = False) -> list[Branch]:
    """WHERE clauses for the rows behind (``backwards``: before) the row with these ``values``.

    Each branch is a range of one index; the rows of a branch stand before those of the next.
    """
    if not any(key.nullable for key in keys) and len({key.descending for key in keys}) == 1:
        row = sa.tuple_(*(key.column for key in keys))
        place = sa.tuple_(*(sa.literal(v, key.column.type) for key, v in zip(keys, values, strict=True)))
        return [[row < place if keys[0].descending is not backwards else row > place]]
    branches = []
    for depth in reversed(range(len(keys))):
        same = [key.is_at(value) for key, value in zip(keys[:depth], values[:depth], strict=True)]
        branches += [[*same, clause] for clause in keys[depth].beyond(values[depth], backwards)]
    return branches


@dataclass(frozen=True)
class Place:
    """Where a page begins: at the ``first`` or ``last`` row, at page ``number``, or ``after``/``before`` a row.

    ``values``: sort values and id of that row; ``position``: its number in the list, as far as known.
    """

    kind: Literal["first", "last", "number", "after", "before"] = "first"
    number: int = 1
    values: tuple[Any, ...] = ()
    position: int | None = None


@dataclass(frozen=True)
class Tally:
    """How many rows there are: ``number`` of them, or more than that when it is not ``exact``.

    ``ahead``: how many stand before the page, when that was counted too.
    """

    number: int
    exact: bool = True
    ahead: int | None = None


@dataclass(frozen=True)
class Stretch:
    """One page of a list. ``first``: number of its first row, if known; ``previous``/``next``: tokens of the pages beside it."""

    records: Sequence[Any]
    total: Tally
    first: int | None
    previous: str = ""
    next: str = ""


def token(values: Sequence[Any], position: int | None) -> str:
    """A place as an argument of an address."""
    text = json.dumps([position, *map(_plain, values)], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value if value is None or isinstance(value, bool | int) else str(getattr(value, "value", value))


def read_token(text: str, columns: Sequence[Any]) -> tuple[tuple[Any, ...], int | None]:
    """Values and position of a :func:`token` for rows sorted by ``columns``.

    Raises:
        ValueError: the text is no token of this order.
    """
    try:
        found = json.loads(base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
    except (binascii.Error, UnicodeError, RecursionError) as error:
        raise ValueError(text) from error
    if not isinstance(found, list) or len(found) != len(columns) + 1:
        raise ValueError(text)
    position, *values = found
    if position is not None and (type(position) is not int or not 0 < position < 2**53):
        raise ValueError(text)
    return tuple(_typed(c.type, value) for c, value in zip(columns, values, strict=True)), position


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found


def _number(text: str) -> Decimal:
    found = Decimal(text)
    if not found.is_finite() or abs(found) >= Decimal(10) ** 15:
        raise ValueError(text)
    return found


READERS: Mapping[type, Callable[[str], Any]] = {
    Decimal: _number, datetime: _moment, date: date.fromisoformat, str: str,
}  # fmt: skip


def _typed(kind: Any, value: Any) -> Any:
    if value is None:
        return None
    wanted: Any = kind.impl.python_type if isinstance(kind, sa.TypeDecorator) else kind.python_type
    if isinstance(kind, sa.Enum):
        return kind.enum_class(value) if kind.enum_class else str(value)
    if wanted in (int, bool):
        most = 2**63 if isinstance(kind, sa.BigInteger) else 2**31
        if type(value) is not wanted or (wanted is int and abs(value) >= most):
            raise ValueError(value)
        return value
    if not isinstance(value, str) or "\0" in value:
        raise ValueError(value)
    try:
        return READERS[wanted](value)
    except (InvalidOperation, KeyError) as error:
        raise ValueError(value) from error
