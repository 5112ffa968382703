"""Inputs as markup: drawn once for each language and then only filled.

A form has dozens of inputs of which nothing but the value differs from record to record; drawing one takes longer than
fetching what stands in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_babel import get_locale
from markupsafe import Markup, escape

from app.fab.fields import ChoiceField, RecordForm, YesNoField

MOST_DRAWN = 500
GAP = "\0"
"""Where the value goes: no text has it, typed or stored."""


def drawn(field: Any, draw: Callable[..., Markup], unit: Any, width: str) -> Markup:
    """``draw(field, unit, width)``: an input with its label, hint and messages.

    What was drawn is remembered by the class of the form, so that it goes with it.
    """
    form, sent = field._form, field.raw_data is not None
    if sent or field.errors or not getattr(field, "steady", False) or not isinstance(form, RecordForm):
        return draw(field, unit, width)
    chosen = field.chosen() if isinstance(field, ChoiceField) else None
    if isinstance(field, YesNoField):
        chosen = str(bool(field.data))
    locale, known = get_locale(), form._drawn
    key = (field.name, unit, width, locale and locale.language, chosen)
    parts = known.get(key)
    if parts is None:
        if len(known) >= MOST_DRAWN:
            known.clear()
        parts = known[key] = _parts(field, draw, unit, width)
    if len(parts) == 1:
        return parts[0]
    before, after = parts
    return before + escape(field._value()) + after


def _parts(field: Any, draw: Callable[..., Markup], unit: Any, width: str) -> list[Markup]:
    """The markup before and after the value; of a choice, which has been made, the whole."""
    field.__dict__["_value"] = lambda: GAP
    try:
        return [Markup(part) for part in draw(field, unit, width).split(GAP)]  # noqa: S704  (pieces of markup)
    finally:
        del field.__dict__["_value"]
