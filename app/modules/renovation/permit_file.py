"""The permit file: every paper of one renovation and what was signed, in order, as one PDF with its contents (RN-13)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pikepdf
from flask import url_for
from flask_babel import lazy_gettext as _l
from PIL import Image, ImageOps
from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.files.models import Attachment
from app.core.files.services import attach_made, attachments_of, read
from app.core.jobs.services import titled
from app.core.jobs.worker import Run
from app.core.papers.bundle import Part, bundle
from app.core.papers.kind import PaperKind
from app.core.papers.models import Paper
from app.core.papers.services import copy, current_paper, in_numbers, issue, original
from app.core.records.base import Record
from app.core.records.clock import estate_time
from app.core.registry import registry
from app.modules.renovation.completion_models import CompletionInspection, RenovationSettlement
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker
from app.modules.renovation.requirements import SIGNERS
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation

JOB, CONTENTS = "renovation.permit_file", "RN-13"
ORDER = ("F26", "RN-02", "RP", "F27", "F29", "F32", "F30", "F31", "C8", "C9")
"""Forms in the order of the chain; others follow."""
LEFT_OUT = (CONTENTS, "F28")
"""The contents lie on top; the cards are with the workers, the register F29 says of each what became of it."""
PARTS = (RenovationWorker, RenovationPatrol, RenovationViolation, CompletionInspection, RenovationSettlement)
COMPLETED = ("renovation", "renovation_violation", "renovation_inspection", "renovation_settlement")
"""Tables of whose records the file has every paper: what was never issued is issued for it."""
A4, MARGIN = (1240, 1754), 60
"""A sheet at 150 dots per inch, and the room around a scan."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A document of the file: an issued paper, its signed copy, or a scan of something signed. ``pdf`` reads it."""

    code: str
    title_zh: str
    title_en: str
    number: str
    dated: date
    original: bool
    pages: int
    paper: Paper | None = None
    scan: Attachment | None = None

    def part(self) -> Part:
        """Its pages for the file, the signed copy under a bookmark that says so."""
        pdf = original(self.paper) if self.paper else as_pdf(self.scan) if self.scan else b""
        signed = ("", "") if self.original else ("（签字件）", " (signed)")
        return Part(pdf, self.number, self.title_zh + signed[0], self.title_en + signed[1])


def papers_of_case(session: Session, renovation: Renovation) -> list[Paper]:
    """Papers about the renovation and its parts that hold, in the order of the file."""
    about = [and_(Paper.record_type == "renovation", Paper.record_id == renovation.id)]
    for model in PARTS:
        ids = select(model.id).where(model.renovation_id == renovation.id)
        about.append(and_(Paper.record_type == model.__tablename__, Paper.record_id.in_(ids)))
    query = select(Paper).where(
        or_(*about), Paper.voided_at.is_(None), Paper.superseded_by_id.is_(None), Paper.code.not_in(LEFT_OUT)
    )
    return sorted(session.scalars(query), key=lambda paper: (_place(paper.code), paper.code, paper.record_id, paper.id))


def _place(code: str) -> int:
    return ORDER.index(code) if code in ORDER else len(ORDER)


def entries_of(session: Session, renovation: Renovation) -> list[Entry]:
    """What lies in the file: each paper with its signed copy, then what the applicant signed on sheets of their own."""
    found = []
    for paper in papers_of_case(session, renovation):
        said: dict[str, Any] = {
            "code": paper.code,
            "title_zh": paper.title_zh,
            "title_en": paper.title_en,
            "number": paper.number,
        }
        issued_on = estate_time(session, renovation.estate_id, paper.issued_at).date()
        found.append(Entry(**said, dated=issued_on, original=True, pages=paper.pages, paper=paper))
        if paper.signed_copy:
            found.append(_scan(session, renovation, paper.signed_copy, **said))
    for role, title in SIGNERS.items():
        for scan in attachments_of(session, renovation, kind=f"signed_{role}"):
            found.append(_scan(session, renovation, scan, code="", title_zh=title.zh, title_en=title.en, number=""))
    return found


