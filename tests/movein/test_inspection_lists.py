"""Lists around the move-in: defects of all units, entrusted services, standing texts, code lists (MI-01, MI-09, MI-11)."""

from __future__ import annotations

import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pikepdf
import pytest
from sqlalchemy import select

from app.core.files.services import attachments_of
from app.core.records.clock import estate_today
from app.modules.movein import inspection
from app.modules.movein.models import EntrustedService, MoveInItem, StandingTextVersion
from app.modules.movein.services import colleagues, content_of, entrust, text_in_force
from app.modules.movein.states import CaseState, DefectState, ServiceState
from app.modules.movein.text_edit import change, read_form
from tests.movein import factories as make

S = CaseState


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


# Defects


@pytest.fixture
def defect(session: Any) -> Any:
    """The defect of a unit that was accepted with a list."""
    (defect,) = make.case_at(session, S.KEYS, defects=True).defects
    session.commit()
    return defect


@pytest.mark.clause("MI-11")
def test_the_list_shows_what_is_to_be_rectified_and_marks_what_is_late(session, client_of, defect):
    client = client_of("manager")
    shown = text_of(client.get("/defects/"))
    assert defect.description in shown and defect.unit.code in shown and "Overdue" not in shown
    defect.due_on = estate_today(session, 1) - timedelta(days=1)
    session.commit()
    assert "Overdue" in text_of(client.get("/defects/"))
    inspection.report_fixed(session, defect, actor=make.SYSTEM)
    inspection.verify_fixed(session, defect, passed=True, actor=make.SYSTEM)
    session.commit()
    for settled_stay_away in ("", "?sort=-due_on", "?page=1&size=50"):
        assert defect.description not in text_of(client.get(f"/defects/{settled_stay_away}"))
    assert defect.description in text_of(client.get("/defects/?state=verified"))
    assert defect.description not in text_of(client.get("/defects/?severity=structural&state=verified"))
    assert defect.description in text_of(client.get(f"/defects/?unit_id={defect.unit_id}"))
    export = client.get("/defects/export.csv?state=verified").get_data(as_text=True)
    assert defect.description in export


@pytest.mark.clause("MI-11")
def test_a_defect_is_reported_with_photo_and_looked_at_again(session, client_of, defect):
    from tests.movein.test_inspection_page import photo

    technician, inspector = client_of("technician"), client_of("inspector")
    shown = text_of(technician.get(f"/defects/{defect.id}"))
    assert "Report as rectified" in shown
    day = estate_today(session, 1)
    data = {"fixed_on": str(day), "photo": photo()}
    assert (
        technician.post(f"/defects/{defect.id}/fixed", data=data, content_type="multipart/form-data").status_code == 302
    )
    assert (defect.state, defect.fixed_on) == (DefectState.FIXED, day) and len(attachments_of(session, defect)) == 1
    assert technician.post(f"/defects/{defect.id}/verify", data={"outcome": "pass"}).status_code == 404
    inspector.post(f"/defects/{defect.id}/verify", data={"outcome": "fail", "note": "Still hollow"})
    assert (defect.state, defect.recheck_note) == (DefectState.OPEN, "Still hollow")
    technician.post(f"/defects/{defect.id}/fixed", data={"fixed_on": str(day)})
    inspector.post(f"/defects/{defect.id}/verify", data={"outcome": "pass"})
    assert defect.state == DefectState.VERIFIED
    assert "Report as rectified" not in text_of(inspector.get(f"/defects/{defect.id}"))


def test_a_defect_of_another_estate_is_not_found(client_of, defect):
    client = client_of("neighbour")
    assert client.get(f"/defects/{defect.id}").status_code == 404
    assert client.post(f"/defects/{defect.id}/fixed", data={}).status_code == 404
    assert defect.description not in text_of(client.get("/defects/"))


# Entrusted services


