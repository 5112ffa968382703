"""Search by the beginning of a text, from an index, alike on both databases."""

from sqlalchemy import ColumnElement, String
from sqlalchemy.orm import InstrumentedAttribute

_LAST = "\U0010ffff"


def search_key(length: int) -> String:
    """Column type for texts found by their beginning: compared byte by byte, so that an index can answer."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


def starts_with(
    column: InstrumentedAttribute[str] | InstrumentedAttribute[str | None], text: str
) -> ColumnElement[bool]:
    """Criterion: ``column`` (of type :func:`search_key`) begins with ``text``, wildcards being ordinary letters."""
    return (column >= text) & (column < text + _LAST)
