"""What a list shows: filters, order and page, read from the address of one request into values that never change.

Arguments are named after the columns: ``code=1502`` (contains), ``state=open&state=done`` (any of),
``moved_in.from=2026-01-01&moved_in.to=2026-06-30`` (range, both ends included), ``active=yes``, ``unit_id=7``;
``q`` searches all text columns; ``sort=-code`` orders downwards; ``page`` and ``size`` turn pages; ``columns``
chooses what is shown.
Whatever cannot be read is left out and reported in :attr:`ListQuery.problems`; it never becomes an error page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core.records.identifiers import InvalidValue, halfwidth
from app.fab.interface import Attribute, Kind

SIZES = (25, 50, 100)
RESERVED = frozenset({"q", "sort", "page", "size", "columns"})
RANGED = {Kind.INTEGER, Kind.DECIMAL, Kind.DAY, Kind.MOMENT}
LARGEST = 2**31 - 1


@dataclass(frozen=True)
class Criterion:
    """One active filter. ``values``: the texts, choices or numbers wanted; of a range ``(from, to)``, either may be None."""

    attribute: Attribute
    values: tuple[Any, ...]
    zone: ZoneInfo

    def clause(self) -> sa.ColumnElement[bool]:
        clause = self._compare()
        for link in reversed(self.attribute.links):
            clause = link.has(clause)
        return clause

    def _compare(self) -> sa.ColumnElement[bool]:
        column, kind = self.attribute.sql, self.attribute.kind
        if kind in RANGED:
            return sa.and_(*self._range(column))
        if kind is Kind.SECRET:
            return _secret(self.attribute, self.values[0])
        if kind in {Kind.CHOICE, Kind.REFERENCE}:
            return column.in_(self.values)
        if kind is Kind.YES_NO:
            return column.is_(self.values[0])
        return sa.and_(*(column.icontains(word, autoescape=True) for word in self.values))

    def _range(self, column: Any) -> list[sa.ColumnElement[bool]]:
        start, end = self.values
        if self.attribute.kind is Kind.MOMENT:
            bounds = [column >= _midnight(start, self.zone)] if start else []
            return bounds + ([column < _midnight(end + timedelta(days=1), self.zone)] if end else [])
        bounds = [column >= start] if start is not None else []
        return bounds + ([column <= end] if end is not None else [])


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _secret(attribute: Attribute, text: str) -> sa.ColumnElement[bool]:
    owner: Any = attribute.owner
    if len(text) == 4 and hasattr(owner, f"{attribute.key}_tail"):
        found: sa.ColumnElement[bool] = owner.secret_ends(attribute.key, text)
        return found
    whole: sa.ColumnElement[bool] = owner.secret_is(attribute.key, text)
    return whole


@dataclass(frozen=True)
class ListQuery:
    """The parsed arguments of one list request."""

    criteria: tuple[Criterion, ...] = ()
    text: str = ""
    order: tuple[tuple[Attribute, bool], ...] = ()
    page: int = 1
    size: int = SIZES[0]
    problems: tuple[str, ...] = ()
    sorted_by: str = field(default="", compare=False)
    """The ``sort`` argument in force, empty for the list's own order."""

    def values(self, name: str) -> tuple[Any, ...]:
        """Values of the active filter on a column."""
        return next((c.values for c in self.criteria if c.attribute.name == name), ())

    @property
    def active(self) -> bool:
        return bool(self.criteria or self.text)

    def clauses(self, searched: Sequence[Attribute]) -> list[sa.ColumnElement[bool]]:
        """WHERE clauses; every word of the free text must occur in one of the ``searched`` text columns."""
        found = [criterion.clause() for criterion in self.criteria]
        if searched:
            zone = ZoneInfo("UTC")  # texts have no zone
            found += [sa.or_(*(Criterion(a, (word,), zone).clause() for a in searched)) for word in self.text.split()]
        return found


