"""What a list shows: filters, order and page, read from the address of one request into values that never change.

Arguments are named after the columns: ``code=1502`` (contains), ``state=open&state=done`` (any of),
``moved_in.from=2026-01-01&moved_in.to=2026-06-30`` (range, both ends included), ``active=yes``, ``unit_id=7``;
``weight.is=empty`` or ``filled`` asks for what is (not) filled in, ``moved_in.is=this_week`` for a span of days that
moves with the calendar (:class:`Span`); ``q`` searches all text columns; ``sort=-code`` orders downwards; ``size``,
``after``, ``before`` and ``page`` (a number or ``last``) turn pages; ``columns`` chooses what is shown; ``view=all``
asks for the list without the view it opens with.
Whatever cannot be read is left out and reported in :attr:`ListQuery.problems`; it never becomes an error page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.core.records.base import now
from app.core.records.identifiers import InvalidValue, halfwidth
from app.fab.interface import Attribute, Kind, RecordInterface
from app.fab.paging import DEEPEST, Place, read_token

SIZES = (25, 50, 100)
TURNING = frozenset({"page", "after", "before"})
RESERVED = frozenset({"q", "sort", "size", "columns", "view"}) | TURNING
DAYS = {Kind.DAY, Kind.MOMENT}
RANGED = {Kind.INTEGER, Kind.DECIMAL, Kind.DAY, Kind.MOMENT}
LARGEST = 2**31 - 1


class Span(StrEnum):
    """What ``<column>.is=`` may ask for beside values."""

    title: Any

    def __new__(cls, value: str, title: Any = "") -> Span:
        member = str.__new__(cls, value)
        member._value_ = value
        member.title = title
        return member

    EMPTY = "empty", _l("empty")
    FILLED = "filled", _l("not empty")
    OVERDUE = "overdue", _l("overdue")
    TODAY = "today", _l("today")
    YESTERDAY = "yesterday", _l("yesterday")
    THIS_WEEK = "this_week", _l("this week")
    NEXT_WEEK = "next_week", _l("next week")
    THIS_MONTH = "this_month", _l("this month")
    LAST_MONTH = "last_month", _l("last month")
    THIS_YEAR = "this_year", _l("this year")

    def days(self, today: date) -> tuple[date | None, date | None]:
        """First and last day, seen from ``today``; weeks begin on Monday. Overdue is what was due before today."""
        monday, first = today - timedelta(days=today.weekday()), today.replace(day=1)
        spans: dict[Span, tuple[date | None, date | None]] = {
            Span.OVERDUE: (None, today - timedelta(days=1)),
            Span.TODAY: (today, today),
            Span.YESTERDAY: (today - timedelta(days=1), today - timedelta(days=1)),
            Span.THIS_WEEK: (monday, monday + timedelta(days=6)),
            Span.NEXT_WEEK: (monday + timedelta(days=7), monday + timedelta(days=13)),
            Span.THIS_MONTH: (first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)),
            Span.LAST_MONTH: ((first - timedelta(days=1)).replace(day=1), first - timedelta(days=1)),
            Span.THIS_YEAR: (today.replace(month=1, day=1), today.replace(month=12, day=31)),
        }
        return spans[self]


def spans_of(attribute: Attribute) -> list[Span]:
    """What ``.is`` may ask of a column: emptiness where it may be empty, spans of days, overdue where it is a deadline."""
    default = attribute.column.default if attribute.column is not None else None
    blank = attribute.kind is Kind.TEXT and default is not None and getattr(default, "arg", None) == ""
    found = [Span.EMPTY, Span.FILLED] if (attribute.nullable or blank) and attribute.kind is not Kind.LONG_TEXT else []
    if attribute.kind in DAYS:
        found += [span for span in Span if span not in (Span.EMPTY, Span.FILLED, Span.OVERDUE)]
        found += [Span.OVERDUE] if "deadline" in attribute.info else []
    return found


@dataclass(frozen=True)
class Criterion:
    """One active filter. ``values``: the texts, choices or numbers wanted; of a range ``(from, to)``, either may be None.

    ``span`` asks for emptiness or for days seen from today; without it the values count.
    """

    attribute: Attribute
    values: tuple[Any, ...]
    zone: ZoneInfo
    span: Span | None = None

    def clause(self) -> sa.ColumnElement[bool]:
        if self.span in (Span.EMPTY, Span.FILLED):
            return self.attribute.emptiness(self.span is Span.EMPTY)
        return self.attribute.where(self._compare())

    def _compare(self) -> sa.ColumnElement[bool]:
        column, kind = self.attribute.sql, self.attribute.kind
        if self.span is not None:
            clauses = self._range(column, *self.span.days(now().astimezone(self.zone).date()))
            owed = self.attribute.info.get("deadline")
            return sa.and_(*clauses, *([owed()] if self.span is Span.OVERDUE and callable(owed) else []))
        if kind in RANGED:
            return sa.and_(*self._range(column, *self.values))
        if kind is Kind.SECRET:
            return _secret(self.attribute, self.values[0])
        if kind in {Kind.CHOICE, Kind.REFERENCE}:
            return column.in_(self.values)
        if kind is Kind.YES_NO:
            return column.is_(self.values[0])
        return sa.and_(*(column.icontains(word, autoescape=True) for word in self.values))

    def _range(self, column: Any, start: Any, end: Any) -> list[sa.ColumnElement[bool]]:
        if self.attribute.kind is Kind.MOMENT:
            bounds = [column >= _midnight(start, self.zone)] if start else []
            return bounds + ([column < _midnight(end + timedelta(days=1), self.zone)] if end else [])
        bounds = [column >= start] if start is not None else []
        return bounds + ([column <= end] if end is not None else [])

    @property
    def arguments(self) -> tuple[str, ...]:
        """Names of the arguments that make this filter."""
        name = self.attribute.name
        return (name, f"{name}.from", f"{name}.to", f"{name}.is")


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
    place: Place = field(default_factory=Place)
    size: int = SIZES[0]
    refused: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Sentences about what could not be read, by filter column or argument."""
    sorted_by: str = field(default="", compare=False)
    """The ``sort`` argument in force, empty for the list's own order."""

    def values(self, name: str) -> tuple[Any, ...]:
        """Values of the active filter on a column."""
        return next((c.values for c in self.criteria if c.attribute.name == name), ())

    def span(self, name: str) -> Span | None:
        """What the active filter on a column asks for beside values."""
        return next((c.span for c in self.criteria if c.attribute.name == name), None)

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(self.refused.values())

    @property
    def page(self) -> int:
        return self.place.number

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
    base_order: Sequence[tuple[Attribute, bool]], zone: ZoneInfo, model: RecordInterface,
) -> ListQuery:  # fmt: skip
    """Read the arguments of a list request; see the module for their form."""
    refused: dict[str, str] = {}
    criteria = []
    asked = {part for name in args for part in (name, name.rpartition(".")[0])}
    for attribute in filters:
        if attribute.name not in asked:
            continue
        span, values = _span(attribute, args, refused), _values(attribute, args, refused)
        if span or values:
            criteria.append(Criterion(attribute, () if span else values, zone, span))
    text = _clean(args.get("q", ""))[:100]
    if text and not any(a.kind in {Kind.TEXT, Kind.LONG_TEXT} for a in filters):
        refused["q"] = _("This list cannot be searched by text.")
        text = ""
    order, sort = tuple(base_order), args.get("sort", "")
    if sort and sort.lstrip("-") in sortable and not sort.startswith("--"):
        order = ((sortable[sort.lstrip("-")], sort.startswith("-")),)
    elif sort:
        refused["sort"] = _("The list cannot be sorted by “%(column)s”.", column=sort[:40])
        sort = ""
    size = args.get("size", str(SIZES[0]))
    if size not in {str(s) for s in SIZES}:
        refused["size"] = _("A page shows 25, 50 or 100 lines.")
        size = str(SIZES[0])
    place = _place(args, [key.column for key in model.keys(order)], refused)
    return ListQuery(tuple(criteria), text, order, place, int(size), refused, sort)


