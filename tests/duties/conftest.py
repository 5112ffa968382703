"""Duties stand in a year of their own: a clock that stands still, and deeds written down by hand as evidence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import delete, update

from app.core.registry import registry
from app.modules.duties import services
from app.modules.duties.kinds import Evidence, Occasion, Parameter
from app.modules.duties.models import Duty, DutyOccurrence
from app.modules.duties.recurrence import Period

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    """``2026-03-05 09:30`` at the estate."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


class Deeds:
    """What was done, by kind: the evidence ``deed`` of the duties of these tests."""

    def __init__(self) -> None:
        self.done: list[tuple[str, datetime]] = []
        self.asked = 0

    def add(self, kind: str, *moments: str) -> None:
        self.done += [(kind, at(moment)) for moment in moments]

    def occasions(
        self, session: Any, estate_id: int, start: datetime, end: datetime, kind: tuple[str, ...] = ()
    ) -> list[Occasion]:
        self.asked += 1
        return [
            Occasion(moment, "deed", number, name)
            for number, (name, moment) in enumerate(self.done, 1)
            if (not kind or name in kind) and start <= moment < end
        ]


@pytest.fixture
def deeds(app: Flask, session: Any, monkeypatch: pytest.MonkeyPatch) -> Deeds:
    """The deeds, known to the duties as evidence ``deed``; the duties of the seeds are out of the way."""
    session.execute(update(Duty).values(active=False))
    session.execute(delete(DutyOccurrence))
    found = Deeds()
    known = registry().of(Evidence)
    deed = Evidence(
        code="deed", title="Deed", occasions=found.occasions, parameters={"kind": Parameter("Kind", lambda: {"A": "A"})}
    )
    monkeypatch.setitem(registry().contributions, Evidence, {**known, "deed": deed})
    return found


@pytest.fixture
def clock() -> Iterator[time_machine.Coordinates]:
    """The clock, standing at the beginning of 2026; ``clock.move_to(at("2026-03-05 09:30"))``."""
    with time_machine.travel(at("2026-01-01 00:00"), tick=False) as traveller:
        yield traveller


@pytest.fixture
def duty_of(session: Any) -> Callable[..., Duty]:
    """Make a duty: ``duty_of("AR-04", "A", due_day=5)`` is shown by the deeds of kind ``A``."""

    def make(clause: str, kind: str = "", **values: Any) -> Duty:
        duty = Duty(
            estate_id=1, code=f"{clause}.{kind or 'statement'}", clause=clause, title_zh=f"职责{kind}",
            title_en=f"Duty {kind}", role=values.pop("role", "manager"), period=values.pop("period", Period.MONTH),
            evidence="deed" if kind else "statement", parameters={"kind": [kind]} if kind else {},
            valid_from=values.pop("valid_from", date(2026, 1, 1)), **values,
        )  # fmt: skip
        session.add(duty)
        session.flush()
        services.bring_up(session, 1)
        return duty

    return make
