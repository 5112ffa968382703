"""Whatever people of any role try in whatever order, a renovation never reaches a state that may not be."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect
from werkzeug.datastructures import FileStorage

from app.core.access.actor import NotAllowed
from app.core.access.roles import Role
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked
from app.modules.fees.queries import standing_bills
from app.modules.renovation import completion, passes, services
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_workflow import PASS, WORKER
from app.modules.renovation.settlement_workflow import SETTLEMENT
from app.modules.renovation.states import APPROVED, DONE, OPEN_VIOLATIONS, OUT, SITE, PassState, SettlementState
from app.modules.renovation.states import RenovationState as S
from app.modules.renovation.states import ViolationState as V
from app.modules.renovation.states import WorkerState as W
from app.modules.renovation.violation_workflow import VIOLATION
from app.modules.renovation.workflow import RENOVATION
from tests.renovation.factories import (
    PNG,
    applied,
    bill_of,
    complete,
    good,
    pay,
    person,
    violation_of,
    worker_of,
)

REFUSALS = (NotAllowed, Blocked, FieldErrors, InvalidValue)
ASKED = ("opinion", "reason", "remark", "condition", "authority", "receipt", "receiver")
INPUTS = dict.fromkeys(ASKED, "事由") | {"method": "posted"}


def newest(rows):
    return rows[-1] if rows else None


def try_transition(session, workflow, record, name, actor):
    if record is not None:
        workflow.fire(session, record, name, actor=actor, inputs=INPUTS)


def commands(session, renovation: Renovation):
    """Every command on a renovation and what hangs on it, by name: functions of the acting person."""
    today = estate_today(session, 1)
    found = {f"renovation.{t.name}": (RENOVATION, lambda: renovation, t.name) for t in RENOVATION.transitions}
    found |= {f"pass.{t.name}": (PASS, lambda: newest(renovation.passes), t.name) for t in PASS.transitions}
    found |= {f"worker.{t.name}": (WORKER, lambda: newest(renovation.workers), t.name) for t in WORKER.transitions}
    found |= {
        f"violation.{t.name}": (VIOLATION, lambda: newest(renovation.violations), t.name) for t in VIOLATION.transitions
    }
    found |= {
        f"settlement.{t.name}": (SETTLEMENT, lambda: renovation.settlement, t.name) for t in SETTLEMENT.transitions
    }
    moves = {
        key: lambda actor, way=way: try_transition(session, way[0], way[1](), way[2], actor)
        for key, way in found.items()
    }

    def issue(actor):
        worker = newest(renovation.workers)
        if worker is not None:
            passes.issue_pass(session, worker, valid_from=today, valid_to=today + timedelta(days=20), actor=actor)

    def deduct(actor):
        if renovation.settlement is not None:
            evidence = FileStorage(io.BytesIO(PNG), "e.png", content_type="image/png")
            completion.deduct(
                session,
                renovation.settlement,
                reason="划痕",
                clause="第八条",
                amount=Decimal(500),
                evidence=evidence,
                actor=actor,
            )

    def identify(actor):
        if renovation.settlement is not None:
            renovation.settlement.id_checked = True
            session.flush()

    return moves | {
        "complete": lambda actor: complete(session, renovation) and None,
        "bill": lambda actor: bill_of(session, renovation) and None,
        "pay": lambda actor: [pay(session, bill) for bill in standing_bills(session, renovation) if bill.open] and None,
        "worker": lambda actor: worker_of(session, renovation) and None,
        "issue": issue,
        "extend": lambda actor: services.extend_permit(
            session, renovation, last_day=(renovation.permit_to or today) + timedelta(days=5), reason="延期", actor=actor
        ),
        "violation": lambda actor: violation_of(session, renovation) and None,
        "grave violation": lambda actor: violation_of(session, renovation, "R05-1", stop_work=True) and None,
        "inspect": lambda actor: completion.inspect(session, renovation, points=good(), actor=actor) and None,
        "inspect badly": lambda actor: completion.inspect(
            session, renovation, points=good(waste="violation"), findings="垃圾", actor=actor
        ) and None,
        "settle": lambda actor: completion.begin_settlement(session, renovation, actor=actor) and None,
        "deduct": deduct,
        "identify": identify,
    }  # fmt: skip


def nothing_impossible(renovation: Renovation) -> None:
    """What may never be, whatever happened."""
    if renovation.state in APPROVED:
        decider = renovation.approved_by_id
        assert decider and decider not in (renovation.created_by_id, renovation.submitted_by_id)
        assert renovation.reviewed_by_id not in (None, renovation.created_by_id, renovation.submitted_by_id)
    if renovation.state in (*SITE, *DONE):
        assert renovation.permit_no and renovation.paid_at
    for one in renovation.passes:
        assert renovation.permit_from <= one.valid_from <= one.valid_to <= renovation.permit_to
        assert (one.valid_to - one.valid_from).days < 30
        assert one.worker.state in (W.VERIFIED, W.LEFT)
    valid = [one.worker_id for one in renovation.passes if one.state == PassState.VALID]
    assert len(valid) == len(set(valid))
    if renovation.state in DONE:
        assert renovation.accepted_on and not [one for one in renovation.passes if one.state in OUT]
    if renovation.state == S.ACCEPTED:
        assert not [
            v
            for v in renovation.violations
            if v.state in OPEN_VIOLATIONS and v.found_at < renovation.inspections[-1].inspected_at
        ]
    for violation in renovation.violations:
        assert (violation.state == V.CLEARED) == (violation.cleared_at is not None)
    settlement = renovation.settlement
    if settlement is not None:
        assert renovation.accepted_on == settlement.accepted_on
        assert settlement.refund == settlement.deposit - settlement.deducted >= 0
        if settlement.state == SettlementState.PAID:
            assert settlement.approved_by_id not in (None, settlement.created_by_id, settlement.checked_by_id)


WAY = (
    "complete", "renovation.submit", "renovation.pass_intake", "renovation.pass_review", "renovation.approve", "bill", "pay",
    "renovation.confirm_payment", "worker", "worker.verify", "issue", "renovation.begin", "renovation.request_acceptance",
    "pass.take_back", "inspect", "settle", "settlement.check", "settlement.approve", "identify", "settlement.pay", "renovation.settle",
)  # fmt: skip
"""The usual way: random commands are thrown in between, so that late states are reached too."""


@pytest.mark.slow
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_random_commands_by_random_people_never_reach_an_impossible_state(session, data):
    from app.core.access.actor import acting

    people = {role.value: person(session, role.value) for role in Role}
    outer = session.begin_nested()
    renovation = applied(session)
    names = sorted(commands(session, renovation))
    thrown_in, steps = st.tuples(st.sampled_from(names), st.sampled_from(sorted(people))), []
    for usual in WAY[: data.draw(st.integers(1, len(WAY)))]:
        steps += [(usual, None), *data.draw(st.lists(thrown_in, max_size=2))]
    for name, who in steps:
        actor = people[who] if who else next(
            (a for a in people.values() if _may(name, a)), people["manager"]
        )  # fmt: skip
        step = session.begin_nested()
        try:
            with acting(actor):
                commands(session, renovation)[name](actor)
                session.flush()
            step.commit()
        except REFUSALS:
            step.rollback()
        session.expire_all()
        nothing_impossible(renovation)
    assert inspect(renovation).persistent
    outer.rollback()


def _may(name: str, actor) -> bool:
    tables = {
        "renovation": RENOVATION,
        "pass": PASS,
        "worker": WORKER,
        "settlement": SETTLEMENT,
        "violation": VIOLATION,
    }
    table, _dot, move = name.partition(".")
    if move:
        verb = next(t.verb for t in tables[table].transitions if t.name == move)
        return actor.may(verb, tables[table].resource)
    resources = {
        "issue": ("issue", "TemporaryPass"),
        "inspect": ("inspect", "Renovation"),
        "settle": ("create", "RenovationSettlement"),
    }
    return name in resources and actor.may(*resources[name])


def test_the_usual_way_ends_settled(session):
    """The random test means something: undisturbed, its way reaches the end."""
    from app.core.access.actor import acting

    renovation = applied(session)
    people = [person(session, role.value) for role in Role]
    for name in WAY:
        actor = next((a for a in people if _may(name, a)), people[0])
        with acting(actor):
            commands(session, renovation)[name](actor)
        session.expire_all()
        nothing_impossible(renovation)
    assert renovation.state is S.SETTLED
