"""The whole timeline of a record and the diary of a unit: plain words, filter, pages, print, rights, few statements."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, acting
from app.core.access.models import Account
from app.core.audit.log import record_event
from app.core.audit.models import AuditEntry
from app.core.comments.services import add_comment
from app.fab import timeline as timelines
from app.fab.timeline import About, Filter, read, timeline
from app.modules.estates.models import DeliveryType, Unit
from app.modules.estates.services import add_meter
from app.modules.fees.models import Bill
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState
from tests.movein import factories as make


@pytest.fixture
def unit(session: Session) -> Unit:
    return make.unit_of(session)


@pytest.fixture
def case(session: Session) -> MoveInCase:
    """A move-in that is over, with bill, inspection, signatures and keys, committed."""
    made = make.case_at(session, CaseState.COMPLETED)
    session.commit()
    return made


def page_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def said(page: str) -> str:
    """The text of a page, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def lines_in(page: str) -> int:
    return page.count('class="gj-dot"')


def entry_of(unit: Unit, number: int, **values: object) -> dict[str, object]:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=10 * number)
    return {
        "chain": 1, "seq": 1_000_000 + number, "at": at, "actor_name": f"P{number}", "kind": "update", "record_type": "unit",
        "record_id": unit.id, "subject_type": "unit", "subject_id": unit.id, "unit_id": unit.id,
        "changes": {"floor": [number, number + 1]}, "note": "", "previous_hash": "", "hash": "", **values,
    }  # fmt: skip


# In words


def test_changes_read_as_the_page_shows_them(session: Session, unit: Unit, actor_of: Callable[[str], Actor]) -> None:
    with acting(actor_of("manager")):
        unit.delivery_type = DeliveryType.FITTED
        unit.gross_area = unit.gross_area + 1
        session.flush()
        newest = timeline(unit)[0]
    changed = {change.label: (change.old, change.new) for change in newest.changes}
    assert changed["Gross floor area"] == ("89.32 m²", "90.32 m²")
    assert changed["Delivery type"] == (str(DeliveryType.SHELL.title), str(DeliveryType.FITTED.title))
    assert (newest.who, newest.what) == ("Manager", "changed this record")


def test_parts_stand_in_one_line_by_name(session: Session, case: MoveInCase, actor_of: Callable[[str], Actor]) -> None:
    with acting(actor_of("manager")):
        lines = read(About.of(case), Filter(groups=("changes",)), limit=200).lines
    added = [line for line in lines if line.what.startswith("added (")]
    assert any("Proof of identity" in line.note or "identity" in line.note.lower() for line in added)
    assert len(lines) < 60, "a case is made of hundreds of rows"


def test_decisions_come_with_their_opinion(session: Session, actor_of: Callable[[str], Actor]) -> None:
    case = make.case_at(session, CaseState.INSPECTION)
    with acting(actor_of("manager")) as manager:
        make.move(session, case, "withdraw", manager, reason="Owner sold the unit.")
        newest = timeline(case)[0]
    assert "→" in newest.what
    assert newest.note == "Owner sold the unit."


@pytest.mark.parametrize(
    ("kind", "facts", "sentence"),
    [
        ("take", {"to": "Manager"}, "took the work"),
        ("hand_over", {"to": "Cashier"}, "handed the work to Cashier"),
        ("hand_over", {}, "gave the work back to its role"),
        ("late_reason", {}, "said why it is late"),
        ("reveal", {"column": "note"}, "looked at personal data: Note"),
    ],
)
def test_what_is_no_change_reads_as_a_sentence(
    session: Session, unit: Unit, kind: str, facts: dict[str, str], sentence: str
) -> None:
    record_event(session, kind, unit, note="because", **facts)
    newest = timeline(unit)[0]
    assert (newest.what, newest.note) == (sentence, "because")


