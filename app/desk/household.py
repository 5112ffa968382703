"""The household page: one unit on one page, its head always, one section at a time or all of them for print."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import abort, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, bindparam, select
from sqlalchemy.orm import joinedload

from app.core.access.actor import Actor, current_actor
from app.core.clocks.queue import lines_of_unit
from app.core.indicators.queries import address_of
from app.core.registry import HouseholdHead, HouseholdSection, Registry, registry
from app.extensions import db
from app.fab.views import Page, expose, record_views, requires
from app.modules.estates.models import Unit

ALL = "all"
FIRST_WORK, MOST_WORK = 5, 100


class HouseholdPage(Page):
    """One unit, made of the heads and sections that the modules contributed."""

    resource = "Unit"
    route_base = "/households"

    @expose("/<int:pk>")
    @requires("read", "Unit")
    def show(self, pk: int) -> str:
        """``?section=fees`` opens a section, ``?section=all`` all of them; htmx gets the section alone."""
        headers, registered = request.headers, registry()
        part = bool(headers.get("HX-Request")) and not headers.get("HX-History-Restore-Request")
        heads = [] if part else sorted(registered.of(HouseholdHead).values(), key=lambda head: head.order)
        facts = tuple(fact for head in heads for fact in head.facts.values())
        row = db.session.execute(_unit_with(facts), {"unit": pk}).one_or_none()
        if row is None:
            abort(404)
        unit, told = row[0], iter(row[1:])
        actor, sections = current_actor(), registered.sections
        chosen = request.args.get("section") or sections[0].name
        opened = [section for section in sections if chosen in (section.name, ALL)]
        if not opened:
            abort(404)
        values: dict[str, Any] = {
            "title": unit.code,
            "unit": unit,
            "sections": sections,
            "chosen": chosen,
            "opened": [(section, section.load(unit, actor)) for section in opened],
        }
        if part:
            return self.render("desk/_household_part.html", **values)
        details = [cell for _field, cell in record_views()["UnitView"].custom_cells(unit) if not cell.empty]
        loaded = [(head, head.load(unit, actor, **{name: next(told) for name in head.facts})) for head in heads]
        return self.render(
            "desk/household.html",
            details=details,
            heads=[(h, found) for h, found in loaded if found is not None],
            **values,
        )


@cache  # building it costs more than asking it
def _unit_with(facts: tuple[ColumnElement[Any], ...]) -> Select[Any]:
    """The unit by its number (parameter ``unit``), then ``facts`` about it."""
    whole = joinedload(Unit.building), joinedload(Unit.entrance)
    return select(Unit, *facts).where(Unit.id == bindparam("unit")).options(*whole)


def register_household(registry: Registry) -> None:
    """Open work about the unit."""
    registry.contribute(
        HouseholdHead(name="work", title=_l("Open work"), template="desk/_work_head.html", load=_head, order=40)
    )
    registry.section(
        HouseholdSection(name="work", title=_l("Open work"), template="desk/_work_section.html", load=_work, order=70)
    )


def _head(unit: Unit, actor: Actor) -> dict[str, Any] | None:
    return _open_work(unit, actor, FIRST_WORK)


def _work(unit: Unit, actor: Actor) -> dict[str, Any]:
    return _open_work(unit, actor, MOST_WORK)


def _open_work(unit: Unit, actor: Actor, limit: int) -> dict[str, Any]:
    """The unit's open work by its limits, as far as the actor may read it; one statement, two when clocks stand still."""
    found = lines_of_unit(db.session, actor, unit, limit + 1)
    return {"lines": found[:limit], "more": len(found) > limit, "address_of": address_of}