@pytest.fixture
def service(session: Any) -> EntrustedService:
    """Housekeeping, a paid service, given to the technician."""
    case = make.new_case(session)
    technician = next(a for a in colleagues(session, 1) if a.username == "technician")
    paid = next(e for e in inspection.items_of(session, "entrusted_services") if e.data["charge"] == "paid")
    service = entrust(session, case, code=paid.code, assignee_id=technician.id, details="Windows", actor=make.SYSTEM)
    session.commit()
    return service


@pytest.mark.clause("MI-09")
def test_the_work_list_shows_open_work_and_mine(session, client_of, service):
    technician = client_of("technician")
    shown = text_of(technician.get("/entrusted-services/"))
    assert service.title_en in shown and "Windows" in shown
    assert service.title_en in text_of(
        technician.get(f"/entrusted-services/?assignee_id={service.assignee_id}&state=open")
    )
    assert "Windows" not in text_of(
        technician.get(f"/entrusted-services/?assignee_id={service.assignee_id + 1}&state=open")
    )


@pytest.mark.clause("MI-09")
def test_a_service_is_finished_with_its_result(session, client_of, service):
    technician = client_of("technician")
    empty = technician.post(f"/entrusted-services/{service.id}/finish", data={"result": "", "receipt_no": "R-7"})
    assert empty.status_code == 422 and "R-7" in empty.get_data(as_text=True) and service.state == ServiceState.OPEN
    data = {"result": "All windows clean", "fee": "80.00", "receipt_no": "R-7", "satisfaction": "5"}
    assert technician.post(f"/entrusted-services/{service.id}/finish", data=data).status_code == 302
    assert (service.state, service.fee, service.satisfaction) == (ServiceState.DONE, Decimal("80.00"), 5)
    again = technician.post(f"/entrusted-services/{service.id}/cancel", data={"reason": "x"})
    assert again.status_code == 422 and "closed already" in again.get_data(as_text=True)
    assert "Windows" not in text_of(technician.get("/entrusted-services/"))
    assert "Windows" in text_of(technician.get("/entrusted-services/?state=done"))


@pytest.mark.clause("MI-09")
def test_collecting_utility_payments_costs_nothing(session, client_of):
    case = make.new_case(session)
    account = colleagues(session, 1)[0]
    collected = next(
        e for e in inspection.items_of(session, "entrusted_services") if e.data["handling_fee"] == "forbidden"
    )
    service = entrust(session, case, code=collected.code, assignee_id=account.id, actor=make.SYSTEM)
    session.commit()
    client = client_of("receptionist")
    assert 'name="fee"' not in text_of(client.get(f"/entrusted-services/{service.id}"))
    refused = client.post(f"/entrusted-services/{service.id}/finish", data={"result": "Paid", "fee": "5"})
    assert refused.status_code == 422 and "art. 44" in refused.get_data(as_text=True)
    assert (
        client.post(f"/entrusted-services/{service.id}/cancel", data={"reason": "No longer wanted"}).status_code == 302
    )
    assert service.state == ServiceState.CANCELLED


# Standing texts


def fields_of(text: dict[str, Any]) -> dict[str, str]:
    """The editor's inputs for a text, as a browser sends them."""
    pairs: dict[str, str] = {}

    def walk(value: Any, place: str) -> None:
        if isinstance(value, dict):
            for name, one in value.items():
                walk(one, f"{place}.{name}" if place else name)
        elif isinstance(value, list | tuple):
            for number, one in enumerate(value):
                walk(one, f"{place}.{number}")
        elif isinstance(value, bool):
            if value:
                pairs[place] = "yes"
        elif value is not None:
            pairs[place] = str(value)

    walk({name: text[name] for name in ("title", "intro", "sections", "closing", "signatures")}, "")
    return pairs


@pytest.fixture
def edited(session: Any) -> dict[str, Any]:
    """The text in force of the fire-safety undertaking, as plain data."""
    from dataclasses import asdict

    return asdict(content_of(text_in_force(session, "F07")))


