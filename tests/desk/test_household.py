"""The household page and its archive: one unit on one page, what may be seen of it, what its records lack."""

from __future__ import annotations

import io
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, acting, system_actor
from app.core.files.models import Attachment
from app.core.files.services import attach
from app.core.papers import services as papers
from app.core.papers.archive import ArchiveFilter, EntryKind, EntryState, Filed, archive
from app.core.registry import registry
from app.modules.movein.completeness import (
    DOCUMENTS,
    RECORDS,
    WINDOW,
    PieceState,
    case_files,
    look_through,
    records_complete,
)
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import CaseState
from tests.movein import factories as make

SYSTEM = system_actor(estate_id=1)
SECTIONS = ("people", "move-in", "parts", "fees", "papers", "work")


@pytest.fixture
def done(session: Session) -> MoveInCase:
    """A completed move-in whose bill is not paid."""
    made = make.case_at(session, CaseState.COMPLETED)
    session.commit()
    return made


def page_of(client: FlaskClient, case: MoveInCase | int, **arguments: str) -> str:
    unit_id = case if isinstance(case, int) else case.unit_id
    answer = client.get(f"/households/{unit_id}", query_string=arguments)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def states_of(session: Session, case: MoveInCase) -> dict[str, PieceState]:
    (file,) = case_files(session, select(MoveInCase).where(MoveInCase.id == case.id))
    return {piece.code: state for piece, state in file.states.items()}


# Completeness


@pytest.mark.clause("MI-01", "MI-02")
def test_nine_documents_and_six_records_belong_to_a_move_in() -> None:
    assert [piece.code for piece in DOCUMENTS] == [f"F0{number}" for number in range(1, 10)]
    assert [piece.code for piece in RECORDS] == ["F10", "F11", "F12", "F13", "F14", "F15"]


@pytest.mark.clause("MI-01", "MI-02")
def test_every_piece_is_missing_present_unsigned_or_signed(session: Session) -> None:
    case = make.case_at(session, CaseState.SIGNING)
    make.sign(session, case, "F02")
    found = states_of(session, case)
    assert found["F01"] is found["F11"] is PieceState.MISSING
    assert found["F02"] is PieceState.MISSING  # signed, but not handed out
    assert found["F10"] is PieceState.SIGNED
    assert found["F14"] is PieceState.PRESENT
    assert found["F15"] is PieceState.MISSING  # billed, not paid
    make.sign_agreements(session, case)
    make.move(session, case, "close_signing")
    make.hand_out(session, case)
    found = states_of(session, case)
    assert found["F02"] is PieceState.SIGNED
    assert found["F08"] is PieceState.PRESENT
    for signature in case.signatures:
        if signature.paper == "F02":
            signature.revoked_reason, signature.revoked_at = "Wrong sheet", signature.signed_at
    session.flush()
    assert states_of(session, case)["F02"] is PieceState.UNSIGNED


@pytest.mark.clause("MI-02")
def test_the_fee_record_is_complete_when_the_bill_is_paid(session: Session, done: MoveInCase) -> None:
    from decimal import Decimal

    from app.modules.fees.queries import bills_of
    from app.modules.fees.services import take_payment
    from app.modules.fees.states import PaymentMethod

    (bill,) = bills_of(session, done)
    assert states_of(session, done)["F15"] is PieceState.MISSING
    take_payment(
        session, bill, parts={line.id: Decimal(line.receivable) for line in bill.lines}, method=PaymentMethod.CASH,
        actor=SYSTEM,
    )  # fmt: skip
    assert states_of(session, done)["F15"] is PieceState.PRESENT
    assert set(states_of(session, done).values()) == {PieceState.PRESENT, PieceState.SIGNED}
    assert done.completed_at is not None
    day = done.completed_at.date()
    whole, total = records_complete(session, 1, day.replace(day=1), day.replace(day=28))
    assert whole <= total


