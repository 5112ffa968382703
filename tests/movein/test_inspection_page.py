"""The inspection page, its taps and forms, as a browser without script and as the page's script use them (MI-10, MI-11)."""

from __future__ import annotations

import io
import re
import time
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select

from app.core.files.services import attachments_of
from app.core.records.base import now
from app.modules.estates.models import DeliveryType, Meter, MeterKind, MeterReading, ReadingSource
from app.modules.estates.services import add_meter, record_reading
from app.modules.movein import inspection
from app.modules.movein.models import Defect, InspectionItem, MoveInCase
from app.modules.movein.states import CaseState, Conclusion, DefectState, ItemResult
from tests.movein import factories as make

S = CaseState
JSON = {"Accept": "application/json"}


@pytest.fixture
def case(session: Any) -> MoveInCase:
    """A case at its inspection; the first round is open."""
    case = make.case_at(session, S.INSPECTION)
    inspection.open_round(session, case, actor=make.SYSTEM)
    session.commit()
    return case


def photo(name: str = "现场照片.jpg") -> tuple[io.BytesIO, str]:
    out = io.BytesIO()
    Image.effect_noise((60, 40), 60).convert("RGB").save(out, "JPEG")
    out.seek(0)
    return out, name


def page(client: Any, case: MoveInCase, query: str = "") -> str:
    answer = client.get(f"/move-ins/{case.id}/inspection{query}")
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def post(client: Any, case: MoveInCase, command: str, data: Any, **more: Any) -> Any:
    return client.post(f"/move-ins/{case.id}/inspection/{command}", data=data, **more)


def defect_fields(**values: Any) -> dict[str, Any]:
    return {"description": "Crack over the door", "severity": "minor", "party": "builder", **values}


def test_a_round_starts_on_the_page(session, client_of):
    case = make.case_at(session, S.INSPECTION)
    session.commit()
    client = client_of("inspector")
    assert "Start the inspection" in page(client, case)
    future = post(client, case, "start", {"inspected_on": "2999-01-01", "weather": "Sunny"})
    assert future.status_code == 422 and 'value="Sunny"' in future.get_data(as_text=True)
    assert (
        post(
            client, case, "start", {"inspected_on": "2026-01-05", "weather": "Rain", "builder": "Build Ltd."}
        ).status_code
        == 302
    )
    assert (case.round.weather, case.round.builder, str(case.round.inspected_on)) == (
        "Rain",
        "Build Ltd.",
        "2026-01-05",
    )
    shown = page(client, case)
    assert shown.count('class="ins-row"') == len(case.round.items)


def test_before_its_step_there_is_nothing_to_inspect(session, client_of):
    case = make.case_at(session, S.FEES)
    session.commit()
    client = client_of("inspector")
    assert "not been inspected yet" in page(client, case)
    assert post(client, case, "start", {"inspected_on": "2026-01-05"}).status_code == 422
    assert case.round is None


def test_spaces_stand_in_walking_order_with_progress(session, client_of, case):
    shown = page(client_of("inspector"), case)
    order = re.findall(r'id="space-(\w+)"', shown)
    assert order == ["outside", "entrance", "living", "kitchen", "bath", "bedroom", "balcony"]
    outside = [i for i in case.round.items if i.space == "outside"]
    assert f"0/{len(outside)}" in shown
    assert re.search(r'id="space-outside"[^>]*open', shown)
    inspection.pass_rest(session, case.round, space="outside", actor=make.SYSTEM)
    session.commit()
    shown = page(client_of("inspector"), case)
    assert f"{len(outside)}/{len(outside)}" in shown and re.search(r'id="space-entrance"[^>]*open', shown)
    assert re.search(r'id="space-bath"[^>]*open', page(client_of("inspector"), case, "?space=bath"))


@pytest.mark.clause("MI-10")
def test_a_tap_without_script_sets_takes_back_and_leads_on(session, client_of, case):
    client, item = client_of("inspector"), case.round.items[0]
    answer = post(client, case, "taps", {"tap": f"{item.id}:pass"})
    assert answer.status_code == 302 and answer.location.endswith(f"?space={item.space}#item-{item.id}")
    assert item.result == ItemResult.PASS
    assert f'value="{item.id}:" aria-pressed="true"' in page(client, case)
    post(client, case, "taps", {"tap": f"{item.id}:"})
    assert item.result is None
    failed = post(client, case, "taps", {"tap": f"{item.id}:fail"})
    assert failed.location.endswith(f"/inspection/items/{item.id}")
    assert "Failed, no defect entered yet" in page(client, case)


