"""Values that remember they came from a paper's context, so that a sheet can be laid out once and filled many times."""

from __future__ import annotations

import base64
import dataclasses
import functools
import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from markupsafe import escape

from app.core.papers.base.context import Header

FILLED_IN_HEADER = {"unit_code", "number", "issued_on", "issued_by", "verify_url", "verify_code", "fields"}
"""Fields of the common head that differ between documents of one form and estate."""

OPEN, CLOSE = "\ue000", "\ue001"
"""Private-use signs around the number of a slot; no text of a paper contains them."""
_MARK = re.compile(f"{OPEN}(\\d+){CLOSE}")
_TAG = re.compile(r"<[^>]*>")
_MARKED_TAG = re.compile(f"<[^<>{OPEN}]*{OPEN}[^<>]*>")
_ALT = re.compile(r'\balt="[^"]*"')
_TITLE = re.compile(r"<title>.*?</title>", re.DOTALL)


class Marked:
    """A plain value of a context that prints as a slot. ``path``: where it comes from, as ``keys[].kind.zh``."""

    path: str = ""

    def bare(self) -> Any:
        """The value itself."""
        raise NotImplementedError


class _Text(Marked, str):
    def bare(self) -> str:
        return str.__str__(self)


class _Count(Marked, int):
    def bare(self) -> int:
        return int(self)


class _Amount(Marked, Decimal):
    def bare(self) -> Decimal:
        return Decimal(self)


class _Day(Marked, date):
    def bare(self) -> date:
        return date(self.year, self.month, self.day)


class _Moment(Marked, datetime):
    def bare(self) -> datetime:
        return datetime.combine(self.date(), self.time())


class Slot(NamedTuple):
    """One printed value: its text; ``picture`` slots hold the address of a QR code. ``path``: see :class:`Marked`."""

    text: str
    is_picture: bool = False
    path: str = ""

    @staticmethod
    def put(slots: list[Slot], text: str, path: str = "") -> str:
        """Note a value and return the mark to print in its place; nothing at all for an empty value."""
        if not text:
            return ""
        slots.append(Slot(text, path=path))
        return f"{OPEN}{len(slots) - 1}{CLOSE}"

    @staticmethod
    def picture(slots: list[Slot], text: str, path: str = "") -> str:
        """Note a QR code and return the address of a blank picture of its shape."""
        slots.append(Slot(text, is_picture=True, path=path))
        return blank(len(slots) - 1)


def blank(number: int) -> str:
    """A square picture without content that names its slot."""
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 33 33" id="slot{number}"/>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


def marked_text(text: str, path: str) -> str:
    """What a filter made of a marked value."""
    made = _Text(text)
    made.path = path
    return made


@functools.cache
def field_names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass; of any other type none."""
    return tuple(field.name for field in dataclasses.fields(kind)) if dataclasses.is_dataclass(kind) else ()


def mark(value: Any, path: str = "") -> Any:
    """A copy of a context whose values remember where they came from; yes/no values shape the sheet and stay bare."""
    if isinstance(value, Header):
        return dataclasses.replace(
            value, **{name: mark(getattr(value, name), f"{path}.{name}") for name in FILLED_IN_HEADER}
        )
    if names := field_names(type(value)):  # type: ignore[arg-type]  # every class is hashable
        at = f"{path}." if path else ""
        return type(value)(**{name: mark(getattr(value, name), at + name) for name in names})
    if isinstance(value, tuple):
        return tuple(mark(item, f"{path}[]") for item in value)
    made = _marked(value)
    if isinstance(made, Marked):
        made.path = path
    return made


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.startswith("data:") else _Text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return _Count(value)
    if isinstance(value, Decimal):
        return _Amount(value)
    if isinstance(value, datetime):
        return _Moment(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond)
    if isinstance(value, date):
        return _Day(value.year, value.month, value.day)
    return value


def structure(html: str, slots: list[Slot]) -> str:
    """What of a marked paper two documents must share to share a sheet.

    That is everything but the window title, the texts for the blind, and what stands in the slots; a value inside a tag
    (a class) shapes the sheet.
    """
    texts = [slot.text for slot in slots]
    return _MARKED_TAG.sub(lambda tag: _in_tag(tag.group(), texts), _ALT.sub("", _TITLE.sub("", html)))


def shown(html: str) -> set[int]:
    """Numbers of the slots that stand in the text of a marked paper."""
    return {int(number) for number in _MARK.findall(_TAG.sub("", _TITLE.sub("", html)))}


def _in_tag(tag: str, texts: list[str]) -> str:
    return _MARK.sub(lambda m: str(escape(texts[int(m.group(1))])), tag)


def filled(html: str, texts: list[str]) -> str:
    """The marked paper with ``texts`` in its slots, each in an element ``data-s`` that says which slot it is."""

    def in_text(found: re.Match[str]) -> str:
        number = int(found.group(1))
        return f'<span data-s="{number}">{escape(texts[number])}</span>'

    return _MARK.sub(in_text, _MARKED_TAG.sub(lambda tag: _in_tag(tag.group(), texts), html))
