"""Issued papers: a gapless number, one rendering for good, copies logged, mistakes voided, anybody can verify."""

from __future__ import annotations

import dataclasses
import io
import threading
from collections.abc import Callable
from typing import Any

import pikepdf
import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.audit.models import AuditEntry
from app.core.papers import services, views
from app.core.papers.kind import PaperKind
from app.core.papers.models import Paper, PaperCopy, Standing
from app.core.records.identifiers import InvalidValue
from app.core.workflow.table import Blocked
from app.extensions import db
from tests.core.conftest import png

SYSTEM = system_actor(estate_id=1)


@pytest.fixture(autouse=True)
def _kind(request: pytest.FixtureRequest) -> None:
    if "session" in request.fixturenames:
        request.getfixturevalue("kind")


@pytest.fixture
def paper(session: Any, kind: PaperKind, building: Any) -> Paper:
    return services.issue(session, kind, building, language="both", actor=SYSTEM)


def text_of(pdf: bytes) -> str:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return str(document.docinfo.get("/Title", "")) + str(document.Root.get("/Lang", ""))


def test_an_issued_paper_knows_what_it_was_printed_from(session: Any, paper: Paper) -> None:
    year = paper.issued_at.year
    assert paper.number == f"X1-{year}-00001"
    assert (paper.unit_code, paper.record_type, paper.language) == ("K1", "building", "both")
    assert paper.pages >= 1 and len(paper.template_version) == 12
    assert paper.standing is Standing.VALID
    pdf = services.original(paper)
    assert pdf.startswith(b"%PDF-") and paper.number in text_of(pdf)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.kind == "issue")).one()
    assert entry.note.startswith(paper.number)
    assert (entry.subject_type, entry.changes["number"][1]) == ("building", paper.number)


def test_reprints_are_the_issued_bytes_whatever_became_of_record_and_template(
    session: Any, kind: PaperKind, building: Any, paper: Paper
) -> None:
    issued = services.original(paper)
    building.name_zh = "改名楼"
    session.flush()
    assert services.reprint(session, paper, actor=SYSTEM, purpose="lost") == issued
    copy = session.scalars(select(PaperCopy).where(PaperCopy.paper_id == paper.id)).one()
    assert (copy.printed_by_name, copy.purpose) == ("system", "lost")
    later = services.issue(session, kind, building, language="both", actor=SYSTEM)
    assert services.original(later) != issued and services.original(paper) == issued


def test_a_later_issue_supersedes_the_earlier_of_its_language_only(
    session: Any, kind: PaperKind, building: Any, paper: Paper
) -> None:
    english = services.issue(session, kind, building, language="en", actor=SYSTEM)
    assert paper.standing is Standing.VALID
    later = services.issue(session, kind, building, language="both", actor=SYSTEM)
    assert paper.standing is Standing.SUPERSEDED and paper.superseded_by is later
    assert english.standing is Standing.VALID
    assert services.valid_paper(session, kind, building, "both") is later
    assert [p.number[-2:] for p in services.papers_of(session, building)] == ["03", "02", "01"]


def test_a_paper_may_bear_the_number_of_its_record(session: Any, kind: PaperKind, building: Any) -> None:
    receipt = dataclasses.replace(kind, number=lambda record: "R-77")
    first = services.issue(session, receipt, building, language="zh", actor=SYSTEM)
    second = services.issue(session, receipt, building, language="zh", actor=SYSTEM)
    assert (first.number, second.number) == ("R-77", "R-77-2")


def test_previews_leave_no_trace(session: Any, kind: PaperKind, building: Any) -> None:
    pdf = services.preview(session, kind, building, language="zh", actor=SYSTEM)
    assert pdf.startswith(b"%PDF-") and "X1-" not in text_of(pdf)
    assert services.papers_of(session, building) == []
    assert services.issue(session, kind, building, language="zh", actor=SYSTEM).number.endswith("-00001")


def test_void_papers_stay_with_their_reason_and_are_not_printed_again(session: Any, paper: Paper) -> None:
    with pytest.raises(InvalidValue):
        services.void(session, paper, reason=" ", actor=SYSTEM)
    services.void(session, paper, reason="wrong name", actor=SYSTEM)
    assert paper.standing is Standing.VOID and paper.void_reason == "wrong name"
    with pytest.raises(Blocked):
        services.reprint(session, paper, actor=SYSTEM)
    with pytest.raises(Blocked):
        services.void(session, paper, reason="again", actor=SYSTEM)


