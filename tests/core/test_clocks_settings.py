"""The settings of time: rules, escalations, calendar, opening hours, imports; who may, and what it does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from datetime import date, time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import Workbook
from sqlalchemy import select

from app.core.access.actor import Actor, acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.clocks.calendar import calendar_of
from app.core.clocks.models import CalendarDay, ClockRule, ClockUnit, OpeningHours
from app.core.clocks.seeding import seed_hours, seed_rules
from app.core.records.estate import Estate
from app.modules.movein.seeding import SEEDS

ClientOf = Callable[[str], FlaskClient]


def rule_of(session: Any, key: str = "movein.defect") -> ClockRule:
    found: ClockRule = session.scalars(select(ClockRule).where(ClockRule.key == key, ClockRule.estate_id == 1)).one()
    return found


def page(client: FlaskClient, address: str, status: int = 200) -> str:
    answer = client.get(address)
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


# Seeds


def test_seeds_bring_rules_and_hours_once_and_leave_edits(session: Any) -> None:
    estate = session.get(Estate, 1)
    rule = rule_of(session)
    assert rule.unit == ClockUnit.CALENDAR_DAYS
    assert [(s.after_hours, s.role) for s in rule.escalations] == [(0, "cs_supervisor"), (72, "manager")]
    rule.amount = 9
    rule.escalations.pop()
    session.flush()
    keys = session.scalars(select(ClockRule.id)).all()
    hours = session.scalars(select(OpeningHours.id)).all()
    seed_rules(session, estate, SEEDS / "clocks.yaml")
    seed_hours(session, estate)
    session.expire_all()
    assert rule_of(session).amount == 9
    assert len(rule_of(session).escalations) == 1
    assert session.scalars(select(ClockRule.id)).all() == keys
    assert session.scalars(select(OpeningHours.id)).all() == hours
    week = calendar_of(session, 1).weekly
    assert {d: list(map(str, week[d][0])) for d in (0, 6)} == {0: ["08:30:00", "18:00:00"], 6: ["09:00:00", "17:00:00"]}


# Rules


def edited(rule: ClockRule, **values: str) -> dict[str, str]:
    data = {
        "title_zh": rule.title_zh, "title_en": rule.title_en, "unit": rule.unit.value, "amount": str(rule.amount),
        "weekday": "", "day": "", "months": "", "due_time": "", "shift": "keep", "pausable": "y",
        "version": str(rule.version),
    }  # fmt: skip
    return data | values


def test_the_office_reads_rules_and_the_manager_changes_them(client_of: ClientOf, session: Any) -> None:
    rule = rule_of(session)
    address = f"/settings/clocks/{rule.id}"
    reader = client_of("receptionist")
    assert "Rectification of a defect" in page(reader, "/settings/clocks/")
    text = page(reader, address)
    assert "Started today at 10:00" in text
    assert f"{address}/edit" not in text
    assert reader.get(f"{address}/edit").status_code == 404
    assert reader.post(f"{address}/escalations", data={"after_hours": "5", "role": "manager"}).status_code == 404
    assert client_of("security").get(address).status_code == 404
    keeper = client_of("manager")
    answer = keeper.post(f"{address}/edit", data=edited(rule, unit="working_days", amount="5", day="7"))
    assert answer.status_code == 302, answer.get_data(as_text=True)[:3000]
    session.expire_all()
    rule = rule_of(session)
    assert (rule.unit, rule.amount, rule.day) == (ClockUnit.WORKING_DAYS, 5, None)  # what the unit does not use goes
    assert "5 working days" in page(keeper, address)
    entry = session.scalars(
        select(AuditEntry).where(AuditEntry.record_type == "clock_rule").order_by(AuditEntry.id.desc())
    ).first()
    assert entry.changes["amount"] == [15, 5]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"unit": "weekday"}, "Choose the day of the week."),
        ({"unit": "day_of_month"}, "Write a day from 1 to 31."),
        ({"unit": "window", "day": "11", "amount": "5"}, "The window ends on or after its first day"),
        ({"unit": "window", "day": "11", "amount": "20", "months": "3, 13"}, "Write months as numbers from 1 to 12"),
        ({"amount": "-1"}, "Write a number from 0 to 1000."),
    ],
)
def test_a_rule_that_is_not_whole_is_refused_beside_its_field(
    client_of: ClientOf, session: Any, values: dict[str, str], sentence: str
) -> None:
    rule = rule_of(session)
    client = client_of("system_administrator")
    answer = client.post(f"/settings/clocks/{rule.id}/edit", data=edited(rule, **values))
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    query = {
        k: v for k, v in edited(rule, **values).items() if k not in ("title_zh", "title_en", "version", "pausable")
    }
    example = client.get(f"/settings/clocks/{rule.id}/example", query_string=query)
    assert sentence in example.get_data(as_text=True)
    assert session.scalar(select(ClockRule.version).where(ClockRule.id == rule.id)) == rule.version


def test_the_example_follows_what_is_typed(client_of: ClientOf, session: Any) -> None:
    rule = rule_of(session)
    query = {
        "unit": "window",
        "amount": "20",
        "day": "11",
        "months": "3,6",
        "shift": "keep",
        "due_time": "",
        "weekday": "",
    }
    text = client_of("manager").get(f"/settings/clocks/{rule.id}/example", query_string=query).get_data(as_text=True)
    assert "-20 24:00" in text
    broken = client_of("manager").get(f"/settings/clocks/{rule.id}/example", query_string=query | {"amount": "many"})
    assert "when the values are whole" in broken.get_data(as_text=True)
    assert rule_of(session).unit == ClockUnit.CALENDAR_DAYS


def test_escalations_are_rows_of_the_rule(client_of: ClientOf, session: Any) -> None:
    client, rule = client_of("manager"), rule_of(session)
    address = f"/settings/clocks/{rule.id}/escalations"
    client.post(address, data={"after_hours": "24", "role": "superior"})
    session.expire_all()
    steps = {(s.after_hours, s.role): s for s in rule_of(session).escalations}
    assert (24, "superior") in steps
    first = steps[0, "cs_supervisor"]
    client.post(
        f"{address}/{first.id}", data={"after_hours": "2", "role": "cs_supervisor", "version": str(first.version)}
    )
    client.post(f"{address}/{steps[72, 'manager'].id}/delete")
    session.expire_all()
    assert [(s.after_hours, s.role) for s in rule_of(session).escalations] == [(2, "cs_supervisor"), (24, "superior")]
    for wrong in ({"after_hours": "2", "role": "cs_supervisor"}, {"after_hours": "x", "role": "manager"},
                  {"after_hours": "1", "role": "nobody"}):  # fmt: skip
        client.post(address, data=wrong)
    other = rule_of(session, "movein.step").escalations[0]
    assert client.post(f"{address}/{other.id}/delete").status_code == 404
    session.expire_all()
    assert len(rule_of(session).escalations) == 2
    kinds = session.scalars(
        select(AuditEntry.kind).where(
            AuditEntry.subject_type == "clock_rule", AuditEntry.record_type == "clock_escalation"
        )
    ).all()
    assert {"create", "update", "delete"} <= set(kinds)


# The calendar


def test_the_year_at_a_glance_tells_days_in_words_and_warns_of_an_unpublished_year(client_of: ClientOf) -> None:
    client = client_of("manager")
    text = page(client, "/settings/calendar/?year=2026")
    assert "an estimate" not in text
    assert text.count('<table class="clocks-month"') == 12
    assert "2026-02-15 – 2026-02-23" in text  # the Spring Festival with its weekends
    assert "2026-02-14" in text
    assert "working day" in text
    assert "are an estimate" in page(client, "/settings/calendar/?year=2027")
    assert page(client, "/settings/calendar/?year=99999")
    assert "Correct a day" not in page(client_of("receptionist"), "/settings/calendar/?year=2026")


def test_a_day_is_corrected_and_given_back(client_of: ClientOf, session: Any) -> None:
    client = client_of("manager")
    assert calendar_of(session, 1).is_working(date(2026, 3, 2))
    data = {"day": "2026-03-02", "title": "Power cut", "opens": "10:00", "closes": "12:00"}
    assert client.post("/settings/calendar/days/new", data=data).status_code == 302
    assert not calendar_of(session, 1).is_working(date(2026, 3, 2))
    assert calendar_of(session, 1).hours(date(2026, 3, 2)) == [(time(10), time(12))]
    assert calendar_of(session, 2).is_working(date(2026, 3, 2))
    assert "Power cut" in page(client, "/settings/calendar/?year=2026")
    again = client.post("/settings/calendar/days/new", data=data)
    assert again.status_code == 422
    assert "corrected already" in again.get_data(as_text=True)
    half = client.post("/settings/calendar/days/new", data={"day": "2026-03-03", "opens": "10:00"})
    assert "or neither" in half.get_data(as_text=True)
    row = session.scalars(select(CalendarDay)).one()
    assert client_of("receptionist").post(f"/settings/calendar/days/{row.id}/delete").status_code == 404
    assert client_of("neighbour").get(f"/settings/calendar/days/{row.id}").status_code == 404
    assert client.post(f"/settings/calendar/days/{row.id}/delete").status_code == 302
    assert calendar_of(session, 1).is_working(date(2026, 3, 2))


NOTICE = {
    "year": 2027,
    "days": [
        {"name": "元旦", "date": "2027-01-01", "isOffDay": True},
        {"name": "春节", "date": "2027-02-05", "isOffDay": True},
        {"name": "春节", "date": "2027-02-20", "isOffDay": False},
        {"name": "国庆节", "date": "2027-10-01", "isOffDay": True},
    ],
}


def sent(client: FlaskClient, content: bytes, name: str, whole: bool = True, status: int = 200) -> str:
    data = {"file": (io.BytesIO(content), name), "whole": "yes" if whole else "no"}
    answer = client.post("/settings/calendar/import", data=data, content_type="multipart/form-data")
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return answer.get_data(as_text=True)


def confirm(client: FlaskClient, content: str, whole: bool = True) -> int:
    answer = client.post(
        "/settings/calendar/import/carry-out", data={"days": content, "whole": "yes" if whole else "no"}
    )
    return answer.status_code


def test_a_notice_is_looked_at_first_and_then_makes_its_year_known(client_of: ClientOf, session: Any) -> None:
    client, content = client_of("manager"), json.dumps(NOTICE)
    text = sent(client, content.encode(), "2027.json")
    assert "new: 4" in text
    assert session.scalars(select(CalendarDay)).all() == []
    assert confirm(client, content) == 302
    calendar = calendar_of(session, 1)
    assert calendar.published(2027)
    assert calendar.is_working(date(2027, 2, 20))
    assert calendar.is_working(date(2027, 5, 4))  # only estimated before, and not in the notice
    assert "are an estimate" not in page(client, "/settings/calendar/?year=2027")
    assert "as it is: 4" in sent(client, content.encode(), "2027.json")
    shorter = json.dumps({"days": NOTICE["days"][:3]})  # type: ignore[index]
    assert "removed: 1" in sent(client, shorter.encode(), "2027.json")
    assert confirm(client, shorter) == 302
    assert calendar_of(session, 1).is_working(date(2027, 10, 1))


def test_the_centres_own_days_survive_a_notice(client_of: ClientOf, session: Any) -> None:
    client = client_of("manager")
    own = json.dumps({"days": [{"name": "厂休", "date": "2027-10-01", "isOffDay": False}]})
    assert confirm(client, own, whole=False) == 302
    assert not calendar_of(session, 1).published(2027)
    assert "kept: entered by this centre: 1" in sent(client, json.dumps(NOTICE).encode(), "n.json")
    assert confirm(client, json.dumps(NOTICE)) == 302
    assert calendar_of(session, 1).title(date(2027, 10, 1)) == "厂休"


def test_a_notice_of_a_known_year_stores_only_what_the_library_does_not_have(client_of: ClientOf, session: Any) -> None:
    client = client_of("manager")
    notice = {"days": [{"name": "元旦", "date": f"2026-01-0{n}", "isOffDay": n < 4} for n in (1, 2, 3, 4)]}
    text = sent(client, json.dumps(notice).encode(), "2026.json")
    assert "known already: 4" in text
    assert "not in the notice: an ordinary day:" in text  # this notice knows no other holiday
    assert confirm(client, json.dumps(notice)) == 302
    calendar = calendar_of(session, 1)
    assert calendar.is_working(date(2026, 10, 1))
    assert not calendar.is_working(date(2026, 10, 10))


def test_tables_are_read_in_both_languages_and_wrong_lines_are_named(client_of: ClientOf, session: Any) -> None:
    client = client_of("manager")
    table = "日期,休息日,名称\n2027/5/1,是,劳动节\n2027-13-01,是,\n2027年5月3日,也许,\n2027-05-01,否,\n"
    text = sent(client, table.encode("gb18030"), "days.csv", whole=False)
    assert "Line 3: “2027-13-01” is no day" in text
    assert "Line 4: “也许” is neither yes nor no." in text
    assert "Line 5: The day stands in line 2 already." in text
    assert "carry-out" not in text
    assert "first line must name the columns" in sent(client, b"a,b\n1,2\n", "x.csv", status=422)
    assert "no valid JSON" in sent(client, b"{nonsense", "x.json", status=422)
    assert "Choose a file." in sent(client, b"", "x.csv", status=422)
    book = Workbook()
    book.active.append(["Day", "Working day", "Reason", "Opens at", "Closes at"])
    book.active.append([date(2027, 5, 8), True, "make-up", time(9), time(12, 30)])
    file = io.BytesIO()
    book.save(file)
    text = sent(client, file.getvalue(), "days.xlsx", whole=False)
    assert "2027-05-08" in text
    assert "Yes, 09:00–12:30" in text


@pytest.mark.parametrize("form", ["csv", "xlsx", "json"])
def test_an_export_can_be_read_back(client_of: ClientOf, session: Any, form: str) -> None:
    client = client_of("manager")
    session.add(
        CalendarDay(
            estate_id=1, day=date(2026, 3, 2), working=False, title="=Inventory", opens=time(9), closes=time(10)
        )
    )
    session.add(CalendarDay(estate_id=1, day=date(2026, 3, 3), working=False, closed=True))
    session.commit()
    before = {
        d: calendar_of(session, 1).is_working(d) for d in (date(2026, 2, 14), date(2026, 3, 2), date(2026, 10, 1))
    }
    data = client.get(f"/settings/calendar/export.{form}?year=2026").data
    for row in session.scalars(select(CalendarDay)):
        session.delete(row)
    session.commit()
    text = sent(client, data, f"x.{form}", whole=False)
    assert "cannot be read:" not in text
    hidden = text.partition('name="days" value="')[2].partition('"')[0].replace("&#34;", '"').replace("&#39;", "'")
    assert confirm(client, hidden, whole=False) == 302
    after = calendar_of(session, 1)
    assert {d: after.is_working(d) for d in before} == before
    assert after.hours(date(2026, 3, 2)) == [(time(9), time(10))]
    assert after.hours(date(2026, 3, 3)) == ()


def test_only_keepers_import(client_of: ClientOf) -> None:
    client = client_of("receptionist")
    assert client.get("/settings/calendar/import").status_code == 404
    assert confirm(client, json.dumps(NOTICE)) == 404
    assert client.get("/settings/calendar/export.csv?year=2026").status_code == 200
    assert client.get("/settings/calendar/export.csv?year=1").status_code == 404


# Opening hours


def week(**changes: str) -> dict[str, str]:
    data = {f"{kind}-{d}-0": text for d in range(7) for kind, text in (("opens", "08:30"), ("closes", "18:00"))}
    return data | {name.replace("_", "-"): text for name, text in changes.items()}


def seen(client: FlaskClient) -> str:
    return page(client, "/settings/opening-hours/").partition('name="seen" value="')[2].partition('"')[0]


def test_opening_hours_are_set_day_by_day(client_of: ClientOf, session: Any) -> None:
    client = client_of("manager")
    data = week(closes_0_0="12:00", opens_0_1="13:30", closes_0_1="18:00", opens_6_0="", closes_6_0="")
    answer = client.post("/settings/opening-hours/", data=data | {"seen": seen(client)})
    assert answer.status_code == 302
    hours = calendar_of(session, 1)
    assert hours.weekly[0] == [(time(8, 30), time(12)), (time(13, 30), time(18))]
    assert 6 not in hours.weekly
    assert calendar_of(session, 2).weekly[6] == [(time(9), time(17))]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"closes_2_0": "08:00"}, "Wednesday: the counter closes after it opens."),
        ({"closes_2_0": ""}, "Wednesday: write both times as 08:30."),
        ({"opens_2_1": "17:00", "closes_2_1": "19:00"}, "Wednesday: the periods overlap."),
    ],
)
def test_wrong_hours_are_refused_and_stay_typed(
    client_of: ClientOf, session: Any, changes: dict[str, str], sentence: str
) -> None:
    client = client_of("manager")
    answer = client.post("/settings/opening-hours/", data=week(**changes) | {"seen": seen(client)})
    assert answer.status_code == 422
    text = answer.get_data(as_text=True)
    assert sentence in text
    assert 'value="08:30"' in text
    assert calendar_of(session, 1).weekly[5] == [(time(9), time(17))]


def test_hours_changed_meanwhile_are_not_overwritten_and_a_closed_week_is_refused(
    client_of: ClientOf, session: Any
) -> None:
    client = client_of("manager")
    assert client.post("/settings/opening-hours/", data=week() | {"seen": "old"}).status_code == 302
    assert calendar_of(session, 1).weekly[5] == [(time(9), time(17))]
    nothing = dict.fromkeys(week(), "") | {"seen": seen(client)}
    assert "at least one day" in client.post("/settings/opening-hours/", data=nothing).get_data(as_text=True)
    reader = client_of("receptionist")
    assert "readonly" in page(reader, "/settings/opening-hours/")
    assert reader.post("/settings/opening-hours/", data=week()).status_code == 404


def test_pages_speak_chinese(app: Flask, client_of: ClientOf, session: Any, actor_of: Callable[[str], Actor]) -> None:
    with acting(system_actor(estate_id=1)):
        from app.core.access.models import Account

        session.scalars(select(Account).where(Account.username == "manager")).one().language = "zh"
        session.commit()
    client = client_of("manager")
    text = page(client, "/settings/calendar/?year=2026")
    assert "工作日历" in text
    assert "十月" in text
