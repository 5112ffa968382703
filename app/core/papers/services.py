"""Issuing papers: a number, one rendering, its bytes for good; copies, packs, voiding, signed copies."""

from __future__ import annotations

import hashlib
import io
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pikepdf
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed
from app.core.files.models import Attachment
from app.core.files.services import attach, content, keep
from app.core.jobs.services import titled
from app.core.jobs.worker import Run
from app.core.papers.added import field_texts, require_seen
from app.core.papers.base.context import Bilingual, FieldText, Header
from app.core.papers.bundle import Part, bundle
from app.core.papers.editing.in_force import template_in_force
from app.core.papers.kind import PaperKind
from app.core.papers.models import Paper, PaperCopy, Standing
from app.core.papers.template import PaperTemplate
from app.core.papers.titles import in_both
from app.core.records.base import Record, now
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.records.lookup import model_of
from app.core.records.numbering import next_number
from app.core.registry import registry
from app.core.workflow.table import Blocked

Sheet = tuple[PaperKind, Record]
"""A paper of a pack: its kind and the record it is about."""

Render = Callable[[PaperTemplate, Any], bytes]

NO_DAY = date(1, 1, 1)
"""Stands for the day of issue where it must not matter."""

ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Digits and letters of verification codes, without those that are mistaken for each other."""


def issue(
    session: Session,
    kind: PaperKind,
    record: Record,
    *,
    language: str,
    actor: Actor,
    render: Render = PaperTemplate.render,
) -> Paper:
    """Issue a paper about ``record`` in ``language`` (``zh``, ``en`` or ``both``), in the running transaction.

    It bears the number of its record where the kind says so (a receipt), otherwise the next one of its series. It is
    rendered once and its bytes are kept; an earlier valid paper of the same form, record and language is superseded.
    ``render``: how; whoever prints in numbers gives the overlaying one.

    Raises:
        NotAllowed: no right to print papers about such records.
        Blocked: the record does not stand where the paper is issued.
        PaperError: the paper cannot be laid out.
    """
    actor.require("print", kind.resource)
    if not kind.issuable(record):
        raise Blocked([_("This paper is not issued in the present state of its record.")])
    estate = _estate(session, record)
    moment = now()
    day = _day(moment, estate)
    template = template_in_force(session, kind, estate.id)
    require_seen(kind, record, template, actor)
    number, fields = _next_number(session, kind, record, day.year), field_texts(kind, record, template)
    context = _context(
        kind, record, template, estate, language=language, issued_by=actor.name, day=day, number=number, fields=fields
    )
    header = context.header
    pdf = render(template, context)
    paper = Paper(
        estate_id=estate.id,
        code=kind.code,
        number=header.number,
        language=language,
        record_type=kind.record_type,
        record_id=record.id,
        unit_id=kind.unit(record),
        unit_code=context.header.unit_code,
        title_zh=context.header.title_zh,
        title_en=context.header.title_en,
        form_no=context.header.form_no,
        revision=context.header.revision,
        template_version=template.template_version,
        content_hash=_content_hash(kind, record, template, estate, fields),
        stored_file=keep(session, pdf, "application/pdf"),
        pages=_page_count(pdf),
        verification_code=header.verify_code,
        issued_at=moment,
        issued_by_name=actor.name,
    )
    session.add(paper)
    session.flush()
    _supersede_earlier(session, paper)
    return paper


def rehearse(session: Session, kind: PaperKind, record: Record, *, language: str, actor: Actor) -> None:
    """Have the sheet of a paper laid out before such papers are issued in numbers; nothing is stored.

    Laying out takes a second or more. A reading transaction is enough for it, while on SQLite nobody else can write
    as long as somebody issues a paper.
    """
    from app.core.papers.overlay import filler

    estate = _estate(session, record)
    template, day = template_in_force(session, kind, estate.id), _day(now(), estate)
    number = kind.number(record) if kind.number else f"{kind.code}-{day.year}-00000"
    context = _context(
        kind, record, template, estate, language=language, issued_by=actor.name, day=day, number=number,
        fields=field_texts(kind, record, template),
    )  # fmt: skip
    for _document in range(3):  # the first is laid out by itself, the next with its values taken out
        filled = filler().overlaid
        filler().render(template, context)
        if filler().overlaid > filled:
            return


def _context(
    kind: PaperKind, record: Record, template: PaperTemplate, estate: Estate, *, language: str, issued_by: str, day: date,
    number: str, fields: tuple[FieldText, ...],
) -> Any:  # fmt: skip
    """What the template sees of a paper that is issued on ``day``, with a verification code of its own."""
    code = new_verification_code()
    header = _header(
        template, estate, language=language, issued_by=issued_by, issued_on=day, verify_code=code, number=number,
        verify_url=verification_address(code), fields=fields,
    )  # fmt: skip
    return template.entitled(kind.context(record, header))


def in_numbers() -> Render:
    """How whoever prints many papers renders them; what it needs is loaded with the first call, not at the start."""
    from app.core.papers.overlay import filler

    return filler().render


def preview(session: Session, kind: PaperKind, record: Record, *, language: str, actor: Actor) -> bytes:
    """The paper as it would be issued now: with watermark, without number or code; nothing is stored.

    Raises:
        NotAllowed: no right to print papers about such records.
    """
    template = template_in_force(session, kind, record.estate_id)
    return template.render(draft_context(session, kind, record, template, language=language, actor=actor))


def draft_context(
    session: Session, kind: PaperKind, record: Record, template: PaperTemplate, *, language: str, actor: Actor
) -> Any:
    """What a paper about ``record`` would say now, marked as preview. Raises as :func:`preview`."""
    actor.require("print", kind.resource)
    require_seen(kind, record, template, actor)
    estate = _estate(session, record)
    header = _header(
        template, estate, language=language, issued_by=actor.name, issued_on=_day(now(), estate), draft=True,
        fields=field_texts(kind, record, template),
    )  # fmt: skip
    return template.entitled(kind.context(record, header))


def copy(session: Session, paper: Paper, *, actor: Actor, purpose: str = "") -> PaperCopy:
    """Log that the paper is printed once more; :func:`original` gives the bytes.

    Raises:
        NotAllowed: no right to print such papers.
        Blocked: the paper is void.
    """
    actor.require("print", _kind_of(paper).resource)
    if paper.standing is Standing.VOID:
        raise Blocked([_("%(number)s is void and is not printed again.", number=paper.number)])
    made = PaperCopy(
        estate_id=paper.estate_id, paper=paper, printed_by_name=actor.name, purpose=purpose.strip()[:120]
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def reprint(session: Session, paper: Paper, *, actor: Actor, purpose: str = "") -> bytes:
    """The very bytes that were issued; the copy is logged. Raises as :func:`copy`."""
    copy(session, paper, actor=actor, purpose=purpose)
    return original(paper)


def original(paper: Paper) -> bytes:
    """The PDF as issued."""
    return content(paper.stored_file)


def void(session: Session, paper: Paper, *, reason: str, actor: Actor) -> None:
    """Declare the paper void; its number stays used and the verification page says so.

    Raises:
        NotAllowed: the actor may not void papers or not print this kind.
        InvalidValue: no reason given.
        Blocked: the paper is void already.
    """
    actor.require("print", _kind_of(paper).resource)
    actor.require("void", "Paper")
    if not reason.strip():
        raise InvalidValue(_l("Say why the paper is voided."))
    if paper.standing is Standing.VOID:
        raise Blocked([_("%(number)s is void already.", number=paper.number)])
    paper.voided_at, paper.voided_by_name, paper.void_reason = now(), actor.name, reason.strip()[:300]
    session.flush()


def attach_signed_copy(session: Session, paper: Paper, upload: FileStorage, *, actor: Actor) -> Attachment:
    """File the scan of the signed paper with it; a later scan takes the place of an earlier one, which is kept.

    Raises:
        NotAllowed: no right to print such papers.
        InvalidValue: no PDF or picture, or a file we don't keep.
    """
    actor.require("print", _kind_of(paper).resource)
    scan = attach(session, paper, upload, kind="signed_copy", actor=actor)
    if scan.stored_file.media_type not in ("application/pdf", "image/jpeg", "image/png", "image/webp"):
        raise InvalidValue(_l("The signed copy must be a PDF or a picture."))
    paper.signed_copy = scan
    session.flush()
    return scan


def papers_of(session: Session, record: Record) -> Sequence[Paper]:
    """Every paper issued about ``record``, newest first."""
    return session.scalars(
        select(Paper)
        .where(Paper.record_type == record.__tablename__, Paper.record_id == record.id)
        .order_by(Paper.id.desc())
    ).all()


def valid_paper(session: Session, kind: PaperKind, record: Record, language: str) -> Paper | None:
    """The paper of ``kind`` about ``record`` that holds now in ``language``, or nothing."""
    return session.scalar(
        select(Paper)
        .where(
            Paper.code == kind.code,
            Paper.record_type == kind.record_type,
            Paper.record_id == record.id,
            Paper.language == language,
            Paper.superseded_by_id.is_(None),
            Paper.voided_at.is_(None),
        )
        .order_by(Paper.id.desc())
        .limit(1)
    )


def current_paper(session: Session, kind: PaperKind, record: Record, language: str) -> Paper | None:
    """The valid paper, if it would say the same were it issued now; nothing when its record has changed since."""
    paper = valid_paper(session, kind, record, language)
    if paper is None:
        return None
    template = template_in_force(session, kind, record.estate_id)
    fields = field_texts(kind, record, template)
    said = _content_hash(kind, record, template, _estate(session, record), fields)
    return paper if paper.content_hash == said else None


def _content_hash(
    kind: PaperKind, record: Record, template: PaperTemplate, estate: Estate, fields: tuple[FieldText, ...]
) -> str:
    """Digest of all a paper says about its record, without number, day, issuer and language of an issue."""
    header = _header(template, estate, issued_by="", issued_on=NO_DAY, fields=fields)
    said = repr(template.entitled(kind.context(record, header))) + (repr(fields) if fields else "")
    return hashlib.sha256(said.encode()).hexdigest()


def pack(
    session: Session, sheets: Iterable[Sheet], *, language: str, actor: Actor, render: Render = PaperTemplate.render
) -> bytes:
    """One PDF of several papers in the given order, with a bookmark for each.

    A paper that still says what is true goes in with its issued bytes and the copy is logged; what is missing, or has
    been overtaken by changes of its record, is issued now.
    Raises as :func:`issue`.
    """
    papers = []
    for kind, record in sheets:
        paper = current_paper(session, kind, record, language)
        if paper:
            copy(session, paper, actor=actor, purpose="pack")
        papers.append(paper or issue(session, kind, record, language=language, actor=actor, render=render))
    return bundle([Part(original(p), p.number, p.title_zh, p.title_en) for p in papers], language)


@titled(_l("Printing of a pack"))
def print_pack(
    run: Run, sheets: Sequence[tuple[str, int]], language: str, name: str, address: str = ""
) -> dict[str, Any]:
    """The job behind a pack: ``sheets`` are pairs of paper code and record id; the result is the job's file ``name``.

    ``address``: the page to go on with afterwards.

    Every missing paper is issued in a step of its own, so a broken or cancelled job issues none twice.
    """
    render = in_numbers()
    wanted = [reach_sheet(run.session, code, record_id, actor=run.actor) for code, record_id in sheets]
    for done, (kind, record) in enumerate(wanted):
        if current_paper(run.session, kind, record, language) is None:
            issue(run.session, kind, record, language=language, actor=run.actor, render=render)
        run.commit(done, len(wanted))
    pdf = pack(run.session, wanted, language=language, actor=run.actor, render=render)
    upload = FileStorage(io.BytesIO(pdf), filename=f"{name}.pdf")
    attach(run.session, run.job, upload, kind="result", actor=run.actor)
    return {"address": address} if address else {}


def reach_sheet(session: Session, code: str, record_id: int, *, actor: Actor) -> Sheet:
    """The paper kind ``code`` and the record it is to be printed about.

    Raises:
        NotAllowed: unknown code, no right to print such papers, or no such record in the actor's estates.
    """
    kind = registry().papers.get(code)
    if kind is None or not actor.may("print", kind.resource):
        raise NotAllowed(f"print {code}")
    record = session.scalar(select(model_of(kind.record_type)).where(model_of(kind.record_type).id == record_id))
    if record is None:
        raise NotAllowed(f"print {code} {record_id}")
    return kind, record


def new_verification_code() -> str:
    """A random code of 16 signs (78 bits) in groups of four."""
    signs = "".join(secrets.choice(ALPHABET) for _ in range(16))
    return "-".join(signs[i : i + 4] for i in range(0, 16, 4))


def verification_address(code: str) -> str:
    return f"{current_app.config['GUANJIA'].public_url.rstrip('/')}/verify/{code}"


def find_verified(session: Session, code: str) -> Paper | None:
    """The paper with this verification code, however it was typed. The caller declares who looks."""
    signs = "".join(sign for sign in code.upper() if sign in ALPHABET)
    if len(signs) != 16:
        return None
    spelt = "-".join(signs[i : i + 4] for i in range(0, 16, 4))
    return session.scalar(select(Paper).where(Paper.verification_code == spelt))


@dataclass(frozen=True)
class PublicState:
    """Where a paper's record stands, for whoever scans it; ``holds``: the paper still serves its purpose."""

    title: Bilingual
    holds: bool