def test_the_database_refuses_a_reason_without_voiding(session: Any, paper: Paper) -> None:
    paper.void_reason = "because"
    with pytest.raises(IntegrityError):
        session.flush()


def test_rights_are_those_on_the_record(session: Any, kind: PaperKind, building: Any, paper: Paper) -> None:
    reader = Actor(user_id=1, name="R", estates=frozenset({1}), estate_id=1, grants=frozenset({("read", "MoveInCase")}))
    printer = dataclasses.replace(reader, grants=reader.grants | {("print", "MoveInCase")})
    for attempt in (
        lambda: services.issue(session, kind, building, language="zh", actor=reader),
        lambda: services.preview(session, kind, building, language="zh", actor=reader),
        lambda: services.reprint(session, paper, actor=reader),
        lambda: services.void(session, paper, reason="x", actor=printer),
    ):
        with pytest.raises(NotAllowed):
            attempt()


def test_a_pack_takes_what_holds_and_issues_what_is_missing(
    session: Any, kind: PaperKind, building: Any, foreign_building: Any
) -> None:
    with acting(system_actor(estate_id=1)):
        held = services.issue(session, kind, building, language="en", actor=SYSTEM)
        pdf = services.pack(session, [(kind, foreign_building), (kind, building)], language="en", actor=SYSTEM)
    new = services.valid_paper(session, kind, foreign_building, "en")
    assert new is not None and services.papers_of(session, building) == [held]
    with pikepdf.open(io.BytesIO(pdf)) as document, document.open_outline() as outline:
        assert len(document.pages) == held.pages + new.pages
        titles = [item.title for item in outline.root]
    assert new.number in titles[0] and held.number in titles[1]
    assert [copy.purpose for copy in held.copies] == ["pack"]


def test_a_pack_issues_anew_what_its_record_has_overtaken(session: Any, kind: PaperKind, building: Any) -> None:
    with acting(system_actor(estate_id=1)):
        first = services.issue(session, kind, building, language="en", actor=SYSTEM)
        services.pack(session, [(kind, building)], language="en", actor=SYSTEM)
        assert services.current_paper(session, kind, building, "en") is first
        building.name_zh = "改名之后"
        session.flush()
        assert services.current_paper(session, kind, building, "en") is None
        services.pack(session, [(kind, building)], language="en", actor=SYSTEM)
    second = services.valid_paper(session, kind, building, "en")
    assert second is not first and first.superseded_by is second


def test_numbers_are_gapless_when_many_issue_at_once_and_some_break_off(desk: Any) -> None:
    """A rollback gives its number back; PostgreSQL and SQLite alike."""
    app, estate_id, building_id = desk.app, desk.building.estate_id, desk.building.id
    desk.session.rollback()
    kind, numbers, errors = app.extensions["guanjia"].papers["X1"], [], []
    gate = threading.Barrier(4)

    def work(worker: int) -> None:
        try:
            with app.app_context(), acting(system_actor(estate_id=estate_id)) as actor:
                gate.wait()
                for turn in range(3):
                    building = db.session.get(type(desk.building), building_id)
                    paper = services.issue(db.session, kind, building, language="en", actor=actor)
                    number = paper.number
                    if (worker + turn) % 3 == 0:
                        db.session.rollback()
                    else:
                        db.session.commit()
                        numbers.append(number)
        except Exception as error:
            errors.append(error)

    workers = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert errors == []
    assert sorted(int(number[-5:]) for number in numbers) == list(range(1, len(numbers) + 1))
    assert len(numbers) == 8
    valid = select(Paper).where(Paper.superseded_by_id.is_(None))
    assert len(desk.session.scalars(valid).all()) == 1