def _place(args: MultiDict[str, str], columns: Sequence[Any], refused: dict[str, str]) -> Place:
    for kind in ("after", "before"):
        text = args.get(kind, "")
        try:
            if text:
                values, position = read_token(text[:2000], columns)
                return Place("after" if kind == "after" else "before", 1, values, position)
        except ValueError:
            refused["page"] = _("This place in the list cannot be found again; here is its beginning.")
    page = args.get("page", "1")
    if page == "last":
        return Place("last")
    if not (page.isascii() and page.isdigit() and 1 <= int(page[:9]) and len(page) < 10):
        refused["page"] = _("There is no page “%(page)s”.", page=page[:20])
        return Place()
    number, size = int(page), args.get("size", "")
    if (number - 1) * (int(size) if size in {str(s) for s in SIZES} else SIZES[0]) > DEEPEST:
        refused["page"] = _(
            "Page %(page)s lies too deep to be opened by its number; narrow the list down.", page=number
        )
        return Place()
    return Place("number", number) if number > 1 else Place()


def _span(attribute: Attribute, args: MultiDict[str, str], refused: dict[str, str]) -> Span | None:
    text = _clean(args.get(f"{attribute.name}.is", ""))
    if not text:
        return None
    if text in {span.value for span in spans_of(attribute)}:
        return Span(text)
    refused[attribute.name] = _cannot(attribute, text)
    return None


def _cannot(attribute: Attribute, text: str, reason: str = "") -> str:
    sentence = _("The filter “%(label)s” cannot be “%(text)s”.", label=str(attribute.label), text=text[:40])
    return f"{sentence} {reason}".strip()


def _values(attribute: Attribute, args: MultiDict[str, str], refused: dict[str, str]) -> tuple[Any, ...]:
    name, kind = attribute.name, attribute.kind
    if kind in RANGED:
        bounds = tuple(_one(attribute, args.get(f"{name}.{end}", ""), refused) for end in ("from", "to"))
        if None not in bounds and bounds[0] > bounds[1]:
            refused[name] = _("“%(label)s” ends before it begins.", label=str(attribute.label))
            return ()
        return () if bounds == (None, None) else bounds
    given = [_clean(text)[:200] for text in args.getlist(name) if _clean(text)]
    if kind is Kind.TEXT or kind is Kind.LONG_TEXT:
        return tuple(given[0].split()) if given else ()
    found = [value for value in (_one(attribute, text, refused) for text in given[:100]) if value is not None]
    return tuple(found)


def _clean(text: str) -> str:
    return text.replace("\0", "").strip()


def _one(attribute: Attribute, text: str, refused: dict[str, str]) -> Any:
    text = _clean(text)
    if not text:
        return None
    try:
        return READERS[attribute.kind](attribute, text)
    except (ValueError, KeyError, ArithmeticError) as error:
        refused[attribute.name] = _cannot(attribute, text, str(error) if isinstance(error, InvalidValue) else "")
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
