"""The desk: what waits, the one search box, one unit on one page – for whom it is meant, within its statements."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState
from tests.movein import factories as make


@pytest.fixture
def case(session: Session) -> MoveInCase:
    """A move-in that waits for the inspection, committed."""
    made = make.case_at(session, CaseState.INSPECTION)
    session.commit()
    return made


def text_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_home_shows_the_work_that_waits(case: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = text_of(client_of("receptionist"), "/")
    assert case.number in page
    assert case.unit.code in page
    assert "New move-in" in page


def test_home_offers_nothing_a_role_may_not_do(case: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = text_of(client_of("security"), "/")
    assert case.number not in page
    assert "New move-in" not in page


def test_home_of_another_estate_knows_nothing_of_the_case(
    case: MoveInCase, client_of: Callable[[str], FlaskClient]
) -> None:
    assert case.number not in text_of(client_of("neighbour"), "/")


def test_home_costs_a_fixed_number_of_statements(
    session: Session, client_of: Callable[[str], FlaskClient], sql_count: SimpleNamespace
) -> None:
    client = client_of("manager")
    counts = []
    for _ in range(2):
        make.case_at(session, CaseState.INSPECTION)
        session.commit()
        text_of(client, "/")
        sql_count.reset()
        text_of(client, "/")
        counts.append(len(sql_count.statements))
    assert counts[0] == counts[1] <= 8  # three for person and queue, the rest are the manager's cards


@pytest.mark.parametrize("typed", ["9187", "BILL-9187"])
def test_search_looks_only_where_something_may_be(
    client_of: Callable[[str], FlaskClient], sql_count: SimpleNamespace, typed: str
) -> None:
    client = client_of("manager")
    client.get("/search", query_string={"q": typed})
    sql_count.reset()
    assert "Nothing was found" in text_of(client, f"/search?q={typed}")
    numbers = [s for s in sql_count.statements if "movein_case" in s or "bill.number" in s]
    assert len(numbers) == 1, "every kind of document is asked about in one statement"
    assert len(sql_count.statements) <= 5, "\n".join(sql_count.statements)


@pytest.mark.parametrize("spelling", ["{code}", "{building}栋{entrance}单元{number}", "{number_of_case}", "{initials}"])
def test_one_box_finds_unit_person_and_case(
    case: MoveInCase, client_of: Callable[[str], FlaskClient], spelling: str
) -> None:
    building, entrance, number = case.unit.code.split("-")
    asked = spelling.format(
        code=case.unit.code, building=building, entrance=entrance, number=number, number_of_case=case.number,
        initials=case.owner.initials,
    )  # fmt: skip
    page = client_of("receptionist").get("/search", query_string={"q": asked}).get_data(as_text=True)
    assert case.owner.name in page or case.unit.code in page


def test_the_box_answers_a_fragment_to_htmx_and_a_page_to_others(
    case: MoveInCase, client_of: Callable[[str], FlaskClient]
) -> None:
    client = client_of("receptionist")
    query = {"q": case.unit.code}
    fragment = client.get("/search", query_string=query, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in fragment
    assert f"/households/{case.unit_id}" in fragment
    assert "<html" in client.get("/search", query_string=query).get_data(as_text=True)


def test_search_says_what_to_try_when_nothing_is_found(client_of: Callable[[str], FlaskClient]) -> None:
    page = client_of("receptionist").get("/search", query_string={"q": "zzzzzz"}).get_data(as_text=True)
    assert "Nothing was found" in page


def test_search_stays_in_the_estate(case: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = client_of("neighbour").get("/search", query_string={"q": case.owner.name}).get_data(as_text=True)
    assert f"/persons/{case.owner_id}" not in page


def test_search_keeps_cases_from_those_who_may_not_read_them(
    case: MoveInCase, client_of: Callable[[str], FlaskClient]
) -> None:
    page = client_of("security").get("/search", query_string={"q": case.number}).get_data(as_text=True)
    assert f"/move-ins/{case.id}" not in page


def test_the_household_page_gathers_one_unit(case: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = text_of(client_of("receptionist"), f"/households/{case.unit_id}")
    assert case.owner.name in page
    assert case.number in page
    assert "Continue the move-in" in page
    assert case.owner.mobile not in page


def test_a_foreign_household_does_not_exist(case: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    assert client_of("neighbour").get(f"/households/{case.unit_id}").status_code == 404
