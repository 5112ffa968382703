"""A year of duties for the demo: three more duties, stated by those who do them, and the checks of move-in on paper."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, acting
from app.core.clocks.calendar import calendar_of
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.modules.duties import services
from app.modules.duties.models import Duty, DutyOccurrence, DutyState, DutyStatement

SEEDS = Path(__file__).parent / "seeds" / "demo.yaml"
ON_PAPER = "纸质检查记录 paper record"
DOERS = {"receptionist": "reception", "cs_supervisor": "supervisor", "manager": "manager"}
NOTES = (
    "按时完成，无异常。",
    "已完成，一项已转工程部处理。",
    "已完成，结果已在例会通报。",
    "按时完成，资料已归档。",
)
LATE, MISSED = {9}, {23}
"""Which occurrence of a duty, counted from the year's first, was late, and which was missed."""


def demo(session: Session, staff: Mapping[str, Actor]) -> None:
    """Give the demo estate duties that have run for a year; kept but for a few."""
    manager = staff["manager"]
    estate = session.get_one(Estate, manager.estate_id)
    today = estate_today(session, estate.id)
    start = (today - timedelta(days=365)).replace(day=1)
    with acting(manager):
        services.seed_duties(session, estate, SEEDS)
        duties = session.scalars(select(Duty).where(Duty.estate_id == estate.id).order_by(Duty.id)).all()
        for duty in duties:
            duty.valid_from, duty.since = start, calendar_of(session, estate.id).moment(start)
        session.flush()
        session.execute(delete(DutyOccurrence).where(DutyOccurrence.estate_id == estate.id))  # all still to come
        services.draw(session, estate.id)
        for duty in duties:
            _year(session, duty, staff)
        session.flush()
        services.bring_up(session, estate.id)


def _year(session: Session, duty: Duty, staff: Mapping[str, Actor]) -> None:
    past = session.scalars(
        select(DutyOccurrence)
        .where(DutyOccurrence.duty_id == duty.id, DutyOccurrence.closes_at < now())
        .order_by(DutyOccurrence.due_at)
    ).all()
    for number, occurrence in enumerate(past, 1):
        if number in MISSED or (number in LATE and not duty.grace_days and not duty.grace_hours):
            continue
        before = timedelta(hours=5 + number * 7 % 40)
        at = max(occurrence.due_at - before, occurrence.opens_at + timedelta(minutes=20))
        if number in LATE:
            at = occurrence.due_at + timedelta(hours=10)
        if services.by_statement(duty):
            with acting(staff[DOERS[duty.role]]):
                note = NOTES[number % len(NOTES)]
                session.add(DutyStatement(estate_id=duty.estate_id, occurrence_id=occurrence.id, done_at=at, note=note))
                session.flush()
        else:
            _on_paper(occurrence, at)


def _on_paper(occurrence: DutyOccurrence, at: datetime) -> None:
    line: dict[str, Any] = {"at": at.isoformat(), "type": "", "id": 0, "label": f"{ON_PAPER} {occurrence.period_key}"}
    occurrence.evidence, occurrence.counted, occurrence.closed_at = [line], occurrence.needed, at
    occurrence.state = DutyState.KEPT if at <= occurrence.due_at else DutyState.LATE