def test_many_taps_arrive_at_once_and_say_what_was_refused(session, client_of, case):
    client, (one, two, three) = client_of("inspector"), case.round.items[:3]
    make.report_defect(session, case)  # of the first item
    session.commit()
    taps = [f"{one.id}:pass", f"{two.id}:not_applicable", f"{three.id}:pass", f"{three.id}:fail"]
    answer = post(client, case, "taps", {"tap": taps}, headers=JSON).get_json()
    assert answer["results"] == {str(one.id): "fail", str(two.id): "not_applicable", str(three.id): "fail"}
    assert list(answer["refused"]) == [str(one.id)] and "defect" in answer["refused"][str(one.id)]


@pytest.mark.parametrize("tap", ["abc", "", "0:pass", "x:pass", "{}:perfect", "999999999:pass", "²:pass"])
def test_taps_that_fit_no_item_are_not_found(client_of, case, tap):
    assert post(client_of("inspector"), case, "taps", {"tap": tap.format(case.round.items[0].id)}).status_code == 404


def test_a_tap_reaches_no_item_of_another_case(session, client_of, case):
    other = make.case_at(session, S.INSPECTION)
    inspection.open_round(session, other, actor=make.SYSTEM)
    session.commit()
    strange = other.round.items[0]
    assert post(client_of("inspector"), case, "taps", {"tap": f"{strange.id}:pass"}).status_code == 404
    assert client_of("inspector").get(f"/move-ins/{case.id}/inspection/items/{strange.id}").status_code == 404
    assert strange.result is None


def test_the_rest_of_a_space_passes(session, client_of, case):
    kitchen = [i for i in case.round.items if i.space == "kitchen"]
    assert post(client_of("inspector"), case, "rest", {"space": "kitchen"}).status_code == 302
    assert {i.result for i in kitchen} == {ItemResult.PASS}
    assert any(i.result is None for i in case.round.items)
    assert post(client_of("inspector"), case, "rest", {}).status_code == 404


# Defects


@pytest.mark.clause("MI-11")
def test_a_defect_with_photos(session, client_of, case):
    client, item = client_of("inspector"), next(i for i in case.round.items if i.item == "sockets")
    sheet = client.get(f"/move-ins/{case.id}/inspection/items/{item.id}", headers={"HX-Request": "true"}).get_data(
        as_text=True
    )
    assert "<html" not in sheet
    days = {
        severity: re.search(rf'value="{severity}" data-due="([\d-]+)"', sheet)[1]
        for severity in ("minor", "structural")
    }
    assert days["structural"] == str(case.round.inspected_on) and days["minor"] > days["structural"]
    data = defect_fields(
        position="left of the sink", party_name="Build Ltd.", photo=[photo("插座.jpg"), photo("b.jpg")]
    )
    answer = post(client, case, f"items/{item.id}", data, content_type="multipart/form-data")
    assert answer.status_code == 302 and answer.location.endswith(f"#item-{item.id}")
    (defect,) = case.defects
    assert (defect.description, defect.position, str(defect.due_on)) == (
        "Crack over the door",
        "left of the sink",
        days["minor"],
    )
    assert item.result == ItemResult.FAIL
    names = [a.name for a in attachments_of(session, defect, kind="photo")]
    assert names == ["插座.jpg", "b.jpg"]
    shown = page(client, case)
    assert "Crack over the door" in shown and "Photo 2" in shown
    photo_address = re.search(r'href="(/files/\d+/[^"]+)"', shown)[1]
    assert client.get(photo_address).mimetype == "image/jpeg"


def test_a_refused_defect_comes_back_with_its_input(session, client_of, case):
    client, item = client_of("inspector"), case.round.items[0]
    answer = post(client, case, f"items/{item.id}", defect_fields(description="", position="over the door"))
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "Describe the defect." in text and "over the door" in text
    early = post(client, case, f"items/{item.id}", defect_fields(due_on="2001-01-01"))
    assert early.status_code == 422 and "before the inspection" in early.get_data(as_text=True)
    program = defect_fields(photo=(io.BytesIO(b"MZ\x90program"), "a.jpg"))
    fake = post(client, case, f"items/{item.id}", program, content_type="multipart/form-data")
    assert fake.status_code == 422
    assert session.scalars(select(Defect).where(Defect.case_id == case.id)).all() == []


