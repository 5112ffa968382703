"""Repeated problems open one corrective action, and only one (RN-17)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.access.actor import acting, system_actor
from app.core.messages.models import Notice
from app.core.records.base import now
from app.modules.checks.models import CorrectiveAction
from app.modules.checks.states import ActionSource, ActionState, Severity
from app.modules.checks.workflow import ACTION
from tests.checks.factories import SYSTEM, action_of, add_cause, category_of, finding_of


@pytest.mark.clause("RN-17")
def test_the_second_finding_within_ninety_days_opens_an_action(session):
    first = finding_of(session)
    assert first.action is None
    finding_of(session, category="late")  # another category does not count
    second = finding_of(session, severity=Severity.CRITICAL)
    action = second.action
    assert action is not None and first.action is action and action.source == ActionSource.REPEATED
    assert action.severity == Severity.CRITICAL and first.number in action.description
    assert finding_of(session).action is action
    assert session.scalar(select(func.count()).select_from(CorrectiveAction)) == 1


@pytest.mark.clause("RN-17")
def test_findings_too_far_apart_are_not_repeated(session):
    first = finding_of(session)
    first.found_at = now() - timedelta(days=91)
    session.flush()
    assert finding_of(session).action is None
    first.found_at = now() - timedelta(days=89)
    session.flush()
    assert finding_of(session).action is not None


def test_the_estate_sets_how_often_and_how_long(session):
    category = category_of(session)
    category.repeat_count, category.repeat_days = 3, 10
    session.flush()
    assert [finding_of(session).action is None for _n in range(3)] == [True, True, False]


def test_what_is_taken_back_does_not_count(session):
    from app.modules.checks.services import revoke_finding

    revoke_finding(session, finding_of(session), reason="Mistake", actor=SYSTEM)
    assert finding_of(session).action is None


def test_a_problem_that_comes_back_after_the_end_opens_the_next(session):
    finding_of(session)
    action = finding_of(session).action
    from app.modules.checks.services import correct

    correct(session, action, correction="Done", actor=SYSTEM)
    add_cause(session, action)
    ACTION.fire(session, action, "analyse", actor=SYSTEM)
    ACTION.fire(session, action, "withdraw", actor=SYSTEM, inputs={"reason": "Wrong category"})
    following = finding_of(session).action
    assert following is not None and following is not action


def test_a_finding_joins_an_action_opened_by_hand(session):
    action = action_of(session)
    assert finding_of(session).action is action
    assert action.state == ActionState.OPEN


def test_the_neighbours_findings_are_their_own(session):
    finding_of(session)
    with acting(system_actor(estate_id=2)) as system:
        from app.modules.estates.models import Building, Unit

        building = Building(estate_id=2, code="N1")
        unit = Unit(estate_id=2, building=building, number="101", code="N1-1-101")
        session.add(unit)
        session.flush()
        assert finding_of(session, unit, actor=system).action is None


def test_department_and_manager_are_told(session):
    finding_of(session)
    action = finding_of(session).action
    told = session.scalars(select(Notice).where(Notice.event == "check.capa_opened")).all()
    assert len(told) == 2 and action is not None
