"""What modules tell about their indicators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice

Ratio = tuple[Decimal | int, Decimal | int]
"""Numerator and denominator of a month; a denominator of 0: there was nothing to measure."""
Measure = Callable[[Any, int, date, date], Ratio | Mapping[str, Ratio]]


class IndicatorUnit(Choice):
    """How numerator ÷ denominator reads."""

    PERCENT = "percent", _l("percent")
    COUNT = "count", _l("number")
    DAYS = "days", _l("days")


class Better(Choice):
    """In which direction an indicator improves."""

    HIGHER = "higher", _l("at least")
    LOWER = "lower", _l("at most")
    BELOW = "below", _l("below")


@dataclass(frozen=True, kw_only=True)
class Indicator:
    """A number the manager answers for (rules §9). Contribute it with ``registry.contribute(Indicator(...))``.

    ``measure(session, estate_id, first_day, last_day)`` gives numerator and denominator of a month; of the running
    month, what is known so far. A measure by parts (clock rules, say) gives ``{part: ratio}``, whose sums are the whole;
    ``parts(session, estate_id)`` names them. ``target`` is in the unit's terms (98 for 98 %); an estate may set its own.
    ``explained``: in one sentence, what is divided by what. ``places``: decimals that people read.
    """

    code: str
    title: Any
    unit: IndicatorUnit
    measure: Measure
    better: Better = Better.HIGHER
    target: Decimal | None = None
    clause: str = ""
    explained: Any = ""
    places: int = 1
    parts: Callable[[Any, int], Mapping[str, str]] | None = None

    def value(self, numerator: Decimal, denominator: Decimal) -> Decimal | None:
        """The number people read: percent and days to ``places``, counts whole; nothing when nothing was measured."""
        exact = self.exact(numerator, denominator)
        if exact is None:
            return None
        places = 0 if self.unit is IndicatorUnit.COUNT else self.places
        return exact.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)

    def exact(self, numerator: Decimal, denominator: Decimal) -> Decimal | None:
        """The number in the unit's terms before rounding, by which targets are judged."""
        return numerator / denominator * (100 if self.unit is IndicatorUnit.PERCENT else 1) if denominator else None

    def said(self, value: Decimal | None) -> str:
        """``value`` with its unit; a dash for nothing."""
        if value is None:
            return "–"
        if self.unit is IndicatorUnit.DAYS:
            return _("%(number)s days", number=f"{value:,f}")
        return f"{value:,f} %" if self.unit is IndicatorUnit.PERCENT else f"{value:,f}"

    def keeps(self, value: Decimal, target: Decimal) -> bool:
        """Whether ``value`` reaches ``target``."""
        if self.better is Better.BELOW:
            return value < target
        return value >= target if self.better is Better.HIGHER else value <= target