def test_a_bill_of_a_case_tells_its_own_story(
    session: Session, case: MoveInCase, actor_of: Callable[[str], Actor]
) -> None:
    bill = session.scalars(select(Bill).where(Bill.source_id == case.id)).first()
    with acting(actor_of("manager")) as manager:
        add_comment(session, bill, "paid in two parts", actor=manager)
        lines = timeline(bill, limit=100)
    assert lines[0].what == "wrote a comment"
    assert lines[-1].what == "entered this record"
    assert all("→" not in line.what for line in lines), "steps of the case stand on the case"


# The page


def test_filters_narrow_the_timeline(session: Session, unit: Unit, client_of: Callable[[str], FlaskClient]) -> None:
    manager = session.scalars(select(Account).where(Account.username == "manager")).one()
    add_comment(session, unit, "second key promised", actor=make.SYSTEM)
    session.execute(
        insert(AuditEntry),
        [
            entry_of(unit, 1, note="old note"),
            entry_of(unit, 3, kind="odd_job"),
            entry_of(unit, 2, actor_id=manager.id, actor_name="Manager"),
        ],
    )  # fmt: skip
    session.commit()
    client, base = client_of("receptionist"), f"/timeline/unit/{unit.id}"
    whole = page_of(client, base)
    assert "second key promised" in whole and "old note" in whole and "odd job" in whole
    assert 'action="/comments/' in whole
    comments = page_of(client, f"{base}?kind=comments")
    assert (lines_in(comments), "second key promised" in comments) == (1, True)
    assert lines_in(page_of(client, f"{base}?kind=other")) == 1
    assert lines_in(page_of(client, f"{base}?person={manager.id}")) == 1
    assert lines_in(page_of(client, f"{base}?from=2026-01-01&to=2026-01-01")) == 3
    assert lines_in(page_of(client, f"{base}?q=SECOND+promised")) == 1
    assert "Nothing that fits the filter." in page_of(client, f"{base}?q=nowhere")
    odd = page_of(client, f"{base}?from=yesterday&person=abc&kind=no&before=x")
    assert "is no date" in odd and lines_in(odd) == lines_in(whole)


