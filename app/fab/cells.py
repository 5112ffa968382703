"""How values appear: in list cells, on record pages and in exported files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.core.records.amounts import format_area, format_money
from app.core.records.choices import in_language
from app.fab.fields import estate_zone, masked, title_of
from app.fab.interface import Attribute, Kind


def day(value: date | datetime | None, compact: bool = False) -> str:
    """``2026-11-21`` in English, ``2026年11月21日`` in Chinese; of a moment the day in the estate's zone.

    ``compact`` gives the short form in both languages: lists are read down the column.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        value = value.astimezone(estate_zone()).date()
    return _day(value, _in_words(compact))


def _in_words(compact: bool) -> bool:
    locale = get_locale()
    return locale is not None and locale.language == "zh" and not compact


def _day(value: date, in_words: bool) -> str:
    return f"{value.year}年{value.month}月{value.day}日" if in_words else value.isoformat()


def moment(value: datetime | None, compact: bool = False) -> str:
    """``2026-11-21 14:30`` (``2026年11月21日 14:30``) in the estate's zone."""
    return "" if value is None else _moment(value, estate_zone(), _in_words(compact))


def _moment(value: datetime, zone: ZoneInfo, in_words: bool) -> str:
    there = value.astimezone(zone)
    return f"{_day(there, in_words)} {there:%H:%M}" if in_words else f"{there:%Y-%m-%d %H:%M}"


def limit(value: datetime | None, compact: bool = False) -> str:
    """A deadline in the estate's zone: as :func:`moment`, but midnight ends a day (``2026-11-20 24:00``)."""
    if value is None or value.astimezone(estate_zone()).time() != time(0):
        return moment(value, compact)
    return f"{day(value - timedelta(minutes=1), compact)} 24:00"


def number(value: Decimal | int, places: int | None = None) -> str:
    """A number with thousands separators, written alike in both languages; a ``Decimal`` keeps its decimals."""
    if places is None:
        places = max(0, -int(value.as_tuple().exponent)) if isinstance(value, Decimal) else 0
    return (
        f"{value:,.{places}f}" if isinstance(value, Decimal) else f"{value:,}" + ("." + "0" * places if places else "")
    )


def badge(title: Any, colour: str) -> Markup:
    """A state as a coloured badge that says its name."""
    return Markup('<span class="badge bg-{0}-lt text-{0}-lt-fg">{1}</span>').format(colour or "secondary", title)


WRITTEN_ALREADY = {Kind.DAY, Kind.MOMENT, Kind.TIME}
NOTHING = Markup('<span class="text-secondary">–</span>')


def text_of(attribute: Attribute, value: Any, compact: bool = False) -> str:
    """A value as plain text in the reader's language; empty for nothing. ``compact`` as for :func:`day`."""
    return "" if value is None else text_writer(attribute, compact)(value)


def text_writer(attribute: Attribute, compact: bool = False) -> Callable[[Any], str]:
    """What writes the values of a column in the present request; language, zone and options are looked up once."""
    write = _writer(attribute, compact)
    if attribute.kind in WRITTEN_ALREADY:  # an own cell that says it in its own way
        return lambda value: value if isinstance(value, str) else write(value)
    return write


