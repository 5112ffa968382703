"""Lists: filters, order, pages, exports, lookups; what they cost; and that requests share nothing."""

from __future__ import annotations

import csv
import io
import threading
import time
from decimal import Decimal

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook

from app.core.access.actor import acting, system_actor
from app.extensions import db


def codes(page: str) -> list[str]:
    return [part.split("<")[0] for part in page.split('class="gj-open"')[1:] for part in [part.split(">", 1)[1]]]


@pytest.fixture
def three(stock):
    stock(
        "A1",
        name="Blue cup",
        price=Decimal("1.50"),
        weight=10,
        bought_on=sa.func.date("2026-01-05"),
        fragile=True,
        ware="cup",
    )
    seen_at = moment("2026-02-01T23:30+08:00")
    stock(
        "A2", name="Red plate", price=Decimal("20"), weight=20, seen_at=seen_at, fragile=False, ware="plate", shelf_id=2
    )
    stock("A3", name="50% off_cup", price=Decimal("300"), weight=None, phone="13812345678", ware="cup")


def moment(text: str):
    from datetime import datetime

    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("code=a", ["A1", "A2", "A3"]),
        ("name=cup", ["A1", "A3"]),
        ("name=cup+blue", ["A1"]),
        ("name=%25", ["A3"]),
        ("name=_", ["A3"]),
        ("q=plate", ["A2"]),
        ("q=T1-2", ["A2"]),
        ("ware=plate", ["A2"]),
        ("ware=plate&ware=cup", ["A1", "A2", "A3"]),
        ("state=sold", []),
        ("price.from=1.50&price.to=20", ["A1", "A2"]),
        ("price.from=20.01", ["A3"]),
        ("weight.to=10", ["A1"]),
        ("seen_at.from=2026-02-01&seen_at.to=2026-02-01", ["A2"]),
        ("seen_at.from=2026-02-02", []),
        ("fragile=no", ["A2"]),
        ("fragile=yes", ["A1", "A3"]),
        ("shelf_id=2", ["A2"]),
        ("shelf.code=t1-2", ["A2"]),
        ("phone=5678", ["A3"]),
        ("phone=138+1234+5678", ["A3"]),
        ("phone=1234", []),
        ("sort=-code", ["A3", "A2", "A1"]),
        ("sort=-price", ["A3", "A2", "A1"]),
        ("sort=-shelf.code", ["A2", "A3", "A1"]),
    ],
)
def test_filters_fit_their_columns(browser_of, three, arguments, found):
    assert codes(browser_of("manager").get(f"/toys/?{arguments}").text) == found