def read_query(
    args: MultiDict[str, str], filters: Sequence[Attribute], sortable: Mapping[str, Attribute],
    base_order: Sequence[tuple[Attribute, bool]], zone: ZoneInfo,
) -> ListQuery:  # fmt: skip
    """Read the arguments of a list request; see the module for their form."""
    problems: list[str] = []
    criteria = []
    for attribute in filters:
        values = _values(attribute, args, problems)
        if values:
            criteria.append(Criterion(attribute, values, zone))
    text = _clean(args.get("q", ""))[:100]
    if text and not any(a.kind in {Kind.TEXT, Kind.LONG_TEXT} for a in filters):
        problems.append(_("This list cannot be searched by text."))
        text = ""
    query = ListQuery(tuple(criteria), text, tuple(base_order))
    sort = args.get("sort", "")
    if sort:
        if sort.lstrip("-") in sortable and not sort.startswith("--"):
            order = ((sortable[sort.lstrip("-")], sort.startswith("-")),)
            query = replace(query, order=order, sorted_by=sort)
        else:
            problems.append(_("The list cannot be sorted by “%(column)s”.", column=sort[:40]))
    page, size = args.get("page", "1"), args.get("size", str(SIZES[0]))
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:9]) and len(page) < 10):
        problems.append(_("There is no page “%(page)s”.", page=page[:20]))
        page = "1"
    if size not in {str(s) for s in SIZES}:
        problems.append(_("A page shows 25, 50 or 100 lines."))
        size = str(SIZES[0])
    return replace(query, page=int(page), size=int(size), problems=tuple(problems))


def _values(attribute: Attribute, args: MultiDict[str, str], problems: list[str]) -> tuple[Any, ...]:
    name, kind = attribute.name, attribute.kind
    if kind in RANGED:
        bounds = tuple(_one(attribute, args.get(f"{name}.{end}", ""), problems) for end in ("from", "to"))
        return () if bounds == (None, None) else bounds
    given = [_clean(text)[:200] for text in args.getlist(name) if _clean(text)]
    if kind is Kind.TEXT or kind is Kind.LONG_TEXT:
        return tuple(given[0].split()) if given else ()
    found = [value for value in (_one(attribute, text, problems) for text in given[:100]) if value is not None]
    return tuple(found)


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()


def _one(attribute: Attribute, text: str, problems: list[str]) -> Any:
    text = _clean(text)
    if not text:
        return None
    try:
        return READERS[attribute.kind](attribute, text)
    except (ValueError, KeyError, ArithmeticError) as error:
        reason = str(error) if isinstance(error, InvalidValue) else ""
        problems.append(
            _("The filter “%(label)s” cannot be “%(text)s”.", label=str(attribute.label), text=text[:40])
            + (f" {reason}" if reason else "")
        )
        return None


def _whole(attribute: Attribute, text: str) -> int:
    number = int(halfwidth(text))
    if abs(number) > LARGEST:
        raise ValueError(text)
    return number


def _decimal(attribute: Attribute, text: str) -> Decimal:
    number = Decimal(halfwidth(text).replace(",", ""))
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise InvalidOperation(text)
    return number


def _day(attribute: Attribute, text: str) -> date:
    found = date.fromisoformat(text)
    if not 1900 <= found.year < 3000:
        raise ValueError(text)
    return found


def _choice(attribute: Attribute, text: str) -> Any:
    return {option.token: option.value for option in attribute.options()}[text]


def _secret_text(attribute: Attribute, text: str) -> str:
    _secret(attribute, text)  # an impossible number is told now, not when the list is read
    return text


READERS: Mapping[Kind, Callable[[Attribute, str], Any]] = {
    Kind.INTEGER: _whole,
    Kind.REFERENCE: _whole,
    Kind.DECIMAL: _decimal,
    Kind.DAY: _day,
    Kind.MOMENT: _day,
    Kind.YES_NO: lambda attribute, text: {"yes": True, "no": False}[text],
    Kind.CHOICE: _choice,
    Kind.SECRET: _secret_text,
}
