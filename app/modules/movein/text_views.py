"""Editing the standing texts F02–F09: versions, the editor in two languages, preview, publishing (MI-01)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.core.access.actor import NotAllowed, current_actor
from app.core.files.views import file_answer
from app.core.papers.base.context import Bilingual
from app.core.papers.editing.in_force import template_in_force
from app.core.papers.models import LANGUAGES
from app.core.records.choices import in_language
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry
from app.extensions import db
from app.fab.submit import carry_out
from app.fab.views import Page, expose, requires
from app.modules.movein.models import StandingTextVersion
from app.modules.movein.paper_contexts import estate_values
from app.modules.movein.papers.standing_text import context as standing
from app.modules.movein.services import content_of, save_text
from app.modules.movein.standing import PLACEHOLDERS, StandingText, fill, from_edit
from app.modules.movein.text_edit import change, differences, read_form

CODES = ("F02", "F03", "F04", "F05", "F06", "F07", "F08", "F09")
SAMPLE: dict[str, str | Bilingual | None] = {
    "unit_code": "1-03-2-1502",
    "owner_name": Bilingual("张三", "Zhang San"),
    "gross_area": "89.32",
    "internal_area": "71.45",
    "layout": Bilingual("三室两厅", "Three bedrooms, two living rooms"),
    "fee_rate": "2.80",
    "renovation_deposit": "2000.00",
}
"""Values of an invented unit, for previews."""


class StandingTextPage(Page):
    """The texts with their versions, the editor of one text, and the comparison of two versions."""

    resource = "StandingText"
    route_base = "/standing-texts"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        versions: dict[str, list[StandingTextVersion]] = {code: [] for code in CODES}
        every = select(StandingTextVersion).order_by(StandingTextVersion.code, StandingTextVersion.number.desc())
        for version in db.session.scalars(every):
            versions.setdefault(version.code, []).append(version)
        in_force = {code: next((v.number for v in found if v.published_at), None) for code, found in versions.items()}
        return self.render(
            "movein/texts/list.html",
            title=_("Standing texts"),
            versions=versions,
            in_force=in_force,
            in_language=in_language,
        )

    @expose("/<code>", methods=["GET", "POST"])
    @requires("read")
    def edit(self, code: str) -> Any:
        """The editor: of the version asked for, else the newest. Every button posts the whole text."""
        versions = self._versions(code)
        if request.method == "GET":
            wanted = request.args.get("version", "")
            shown = next((v for v in versions if str(v.number) == wanted), versions[0])
            return self._editor(code, versions, asdict(content_of(shown)), shown.number)
        current_actor().require("update", "StandingText")
        text = read_form((name, value) for name, value in request.form.items() if name.partition(".")[0] in _PARTS)
        text |= {name: getattr(content_of(versions[0]), name) for name in ("code", "form_no", "revision")}
        command, shown_number = request.form.get("do", ""), request.form.get("shown", type=int) or versions[0].number
        if command == "preview":
            return self._preview(code, versions, text, shown_number)
        if command not in ("save", "publish"):
            change(text, command)
            return self._editor(code, versions, text, shown_number)
        return self._save(code, versions, text, shown_number, publish=command == "publish")

    @expose("/<code>/compare")
    @requires("read")
    def compare(self, code: str) -> str:
        """Two versions, line by line: by default the newest with the one before."""
        versions = self._versions(code)
        numbers = [v.number for v in versions]
        new = request.args.get("new", type=int) or numbers[0]
        older = [n for n in numbers if n < new]
        old = request.args.get("old", type=int) or (older[0] if older else new)
        found = {v.number: v for v in versions}
        if new not in found or old not in found:
            raise NotAllowed(f"{code} {old} {new}")
        before, after = content_of(found[old]), content_of(found[new])
        return self.render(
            "movein/texts/compare.html", title=_("%(code)s: version %(old)s and %(new)s", code=code, old=old, new=new), code=code,
            versions=versions, old=old, new=new,
            parts=[(_("Chinese"), differences(before, after, "zh")), (_("English"), differences(before, after, "en"))],
        )  # fmt: skip

    @expose("/<code>/versions/<int:number>.pdf")
    @requires("read")
    def pdf(self, code: str, number: int) -> Response:
        """A version as it prints, for an invented unit and with a watermark."""
        version = next((v for v in self._versions(code) if v.number == number), None)
        if version is None:
            raise NotAllowed(f"{code} {number}")
        return file_answer(sample_of(content_of(version), _language()), "application/pdf", f"{code}-v{number}.pdf")

    def _versions(self, code: str) -> Sequence[StandingTextVersion]:
        found = db.session.scalars(
            select(StandingTextVersion)
            .where(StandingTextVersion.code == code)
            .order_by(StandingTextVersion.number.desc())
        ).all()
        if not found:
            raise NotAllowed(code)
        return found

    def _save(
        self, code: str, versions: Sequence[StandingTextVersion], text: dict[str, Any], shown: int, *, publish: bool
    ) -> Any:
        newest = versions[0].number
        if str(newest) != request.form.get("newest", ""):
            meanwhile = _("Somebody else saved version %(number)s meanwhile. Compare, then save again.", number=newest)
            return self._editor(code, versions, text, shown, [meanwhile]), 409
        outcome = carry_out(
            lambda: save_text(db.session, code=code, content=text, publish=publish, actor=current_actor()),
            lambda _version: url_for(".edit", code=code),
        )
        if outcome.done:
            flash(
                _("The text is published; papers printed from now on carry it.")
                if publish
                else _("The draft is saved."),
                "success",
            )
            return redirect(outcome.location)
        general = [sentence for sentences in outcome.errors.values() for sentence in sentences]
        return self._editor(code, self._versions(code), text, shown, general), 422

    def _preview(self, code: str, versions: Sequence[StandingTextVersion], text: dict[str, Any], shown: int) -> Any:
        try:
            edited = from_edit(text)
        except ValueError as error:
            return self._editor(code, versions, text, shown, [str(error)]), 422
        return file_answer(sample_of(edited, _language()), "application/pdf", f"{code}.pdf")

    def _editor(
        self,
        code: str,
        versions: Sequence[StandingTextVersion],
        text: dict[str, Any],
        shown: int,
        general: Sequence[str] = (),
    ) -> str:
        kind = registry().papers.get(code)
        name = in_language(kind.title_zh, kind.title_en) if kind else code
        return self.render(
            "movein/texts/edit.html", title=f"{code} {name}", code=code, versions=versions, text=text, shown=shown, general=general,
            newest=versions[0].number, placeholders=PLACEHOLDERS, editable=current_actor().may("update", "StandingText"),
            in_force=next((v.number for v in versions if v.published_at), None), languages=LANGUAGES,
        )  # fmt: skip


_PARTS = frozenset({"title", "intro", "sections", "closing", "signatures"})


def sample_of(text: StandingText, language: str) -> bytes:
    """The text as a paper for an invented unit, with watermark (a preview; nothing is stored).

    Raises:
        InvalidValue: the text is too long to be laid out.
    """
    actor = current_actor()
    estate = db.session.get_one(Estate, actor.estate_id)
    today = estate_today(db.session, estate.id)
    filled = fill(text, {**estate_values(estate, today), **SAMPLE})
    template = template_in_force(db.session, registry().papers[text.form_no], estate.id)
    header = template.header(
        **standing.header_values(filled), company=estate.company_zh, company_en=estate.company_en, estate_name_zh=estate.name_zh,
        estate_name_en=estate.name_en, issued_by=actor.name, issued_on=today, language=language, draft=True,
        unit_code=str(SAMPLE["unit_code"]),
    )  # fmt: skip
    return template.render(standing.Context(header=header, text=filled, signatures=standing.signature_blocks(filled)))


def _language() -> str:
    wanted = request.values.get("language", "both")
    if wanted not in ("zh", "en", "both"):
        raise InvalidValue(_("Choose one of the values offered."))
    return wanted