@pytest.mark.parametrize(
    "arguments",
    [
        "page=0", "page=-1", "page=x", "page=99999999999999999999", "page=1e3", "size=7", "size=1000000", "size=x", "sort=nothing",
        "sort=phone", "sort=--code", "sort=code;drop", "price.from=abc", "price.from=NaN", "price.to=1e400", "weight.from=99999999999",
        "bought_on.from=2026-13-01", "bought_on.from=0001-01-01", "seen_at.to=9999-12-31", "seen_at.from=x",
        "fragile=maybe", "ware=spoon", "shelf_id=x", "shelf_id=99999999999999", "phone=12", "code=%00", "q=%00", "unknown=1", "q=%25",
        "weight.from=%EF%BC%91", "_flt_0_code=x", "page_ToyItemView=x", "ware=", "shelf.code=%00x",
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense_never_break_a_list(browser_of, three, arguments):
    clerk = browser_of("manager")
    assert clerk.get(f"/toys/?{arguments}").status_code == 200
    assert clerk.get(f"/toys/export.csv?{arguments}").status_code == 200


def test_a_filter_that_cannot_be_read_is_reported(browser_of, three):
    page = browser_of("manager").get("/toys/?price.from=abc&sort=phone").text
    assert "The filter “Price” cannot be “abc”." in page and "cannot be sorted by “phone”" in page


def test_pages_count_and_keep_their_filters(browser_of, stock):
    for number in range(60):
        stock(f"P{number:02}")
    clerk = browser_of("manager")
    first, last = clerk.get("/toys/?code=P&sort=-code").text, clerk.get("/toys/?code=P&sort=-code&page=3").text
    assert codes(first)[0] == "P59" and len(codes(first)) == 25 and "1–25 of 60" in first
    assert codes(last) == [f"P{n:02}" for n in range(9, -1, -1)] and "51–60 of 60" in last
    assert "code=P" in first.split('aria-label="Next page"')[0].rsplit("href=", 1)[1]
    assert codes(clerk.get("/toys/?code=P&page=77&sort=-code").text) == codes(last)
    assert len(codes(clerk.get("/toys/?size=50").text)) == 50


def test_a_list_of_25_costs_at_most_five_statements(browser_of, stock, shop_sql, shop):
    with shop.app_context(), acting(system_actor()):
        keeper = db.session.scalar(sa.text("select id from ab_user where username = 'manager'"))
    for number in range(30):
        stock(f"P{number:02}", shelf_id=1 + number % 2, keeper_id=keeper)
    clerk = browser_of("manager")
    clerk.get("/toys/")
    shop_sql.clear()
    page = clerk.get("/toys/").text
    assert len(codes(page)) == 25 and "T1-2" in page and "Manager" in page
    assert len(shop_sql) <= 5, "\n\n".join(shop_sql)
    shop_sql.clear()
    clerk.get("/toys/?page=2&sort=-shelf.code")
    assert len(shop_sql) <= 5, "\n\n".join(shop_sql)
    shop_sql.clear()
    clerk.get("/toys/?shelf_id=1")
    assert len(shop_sql) <= 5, "\n\n".join(shop_sql)


def test_exports_hold_exactly_what_is_shown_and_no_formula(browser_of, stock):
    stock("A1", name="=1+1", price=Decimal("12.50"), fragile=False, seen_at=moment("2026-02-01T23:30+08:00"))
    stock("A2", name="@cmd", price=Decimal("-0") + 3)
    stock("B1", name="not asked for")
    for number in range(40):
        stock(f"C{number:02}")
    clerk = browser_of("manager")
    answer = clerk.get("/toys/export.csv?code=A&sort=-code")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0][:3] == ["Code", "Name", "Shelf"] and [r[0] for r in rows[1:]] == ["A2", "A1"]
    assert [r[1] for r in rows[1:]] == ["'@cmd", "'=1+1"]
    assert rows[2][rows[0].index("Seen at")] == "2026-02-01 23:30" and rows[2][rows[0].index("Price")] == "12.50"
    assert rows[2][rows[0].index("Mark")] == "T1-1/A1" and rows[2][rows[0].index("State")] == "Fresh"
    book = load_workbook(io.BytesIO(clerk.get("/toys/export.xlsx?sort=code").data))
    sheet = [[cell.value for cell in row] for row in book.active]
    assert len(sheet) == 44
    name = book.active["B2"]
    assert (name.value, name.data_type) == ("=1+1", "s")
    assert sheet[1][sheet[0].index("Price")] == 12.5
    assert sheet[1][sheet[0].index("Fragile")] == "No"


def test_lookups_are_searched_paged_and_answer_only_readers(browser_of, shop, toys, stock):
    with shop.app_context(), acting(system_actor(estate_id=1)):
        db.session.add_all([toys.Shelf(code=f"L{n:03}") for n in range(45)])
        db.session.commit()
    clerk = browser_of("manager")
    first = clerk.get("/lookup/toy_shelf?q=L0").json
    assert len(first["items"]) == 20 and first["more"] and first["items"][0]["text"] == "L000"
    third = clerk.get("/lookup/toy_shelf?q=L0&page=3").json
    assert [i["text"] for i in third["items"]] == [f"L{n:03}" for n in range(40, 45)] and not third["more"]
    for odd in ("page=0", "page=x", "page=99999999", "q=%00", "for=x.y"):
        assert clerk.get(f"/lookup/toy_shelf?{odd}").status_code == 200
    assert clerk.get("/lookup/submission").status_code == 404
    assert clerk.get("/lookup/ab_user?q=recep").json["items"][0]["text"] == "Receptionist"
    assert not clerk.get("/lookup/ab_user?q=neighbour").json["items"]
    assert shop.test_client().get("/lookup/toy_shelf").status_code == 302
    with shop.app_context(), acting(system_actor()):
        db.session.execute(sa.delete(toys.Shelf).where(toys.Shelf.code.startswith("L")))
        db.session.commit()


def test_a_form_stays_small_whatever_its_reference_points_at(browser_of, shop, toys, stock):
    stamp = moment("2026-01-01T00:00+00:00")
    with shop.app_context(), acting(system_actor(estate_id=1)):
        db.session.execute(
            sa.insert(toys.Shelf.__table__),
            [
                {"estate_id": 1, "code": f"S{n:05}", "created_at": stamp, "changed_at": stamp, "version": 1}
                for n in range(20000)
            ],
        )
        db.session.commit()
    try:
        pk = stock("A1")
        clerk = browser_of("manager")
        for address in ("/toys/new", f"/toys/{pk}/edit", "/toys/?shelf_id=1"):
            started = time.perf_counter()
            answer = clerk.get(address)
            assert len(answer.data) < 100_000 and answer.text.count("<option") < 40
            assert time.perf_counter() - started < 1
    finally:
        with shop.app_context(), acting(system_actor()):
            db.session.execute(
                sa.delete(toys.Shelf).where(toys.Shelf.code.startswith("S0") | toys.Shelf.code.startswith("S1"))
            )
            db.session.commit()


def test_filters_of_one_request_never_reach_another(browser_of, stock):
    """Many threads read the same list with different filters at once; each gets its own rows only."""
    for letter in "ABCD":
        for number in range(3):
            stock(f"{letter}{number}")
    clerks = {letter: browser_of("manager") for letter in "ABCD"}
    wrong: list[object] = []
    start = threading.Barrier(4)

    def read(letter: str) -> None:
        start.wait()
        for _ in range(15):
            found = codes(clerks[letter].get(f"/toys/?code={letter}").text)
            if found != [f"{letter}{n}" for n in range(3)]:
                wrong.append((letter, found))

    threads = [threading.Thread(target=read, args=(letter,)) for letter in "ABCD"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_view_objects_are_not_touched_by_requests(browser_of, stock, shop):
    view = shop.extensions["guanjia.record_views"]["ToyItemView"]
    clerk = browser_of("manager")
    clerk.get("/toys/")
    before = {name: repr(value) for name, value in vars(view).items()}
    clerk.get("/toys/?code=A&sort=-code&page=2&size=50")
    clerk.post("/toys/new", data={"code": "A"})
    assert {name: repr(value) for name, value in vars(view).items()} == before
    assert view._filters is None


@pytest.mark.slow
def test_page_7900_of_200_000_is_as_quick_as_the_first(shop, toys, stock):
    table = toys.Item.__table__
    stamp = moment("2026-01-01T00:00+00:00")
    with shop.app_context(), acting(system_actor(estate_id=1)):
        for start in range(0, 200_000, 20_000):
            db.session.execute(
                sa.insert(table),
                [
                    {"estate_id": 1, "code": f"K{n:06}", "shelf_id": 1, "ware": "cup", "created_at": stamp, "changed_at": stamp,
                     "version": 1, "price": Decimal(n), "fragile": True, "state": "new", "name": "", "note": ""}
                    for n in range(start, start + 20_000)
                ],
            )  # fmt: skip
        db.session.commit()
        db.session.execute(sa.text("ANALYZE"))
        db.session.commit()
    from app.core.access.actor import Actor
    from app.fab.paging import Place

    person = Actor(user_id=1, name="x", estates=frozenset({1}), estate_id=1)
    view = shop.extensions["guanjia.record_views"]["ToyItemView"]
    with shop.test_request_context(), acting(person):

        def read(page: int) -> float:
            best = 9.0
            for _ in range(5):
                db.session.expunge_all()
                started = time.perf_counter()
                place = Place("after", 1, (f"K{page * 25 - 1:06}", 2**31 - 1), page * 25) if page else Place()
                stretch = view.datamodel.walk([], view.order, place, 25, view.listed)
                best = min(best, time.perf_counter() - started)
                assert (stretch.total.exact, stretch.first, len(stretch.records)) == (False, page * 25 + 1, 25)
                assert stretch.records[0].code == f"K{page * 25:06}"
            return best

        timings = {page: read(page) for page in (0, 1000, 7900)}
    assert max(timings.values()) < 2 * timings[0] + 0.010, timings  # deep pages must not read the rows they skip


def test_a_list_without_text_columns_says_that_it_cannot_be_searched(shop, toys):
    from zoneinfo import ZoneInfo

    from werkzeug.datastructures import MultiDict

    from app.fab.filters import read_query
    from app.fab.interface import RecordInterface

    with shop.test_request_context():
        price = RecordInterface(toys.Item).attribute("price")
        query = read_query(MultiDict({"q": "a"}), [price], {}, [], ZoneInfo("UTC"), RecordInterface(toys.Item))
        assert query.clauses([]) == [] and query.problems == ("This list cannot be searched by text.",)


def test_columns_can_be_chosen_and_exports_follow(browser_of, stock):
    stock("A1", name="Blue cup", weight=77)
    clerk = browser_of("manager")
    page = clerk.get("/toys/?columns=weight&columns=code&columns=nothing").text
    assert page.count("<th scope") == 3 and "77" in page and "Blue cup" not in page.split("<tbody>")[1]
    assert clerk.get("/toys/export.csv?columns=code&columns=weight").text.lstrip("\ufeff").splitlines() == [
        "Code,Weight",
        "A1,77",
    ]
    assert clerk.get("/toys/?columns=nothing").text.count("<th scope") == 14


def test_a_view_is_saved_shared_with_a_role_used_and_deleted(browser_of, stock, shop):
    manager, clerk, neighbour = browser_of("manager"), browser_of("receptionist"), browser_of("neighbour")
    assert manager.post("/toys/views", data={"title": " ", "query": "x"}).status_code == 422
    assert clerk.post("/toys/views", data={"title": "Cups", "query": "ware=cup", "role": "cashier"}).status_code == 422
    page = manager.post("/toys/views", data={"title": "Cups", "query": "ware=cup&sort=-code", "role": "manager"}).text
    assert 'href="/toys/?ware=cup&amp;sort=-code"' in page
    refused = manager.post("/toys/views", data={"title": "Cups", "query": "ware=plate"})
    assert refused.status_code == 422 and "You have a view called “Cups” already" in refused.text
    number = page.split("/toys/views/")[1].split("/")[0]
    overwritten = {"title": "Cups", "query": "ware=plate&page=3", "overwrite": "yes", "role": ""}
    page = manager.post(f"/toys/views/{number}", data=overwritten).text
    assert 'ware=plate"' in page and "sort=-code" not in page
    assert "Cups" not in clerk.get("/toys/views").text
    manager.post(f"/toys/views/{number}", data={"title": "Cups", "role": "manager"})
    assert "Cups" not in neighbour.get("/toys/views").text  # a manager too, but of another estate
    for stranger in (clerk, neighbour):
        assert stranger.post(f"/toys/views/{number}/delete").status_code == 404
    assert "Cups" not in manager.post(f"/toys/views/{number}/delete").text
