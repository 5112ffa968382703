"""Fields without code in lists: columns, filters, order, saved views, exports, search, rights and what they cost."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from openpyxl import load_workbook
from werkzeug.datastructures import FileStorage

from app.core.access.actor import current_actor
from app.core.fields.models import CustomField, CustomValue, FieldKind
from app.core.fields.services import add_field, archive_field, change_field, set_values
from app.core.records.savedviews import SavedView
from app.modules.estates.models import Building, Unit

METERING = [
    {"code": "single", "title_zh": "单相", "title_en": "Single phase"},
    {"code": "three", "title_zh": "三相", "title_en": "Three phases"},
    {"code": "none", "title_zh": "无", "title_en": "None at all"},
]
KINDS: dict[str, dict[str, Any]] = {
    "remark": {
        "kind": FieldKind.TEXT,
        "title_zh": "水表备注",
        "title_en": "Meter remark",
        "listed": True,
        "searched": True,
    },
    "power": {"kind": FieldKind.NUMBER, "places": 1, "title_zh": "用电容量", "title_en": "Power (kW)", "listed": True},
    "deposit": {
        "kind": FieldKind.MONEY,
        "title_zh": "押金",
        "title_en": "Deposit",
        "read_roles": ["cashier", "manager"],
    },
    "wired_on": {"kind": FieldKind.DATE, "title_zh": "接线日期", "title_en": "Wired on"},
    "metering": {"kind": FieldKind.CHOICE, "title_zh": "计量", "title_en": "Metering", "choices": METERING},
    "solar": {"kind": FieldKind.YES_NO, "title_zh": "光伏", "title_en": "Solar"},
    "plan": {"kind": FieldKind.FILE, "title_zh": "图纸", "title_en": "Plan"},
}


@pytest.fixture
def fields(session: Any) -> dict[str, CustomField]:
    """One field of every kind on units; the deposit is for cashiers and managers."""
    actor = current_actor()
    return {
        code: add_field(session, {"record_type": "unit", "code": code, **values}, actor=actor)
        for code, values in KINDS.items()
    }


@pytest.fixture
def units(session: Any, fields: Any) -> SimpleNamespace:
    """1-101 has every value, 1-102 some, 1-103 none."""
    building = Building(estate_id=1, code="1")
    found = [
        Unit(estate_id=1, building=building, code=f"1-10{n}", number=f"10{n}", house_type="high_rise", gross_area=Decimal(90 + n))
        for n in (1, 2, 3)
    ]  # fmt: skip
    session.add_all(found)
    session.flush()
    upload = FileStorage(io.BytesIO(b"%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"), filename="plan.pdf")
    first = {
        "remark": "=behind the door", "power": Decimal("12.5"), "deposit": Decimal("1500"), "wired_on": date(2026, 3, 1),
        "metering": "three", "solar": True, "plan": upload,
    }  # fmt: skip
    second = {"remark": "In the kitchen", "power": Decimal(4), "metering": "single", "solar": False}
    for unit, values in zip(found, (first, second), strict=False):
        set_values(session, unit, values, actor=current_actor())
    session.commit()
    return SimpleNamespace(first=found[0].id, second=found[1].id, third=found[2].id)


@pytest.fixture
def ask(client_of: Callable[[str], Any]) -> Callable[..., str]:
    """``ask("power.from=5", "cashier")``: the page of the list of units."""
    clients: dict[str, Any] = {}

    def page(query: str = "", who: str = "manager", path: str = "/units/") -> str:
        client = clients.setdefault(who, client_of(who))
        answer = client.get(f"{path}?{query}")
        assert answer.status_code == 200, answer.get_data(as_text=True)[:500]
        return str(answer.get_data(as_text=True))

    return page


def shown(page: str) -> list[str]:
    """The codes of the listed units."""
    return [part.split("<")[0] for part in page.split('class="gj-open"')[1:] for part in [part.split(">", 1)[1]]]


def test_listed_fields_are_columns_and_the_others_can_be_chosen(units: Any, ask: Any) -> None:
    page = ask()
    assert ">Meter remark</a></th>" in page
    assert "12.5" in page
    assert "=behind the door" in page
    assert ">Metering</a></th>" not in page
    chosen = ask("columns=code&columns=x_metering&columns=x_solar&columns=x_deposit&columns=x_wired_on&columns=x_plan")
    for text in ("Three phases", "Single phase", "1,500.00", "2026-03-01", ">plan.pdf</a>", ">Yes<", ">No<"):
        assert text in chosen
    assert "behind the door" not in chosen.split("<tbody>")[1]


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ("x_remark=kitchen", ["1-102"]),
        ("x_remark=THE+door", ["1-101"]),
        ("x_remark.is=empty", ["1-103"]),
        ("x_remark.is=filled", ["1-101", "1-102"]),
        ("x_power.from=4&x_power.to=12", ["1-102"]),
        ("x_power.from=12.5", ["1-101"]),
        ("x_deposit.to=1500", ["1-101"]),
        ("x_wired_on.from=2026-02-01&x_wired_on.to=2026-03-01", ["1-101"]),
        ("x_wired_on.is=last_month", []),
        ("x_metering=three&x_metering=single", ["1-101", "1-102"]),
        ("x_metering=none", []),
        ("x_solar=no", ["1-102"]),
        ("x_plan.is=filled", ["1-101"]),
        ("x_plan.is=empty", ["1-102", "1-103"]),
        ("sort=x_power", ["1-102", "1-101", "1-103"]),
        ("sort=-x_power", ["1-103", "1-101", "1-102"]),
        ("sort=x_metering", ["1-102", "1-101", "1-103"]),
        ("sort=x_remark&x_solar=yes", ["1-101"]),
    ],
)
def test_every_kind_is_filtered_and_sorted(units: Any, ask: Any, query: str, codes: list[str]) -> None:
    assert shown(ask(query)) == codes


def test_a_wrong_argument_is_told_beside_its_filter(units: Any, ask: Any) -> None:
    page = ask("x_power.from=much")
    assert "The filter “Power (kW)” cannot be “much”." in page
    assert shown(page) == ["1-101", "1-102", "1-103"]


def test_pages_follow_each_other_along_a_sorted_field(units: Any, ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.fab import filters

    monkeypatch.setattr(filters, "SIZES", (1, 50, 100))
    for order in ("x_metering", "-x_power", "x_wired_on", "x_solar"):
        seen, page = [], ask(f"sort={order}&size=1")
        while True:
            seen += shown(page)
            following = page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
            if 'rel="next"' not in page:
                break
            page = ask(following.partition("?")[2].replace("&amp;", "&"))
        assert sorted(seen) == ["1-101", "1-102", "1-103"], order


def test_chips_tell_active_filters_in_words(units: Any, ask: Any) -> None:
    chips = ask("x_metering=three&x_power.from=2&x_solar=yes").split('class="gj-chips')[1].split("</ul>")[0]
    for words in ("Three phases", "≥ 2", "Solar: <strong>Yes"):
        assert words in chips


def test_fields_are_exported_with_their_types(units: Any, client_of: Any) -> None:
    client = client_of("manager")
    columns = "&".join(f"columns={name}" for name in ("code", *(f"x_{code}" for code in KINDS)))
    book = load_workbook(io.BytesIO(client.get(f"/units/export.xlsx?{columns}").data))
    heads, first, second, third = book.active.iter_rows(values_only=True)
    assert heads[1:] == ("Meter remark", "Power (kW)", "Deposit", "Wired on", "Metering", "Solar", "Plan")
    assert first[1:4] == ("=behind the door", 12.5, 1500)
    assert first[4].date() == date(2026, 3, 1)
    assert first[5:] == ("Three phases", "Yes", "plan.pdf")
    assert second[2:] == (4, None, None, "Single phase", "No", None)
    assert third[1:] == (None,) * 7
    lines = list(csv.reader(io.StringIO(client.get(f"/units/export.csv?{columns}").data.decode("utf-8-sig"))))
    assert lines[1][1:] == ["'=behind the door", "12.5", "1500.00", "2026-03-01", "Three phases", "Yes", "plan.pdf"]


def test_the_printed_list_has_the_fields(units: Any, ask: Any) -> None:
    page = ask("x_power.from=5&columns=code&columns=x_metering", path="/units/print")
    assert "Three phases" in page
    assert "1-102" not in page


def test_a_page_with_fields_takes_six_statements_at_most(units: Any, client_of: Any, sql_count: Any) -> None:
    client = client_of("manager")
    everything = "/units/?view=all&" + "&".join(f"columns=x_{code}" for code in KINDS)
    client.get(everything)
    sql_count.reset()
    client.get(everything + "&x_power.from=1&sort=x_power")
    assert len(sql_count.statements) <= 6, sql_count.statements
    assert sum("custom_value.record_id IN" in s for s in sql_count.statements) == 1
    assert not any("custom_field" in s for s in sql_count.statements)


def test_hidden_fields_appear_nowhere(units: Any, fields: Any, ask: Any, client_of: Any, session: Any) -> None:
    tell_tale = "view=all&columns=code&columns=x_deposit&x_deposit.from=1400&sort=x_deposit"
    assert shown(ask(tell_tale, "cashier")) == ["1-101"]
    page = ask(tell_tale, "receptionist").partition("<main")[2]  # the frame repeats the address that was asked for
    assert shown(page) == ["1-101", "1-102", "1-103"]
    assert "this was left out" in page
    for trace in ("deposit", "Deposit", "1,500", "1400"):
        assert trace not in page
    client = client_of("receptionist")
    for form in ("csv", "xlsx"):
        data = client.get(f"/units/export.{form}?{tell_tale}").data
        if form == "csv":
            assert data.decode("utf-8-sig").splitlines() == ["Unit no.", "1-101", "1-102", "1-103"]
        else:
            assert next(iter(load_workbook(io.BytesIO(data)).active.values)) == ("Unit no.",)
    printed = ask(tell_tale, "receptionist", "/units/print").partition("<main")[2]
    assert "1-103" in printed
    assert "eposit" not in printed


def test_a_shared_view_keeps_a_hidden_field_from_those_who_do_not_see_it(units: Any, ask: Any, session: Any) -> None:
    owner = session.scalar(sa.text("SELECT id FROM ab_user WHERE username = 'manager'"))
    query = "columns=x_deposit&columns=code&x_deposit.from=1400&x_power.from=1"
    session.add(SavedView(owner_id=owner, screen="UnitView", title="Deposits", query=query, role="receptionist"))
    session.commit()
    offered = ask("", "receptionist", "/units/views")
    assert "Deposits" in offered
    assert "deposit." not in offered
    assert "1400" not in offered
    address = offered.partition("/units/?")[2].partition('"')[0].replace("&amp;", "&")
    page = ask(address, "receptionist")
    assert "this was left out" in page
    assert shown(page) == ["1-101", "1-102"]
    assert "x_deposit.from=1400" in ask("", "manager", "/units/views")


def test_a_command_for_all_lines_of_a_filter_that_is_gone_touches_nothing(
    units: Any, client_of: Any, session: Any, fields: Any
) -> None:
    client = client_of("manager")
    archive_field(session, fields["power"], reason="Not needed", actor=current_actor())
    session.commit()
    form = {"query": "x_power.from=10", "all": "yes", "sure": "yes", "delivery_type": "fitted"}
    client.post("/units/bulk/facts", data=form)
    session.expire_all()
    assert set(session.scalars(sa.select(Unit.delivery_type))) == {session.get(Unit, units.third).delivery_type}
    assert "fitted" not in {str(kind) for kind in session.scalars(sa.select(Unit.delivery_type))}


def test_a_command_for_all_lines_goes_by_the_filter(units: Any, client_of: Any, session: Any) -> None:
    client_of("manager").post(
        "/units/bulk/facts", data={"query": "x_power.from=10", "all": "yes", "sure": "yes", "delivery_type": "fitted"}
    )
    session.expire_all()
    fitted = session.scalars(sa.select(Unit.code).where(Unit.delivery_type == "fitted")).all()
    assert fitted == ["1-101"]


def test_an_archived_field_is_gone_and_a_withdrawn_choice_is_still_found(
    units: Any, fields: Any, ask: Any, session: Any
) -> None:
    archive_field(session, fields["remark"], reason="Not needed", actor=current_actor())
    change_field(session, fields["metering"], {"choices": METERING[1:]}, actor=current_actor())
    session.commit()
    page = ask()
    assert "Meter remark" not in page
    assert "behind the door" not in page
    assert shown(ask("x_metering=single")) == ["1-102"]
    assert session.scalar(sa.select(sa.func.count(CustomValue.id)).where(CustomValue.text == "In the kitchen")) == 1


def test_other_estates_neither_have_the_fields_nor_see_the_values(units: Any, ask: Any) -> None:
    assert "Meter remark" not in ask("", "neighbour")
    assert shown(ask("x_power.from=1", "neighbour")) == []


def test_titles_are_in_the_language_of_the_reader(units: Any, ask: Any, session: Any) -> None:
    session.execute(sa.text("UPDATE ab_user SET language = 'zh' WHERE username = 'manager'"))
    page = ask("columns=x_metering&columns=code&x_metering=three")
    assert "三相" in page
    assert "计量" in page
    assert "Three phases" not in page


def test_the_search_box_finds_searched_texts_by_their_beginning(
    units: Any, fields: Any, ask: Any, session: Any
) -> None:
    for typed in ("In the kit", "in the kitchen", "=behind"):
        assert "Meter remark" in ask(f"q={typed}", path="/search"), typed
    found = ask("q=in+the+kit", path="/search")
    assert "1-102" in found
    assert f"/households/{units.second}" in found
    for typed in ("kitchen", "three"):  # the middle of a text, a choice
        assert "Meter remark" not in ask(f"q={typed}", path="/search")
    assert "Meter remark" not in ask("q=In+the+kit", "neighbour", "/search")
    change_field(session, fields["remark"], {"read_roles": ["cashier"]}, actor=current_actor())
    session.commit()
    assert "Meter remark" not in ask("q=In+the+kit", path="/search")
    assert "1-102" in ask("q=In+the+kit", "cashier", "/search")


def test_searching_by_fields_takes_one_statement_for_each_kind_of_record(units: Any, ask: Any, sql_count: Any) -> None:
    ask("q=In+the+kit", path="/search")
    sql_count.reset()
    ask("q=In+the+kit", path="/search")
    assert sum("custom_value" in statement for statement in sql_count.statements) == 1
