"""The long work of a concentrated move-in, in steps that a killed worker takes up again: cases, notices, packs (MI-03)."""

from __future__ import annotations

import mmap
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO, Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.access.actor import NotAllowed
from app.core.files.services import attach_made
from app.core.jobs.results import Failure, failure, failures_of, outcome_of
from app.core.jobs.services import titled
from app.core.jobs.worker import Run
from app.core.papers.bundle import Part, bundle
from app.core.papers.merged import Merged
from app.core.papers.models import Paper
from app.core.papers.render import PaperError
from app.core.papers.services import Sheet, copy, current_paper, in_numbers, issue, original, rehearse
from app.core.records.base import now
from app.core.records.database import writing
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import Registry, registry
from app.core.workflow.table import Blocked
from app.fab.unattended import unattended
from app.modules.estates.models import Unit
from app.modules.movein.batch_models import BatchUnit, MoveInBatch
from app.modules.movein.batches import lines_of, take_in
from app.modules.movein.paper_contexts import pack_sheets

CASES, PACKS = "movein.batch_cases", "movein.batch_packs"
REFUSALS = (InvalidValue, Blocked, FieldErrors, PaperError)
LARGEST_ZIP = 50_000_000
"""Bytes of single packs that go into one ZIP file."""
STEP = 5
"""Packs between two tellings of the progress while the files are put together."""


def register_jobs(registry: Registry) -> None:
    registry.job(CASES, make_cases)
    registry.job(PACKS, print_packs)


@titled(_l("Move-ins and notices of a batch"))
def make_cases(run: Run, *, batch: int, notices: bool, language: str) -> dict[str, Any]:
    """See to it that every unit of the batch has its move-in, with ``notices`` also its notice F16.

    Unit by unit in walking order, each committed together with how far the work is; run again, it finds what is there.
    """
    plan = _batch(run, batch)
    opened, taken, issued = (run.checkpoint.get(name, 0) for name in ("opened", "taken", "issued"))
    failures = failures_of(run.job)
    kind = registry().papers["F16"]
    with unattended(run):
        total = _count(run.session, plan)
        done = run.checkpoint.get("done", 0)
        while (line := _next(run.session, plan, run.checkpoint.get("last", ""))) is not None:
            unit = line.unit
            last = unit.code_order
            try:
                with run.session.begin_nested():
                    new = take_in(run.session, line, actor=run.actor)
                    if (
                        notices
                        and line.case is not None
                        and current_paper(run.session, kind, line.case, language) is None
                    ):
                        issue(run.session, kind, line.case, language=language, actor=run.actor, render=in_numbers())
                        issued += 1
                opened, taken = opened + new, taken + (not new)
            except REFUSALS as error:
                failures = [*failures, _failure(unit, error)]
            done += 1
            run.commit(
                min(done, total), max(done, total), last=last, done=done, opened=opened, taken=taken, issued=issued,
                failures=failures,
            )  # fmt: skip
        said = _("%(opened)s move-ins opened, %(taken)s were there already, %(issued)s notices issued.",
                 opened=opened, taken=taken, issued=issued)  # fmt: skip
        return _outcome(said, failures, plan)


@titled(_l("Papers of a batch"))
def print_packs(run: Run, *, batch: int, building: int | None, language: str, name: str) -> dict[str, Any]:
    """The pack of every unit of the batch or of one building: one merged PDF, and a ZIP of single ones.

    First what is missing is issued, paper by paper, each committed with the note of what the pack has: a resumed job
    issues nothing twice and counts no copy twice, even when the move-in went on meanwhile. Then the files are put
    together from the bytes that were issued.
    """
    plan = _batch(run, batch)
    packs: list[list[Any]] = run.checkpoint.get("packs", [])
    papers: dict[str, int] = run.checkpoint.get("papers", {})
    laid_out: set[str] = set()
    failures = failures_of(run.job)
    with unattended(run):
        total = _count(run.session, plan, building)
        done = run.checkpoint.get("done", 0)
        while (line := _next(run.session, plan, run.checkpoint.get("last", ""), building)) is not None:
            unit = line.unit
            last = unit.code_order
            try:
                if line.case is None:
                    raise InvalidValue(_("This unit has no move-in yet."))
                sheets = {f"{kind.code}:{record.id}": (kind, record) for kind, record in pack_sheets(line.case)}
                for sheet_name, sheet in sheets.items():
                    if sheet_name in papers:
                        continue
                    if sheet[0].code not in laid_out:
                        _lay_out(run, sheet, language)
                        laid_out.add(sheet[0].code)
                    with run.session.begin_nested():
                        papers = {**papers, sheet_name: _paper(run, sheet, language).id}
                    run.commit(min(done, total), 2 * max(done, total), papers=papers)
                line.packed_at = now()
                packs = [*packs, [unit.code, [papers[sheet_name] for sheet_name in sheets]]]
            except REFUSALS as error:
                failures = [*failures, _failure(unit, error)]
            papers, done = {}, done + 1
            run.commit(
                min(done, total), 2 * max(done, total), last=last, done=done, packs=packs, papers=papers,
                failures=failures,
            )  # fmt: skip
            run.session.expire_all()
        if packs:
            _put_together(run, packs, language, name)
        said = _("%(count)s packs are printed.", count=len(packs))
        return _outcome(said, failures, plan)