def public_state(session: Session, kind: PaperKind, paper: Paper) -> PublicState | None:
    """Where the record of a paper stands; nothing for kinds that keep it to themselves."""
    record = session.get(model_of(kind.record_type), paper.record_id) if kind.public_state else None
    if record is None:
        return None
    return PublicState(in_both(registry().workflows[kind.resource].look(record).title), kind.issuable(record))


def _header(template: PaperTemplate, estate: Estate, **values: Any) -> Header:
    return template.header(
        company=estate.company_zh,
        company_en=estate.company_en,
        estate_name_zh=estate.name_zh,
        estate_name_en=estate.name_en,
        **values,
    )


def _next_number(session: Session, kind: PaperKind, record: Record, year: int) -> str:
    """The number the record bears, a later issue with -2, -3 …; otherwise the next of the form's series."""
    if kind.number is None:
        return next_number(session, record.estate_id, kind.code, year)
    about = (Paper.code == kind.code, Paper.record_type == kind.record_type, Paper.record_id == record.id)
    earlier = session.scalar(select(func.count()).select_from(Paper).where(*about))
    return f"{kind.number(record)}-{earlier + 1}" if earlier else kind.number(record)


def _estate(session: Session, record: Record) -> Estate:
    return session.get_one(Estate, record.estate_id)


def _day(moment: datetime, estate: Estate) -> Any:
    return moment.astimezone(ZoneInfo(estate.time_zone)).date()


def _page_count(pdf: bytes) -> int:
    with pikepdf.open(io.BytesIO(pdf)) as document:
        return len(document.pages)


def _supersede_earlier(session: Session, paper: Paper) -> None:
    for earlier in session.scalars(
        select(Paper).where(
            Paper.code == paper.code,
            Paper.record_type == paper.record_type,
            Paper.record_id == paper.record_id,
            Paper.language == paper.language,
            Paper.id != paper.id,
            Paper.superseded_by_id.is_(None),
            Paper.voided_at.is_(None),
        )
    ):
        earlier.superseded_by = paper
    session.flush()


def _kind_of(paper: Paper) -> PaperKind:
    kind = registry().papers.get(paper.code)
    if kind is None:
        raise NotAllowed(f"paper {paper.code} is not registered")
    return kind
