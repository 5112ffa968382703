"""The change log: one row per changed record in the same transaction, chained, with nothing personal in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, acting
from app.core.audit.log import record_event, verify
from app.core.audit.models import AuditEntry
from app.modules.estates.models import Building
from app.modules.people.models import Person


def entries(session: Session, record: object) -> list[AuditEntry]:
    found = select(AuditEntry).where(
        AuditEntry.record_type == record.__tablename__,
        AuditEntry.record_id == record.id,  # type: ignore[attr-defined]
    )
    return list(session.scalars(found.order_by(AuditEntry.id)))


def test_who_changed_what_from_what_to_what(session: Session, actor_of: Callable[[str], Actor]) -> None:
    with acting(actor_of("manager")) as manager:
        building = Building(code="1", name_zh="一号楼")
        session.add(building)
        session.flush()
        building.name_zh = "壹号楼"
        session.flush()
    created, updated = entries(session, building)
    assert (created.kind, created.changes["code"]) == ("create", [None, "1"])
    assert (updated.kind, updated.changes) == ("update", {"name_zh": ["一号楼", "壹号楼"]})
    assert (updated.actor_id, updated.actor_name) == (manager.user_id, manager.name)


def test_saving_the_same_values_logs_nothing(session: Session) -> None:
    building = Building(code="1", name_zh="一号楼")
    session.add(building)
    session.flush()
    building.name_zh = "一号楼"
    session.flush()
    assert [entry.kind for entry in entries(session, building)] == ["create"]


def test_personal_data_appear_as_hashes_only(session: Session) -> None:
    person = Person(name="张三", mobile="13800001234")
    session.add(person)
    session.flush()
    person.mobile = "13900005678"
    session.flush()
    logged = str([entry.changes for entry in entries(session, person)])
    assert "13800001234" not in logged
    assert "13900005678" not in logged
    old, new = entries(session, person)[1].changes["mobile"]
    assert old.startswith("#")
    assert new.startswith("#")
    assert old != new


def test_a_rolled_back_change_leaves_no_entry(session: Session) -> None:
    session.commit()
    before = session.scalars(select(AuditEntry.id)).all()
    session.add(Building(code="1"))
    session.flush()
    session.rollback()
    assert session.scalars(select(AuditEntry.id)).all() == before


@pytest.fixture
def chain(session: Session) -> list[AuditEntry]:
    """A chain of several entries in estate 1."""
    building = Building(code="1")
    session.add(building)
    session.flush()
    for name in ("甲", "乙", "丙"):
        building.name_zh = name
        session.flush()
    record_event(session, "comment", building, note="看过")
    session.commit()
    assert verify(session) is None
    return entries(session, building)


def test_an_altered_entry_is_named(session: Session, chain: list[AuditEntry]) -> None:
    victim = chain[2]
    session.execute(update(AuditEntry).where(AuditEntry.id == victim.id).values(changes={"name_zh": ["甲", "丁"]}))
    broken = verify(session)
    assert broken is not None
    assert (broken.entry_id, broken.seq, broken.reason) == (victim.id, victim.seq, "altered")


def test_a_removed_entry_is_noticed(session: Session, chain: list[AuditEntry]) -> None:
    victim = chain[2].seq
    session.execute(delete(AuditEntry).where(AuditEntry.id == chain[2].id))
    broken = verify(session)
    assert broken is not None
    assert (broken.seq, broken.reason) == (victim, "missing")


def test_a_cut_off_end_is_noticed(session: Session, chain: list[AuditEntry]) -> None:
    last = max(session.scalars(select(AuditEntry).where(AuditEntry.chain == chain[-1].chain)), key=lambda e: e.seq)
    session.execute(delete(AuditEntry).where(AuditEntry.id == last.id))
    broken = verify(session)
    assert broken is not None
    assert broken.reason == "missing"
