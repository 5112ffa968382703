"""The archive of one unit: every paper issued and every file kept about it, in order (F34; AR-01)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, not_, or_, select
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor
from app.core.access.models import Account
from app.core.fields.queries import hidden_files
from app.core.files.models import Attachment
from app.core.papers.models import Paper
from app.core.records.choices import Choice, in_language
from app.core.records.lookup import resource_of
from app.core.registry import registry

PAGE = 50


class Filed(Choice):
    """Parts of an owner's file (forms G1)."""

    MOVE_IN = "A", _l("Move-in")
    TENURE = "B", _l("Ownership")
    LEASE = "C", _l("Lease")
    RENOVATION = "D", _l("Renovation")
    FEES = "E", _l("Fees")
    REPAIR = "F", _l("Repair")
    COMPLAINT = "G", _l("Complaints and follow-up")
    CORRESPONDENCE = "H", _l("Correspondence")
    OTHER = "I", _l("Other")


@dataclass(frozen=True, kw_only=True)
class FiledUnder:
    """Papers and files about records of the table ``name`` lie in ``part`` of the owner's file. Contributed by modules."""

    name: str
    part: Filed


class EntryKind(Choice):
    """What lies in the archive."""

    PAPER = "paper", _l("Issued paper")
    SIGNATURE = "signature", _l("Signature on screen")
    SCAN = "scan", _l("Signed scan")
    PHOTO = "photo", _l("Photo")
    DOCUMENT = "document", _l("Document")


class EntryState(Choice):
    """State of what lies in the archive, as people look for it."""

    VALID = "valid", _l("Valid")
    SUPERSEDED = "superseded", _l("Superseded")
    VOID = "void", _l("Void")
    SIGNED = "signed", _l("Signed scan filed")
    UNSIGNED = "unsigned", _l("No signed scan yet")


@dataclass(frozen=True, kw_only=True)
class ArchiveFilter:
    """What is looked for: form code, time from ``since`` to before ``until``, kind, state, part; nothing: everything."""

    form: str = ""
    since: datetime | None = None
    until: datetime | None = None
    kind: EntryKind | None = None
    state: EntryState | None = None
    part: Filed | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One paper or file of the archive. ``at``: issued or filed at."""

    at: datetime
    kind: EntryKind
    part: Filed
    name: str
    by: str
    paper: Paper | None = None
    file: Attachment | None = None

    @property
    def about(self) -> str:
        """Address of the record that the entry is about; empty when it has no page."""
        owner = self.paper or self.file
        page = registry().record_pages.get(owner.record_type) if owner else None
        return page(owner.record_id) if owner and page else ""


def part_of(record_type: str) -> Filed:
    """The part of the owner's file for what is about a record of this table."""
    found = registry().of(FiledUnder).get(record_type)
    return found.part if found else Filed.OTHER


def archive(
    session: Session, unit_id: int, wanted: ArchiveFilter, *, actor: Actor, limit: int = PAGE
) -> tuple[list[Entry], bool]:
    """A page of the unit's archive, newest first, and whether there is more: at most two statements.

    The actor sees papers and files about records that they may read. A scan filed with its paper stands with the paper.
    """
    entries = [
        *_papers(session, unit_id, wanted, actor, limit + 1),
        *_files(session, unit_id, wanted, actor, limit + 1),
    ]
    entries.sort(key=lambda entry: entry.at, reverse=True)
    return entries[:limit], len(entries) > limit