def _failure(unit: Unit, error: Exception) -> Failure:
    return failure(str(error), unit.__tablename__, unit.id, unit.code)


def _outcome(said: str, failures: Sequence[Failure], batch: MoveInBatch) -> dict[str, Any]:
    return outcome_of(said, failures, url_for("BatchBoardPage.index", pk=batch.id), refused=len(failures))


def _batch(run: Run, number: int) -> MoveInBatch:
    run.actor.require("plan", "MoveInBatch")
    batch = run.session.scalar(select(MoveInBatch).where(MoveInBatch.id == number))
    if batch is None:
        raise NotAllowed(f"batch {number}")
    return batch


def _of(batch: MoveInBatch, building_id: int | None) -> Any:
    return lines_of(batch).where(Unit.building_id == building_id) if building_id else lines_of(batch)


def _next(session: Session, batch: MoveInBatch, last: str, building_id: int | None = None) -> BatchUnit | None:
    """The unit that follows in walking order."""
    found: BatchUnit | None = session.scalar(_of(batch, building_id).where(Unit.code_order > last).limit(1))
    return found


def _count(session: Session, batch: MoveInBatch, building_id: int | None = None) -> int:
    lines = _of(batch, building_id).with_only_columns(func.count(), maintain_column_froms=True).order_by(None)
    return session.scalar(lines) or 0


def _lay_out(run: Run, sheet: Sheet, language: str) -> None:
    """Lay a form out in a reading transaction, so that on SQLite the desks can go on meanwhile."""
    run.session.rollback()
    with writing(False):
        rehearse(run.session, *sheet, language=language, actor=run.actor)
        run.session.rollback()


def _paper(run: Run, sheet: Sheet, language: str) -> Paper:
    """The paper that says what is true now; a further copy of one that was issued before is logged."""
    kind, record = sheet
    paper = current_paper(run.session, kind, record, language)
    if paper is None:
        return issue(run.session, kind, record, language=language, actor=run.actor, render=in_numbers())
    copy(run.session, paper, actor=run.actor, purpose="pack")
    return paper


def _put_together(run: Run, packs: list[list[Any]], language: str, name: str) -> None:
    """Attach the merged file and the single ones to the job; only reading until all are complete.

    The files grow on disk, and the single packs go into several ZIP files when one would be very large: no number of
    packs fills the memory.
    """
    run.session.rollback()  # what is read next must hold nobody up
    with ExitStack() as files, files.enter_context(tempfile.TemporaryFile()) as whole:
        merged, singles = Merged(whole), [files.enter_context(tempfile.TemporaryFile())]
        archive = zipfile.ZipFile(singles[-1], "w", zipfile.ZIP_STORED)
        with writing(False):
            for done, (code, pdf) in enumerate(_bundled(run.session, packs, language), 1):
                if singles[-1].tell() + len(pdf) > LARGEST_ZIP:
                    archive.close()
                    singles.append(files.enter_context(tempfile.TemporaryFile()))
                    archive = zipfile.ZipFile(singles[-1], "w", zipfile.ZIP_STORED)
                archive.writestr(f"{code}.pdf", pdf)
                merged.add(pdf, code)
                if done % STEP == 0:
                    run.session.rollback()
                    run.tell(len(packs) + done, 2 * len(packs))
            run.session.rollback()
        archive.close()
        merged.close()
        _attach(run, whole, f"{name}.pdf", "application/pdf")
        for number, single in enumerate(singles, 1):
            ending = f"-{number}" if len(singles) > 1 else ""
            _attach(run, single, f"{name}{ending}.zip", "application/zip")


def _attach(run: Run, file: IO[bytes], name: str, media: str) -> None:
    file.flush()
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        attach_made(run.session, run.job, data, name=name, media=media, kind="result", actor=run.actor)


def _bundled(session: Session, packs: list[list[Any]], language: str) -> Iterator[tuple[str, bytes]]:
    for code, numbers in packs:
        found = {paper.id: paper for paper in session.scalars(select(Paper).where(Paper.id.in_(numbers)))}
        parts = [Part(original(p), p.number, p.title_zh, p.title_en) for p in (found[number] for number in numbers)]
        yield code, bundle(parts, language)
