"""Writing, publishing and taking back an estate's own templates; its form numbers and its letterhead."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor
from app.core.audit.log import record_event
from app.core.files.services import keep
from app.core.papers.added import with_samples
from app.core.papers.editing.in_force import delivered_texts, digest_of, own, template_in_force
from app.core.papers.editing.models import Letterhead, PaperForm, PaperTemplateVersion
from app.core.papers.editing.source import MAX_STYLE, MAX_TEMPLATE
from app.core.papers.editing.trial import problems
from app.core.papers.kind import PaperKind
from app.core.papers.render import image_uri
from app.core.papers.template import PaperTemplate, load_paper
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Blocked

DRAFTED, DISCARDED, RESTORED, PUBLISHED = "template_draft", "template_discard", "template_restore", "template_publish"
"""Kinds of entries of the change log."""

LINES = {"header_zh": 80, "header_en": 140, "footer_zh": 80, "footer_en": 140}
"""Lines of the letterhead and the characters each may have."""
PICTURES: Mapping[str, tuple[int, int]] = {"logo": (480, 480), "stamp": (480, 480)}
"""Pictures of the letterhead and the pixels they are brought down to."""
MAX_UPLOAD = 5_000_000


def form_of(session: Session, kind: PaperKind, actor: Actor) -> PaperForm:
    """The estate's row for a form, made now if there is none."""
    form = session.scalar(select(PaperForm).where(PaperForm.code == kind.code, PaperForm.estate_id == actor.estate_id))
    if form is None:
        form = PaperForm(estate_id=actor.estate_id, code=kind.code)
        session.add(form)
        session.flush()
    return form


def versions_of(session: Session, kind: PaperKind, estate_id: int | None) -> Sequence[PaperTemplateVersion]:
    """The estate's templates of a form: its draft first, then the published ones, newest first."""
    return session.scalars(
        select(PaperTemplateVersion)
        .where(PaperTemplateVersion.code == kind.code, PaperTemplateVersion.estate_id == estate_id)
        .order_by(PaperTemplateVersion.number.is_not(None), PaperTemplateVersion.number.desc())
    ).all()


def draft_of(session: Session, kind: PaperKind, estate_id: int | None) -> PaperTemplateVersion | None:
    return next((v for v in versions_of(session, kind, estate_id) if v.number is None), None)


def save_draft(
    session: Session, kind: PaperKind, *, template: str, style: str, note: str = "", event: str = DRAFTED, actor: Actor
) -> PaperTemplateVersion:
    """Keep what was written as the form's draft, whether or not it can be used; it is in force nowhere.

    Raises:
        NotAllowed: no right to change templates.
        InvalidValue: longer than any template may be.
    """
    actor.require("update", "PaperTemplate")
    template, style = _lines(template), _lines(style)
    if len(template) > MAX_TEMPLATE or len(style) > MAX_STYLE:
        raise InvalidValue(
            _l(
                "A template has at most %(most)s characters, a style sheet %(style)s.",
                most=MAX_TEMPLATE,
                style=MAX_STYLE,
            )
        )
    form, draft = form_of(session, kind, actor), draft_of(session, kind, actor.estate_id)
    origin = digest_of(load_paper(kind.folder))
    if draft is None:
        draft = PaperTemplateVersion(estate_id=form.estate_id, code=kind.code, template="", origin=origin)
        session.add(draft)
    if (draft.template, draft.style, draft.note) != (template, style, note.strip()[:300]):
        draft.template, draft.style, draft.note = template, style, note.strip()[:300]
        session.flush()
        record_event(session, event, form, note=draft.note, digest=_digest(draft))
    return draft


def discard_draft(session: Session, kind: PaperKind, *, actor: Actor) -> None:
    """Remove the form's draft; what is in force stays. Raises NotAllowed."""
    actor.require("update", "PaperTemplate")
    if draft := draft_of(session, kind, actor.estate_id):
        record_event(session, DISCARDED, form_of(session, kind, actor), digest=_digest(draft))
        session.delete(draft)
        session.flush()


def restore(session: Session, kind: PaperKind, number: int, *, actor: Actor) -> PaperTemplateVersion:
    """Take up version ``number`` (0: the delivered form) as the draft; publishing it is a step of its own.

    Raises:
        NotAllowed: no right to change templates.
        InvalidValue: no such version.
    """
    template, style = texts_of_version(session, kind, number, actor.estate_id)
    return save_draft(session, kind, template=template, style=style, event=RESTORED, actor=actor)


def texts_of_version(session: Session, kind: PaperKind, number: int | None, estate_id: int | None) -> tuple[str, str]:
    """Template and style of version ``number``, of the delivered form (0), of the draft (none).

    Raises InvalidValue when there is no such version.
    """
    if number == 0:
        return delivered_texts(load_paper(kind.folder))
    found = next((v for v in versions_of(session, kind, estate_id) if v.number == number), None)
    if found is None:
        raise InvalidValue(_l("There is no such version."))
    return found.template, found.style


