"""Issued papers on the screen: list and page, preview, issue, print again, void, packs, public verification."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, acting, current_actor, system_actor
from app.core.files.services import clean_name
from app.core.files.views import file_answer
from app.core.jobs.services import enqueue
from app.core.papers import services
from app.core.papers.models import LANGUAGES, Paper, PaperCopy
from app.core.papers.renderer import RenderFailed
from app.core.records.base import now
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry
from app.extensions import db
from app.fab import cells
from app.fab.errors import error_page
from app.fab.interface import RecordInterface
from app.fab.scope import public, safe_next
from app.fab.submit import carry_out
from app.fab.views import Page, RecordView, expose, link_to_show

COPY_OPEN = timedelta(minutes=15)
"""How long the address of a logged copy gives the bytes; printing later is a further copy."""


class PaperView(RecordView):
    """The register of issued papers; everybody sees the kinds whose records they may read."""

    datamodel = RecordInterface(Paper)
    resource = "Paper"
    route_base = "/papers"
    list_title = _l("Issued papers")
    show_title = _l("Issued paper")
    empty_hint = _l("Papers are issued from the page of the case they belong to.")
    label_columns = {"title": _l("Title"), "standing": _l("Standing")}
    list_columns = ["number", "title", "unit_code", "language", "issued_at", "issued_by_name", "standing"]
    order_columns = ["number", "unit_code", "issued_at"]
    search_columns = ["number", "code", "unit_code", "language", "issued_at", "issued_by_name", "voided_at"]
    show_fieldsets = [
        (
            "",
            ["number", "title", "standing", "unit_code", "language", "pages", "issued_at", "issued_by_name",
             "form_no", "revision", "template_version", "verification_code"],
        ),
    ]  # fmt: skip
    list_cell = {
        "number": link_to_show(lambda paper: paper.number),
        "standing": lambda paper: cells.badge(paper.standing.title, paper.standing.colour),
    }

    def scope(self) -> list[Any]:
        actor = current_actor()
        return [Paper.code.in_([k.code for k in registry().papers.values() if actor.may("read", k.resource)])]

    def sections(self, record: Paper, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        address = registry().record_pages.get(record.record_type)
        copies = (
            select(PaperCopy).where(PaperCopy.paper_id == record.id).order_by(PaperCopy.id.desc()).limit(20)
        )  # fmt: skip
        values = {
            "paper": record,
            "printable": record.allows("print", actor),
            "copies": db.session.scalars(copies).all(),
            "record_address": address(record.record_id) if address else "",
        }
        return [(_("Copies and standing"), "papers/standing.html", values)]

    @expose("/preview/<code>/<int:record_id>")
    def preview(self, code: str, record_id: int) -> Response:
        """The paper as it would look now, with watermark and without number."""
        kind, record = services.reach_sheet(db.session, code, record_id, actor=current_actor())
        language = _language(request.args.get("language"))
        try:
            pdf = services.preview(db.session, kind, record, language=language, actor=current_actor())
        except RenderFailed as error:
            abort(error_page(422, text=str(error)))
        return file_answer(pdf, "application/pdf", f"{kind.code}.pdf")

    @expose("/issue/<code>/<int:record_id>", methods=["POST"])
    def issue(self, code: str, record_id: int) -> Any:
        """Issue a paper and open its first copy."""
        actor = current_actor()
        kind, record = services.reach_sheet(db.session, code, record_id, actor=actor)
        language = _language(request.form.get("language"))

        def work() -> PaperCopy:
            paper = services.issue(db.session, kind, record, language=language, actor=actor)
            return services.copy(db.session, paper, actor=actor, purpose="issue")

        return self._open_copy(work)

    @expose("/<int:pk>/reprint", methods=["POST"])
    def reprint(self, pk: int) -> Any:
        """Log a further copy and open it."""
        paper = self.record_or_404(pk)
        purpose = request.form.get("purpose", "")
        return self._open_copy(lambda: services.copy(db.session, paper, actor=current_actor(), purpose=purpose))

    @expose("/copies/<int:pk>.pdf")
    def copy(self, pk: int) -> Response:
        """The bytes of a copy that this person has just had logged; later its paper's page."""
        made = db.session.scalar(
            select(PaperCopy)
            .where(PaperCopy.id == pk)
            .options(joinedload(PaperCopy.paper).joinedload(Paper.stored_file))
        )
        if made is None or made.created_by_id != current_actor().user_id:
            raise NotAllowed(f"copy {pk}")
        if made.created_at + COPY_OPEN < now():
            return redirect(url_for("PaperView.show", pk=made.paper_id))
        return file_answer(services.original(made.paper), "application/pdf", made.paper.file_name)

    @expose("/<int:pk>/void", methods=["POST"])
    def void(self, pk: int) -> Any:
        paper = self.record_or_404(pk)
        reason = request.form.get("reason", "")
        return self.command(
            lambda: services.void(db.session, paper, reason=reason, actor=current_actor()),
            done=_("%(number)s is void now.", number=paper.number),
            then=url_for("PaperView.show", pk=pk),
        )

    @expose("/<int:pk>/signed", methods=["POST"])
    def signed(self, pk: int) -> Any:
        """File the scan of the signed paper."""
        paper = self.record_or_404(pk)

        def work() -> Any:
            upload = request.files.get("file")
            if upload is None:
                raise InvalidValue(_l("Choose a file."))
            return services.attach_signed_copy(db.session, paper, upload, actor=current_actor())

        return self.command(
            work,
            done=_("The signed copy is filed with %(number)s.", number=paper.number),
            then=url_for("PaperView.show", pk=pk),
            back=safe_next(request.form.get("next")) if request.form.get("next") else "",
        )

    @expose("/pack", methods=["POST"])
    def pack(self) -> Any:
        """Print several papers as one file in the background: fields ``sheet`` (``F10:12``), ``language``, ``name``."""
        actor = current_actor()
        sheets = [_sheet(text) for text in request.form.getlist("sheet")]
        for code, record_id in sheets:
            services.reach_sheet(db.session, code, record_id, actor=actor)
        language, name = _language(request.form.get("language")), clean_name(request.form.get("name") or "pack")
        back = safe_next(request.form.get("next"))

        def work() -> Any:
            if not sheets:
                raise InvalidValue(_l("Choose at least one paper."))
            return enqueue(
                db.session, "print_pack", actor=actor, sheets=sheets, language=language, name=name, address=back
            )  # fmt: skip

        return self.command(
            work,
            done=_("The pack is being printed."),
            then=lambda job: url_for("JobPage.show", pk=job.id),
            back=back,
        )

    def _open_copy(self, work: Callable[[], PaperCopy]) -> Any:
        """Log a copy and go to its bytes, in a tab of its own; a refusal is told on the page it came from."""
        outcome = carry_out(work, lambda made: url_for("PaperView.copy", pk=made.id))
        for sentence in outcome.errors.get("", []):
            flash(sentence, "danger")
        return redirect(outcome.location or safe_next(request.form.get("next")))


