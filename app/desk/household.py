"""The household page: one unit on one page."""

from __future__ import annotations

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.access.actor import current_actor
from app.core.registry import registry
from app.extensions import db
from app.fab.views import Page, expose, requires
from app.modules.estates.models import Unit
from app.modules.movein.services import open_case_of


class HouseholdPage(Page):
    """One unit on one page, made of the sections the modules registered."""

    resource = "Unit"
    route_base = "/households"

    @expose("/<int:pk>")
    @requires("read", "Unit")
    def show(self, pk: int) -> str:
        unit = db.session.scalar(
            select(Unit).where(Unit.id == pk).options(joinedload(Unit.building), joinedload(Unit.entrance))
        )
        if unit is None:
            abort(404)
        actor = current_actor()
        sections = [(section, section.load(unit, actor)) for section in registry().sections]
        open_case = open_case_of(db.session, pk) if actor.may("read", "MoveInCase") else None
        return self.render("desk/household.html", title=unit.code, unit=unit, sections=sections, open_case=open_case)