def _scan(session: Session, renovation: Renovation, scan: Attachment, **said: Any) -> Entry:
    filed_on = estate_time(session, renovation.estate_id, scan.created_at).date()
    return Entry(**said, dated=filed_on, original=False, pages=_pages(scan), scan=scan)


def _pages(scan: Attachment) -> int:
    if scan.stored_file.media_type != "application/pdf":
        return 1
    with pikepdf.open(io.BytesIO(read(scan))) as document:
        return len(document.pages)


def as_pdf(scan: Attachment) -> bytes:
    """A scan as PDF; a picture fills a sheet of A4."""
    data = read(scan)
    if scan.stored_file.media_type == "application/pdf":
        return data
    sheet, out = Image.new("RGB", A4, "white"), io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        room = (A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN)
        shown = ImageOps.contain(ImageOps.exif_transpose(picture).convert("RGB"), room)
    sheet.paste(shown, ((A4[0] - shown.width) // 2, (A4[1] - shown.height) // 2))
    sheet.save(out, "PDF", resolution=150, quality=85)
    return out.getvalue()


def never_issued(session: Session, renovation: Renovation, actor: Actor) -> list[tuple[PaperKind, Record]]:
    """Papers that belong into the file and were not issued in any language yet, as far as the actor may print them."""
    issued = {(paper.code, paper.record_id) for paper in papers_of_case(session, renovation)}
    kinds = [kind for kind in registry().papers.values() if kind.record_type in COMPLETED and kind.code not in LEFT_OUT]
    kinds = sorted((kind for kind in kinds if actor.may("print", kind.resource)), key=lambda kind: _place(kind.code))
    return [
        (kind, record)
        for kind in kinds
        for record in _records(renovation, kind.record_type)
        if (kind.code, record.id) not in issued and kind.issuable(record)
    ]


def _records(renovation: Renovation, table: str) -> Iterator[Record]:
    settlement = [renovation.settlement] if renovation.settlement else []
    of: Sequence[Record] = (renovation, *renovation.violations, *renovation.inspections, *settlement)
    return (record for record in of if record.__tablename__ == table)


@titled(_l("Permit file"))
def print_permit_file(run: Run, *, renovation: int, language: str) -> dict[str, Any]:
    """The job behind the permit file: what is missing is issued, each in a step, then all is put together.

    A paper keeps the language it was issued in; missing ones and the contents are issued in ``language``.
    """
    session, actor = run.session, run.actor
    record = session.scalar(select(Renovation).where(Renovation.id == renovation))
    if record is None or not actor.may("print", "Renovation"):
        raise NotAllowed(f"permit file of renovation {renovation}")
    missing = never_issued(session, record, actor)
    for done, (kind, about) in enumerate(missing, 1):
        issue(session, kind, about, language=language, actor=actor, render=in_numbers())
        run.commit(done, len(missing) + 2)
    kind = registry().papers[CONTENTS]
    top = current_paper(session, kind, record, language) or issue(
        session, kind, record, language=language, actor=actor, render=in_numbers()
    )
    run.commit(len(missing) + 1, len(missing) + 2)
    entries = entries_of(session, record)
    for entry in entries:
        if entry.paper and actor.may("print", registry().papers[entry.paper.code].resource):
            copy(session, entry.paper, actor=actor, purpose="permit file")
    parts = [Part(original(top), top.number, top.title_zh, top.title_en), *(entry.part() for entry in entries)]
    attach_made(
        session, run.job, bundle(parts, language), name=f"{record.number}.pdf", media="application/pdf", kind="result",
        actor=actor,
    )  # fmt: skip
    run.commit(len(missing) + 2, len(missing) + 2)
    return {"address": url_for("RenovationView.show", pk=record.id)}
