"""Commands for many defects, services and units at once, each by its own service (MI-09, MI-11)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.core.comments.models import Comment
from app.core.records.clock import estate_today
from app.modules.movein import inspection
from app.modules.movein.states import CaseState, DefectState
from tests.movein import factories as make


@pytest.fixture
def defect(session):
    (defect,) = make.case_at(session, CaseState.KEYS, defects=True).defects
    session.commit()
    return defect


@pytest.mark.clause("MI-11")
def test_defects_get_a_new_deadline_with_a_reason_and_only_a_later_one(session, client_of, defect):
    inspector, later = client_of("inspector"), estate_today(session, 1) + timedelta(days=90)
    sent = {"pk": defect.id, "sure": "yes", "due_on": str(later), "reason": "The window is delivered late"}
    assert client_of("receptionist").post("/defects/bulk/postpone", data=sent).status_code == 404
    assert inspector.post("/defects/bulk/postpone", data={**sent, "reason": ""}).status_code == 422
    assert inspector.post("/defects/bulk/postpone", data=sent).status_code == 302
    session.expire_all()
    assert defect.due_on == later
    assert session.scalars(select(Comment.text)).all() == ["The window is delivered late"]
    answer = inspector.post("/defects/bulk/postpone", data=sent)
    assert "must be later than the present one" in inspector.get(answer.location).text


@pytest.mark.clause("MI-11")
def test_defects_are_reported_and_re_inspected_in_bulk_by_those_who_may(session, client_of, defect):
    technician, inspector = client_of("technician"), client_of("inspector")
    sent = {"pk": defect.id, "sure": "yes"}
    answer = inspector.post("/defects/bulk/right", data=sent)
    assert "not waiting for re-inspection" in inspector.get(answer.location).text
    assert technician.post("/defects/bulk/right", data=sent).status_code == 404
    technician.post("/defects/bulk/fixed", data=sent)
    session.expire_all()
    assert (defect.state, defect.fixed_on) == (DefectState.FIXED, estate_today(session, 1))
    inspector.post("/defects/bulk/right", data={**sent, "note": "Clean"})
    session.expire_all()
    assert (defect.state, defect.recheck_note) == (DefectState.VERIFIED, "Clean")


def test_overdue_defects_are_those_still_open(session, client_of, defect):
    manager = client_of("manager")
    defect.due_on = estate_today(session, 1) - timedelta(days=1)
    session.commit()
    assert defect.description in manager.get("/defects/?due_on.is=overdue").text
    inspection.report_fixed(session, defect, actor=make.SYSTEM)
    session.commit()
    assert defect.description not in manager.get("/defects/?due_on.is=overdue").text


def test_units_get_what_is_filled_in_and_keep_the_rest(session, client_of, defect):
    clerk, unit = client_of("receptionist"), defect.unit
    before = unit.delivery_type
    sent = {"pk": unit.id, "sure": "yes", "handover_date": "2026-03-01"}
    assert clerk.post("/units/bulk/facts", data=sent).status_code in (302, 404)
    manager = client_of("manager")
    manager.post("/units/bulk/facts", data=sent)
    session.expire_all()
    assert (unit.handover_date, unit.delivery_type) == (date(2026, 3, 1), before)
    answer = manager.post("/units/bulk/facts", data={"pk": unit.id, "sure": "yes"})
    assert "Fill in what is to be set." in manager.get(answer.location).text