def _writer(attribute: Attribute, compact: bool) -> Callable[[Any], str]:
    match attribute.kind:
        case Kind.SECRET:
            return partial(masked, kind=attribute.info.get("mask", ""))
        case Kind.CHOICE:
            return lambda value: str(attribute.option(value).title) if value != "" else ""
        case Kind.YES_NO:
            yes, no = _("Yes"), _("No")
            return lambda value: yes if value else no
        case Kind.REFERENCE:
            return title_of
        case Kind.MOMENT if attribute.info.get("format") == "limit":
            return partial(limit, compact=compact)
        case Kind.MOMENT:
            return partial(_moment, zone=estate_zone(), in_words=_in_words(compact))
        case Kind.DAY:
            zone, in_words = estate_zone(), _in_words(compact)
            return lambda value: _day(value.astimezone(zone).date() if isinstance(value, datetime) else value, in_words)
        case Kind.TIME:
            return lambda value: str(value)[:5]
        case Kind.FILE:
            return lambda value: str(value.name)
        case Kind.ROWS:
            return lambda value: "; ".join(" · ".join(filter(None, row.values())) for row in value)
    if "each" in attribute.info:  # a list of codes
        option = attribute.info["each"]
        return lambda codes: (
            codes if isinstance(codes, str) else in_language("、", ", ").join(str(option(code).title) for code in codes)
        )
    if attribute.info.get("format") in FORMATS:
        form = FORMATS[attribute.info["format"]]
        return lambda value: form(value) if isinstance(value, Decimal) else _plainly(value, compact, True)
    counts = attribute.name != "id"
    return lambda value: value if type(value) is str else _plainly(value, compact, counts)


FORMATS: Mapping[str, Callable[[Decimal], str]] = {"money": format_money, "area": format_area}


def _plainly(value: Any, compact: bool, counts: bool) -> str:
    """A value of no particular kind; a whole number that ``counts`` nothing is a name, such as an id."""
    if isinstance(value, Decimal) or (counts and isinstance(value, int) and not isinstance(value, bool)):
        return number(value)
    if isinstance(value, datetime):
        return moment(value, compact)
    return day(value, compact) if isinstance(value, date) else str(value)


def cell_of(attribute: Attribute, value: Any, address: str | None = None, compact: bool = False) -> Markup:
    """A value as HTML: choices with a colour as badges, references and files as links to ``address``, the rest as text."""
    return cell_writer(attribute, compact)(value, address)


def cell_writer(attribute: Attribute, compact: bool = False) -> Callable[[Any, str | None], Markup]:
    """:func:`cell_of` for the many values of a column, as :func:`text_writer`."""
    write, kind = text_writer(attribute, compact), attribute.kind
    choices: dict[Any, Markup] = {}

    def coloured(value: Any) -> Markup | None:
        choice = attribute.option(value)
        return badge(choice.title, choice.colour) if choice.colour else None

    def cell(value: Any, address: str | None) -> Markup:
        if value is None or value == "":
            return NOTHING
        if hasattr(value, "__html__"):
            return Markup(value.__html__())  # noqa: S704  (its own markup)
        if kind is Kind.CHOICE:
            if value not in choices:
                choices[value] = coloured(value) or escape(write(value))
            return choices[value]
        if address:
            return Markup('<a href="{}">{}</a>').format(address, write(value))
        if kind is Kind.ROWS and not compact:
            return rows_table(attribute.info["rows"], value)
        text = escape(write(value))
        return Markup('<span class="gj-lines">{}</span>').format(text) if kind is Kind.LONG_TEXT else text

    return cell


def rows_table(titles: Mapping[str, Any], rows: Sequence[Mapping[str, str]]) -> Markup:
    """A column of rows as a table, each value under its title."""
    heads = Markup().join(Markup('<th scope="col">{}</th>').format(title) for title in titles.values())
    cell = Markup('<td data-label="{}">{}</td>').format
    lines = (Markup().join(cell(title, row.get(name, "")) for name, title in titles.items()) for row in rows)
    body = Markup().join(Markup("<tr>{}</tr>").format(line) for line in lines)
    return Markup('<table class="table table-sm gj-rows"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>').format(
        heads, body
    )


def export_value(attribute: Attribute, value: Any) -> Any:
    """A value for a spreadsheet: numbers and days as such, the rest as it is shown."""
    if isinstance(value, datetime):
        return value.astimezone(estate_zone()).replace(tzinfo=None)
    if isinstance(value, Decimal | date) or value is None:
        return value
    if isinstance(value, int) and attribute.kind not in (Kind.YES_NO, Kind.FILE):
        return value
    if hasattr(value, "__html__"):
        return Markup(value.__html__()).striptags()  # noqa: S704  (its own markup)
    return text_of(attribute, value)
