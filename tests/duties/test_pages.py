"""The screens: list, duty with its year, form with preview, occurrences, report with exports and paper."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pikepdf
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.core.papers.models import Paper
from app.modules.duties import services
from app.modules.duties.models import Duty, DutyOccurrence, DutyReport, DutyState
from app.modules.duties.recurrence import Period
from tests.duties.conftest import Deeds, at

DutyMaker = Callable[..., Duty]
ClientOf = Callable[[str], FlaskClient]


@pytest.fixture
def year(session: Any, deeds: Deeds, clock: Any, duty_of: DutyMaker) -> Duty:
    """MI-13 in the first half of 2026: kept but for March (late) and May (missed), on 10 June; CO-02 by statement."""
    duty = duty_of("MI-13", "F", grace_days=5)
    deeds.add("F", *(f"2026-{day} 10:00" for day in ("01-10", "02-10", "04-03", "04-10")))
    clock.move_to(at("2026-06-10 10:00"))
    services.bring_up(session, 1)
    duty_of("CO-02", role="receptionist", valid_from=date(2026, 6, 1))
    session.commit()
    return duty


def occurrence(session: Any, key: str, clause: str = "MI-13") -> DutyOccurrence:
    found = select(DutyOccurrence).where(DutyOccurrence.period_key == key, DutyOccurrence.clause == clause)
    return session.scalars(found).one()


def test_the_list_tells_how_each_duty_stands(year: Duty, client_of: ClientOf, sql_count: Any, session: Any) -> None:
    client = client_of("manager")
    client.get("/duties/")
    sql_count.reset()
    page = client.get("/duties/").get_data(as_text=True)
    few = len(sql_count.statements)
    assert "2026-06-30 24:00" in page
    assert "To be done</span> 2026-06" in page
    session.add_all(
        Duty(
            estate_id=1, code=f"more.{number}", clause="X", title_zh="例", title_en="Example", role="manager",
            period=Period.MONTH, valid_from=date(2026, 6, 1), since=at("2026-06-01 00:00"),
        )
        for number in range(15)
    )  # fmt: skip
    session.flush()
    services.bring_up(session, 1)
    session.commit()
    sql_count.reset()
    assert client.get("/duties/").status_code == 200
    assert len(sql_count.statements) == few
    table = csv.reader(io.StringIO(client.get("/duties/export.csv?clause=MI-13").get_data().decode("utf-8-sig")))
    assert any("2026-06-30 24:00" in row for row in table)


def test_a_duty_shows_its_year(year: Duty, client_of: ClientOf) -> None:
    page = client_of("cs_supervisor").get(f"/duties/{year.id}").get_data(as_text=True)
    for title in ("Kept", "Late", "Missed", "To be done"):
        assert f'<span class="visually-hidden"> {title}</span>' in page
    assert "badge-outline" in page  # the months to come
    before = client_of("cs_supervisor").get(f"/duties/{year.id}?year=2025").get_data(as_text=True)
    assert 'visually-hidden"> Kept' not in before


def test_the_form_previews_the_next_due_days(year: Duty, client_of: ClientOf) -> None:
    client = client_of("manager")
    typed = {"period": "month", "months": "", "times": "1", "due_day": "5", "shift": "next", "grace_days": "0",
             "grace_hours": "0", "valid_from": "2026-06-01"}  # fmt: skip
    page = client.get("/duties/preview", query_string=typed).get_data(as_text=True)
    assert [day in page for day in ("2026-07-06 24:00", "2026-10-08 24:00", "2026-12-07 24:00")] == [True] * 3
    assert page.count("<tr>") == 7
    refused = client.get("/duties/preview", query_string={**typed, "months": "13"}).get_data(as_text=True)
    assert "from 1 to 12" in refused
    assert client_of("receptionist").get("/duties/preview").status_code == 404


@pytest.mark.clause("MI-12")
def test_the_manager_sets_the_concentrated_period_in_the_browser(session: Any, clock: Any, client_of: ClientOf) -> None:
    clock.move_to(at("2026-06-10 10:00"))
    duty = session.scalars(select(Duty).where(Duty.code == "movein.spot-check-concentrated", Duty.estate_id == 1)).one()
    client = client_of("manager")
    form = client.get(f"/duties/{duty.id}/edit").get_data(as_text=True)
    assert 'hx-get="/duties/preview"' in form
    answer = client.post(
        f"/duties/{duty.id}/edit",
        data={
            "version": duty.version, "submit_token": "t1", "clause": "MI-12", "title_zh": duty.title_zh,
            "title_en": duty.title_en, "role": "manager", "active": "1", "period": "month", "times": "4",
            "distinct_days": "1", "shift": "keep", "grace_days": "5", "grace_hours": "0", "valid_from": "2026-06-10",
            "valid_to": "2026-08-31", "evidence": "check", "parameters": ["check:kind:movein.papers"],
            "in_place_of_id": duty.in_place_of_id,
        },
    )  # fmt: skip
    assert answer.status_code == 302, answer.get_data(as_text=True)[-3000:]
    session.refresh(duty)
    assert (duty.active, duty.valid_to, duty.parameters) == (True, date(2026, 8, 31), {"kind": ["movein.papers"]})
    found = session.scalars(
        select(DutyOccurrence).where(DutyOccurrence.duty_id == duty.id).order_by(DutyOccurrence.period_key)
    ).all()
    assert [(o.period_key, o.needed) for o in found] == [("2026-06", 3), ("2026-07", 4)]


def test_whoever_does_it_states_it_and_the_manager_waives(year: Duty, client_of: ClientOf, session: Any) -> None:
    june, may = occurrence(session, "2026-06", "CO-02"), occurrence(session, "2026-05")
    desk = client_of("receptionist")
    assert "What was done" in desk.get(f"/duty-occurrences/{june.id}").get_data(as_text=True)
    assert desk.post(f"/duty-occurrences/{may.id}/waive", data={"reason": "x"}).status_code == 404
    data = {"note": "Box opened", "done_at": "2026-06-10T09:05", "file": (io.BytesIO(b"%PDF-1.4\n%%EOF\n"), "box.pdf")}
    assert desk.post(f"/duty-occurrences/{june.id}/done", data=data).status_code == 302
    session.refresh(june)
    assert (june.state, june.closed_at) == (DutyState.KEPT, at("2026-06-10 09:05"))
    assert "box.pdf" in desk.get(f"/duty-occurrences/{june.id}").get_data(as_text=True)
    assert client_of("cashier").post(f"/duty-occurrences/{june.id}/done", data={"note": "x"}).status_code == 404

    manager = client_of("manager")
    manager.post(f"/duty-occurrences/{may.id}/waive", data={"reason": "No move-ins in May"})
    session.refresh(may)
    assert (may.state, may.waive_reason) == (DutyState.WAIVED, "No move-ins in May")
    assert "No move-ins in May" in manager.get(f"/duty-occurrences/{may.id}").get_data(as_text=True)


def test_strangers_see_nothing(year: Duty, client_of: ClientOf, session: Any) -> None:
    neighbour = client_of("neighbour")
    may = occurrence(session, "2026-05")
    for address in (f"/duties/{year.id}", f"/duty-occurrences/{may.id}"):
        assert neighbour.get(address).status_code == 404
    assert "MI-13" not in neighbour.get("/duties/report/?year=2026").get_data(as_text=True)


@pytest.mark.clause("MI-13")
def test_the_report_counts_leads_to_its_occurrences_and_prints(
    year: Duty, client_of: ClientOf, session: Any, sql_count: Any
) -> None:
    client = client_of("superior")
    page = client.get("/duties/report/?year=2026").get_data(as_text=True)
    assert "<strong>60%</strong>" in page  # three of five
    address = "/duty-occurrences/?clause=MI-13&amp;state=missed&amp;due_on.from=2026-05-01&amp;due_on.to=2026-05-31"
    missed = page.split('class="badge bg-red-lt', 1)[1].split('href="', 1)[1].split('"', 1)[0]
    assert sorted(missed.split("?")[1].split("&amp;")) == sorted(address.split("?")[1].split("&amp;"))
    listed = client.get(missed.replace("&amp;", "&")).get_data(as_text=True)
    assert "2026-05" in listed and "2026-04-30" not in listed

    lines = client.get("/duties/report/export.csv?year=2026&part=Q1").get_data().decode("utf-8-sig").splitlines()
    assert lines[1:] == ["MI-13,2026-01,1,0,0,0,0,100", "MI-13,2026-02,1,0,0,0,0,100", "MI-13,2026-03,0,1,0,0,0,0"]
    assert client.get("/duties/report/export.xlsx?year=2026").status_code == 200
    assert client.get("/duties/report/?part=Q9").status_code == 400

    for _twice in range(2):
        answer = client.post("/duties/report/paper", data={"year": "2026", "part": "H1"})
        assert answer.status_code == 302
    assert session.scalar(select(func.count()).select_from(DutyReport)) == 1
    record = session.scalars(select(DutyReport)).one()
    assert (record.from_on, record.until_on) == (date(2026, 1, 1), date(2026, 7, 1))
    assert client.get(f"/duty-reports/{record.id}").status_code == 200
    draft = client.get(f"/papers/preview/DU/{record.id}?language=both")
    with pikepdf.open(io.BytesIO(draft.get_data())) as pdf:
        box = pdf.pages[0].mediabox
        assert box[2] > box[3]  # landscape
    assert client.post(f"/papers/issue/DU/{record.id}", data={"language": "both"}).status_code == 302
    assert session.scalars(select(Paper.code)).all() == ["DU"]
    assert client_of("receptionist").get("/duties/report/").status_code == 404


def test_the_home_page_shows_what_is_due_this_week(year: Duty, client_of: ClientOf, clock: Any, session: Any) -> None:
    clock.move_to(at("2026-06-26 10:00"))
    services.bring_up(session, 1)
    session.commit()
    page = client_of("manager").get("/").get_data(as_text=True)
    card = page.split('id="duties-due"', 1)[1].split("</section>")[0]
    assert "Duty F" in card and f"/duty-occurrences/{occurrence(session, '2026-06').id}" in card
    assert 'id="duties-due"' not in client_of("technician").get("/").get_data(as_text=True)