def versions(session: Any, code: str = "F07") -> list[StandingTextVersion]:
    mine = (StandingTextVersion.code == code, StandingTextVersion.estate_id == 1)
    return list(session.scalars(select(StandingTextVersion).where(*mine).order_by(StandingTextVersion.number)))


def test_the_form_carries_the_whole_text(edited):
    read = read_form(fields_of(edited).items())
    sent = {name: edited[name] for name in read}
    assert _plain(read) == _plain(sent)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.strip() if isinstance(value, str) else value


def test_buttons_change_the_structure():
    first = {"heading": {"zh": "一", "en": "one"}, "paragraphs": [{"zh": "甲", "en": "a"}, {"zh": "乙", "en": "b"}]}
    text = {"sections": [first, {"paragraphs": []}]}
    change(text, "down:sections.0.paragraphs.0")
    assert [p["en"] for p in text["sections"][0]["paragraphs"]] == ["b", "a"]
    change(text, "up:sections.1")
    assert text["sections"][1]["heading"]["en"] == "one"
    change(text, "remove:sections.0")
    change(text, "table:sections.0")
    change(text, "row:sections.0.table")
    change(text, "column:sections.0.table")
    table = text["sections"][0]["table"]
    assert len(table["columns"]) == 3 and [len(row) for row in table["rows"]] == [3, 3]
    change(text, "narrow:sections.0.table")
    change(text, "remove:sections.0.table.rows.0")
    assert len(table["columns"]) == 2 and [len(row) for row in table["rows"]] == [2]
    change(text, "remove:sections.0.table")
    change(text, "section:")
    assert text["sections"][0]["table"] is None and len(text["sections"]) == 2
    before = str(text)
    nothing = (
        "",
        "up:sections.0",
        "remove:sections.9",
        "row:sections.0",
        "down:x.y",
        "remove:sections",
        "x:sections.0",
        "paragraph:a.b",
    )
    for nonsense in nothing:
        change(text, nonsense)
    assert str(text) == before


@pytest.mark.clause("MI-01")
def test_a_draft_is_kept_and_a_published_text_comes_into_force(session, client_of, edited):
    client = client_of("manager")
    assert "F07" in text_of(client.get("/standing-texts/"))
    assert edited["title"]["zh"] in text_of(client.get("/standing-texts/F07"))
    edited["title"] = {"zh": "防火安全责任书", "en": "Fire-safety pledge"}
    data = {**fields_of(edited), "newest": "1", "shown": "1"}
    assert client.post("/standing-texts/F07", data={**data, "do": "save"}).status_code == 302
    assert [(v.number, v.published_at is None) for v in versions(session)] == [(1, False), (2, True)]
    assert text_in_force(session, "F07").number == 1
    late = client.post("/standing-texts/F07", data={**data, "do": "publish"})
    assert late.status_code == 409 and "Fire-safety pledge" in late.get_data(as_text=True)
    assert client.post("/standing-texts/F07", data={**data, "newest": "2", "do": "publish"}).status_code == 302
    assert text_in_force(session, "F07").number == 3
    compared = text_of(client.get("/standing-texts/F07/compare?old=1&new=3"))
    assert "<ins>" in compared and "Fire-safety pledge" in compared
    assert "No difference" in text_of(client.get("/standing-texts/F07/compare?old=2&new=3"))