class VerifyPage(Page):
    """What the QR code of a paper opens: whether such a paper was issued and still holds. No personal data."""

    route_base = "/verify"
    default_view = "show"

    @expose("/<code>")
    @public
    def show(self, code: str) -> Any:
        if not _patience.allows(request.remote_addr or ""):
            abort(429)
        viewer = current_actor()
        with acting(system_actor("verification")):
            paper = services.find_verified(db.session, code)
            estate = db.session.get(Estate, paper.estate_id) if paper else None
            kind = registry().papers.get(paper.code) if paper else None
            state = services.public_state(db.session, kind, paper) if kind and paper else None
        page_of = registry().record_pages.get(paper.record_type) if paper else None
        about = page_of(paper.record_id) if page_of and paper and kind else ""
        seen = bool(about and kind and paper and viewer.sees(paper.estate_id) and viewer.may("read", kind.resource))
        mine = paper is not None and viewer.sees(paper.estate_id) and paper.allows("print", viewer)
        issued_on = paper.issued_at.astimezone(ZoneInfo(estate.time_zone)).date() if paper and estate else None
        page = render_template(
            "papers/verify.html", paper=paper, estate=estate, issued_on=issued_on, mine=mine,
            state=state, about=about if seen or (state and viewer.user_id is None) else "", seen=seen,
        )  # fmt: skip
        return page, 200 if paper else 404


class Patience:
    """Counts what each address asks within a minute, in this process; enough to make guessing codes pointless."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self.asked: dict[str, deque[float]] = defaultdict(deque)

    def allows(self, address: str) -> bool:
        moment = time.monotonic()
        if len(self.asked) > 10_000:
            self.asked.clear()
        times = self.asked[address]
        while times and times[0] < moment - 60:
            times.popleft()
        times.append(moment)
        return len(times) <= self.per_minute


_patience = Patience(per_minute=30)


def _language(given: str | None) -> str:
    if given not in LANGUAGES:
        abort(400)
    return given


def _sheet(text: str) -> Sequence[Any]:
    code, _colon, record_id = text.partition(":")
    if not record_id.isdecimal():
        raise NotAllowed(f"sheet {text}")
    return code, int(record_id)
