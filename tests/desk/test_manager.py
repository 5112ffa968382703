"""The manager's part of the home page: decisions that wait, what is late and why, however much is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, acting
from app.core.access.roles import Role
from app.core.clocks.models import Deadline, WorkItem
from app.core.indicators import queries
from app.core.indicators.services import measure_indicators
from app.core.records.base import now

KIND = "movein.case"


def work(session: Session, number: int, *, due: datetime | None = None, role: str = Role.RECEPTIONIST, reason: str = "",
         kind: str = KIND) -> WorkItem:  # fmt: skip
    item = WorkItem(
        estate_id=1, kind=kind, record_type="movein_case", record_id=number, label=f"Work {number}", role=role
    )
    if due:
        item.rank_at = due
    session.add(item)
    session.flush()
    if due:
        session.add(
            Deadline(
                estate_id=1, item_id=item.id, record_type="movein_case", record_id=number, rule_key="movein.defect",
                started_at=due - timedelta(days=3), due_at=due, late_reason=reason,
            )
        )  # fmt: skip
        session.flush()
    return item


def test_late_work_is_told_by_kind_with_the_oldest_and_their_reasons(
    session: Session, actor_of: Callable[[str], Actor]
) -> None:
    moment = now()
    for day in range(1, 6):
        work(session, 100 + day, due=moment - timedelta(days=day), reason="The glazier is ill." if day == 5 else "")
    work(session, 200, due=moment + timedelta(days=1))
    work(session, 201)
    with acting(actor_of("manager")) as manager:
        (late,) = queries.late_work(session, manager, moment)
    assert (late.kind.code, late.count) == (KIND, 5)
    assert abs(late.oldest - (moment - timedelta(days=5))) < timedelta(seconds=1)
    assert [line.item.label for line in late.items] == ["Work 105", "Work 104", "Work 103"]
    assert late.items[0].reason == "The glazier is ill."
    assert late.items[0].rule
    assert late.items[0].who == "Receptionist"


def test_late_work_of_another_estate_or_out_of_ones_rights_is_not_told(
    session: Session, actor_of: Callable[[str], Actor]
) -> None:
    work(session, 300, due=now() - timedelta(days=1))
    for stranger in ("neighbour", "security"):
        with acting(actor_of(stranger)) as actor:
            assert queries.late_work(session, actor, now()) == []


def test_counts_of_late_work_stop_at_their_limit(
    session: Session, actor_of: Callable[[str], Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST", 2)
    for number in range(5):
        work(session, 400 + number, due=now() - timedelta(days=1))
    with acting(actor_of("manager")) as manager:
        (late,) = queries.late_work(session, manager, now())
    assert late.count == 3


def test_what_is_late_costs_one_statement(
    session: Session, actor_of: Callable[[str], Actor], sql_count: SimpleNamespace
) -> None:
    with acting(actor_of("manager")) as manager:
        for number in range(4):
            work(session, 500 + number, due=now() - timedelta(days=1))
            session.commit()
            sql_count.reset()
            queries.late_work(session, manager, now())
            assert len(sql_count.statements) == 1


def test_decisions_wait_by_urgency_and_are_counted(session: Session, actor_of: Callable[[str], Actor]) -> None:
    for number in range(queries.APPROVALS + 2):
        work(session, 600 + number, role=Role.MANAGER, due=now() + timedelta(days=10 - number))
    work(session, 700, role=Role.CASHIER)
    with acting(actor_of("manager")) as manager:
        decisions, total = queries.approvals(session, manager)
    assert total == str(queries.APPROVALS + 2)
    assert [decision.item.record_id for decision in decisions] == [607, 606, 605, 604, 603, 602]


def test_the_managers_home_tells_decisions_lateness_and_indicators(
    session: Session, client_of: Callable[[str], FlaskClient]
) -> None:
    work(session, 800, role=Role.MANAGER)
    work(session, 801, due=now() - timedelta(days=2), reason="The glazier is ill.")
    measure_indicators(session)
    session.commit()
    page = client_of("manager").get("/").get_data(as_text=True)
    assert "Waiting for your decision" in page
    assert "Work 800" in page
    assert "The glazier is ill." in page
    assert "/queue/?tab=all&amp;kind=movein.case&amp;late=1" in page
    assert "Deadlines kept" in page
    for other in ("receptionist", "cashier"):
        page = client_of(other).get("/").get_data(as_text=True)
        assert "Waiting for your decision" not in page
        assert "Deadlines kept" not in page