def test_move_ins_are_looked_through_in_windows(
    session: Session, done: MoveInCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.modules.movein import completeness

    other = make.case_at(session, CaseState.COMPLETED)
    monkeypatch.setattr(completeness, "WINDOW", 1)
    first = look_through(session, estate_id=1)
    assert [file.case for file in first.files] == [other]
    second = look_through(session, estate_id=1, before=first.go_on)
    assert [file.case for file in second.files] == [done]
    assert not look_through(session, estate_id=1, before=second.go_on).files
    assert not look_through(session, estate_id=1, missing="F12").files
    assert [f.case for f in look_through(session, estate_id=1, missing="F15").files] == [other]
    assert WINDOW >= 100


def test_the_archive_page_names_what_is_missing_and_leads_to_its_step(
    done: MoveInCase, client_of: Callable[[str], FlaskClient]
) -> None:
    client = client_of("document_administrator")
    page = client.get("/archive/").get_data(as_text=True)
    assert done.number in page
    assert f"/move-ins/{done.id}?step=fees" in page
    assert done.number not in client.get("/archive/?missing=F10").get_data(as_text=True)
    assert done.number in client.get("/archive/?missing=").get_data(as_text=True)
    assert client.get("/archive/?missing=x&state=y&before=z").status_code == 200
    assert done.number not in client_of("neighbour").get("/archive/").get_data(as_text=True)
    assert client_of("security").get("/archive/").status_code == 404


# The page


def test_the_head_tells_the_essentials(done: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = page_of(client_of("receptionist"), done)
    assert "Handed over" in page
    assert done.owner.name in page
    assert done.owner.mobile not in page
    assert "Outstanding" in page
    assert "Records complete: 14 of 15" in page
    assert "Keys out:" in page
    assert "Open work" in page


def test_open_defects_are_a_label(session: Session, client_of: Callable[[str], FlaskClient]) -> None:
    case = make.case_at(session, CaseState.KEYS, defects=True)
    session.commit()
    page = page_of(client_of("receptionist"), case)
    assert "Defects open" in page
    assert "1 defect to be rectified" in page


def test_roles_see_the_heads_they_may_read(done: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = page_of(client_of("technician"), done)
    assert "Outstanding" not in page


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_opens_alone_as_page_and_as_fragment(
    done: MoveInCase, client_of: Callable[[str], FlaskClient], section: str
) -> None:
    client = client_of("manager")
    assert f'id="section-{section}"' in page_of(client, done, section=section)
    address = f"/households/{done.unit_id}?section={section}"
    fragment = client.get(address, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "<html" not in fragment and f'id="section-{section}"' in fragment
    restored = client.get(address, headers={"HX-Request": "true", "HX-History-Restore-Request": "true"})
    assert "<html" in restored.get_data(as_text=True)


def test_all_sections_stand_on_one_page_for_print(done: MoveInCase, client_of: Callable[[str], FlaskClient]) -> None:
    page = page_of(client_of("manager"), done, section="all")
    assert all(f'id="section-{section.name}"' in page for section in registry().sections)
    assert client_of("manager").get(f"/households/{done.unit_id}?section=none").status_code == 404


def test_the_page_costs_a_fixed_number_of_statements(
    session: Session, client_of: Callable[[str], FlaskClient], sql_count: SimpleNamespace
) -> None:
    client = client_of("manager")
    plain = make.new_case(session)
    rich = make.case_at(session, CaseState.KEYS, defects=True)
    session.commit()
    units = (plain.unit_id, rich.unit_id)
    page_of(client, rich)
    counts: dict[str, set[int]] = {}
    for unit_id in units:
        for section in ("", *SECTIONS):
            sql_count.reset()
            page_of(client, unit_id, section=section)
            counts.setdefault(section, set()).add(len(sql_count.statements))
    assert {section: max(found) - min(found) for section, found in counts.items()} == dict.fromkeys(counts, 0)
    assert max(counts[""]) <= 5


# The archive


@pytest.mark.clause("AR-01")
def test_the_archive_of_a_unit_holds_papers_and_files_in_order(
    session: Session, done: MoveInCase, actor_of: Callable[[str], Actor]
) -> None:
    kind = registry().papers["F10"]
    with acting(actor_of("manager")) as manager:
        first = papers.issue(session, kind, done, language="zh", actor=manager)
        second = papers.issue(session, kind, done, language="zh", actor=manager)
        void = papers.issue(session, registry().papers["F12"], done, language="zh", actor=manager)
        papers.void(session, void, reason="Wrong receiver", actor=manager)
        scan = FileStorage(io.BytesIO(papers.original(second)), "scan.pdf")
        papers.attach_signed_copy(session, second, scan, actor=manager)
        attach(
            session, done, FileStorage(io.BytesIO(papers.original(first)), "letter.pdf"), kind="document", actor=manager
        )

        def found(**wanted: object) -> list[object]:
            entries, _more = archive(session, done.unit_id, ArchiveFilter(**wanted), actor=manager)  # type: ignore[arg-type]
            return [entry.paper or entry.name for entry in entries]

        everything, more = archive(session, done.unit_id, ArchiveFilter(), actor=manager)
        assert [e.at for e in everything] == sorted((e.at for e in everything), reverse=True)
        assert not more
        assert {first, second, void, "letter.pdf"} <= set(found())
        assert "scan.pdf" not in found()
        assert found(form="F12", kind=EntryKind.PAPER) == [void]
        (signature,) = found(form="F12", kind=EntryKind.SIGNATURE)
        assert str(signature).startswith("F12 ")
        assert found(state=EntryState.SIGNED) == [second]
        assert found(state=EntryState.SUPERSEDED) == [first]
        assert found(state=EntryState.VOID) == [void]
        assert found(kind=EntryKind.DOCUMENT) == ["letter.pdf"]
        assert len(found(kind=EntryKind.SIGNATURE)) == len(done.signatures)
        assert found(part=Filed.FEES) == []
        assert found(until=first.issued_at, kind=EntryKind.PAPER) == []
        page, more = archive(session, done.unit_id, ArchiveFilter(), actor=manager, limit=2)
        assert len(page) == 2 and more
    with acting(actor_of("technician")) as technician:
        entries, _more = archive(session, done.unit_id, ArchiveFilter(part=Filed.FEES), actor=technician)
        assert entries == []


def test_files_know_the_unit_they_concern(session: Session, done: MoveInCase) -> None:
    kept = session.scalars(select(Attachment).where(Attachment.record_type == "movein_case")).all()
    assert kept
    assert {file.unit_id for file in kept if file.record_id == done.id} == {done.unit_id}


def test_the_archive_is_filtered_on_the_page(
    session: Session, done: MoveInCase, client_of: Callable[[str], FlaskClient], actor_of: Callable[[str], Actor]
) -> None:
    with acting(actor_of("manager")) as manager:
        paper = papers.issue(session, registry().papers["F10"], done, language="zh", actor=manager)
        session.commit()
    client = client_of("manager")
    year = str(paper.issued_at.year)
    assert paper.number in page_of(client, done, section="papers", form="F10", year=year, state="valid", kind="paper")
    assert paper.number not in page_of(client, done, section="papers", state="void")
    assert paper.number not in page_of(client, done, section="papers", year=str(int(year) - 1))
    assert paper.number in page_of(client, done, section="papers", form="x", year="x", state="x", kind="x", before="x")
    assert paper.number not in page_of(client_of("security"), done, section="papers")
