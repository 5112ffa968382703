"""The inspection: matrix by delivery type and layout, limits, rounds and re-inspection, readings, conclusions (MI-10, MI-11)."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.core.access.actor import NotAllowed
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.workflow.table import Blocked
from app.modules.estates.models import DeliveryType, MeterKind, ReadingSource
from app.modules.estates.queries import last_reading
from app.modules.estates.services import add_meter, correct_reading, record_reading, replace_meter
from app.modules.movein import inspection, seeding
from app.modules.movein.states import CaseState, Conclusion, DefectState, ItemResult, Severity
from tests.movein import factories as make

S = CaseState
MATRIX = yaml.safe_load((Path(seeding.SEEDS) / "check_matrix.yaml").read_text(encoding="utf-8"))


def at_inspection(session: Any, **unit: Any) -> Any:
    """A case at its inspection with the first round open."""
    case = make.case_at(session, S.INSPECTION, unit=make.unit_of(session, **unit))
    inspection.open_round(session, case, actor=make.SYSTEM)
    return case


def item_of(case: Any, code: str, space: str | None = None) -> Any:
    return next(i for i in case.round.items if i.item == code and space in (None, i.space))


def fail(session: Any, item: Any, severity: Severity = Severity.MINOR, **values: Any) -> Any:
    given = {"description": "Cracked", "party": "builder", **values}
    return inspection.report_defect(session, item, severity=severity, actor=make.SYSTEM, **given)


# The matrix


@pytest.mark.clause("MI-10")
@pytest.mark.parametrize("delivery", list(DeliveryType))
@pytest.mark.parametrize(
    ("layout", "bedrooms"),
    [("一室一厅", 1), ("两室两厅一卫", 2), ("三室两厅两卫", 3), ("四室两厅", 4), ("5室3厅", 4), ("", 3)],
)
def test_the_first_round_checks_the_matrix_of_layout_and_delivery(session, layout, bedrooms, delivery):
    case = at_inspection(session, layout=layout, delivery=delivery)
    rooms = next(entry for entry in MATRIX["layouts"] if entry["bedrooms"] == bedrooms)["rooms"]
    expected = Counter(
        (trade["code"], item["code"], room["code"])
        for trade in MATRIX["trades"] for item in trade["items"] if delivery.value in item["delivery"]
        for room in rooms if room["space"] in item["spaces"]
    )  # fmt: skip
    assert Counter((i.trade, i.item, i.space) for i in case.round.items) == expected
    assert all(i.result is None for i in case.round.items)


def test_fitted_units_are_checked_for_what_shell_units_do_not_have(session):
    shell = {i.item for i in at_inspection(session, delivery=DeliveryType.SHELL).round.items}
    fitted = {i.item for i in at_inspection(session, delivery=DeliveryType.FITTED).round.items}
    assert {"cabinets", "sanitary", "internal_door", "wall_paint"} <= fitted - shell
    assert "floor_sanding" in shell - fitted


def test_a_round_needs_the_case_at_its_inspection(session):
    case = make.case_at(session, S.HANDOUT)
    with pytest.raises(InvalidValue):
        inspection.open_round(session, case, actor=make.SYSTEM)


def test_a_second_round_is_not_opened_beside_a_running_one(session):
    with pytest.raises(InvalidValue):
        inspection.open_round(session, at_inspection(session), actor=make.SYSTEM)


def test_an_inspection_does_not_lie_in_the_future(session):
    case = make.case_at(session, S.INSPECTION)
    with pytest.raises(InvalidValue):
        inspection.open_round(session, case, inspected_on=date(2999, 1, 1), actor=make.SYSTEM)


# Limits (forms A2)


@pytest.mark.clause("MI-11")
@pytest.mark.parametrize(
    ("code", "severity", "days"),
    [
        ("window_leak", Severity.MINOR, 7), ("ceiling_leak", Severity.MAJOR, 7), ("ponding_test", Severity.AFFECTS_USE, 7),
        ("water_leaks", Severity.MINOR, 7), ("drain_flow", Severity.MINOR, 3), ("sockets", Severity.MAJOR, 3),
        ("gas_pipe", Severity.MINOR, 3), ("door_lock", Severity.MINOR, 7), ("glass", Severity.AFFECTS_USE, 7),
        ("wall_crack", Severity.MINOR, 15), ("ceiling_flatness", Severity.MINOR, 15), ("floor_hollow", Severity.MAJOR, 15),
        ("clear_height", Severity.MINOR, 15), ("wall_crack", Severity.STRUCTURAL, 0), ("ceiling_leak", Severity.STRUCTURAL, 0),
    ],
)  # fmt: skip
def test_the_day_follows_severity_item_and_trade(session, code, severity, days):
    case = at_inspection(session)
    defect = fail(session, item_of(case, code), severity)
    assert defect.due_on == case.round.inspected_on + timedelta(days=days)
    assert defect.item.result == ItemResult.FAIL


def test_a_day_that_was_agreed_replaces_the_limit_but_not_the_past(session):
    case = at_inspection(session)
    item, agreed = item_of(case, "wall_crack"), case.round.inspected_on + timedelta(days=40)
    assert fail(session, item, due_on=agreed).due_on == agreed
    with pytest.raises(InvalidValue):
        fail(session, item, due_on=case.round.inspected_on - timedelta(days=1))


def test_a_defect_says_what_and_who(session):
    case = at_inspection(session)
    item = item_of(case, "wall_crack")
    with pytest.raises(InvalidValue):
        fail(session, item, description="  ")
    with pytest.raises(InvalidValue):
        fail(session, item, party="nobody")
    first, again = fail(session, item), fail(session, item, description="Two cracks", severity=Severity.MAJOR)
    assert first is again and again.description == "Two cracks" and len(case.defects) == 1


# Results


def test_an_item_with_a_defect_is_not_passed_before_the_defect_is_taken_back(session):
    case = at_inspection(session)
    item = item_of(case, "wall_crack")
    defect = fail(session, item)
    with pytest.raises(InvalidValue):
        inspection.judge(session, item, result=ItemResult.PASS, actor=make.SYSTEM)
    inspection.remove_defect(session, defect, actor=make.SYSTEM)
    assert item.result is None and case.defects == []
    inspection.judge(session, item, result=ItemResult.PASS, actor=make.SYSTEM)
    assert item.result == ItemResult.PASS


def test_the_rest_of_a_space_or_trade_passes_and_leaves_what_was_judged(session):
    case = at_inspection(session)
    kitchen = [i for i in case.round.items if i.space == "kitchen"]
    inspection.judge(session, kitchen[0], result=ItemResult.NOT_APPLICABLE, actor=make.SYSTEM)
    assert inspection.pass_rest(session, case.round, space="kitchen", actor=make.SYSTEM) == len(kitchen) - 1
    assert kitchen[0].result == ItemResult.NOT_APPLICABLE and {i.result for i in kitchen[1:]} == {ItemResult.PASS}
    left = [i for i in case.round.items if i.result is None and i.trade == "floors"]
    assert left and inspection.pass_rest(session, case.round, trade="floors", actor=make.SYSTEM) == len(left)


def test_a_concluded_round_and_a_withdrawn_case_do_not_change(session):
    done = make.case_at(session, S.KEYS)
    with pytest.raises(InvalidValue):
        inspection.judge(session, done.round.items[0], result=ItemResult.FAIL, actor=make.SYSTEM)
    with pytest.raises(InvalidValue):
        inspection.describe_round(
            session,
            done.round,
            inspected_on=done.round.inspected_on,
            weather="Rain",
            builder="",
            owner_remarks="",
            actor=make.SYSTEM,
        )
    withdrawn = at_inspection(session)
    make.move(session, withdrawn, "withdraw", reason="Sold.")
    with pytest.raises(InvalidValue):
        fail(session, withdrawn.round.items[0])


def test_only_those_who_inspect_judge(session, actor_of):
    case = at_inspection(session)
    for username in ("receptionist", "cashier", "technician"):
        with pytest.raises(NotAllowed):
            inspection.judge(session, case.round.items[0], result=ItemResult.PASS, actor=actor_of(username))
    inspection.judge(session, case.round.items[0], result=ItemResult.PASS, actor=actor_of("inspector"))


# Conclusions


def finish(session: Any, case: Any) -> None:
    inspection.pass_rest(session, case.round, actor=make.SYSTEM)
    make.read_meters(session, case)


@pytest.mark.clause("MI-10")
@pytest.mark.clause("MI-11")
def test_what_a_conclusion_needs_is_said(session):
    case = at_inspection(session)
    with pytest.raises(Blocked) as refused:
        make.move(session, case, "accept")
    said = " ".join(refused.value.reasons)
    assert (
        "have no result yet" in said and "water meter" in said and "electricity meter" in said and "not signed" in said
    )
    finish(session, case)
    with pytest.raises(Blocked) as refused:
        make.move(session, case, "accept")
    assert len(refused.value.reasons) == 1
    make.sign(session, case, "F11")
    with pytest.raises(Blocked):  # nothing to list
        make.move(session, case, "accept_with_defects")
    make.move(session, case, "accept")
    assert case.state == S.KEYS and case.conclusion == Conclusion.ACCEPTED and case.round.concluded_at


@pytest.mark.clause("MI-11")
def test_defects_lead_to_a_list_and_failures_need_an_entry(session):
    case = at_inspection(session)
    inspection.judge(session, case.round.items[0], result=ItemResult.FAIL, actor=make.SYSTEM)
    finish(session, case)
    make.sign(session, case, "F11")
    with pytest.raises(Blocked) as refused:
        make.move(session, case, "accept_with_defects")
    assert any("no defect entry" in reason for reason in refused.value.reasons)
    fail(session, case.round.items[0])
    make.sign(session, case, "F11")
    with pytest.raises(Blocked):
        make.move(session, case, "accept")
    make.move(session, case, "accept_with_defects")
    assert case.conclusion == Conclusion.WITH_DEFECTS and case.state == S.KEYS


@pytest.mark.clause("MI-11")
def test_structural_danger_is_never_accepted(session):
    case = at_inspection(session)
    fail(session, case.round.items[0], Severity.STRUCTURAL)
    finish(session, case)
    make.sign(session, case, "F11")
    for name in ("accept", "accept_with_defects"):
        with pytest.raises(Blocked):
            make.move(session, case, name)
    make.move(session, case, "refuse", reason="The ceiling beam is cracked.")
    assert case.state == S.REFUSED and case.conclusion == Conclusion.REFUSED


# Re-inspection


@pytest.mark.clause("MI-11")
def test_the_second_round_checks_only_what_is_left_and_settles_the_defects(session):
    case = at_inspection(session)
    first, second = item_of(case, "wall_crack", "living"), item_of(case, "sockets", "kitchen")
    one, two = fail(session, first), fail(session, second)
    finish(session, case)
    make.move(session, case, "refuse", reason="Two rooms are not right.")
    inspection.report_fixed(session, one, actor=make.SYSTEM)
    inspection.report_fixed(session, two, actor=make.SYSTEM)
    two.due_on = today = estate_today(session, case.estate_id)
    make.move(session, case, "reinspect")
    assert case.state == S.INSPECTION and case.round.round_no == 2 and case.conclusion is None
    assert {(i.item, i.space) for i in case.round.items} == {("wall_crack", "living"), ("sockets", "kitchen")}

    inspection.judge(session, item_of(case, "wall_crack"), result=ItemResult.PASS, actor=make.SYSTEM)
    inspection.judge(session, item_of(case, "sockets"), result=ItemResult.FAIL, actor=make.SYSTEM)
    assert one.state == DefectState.VERIFIED and one.verified_on == today and one.verified_round == 2
    assert two.state == DefectState.OPEN and two.fixed_on is None and two.due_on == today + timedelta(days=3)
    assert len(case.defects) == 2 and inspection.defect_of(item_of(case, "sockets")) is two

    corrected = fail(session, item_of(case, "sockets"), description="Still no earth", severity=Severity.MAJOR)
    assert corrected is two and two.description == "Still no earth" and len(case.defects) == 2
    make.sign(session, case, "F11")
    make.move(session, case, "accept_with_defects")
    assert case.state == S.KEYS


@pytest.mark.clause("MI-11")
def test_a_signature_of_the_first_round_does_not_conclude_the_second(session):
    case = at_inspection(session)
    fail(session, case.round.items[0])
    finish(session, case)
    make.sign(session, case, "F11")
    make.move(session, case, "refuse", reason="Not like this.")
    make.move(session, case, "reinspect")
    inspection.pass_rest(session, case.round, actor=make.SYSTEM)
    with pytest.raises(Blocked) as refused:
        make.move(session, case, "accept")
    assert "not signed for this round" in " ".join(refused.value.reasons)
    make.sign(session, case, "F11")
    make.move(session, case, "accept")
    assert case.conclusion == Conclusion.ACCEPTED and [d.state for d in case.defects] == [DefectState.VERIFIED]


@pytest.mark.clause("MI-11")
def test_a_listed_defect_is_reported_and_looked_at_again_after_the_acceptance(session, actor_of):
    case = make.case_at(session, S.KEYS, defects=True)
    (defect,) = case.defects
    with pytest.raises(InvalidValue):
        inspection.verify_fixed(session, defect, passed=True, actor=make.SYSTEM)
    with pytest.raises(InvalidValue):
        inspection.report_fixed(session, defect, fixed_on=date(2999, 1, 1), actor=make.SYSTEM)
    inspection.report_fixed(session, defect, actor=actor_of("technician"))
    inspection.verify_fixed(session, defect, passed=False, note="Hollow again", actor=actor_of("inspector"))
    assert defect.state == DefectState.OPEN and defect.recheck_note == "Hollow again" and defect.fixed_on is None
    inspection.report_fixed(session, defect, actor=make.SYSTEM)
    with pytest.raises(NotAllowed):
        inspection.verify_fixed(session, defect, passed=True, actor=actor_of("technician"))
    inspection.verify_fixed(session, defect, passed=True, actor=actor_of("inspector"))
    assert defect.state == DefectState.VERIFIED and defect.verified_by_name == "Inspector"


# Meters


@pytest.fixture
def meter(session):
    return add_meter(session, unit=make.unit_of(session), kind=MeterKind.WATER, number="W-1", actor=make.SYSTEM)


def read(session: Any, meter: Any, value: str, at: Any) -> Any:
    return record_reading(
        session, meter, value=Decimal(value), read_at=at, source=ReadingSource.BASE, actor=make.SYSTEM
    )


@pytest.mark.clause("MI-10")
def test_a_meter_never_runs_backwards(session, meter):
    moment = now()
    read(session, meter, "10", moment - timedelta(days=2))
    read(session, meter, "20.5", moment)
    for value, at in (
        ("9.99", moment - timedelta(days=1)),
        ("21", moment - timedelta(days=1)),
        ("20.4", moment + timedelta(days=1)),
    ):
        with pytest.raises(InvalidValue):
            read(session, meter, value, at)
    for value in ("-1", "100000"):
        with pytest.raises(InvalidValue):
            read(session, meter, value, moment + timedelta(days=1))
    read(session, meter, "15", moment - timedelta(days=1))


def test_a_misread_value_is_corrected_between_its_neighbours(session, meter):
    moment = now()
    read(session, meter, "10", moment - timedelta(days=2))
    wrong = read(session, meter, "99999", moment)
    correct_reading(session, wrong, value=Decimal("11"), actor=make.SYSTEM)
    assert last_reading(session, meter.id).value == 11
    with pytest.raises(InvalidValue):
        correct_reading(session, wrong, value=Decimal("9"), actor=make.SYSTEM)


def test_a_new_meter_begins_where_it_begins(session, meter):
    read(session, meter, "500", now() - timedelta(days=1))
    successor = replace_meter(session, meter, number="W-2", start=Decimal("0"), at=now(), actor=make.SYSTEM)
    assert last_reading(session, successor.id).value == 0
    with pytest.raises(InvalidValue):
        read(session, meter, "501", now())
