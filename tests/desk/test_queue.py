"""The queue on screen: the home page and /work, decisions and passing on in place, counts, keys, delegations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.models import Account, LoginSession
from app.core.audit.models import AuditEntry
from app.core.clocks import services as clocks
from app.core.clocks.models import Deadline, Delegation, WorkItem
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.modules.movein import services
from app.modules.movein.models import EntrustedService, MoveInCase
from app.modules.movein.states import CaseState, ServiceState
from app.modules.movein.workflow import CASE
from tests.movein import factories as make

ClientOf = Callable[[str], FlaskClient]
HTMX = {"HX-Request": "true"}


@pytest.fixture
def case(session: Session) -> MoveInCase:
    made = make.new_case(session)
    session.commit()
    return made


@pytest.fixture
def work(session: Session, case: MoveInCase) -> WorkItem:
    found = clocks.work_of(session, case, CASE)
    assert found is not None
    return found


def page(client: FlaskClient, path: str, **more: object) -> str:
    answer = client.get(path, **more)  # type: ignore[arg-type]
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def holder(session: Session, work: WorkItem) -> str:
    session.expire_all()
    return work.assignee.username if work.assignee else ""


def test_the_home_page_shows_what_waits_for_the_role(work: WorkItem, case: MoveInCase, client_of: ClientOf) -> None:
    home = page(client_of("receptionist"), "/")
    assert case.number in home and case.unit.code in home
    assert "Papers are in order" in home
    assert "working" not in home
    assert case.number not in page(client_of("cashier"), "/?tab=role")  # another role's work …
    assert case.number in page(client_of("cashier"), "/?tab=all")  # … is under “All”
    assert case.number not in page(client_of("neighbour"), "/?tab=all")


def test_work_can_be_looked_for_by_kind_and_lateness(
    session: Session, work: WorkItem, case: MoveInCase, client_of: ClientOf
) -> None:
    client = client_of("receptionist")
    assert case.number in page(client, "/queue/?tab=role&kind=movein.case")
    assert case.number not in page(client, "/queue/?tab=role&kind=movein.defect")
    assert case.number not in page(client, "/queue/?tab=role&late=1")
    work.rank_at = now() - timedelta(days=1)
    session.commit()
    late = page(client, "/queue/?tab=role&late=1")
    assert case.number in late and "overdue by" in late


def test_more_lines_come_as_a_part(session: Session, client_of: ClientOf) -> None:
    for number in range(30):
        session.add(
            WorkItem(
                estate_id=1,
                kind=CASE,
                record_type="movein_case",
                record_id=5000 + number,
                label=f"W{number}",
                role="cashier",
            )
        )
    session.commit()
    client = client_of("cashier")
    first = page(client, "/")
    more = re.search(r'hx-get="([^"]*after=[^"]*)"', first)
    assert more
    rest = page(client, more[1].replace("&amp;", "&"), headers=HTMX)
    assert "<html" not in rest
    assert rest.count('class="gj-work"') == 5
    assert first.count('class="gj-work"') == 25


def test_a_page_costs_the_same_however_much_is_listed(
    session: Session, client_of: ClientOf, sql_count: SimpleNamespace
) -> None:
    client = client_of("receptionist")
    seen = []
    for _again in range(2):
        for _one in range(4):
            make.new_case(session)
        session.commit()
        page(client, "/queue/?tab=role")
        sql_count.reset()
        page(client, "/queue/?tab=role")
        seen.append(len(sql_count.statements))
    assert seen[0] == seen[1] <= 6


def test_an_opened_line_shows_facts_clocks_and_what_is_possible(
    work: WorkItem, case: MoveInCase, client_of: ClientOf
) -> None:
    line = page(client_of("receptionist"), f"/queue/{work.id}", headers=HTMX)
    assert "<html" not in line
    assert case.owner.name in line
    assert "Step of the move-in procedure" in line
    assert "Not possible yet" in line  # the papers were not looked at
    whole = page(client_of("receptionist"), f"/queue/{work.id}")
    assert "<html" in whole and "Hand over" in whole


def test_foreign_and_unreadable_work_does_not_exist(work: WorkItem, client_of: ClientOf) -> None:
    for username in ("neighbour", "security"):
        client = client_of(username)
        assert client.get(f"/queue/{work.id}").status_code == 404
        assert client.post(f"/queue/{work.id}/take").status_code == 404
    assert client_of("cashier").post(f"/queue/{work.id}/take").status_code == 404  # reads it, but it is not their work


def test_two_take_at_once_and_one_is_told(session: Session, work: WorkItem, client_of: ClientOf) -> None:
    first = client_of("receptionist").post(f"/queue/{work.id}/take", data={"holder": ""}, headers=HTMX)
    assert first.status_code == 200 and "Receptionist" in first.get_data(as_text=True)
    second = client_of("manager").post(f"/queue/{work.id}/take", data={"holder": ""}, headers=HTMX)
    assert second.status_code == 422
    assert "Receptionist took this work a moment ago." in second.get_data(as_text=True)
    assert holder(session, work) == "receptionist"


def test_a_decision_is_made_on_the_line(session: Session, client_of: ClientOf) -> None:
    case = make.case_at(session, CaseState.REFUSED)
    session.commit()
    work = clocks.work_of(session, case, CASE)
    assert work is not None and work.role == "cs_supervisor"
    client = client_of("cs_supervisor")
    line = page(client, f"/queue/{work.id}", headers=HTMX)
    version = re.search(r'name="version" value="(\d+)"', line)
    assert version and "Start re-inspection" in line
    form = {"version": version[1], "submit_token": "token-of-this-form"}
    answer = client.post(f"/queue/{work.id}/do/reinspect", data=form, headers=HTMX)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and "Done: Start re-inspection." in text
    assert "Accompanying inspector" in text  # the line tells whose turn it is now
    assert "token-of-this-form" not in text  # the forms drawn now are new ones
    again = client.post(
        f"/queue/{work.id}/do/reinspect", data=form, headers=HTMX
    )  # the same form twice is one decision
    assert again.status_code == 200
    session.expire_all()
    assert case.state == CaseState.INSPECTION and len(case.rounds) == 2
    stale = client.post(f"/queue/{work.id}/do/withdraw", data={"version": version[1], "reason": "x"}, headers=HTMX)
    assert stale.status_code == 422 and "Somebody else just changed this" in stale.get_data(as_text=True)


def test_a_refused_decision_says_why_and_keeps_what_was_typed(
    session: Session, work: WorkItem, client_of: ClientOf
) -> None:
    client = client_of("manager")
    answer = client.post(f"/queue/{work.id}/do/pass_documents", headers=HTMX)
    assert answer.status_code == 422 and 'role="alert"' in answer.get_data(as_text=True)
    missing = client.post(f"/queue/{work.id}/do/withdraw", data={"reason": ""}, headers=HTMX).get_data(as_text=True)
    assert "must be filled in" in missing
    assert client.post(f"/queue/{work.id}/do/nonsense", headers=HTMX).status_code == 404
    assert (
        client_of("receptionist").post(f"/queue/{work.id}/do/withdraw", data={"reason": "x"}, headers=HTMX).status_code
        == 404
    )


def test_commands_stand_on_the_line_of_records_without_a_workflow(
    session: Session, case: MoveInCase, client_of: ClientOf
) -> None:
    person = session.scalars(select(Account).where(Account.username == "technician")).one()
    from app.modules.movein.inspection import items_of

    code = next(e.code for e in items_of(session, "entrusted_services") if e.data["charge"] != "paid")
    service = services.entrust(session, case, code=code, assignee_id=person.id, actor=make.SYSTEM)
    session.commit()
    work = clocks.work_of(session, service, "movein.service")
    assert work is not None
    client = client_of("technician")
    assert "1</span>" in page(client, "/queue/counts", headers=HTMX)
    assert "Finish" in page(client, f"/queue/{work.id}", headers=HTMX)
    refused = client.post(f"/queue/{work.id}/do/finish", data={"result": " "}, headers=HTMX)
    assert refused.status_code == 422 and "must be filled in" in refused.get_data(as_text=True)
    assert client.post(f"/queue/{work.id}/do/finish", data={"result": "water on"}, headers=HTMX).status_code == 200
    session.expire_all()
    found = session.get(EntrustedService, service.id)
    assert found is not None and found.state == ServiceState.DONE
    assert client.post(f"/queue/{work.id}/do/finish", data={"result": "again"}, headers=HTMX).status_code == 422


def test_handing_over_and_waiting_work_without_scripts(session: Session, work: WorkItem, client_of: ClientOf) -> None:
    client = client_of("receptionist")
    cashier = session.scalars(select(Account).where(Account.username == "cashier")).one()
    none = client.post(f"/queue/{work.id}/hand-over", data={"person": ""})
    assert none.status_code == 422 and "Choose a colleague." in none.get_data(as_text=True)
    answer = client.post(f"/queue/{work.id}/hand-over", data={"person": cashier.id, "note": "please"})
    assert answer.status_code == 302 and answer.location.endswith(f"/queue/{work.id}")
    assert holder(session, work) == "cashier"
    answer = client.post(f"/queue/{work.id}/take", data={"holder": cashier.id, "next": "/queue/?tab=role"})
    assert answer.location == "/queue/?tab=role"
    clock = session.scalars(select(Deadline).where(Deadline.item_id == work.id)).one()
    answer = client.post(
        f"/queue/{work.id}/clocks/{clock.id}/pause", data={"reason": "owner brings the contract"}, headers=HTMX
    )
    assert "paused: owner brings the contract" in answer.get_data(as_text=True)
    assert client.post(f"/queue/{work.id}/clocks/{clock.id}/resume", headers=HTMX).status_code == 200
    early = client.post(f"/queue/{work.id}/clocks/{clock.id}/explain", data={"reason": "x"}, headers=HTMX)
    assert early.status_code == 422 and "has not passed" in early.get_data(as_text=True)
    assert client.post(f"/queue/{work.id}/clocks/999999/pause", data={"reason": "x"}, headers=HTMX).status_code == 422


def test_counts_ask_little_and_keep_no_session_alive(
    session: Session, work: WorkItem, client_of: ClientOf, sql_count: SimpleNamespace
) -> None:
    client = client_of("receptionist")
    client.post(f"/queue/{work.id}/take", data={"holder": ""}, headers=HTMX)
    session.execute(LoginSession.__table__.update().values(expires_at=now() + timedelta(minutes=5)))
    session.commit()
    before = session.scalars(select(LoginSession.expires_at)).all()
    sql_count.reset()
    shown = page(client, "/queue/counts", headers=HTMX)
    assert len(sql_count.statements) <= 5
    assert "Open work of mine" in shown and "Overdue work of mine" not in shown
    session.expire_all()
    assert session.scalars(select(LoginSession.expires_at)).all() == before
    session.execute(LoginSession.__table__.delete())
    session.commit()
    answer = client.get("/queue/counts", headers=HTMX)
    assert (answer.status_code, answer.get_data()) == (286, b"")  # the page stops asking and stays where it is


def test_a_delegation_is_entered_seen_and_ended(session: Session, work: WorkItem, client_of: ClientOf) -> None:
    today = estate_today(session, 1)
    security = session.scalars(select(Account).where(Account.username == "security")).one()
    client = client_of("receptionist")
    client.post(f"/queue/{work.id}/take", data={"holder": ""})
    assert client_of("security").get(f"/queue/{work.id}").status_code == 404
    form = {"delegate_id": security.id, "from_on": today.isoformat(), "until_on": today.isoformat(), "reason": "leave"}
    assert client.post("/delegations/new", data=form).status_code == 302
    entry = session.scalars(select(Delegation)).one()
    deputy = client_of("security")
    assert "for Receptionist" in page(deputy, "/?tab=mine")
    assert deputy.get(f"/move-ins/{work.record_id}").status_code == 200
    assert "Receptionist" in page(deputy, "/delegations/")
    assert page(client_of("manager"), f"/delegations/{entry.id}")
    for stranger in ("cashier", "neighbour"):
        assert client_of(stranger).get(f"/delegations/{entry.id}").status_code == 404
        assert client_of(stranger).post(f"/delegations/{entry.id}/end").status_code == 404
    assert deputy.post(f"/delegations/{entry.id}/end").status_code == 404
    assert client.post(f"/delegations/{entry.id}/end").status_code == 302
    assert client_of("security").get(f"/move-ins/{work.record_id}").status_code == 404
    again = client.post("/delegations/new", data={**form, "until_on": "2020-01-01"})
    assert again.status_code == 422 and "last day lies before the first" in again.get_data(as_text=True)


def test_who_acts_is_found_with_one_statement_also_for_deputies(
    session: Session, work: WorkItem, client_of: ClientOf, sql_count: SimpleNamespace
) -> None:
    client = client_of("security")
    page(client, "/queue/?tab=mine")
    sql_count.reset()
    page(client, "/queue/?tab=mine")
    alone = len(sql_count.statements)
    for username in ("receptionist", "cashier"):
        person = session.scalars(select(Account).where(Account.username == username)).one()
        deputy = session.scalars(select(Account).where(Account.username == "security")).one()
        today = estate_today(session, 1)
        session.add(
            Delegation(estate_id=1, delegator_id=person.id, delegate_id=deputy.id, from_on=today, until_on=today)
        )
    session.commit()
    sql_count.reset()
    page(client, "/queue/?tab=mine")
    assert len(sql_count.statements) == alone


def test_what_a_deputy_does_stands_in_the_log_with_both_names(session: Session, client_of: ClientOf) -> None:
    case = make.case_at(session, CaseState.REFUSED)
    person, deputy = (
        session.scalars(select(Account).where(Account.username == name)).one() for name in ("cs_supervisor", "cashier")
    )
    today = estate_today(session, 1)
    session.add(Delegation(estate_id=1, delegator_id=person.id, delegate_id=deputy.id, from_on=today, until_on=today))
    session.commit()
    work = clocks.work_of(session, case, CASE)
    assert work is not None
    assert client_of("cashier").post(f"/queue/{work.id}/do/reinspect", headers=HTMX).status_code == 200
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.kind == "transition", AuditEntry.actor_id == deputy.id)
    ).one()
    assert entry.actor_name == "Cashier (for Cs Supervisor)"


def test_every_page_explains_its_keys_and_asks_for_the_counts(client_of: ClientOf) -> None:
    home = page(client_of("superior"), "/")
    assert 'id="help"' in home and "Next and previous line of the queue" in home
    assert 'hx-get="/queue/counts"' in home
