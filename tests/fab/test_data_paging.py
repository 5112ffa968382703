"""Pages by key: every row once and in order, whatever the order is and whoever writes meanwhile; honest counts."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.access.actor import Actor, acting, system_actor
from app.extensions import db
from app.fab import counting, interface
from app.fab.paging import Place, read_token

ME = Actor(user_id=1, name="me", estates=frozenset({1}), estate_id=1)
PAGES = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(0, 3)), st.integers(0, 3), st.sampled_from(["cup", "plate"]), st.integers(1, 2)
    ),
    min_size=1, max_size=14,
)  # fmt: skip
ORDERS = st.lists(
    st.tuples(st.sampled_from(["weight", "price", "ware", "code", "shelf.code", "bought_on"]), st.booleans()),
    min_size=1, max_size=3, unique_by=lambda pair: pair[0],
)  # fmt: skip


def put(toys, number, row, estate_id=1):
    weight, price, ware, shelf = row
    return toys.Item(
        estate_id=estate_id, code=f"W{number:03}", weight=weight, price=Decimal(price), ware=ware,
        shelf_id=shelf if estate_id == 1 else 3,
    )  # fmt: skip


def all_pages(model, order, size, backwards=False):
    """Codes of every page from the first (or last) one on, with what the pages say about themselves."""
    place = Place("last") if backwards else Place()
    columns = [key.column for key in model.keys(order)]
    while True:
        stretch = model.walk([], order, place, size, [])
        yield stretch
        text = stretch.previous if backwards else stretch.next
        if not text:
            return
        values, position = read_token(text, columns)
        place = Place("before" if backwards else "after", 1, values, position)


def expected(rows, order):
    """The order as Python sorts it: NULL above everything, the id last and in the last column's direction."""
    found = list(rows)

    def key(name):
        def value(item):
            got = item.shelf.code if name == "shelf.code" else getattr(item, name)
            return (got is None, got if got is not None else 0)

        return value

    found.sort(key=lambda item: item.id, reverse=order[-1][1])
    for name, descending in reversed(order):
        found.sort(key=key(name), reverse=descending)
    return [item.code for item in found]


@PAGES
@given(rows=ROWS, order=ORDERS, size=st.integers(1, 7))
def test_walking_all_pages_gives_every_row_once_in_order_both_ways(shop, toys, rows, order, size):
    model = interface.RecordInterface(toys.Item)
    with shop.test_request_context():
        with acting(system_actor(estate_id=1)):
            db.session.execute(sa.delete(toys.Item))
            db.session.add_all([put(toys, n, row) for n, row in enumerate(rows)])
            db.session.add(put(toys, 999, (1, 1, "cup", 1), estate_id=2))
            db.session.flush()
        with acting(ME):
            keys = [(model.attribute(name), way) for name, way in order]
            wanted = expected(db.session.scalars(sa.select(toys.Item)), order)
            pages = [*all_pages(model, keys, size)]
            assert [r.code for page in pages for r in page.records] == wanted
            assert all(page.total.number == len(rows) and page.total.exact for page in pages)
            assert [page.first for page in pages] == [1 + n * size for n in range(len(pages))]
            back = [*all_pages(model, keys, size, backwards=True)]
            seen = [r.code for page in back for r in reversed(page.records)]
            assert list(dict.fromkeys(seen)) == wanted[::-1]  # the first page is full again, so it may show some twice
            assert all(
                [r.code for r in page.records] == wanted[page.first - 1 : page.first - 1 + len(page.records)]
                for page in back
            )
        db.session.rollback()


@PAGES
@given(rows=ROWS, order=ORDERS, size=st.integers(1, 4), data=st.data())
def test_rows_that_come_and_go_meanwhile_make_nothing_appear_twice_or_vanish(shop, toys, rows, order, size, data):
    model = interface.RecordInterface(toys.Item)
    with shop.test_request_context(), acting(system_actor(estate_id=1)):
        db.session.execute(sa.delete(toys.Item))
        db.session.add_all([put(toys, n, row) for n, row in enumerate(rows)])
        db.session.flush()
        keys = [(model.attribute(name), way) for name, way in order]
        there = {item.code for item in db.session.scalars(sa.select(toys.Item))}
        seen, gone = [], set()
        for number, page in enumerate(all_pages(model, keys, size)):
            shown = [r.code for r in page.records]
            if not page.next and set(shown) <= set(seen):
                break  # nothing is behind the last row any more, so its page is shown again
            seen += shown
            db.session.add(put(toys, 500 + number, data.draw(ROWS)[0]))
            victim = data.draw(st.sampled_from(sorted(there)))
            gone.add(victim)
            db.session.execute(sa.delete(toys.Item).where(toys.Item.code == victim))
            db.session.flush()
            if number > 60:
                break
        assert len(seen) == len(set(seen)), seen
        assert there - gone <= set(seen)
        db.session.rollback()


