"""Settings → Paper templates: the forms of the estate, the editor of one, comparison of versions, the letterhead."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from flask import flash, jsonify, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.core.access.actor import NotAllowed, current_actor
from app.core.files.views import file_answer
from app.core.papers import services as papers
from app.core.papers.added import fields_on
from app.core.papers.editing import services
from app.core.papers.editing.in_force import delivered_texts, digest_of, picture, template_in_force
from app.core.papers.editing.models import Letterhead, PaperForm, PaperTemplateVersion
from app.core.papers.editing.source import faults
from app.core.papers.editing.trial import problems
from app.core.papers.editing.values import field_values, values_of
from app.core.papers.kind import PaperKind
from app.core.papers.models import LANGUAGES
from app.core.papers.render import PaperError
from app.core.papers.renderer import renderer
from app.core.papers.template import PaperTemplate, environment_of, load_paper
from app.core.records.choices import in_language
from app.core.records.identifiers import InvalidValue
from app.core.records.lookup import model_of
from app.core.registry import registry
from app.extensions import db
from app.fab.submit import carry_out
from app.fab.timeline import timeline
from app.fab.views import Page, expose, requires

PREVIEWED = 3
"""Pages drawn beside the editor."""
WIDTH = 900
"""Pixels of a drawn page."""
RECENT = 25
"""Records offered for a preview."""


@dataclass(frozen=True)
class _Line:
    """A form in the list of forms."""

    kind: PaperKind
    form_no: str
    revision: str
    in_force: int | None
    changed: bool
    draft: PaperTemplateVersion | None


class PaperTemplatePage(Page):
    """The papers of the estate: which template each is printed by, and everything to change it."""

    resource = "PaperTemplate"
    route_base = "/settings/paper-templates"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        estate_id = current_actor().estate_id
        forms = {form.code: form for form in db.session.scalars(select(PaperForm))}
        versions = {
            version.id: version
            for version in db.session.scalars(
                select(PaperTemplateVersion).where(
                    (PaperTemplateVersion.number.is_(None))
                    | PaperTemplateVersion.id.in_([f.in_force_id for f in forms.values() if f.in_force_id])
                )
            )
        }
        drafts = {version.code: version for version in versions.values() if version.number is None}
        lines = []
        for kind in sorted(registry().papers.values(), key=lambda kind: kind.code):
            delivered, form = load_paper(kind.folder), forms.get(kind.code)
            used = versions.get(form.in_force_id or 0) if form else None
            lines.append(
                _Line(
                    kind, form_no=(form and form.form_no) or delivered.info.form_no, draft=drafts.get(kind.code),
                    revision=(form and form.revision) or delivered.info.revision, in_force=used.number if used else None,
                    changed=used is not None and used.origin != digest_of(delivered),
                )
            )  # fmt: skip
        return self.render(
            "papers/editing/list.html", title=_("Paper templates"), lines=lines, in_language=in_language,
            letterhead=services.letterhead_of(db.session, estate_id),
        )  # fmt: skip

    @expose("/<code>", methods=["GET"])
    @requires("read")
    def edit(self, code: str) -> str:
        """The editor: with the draft, otherwise with what is in force."""
        kind = _kind(code)
        draft = services.draft_of(db.session, kind, current_actor().estate_id)
        if draft:
            return self._editor(kind, draft.template, draft.style, draft.note)
        return self._editor(kind, *_texts_in_force(kind))

    @expose("/<code>", methods=["POST"])
    @requires("update")
    def save(self, code: str) -> Any:
        """Save as draft, or (``do=publish``) check and publish."""
        kind, template, style, note = _kind(code), *_typed()
        if (seen := self._overtaken(kind)) is not None:
            return self._editor(kind, template, style, note, [seen]), 409
        if request.form.get("do") == "publish":
            return self._publish(kind, template, style, note)
        outcome = carry_out(
            lambda: services.save_draft(
                db.session, kind, template=template, style=style, note=note, actor=current_actor()
            ),
            lambda _draft: url_for(".edit", code=kind.code),
        )
        if outcome.done:
            flash(_("The draft is saved; it is not in force."), "success")
            return redirect(outcome.location)
        sentences = [sentence for found in outcome.errors.values() for sentence in found]
        return self._editor(kind, template, style, note, sentences), 422

    @expose("/<code>/discard", methods=["POST"])
    @requires("update")
    def discard(self, code: str) -> Any:
        kind = _kind(code)
        return self.command(
            lambda: services.discard_draft(db.session, kind, actor=current_actor()),
            done=_("The draft is discarded."),
            then=url_for(".edit", code=kind.code),
        )

    @expose("/<code>/restore/<int:number>", methods=["POST"])
    @requires("update")
    def restore(self, code: str, number: int) -> Any:
        """Take up an earlier version (0: the delivered form) as draft."""
        kind = _kind(code)
        return self.command(
            lambda: services.restore(db.session, kind, number, actor=current_actor()),
            done=_("It is your draft now; publish it to put it in force."),
            then=url_for(".edit", code=kind.code),
        )

    @expose("/<code>/delivered", methods=["POST"])
    @requires("update")
    def delivered(self, code: str) -> Any:
        kind = _kind(code)
        return self.command(
            lambda: services.use_delivered(db.session, kind, actor=current_actor()),
            done=_("The delivered form is in force again."),
            then=url_for(".edit", code=kind.code),
        )

    @expose("/<code>/form", methods=["POST"])
    @requires("update")
    def form(self, code: str) -> Any:
        """The form's number and revision in this estate."""
        kind, given = _kind(code), {name: request.form.get(name, "") for name in ("form_no", "revision")}
        return self.command(
            lambda: services.set_form(db.session, kind, **given, actor=current_actor()),
            done=_("Form number and revision are saved."),
            then=url_for(".edit", code=kind.code),
        )

    @expose("/<code>/preview", methods=["POST"])
    @requires("read")
    def preview(self, code: str) -> Any:
        """What is typed as pictures of the first pages, or why it cannot be printed; ``as=pdf``: the whole as PDF."""
        kind, template, style, _note = _kind(code), *_typed()
        try:
            pdf = _printed(kind, template, style)
            if request.form.get("as") == "pdf":
                return file_answer(pdf, "application/pdf", f"{code}.pdf")
            told, drawn = renderer().ask("pictures", pdf, PREVIEWED, WIDTH)
        except (PaperError, InvalidValue) as error:
            return jsonify(faults=str(error).split("\n"), pages=0, pictures=[])
        ends = [sum(told["lengths"][: n + 1]) for n in range(len(told["lengths"]))]
        parts = (drawn[end - length : end] for end, length in zip(ends, told["lengths"], strict=True))
        pictures = ["data:image/png;base64," + base64.b64encode(part).decode("ascii") for part in parts]
        return jsonify(faults=[], pages=told["pages"], pictures=pictures)

    @expose("/<code>/compare")
    @requires("read")
    def compare(self, code: str) -> str:
        """Two templates of a form line by line; ``0``: the delivered form, ``draft``: the draft."""
        kind, estate_id = _kind(code), current_actor().estate_id
        versions = services.versions_of(db.session, kind, estate_id)
        choices = [("0", _("Delivered form"))] + [(_name(v), _title(v)) for v in reversed(versions)]
        names = [name for name, _shown in choices]
        new = request.args.get("new") or names[-1]
        old = request.args.get("old") or names[max(0, names.index(new) - 1 if new in names else 0)]
        if new not in names or old not in names:
            raise NotAllowed(f"{code} {old} {new}")
        before, after = (
            services.texts_of_version(db.session, kind, None if name == "draft" else int(name), estate_id)
            for name in (old, new)
        )
        parts = [
            (title, list(_differences(a, b)))
            for title, a, b in zip((_("Template"), _("Style")), before, after, strict=True)
        ]
        return self.render(
            "papers/editing/compare.html", title=_("%(form)s: compare templates", form=code), code=code, choices=choices,
            old=old, new=new, parts=parts,
        )  # fmt: skip

    @expose("/letterhead", methods=["GET"])
    @requires("read")
    def letterhead(self) -> str:
        head = services.letterhead_of(db.session, current_actor().estate_id)
        return self._letterhead(head, {name: getattr(head, name, "") for name in services.LINES})

    @expose("/letterhead", methods=["POST"])
    @requires("update")
    def save_letterhead(self) -> Any:
        """Save the lines; a picture is replaced by a file, or goes when its box ``…_remove`` is ticked."""
        pictures: dict[str, Any] = {}
        for name in services.PICTURES:
            upload = request.files.get(name)
            if upload is not None and upload.filename:
                pictures[name] = upload
            elif request.form.get(f"{name}_remove"):
                pictures[name] = None
        outcome = carry_out(
            lambda: services.set_letterhead(db.session, request.form, pictures, actor=current_actor()),
            lambda _head: url_for(".letterhead"),
        )
        if not outcome.done:
            head = services.letterhead_of(db.session, current_actor().estate_id)
            return self._letterhead(head, request.form, outcome.errors), 422
        flash(_("The letterhead is saved; papers issued from now on carry it."), "success")
        return redirect(outcome.location)

    @expose("/letterhead.pdf")
    @requires("read")
    def letterhead_pdf(self) -> Response:
        """A sample paper under the letterhead."""
        kind = next(iter(sorted(registry().papers.values(), key=lambda kind: kind.code)))
        kind = registry().papers.get(request.args.get("form", ""), kind)
        template = template_in_force(db.session, kind, _estate_id())
        return file_answer(template.render(_sample(template, "typical", "both")), "application/pdf", "letterhead.pdf")

    def _letterhead(self, head: Letterhead | None, typed: Any, errors: Any = None) -> str:
        pictures = {
            name: picture(db.session, stored.sha256) if head and (stored := getattr(head, name)) else ""
            for name in services.PICTURES
        }
        return self.render(
            "papers/editing/letterhead.html", title=_("Letterhead"), head=head, typed=typed, errors=errors or {},
            pictures=pictures, lines=services.LINES, labels={n: Letterhead.__table__.c[n].info["label"] for n in services.LINES},
            editable=current_actor().may("update", self.resource), entries=timeline(head) if head else [],
        )  # fmt: skip

    def _overtaken(self, kind: PaperKind) -> str | None:
        """A sentence when somebody else saved or published meanwhile."""
        if request.form.get("seen", "") == _seen(kind):
            return None
        return _(
            "Somebody else changed this template meanwhile. What you typed is still here; compare, then save again."
        )

    def _publish(self, kind: PaperKind, template: str, style: str, note: str) -> Any:
        """Check and publish; what was typed is kept as draft when the check finds something."""
        actor = current_actor()
        reasons: list[str] = []
        if note.strip():
            form = services.candidate(db.session, kind, template, style, _estate_id())
            db.session.commit()  # nobody waits for the database while the check prints its samples
            reasons = problems(form)
        if not reasons:
            outcome = carry_out(
                lambda: services.publish(db.session, kind, template=template, style=style, note=note, actor=actor),
                lambda _version: url_for(".edit", code=kind.code),
            )
            if outcome.done:
                flash(_("The template is published; papers issued from now on carry it."), "success")
                return redirect(outcome.location)
            reasons = [sentence for found in outcome.errors.values() for sentence in found]
        carry_out(
            lambda: services.save_draft(db.session, kind, template=template, style=style, note=note, actor=actor),
            lambda _draft: url_for(".edit", code=kind.code),
        )
        return self._editor(kind, template, style, note, reasons), 422

    def _editor(self, kind: PaperKind, template: str, style: str, note: str = "", general: Sequence[str] = ()) -> str:
        actor = current_actor()
        versions = services.versions_of(db.session, kind, actor.estate_id)
        form = db.session.scalar(select(PaperForm).where(PaperForm.code == kind.code))
        delivered = load_paper(kind.folder)
        in_force = form.in_force if form else None
        return self.render(
            "papers/editing/edit.html", title=f"{kind.code} {in_language(kind.title_zh, kind.title_en)}", kind=kind,
            code=kind.code, template_text=template, style_text=style, note=note, general=general, versions=versions,
            in_force=in_force, form=form, info=delivered.info, seen=_seen(kind), languages=LANGUAGES,
            draft=next((v for v in versions if v.number is None), None), records=_records(kind),
            values=[*values_of(delivered), *field_values(fields_on(kind, _estate_id()))],
            changed=in_force is not None and in_force.origin != digest_of(delivered), samples=list(delivered.samples()),
            editable=actor.may("update", self.resource), entries=timeline(form) if form else [],
        )  # fmt: skip


