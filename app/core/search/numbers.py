"""Search by the number of a document."""

from __future__ import annotations

from sqlalchemy import ColumnElement
from sqlalchemy.orm import InstrumentedAttribute

SHORTEST = 3
"""Digits from which a bare number is looked up: ``123`` finds ``BILL-2026-00123``."""


def numbered(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool] | None:
    """Criterion for ``BILL-2026-00123`` typed whole, from its beginning, or by its last digits; None for other texts."""
    typed = text.strip().upper()
    if typed.isascii() and typed.isdigit():
        return column.endswith(typed, autoescape=True) if len(typed) >= SHORTEST else None
    return column.startswith(typed, autoescape=True) if "-" in typed else None