@pytest.mark.clause("MI-01")
def test_a_faulty_text_comes_back_with_the_place(session, client_of, edited):
    client = client_of("manager")
    edited["sections"][0]["heading"]["en"] = ""
    edited["closing"]["zh"] = "保留这句话"
    answer = client.post("/standing-texts/F07", data={**fields_of(edited), "newest": "1", "do": "publish"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422 and "section 1, heading has no text in English" in text and "保留这句话" in text
    edited["sections"][0]["heading"]["en"] = "Duties {{ password }}"
    assert "password" in client.post(
        "/standing-texts/F07", data={**fields_of(edited), "newest": "1", "do": "save"}
    ).get_data(as_text=True)
    assert len(versions(session)) == 1


@pytest.mark.clause("MI-01")
def test_what_is_edited_is_previewed_without_being_stored(session, client_of, edited):
    client = client_of("manager")
    edited["title"]["en"] = "Preview of a pledge"
    answer = client.post(
        "/standing-texts/F07", data={**fields_of(edited), "newest": "1", "do": "preview", "language": "en"}
    )
    assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    with pikepdf.open(io.BytesIO(answer.data)) as pdf:
        assert len(pdf.pages) >= 1 and "Preview of a pledge" in str(pdf.docinfo["/Title"])
    assert len(versions(session)) == 1
    assert client.get("/standing-texts/F07/versions/1.pdf").mimetype == "application/pdf"
    assert client.get("/standing-texts/F07/versions/9.pdf").status_code == 404


def test_the_buttons_redraw_the_editor(client_of, edited):
    answer = client_of("manager").post(
        "/standing-texts/F07", data={**fields_of(edited), "newest": "1", "do": "section:"}
    )
    assert f'name="sections.{len(edited["sections"])}.heading.zh"' in text_of(answer)


@pytest.mark.parametrize("username", ["receptionist", "inspector"])
def test_others_read_the_texts_but_do_not_change_them(session, client_of, edited, username):
    client = client_of(username)
    assert 'value="publish"' not in text_of(client.get("/standing-texts/F07"))
    assert (
        client.post("/standing-texts/F07", data={**fields_of(edited), "newest": "1", "do": "publish"}).status_code
        == 404
    )
    assert client.get("/standing-texts/F99").status_code == 404
    assert len(versions(session)) == 1


# Code lists


def entry(session: Any, list_name: str, code: str) -> MoveInItem:
    return session.scalar(
        select(MoveInItem).where(MoveInItem.list_name == list_name, MoveInItem.code == code, MoveInItem.estate_id == 1)
    )


@pytest.mark.clause("MI-11")
def test_a_limit_is_changed_and_counts_from_then_on(session, client_of):
    case = make.case_at(session, S.INSPECTION)
    inspection.open_round(session, case, actor=make.SYSTEM)
    limit = entry(session, "limits", "surfaces")
    session.commit()
    client = client_of("manager")
    shown = text_of(client.get(f"/move-in-lists/{limit.id}/edit"))
    assert 'name="data_days"' in shown
    assert 'value="15"' in shown
    form = {
        "seq": limit.seq,
        "title_zh": limit.title_zh,
        "title_en": limit.title_en,
        "active": "y",
        "version": limit.version,
    }
    assert client.post(f"/move-in-lists/{limit.id}/edit", data={**form, "data_days": "20"}).status_code == 302
    item = next(i for i in case.round.items if i.item == "wall_crack")
    assert inspection.limits_of(session, item)["minor"] == 20


@pytest.mark.parametrize(
    ("data", "status"),
    [
        ({"data_days": "soon"}, 422),
        ({"data_days": "-1"}, 422),
        ({"data_days": "9999"}, 422),
        ({"data_days": ""}, 422),
        ({}, 422),
        ({"data_days": "3", "data_copies": "1"}, 400),
    ],
)
def test_data_that_does_not_fit_the_list_is_refused(session, client_of, data, status):
    limit = entry(session, "limits", "surfaces")
    form = {
        "seq": limit.seq,
        "title_zh": limit.title_zh,
        "title_en": limit.title_en,
        "active": "y",
        "version": limit.version,
        **data,
    }
    assert client_of("manager").post(f"/move-in-lists/{limit.id}/edit", data=form).status_code == status
    session.expire_all()
    assert limit.data == {"days": 15}


def test_a_check_item_is_added_to_the_matrix(session, client_of):
    pattern = entry(session, "check_items", "wall_crack")
    client = client_of("manager")
    form = {
        "list_name": "check_items",
        "code": "wall_tiles",
        "seq": 99,
        "title_zh": "墙砖",
        "title_en": "Wall tiles",
        "active": "y",
    }
    data = {
        "data_trade": pattern.data["trade"],
        "data_spaces": pattern.data["spaces"],
        "data_delivery": ["shell", "fitted"],
        "data_standard_zh": "无空鼓",
        "data_standard_en": "No hollow spots",
    }
    assert "Check matrix" in text_of(client.get("/move-in-lists/new"))
    assert 'name="data_trade"' in text_of(client.get("/move-in-lists/new?list_name=check_items"))
    assert client.post("/move-in-lists/new", data={**form, **data, "data_trade": "magic"}).status_code == 422
    assert client.post("/move-in-lists/new", data={**form, **data, "data_standard_en": ""}).status_code == 422
    assert client.post("/move-in-lists/new", data={**form, **data}).status_code == 302
    made = entry(session, "check_items", "wall_tiles")
    assert made.data["standard"] == {"zh": "无空鼓", "en": "No hollow spots"}
    assert "limit" not in made.data
    assert "No hollow spots" in text_of(client.get(f"/move-in-lists/{made.id}"))
    case = make.case_at(session, S.INSPECTION)
    inspection.open_round(session, case, actor=make.SYSTEM)
    assert "wall_tiles" in {i.item for i in case.round.items}


def test_a_layout_is_rows_of_rooms(session, client_of):
    layout = entry(session, "layouts", "two_bedrooms")
    client = client_of("manager")
    address, head = f"/move-in-lists/{layout.id}/edit", {"seq": 1, "title_zh": "两室", "title_en": "Two", "active": "y"}
    shown = text_of(client.get(address))
    assert "bedroom_main" in shown
    form = {**head, "version": layout.version, "data_bedrooms": "2"}
    assert client.post(address, data={**form, "data_rooms": ["moon", "", "", ""]}).status_code == 422
    assert (
        client.post(address, data={**form, "data_rooms": ["bath", "a", "", "", "bath", "a", "", ""]}).status_code == 422
    )
    assert client.post(address, data={**form, "data_rooms": ["bath", "", "主卫", ""]}).status_code == 422
    english = ["Bedroom", "", "主卧", "Main", "Bedroom", "", "", "", "bath", "bath_1", "", ""]
    assert client.post(address, data={**form, "data_rooms": english}).status_code == 302
    session.expire_all()
    assert layout.data["rooms"] == [
        {"code": "bedroom", "space": "bedroom", "zh": "主卧", "en": "Main"},
        {"code": "bedroom_2", "space": "bedroom"},
        {"code": "bath_1", "space": "bath"},
    ]


@pytest.mark.parametrize(("list_name", "code"), [("trades", "walls"), ("spaces", "bath"), ("spaces", "kitchen")])
def test_what_the_matrix_uses_is_not_withdrawn(session, client_of, list_name, code):
    used = entry(session, list_name, code)
    data = {"data_limit": used.data["limit"]} if list_name == "trades" else {}
    form = {"seq": 1, "title_zh": used.title_zh, "title_en": used.title_en, "version": used.version, **data}
    answer = client_of("manager").post(f"/move-in-lists/{used.id}/edit", data=form)
    assert answer.status_code == 422
    assert "still uses it" in answer.get_data(as_text=True)


def test_the_front_desk_does_not_change_the_lists(session, client_of):
    limit = entry(session, "limits", "surfaces")
    client = client_of("receptionist")
    assert client.get("/move-in-lists/").status_code == 200
    assert client.get(f"/move-in-lists/{limit.id}/edit").status_code == 404
    assert client.post(f"/move-in-lists/{limit.id}/edit", data={"data_days": "1"}).status_code == 404