def _kind(code: str) -> PaperKind:
    kind = registry().papers.get(code)
    if kind is None:
        raise NotAllowed(f"template {code}")
    return kind


def _estate_id() -> int:
    estate_id = current_actor().estate_id
    if estate_id is None:
        raise NotAllowed("no estate")
    return estate_id


def _typed() -> tuple[str, str, str]:
    return request.form.get("template", ""), request.form.get("style", ""), request.form.get("note", "")


def _texts_in_force(kind: PaperKind) -> tuple[str, str]:
    edited = template_in_force(db.session, kind, _estate_id()).edited
    return (edited.html, edited.css) if edited else delivered_texts(load_paper(kind.folder))


def _seen(kind: PaperKind) -> str:
    """What the form's newest draft or version is, to notice that somebody else saved meanwhile."""
    newest = next(iter(services.versions_of(db.session, kind, current_actor().estate_id)), None)
    return f"{newest.id}.{newest.version}" if newest else ""


def _printed(kind: PaperKind, template: str, style: str) -> bytes:
    """What is typed, printed with what was chosen. Raises PaperError or InvalidValue with one sentence a line."""
    language, about = request.form.get("language", "both"), request.form.get("about", "typical")
    if language not in LANGUAGES:
        raise InvalidValue(_("Choose one of the values offered."))
    draft = services.candidate(db.session, kind, template, style, _estate_id())
    assert draft.edited is not None
    if found := faults(environment_of(kind.folder), draft.edited.html, draft.edited.css):
        raise InvalidValue("\n".join(map(str, found)))
    if about.isdecimal():
        actor = current_actor()
        _kind_again, record = papers.reach_sheet(db.session, kind.code, int(about), actor=actor)
        context = papers.draft_context(db.session, kind, record, draft, language=language, actor=actor)
    else:
        context = _sample(draft, about, language)
    db.session.commit()  # nobody waits for the database while it is laid out
    return draft.render(context)


