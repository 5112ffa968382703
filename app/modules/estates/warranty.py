"""When the warranty of a part of a building ends (Regulations on Construction Quality art. 40; 建房〔1998〕102号 art. 5)."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext


class Part(StrEnum):
    """Parts of a building with a warranty of their own."""

    STRUCTURE = "structure"
    WATERPROOFING = "waterproofing"
    HEATING_COOLING = "heating_cooling"
    ELECTRICAL = "electrical"
    PLUMBING = "plumbing"
    EQUIPMENT = "equipment"
    FITTING_OUT = "fitting_out"
    PIPE_BLOCKAGE = "pipe_blockage"
    LAMPS_SWITCHES = "lamps_switches"
    SANITARY_WARE = "sanitary_ware"
    DOORS_WINDOWS = "doors_windows"
    PLASTER = "plaster"
    FLOOR = "floor"


PARTS: dict[Part, Any] = {
    Part.STRUCTURE: _l("Foundation and main structure"),
    Part.WATERPROOFING: _l("Waterproofing of roof, wet rooms and outer walls"),
    Part.HEATING_COOLING: _l("Heating and cooling"),
    Part.ELECTRICAL: _l("Electrical pipes and wires"),
    Part.PLUMBING: _l("Water supply and drainage"),
    Part.EQUIPMENT: _l("Equipment installation"),
    Part.FITTING_OUT: _l("Fitting-out"),
    Part.PIPE_BLOCKAGE: _l("Pipe blockage"),
    Part.LAMPS_SWITCHES: _l("Lamps and switches"),
    Part.SANITARY_WARE: _l("Sanitary ware"),
    Part.DOORS_WINDOWS: _l("Doors, windows and hardware"),
    Part.PLASTER: _l("Plaster"),
    Part.FLOOR: _l("Floor finish"),
}
"""The parts with their titles, in the order of a quality guarantee."""


class Start(StrEnum):
    """The day a period runs from: completion acceptance, or the developer's delivery to the buyer."""

    ACCEPTANCE = "acceptance"
    DELIVERY = "delivery"


@dataclass(frozen=True)
class Rule:
    """A warranty period of ``count`` years, months or heating seasons, and the text it stands in."""

    part: Part
    count: int
    unit: str
    start: Start
    source: Any

    @property
    def period(self) -> str:
        """``5 years from completion acceptance``, in the reader's language."""
        lengths = {
            "years": ngettext("%(num)s year", "%(num)s years", self.count),
            "months": ngettext("%(num)s month", "%(num)s months", self.count),
            "seasons": ngettext("%(num)s heating season", "%(num)s heating seasons", self.count),
        }
        if self.start is Start.ACCEPTANCE:
            return _("%(period)s from completion acceptance", period=lengths[self.unit])
        return _("%(period)s from delivery", period=lengths[self.unit])


_QUALITY = _l("Regulations on the Quality Management of Construction Projects, art. 40")
_TWO_CERTIFICATES = _l("Rules on the quality guarantee and user manual of dwellings (1998), art. 5")

RULES: tuple[Rule, ...] = (
    Rule(
        Part.STRUCTURE,
        50,
        "years",
        Start.ACCEPTANCE,
        _l("Design life of the main structure (art. 40), usually 50 years"),
    ),
    Rule(Part.WATERPROOFING, 5, "years", Start.ACCEPTANCE, _QUALITY),
    Rule(Part.WATERPROOFING, 3, "years", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.HEATING_COOLING, 2, "seasons", Start.ACCEPTANCE, _QUALITY),
    Rule(Part.HEATING_COOLING, 1, "seasons", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.ELECTRICAL, 2, "years", Start.ACCEPTANCE, _QUALITY),
    Rule(Part.PLUMBING, 2, "years", Start.ACCEPTANCE, _QUALITY),
    Rule(Part.PLUMBING, 1, "years", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.EQUIPMENT, 2, "years", Start.ACCEPTANCE, _QUALITY),
    Rule(Part.FITTING_OUT, 2, "years", Start.ACCEPTANCE, _QUALITY),
    Rule(Part.PIPE_BLOCKAGE, 2, "months", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.LAMPS_SWITCHES, 6, "months", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.SANITARY_WARE, 1, "years", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.DOORS_WINDOWS, 1, "years", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.PLASTER, 1, "years", Start.DELIVERY, _TWO_CERTIFICATES),
    Rule(Part.FLOOR, 1, "years", Start.DELIVERY, _TWO_CERTIFICATES),
)

Season = tuple[tuple[int, int], tuple[int, int]]
"""First and last day of the local heating season as (month, day)."""
NORTHERN_HEATING: Season = ((11, 15), (3, 15))


@dataclass(frozen=True)
class Warranty:
    """The last day of the warranty and the rule it comes from."""

    ends: date
    rule: Rule


def warranty_end(
    part: Part, acceptance_date: date | None, handover_date: date | None, season: Season = NORTHERN_HEATING
) -> Warranty | None:
    """The warranty of ``part``: of all applicable periods the one that ends last.

    The start day is not counted; a period of months or years ends on the corresponding day, or the last day of a
    shorter month (Civil Code arts. 201, 202). Seasons are full heating seasons that begin after the start. Nothing
    when no start date of an applicable rule is known.
    """
    return max(_ends(part, acceptance_date, handover_date, season), key=lambda found: found.ends, default=None)


def _ends(part: Part, acceptance: date | None, delivery: date | None, season: Season) -> Iterator[Warranty]:
    starts = {Start.ACCEPTANCE: acceptance, Start.DELIVERY: delivery}
    for rule in RULES:
        start = starts[rule.start]
        if rule.part is part and start is not None:
            yield Warranty(_end(rule, start, season), rule)


def _end(rule: Rule, start: date, season: Season) -> date:
    if rule.unit == "seasons":
        (first_month, first_day), (last_month, last_day) = season
        year = start.year if start < date(start.year, first_month, first_day) else start.year + 1
        year += rule.count - 1
        return date(year + (1 if (last_month, last_day) < (first_month, first_day) else 0), last_month, last_day)
    months = start.month - 1 + rule.count * (12 if rule.unit == "years" else 1)
    year, month = start.year + months // 12, months % 12 + 1
    return date(year, month, min(start.day, monthrange(year, month)[1]))
