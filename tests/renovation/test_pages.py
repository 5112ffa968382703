"""Renovations through the application: the form, the list, the page, other estates, both languages (RN-01 … RN-04)."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from flask_babel import refresh
from sqlalchemy import select

from app.core.records.clock import estate_today
from app.modules.renovation.models import Renovation
from app.modules.renovation.requirements import QUESTIONS, SIGNERS
from app.modules.renovation.states import RenovationState as S
from tests.movein.factories import unit_of
from tests.renovation.factories import (
    accepted,
    applied,
    approved,
    contractor_of,
    fire,
    owner_of,
    submitted,
    under_way,
    violation_of,
)

CHINESE = re.compile(r"[\u4e00-\u9fff]")
LIST_QUERIES, PAGE_QUERIES = 6, 60
"""Most statements of the list, however long it is, and of a renovation's page."""


@pytest.fixture
def desk(client_of):
    return client_of("receptionist")


def typed(session, **changes) -> dict:
    """What the reception types: a kitchen by a company."""
    unit, today = unit_of(session), estate_today(session, 1)
    given = {
        "unit_id": unit.id, "applicant_id": owner_of(session, unit).id, "capacity": "owner", "extent": "partial",
        "works": ["厨房", "铺贴瓷砖", "800×800", ""], "planned_from": today.isoformat(),
        "planned_to": (today + timedelta(days=59)).isoformat(), "workers_expected": "4", "mode": "company",
        "contractor_id": contractor_of(session).id, "leader_name": "王师傅", "leader_id_kind": "resident_id",
        "leader_id_no": "11010519491231002X", "leader_mobile": "13800138000", "fire_officer": "王师傅",
        **dict.fromkeys(QUESTIONS, ""),
    } | changes  # fmt: skip
    session.commit()
    return given


def source(answer) -> str:
    return unescape(answer.get_data(as_text=True))


@pytest.mark.clause("RN-01")
def test_the_form_with_mistakes_keeps_everything_and_tells_them_beside_the_fields(session, desk):
    today = estate_today(session, 1)
    for changes, field, sentence in (
        ({"leader_id_no": "110105194912310021"}, "leader_id_no", "check"),
        ({"leader_mobile": "12345"}, "leader_mobile", ""),
        ({"planned_to": (today - timedelta(days=3)).isoformat()}, "planned_to", "before the start"),
        ({"workers_expected": "0"}, "workers_expected", "how many workers"),
        ({"contractor_id": ""}, "contractor_id", "Name the renovation company."),
        ({"works": ["", "", "", ""]}, "works", "Fill in at least one line."),
        ({"applicant_id": owner_of(session, unit_of(session)).id}, "applicant_id", "not an owner of the unit"),
    ):
        given = typed(session, **changes)
        answer = desk.post("/renovations/new", data=given)
        page = source(answer)
        assert answer.status_code == 422, field
        said = re.search(rf'id="{field}-error"[^>]*>([^<]+)', page)
        assert said and sentence in said[1], (field, said)
        for name in ("leader_name", "fire_officer", "leader_id_no", "leader_mobile", "workers_expected", "planned_to"):
            assert f'value="{given[name]}"' in page, (field, name)
        if field != "works":
            assert 'value="铺贴瓷砖"' in page and 'value="800×800"' in page
        assert f'value="{given["unit_id"]}" selected' in page
    assert session.scalars(select(Renovation)).all() == []


def test_an_application_is_entered_and_its_page_lists_what_is_missing(session, desk):
    answer = desk.post("/renovations/new", data=typed(session, gas="True"))
    assert answer.status_code == 302, source(answer)
    (renovation,) = session.scalars(select(Renovation)).all()
    page = source(desk.get(f"/renovations/{renovation.id}"))
    assert renovation.works == [{"space": "厨房", "content": "铺贴瓷砖", "material": "800×800", "alteration": ""}]
    for words in ("缺少房屋权属证明", "Missing: Proof of title", "尚未回答", "Not answered", "未签字", "Not signed"):
        assert words in page


def test_foreign_renovations_are_not_there(session, client_of):
    renovation = approved(session)
    session.commit()
    neighbour, page = client_of("neighbour"), f"/renovations/{renovation.id}"
    for address in (page, f"{page}/edit", f"{page}/inspection"):
        assert neighbour.get(address).status_code == 404, address
    for address, data in (
        (f"{page}/transition/withdraw", {"reason": "x"}), (f"{page}/deliver", {"method": "mail"}),
        (f"{page}/papers/floor_plan", {}), (f"{page}/sign/notice", {"signer": "x"}), (f"{page}/settlement", {}),
        (f"{page}/extend", {"last_day": "2099-01-01", "reason": "x"}), (f"/papers/issue/F26/{renovation.id}", {"language": "zh"}),
    ):  # fmt: skip
        assert neighbour.post(address, data=data).status_code == 404, address
    assert renovation.number not in source(neighbour.get("/renovations/"))
    session.refresh(renovation)
    assert renovation.state is S.PAYMENT and renovation.delivered_at is None


