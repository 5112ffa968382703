"""What the search box finds on the estate: units by any spelling, parking bays by number."""

from __future__ import annotations

from collections.abc import Sequence

from flask import url_for
from sqlalchemy.orm import Session

from app.core.search.provider import Hit
from app.modules.estates.queries import find_bays, find_units


def search_units(session: Session, text: str, limit: int) -> Sequence[Hit]:
    """Units with layout and house type; the hit leads to the household page."""
    return [
        Hit(unit.code, " · ".join(filter(None, (unit.layout, str(unit.house_type.title)))),
            url_for("HouseholdPage.show", pk=unit.id), "home")
        for unit in find_units(session, text, limit)
    ]  # fmt: skip


def search_bays(session: Session, text: str, limit: int) -> Sequence[Hit]:
    """Parking bays with their zone."""
    return [
        Hit(bay.code, f"{bay.zone} · {bay.tenure.title}", url_for("ParkingBayView.show", pk=bay.id), "parking")
        for bay in find_bays(session, text, limit)
    ]