def test_a_defect_entered_by_mistake_is_taken_back(session, client_of, case):
    client, item = client_of("inspector"), case.round.items[0]
    post(client, case, f"items/{item.id}", defect_fields())
    assert post(client, case, f"items/{item.id}/remove", {}).status_code == 302
    session.expire_all()
    assert item.result is None and case.defects == []
    assert post(client, case, f"items/{item.id}/remove", {}).status_code == 404


# Meters


@pytest.mark.clause("MI-10")
def test_a_meter_is_added_read_and_corrected(session, client_of, case):
    client = client_of("inspector")
    assert "No meter is registered" in page(client, case)
    added = {"kind": "water", "number": "W-77", "digits": "5", "value": "3.5", "photo": photo()}
    assert post(client, case, "meters", added, content_type="multipart/form-data").status_code == 302
    meter = session.scalar(select(Meter).where(Meter.unit_id == case.unit_id))
    (reading,) = session.scalars(select(MeterReading).where(MeterReading.meter_id == meter.id)).all()
    assert (reading.value, reading.source) == (Decimal("3.5"), ReadingSource.BASE) and reading.photo_id
    assert post(client, case, f"meters/{meter.id}", {"value": "4"}).status_code == 302
    session.expire_all()
    assert reading.value == 4 and reading.photo_id and "with photo" in page(client, case)
    wrong = post(client, case, f"meters/{meter.id}", {"value": "abc"})
    assert wrong.status_code == 422 and 'value="abc"' in wrong.get_data(as_text=True)
    twice = post(client, case, "meters", {**added, "photo": (io.BytesIO(), "")}, content_type="multipart/form-data")
    assert twice.status_code == 422 and "has this meter already" in twice.get_data(as_text=True)