def test_pages_follow_each_other_without_gap_or_repetition(
    session: Session, unit: Unit, client_of: Callable[[str], FlaskClient]
) -> None:
    session.execute(insert(AuditEntry), [entry_of(unit, n) for n in range(130)])
    session.commit()
    client, path, seen = client_of("receptionist"), f"/timeline/unit/{unit.id}", []
    while path:
        page = page_of(client, path)
        seen += re.findall(r"<strong>(P\d+)</strong>", page)
        found = re.search(r'rel="next" href="([^"]+)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert seen == [f"P{n}" for n in reversed(range(130))]


def test_a_rare_kind_is_looked_for_in_bounded_steps(
    session: Session, unit: Unit, client_of: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timelines.read, "__kwdefaults__", {**timelines.read.__kwdefaults__, "searched": 40})
    session.execute(insert(AuditEntry), [entry_of(unit, n, kind="file" if n == 1 else "update") for n in range(100)])
    session.commit()
    client, path, steps = client_of("receptionist"), f"/timeline/unit/{unit.id}?kind=files", 0
    while lines_in(page := page_of(client, path)) == 0:
        assert "Looked back to" in page
        path = re.search(r'rel="next" href="([^"]+)"', page)[1].replace("&amp;", "&")
        steps += 1
    assert steps == 2


def test_the_print_states_what_it_holds(
    session: Session, unit: Unit, client_of: Callable[[str], FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    session.execute(insert(AuditEntry), [entry_of(unit, n) for n in range(30)])
    session.commit()
    client, path = (
        client_of("receptionist"),
        f"/timeline/unit/{unit.id}/print?kind=changes&from=2026-01-01&to=2026-01-31",
    )
    page = said(page_of(client, path))
    assert "30 lines, complete." in page
    assert f"What happened: {unit.code}" in page
    assert "Changes · 2026-01-01 – 2026-01-31" in page
    monkeypatch.setattr("app.fab.timelines.PRINTED", 10)
    assert "The newest 10 lines; what is older is not on this print." in said(page_of(client, path))


@pytest.mark.parametrize(
    ("username", "status"), [("receptionist", 200), ("superior", 200), ("security", 404), ("neighbour", 404)]
)
def test_the_timeline_opens_to_whoever_opens_the_record(
    session: Session, case: MoveInCase, client_of: Callable[[str], FlaskClient], username: str, status: int
) -> None:
    client = client_of(username)
    assert client.get(f"/timeline/movein_case/{case.id}").status_code == status
    assert client.get(f"/timeline/movein_case/{case.id}/print").status_code == status


def test_what_is_no_record_has_no_timeline(session: Session, client_of: Callable[[str], FlaskClient]) -> None:
    session.commit()
    client = client_of("system_administrator")
    for path in ("ab_user/1", "audit_entry/1", "nowhere/1", "unit/0", "unit/99999999999999", "unit-diary/0"):
        assert client.get(f"/timeline/{path}").status_code == 404, path
    assert client.get("/timeline/estate/1").status_code == 200
    assert client.get("/timeline/estate/2").status_code == 404


# The diary


def test_the_diary_tells_what_happened_in_the_unit(
    session: Session, case: MoveInCase, client_of: Callable[[str], FlaskClient]
) -> None:
    client = client_of("manager")
    diary = said(page_of(client, f"/timeline/unit-diary/{case.unit_id}"))
    assert f"Move-in {case.number}" in diary
    assert "→" in diary
    household = page_of(client, f"/households/{case.unit_id}?section=diary")
    assert f"/timeline/unit-diary/{case.unit_id}" in household


def test_the_diary_leaves_out_what_one_may_not_read(
    session: Session, case: MoveInCase, client_of: Callable[[str], FlaskClient]
) -> None:
    add_meter(session, unit=case.unit, kind="gas", number="G-77", actor=make.SYSTEM)
    session.commit()
    guard = said(page_of(client_of("security"), f"/timeline/unit-diary/{case.unit_id}"))
    assert case.number not in guard and "G-77" not in guard and "¥" not in guard and "signature" not in guard
    assert "changed this record" in guard or "entered this record" in guard
    assert "G-77" in said(page_of(client_of("technician"), f"/timeline/unit-diary/{case.unit_id}?kind=changes"))
    assert client_of("neighbour").get(f"/timeline/unit-diary/{case.unit_id}").status_code == 404


def test_personal_data_stay_hidden(session: Session, case: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    case.owner.mobile = "13911112222"
    session.commit()
    page = page_of(client_of("manager"), f"/timeline/person/{case.owner_id}")
    assert "personal data, not shown" in page
    assert "13911112222" not in page
    assert "#" not in re.sub(r"&#\d+;|#[a-z]", "", said(page)).replace("#happenings", "")


# What it costs


@pytest.mark.parametrize(
    "path", ["movein_case/{case.id}", "unit-diary/{case.unit_id}", "bill/{bill}", "person/{case.owner_id}"]
)
def test_a_page_costs_six_statements_whatever_it_shows(
    session: Session, case: MoveInCase, client_of: Callable[[str], FlaskClient], sql_count: SimpleNamespace, path: str
) -> None:
    bill = session.scalar(select(Bill.id).where(Bill.source_id == case.id).limit(1))
    address = "/timeline/" + path.format(case=case, bill=bill)
    for username in ("manager", "superior" if "person" not in path else "security"):
        client = client_of(username)
        page_of(client, address)
        for query in ("", "?kind=changes&kind=steps", "?q=a&from=2026-01-01"):
            sql_count.reset()
            page_of(client, address + query)
            assert len(sql_count.statements) <= 6, "\n".join(line[:300] for line in sql_count.statements)
    assert session.scalar(select(func.count(AuditEntry.id)).where(AuditEntry.unit_id == case.unit_id)) > 100
