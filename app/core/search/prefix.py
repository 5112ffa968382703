"""Search by the beginning of a text, from an index, alike on both databases."""

from collections.abc import Iterable

from sqlalchemy import ColumnElement, CompoundSelect, Select, String, select, union
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


def first_of(searches: Iterable[Select[int]], limit: int | None = None) -> CompoundSelect[int]:
    """The ids that any of the ``searches`` selects, of each its first ``limit``.

    Each search goes along its own index; one WHERE with OR, sorted and limited, would walk along the sorting index.
    """
    return union(*(select(search.limit(limit).subquery().c[0]) for search in searches))