def _papers(session: Session, unit_id: int, wanted: ArchiveFilter, actor: Actor, limit: int) -> list[Entry]:
    codes = [
        kind.code
        for kind in registry().papers.values()
        if actor.may("read", kind.resource) and wanted.part in (None, part_of(kind.record_type))
    ]
    if wanted.kind not in (None, EntryKind.PAPER) or (wanted.form and wanted.form not in codes) or not codes:
        return []
    states = {
        EntryState.VALID: Paper.voided_at.is_(None) & Paper.superseded_by_id.is_(None),
        EntryState.SUPERSEDED: Paper.voided_at.is_(None) & Paper.superseded_by_id.is_not(None),
        EntryState.VOID: Paper.voided_at.is_not(None),
        EntryState.SIGNED: Paper.signed_attachment_id.is_not(None),
        EntryState.UNSIGNED: Paper.signed_attachment_id.is_(None) & Paper.voided_at.is_(None),
    }
    query = select(Paper).where(Paper.unit_id == unit_id, Paper.code.in_([wanted.form] if wanted.form else codes))
    if wanted.state:
        query = query.where(states[wanted.state])
    query = query.where(*_when(Paper.issued_at, wanted)).options(joinedload(Paper.signed_copy))
    return [
        Entry(
            at=paper.issued_at, kind=EntryKind.PAPER, part=part_of(paper.record_type), name=f"{paper.code} {paper.title}",
            by=paper.issued_by_name, paper=paper,
        )
        for paper in session.scalars(query.order_by(Paper.issued_at.desc(), Paper.id.desc()).limit(limit))
    ]  # fmt: skip


KINDS: dict[EntryKind, ColumnElement[bool]] = {
    EntryKind.SIGNATURE: Attachment.kind == "signature",
    EntryKind.SCAN: Attachment.kind.startswith("signed"),
    EntryKind.PHOTO: Attachment.kind.endswith("photo"),
}
"""Kinds of files; what is none of these is a document."""


def _kind_of(file: Attachment) -> EntryKind:
    if file.kind == "signature":
        return EntryKind.SIGNATURE
    if file.kind.startswith("signed"):
        return EntryKind.SCAN
    return EntryKind.PHOTO if file.kind.endswith("photo") else EntryKind.DOCUMENT


def _files(session: Session, unit_id: int, wanted: ArchiveFilter, actor: Actor, limit: int) -> list[Entry]:
    if wanted.state or wanted.kind is EntryKind.PAPER:
        return []
    tables = [
        table
        for table in _owners()
        if wanted.part in (None, part_of(table)) and actor.may("read", resource_of(table) or table)
    ]
    query = (
        select(Attachment, Account)
        .outerjoin(Account, Account.id == Attachment.created_by_id)
        .where(Attachment.unit_id == unit_id, Attachment.record_type.in_(tables), Attachment.archived_at.is_(None))
        .where(*hidden_files(actor))
    )
    if wanted.form:
        query = query.where(Attachment.note == wanted.form)
    if wanted.kind:
        query = query.where(KINDS.get(wanted.kind, not_(or_(*KINDS.values()))))
    query = query.where(*_when(Attachment.created_at, wanted)).options(joinedload(Attachment.stored_file))
    rows = session.execute(query.order_by(Attachment.created_at.desc(), Attachment.id.desc()).limit(limit))
    return [
        Entry(
            at=file.created_at, kind=_kind_of(file), part=part_of(file.record_type), name=_name(file),
            by=account.display_name if account else "", file=file,
        )
        for file, account in rows
    ]  # fmt: skip


def _name(file: Attachment) -> str:
    """Of a signature, the form that was signed comes first (its code is the file's note)."""
    kind = registry().papers.get(file.note)
    name = file.signer or file.name
    return f"{kind.code} {in_language(kind.title_zh, kind.title_en)} · {name}" if kind else file.name


def _owners() -> Sequence[str]:
    """Tables whose records may have files that lie in a household's archive; scans of papers stand with these."""
    known = registry()
    tables = [
        *known.record_pages,
        *known.resources,
        *known.of(FiledUnder),
        *(w.model.__tablename__ for w in known.workflows.values()),
    ]
    return [table for table in dict.fromkeys(tables) if table != Paper.__tablename__]


def _when(column: Any, wanted: ArchiveFilter) -> list[ColumnElement[bool]]:
    since = [column >= wanted.since] if wanted.since else []
    return [*since, column < wanted.until] if wanted.until else since