def test_issue_and_print_again_by_form(client_of: Callable[[str], Any], session: Any, building: Any) -> None:
    client = client_of("receptionist")
    form = {"language": "both", "submit_token": "once-and-only"}
    first = client.post(f"/papers/issue/X1/{building.id}", data=form)
    again = client.post(f"/papers/issue/X1/{building.id}", data=form)
    assert first.status_code == 302 and again.location == first.location
    paper = session.scalars(select(Paper)).one()
    pdf = client.get(first.location)
    assert pdf.data == services.original(paper) and pdf.mimetype == "application/pdf"
    assert f"filename*=UTF-8''{paper.number}" in pdf.headers["Content-Disposition"]
    copy = client.post(f"/papers/{paper.id}/reprint", data={"purpose": "for the bank"})
    assert copy.location != first.location and client.get(copy.location).data == pdf.data
    assert [c.purpose for c in session.scalars(select(PaperCopy).order_by(PaperCopy.id))] == ["issue", "for the bank"]
    assert client.get(f"/papers/preview/X1/{building.id}?language=zh").data.startswith(b"%PDF-")
    assert client.get(f"/papers/preview/X1/{building.id}?language=fr").status_code == 400
    assert paper.number in client.get(f"/papers/{paper.id}").get_data(as_text=True)
    assert paper.number in client.get("/papers/?unit_code=K1").get_data(as_text=True)


def test_copies_open_for_their_maker_and_for_a_while(
    client_of: Callable[[str], Any], building: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = client_of("receptionist"), client_of("manager")
    address = client.post(f"/papers/issue/X1/{building.id}", data={"language": "zh"}).location
    assert other.get(address).status_code == 404
    monkeypatch.setattr(views, "COPY_OPEN", -views.COPY_OPEN)
    assert client.get(address).status_code == 302


def test_papers_of_another_estate_do_not_exist(
    client_of: Callable[[str], Any], session: Any, kind: PaperKind, foreign_building: Any
) -> None:
    foreign = services.issue(session, kind, foreign_building, language="zh", actor=system_actor(estate_id=2))
    client = client_of("receptionist")
    assert client.get(f"/papers/{foreign.id}").status_code == 404
    assert foreign.number not in client.get("/papers/").get_data(as_text=True)
    for address in (f"{foreign.id}/reprint", f"{foreign.id}/void", f"issue/X1/{foreign_building.id}", "issue/NO/1"):
        answer = client.post(f"/papers/{address}", data={"reason": "x", "language": "zh"})
        assert answer.status_code == 404, address
    assert client.get(f"/papers/preview/X1/{foreign_building.id}?language=zh").status_code == 404


def test_the_scan_of_the_signed_paper_is_filed_from_its_verification_page(
    client_of: Callable[[str], Any], session: Any, paper: Paper
) -> None:
    client = client_of("receptionist")
    page = client.get(f"/verify/{paper.verification_code}").get_data(as_text=True)
    assert f"/papers/{paper.id}/signed" in page
    form = {"file": (io.BytesIO(png()), "签字页.png")}
    client.post(f"/papers/{paper.id}/signed", data=form, content_type="multipart/form-data")
    session.refresh(paper)
    assert paper.signed_copy is not None and paper.signed_copy.name == "签字页.png"
    assert client.get(f"/files/{paper.signed_attachment_id}/x").status_code == 200


@pytest.mark.parametrize("spell", [str, str.lower, lambda code: code.replace("-", " ")])
def test_anybody_can_verify_a_paper(app: Flask, paper: Paper, spell: Callable[[str], str]) -> None:
    answer = app.test_client().get(f"/verify/{spell(paper.verification_code)}")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert paper.number in page and "K1" in page and "测试花园" in page and "Test Gardens" in page
    assert "有效" in page and "Valid" in page
    assert paper.stored_file.sha256[:16] in page
    assert "望江楼" not in page and paper.issued_by_name not in page and "/signed" not in page


def test_the_verification_page_tells_void_papers_and_unknown_codes(app: Flask, session: Any, paper: Paper) -> None:
    services.void(session, paper, reason="wrong owner 张三丰", actor=SYSTEM)
    client = app.test_client()
    page = client.get(f"/verify/{paper.verification_code}").get_data(as_text=True)
    assert "已作废" in page and "Void" in page and "张三丰" not in page
    assert client.get("/verify/2222-2222-2222-2222").status_code == 404
    assert client.get("/verify/short").status_code == 404


def test_guessing_codes_is_slowed_down(app: Flask, session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_patience", views.Patience(per_minute=3))
    client = app.test_client()
    assert [client.get("/verify/x").status_code for _ in range(4)] == [404, 404, 404, 429]