@pytest.fixture
def short_sight(monkeypatch):
    """Lists are counted and sorted up to 20 lines only."""
    for module in (counting, interface):
        monkeypatch.setattr(module, "DEEPEST", 20)
    monkeypatch.setattr("app.fab.lists.DEEPEST", 20)
    monkeypatch.setattr("app.fab.filters.DEEPEST", 50)
    monkeypatch.setattr(counting, "WORTHWHILE", 1)
    monkeypatch.setattr(counting, "_known", {})


def test_a_long_list_says_more_than_until_it_is_counted_and_after_a_change_again(browser_of, stock, short_sight):
    for number in range(60):
        stock(f"P{number:02}")
    clerk = browser_of("manager")
    page = clerk.get("/toys/?sort=code").text
    assert "1–25 of more than 20" in page and 'hx-get="/toys/count?sort=code"' in page
    assert clerk.get("/toys/count?sort=code").text == "60 lines"
    assert "1–25 of 60" in clerk.get("/toys/?sort=code").text
    stock("P99")
    page = clerk.get("/toys/?sort=code").text
    assert "of more than 20" in page
    following = clerk.get(unescape(re.search(r'href="([^"]+)" rel="next"', page)[1])).text
    assert "26–50 of more than 20" in following
    assert "the last 25 of more than 20" in clerk.get("/toys/?sort=code&page=last").text


def test_sorting_without_an_index_is_refused_for_long_lists_only(browser_of, stock, short_sight):
    for number in range(21):
        stock(f"P{number:02}", name=f"N{99 - number}")
    clerk = browser_of("manager")
    page = clerk.get("/toys/?sort=name&size=50").text
    assert "“Name” sorts lists of up to 20 lines; narrow this one down first." in page
    assert page.index("P00") < page.index("P01")
    page = clerk.get("/toys/?sort=name&code=P0").text
    assert "narrow this one down" not in page and page.index(">P09<") < page.index(">P00<")


def test_a_page_number_too_deep_and_a_broken_place_say_so(browser_of, stock, short_sight):
    for number in range(30):
        stock(f"P{number:02}")
    clerk = browser_of("manager")
    assert "Page 4 lies too deep" in clerk.get("/toys/?page=4").text
    for odd in (
        "after=x",
        "before=WzEsMl0",
        "after=" + "A" * 3000,
        "after=%00",
        "before=bnVsbA",
        "page=last&sort=-name",
    ):
        answer = clerk.get(f"/toys/?{odd}")
        assert answer.status_code == 200
    assert "This place in the list cannot be found again" in clerk.get("/toys/?after=WzEsMl0").text


def test_tokens_of_every_kind_of_column_can_be_read_again(shop, toys, stock, browser_of):
    from datetime import UTC, date, datetime

    moment = datetime(2026, 2, 1, 15, 30, tzinfo=UTC)
    for number in range(30):
        stock(
            f"P{number:02}",
            bought_on=date(2026, 1, 1),
            seen_at=moment,
            price=Decimal("1.10"),
            weight=None,
            fragile=number % 2,
        )
    clerk = browser_of("manager")
    for column in ("code", "bought_on", "seen_at", "price", "weight", "fragile", "ware", "shelf.code"):
        for way in ("", "-"):
            first = clerk.get(f"/toys/?sort={way}{column}").text
            second = clerk.get(unescape(re.search(r'href="([^"]+)" rel="next"', first)[1])).text
            found = re.findall(r'class="gj-open"[^>]*>(P\d\d)<', first + second)
            assert len(found) == 30 and len(set(found)) == 30, column
            assert "26–30 of 30" in second
