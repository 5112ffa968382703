"""Seed data of move-in and fees: complete in both languages, consistent, within the law."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.modules.movein import standing

MODULES = Path(standing.__file__).parents[1]
LISTS = {
    "movein/required_papers": {"code", "group", "zh", "en", "when", "mandatory", "keep"},
    "movein/handout_documents": {"code", "form_no", "paper", "zh", "en", "copies", "return", "delivery", "language"},
    "movein/procedure_steps": {"code", "zh", "en", "office"},
    "movein/entrusted_services": {"code", "zh", "en", "charge", "handling_fee", "department", "needs"},
    "movein/key_kinds": {"code", "zh", "en", "quantity", "deposit"},
    "fees/fee_items": {
        "code", "zh", "en", "kind", "basis", "rate", "taxable", "refundable", "mandatory", "default_selected", "active",
        "advance", "caution",
    },
}  # fmt: skip


def seed(name: str) -> dict[str, Any]:
    module, file = name.split("/")
    return yaml.safe_load((MODULES / module / "seeds" / f"{file}.yaml").read_text(encoding="utf-8"))


def entries(name: str) -> list[dict[str, Any]]:
    return seed(name)[name.split("/")[1]]


def by_code(name: str) -> dict[str, dict[str, Any]]:
    return {entry["code"]: entry for entry in entries(name)}


def unique(rows: list[dict[str, Any]]) -> bool:
    return len({row["code"] for row in rows}) == len(rows)


def assert_bilingual(node: Any) -> None:
    """Wherever a seed has one language it has the other."""
    if isinstance(node, dict):
        assert ("zh" in node) == ("en" in node), node
        if "zh" in node:
            assert isinstance(node["zh"], str) and isinstance(node["en"], str), node
            assert node["zh"].strip() and node["en"].strip() and node["en"].isprintable(), node
        for child in node.values():
            assert_bilingual(child)
    elif isinstance(node, list):
        for child in node:
            assert_bilingual(child)


@pytest.mark.parametrize("path", sorted(MODULES.glob("*/seeds/*.yaml")), ids=lambda path: path.stem)
def test_every_seed_is_bilingual(path: Path) -> None:
    assert_bilingual(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", LISTS)
def test_lists_have_their_fields_and_unique_codes(name: str) -> None:
    rows = entries(name)
    assert rows and unique(rows)
    assert all(set(row) == LISTS[name] for row in rows)


@pytest.mark.clause("MI-10")
def test_check_matrix_names_only_what_it_defines() -> None:
    matrix = seed("movein/check_matrix")
    spaces = {space["code"] for space in matrix["spaces"]}
    limits = {limit["code"]: limit["days"] for limit in matrix["limits"]}
    delivery = {kind["code"] for kind in matrix["delivery_types"]}
    items = [item for trade in matrix["trades"] for item in trade["items"]]
    for rows in (matrix["spaces"], matrix["limits"], matrix["severities"], matrix["layouts"], matrix["trades"], items):
        assert unique(rows)
    assert limits == {"structural": 0, "leakage": 7, "utilities": 3, "openings": 7, "surfaces": 15, "other": 15}
    for thing in (*matrix["trades"], *items, *matrix["severities"]):
        assert thing.get("limit", "other") in limits
    for item in items:
        assert item["spaces"] and set(item["spaces"]) <= spaces, item["code"]
        assert item["delivery"] and set(item["delivery"]) <= delivery, item["code"]
    assert {item_space for item in items for item_space in item["spaces"]} == spaces, "every space is inspected"
    assert {party["code"] for party in matrix["responsible_parties"]} == {"developer", "builder", "centre", "supplier"}


@pytest.mark.clause("MI-10")
def test_check_matrix_has_the_trades_of_the_per_household_acceptance() -> None:
    trades = {trade["code"]: trade for trade in seed("movein/check_matrix")["trades"]}
    assert len(trades) == 17
    fitted_only = {
        item["code"] for trade in trades.values() for item in trade["items"] if item["delivery"] == ["fitted"]
    }
    assert {"internal_door", "cabinets", "sanitary", "wall_paint", "floor_finish"} <= fitted_only
    assert all(item["delivery"] == ["fitted"] for item in trades["fixtures"]["items"])
    assert trades["waterproofing"]["limit"] == "leakage" and trades["electrical"]["limit"] == "utilities"


def test_rooms_of_a_layout_can_be_told_apart() -> None:
    matrix = seed("movein/check_matrix")
    titles = {space["code"]: space["zh"] for space in matrix["spaces"]}
    for layout in matrix["layouts"]:
        names = [room.get("zh", titles[room["space"]]) for room in layout["rooms"]]
        assert unique(layout["rooms"]) and len(set(names)) == len(names), layout["code"]
        assert sum(room["space"] == "bedroom" for room in layout["rooms"]) == layout["bedrooms"]


@pytest.mark.clause("MI-01")
def test_the_nine_documents_are_handed_out_and_their_texts_exist() -> None:
    documents = entries("movein/handout_documents")
    assert [d["form_no"] for d in documents if d["form_no"]] == [f"F0{n}" for n in range(1, 10)]
    texts = {path.stem for path in (MODULES / "movein/seeds/standing_texts").glob("*.yaml")} | {"privacy_notice"}
    assert {d["paper"] for d in documents if d["paper"]} == texts
    for document in documents:
        assert document["copies"] >= 1 and document["language"] in {"zh", "en", "both"}
        assert set(document["delivery"]) <= {"shell", "fitted"} and document["delivery"]
    assert {d["code"] for d in documents if d["return"]} >= {"interim_covenant", "renovation_agreement"}


@pytest.mark.clause("MI-05")
def test_identity_papers_are_seen_and_never_kept() -> None:
    papers = by_code("movein/required_papers")
    assert all(
        paper["when"] in {"always", "agent", "organisation", "overseas", "co_owners"} for paper in papers.values()
    )
    assert all(paper["keep"] == "seen" for code, paper in papers.items() if "identity" in code)
    assert papers["notarised_authorisation"]["when"] == "overseas"
    assert [papers[code]["group"] for code in ("movein_notice", "procedure_slip", "sales_contract")] == [
        "notice",
        "slip",
        "sales",
    ]


def test_procedure_slip_ends_with_inspection_before_keys() -> None:
    steps = [step["code"] for step in entries("movein/procedure_steps")]
    assert steps == ["payment_cleared", "eligibility", "documents", "fees", "signing", "inspection", "keys"]


@pytest.mark.clause("MI-09")
def test_no_handling_fee_on_collected_utilities() -> None:
    services = by_code("movein/entrusted_services")
    assert services["utilities_payment"]["handling_fee"] == "forbidden"
    assert services["utilities_payment"]["charge"] == "free"
    assert all(
        s["charge"] in {"free", "paid"} and s["handling_fee"] in {"allowed", "forbidden"} for s in services.values()
    )


@pytest.mark.clause("MI-06")
def test_fee_items_keep_the_rules() -> None:
    items = by_code("fees/fee_items")
    for code, item in items.items():
        assert item["kind"] in {"service_income", "collected_on_behalf", "deposit", "cost_fee"}, code
        assert item["basis"] in {"gfa_month", "gfa", "unit", "piece", "time", "meter", "bay_month"}, code
        assert Decimal(item["rate"]) > 0 and Decimal(item["rate"]).as_tuple().exponent == -2, code
        assert item["refundable"] == (item["kind"] == "deposit"), code
        assert item["taxable"] == (item["kind"] in {"service_income", "cost_fee"}), code
        assert not (item["advance"] and item["mandatory"]), "keys never depend on fees for a time to come"
    assert items["property_service"]["basis"] == "gfa_month" and items["property_service"]["advance"]
    assert not items["utilities_float"]["active"] and not items["maintenance_fund"]["active"]
    assert Decimal(items["renovation_deposit"]["rate"]) <= 2000


def test_privacy_notice_says_what_the_law_asks_for() -> None:
    notice = seed("people/privacy_notice")
    headings = "".join(section["heading"]["en"] for section in notice["sections"])
    for part in ("Who processes", "Purposes, kinds and retention", "Method", "Sensitive", "Passing on", "Your rights"):
        assert part in headings
    assert notice["version"] == notice["revision"]
    consents = notice["consents"]
    assert unique(consents) and {c["basis"] for c in consents} == {"contract", "consent", "separate", "guardian"}
    assert [c["code"] for c in consents if c["required"]] == ["service"], "only what the contract needs is required"
