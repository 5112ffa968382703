"""Search by the number of a document."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, exists
from sqlalchemy.orm import InstrumentedAttribute

SHORTEST = 3
"""Digits from which a bare number is looked up: ``123`` finds ``BILL-2026-00123``."""


def numbered(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool] | None:
    """Criterion for ``BILL-2026-00123`` typed whole, from its beginning, or by its last digits; None for other texts."""
    typed = text.strip().upper()
    if typed.isascii() and typed.isdigit():
        return column.endswith(typed, autoescape=True) if len(typed) >= SHORTEST else None
    return column.startswith(typed, autoescape=True) if "-" in typed else None


def any_numbered(column: InstrumentedAttribute[str]) -> Callable[[str], ColumnElement[bool] | None]:
    """Probe of a search by :func:`numbered`."""

    def probe(text: str) -> ColumnElement[bool] | None:
        wanted = numbered(column, text)
        return None if wanted is None else exists().where(wanted)

    return probe