def publish(
    session: Session, kind: PaperKind, *, template: str, style: str, note: str, actor: Actor
) -> PaperTemplateVersion:
    """Put a template in force: papers printed from now on carry it, those issued before stay as they are.

    Raises:
        NotAllowed: no right to change templates.
        InvalidValue: no note that says what changed.
        Blocked: the check found something; each reason names it (see :func:`app.core.papers.editing.trial.problems`).
    """
    actor.require("update", "PaperTemplate")
    if not note.strip():
        raise FieldErrors({"note": _l("Say in a note what changed.")})
    draft = save_draft(session, kind, template=template, style=style, note=note, actor=actor)
    form = form_of(session, kind, actor)
    if reasons := problems(candidate(session, kind, draft.template, draft.style, form.estate_id)):
        raise Blocked(reasons)
    newest = session.scalar(
        select(func.max(PaperTemplateVersion.number)).where(
            PaperTemplateVersion.code == kind.code, PaperTemplateVersion.estate_id == form.estate_id
        )
    )
    draft.number, draft.published_at, draft.published_by_name = (newest or 0) + 1, now(), actor.name
    draft.origin = digest_of(load_paper(kind.folder))
    form.in_force = draft
    session.flush()
    record_event(session, PUBLISHED, form, note=draft.note, version=draft.number, digest=_digest(draft))
    return draft


def candidate(session: Session, kind: PaperKind, template: str, style: str, estate_id: int) -> PaperTemplate:
    """The form as it would be printed by this template and style, under the estate's letterhead, number and revision."""
    present = template_in_force(session, kind, estate_id)
    made = own(load_paper(kind.folder).headed(present.letterhead), _lines(template), _lines(style))
    return with_samples(made.marked_as(present.form_no, present.revision), kind, estate_id)


def use_delivered(session: Session, kind: PaperKind, *, actor: Actor) -> None:
    """Print by the delivered form again; the own versions stay and can be taken up again. Raises NotAllowed."""
    actor.require("update", "PaperTemplate")
    form_of(session, kind, actor).in_force = None
    session.flush()


def set_form(session: Session, kind: PaperKind, *, form_no: str, revision: str, actor: Actor) -> None:
    """Give the form the estate's own number and revision; empty: the delivered ones.

    Raises:
        NotAllowed: no right to change templates.
        FieldErrors: too long.
    """
    actor.require("update", "PaperTemplate")
    form = form_of(session, kind, actor)
    errors = {name: _l("At most %(most)s characters.", most=most) for name, text, most in
              (("form_no", form_no, 40), ("revision", revision, 20)) if len(text.strip()) > most}  # fmt: skip
    if errors:
        raise FieldErrors(errors)
    form.form_no, form.revision = form_no.strip(), revision.strip()
    session.flush()


def letterhead_of(session: Session, estate_id: int | None) -> Letterhead | None:
    return session.scalar(select(Letterhead).where(Letterhead.estate_id == estate_id))


def set_letterhead(
    session: Session, lines: Mapping[str, str], pictures: Mapping[str, FileStorage | None], *, actor: Actor
) -> Letterhead:
    """Set the lines of the letterhead and the pictures given; one given as None goes. Pictures are written anew.

    Raises:
        NotAllowed: no right to change templates.
        FieldErrors: a line is too long, or a file is no PNG or JPEG picture of bearable size.
    """
    actor.require("update", "PaperTemplate")
    head = letterhead_of(session, actor.estate_id) or Letterhead(estate_id=actor.estate_id)
    errors = {}
    for name, most in LINES.items():
        text = " ".join(lines.get(name, "").split())
        if len(text) > most:
            errors[name] = _l("At most %(most)s characters.", most=most)
        else:
            setattr(head, name, text)
    for name, upload in pictures.items():
        try:
            setattr(head, name, keep(session, _png(upload, PICTURES[name]), "image/png") if upload else None)
        except InvalidValue as error:
            errors[name] = str(error)
    if errors:
        raise FieldErrors(errors)
    session.add(head)
    session.flush()
    return head


def _png(upload: FileStorage, box: tuple[int, int]) -> bytes:
    data = upload.stream.read(MAX_UPLOAD + 1)
    if len(data) > MAX_UPLOAD:
        raise InvalidValue(_("The file is larger than %(limit)s MB.", limit=MAX_UPLOAD // 1_000_000))
    return base64.b64decode(image_uri(data, box=box).partition(",")[2])


def _lines(text: str) -> str:
    """Browsers send CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _digest(version: PaperTemplateVersion) -> str:
    return hashlib.sha256(f"{version.template}\0{version.style}".encode()).hexdigest()[:12]
