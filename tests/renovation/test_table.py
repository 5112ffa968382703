"""State × role × transition: who may do what where in a renovation, against a table written from the procedure (RN-01 … RN-13)."""

from __future__ import annotations

import pytest

from app.core.access.actor import NotAllowed
from app.core.access.roles import Role
from app.core.workflow.table import Blocked
from app.modules.renovation import completion
from app.modules.renovation.states import RenovationState as S
from app.modules.renovation.workflow import RENOVATION
from tests.renovation.factories import accepted, applied, approved, fire, good, paid, person, submitted, under_way

COUNTER = {Role.RECEPTIONIST, Role.CS_SUPERVISOR, Role.MANAGER}
EQUIPMENT, MANAGER, CASHIER = {Role.EQUIPMENT_SUPERVISOR}, {Role.MANAGER}, {Role.CASHIER}
SITE = {Role.SITE_ADMINISTRATOR, Role.SITE_SUPERVISOR}
LEADERS = {Role.CS_SUPERVISOR, Role.MANAGER}
INSPECTORS = {*SITE, Role.EQUIPMENT_SUPERVISOR, Role.MANAGER}
FILING = {Role.DOCUMENT_ADMINISTRATOR, *LEADERS}
WITHDRAW = {"withdraw": (LEADERS, S.WITHDRAWN)}

EXPECTED = {
    S.DRAFT: {"submit": (COUNTER, S.INTAKE)} | WITHDRAW,
    S.RETURNED: {"submit": (COUNTER, S.INTAKE)} | WITHDRAW,
    S.INTAKE: {"pass_intake": (COUNTER, S.TECHNICAL), "return_intake": (COUNTER, S.RETURNED)} | WITHDRAW,
    S.TECHNICAL: {
        "pass_review": (EQUIPMENT, S.APPROVAL), "pass_review_with_conditions": (EQUIPMENT, S.APPROVAL),
        "return_review": (EQUIPMENT, S.RETURNED),
    } | WITHDRAW,
    S.APPROVAL: {
        "approve": (MANAGER, S.PAYMENT), "approve_with_conditions": (MANAGER, S.PAYMENT),
        "return_approval": (MANAGER, S.RETURNED), "reject": (MANAGER, S.REJECTED),
    } | WITHDRAW,
    S.PAYMENT: {"confirm_payment": (CASHIER, S.PASSES)} | WITHDRAW,
    S.PASSES: {"begin": (LEADERS, S.UNDER_WAY)} | WITHDRAW,
    S.UNDER_WAY: {"stop": (SITE | LEADERS, S.SUSPENDED), "request_acceptance": (COUNTER | SITE, S.ACCEPTANCE)},
    S.SUSPENDED: {"resume": (LEADERS, S.UNDER_WAY)},
    S.ACCEPTANCE: {"accept": (INSPECTORS, S.ACCEPTED), "fail": (INSPECTORS, S.RECTIFICATION)},
    S.RECTIFICATION: {"request_acceptance": (COUNTER | SITE, S.ACCEPTANCE)},
    S.ACCEPTED: {"settle": (FILING, S.SETTLED)},
    S.SETTLED: {"archive": (FILING, S.ARCHIVED)},
    S.ARCHIVED: {}, S.REJECTED: {}, S.WITHDRAWN: {},
}  # fmt: skip
"""What leads out of each state, who may make it, and where it leads."""

BLOCKED = {
    S.DRAFT: {"submit": "Missing"}, S.PAYMENT: {"confirm_payment": "No bill"}, S.PASSES: {"begin": "No worker"},
    S.ACCEPTANCE: {"accept": "inspection", "fail": "inspection"}, S.ACCEPTED: {"settle": "deposits"},
}  # fmt: skip
"""What the record as :func:`at_state` makes it still lacks, by a word of the sentence."""


def at_state(session, state: S):
    """A renovation that came to ``state`` in the usual way, with nothing done for the next step."""
    match state:
        case S.DRAFT:
            return applied(session)
        case S.INTAKE:
            return submitted(session)
        case S.RETURNED:
            return fire(session, submitted(session), "return_intake", opinion="图纸不清")
        case S.TECHNICAL:
            return fire(session, submitted(session), "pass_intake")
        case S.APPROVAL:
            return fire(session, submitted(session), "pass_intake", "pass_review")
        case S.REJECTED:
            return fire(session, at_state(session, S.APPROVAL), "reject", opinion="拆承重墙")
        case S.WITHDRAWN:
            return fire(session, applied(session), "withdraw", reason="不装了")
        case S.PAYMENT:
            return approved(session)
        case S.PASSES:
            return paid(session)
        case S.UNDER_WAY:
            return under_way(session)
        case S.SUSPENDED:
            return fire(session, under_way(session), "stop", reason="无灭火器")
        case S.ACCEPTANCE:
            return fire(session, under_way(session), "request_acceptance")
        case S.RECTIFICATION:
            renovation = at_state(session, S.ACCEPTANCE)
            badly = good(waste="violation")
            completion.inspect(
                session, renovation, points=badly, findings="垃圾", actor=person(session, "site_supervisor")
            )
            return renovation
        case S.ACCEPTED:
            return accepted(session)
    renovation = accepted(session)
    settlement = completion.begin_settlement(session, renovation, actor=person(session, "receptionist"))
    for name, who in (("check", "cs_supervisor"), ("approve", "manager")):
        completion.SETTLEMENT.fire(session, settlement, name, actor=person(session, who))
    completion.identify_payee(session, settlement, actor=person(session, "cashier"))
    completion.SETTLEMENT.fire(session, settlement, "pay", actor=person(session, "cashier"))
    return fire(session, renovation, *(("settle", "archive") if state is S.ARCHIVED else ("settle",)))


def test_the_table_says_something_of_every_transition():
    assert set(EXPECTED) == set(S)
    assert {name for offered in EXPECTED.values() for name in offered} == {t.name for t in RENOVATION.transitions}


@pytest.mark.clause("RN-03")
@pytest.mark.parametrize("state", list(S))
def test_who_may_do_what_where(session, actor_of, state):
    """Nobody but the named roles is offered a step or makes it, and a step out of another state is made by nobody."""
    renovation = at_state(session, state)
    assert renovation.state is state
    asked = dict.fromkeys(("opinion", "reason"), "事由")
    for role in Role:
        actor = actor_of(role.value)
        expected = {name: target for name, (who, target) in EXPECTED[state].items() if role in who}
        offers = {offer.transition.name: offer for offer in RENOVATION.offers(renovation, actor)}
        assert set(offers) == set(expected), role
        for transition in RENOVATION.transitions:
            name = transition.name
            lacking = BLOCKED.get(state, {}).get(name) if name in expected else None
            if name in expected and lacking is None:
                assert offers[name].possible, (role, name, offers[name].blockers)
                step = session.begin_nested()
                RENOVATION.fire(session, renovation, name, actor=actor, inputs=asked)
                assert renovation.state is expected[name]
                step.rollback()
                session.expire_all()
                continue
            with pytest.raises((NotAllowed, Blocked), match=lacking):
                RENOVATION.fire(session, renovation, name, actor=actor, inputs=asked)
            assert renovation.state is state
