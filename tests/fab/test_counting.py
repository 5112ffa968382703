"""A remembered count is the count: every change of the records makes it be taken again."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, acting
from app.fab import counting
from app.modules.estates.models import Building


@pytest.fixture(autouse=True)
def every_count_is_worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "WORTHWHILE", 1)
    monkeypatch.setattr(counting, "_known", {})


def test_a_count_is_taken_once_until_the_records_change(
    session: Session, actor_of: Callable[[str], Actor], sql_count: SimpleNamespace
) -> None:
    session.add_all([Building(estate_id=1, code=str(n)) for n in range(3)])
    session.add(Building(estate_id=2, code="X"))
    session.commit()

    def count(*clauses: object) -> int:
        return counting.count(session, Building.id, clauses)

    def counts_taken() -> int:
        return sum("count(" in statement for statement in sql_count.statements)

    with acting(actor_of("manager")):
        assert [count(), count()] == [3, 3]
        sql_count.reset()
        assert count() == 3
        assert counts_taken() == 0
        session.add(Building(estate_id=1, code="new"))
        session.commit()
        assert (count(), counts_taken()) == (4, 1)
        assert count(Building.code == "new") == 1
    with acting(actor_of("neighbour")):
        assert count() == 1
