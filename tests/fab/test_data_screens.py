"""The generated screens: list, show, add, edit, delete, as people and careless or hostile requests meet them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal


def form(**changes: object) -> dict[str, object]:
    filled = {"code": "A1", "name": "Blue cup", "shelf_id": "1", "ware": "cup", "price": "12.50", "weight": "300", "note": ""}
    return {k: v for k, v in {**filled, **changes}.items() if v is not None}


def test_a_record_is_entered_shown_changed_and_deleted(browser_of, stock, item_of):
    clerk = browser_of("manager")
    assert clerk.get("/toys/new").status_code == 200
    answer = clerk.post("/toys/new", data=form(bought_on="2026-03-01", seen_at="2026-03-02T14:45"))
    assert answer.status_code == 302
    page = clerk.get(answer.location).text
    assert "Blue cup" in page and "¥12.50" in page and "2026-03-02 14:45" in page and "Fresh" in page
    stored = item_of("A1")
    assert stored.seen_at == dt.datetime(2026, 3, 2, 6, 45, tzinfo=dt.UTC)  # Shanghai is eight hours ahead
    assert stored.price == Decimal("12.50") and stored.fragile is False
    assert "A1" in clerk.get("/toys/").text
    edit = clerk.get(f"/toys/{stored.id}/edit").text
    assert 'value="2026-03-02T14:45"' in edit
    answer = clerk.post(f"/toys/{stored.id}/edit", data=form(name="Red cup", version=stored.version))
    assert answer.status_code == 302 and item_of("A1").name == "Red cup"
    assert "Red cup" in clerk.get(answer.location).text
    assert clerk.post(f"/toys/{stored.id}/delete").status_code == 302
    assert item_of("A1") is None
