"""A small bar chart of an indicator's months, as numbers for an SVG without scripts or styles."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from app.core.indicators.queries import Trend

STEP, BAR, HEIGHT = 10, 7, 36


@dataclass(frozen=True)
class Bar:
    """A month: where its bar stands and how high it is; ``look``: kept, missed or plain."""

    x: int
    y: float
    height: float
    look: str


@dataclass(frozen=True)
class Chart:
    """``target``: height of the target's line, None without one."""

    width: int
    height: int
    bars: list[Bar]
    target: float | None


def chart(trend: Trend) -> Chart:
    """The bars of a trend, all from zero, so that lengths can be compared; months without a value have none."""
    values = [reading.value for reading in trend.readings if reading.value is not None]
    top = max([*values, trend.target or Decimal(0), Decimal(1)])

    def y(value: Decimal) -> float:
        return round(HEIGHT - float(value / top) * (HEIGHT - 2), 1)

    bars = []
    for number, reading in enumerate(trend.readings):
        if reading.value is not None:
            at = min(y(reading.value), HEIGHT - 1.0)
            look = "plain" if reading.kept is None else "kept" if reading.kept else "missed"
            bars.append(Bar(number * STEP, at, round(HEIGHT - at, 1), look))
    return Chart(len(trend.readings) * STEP, HEIGHT, bars, None if trend.target is None else y(trend.target))
