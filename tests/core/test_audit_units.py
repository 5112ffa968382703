"""Every change that concerns a unit stands in the unit's diary, whatever row it was made on."""

from __future__ import annotations

import io

from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import system_actor
from app.core.audit.models import AuditEntry
from app.core.comments.services import add_comment
from app.core.files.services import attach
from app.modules.estates.models import BayTenure, ParkingBay
from app.modules.movein.states import CaseState
from app.modules.people.models import Vehicle
from tests.movein import factories as make


def units_of(session: Session, record: object) -> set[int | None]:
    """Units in whose diaries the entries about exactly this record stand."""
    found = select(AuditEntry.unit_id).where(
        AuditEntry.record_type == record.__tablename__,
        AuditEntry.record_id == record.id,  # type: ignore[attr-defined]
    )
    return set(session.scalars(found))


OF_NO_UNIT = {"person", "consent", "building", "estate", "number_series"}
"""What happens to a person or to the estate stands in no unit's diary."""


def test_every_row_of_a_move_in_stands_in_the_diary_of_its_unit(session: Session) -> None:
    before = session.scalar(select(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(1)) or 0
    case = make.case_at(session, CaseState.COMPLETED)
    session.flush()
    found = session.execute(
        select(AuditEntry.record_type, AuditEntry.unit_id).where(AuditEntry.id > before).distinct()
    ).all()
    units = {(kind, unit) for kind, unit in found if kind not in OF_NO_UNIT}
    assert {unit for _kind, unit in units} == {case.unit_id}
    expected = {
        "unit", "tenure", "movein_case", "movein_paper_check", "movein_signature", "attachment", "bill", "bill_line",
        "inspection_round", "inspection_item", "meter", "meter_reading", "movein_key",
    }  # fmt: skip
    assert expected <= {kind for kind, _unit in units}
    assert {unit for kind, unit in found if kind in OF_NO_UNIT} <= {None}


def test_parts_find_their_unit_when_the_session_holds_nothing(session: Session) -> None:
    case = make.case_at(session, CaseState.COMPLETED)
    unit_id = case.unit_id
    signature = case.signatures[0]
    session.commit()
    session.expire_all()
    session.refresh(signature)
    pdf = FileStorage(io.BytesIO(b"%PDF-1.4\n%%EOF"), filename="scan.pdf")
    scan = attach(session, signature, pdf, kind="scan", actor=system_actor(estate_id=1))
    assert units_of(session, scan) == {unit_id}


def test_comments_stand_in_the_diary_and_those_on_persons_do_not(session: Session) -> None:
    case = make.new_case(session)
    of_case = add_comment(session, case, "约了周五", actor=make.SYSTEM)
    of_person = add_comment(session, case.owner, "下午来电", actor=make.SYSTEM)
    assert (of_case.unit_id, units_of(session, of_case)) == (case.unit_id, {case.unit_id})
    assert (of_person.unit_id, units_of(session, of_person)) == (None, {None})


def test_what_leaves_a_unit_leaves_a_line_in_its_diary(session: Session) -> None:
    unit = make.unit_of(session)
    bay = ParkingBay(estate_id=1, code="B1-007", tenure=BayTenure.RENTED, unit_id=unit.id)
    session.add(bay)
    session.flush()
    bay.unit_id, bay.tenure = None, BayTenure.NONE
    session.flush()
    assert units_of(session, bay) == {unit.id}
    owner = make.owner_of(session, unit)
    car = Vehicle(estate_id=1, person_id=owner.id, unit_id=unit.id, plate="京A12345")
    session.add(car)
    session.flush()
    session.delete(car)
    session.flush()
    assert units_of(session, car) == {unit.id}
