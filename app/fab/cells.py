"""How values appear: in list cells, on record pages and in exported files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import format_decimal, get_locale
from flask_babel import gettext as _
from markupsafe import Markup, escape

from app.core.records.amounts import format_area, format_money
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
    locale = get_locale()
    chinese = locale is not None and locale.language == "zh" and not compact
    return f"{value.year}年{value.month}月{value.day}日" if chinese else value.isoformat()


def moment(value: datetime | None, compact: bool = False) -> str:
    """``2026-11-21 14:30`` (``2026年11月21日 14:30``) in the estate's zone."""
    return f"{day(value, compact)} {value.astimezone(estate_zone()):%H:%M}" if value is not None else ""


def limit(value: datetime | None, compact: bool = False) -> str:
    """A deadline in the estate's zone: as :func:`moment`, but midnight ends a day (``2026-11-20 24:00``)."""
    if value is None or value.astimezone(estate_zone()).time() != time(0):
        return moment(value, compact)
    return f"{day(value - timedelta(minutes=1), compact)} 24:00"


def number(value: Decimal | int, places: int | None = None) -> str:
    """A number with thousands separators; a ``Decimal`` keeps its decimals."""
    if places is None:
        places = max(0, -int(value.as_tuple().exponent)) if isinstance(value, Decimal) else 0
    return format_decimal(value, "#,##0" + ("." + "0" * places if places else ""))


def badge(title: Any, colour: str) -> Markup:
    """A state as a coloured badge that says its name."""
    return Markup('<span class="badge bg-{0}-lt text-{0}-lt-fg">{1}</span>').format(colour or "secondary", title)


WRITTEN_ALREADY = {Kind.DAY, Kind.MOMENT, Kind.TIME}


def text_of(attribute: Attribute, value: Any, compact: bool = False) -> str:
    """A value as plain text in the reader's language; empty for nothing. ``compact`` as for :func:`day`."""
    if isinstance(value, str) and attribute.kind in WRITTEN_ALREADY:  # an own cell that says it in its own way
        return value
    if value is None:
        return ""
    match attribute.kind:
        case Kind.SECRET:
            return masked(value, attribute.info.get("mask", ""))
        case Kind.CHOICE:
            return str(attribute.option(value).title) if value != "" else ""
        case Kind.YES_NO:
            return _("Yes") if value else _("No")
        case Kind.REFERENCE:
            return title_of(value)
        case Kind.MOMENT:
            return moment(value, compact)
        case Kind.DAY:
            return day(value, compact)
        case Kind.TIME:
            return str(value)[:5]
        case Kind.FILE:
            return str(value.name)
        case Kind.ROWS:
            return "; ".join(" · ".join(filter(None, row.values())) for row in value)
    if isinstance(value, Decimal):
        form = attribute.info.get("format")
        return format_money(value) if form == "money" else format_area(value) if form == "area" else number(value)
    if isinstance(value, int) and not isinstance(value, bool) and attribute.name != "id":
        return number(value)
    if isinstance(value, datetime):
        return moment(value, compact)
    return day(value, compact) if isinstance(value, date) else str(value)


def cell_of(attribute: Attribute, value: Any, address: str | None = None, compact: bool = False) -> Markup:
    """A value as HTML: choices with a colour as badges, references and files as links to ``address``, the rest as text."""
    if value is None or value == "":
        return Markup('<span class="text-secondary">–</span>')
    if hasattr(value, "__html__"):
        return Markup(value.__html__())  # noqa: S704
    if attribute.kind is Kind.CHOICE and attribute.option(value).colour:
        choice = attribute.option(value)
        return badge(choice.title, choice.colour)
    if address:
        return Markup('<a href="{}">{}</a>').format(address, text_of(attribute, value, compact))
    if attribute.kind is Kind.ROWS and not compact:
        return rows_table(attribute.info["rows"], value)
    text = escape(text_of(attribute, value, compact))
    if attribute.kind is Kind.LONG_TEXT:
        return Markup('<span class="gj-lines">{}</span>').format(text)
    return text


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
        return Markup(value.__html__()).striptags()  # noqa: S704
    return text_of(attribute, value)
