"""Who decides: the queue follows the estate's choice, which gives nobody a right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from markupsafe import escape
from sqlalchemy import select

from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.access.models import Account
from app.core.audit.models import AuditEntry
from app.core.clocks.models import WorkItem
from app.core.clocks.services import work_of
from app.core.records.refusals import FieldErrors
from app.core.workflow.models import Reviewer
from app.core.workflow.reviewers import set_reviewer, waiting_states
from app.core.workflow.table import Blocked
from app.modules.checks.models import RectificationNotice
from app.modules.checks.workflow import NOTICE
from app.modules.movein.states import CaseState as S
from app.modules.movein.workflow import CASE, MOVE_IN
from tests.movein import factories as make

SYSTEM = system_actor(estate_id=1)
ClientOf = Callable[[str], FlaskClient]


def account(session: Any, name: str) -> Account:
    found: Account = session.scalars(select(Account).where(Account.username == name)).one()
    return found


def choose(session: Any, state: str = "fees", workflow: str = "MoveInCase", **chosen: Any) -> Reviewer:
    return set_reviewer(session, workflow, state, **chosen, actor=SYSTEM)


def work(session: Any, case: Any) -> WorkItem:
    session.expire_all()
    found = work_of(session, case, CASE)
    assert found is not None
    return found


def test_open_work_moves_when_the_role_changes_and_comes_back(session: Any) -> None:
    case, other = make.case_at(session, S.FEES), make.case_at(session, S.DOCUMENTS)
    assert work(session, case).role == "cashier"
    work(session, case).assignee_id = account(session, "cashier").id
    row = choose(session, role="cs_supervisor")
    assert (work(session, case).role, work(session, case).assignee_id) == ("cs_supervisor", None)
    assert work(session, other).role == "receptionist"
    moved = session.scalars(select(AuditEntry).where(AuditEntry.kind == "work_moved")).one()
    assert (moved.record_id, moved.changes) == (row.id, {"moved": [None, 1]})
    choose(session)
    assert work(session, case).role == "cashier"


def test_work_that_arrives_later_follows_the_choice_and_leaves_the_person_with_the_state(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = account(session, "manager").id
    choose(session, "documents", person_id=person)
    case = make.case_at(session, S.DOCUMENTS)
    assert (work(session, case).role, work(session, case).assignee_id) == ("receptionist", person)
    open_gate = dataclasses.replace(MOVE_IN._by_name["pass_documents"], needs=())
    monkeypatch.setitem(MOVE_IN._by_name, "pass_documents", open_gate)
    MOVE_IN.fire(session, case, "pass_documents", actor=SYSTEM)
    assert (work(session, case).role, work(session, case).assignee_id) == ("receptionist", None)


def test_a_named_person_has_the_work_until_somebody_else_is_chosen(session: Any) -> None:
    case = make.case_at(session, S.FEES)
    manager, supervisor = account(session, "manager"), account(session, "cs_supervisor")
    choose(session, person_id=manager.id)
    assert (work(session, case).role, work(session, case).assignee_id) == ("cashier", manager.id)
    choose(session, person_id=supervisor.id)
    assert work(session, case).assignee_id == supervisor.id
    choose(session)
    assert (work(session, case).role, work(session, case).assignee_id) == ("cashier", None)


def test_a_named_person_who_may_no_longer_decide_counts_for_nothing(session: Any) -> None:
    manager = account(session, "manager")
    choose(session, "documents", person_id=manager.id)
    manager.active = False
    session.flush()
    case = make.case_at(session, S.DOCUMENTS)
    assert (work(session, case).role, work(session, case).assignee_id) == ("receptionist", None)
    place = next(p for p in waiting_states(session, 1)["MoveInCase"] if str(p.state) == "documents")
    assert (place.own, place.able) == (True, False)


@pytest.mark.parametrize(
    ("state", "chosen", "field"),
    [
        ("fees", {"role": "security"}, "role"),
        ("fees", {"role": "god"}, "role"),
        ("fees", {"person": "security"}, "person_id"),
        ("fees", {"person": "neighbour"}, "person_id"),
        ("fees", {"person": "manager", "role": "manager"}, "person_id"),
    ],
)
def test_only_who_holds_a_verb_of_the_state_is_chosen(
    session: Any, state: str, chosen: dict[str, str], field: str
) -> None:
    values: dict[str, Any] = dict(chosen)
    if "person" in values:
        values["person_id"] = account(session, values.pop("person")).id
    with pytest.raises(FieldErrors) as refused:
        choose(session, state, **values)
    assert list(refused.value.errors) == [field]
    assert session.scalars(select(Reviewer)).all() == []


def test_a_state_whose_record_names_the_addressee_is_not_set(session: Any, client_of: ClientOf) -> None:
    with pytest.raises(FieldErrors):
        choose(session, "served", "RectificationNotice", role="manager")
    with pytest.raises(NotAllowed):
        choose(session, "nowhere", role="manager")
    assert client_of("manager").get("/settings/reviewers/RectificationNotice/served").status_code == 404


def test_the_choice_gives_no_right_and_keeps_the_four_eyes_rule(session: Any, actor_of: Callable[[str], Actor]) -> None:
    supervisor = actor_of("cs_supervisor")
    choose(session, "answered", "RectificationNotice", person_id=supervisor.user_id)
    notice = RectificationNotice(
        estate_id=1, number="RE-1", state=NOTICE.initial, role="manager", answered_by_id=supervisor.user_id
    )
    with acting(supervisor):
        offer = next(t for t in NOTICE.transitions if t.name == "verify")
        assert [str(s) for need in offer.needs if (s := need(notice, supervisor))]
    cashier = actor_of("security")
    case = make.case_at(session, S.FEES)
    with acting(cashier), pytest.raises((NotAllowed, Blocked)):
        MOVE_IN.fire(session, case, "close_fees", actor=cashier)


def test_another_estate_keeps_its_own_way(session: Any) -> None:
    choose(session, role="manager")
    with acting(system_actor(estate_id=2)):
        assert not any(p.own for p in waiting_states(session, 2)["MoveInCase"])


def test_the_page_lists_every_waiting_state_and_the_form_sets_one(session: Any, client_of: ClientOf) -> None:
    case = make.case_at(session, S.FEES)
    session.commit()
    client = client_of("system_administrator")
    text = client.get("/settings/reviewers/").get_data(as_text=True)
    for place in [place for places in waiting_states(session, 1).values() for place in places]:
        assert str(escape(place.title)) in text
    form = client.get("/settings/reviewers/MoveInCase/fees").get_data(as_text=True)
    assert '<option value="cashier">' in form
    assert '<option value="security">' not in form
    address = "/settings/reviewers/MoveInCase/fees"
    assert client.post(address, data={"role": "security", "person_id": ""}).status_code == 422
    both = {"role": "manager", "person_id": str(account(session, "manager").id)}
    assert client.post(address, data=both).status_code == 422
    answer = client.post(address, data={"role": "manager", "person_id": ""}, follow_redirects=True)
    assert "open work has moved" in answer.get_data(as_text=True)
    assert work(session, case).role == "manager"
    row = session.scalars(select(Reviewer)).one()
    assert client.get(f"/timeline/workflow_reviewer/{row.id}").status_code == 200
    assert "moved the open work" in client.get(address).get_data(as_text=True)
    assert client_of("receptionist").get("/settings/reviewers/").status_code == 404
    assert client_of("receptionist").post(address, data={"role": "manager"}).status_code == 404