def test_the_list_costs_the_same_however_long_it_is(session, desk, sql_count):
    for _ in range(3):
        approved(session)
    session.commit()
    desk.get("/renovations/")
    sql_count.reset()
    page = source(desk.get("/renovations/"))
    few = len(sql_count.statements)
    assert page.count("RA-") >= 3
    for _ in range(5):
        applied(session)
    session.commit()
    sql_count.reset()
    desk.get("/renovations/")
    assert len(sql_count.statements) == few <= LIST_QUERIES, "\n".join(sql_count.statements)


@pytest.mark.parametrize("make", [applied, submitted, approved, under_way, accepted])
def test_the_page_of_a_renovation_costs_little(session, client_of, sql_count, make):
    renovation = make(session)
    session.commit()
    manager, page = client_of("manager"), f"/renovations/{renovation.id}"
    manager.get(page)
    session.expire_all()
    sql_count.reset()
    assert manager.get(page).status_code == 200
    assert len(sql_count.statements) <= PAGE_QUERIES, "\n".join(sql_count.statements)


@pytest.mark.clause("RN-03")
def test_what_is_worked_with_stands_above_the_facts(session, client_of):
    """Drawings beside the decision, the bill where money is awaited, violations where the work goes on."""
    manager = client_of("manager")
    decided = fire(session, submitted(session), "pass_intake", "pass_review")
    running = under_way(session)
    violation_of(session, running)
    session.commit()
    for renovation, above in (
        (decided, "Papers of the application"),
        (approved(session), "Fees and deposits"),
        (running, "Violations"),
    ):
        session.commit()
        page = source(manager.get(f"/renovations/{renovation.id}"))
        heads = [re.sub(r"\s+", " ", head).strip() for head in re.findall(r'<h2 class="card-title"[^>]*>([^<]*)', page)]
        assert heads.index(above) < heads.index("Work content"), heads
        assert len(heads) == len(set(heads))


def test_pages_speak_one_language(session, client_of):
    """The English page has no Chinese but what people typed and the sentences said in both languages; the Chinese page is Chinese."""
    renovation = under_way(session)
    session.commit()
    manager = client_of("manager")
    for address in ("/renovations/", "/renovations/new", f"/renovations/{renovation.id}"):
        page = re.sub(r"(?s)<script.*?</script>|<!--.*?-->", "", source(manager.get(address)))
        said = {text.strip() for text in re.findall(r">([^<>]*[\u4e00-\u9fff][^<>]*)<", page)}
        unknown = {text for text in said if not any(text in data or data in text for data in data_of(renovation))}
        assert not unknown, (address, unknown)
    assert manager.post("/language/zh").status_code == 303
    refresh()  # the requests of a test share what they know of the language
    page = source(manager.get(f"/renovations/{renovation.id}"))
    for english in ("Work content", "Fees and deposits", "Temporary passes", "Stop the work", "Permit", "Next steps"):
        assert f">{english}<" not in page, english


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_is_to_be_signed_is_called_the_same_where_it_is_missing_and_where_it_is_signed(
    session, client_of, language
):
    renovation, client = applied(session), client_of("receptionist")
    session.commit()
    assert client.post(f"/language/{language}").status_code == 303
    refresh()  # the requests of a test share what they know of the language
    page = client.get(f"/renovations/{renovation.id}").get_data(as_text=True)
    for title in SIGNERS.values():  # what is missing is listed in both languages
        said, other = (title.zh, title.en) if language == "zh" else (title.en, title.zh)
        assert page.count(said) > page.count(other) > 0


def data_of(renovation) -> list[str]:
    """What people typed, and what is shown in both languages by its nature."""
    from app.modules.renovation.requirements import REQUIREMENTS

    works = [text for row in renovation.works for text in row.values() if text]
    papers = [text for r in REQUIREMENTS for text in (r.title.zh, r.why.zh)]
    people = [
        renovation.applicant.name,
        renovation.leader_name,
        renovation.company,
        *(w.name for w in renovation.workers),
    ]
    return [*works, *papers, *people, "测试花园", "管家", "管", "中文", "、"]
