"""Which template, letterhead, form number and revision hold in an estate now."""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

from sqlalchemy import and_, select
from sqlalchemy.orm import Session, aliased

from app.core.files.models import StoredFile
from app.core.files.services import content
from app.core.papers.base import context as base
from app.core.papers.editing.models import Letterhead, PaperForm, PaperTemplateVersion
from app.core.papers.kind import PaperKind
from app.core.papers.template import PaperTemplate, load_paper
from app.core.records.estate import Estate

KEPT_PICTURES = 64
_pictures: OrderedDict[str, str] = OrderedDict()
"""Pictures of letterheads by content hash, as ``data:`` URIs; they never change."""


def digest_of(template: PaperTemplate) -> str:
    """Twelve hex digits over the delivered form's own template and style sheet."""
    return hashlib.sha256("\0".join(delivered_texts(template)).encode()).hexdigest()[:12]


@functools.cache
def _texts(folder: Path) -> tuple[str, str]:
    template, style = ((folder / name).read_text(encoding="utf-8") for name in ("template.html", "style.css"))
    return template, style


def delivered_texts(template: PaperTemplate) -> tuple[str, str]:
    """Template and style sheet as delivered."""
    return _texts(template.folder)


def template_in_force(session: Session, kind: PaperKind, estate_id: int) -> PaperTemplate:
    """The template by which papers of ``kind`` are printed in the estate from now on; one statement.

    An own template has a version that begins with its number: ``v3-5f1c09a2b7de``.
    """
    logo, stamp = aliased(StoredFile), aliased(StoredFile)
    row = session.execute(
        select(
            PaperForm.form_no, PaperForm.revision, PaperTemplateVersion.number, PaperTemplateVersion.template,
            PaperTemplateVersion.style, Letterhead.header_zh, Letterhead.header_en, Letterhead.footer_zh,
            Letterhead.footer_en, logo.sha256.label("logo"), stamp.sha256.label("stamp"),
        )
        .select_from(Estate)
        .outerjoin(PaperForm, and_(PaperForm.estate_id == Estate.id, PaperForm.code == kind.code))
        .outerjoin(PaperTemplateVersion, PaperTemplateVersion.id == PaperForm.in_force_id)
        .outerjoin(Letterhead, Letterhead.estate_id == Estate.id)
        .outerjoin(logo, logo.id == Letterhead.logo_id)
        .outerjoin(stamp, stamp.id == Letterhead.stamp_id)
        .where(Estate.id == estate_id)
    ).one()  # fmt: skip
    template = load_paper(kind.folder).headed(_letterhead(session, row))
    if row.number is not None:
        template = own(template, row.template, row.style, row.number)
    return template.marked_as(row.form_no or "", row.revision or "")


def own(template: PaperTemplate, text: str, style: str, number: int | None = None) -> PaperTemplate:
    """The form with an own template text and style sheet; ``number`` of its version, none for a draft."""
    made = template.edited_as(text, style)
    return dataclasses.replace(made, template_version=f"v{number}-{made.template_version}") if number else made


def _letterhead(session: Session, row: Any) -> base.Letterhead:
    if row.header_zh is None:
        return base.Letterhead()
    return base.Letterhead(
        header_zh=row.header_zh, header_en=row.header_en, footer_zh=row.footer_zh, footer_en=row.footer_en,
        logo=picture(session, row.logo), stamp=picture(session, row.stamp),
    )  # fmt: skip


def picture(session: Session, sha256: str | None) -> str:
    """A stored PNG picture as a ``data:`` URI; none for nothing."""
    if sha256 is None:
        return ""
    if sha256 not in _pictures:
        data = content(session.scalars(select(StoredFile).where(StoredFile.sha256 == sha256)).one())
        _pictures[sha256] = "data:image/png;base64," + base64.b64encode(data).decode("ascii")
        while len(_pictures) > KEPT_PICTURES:
            _pictures.popitem(last=False)
    return _pictures[sha256]