def _sample(template: PaperTemplate, name: str, language: str) -> Any:
    found = template.samples(language).get(name)
    if found is None:
        raise InvalidValue(_("Choose one of the values offered."))
    return template.entitled(found)


def _records(kind: PaperKind) -> list[tuple[int, str]]:
    """The newest records such papers are printed about, for those who may print them."""
    if not current_actor().may("print", kind.resource):
        return []
    model = model_of(kind.record_type)
    found = db.session.scalars(select(model).order_by(model.id.desc()).limit(RECENT)).all()
    return [(record.id, str(record)) for record in found if kind.issuable(record)]


def _name(version: PaperTemplateVersion) -> str:
    return "draft" if version.number is None else str(version.number)


def _title(version: PaperTemplateVersion) -> str:
    return _("Draft") if version.number is None else _("Version %(number)s", number=version.number)


def _differences(before: str, after: str) -> Iterator[tuple[str, int | None, str, int | None, str]]:
    """Line by line side by side: how (same, changed, removed, added, gap), number and text on either side."""
    old, new = before.splitlines(), after.splitlines()
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3):
        yield "gap", None, "", None, ""
        for tag, left, left_end, right, right_end in group:
            how = {"equal": "same", "replace": "changed", "delete": "removed", "insert": "added"}[tag]
            for step in range(max(left_end - left, right_end - right)):
                a = left + step if left + step < left_end else None
                b = right + step if right + step < right_end else None
                yield (
                    how,
                    None if a is None else a + 1,
                    "" if a is None else old[a],
                    None if b is None else b + 1,
                    "" if b is None else new[b],
                )