@pytest.mark.clause("MI-10")
def test_a_base_reading_does_not_run_backwards(session, client_of, case):
    meter = add_meter(session, unit=case.unit, kind=MeterKind.ELECTRICITY, number="E-1", actor=make.SYSTEM)
    record_reading(session, meter, value=Decimal("120"), read_at=now(), actor=make.SYSTEM)
    session.commit()
    answer = post(client_of("inspector"), case, f"meters/{meter.id}", {"value": "119.99"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "cannot run backwards" in text and "119.99" in text
    assert post(client_of("inspector"), case, f"meters/{meter.id}", {"value": "120.00"}).status_code == 302


def test_meters_of_other_units_are_not_found(session, client_of, case):
    strange = add_meter(session, unit=make.unit_of(session), kind=MeterKind.WATER, number="X", actor=make.SYSTEM)
    session.commit()
    assert post(client_of("inspector"), case, f"meters/{strange.id}", {"value": "1"}).status_code == 404


# Conclusion


@pytest.mark.clause("MI-10")
@pytest.mark.clause("MI-11")
def test_an_inspection_from_start_to_acceptance(session, client_of, case):
    client = client_of("inspector")
    shown = page(client, case)
    assert "have no result yet" in shown and "not signed for this round" in shown
    post(client, case, f"items/{case.round.items[0].id}", defect_fields())
    for space in {i.space for i in case.round.items}:
        post(client, case, "rest", {"space": space})
    for kind in ("water", "electricity"):
        post(client, case, "meters", {"kind": kind, "number": kind, "digits": "5", "value": "1"})
    head = {"inspected_on": "2026-01-05", "weather": "Sunny", "owner_remarks": "Please repair soon."}
    assert post(client, case, "head", head).status_code == 302
    early = post(client, case, "conclude/accept_with_defects", {})
    assert early.status_code == 302 and case.state == S.INSPECTION
    assert "not signed" in page(client, case)
    assert post(client, case, "sign", {"signer": "张三", "drawing": make.DRAWN}).status_code == 302
    assert post(client, case, "conclude/accept_with_defects", {}).status_code == 302
    session.expire_all()
    assert (case.state, case.conclusion) == (S.KEYS, Conclusion.WITH_DEFECTS)
    assert case.round.owner_remarks == "Please repair soon."
    after = page(client, case)
    assert 'name="tap"' not in after and "Accepted with defects list" in after
    assert post(client, case, "taps", {"tap": f"{case.round.items[1].id}:fail"}, headers=JSON).get_json()["refused"]


@pytest.mark.clause("MI-11")
def test_refusal_and_reinspection_on_the_page(session, client_of, case):
    client, item = client_of("inspector"), case.round.items[0]
    post(client, case, f"items/{item.id}", defect_fields(severity="structural"))
    finish = {i.space for i in case.round.items}
    for space in finish:
        post(client, case, "rest", {"space": space})
    make.read_meters(session, case)
    session.commit()
    post(client, case, "conclude/refuse", {"reason": ""})
    assert case.state == S.INSPECTION
    post(client, case, "conclude/refuse", {"reason": "Beam cracked."})
    assert case.state == S.REFUSED and "Start re-inspection" in page(client, case)
    post(client, case, "conclude/reinspect", {})
    session.expire_all()
    assert case.state == S.INSPECTION and [i.item for i in case.round.items] == [item.item]
    again = case.round.items[0]
    post(client, case, "taps", {"tap": f"{again.id}:pass"})
    assert case.defects[0].state == DefectState.VERIFIED
    assert client.post(f"/move-ins/{case.id}/inspection/conclude/withdraw", data={"reason": "x"}).status_code == 404


# Rights, estates, budgets


@pytest.mark.parametrize("username", ["receptionist", "cashier", "technician", "superior", "document_administrator"])
def test_others_look_but_do_not_judge(client_of, case, username):
    client, item = client_of(username), case.round.items[0]
    shown = page(client, case)
    assert 'name="tap"' not in shown and "an inspector enters the results" in shown
    for command, data in (
        ("taps", {"tap": f"{item.id}:pass"}), ("rest", {"space": "kitchen"}), (f"items/{item.id}", defect_fields()),
        ("head", {"inspected_on": "2026-01-05"}), ("meters", {"kind": "water"}),
    ):  # fmt: skip
        assert post(client, case, command, data).status_code == 404
    assert item.result is None


@pytest.mark.parametrize("username", ["neighbour", "security", "surveyor"])
def test_another_estate_and_other_roles_find_nothing(client_of, case, username):
    client, item = client_of(username), case.round.items[0]
    assert client.get(f"/move-ins/{case.id}/inspection").status_code == 404
    assert post(client, case, "taps", {"tap": f"{item.id}:pass"}).status_code == 404
    assert client.get(f"/move-ins/{case.id}/inspection/items/{item.id}").status_code == 404
    assert post(client, case, "sign", {"signer": "x", "drawing": make.DRAWN}).status_code == 404


def test_budgets_of_page_and_tap_on_a_large_unit(session, client_of, sql_count):
    unit = make.unit_of(session, layout="四室两厅两卫", delivery=DeliveryType.FITTED)
    case = make.case_at(session, S.INSPECTION, unit=unit)
    inspection.open_round(session, case, actor=make.SYSTEM)
    make.read_meters(session, case)
    for item in case.round.items[:5]:
        inspection.report_defect(
            session, item, description="Crack", severity="minor", party="builder", actor=make.SYSTEM
        )
    session.commit()
    assert len(case.round.items) >= 250
    pk, free = case.id, [i.id for i in case.round.items[5:30]]
    client = client_of("inspector")
    client.get(f"/move-ins/{pk}/inspection")
    session.expunge_all()
    sql_count.reset()
    page_of = client.get(f"/move-ins/{pk}/inspection")
    assert page_of.status_code == 200 and len(sql_count.statements) <= 12, sql_count.statements
    assert len(page_of.data) < 900_000
    session.expunge_all()
    sql_count.reset()
    answer = client.post(f"/move-ins/{pk}/inspection/taps", data={"tap": f"{free[0]}:pass"}, headers=JSON)
    assert answer.get_json()["results"] == {str(free[0]): "pass"}
    assert len(sql_count.statements) <= 8, sql_count.statements
    spent = []
    for number in free[1:12]:
        session.expunge_all()
        start = time.perf_counter()
        client.post(f"/move-ins/{pk}/inspection/taps", data={"tap": f"{number}:pass"}, headers=JSON)
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.1, spent
    assert session.scalar(select(InspectionItem.result).where(InspectionItem.id == free[11])) == ItemResult.PASS
