"""Clock rules of modules and the first opening hours, brought into an estate; what is there stays as it is."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.roles import Role
from app.core.clocks.models import ClockRule, ClockUnit, Escalation, OpeningHours, Shift
from app.core.records.estate import Estate

HOURS = Path(__file__).parent / "seeds" / "opening_hours.yaml"


def seed_rules(session: Session, estate: Estate, path: Path) -> None:
    """Add the clock rules of a module's ``seeds/clocks.yaml`` that the estate does not have yet, by their key."""
    present = set(session.scalars(select(ClockRule.key).where(ClockRule.estate_id == estate.id)))
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["rules"]:
        if entry["key"] not in present:
            session.add(_rule(estate, entry))
    session.flush()


def seed_hours(session: Session, estate: Estate) -> None:
    """Give an estate without opening hours those of the service manual (sources C21)."""
    if session.scalar(select(OpeningHours.id).where(OpeningHours.estate_id == estate.id).limit(1)) is not None:
        return
    for entry in yaml.safe_load(HOURS.read_text(encoding="utf-8"))["hours"]:
        opens, closes = time.fromisoformat(entry["opens"]), time.fromisoformat(entry["closes"])
        session.add_all(
            OpeningHours(estate_id=estate.id, weekday=weekday, opens=opens, closes=closes)
            for weekday in entry["weekdays"]
        )
    session.flush()


def _rule(estate: Estate, entry: dict[str, Any]) -> ClockRule:
    due_time = entry.get("due_time")
    return ClockRule(
        estate_id=estate.id, key=entry["key"], title_zh=entry["zh"], title_en=entry["en"],
        unit=ClockUnit(entry["unit"]), amount=entry.get("amount", 0), weekday=entry.get("weekday"),
        day=entry.get("day"), months=",".join(map(str, entry.get("months", ()))),
        due_time=time.fromisoformat(due_time) if due_time else None, shift=Shift(entry.get("shift", "keep")),
        pausable=entry.get("pausable", True), clause=entry.get("clause", ""),
        escalations=[
            Escalation(estate_id=estate.id, after_hours=step["after_hours"], role=Role(step["role"]).value)
            for step in entry.get("escalations", ())
        ],
    )  # fmt: skip
