"""Filters beyond values: emptiness, spans of days, chips; views that a list opens with; the list on paper."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from app.core.access.actor import acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.records.base import now
from app.core.records.savedviews import SavedView
from app.extensions import db
from app.fab.filters import Span

TODAY = now().date()


def codes(page: str) -> list[str]:
    return re.findall(r'class="gj-open"[^>]*>([^<]+)<', page)


@given(today=st.dates(date(2000, 1, 1), date(2100, 1, 1)))
def test_spans_are_whole_calendar_weeks_and_months_around_today(today):
    week, after = Span.THIS_WEEK.days(today), Span.NEXT_WEEK.days(today)
    month, last, year = Span.THIS_MONTH.days(today), Span.LAST_MONTH.days(today), Span.THIS_YEAR.days(today)
    assert all(start <= today <= end for start, end in (week, month, year, Span.TODAY.days(today)))
    assert week[0].weekday() == 0 and week[1] - week[0] == timedelta(days=6) and after[0] == week[1] + timedelta(days=1)
    assert month[0].day == 1 and (month[1] + timedelta(days=1)).day == 1 and month[1].month == today.month
    assert last[1] + timedelta(days=1) == month[0] and last[0].day == 1 and last[0].month == last[1].month
    assert Span.OVERDUE.days(today) == (None, today - timedelta(days=1))


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("weight.is=empty", ["A2"]),
        ("weight.is=filled", ["A1", "A3"]),
        ("name.is=empty", ["A1", "A3"]),
        ("phone.is=filled", ["A3"]),
        ("bought_on.is=empty", ["A3"]),
        ("bought_on.is=today", ["A1"]),
        ("bought_on.is=yesterday", ["A2"]),
        ("seen_at.is=today", ["A2"]),
        ("bought_on.is=today&name.is=filled", []),
    ],
)
def test_emptiness_and_days_seen_from_today(browser_of, stock, arguments, found):
    local = now().astimezone()
    stock("A1", bought_on=_today())
    stock("A2", name="Plate", weight=None, bought_on=_today() - timedelta(days=1), seen_at=local)
    stock("A3", phone="13812345678")
    assert codes(browser_of("manager").get(f"/toys/?{arguments}").text) == found


def _today() -> date:
    from zoneinfo import ZoneInfo

    return now().astimezone(ZoneInfo("Asia/Shanghai")).date()


def test_what_cannot_be_read_is_said_beside_the_filter_and_stays(browser_of, stock):
    page = browser_of("manager").get("/toys/?price.from=abc&bought_on.is=overdue&weight.from=9&weight.to=1").text
    field = page.split('<legend class="form-label">Price</legend>')[1].split("</fieldset>")[0]
    assert 'value="abc"' in field and "The filter “Price” cannot be “abc”." in field
    assert 'aria-invalid="true"' in field and 'id="f-price-error"' in field
    assert "“Weight” ends before it begins." in page
    assert "The filter “Bought on” cannot be “overdue”." in page  # no deadline


def test_chips_name_what_is_filtered_and_take_it_away(browser_of, stock):
    stock("A1", name="Cup", price=5)
    stock("A2", name="Plate")
    clerk = browser_of("manager")
    page = clerk.get(
        "/toys/?q=a&ware=cup&ware=plate&price.from=1&shelf_id=1&phone=5678&bought_on.is=empty&sort=-code"
    ).text
    chips = {
        label: (words, unescape(link))
        for label, words, link in re.findall(
            r'<span>([^<]+): <strong>([^<]*)</strong></span><a href="([^"]+)" aria-label="Remove', page
        )
    }
    assert {label: words for label, (words, _link) in chips.items()} == {
        "Contains": "a", "Ware": "Cup、Plate", "Price": "≥ ¥1.00", "Shelf": "T1-1", "Phone": "5678", "Bought on": "empty",
    }  # fmt: skip
    without = chips["Ware"][1]
    assert "ware=" not in without and "price.from=1" in without and "sort=-code" in without
    assert clerk.get(without).status_code == 200
    assert 'href="/toys/?view=all">Clear all' in page
    assert "Clear all" not in clerk.get("/toys/").text


def test_a_list_opens_with_the_persons_view_before_that_of_their_role(browser_of, stock, shop, shop_sql):
    stock("A1", ware="cup")
    stock("B1", ware="plate")
    manager, clerk, neighbour = browser_of("manager"), browser_of("receptionist"), browser_of("neighbour")

    def number(title):
        with shop.app_context(), acting(system_actor()):
            return db.session.scalar(sa.select(SavedView.id).where(SavedView.title == title))

    try:
        manager.post("/toys/views", data={"title": "Cups", "query": "ware=cup&page=2", "role": "receptionist"})
        cups = number("Cups")
        assert clerk.post(f"/toys/views/{cups}/open", data={"role": "receptionist"}).status_code == 404
        assert manager.post(f"/toys/views/{cups}/open", data={"role": "manager"}).status_code == 404  # not shared so
        assert codes(clerk.get("/toys/").text) == ["A1", "B1"]
        assert "opens for Receptionist" in manager.post(f"/toys/views/{cups}/open", data={"role": "receptionist"}).text
        shop_sql.clear()
        page = clerk.get("/toys/").text
        assert len(shop_sql) <= 6, "\n\n".join(shop_sql)
        assert codes(page) == ["A1"] and "The list opened with your view “Cups”." in page and "ware=cup" in page
        assert codes(clerk.get("/toys/?view=all").text) == ["A1", "B1"]
        clerk.post("/toys/views", data={"title": "Plates", "query": "ware=plate"})
        clerk.post(f"/toys/views/{number('Plates')}/open")
        assert codes(clerk.get("/toys/").text) == ["B1"] and codes(manager.get("/toys/").text) == ["A1", "B1"]
        assert neighbour.post(f"/toys/views/{cups}/open").status_code == 404
        clerk.post(f"/toys/views/{number('Plates')}/open", data={"stop": "yes"})
        assert codes(clerk.get("/toys/").text) == ["A1"]
        manager.post(f"/toys/views/{cups}", data={"title": "All cups", "role": ""})  # withdrawn
        assert codes(clerk.get("/toys/").text) == ["A1", "B1"] and "All cups" not in clerk.get("/toys/views").text
        with shop.app_context(), acting(system_actor()):
            entries = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.record_type == "saved_view")).all()
            assert {"create", "update"} <= {e.kind for e in entries}
    finally:
        with shop.app_context(), acting(system_actor()):
            for view in db.session.scalars(sa.select(SavedView)):
                db.session.delete(view)
            db.session.commit()


def test_the_printed_list_is_whole_and_says_what_it_shows(browser_of, stock, monkeypatch):
    for number in range(30):
        stock(f"A{number:02}", phone="13812345678")
    page = browser_of("manager").get("/toys/print?code=A&sort=-code&columns=code&columns=phone").text
    assert page.count("<tr>") == 31 and page.index("A29") < page.index("A00") and "13812345678" not in page
    assert "Filters: Code: A" in page and "Sorted by: Code ↓" in page and "Manager" in page and "T1" in page
    assert 'class=""' in page
    monkeypatch.setattr("app.fab.lists.PRINTED", 10)
    page = browser_of("manager").get("/toys/print").text
    assert page.count("<tr>") == 11 and "Only the first 10 of 30 lines are printed" in page and 'class="wide"' in page
