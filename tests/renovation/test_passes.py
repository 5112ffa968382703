"""Workers, temporary passes and the gate through the application (RN-06, RN-08, RN-11, RN-12; forms C2, C3, C7)."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from html import unescape

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from app.core.access.accounts import create_account
from app.core.access.actor import acting, system_actor
from app.core.access.roles import Role
from app.core.clocks.services import work_of
from app.core.files.models import Attachment
from app.core.messages.models import Notice
from app.core.papers.base.context import Header
from app.core.papers.models import Paper
from app.core.papers.services import issue
from app.core.papers.template import load_paper
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.registry import Recurring, registry
from app.core.workflow.table import Blocked
from app.modules.renovation import pass_papers, pass_queries, passes
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass
from app.modules.renovation.pass_workflow import PASS, WORKER
from app.modules.renovation.states import PassKind, PassState, Trade, WorkerState
from tests.conftest import PASSWORD
from tests.renovation.factories import (
    PNG,
    VALID_IDS,
    accepted,
    fire,
    paid,
    pass_of,
    person,
    submitted,
    under_way,
    verified,
    worker_of,
)


def text_of(answer, status=200) -> str:
    assert answer.status_code == status, answer.status_code
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))))


def line(number: int, **values) -> dict:
    given = {
        "name": "张木工",
        "trade": "carpentry",
        "id_kind": "resident_id",
        "id_no": "",
        "mobile": "",
        "sex": "",
    } | values
    return {f"{number}.{name}": value for name, value in given.items()}


# Workers


@pytest.mark.clause("RN-02", "RN-06")
def test_the_counter_enters_a_crew_at_once_with_photos(session, client_of):
    renovation = submitted(session)
    session.commit()
    desk, address = client_of("receptionist"), f"/renovation-workers/crew/{renovation.id}"
    assert "Worker 4" in text_of(desk.get(address))
    sent = (
        line(0, id_no=VALID_IDS[0], mobile="13800138000", sex="male")
        | line(1, name="", trade="")
        | line(
            2,
            name="李电工",
            trade="plumbing_electric",
            id_no=VALID_IDS[1],
            certificate_no="T440",
            certificate_until="2030-05-31",
        )
        | {"0.photo": (io.BytesIO(PNG), "portrait.png", "image/png")}
    )
    assert desk.post(address, data=sent).location == f"/renovations/{renovation.id}#workers"
    first, second = session.scalars(select(RenovationWorker).order_by(RenovationWorker.id))
    assert (first.name, first.id_no, first.state, first.photo_id is None) == (
        "张木工",
        VALID_IDS[0],
        "registered",
        False,
    )
    assert (second.trade, str(second.certificate_until), second.photo_id) == (
        Trade.PLUMBING_ELECTRIC,
        "2030-05-31",
        None,
    )
    page = desk.get(f"/renovations/{renovation.id}").get_data(as_text=True)
    assert "2 workers are to be verified" in page and VALID_IDS[0] not in page and "13800138000" not in page


@pytest.mark.clause("RN-06")
def test_a_crew_with_an_error_is_not_entered_and_each_line_says_why(session, client_of):
    renovation = submitted(session)
    worker_of(session, renovation, id_no=VALID_IDS[0])
    session.commit()
    desk, address = client_of("receptionist"), f"/renovation-workers/crew/{renovation.id}"
    sent = (
        line(0, id_no=VALID_IDS[0])
        | line(1, trade="")
        | line(2, id_no="110105194912310021")
        | line(3, id_no=VALID_IDS[1])
    )
    page = text_of(desk.post(address, data=sent), 422)
    for said in (
        "This worker is registered here already.",
        "Name and trade are needed.",
        "Photos have to be chosen again.",
    ):
        assert said in page
    twice = line(0, id_no=VALID_IDS[1]) | line(1, id_no=VALID_IDS[1])
    assert "This worker is registered here already." in text_of(desk.post(address, data=twice), 422)
    assert "Enter at least one worker." in text_of(desk.post(address, data=line(0, name="")), 422)
    assert len(session.scalars(select(RenovationWorker)).all()) == 1


@pytest.mark.clause("RN-06")
@pytest.mark.parametrize(
    "role", [role.value for role in Role if role not in (Role.SYSTEM_ADMINISTRATOR, Role.SUPERIOR)]
)
def test_only_the_site_administrator_verifies(session, role):
    """States × roles: who is offered what of a worker."""
    renovation = paid(session)
    worker, actor = worker_of(session, renovation), person(session, role)
    expected = {
        WorkerState.REGISTERED: set(),
        WorkerState.VERIFIED: set(),
        WorkerState.REFUSED: set(),
        WorkerState.LEFT: set(),
    }
    if role == "site_administrator":
        expected[WorkerState.REGISTERED] = {"verify", "refuse"}
    if actor.may("update", "RenovationWorker"):
        expected[WorkerState.VERIFIED] = {"leave"}
    for state, names in expected.items():
        offered = {t.name for t in WORKER.transitions if state in t.sources and actor.may(t.verb, "RenovationWorker")}
        assert offered == names, (role, state)
    assert {o.transition.name for o in WORKER.offers(worker, actor)} == expected[WorkerState.REGISTERED]


@pytest.mark.clause("RN-06")
def test_who_entered_a_worker_does_not_verify_them(session, client_of):
    renovation = paid(session)
    session.commit()
    site = client_of("site_administrator")
    sent = line(0, id_no=VALID_IDS[0]) | {"0.photo": (io.BytesIO(PNG), "p.png", "image/png")}
    assert site.post(f"/renovation-workers/crew/{renovation.id}", data=sent).status_code == 302
    worker = session.scalars(select(RenovationWorker)).one()
    answer = site.post(f"/renovation-workers/{worker.id}/transition/verify", data={})
    text_of(answer, 422)
    assert worker.state == WorkerState.REGISTERED


@pytest.mark.clause("RN-06")
def test_photo_and_document_are_compared_on_the_workers_page_and_then_stay(session, client_of):
    renovation = paid(session)
    worker = passes.register_worker(
        session, renovation, {"name": "张木工", "id_no": VALID_IDS[0], "trade": Trade.CARPENTRY}, actor=person(session, "receptionist")
    )  # fmt: skip
    session.commit()
    page, site, desk = f"/renovation-workers/{worker.id}", client_of("site_administrator"), client_of("receptionist")
    assert "There is no photo of the worker yet." in text_of(site.get(page))
    photo = {"photo": (io.BytesIO(PNG), "portrait.png", "image/png")}
    assert site.post(f"{page}/photo", data=photo).status_code == 302
    shown = site.get(page).get_data(as_text=True)
    assert VALID_IDS[0] not in shown and f"/files/{worker.photo_id}/photo" in shown and 'capture="user"' in shown
    revealed = site.post(f"/reveal/renovation_worker/{worker.id}/id_no", data={"reason": "compare with the document"})
    assert VALID_IDS[0] in text_of(revealed)
    assert desk.post(f"/reveal/renovation_worker/{worker.id}/id_no", data={"reason": "curious"}).status_code == 404
    assert site.post(f"{page}/transition/verify", data={"remark": ""}).status_code == 302
    session.refresh(worker)
    assert worker.state == WorkerState.VERIFIED
    assert work_of(session, renovation, "renovation.case").role == Role.CS_SUPERVISOR
    kept = worker.photo_id
    site.post(f"{page}/photo", data={"photo": (io.BytesIO(PNG), "other.png", "image/png")})
    session.refresh(worker)
    assert worker.photo_id == kept
    form = desk.get(f"{page}/edit").get_data(as_text=True)
    assert 'name="mobile"' in form and 'name="id_no"' not in form


@pytest.mark.clause("RN-06")
def test_photos_are_for_those_who_may_see_workers(session, client_of):
    worker = verified(session, paid(session))
    session.commit()
    photo = f"/files/{worker.photo_id}/photo"
    assert client_of("security").get(photo).status_code == 200
    assert client_of("surveyor").get(photo).status_code == 404
    assert client_of("technician").get(photo).status_code == 404


@pytest.mark.clause("RN-11")
def test_the_management_record_is_written_on_the_site(session, client_of):
    worker = verified(session, paid(session))
    session.commit()
    page, site = f"/renovation-workers/{worker.id}", client_of("site_supervisor")
    assert site.post(f"{page}/conduct", data={"kind": "briefing", "what": "消防、用电"}).status_code == 302
    site.post(f"{page}/conduct", data={"kind": "misconduct", "what": " "})
    for kind in ("party", "entry", "exit"):  # entry and exit are for the gate
        site.post(f"{page}/conduct", data={"kind": kind, "what": "x"})
    site.post(f"{page}/conduct", data={"kind": "misconduct", "what": "午间敲打", "action": "当场停工"})
    session.refresh(worker)
    assert [(c.kind, c.note, c.action) for c in worker.conduct] == [
        ("briefing", "消防、用电", ""),
        ("misconduct", "午间敲打", "当场停工"),
    ]
    assert "午间敲打 → 当场停工" in text_of(site.get(page))
    assert client_of("security").post(f"{page}/conduct", data={"kind": "briefing"}).status_code == 404


# Passes


@pytest.mark.clause("RN-08")
def test_the_supervisor_issues_passes_for_the_whole_crew(session, client_of):
    renovation = paid(session)
    workers = [verified(session, renovation, name=name) for name in ("赵瓦工", "钱油漆")]
    waiting = worker_of(session, renovation, name="孙安装")
    session.commit()
    desk, address = client_of("cs_supervisor"), f"/temporary-passes/issue/{renovation.id}"
    page = text_of(desk.get(f"/renovations/{renovation.id}"))
    assert "No valid pass yet: 赵瓦工、钱油漆." in page and "1 workers are not verified yet." in page
    first = estate_today(session, 1)
    days = {"valid_from": str(first), "valid_to": str(first + timedelta(days=30))}
    chosen = {"worker": [str(worker.id) for worker in (*workers, waiting)]}
    desk.post(address, data=days | chosen)
    assert session.scalars(select(TemporaryPass)).all() == [], "31 days are too many"
    days["valid_to"] = str(first + timedelta(days=29))
    desk.post(address, data=days)
    assert session.scalars(select(TemporaryPass)).all() == [], "nobody was chosen"
    assert client_of("receptionist").post(address, data=days | chosen).status_code == 404
    assert desk.post(address, data=days | chosen).location == f"/renovations/{renovation.id}#passes"
    issued = session.scalars(select(TemporaryPass).order_by(TemporaryPass.id)).all()
    assert [one.worker.name for one in issued] == ["赵瓦工", "钱油漆"]
    assert {one.issued_by_name for one in issued} == {"Cs Supervisor"} and len({one.token for one in issued}) == 2


@pytest.mark.clause("RN-08")
def test_a_pass_is_extended_and_a_lost_one_replaced(session, client_of):
    renovation = under_way(session)
    (one,) = renovation.passes
    session.commit()
    desk, page = client_of("cs_supervisor"), f"/temporary-passes/{one.id}"
    assert "Extend the pass" in text_of(desk.get(page))
    last = str(estate_today(session, 1) + timedelta(days=20))
    assert desk.post(f"{page}/follow", data={"valid_to": last, "received_by": "王师傅"}).status_code == 302
    session.refresh(one)
    second = session.scalars(select(TemporaryPass).where(TemporaryPass.follows_id == one.id)).one()
    assert (one.state, second.kind, second.state, second.received_by) == (
        "replaced",
        PassKind.EXTENSION,
        "valid",
        "王师傅",
    )
    lost = f"/temporary-passes/{second.id}"
    assert desk.post(f"{lost}/transition/report_lost", data={"reason": "掉在工地"}).status_code == 302
    assert "Replace the lost pass" in text_of(desk.get(lost))
    assert desk.post(f"{lost}/follow", data={"valid_to": last}).status_code == 302
    third = session.scalars(select(TemporaryPass).where(TemporaryPass.follows_id == second.id)).one()
    assert (third.kind, third.received_by) == (PassKind.REPLACEMENT, third.worker.name)
    assert "Extend the pass" not in text_of(desk.get(page))
    desk.post(f"{page}/follow", data={"valid_to": last})
    assert len(session.scalars(select(TemporaryPass)).all()) == 3


@pytest.mark.clause("RN-08")
def test_passes_of_a_permit_that_begins_later_are_as_long_as_any_and_replaced_when_lost(session):
    start, supervisor = estate_today(session, 1) + timedelta(days=40), person(session, "cs_supervisor")
    renovation = paid(session, planned_from=start, planned_to=start + timedelta(days=50))
    assert pass_queries.usual_days(session, renovation) == (start, start + timedelta(days=29))
    one = pass_of(session, verified(session, renovation))
    PASS.fire(session, one, "report_lost", actor=supervisor, inputs={"reason": "掉在路上"})
    new = passes.follow_pass(session, one, valid_to=one.valid_to, actor=supervisor)
    assert (new.kind, new.valid_from) == (PassKind.REPLACEMENT, start)


@pytest.mark.clause("RN-12")
def test_a_pass_comes_back_with_its_condition_and_security_is_told(session, client_of):
    renovation = under_way(session)
    (one,) = renovation.passes
    with pytest.raises(Blocked, match=one.number):
        passes.decide_worker(session, one.worker, "leave", actor=person(session, "site_administrator"))
    session.commit()
    desk, page = client_of("receptionist"), f"/temporary-passes/{one.id}"
    text_of(desk.post(f"{page}/transition/take_back", data={"condition": ""}), 422)
    assert desk.post(f"{page}/transition/take_back", data={"condition": "完好"}).status_code == 302
    session.refresh(one)
    assert (one.state, one.condition) == (PassState.RETURNED, "完好") and one.returned_at and one.security_told_at
    told = session.scalars(select(Notice).where(Notice.event == "renovation.pass_returned")).all()
    assert told
    number = one.number
    register = load_workbook(io.BytesIO(desk.get("/temporary-passes/export.xlsx").data)).active
    cells = [cell.value for row in register.iter_rows() for cell in row]
    assert number in cells and "完好" in cells
    assert number in text_of(desk.get("/temporary-passes/?state=returned"))
    assert number not in text_of(desk.get("/temporary-passes/?state=valid"))
    worker = session.scalars(select(RenovationWorker)).one()
    passes.decide_worker(session, worker, "leave", actor=person(session, "site_administrator"))
    assert worker.left_on == estate_today(session, 1)


BY_ROLE = {
    "cs_supervisor": {"take_back", "report_lost", "revoke"},
    "manager": {"take_back", "report_lost", "revoke"},
    "receptionist": {"take_back", "report_lost"},
    "site_administrator": {"take_back", "report_lost"},
    "site_supervisor": set(),
    "security": set(),
    "cashier": set(),
}
IN_STATE = {
    PassState.VALID: {"take_back", "report_lost", "revoke"},
    PassState.EXPIRED: {"take_back", "report_lost"},
    PassState.REVOKED: {"take_back"},
    PassState.LOST: set(),
    PassState.RETURNED: set(),
    PassState.REPLACED: set(),
}


@pytest.mark.clause("RN-08", "RN-12")
@pytest.mark.parametrize("role", BY_ROLE)
def test_what_each_role_does_with_a_pass_in_each_state(session, role):
    actor = person(session, role)
    for state, possible in IN_STATE.items():
        offered = {t.name for t in PASS.transitions if state in t.sources and actor.may(t.verb, "TemporaryPass")}
        assert offered == possible & BY_ROLE[role], state


# The gate


def at_gate(client, text: str) -> str:
    return text_of(client.get("/gate/", query_string={"text": text}))


@pytest.mark.clause("RN-08", "RN-11")
def test_the_gate_says_who_may_in_and_notes_entry_and_exit(session, client_of):
    renovation = under_way(session)
    (one,) = renovation.passes
    session.commit()
    gate = client_of("security")
    assert "Check a temporary pass" in text_of(gate.get("/"))
    for address in (f"/gate/{one.token}", f"/gate/?text={one.number}", f"/gate/?text={one.number[-3:]}"):
        page = gate.get(address)
        said = text_of(page)
        assert "is-valid" in page.get_data(as_text=True) and f"/files/{one.worker.photo_id}/" in page.get_data(
            as_text=True
        )
        assert all(part in said for part in (one.worker.name, "Carpentry", renovation.unit.code, renovation.company))
    assert gate.post(f"/gate/{one.id}/entry").location == "/gate/"
    session.refresh(one.worker)
    assert [(c.kind, c.note, c.by_name) for c in one.worker.conduct] == [("entry", one.number, "Security")]
    assert one.worker.entered_on == estate_today(session, 1)
    assert "On the sites now 1" in text_of(gate.get("/gate/"))
    assert gate.post(f"/gate/{one.id}/exit").status_code == 302
    assert "On the sites now 0" in text_of(gate.get("/gate/"))
    assert gate.get(f"/gate/{one.id}/entry").status_code == 405, "looking changes nothing"


@pytest.mark.clause("RN-08", "RN-12")
@pytest.mark.parametrize(
    ("ending", "said"),
    [
        ("expire", "The pass is not valid: Expired."),
        ("report_lost", "The pass is not valid: Reported lost."),
        ("revoke", "The pass is not valid: Revoked."),
        ("take_back", "The pass is not valid: Returned."),
        ("stop", "is stopped."),
        ("not begun", "There is no work going on in unit"),
        ("tomorrow", "only."),
    ],
)
def test_the_gate_says_why_not(session, client_of, ending, said):
    renovation = paid(session) if ending == "not begun" else under_way(session)
    one = pass_of(session, verified(session, renovation)) if ending == "not begun" else renovation.passes[0]
    if ending == "stop":
        fire(session, renovation, "stop", reason="承重墙")
    elif ending == "tomorrow":
        one.valid_from = estate_today(session, 1) + timedelta(days=1)
    elif ending != "not begun":
        actor = system_actor(estate_id=1)
        PASS.fire(session, one, ending, actor=actor, inputs={"reason": "事由", "condition": "完好"})
    session.commit()
    gate = client_of("security")
    page = gate.get(f"/gate/{one.token}")
    assert said in text_of(page) and "is-refused" in page.get_data(as_text=True)
    assert gate.post(f"/gate/{one.id}/entry").location == f"/gate/{one.token}"
    assert one.worker.conduct == []
    gate.post(f"/gate/{one.id}/exit")
    session.refresh(one.worker)
    assert [c.kind for c in one.worker.conduct] == ["exit"], "who is inside may always leave"


@pytest.mark.clause("RN-08")
def test_an_unknown_code_opens_nothing(session, client_of):
    gate = client_of("security")
    for text in ("nothing", "TP-2026-99999", "https://evil.example/gate/x", "%", "1", "二维码"):
        page = gate.get("/gate/", query_string={"text": text})
        assert "There is no such pass." in text_of(page) and "is-refused" in page.get_data(as_text=True)
    assert client_of("receptionist").get("/gate/").status_code == 404


@pytest.mark.clause("RN-08")
def test_another_estate_sees_no_worker_no_pass_and_opens_no_gate(session, app):
    renovation = under_way(session)
    (one,) = renovation.passes
    second = session.scalars(select(Estate).where(Estate.id != 1).order_by(Estate.id)).first()
    roles = [Role.SECURITY, Role.CS_SUPERVISOR, Role.SITE_ADMINISTRATOR]
    with acting(system_actor()):
        create_account(
            session, username="elsewhere", name="Elsewhere", password=PASSWORD, roles=roles, estates=[second], language="en",
            actor=system_actor(),
        )  # fmt: skip
    session.commit()
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert client.post("/login/", data={"username": "elsewhere", "password": PASSWORD}).status_code == 302
    assert "There is no such pass." in text_of(client.get(f"/gate/{one.token}"))
    for address in (f"/temporary-passes/{one.id}", f"/renovation-workers/{one.worker_id}", f"/files/{one.worker.photo_id}/photo",
                    f"/renovation-workers/crew/{renovation.id}"):  # fmt: skip
        assert client.get(address).status_code == 404, address
    for address in (f"/gate/{one.id}/entry", f"/temporary-passes/{one.id}/follow", f"/temporary-passes/issue/{renovation.id}",
                    f"/renovation-workers/{one.worker_id}/photo", f"/renovation-workers/{one.worker_id}/conduct"):  # fmt: skip
        assert client.post(address, data={}).status_code == 404, address


# Papers and personal data


def header_of(kind) -> Header:
    values = {
        "company": "云栖物业",
        "estate_name_zh": "云栖花园",
        "estate_name_en": "Yunqi Garden",
        "issued_by": "周敏",
    }
    return load_paper(kind.folder).header(**values, issued_on=date(2026, 11, 21))


@pytest.mark.clause("RN-06", "RN-08", "RN-11")
def test_the_papers_say_what_the_records_say_and_mask_the_numbers(session, app):
    renovation = under_way(session)
    (one,) = renovation.passes
    passes.let_through(session, one, "entry", actor=person(session, "security"))
    passes.note_conduct(session, one.worker, kind="misconduct", note="吸烟", actor=person(session, "site_supervisor"))
    kinds = registry().papers
    form = pass_papers.workers(renovation, header_of(kinds["F27"]))
    (row,) = form.workers
    assert row.id_no == one.worker.masked_id != one.worker.id_no and row.misconduct == 1 and row.passes == one.number
    assert row.image.startswith("data:image/jpeg;base64,") and len(row.image) < 20_000
    face = pass_papers.card(one, header_of(kinds["F28"])).cards[0]
    public = app.config["GUANJIA"].public_url.rstrip("/")
    assert (face.number, face.name, face.gate) == (one.number, one.worker.name, f"{public}/gate/{one.token}")
    assert len(pass_papers.cards(renovation, header_of(kinds["F28S"])).cards) == 1
    register = pass_papers.register(renovation, header_of(kinds["F29"]))
    assert register.out == 1 and register.passes[0].issued_by == one.issued_by_name
    record = pass_papers.record(one.worker, header_of(kinds["F32"]))
    assert [line.note for line in record.lines] == [one.number, "吸烟"] and record.id_no == one.worker.masked_id


@pytest.mark.slow
@pytest.mark.clause("RN-06", "RN-08", "RN-11", "RN-12")
def test_the_papers_are_issued_by_those_who_may(session, app):
    renovation = under_way(session)
    (one,) = renovation.passes
    supervisor, kinds = person(session, "cs_supervisor"), registry().papers
    for code, about in (
        ("F27", renovation),
        ("F28S", renovation),
        ("F28", one),
        ("F29", renovation),
        ("F32", one.worker),
    ):
        issue(session, kinds[code], about, language="both", actor=supervisor)
    papers = session.scalars(select(Paper).where(Paper.unit_id == renovation.unit_id)).all()
    assert {paper.code for paper in papers} == {"F27", "F28S", "F28", "F29", "F32"}
    assert next(paper.number for paper in papers if paper.code == "F28") == one.number
    PASS.fire(session, one, "revoke", actor=supervisor, inputs={"reason": "违规"})
    with pytest.raises(Blocked):
        issue(session, kinds["F28"], one, language="both", actor=supervisor)
    card = next(paper for paper in papers if paper.code == "F28")
    session.commit()
    stranger = text_of(app.test_client().get(f"/verify/{card.verification_code}"))
    assert "Revoked" in stranger and one.worker.name not in stranger


@pytest.mark.clause("RN-06")
@pytest.mark.parametrize("end", ["accepted", "rejected", "running"])
def test_the_number_of_the_crew_leader_goes_when_those_of_workers_do(session, end):
    work = registry().of(Recurring)["renovation.forget_workers"].work
    table, half_a_year = Renovation.__table__, timedelta(days=180)
    if end == "accepted":
        renovation = accepted(session)
        ended = {"accepted_on": estate_today(session, 1)}
    else:
        renovation = submitted(session)
        ended = {"changed_at": now()}
        if end == "rejected":
            fire(session, renovation, "pass_intake", "pass_review")
            fire(session, renovation, "reject", opinion="结构改动不可行")
    session.flush()
    known = (renovation.leader_id_no, renovation.leader_mobile)
    assert all(known)
    for days in (half_a_year, half_a_year + timedelta(days=1)):
        moved = {column: moment - days for column, moment in ended.items()}
        session.execute(update(table).where(table.c.id == renovation.id).values(moved))
        session.expire_all()
        gone = end != "running" and days > half_a_year
        assert work(session) == gone
        session.expire_all()
        assert (renovation.leader_id_no, renovation.leader_mobile) == ((None, None) if gone else known)
    row = session.execute(select(table).where(table.c.id == renovation.id)).one()._mapping
    left = [value for name, value in row.items() if name.startswith(("leader_id_no", "leader_mobile"))]
    assert any(left) is not gone
    assert work(session) == 0


@pytest.mark.clause("RN-06")
def test_numbers_and_photos_of_workers_go_in_time(session, client_of):
    """Six months after rejection, withdrawal or acceptance; a refused worker's six months after the refusal."""
    renovation = submitted(session)
    worker, other = worker_of(session, renovation), worker_of(session, renovation)
    today = estate_today(session, 1)
    passes.decide_worker(session, other, "refuse", note="证件不符", actor=person(session, "site_administrator"))
    assert (worker.keep_until, other.keep_until) == (None, today + timedelta(days=180))
    other.keep_until = today + timedelta(days=120)  # refused two months ago
    fire(session, renovation, "pass_intake", "pass_review")
    fire(session, renovation, "reject", opinion="结构改动不可行")
    assert (worker.keep_until, other.keep_until) == (today + timedelta(days=180), today + timedelta(days=120))
    work = registry().of(Recurring)["renovation.forget_workers"].work
    assert work(session) == 0
    photo, worker.keep_until = worker.photo_id, today - timedelta(days=1)
    session.flush()
    assert work(session) == 1
    session.expire_all()
    assert (worker.id_no, worker.mobile, worker.photo_id) == (None, None, None) and worker.forgotten_at
    assert session.get(Attachment, photo) is None
    assert text_of(client_of("site_administrator").get(f"/renovation-workers/{worker.id}"))
    assert work(session) == 0
