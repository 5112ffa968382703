"""Goods releases through the application: the counter, the gate on a phone, the paper, search, household page (DU-17)."""

from __future__ import annotations

import io
import re
from html import unescape

import pypdfium2
import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.core.papers.models import Paper
from app.core.papers.services import issue, original
from app.core.records.clock import estate_today
from app.core.registry import registry
from app.core.workflow.table import Blocked
from app.modules.goods.models import GoodsRelease
from app.modules.goods.states import Confirmation
from app.modules.goods.states import ReleaseState as S
from tests.goods.factories import SYSTEM, issued, owes, release_of
from tests.movein.factories import DRAWN, owner_of, unit_of

pytestmark = pytest.mark.clause("DU-17")


def text_of(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def filled_in(unit, **values) -> dict:
    return {
        "unit_id": unit.id, "applicant": "owner", "applicant_name": "张三", "id_kind": "resident_id", "id_seen": "y",
        "confirmation": "signature", "confirmation_note": "", "reason": "repair", "carrier": "京A12345",
        "valid_from": "2026-01-01", "valid_to": "2099-12-31", "items": ["Sofa", "1", "grey", "", "", "", "Piano", "1", ""],
    } | values  # fmt: skip


@pytest.fixture
def desk(client_of):
    return client_of("receptionist")


def test_the_pass_from_the_counter_through_the_gate(session, client_of, desk):
    """Enter, sign, issue, print, scan at the gate, let pass; the second time the gate stays shut."""
    unit = unit_of(session)
    session.commit()
    answer = desk.post("/goods-releases/new", data=filled_in(unit))
    assert answer.status_code == 302, text_of(answer)
    (release,) = session.scalars(select(GoodsRelease)).all()
    assert [row["name"] for row in release.items] == ["Sofa", "Piano"]
    page = f"/goods-releases/{release.id}"
    assert "The owner has not signed yet." in text_of(desk.get(page))
    assert desk.post(f"{page}/sign/owner", data={"signer": "张三", "drawing": DRAWN}).status_code == 302
    assert desk.post(f"{page}/sign/guard", data={"signer": "x", "drawing": DRAWN}).status_code == 404
    assert desk.post(f"{page}/transition/issue", data={}).status_code == 302
    assert desk.post(f"/papers/issue/DU-17/{release.id}", data={"language": "both"}).status_code == 302
    (paper,) = session.scalars(select(Paper)).all()
    assert (paper.number, paper.form_no, paper.unit_id) == (release.number, "DU-17", unit.id)

    gate = client_of("security")
    verify = f"/verify/{paper.verification_code}"
    assert f'href="{page}"' in gate.get(verify).get_data(as_text=True)
    assert "Sofa × 1" in text_of(gate.get(page))
    assert gate.post(f"{page}/transition/release", data={"remark": "ok"}).status_code == 302
    session.refresh(release)
    assert (release.state, release.items_match, release.remark) == (S.RELEASED, True, "ok")
    assert gate.post(f"{page}/transition/release", data={}).status_code == 422
    stranger = text_of(gate.application.test_client().get(verify))
    assert "门岗已放行 Released at the gate: this paper no longer serves." in stranger and "张三" not in stranger


def test_strangers_learn_nothing_of_the_applicant_and_may_sign_in(session, app, desk):
    release = issued(session, applicant_name="王小二")
    paper = issue(session, registry().papers["DU-17"], release, language="zh", actor=SYSTEM)
    session.commit()
    page = app.test_client().get(f"/verify/{paper.verification_code}").get_data(as_text=True)
    assert "有效" in page and "王小二" not in page and "next=/goods-releases/" in page


def test_what_was_typed_stays_when_it_is_refused(session, desk):
    unit = unit_of(session)
    session.commit()
    for values, said in (
        ({"confirmation": "phone"}, "Write down whom you spoke with"),
        ({"valid_to": "2025-12-31"}, "The last day comes before the first one."),
        ({"items": ["", "2", "no name"]}, "“Goods” must be filled in on every line."),
        ({"items": ["", "", ""]}, "Fill in at least one line."),
        ({"items": ["a", "b", "c"] * 101}, "At most 100 lines."),
    ):
        answer = desk.post("/goods-releases/new", data=filled_in(unit, **values))
        page = unescape(answer.get_data(as_text=True))
        assert answer.status_code == 422 and said in page and "京A12345" in page
        assert all(f'value="{text}"' in page for text in values.get("items", ["Piano"]) if text)
    assert session.scalars(select(GoodsRelease)).all() == []


def test_an_issued_pass_is_not_edited(session, desk):
    entered, gone = release_of(session), issued(session)
    session.commit()
    assert desk.get(f"/goods-releases/{entered.id}/edit").status_code == 200
    for path in ("edit", "sign/owner"):
        answer = desk.post(f"/goods-releases/{gone.id}/{path}", data={"signer": "x", "drawing": DRAWN, "carrier": "x"})
        assert answer.status_code == 404


def test_a_new_pass_holds_for_today(session, desk):
    page = desk.get("/goods-releases/new").get_data(as_text=True)
    today = estate_today(session, 1).isoformat()
    assert [re.search(f'name="{name}"[^>]*value="([^"]*)"', page)[1] for name in ("valid_from", "valid_to")] == [
        today,
        today,
    ]


def test_arrears_are_shown_to_the_counter_for_information_only(session, client_of, desk):
    release = issued(session)
    owes(session, release.unit)
    session.commit()
    seen = text_of(desk.get(f"/goods-releases/{release.id}"))
    assert "belongings are never held back for what is owed" in seen and "open bill" in seen
    gate = text_of(client_of("security").get(f"/goods-releases/{release.id}"))
    assert "Outstanding" not in gate and "Compare with the load" in gate


def test_what_the_gate_found_is_told_at_the_counter(session, client_of, desk):
    release = issued(session)
    session.commit()
    page = f"/goods-releases/{release.id}"
    assert (
        client_of("security").post(f"{page}/transition/turn_back", data={"remark": "A safe is missing"}).status_code
        == 302
    )
    assert "Turned back at the gate: A safe is missing" in text_of(desk.get(page))


def test_found_by_number_on_the_household_page_and_in_the_list(session, client_of, desk):
    unit = unit_of(session)
    owner_of(session, unit)
    waiting, gone = issued(session, unit=unit), release_of(session)
    session.commit()
    assert waiting.number in text_of(desk.get("/search", query_string={"q": waiting.number[-5:]}))
    assert waiting.number in text_of(desk.get(f"/households/{unit.id}", query_string={"section": "goods_release"}))
    assert f"unit_id={unit.id}" in desk.get(f"/households/{unit.id}?section=goods_release").get_data(as_text=True)
    found = text_of(desk.get("/goods-releases/", query_string={"state": "issued"}))
    assert waiting.number in found and gone.number not in found
    sheet = load_workbook(
        io.BytesIO(desk.get("/goods-releases/export.xlsx?state=issued&columns=number&columns=items").data)
    ).active
    assert [cell.value for cell in sheet[sheet.max_row]] == [waiting.number, "双人沙发 · 1 件 · 灰色; Books · 12"]
    assert "Goods release" in text_of(desk.get("/")) and "Goods at the gate" not in text_of(desk.get("/"))
    home = text_of(client_of("security").get("/"))
    assert "Goods at the gate" in home and waiting.number in home


def test_the_paper_only_exists_while_the_pass_is_issued(session):
    kind = registry().papers["DU-17"]
    with pytest.raises(Blocked):
        issue(session, kind, release_of(session), language="zh", actor=SYSTEM)


@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_the_paper_says_what_the_pass_says(session, language):
    release = issued(session, confirmation=Confirmation.AUTHORISATION, confirmation_note="AUTH-7")
    paper = issue(session, registry().papers["DU-17"], release, language=language, actor=SYSTEM)
    (page,) = pypdfium2.PdfDocument(original(paper))
    text = re.sub(r"\s", "", page.get_textpage().get_text_range().replace("\ufffe", "-"))
    said = {
        "zh": ("物品放行条", "租户", "搬家", "书面授权"),
        "en": ("Goodsreleasepass", "Tenant", "Movingout", "Writtenauthorisation"),
    }
    for value in (*(said["zh"] + said["en"] if language == "both" else said[language]), release.number, release.unit.code, "李四",
                  "双人沙发", "Books", "AUTH-7", "京A12345", release.valid_to.isoformat(), "DU-17"):  # fmt: skip
        assert value in text, value
    assert paper.title_en == "Goods release pass" and paper.pages == 1
