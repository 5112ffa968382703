"""F01 房屋验收单: one round of the accompanied inspection of a unit, trade by space (forms A2; MI-10, MI-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature

Result = Literal["", "pass", "fail", "na"]


@dataclass(frozen=True, kw_only=True)
class Meter:
    """A meter's base reading at take-over. ``unit`` is printed after the reading (m³, kWh …)."""

    kind: Bilingual
    number: str
    reading: Decimal | None = None
    unit: str
    photographed: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check item; ``results`` stand in the order of the context's ``spaces``, "" where it was not inspected."""

    item: Bilingual
    results: tuple[Result, ...]


@dataclass(frozen=True, kw_only=True)
class Trade:
    name: Bilingual
    checks: tuple[Check, ...]


@dataclass(frozen=True, kw_only=True)
class Defect:
    """A failed item: place, severity, who rectifies it by when, and what the re-inspection found."""

    number: int
    space: Bilingual
    trade: Bilingual
    description: str
    position: str = ""
    severity: Bilingual
    responsible: str
    due_on: date | None = None
    photos: int = 0
    fixed_on: date | None = None
    reinspection: Bilingual | None = None
    reinspected_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    owner: str
    agent: str = ""
    delivery_type: Literal["", "shell", "fitted"]
    layout: str = ""
    round_no: int
    inspected_on: date
    inspector: str
    developer: str
    contractor: str = ""
    weather: str = ""
    meters: tuple[Meter, ...]
    spaces: tuple[Bilingual, ...]
    trades: tuple[Trade, ...]
    defects: tuple[Defect, ...] = ()
    conclusion: Literal["", "accepted", "accepted_with_defects", "refused"] = ""
    remarks: str = ""
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        if any(len(check.results) != len(self.spaces) for trade in self.trades for check in trade.checks):
            raise ValueError("every check needs one result per space")

    @property
    def checked(self) -> int:
        """Item × space results that were passed or failed."""
        return sum(self._results().count(result) for result in ("pass", "fail"))

    @property
    def failed(self) -> int:
        return self._results().count("fail")

    def _results(self) -> list[Result]:
        return [result for trade in self.trades for check in trade.checks for result in check.results]
