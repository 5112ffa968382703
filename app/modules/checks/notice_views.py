"""Written rectification notices on the screen (F18; MI-12, RE-07, RN-17)."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core.access.actor import Actor, current_actor
from app.extensions import db
from app.fab.cells import day
from app.fab.fields import DayField
from app.fab.interface import RecordInterface
from app.fab.submit import carry_out, spread
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.checks import services
from app.modules.checks.forms import ReceiptForm
from app.modules.checks.models import Finding, RectificationNotice
from app.modules.checks.states import NoticeState
from app.modules.checks.views import file_section, paper_section, stale_or
from app.modules.checks.workflow import NOTICE


class RectificationNoticeView(RecordView):
    datamodel = RecordInterface(RectificationNotice)
    resource = "RectificationNotice"
    route_base = "/rectification-notices"
    workflow = NOTICE
    list_title = _l("Rectification notices")
    show_title = _l("Rectification notice")
    add_title = _l("New rectification notice")
    edit_title = _l("Edit notice")
    empty_hint = _l("A notice is written from a finding, or with the button above.")
    list_columns = ("number", "problem", "addressee", "unit_id", "due_on", "state", "served_at", "issued_by_name")
    search_columns = (
        "number",
        "state",
        "problem",
        "role",
        "person_id",
        "unit_id",
        "due_at",
        "served_at",
        "issued_by_name",
        "finding_id",
    )
    order_columns = ("number", "state", "served_at")
    load = (joinedload(RectificationNotice.person),)
    label_columns = {"addressee": _l("To"), "due_on": _l("Deadline")}
    list_cell = {
        "number": link_to_show(lambda notice: notice.number),
        "due_on": lambda notice: day(notice.due_on, True),
        "returned": lambda notice: notice.returned or "",
    }
    show_empty = False
    show_fieldsets = (
        ("", ("problem", "requirement", "addressee", "due_on", "unit_id", "finding_id", "source_label", "issued_by_name")),
        (
            _l("What became of it"),
            ("served_at", "served_by_name", "received_at", "received_by_name", "answer", "answered_at", "answered_by_name",
             "returned", "return_reason", "verified_at", "verified_by_name", "verify_note", "withdrawn_reason"),
        ),
    )  # fmt: skip
    add_columns = ("finding_id", "problem", "requirement", "role", "person_id", "deadline", "unit_id")
    edit_columns = ("problem", "requirement", "role", "person_id", "deadline", "unit_id")
    form_fieldsets = (("", add_columns),)
    form_fields = {
        "deadline": DayField(
            _l("Deadline"), description=_l("The last day. Left empty, the time this estate usually gives.")
        )
    }
    show_template = "checks/notice_show.html"

    def editable(self, record: RectificationNotice | None, actor: Actor) -> set[str]:
        if record is not None and record.state != NoticeState.DRAFT:
            return set()
        return super().editable(record, actor)

    def defaults(self) -> dict[str, Any]:
        """What the finding says already, when the notice is written from one."""
        text = request.args.get("finding_id", "")
        number = int(text) if text.isdecimal() and len(text) < 10 else 0
        finding = db.session.scalar(select(Finding).where(Finding.id == number)) if number else None
        if finding is None:
            return {}
        return {
            "problem": finding.description, "role": finding.role, "person_id": finding.person_id,
            "unit_id": finding.unit_id,
        }  # fmt: skip

    def create(self, values: dict[str, Any], *, actor: Actor) -> RectificationNotice:
        number = values.pop("finding_id")
        finding = db.session.scalar(select(Finding).where(Finding.id == number)) if number else None
        return services.draft_notice(
            db.session, finding, finding=finding, label=f"{finding.number} · {finding.source_label}" if finding else "",
            actor=actor, **values,
        )  # fmt: skip

    def update(self, record: RectificationNotice, values: dict[str, Any], *, actor: Actor) -> None:
        services.change_notice(db.session, record, actor=actor, **values)

    def _form(self, kind: Any, record: Any | None, actor: Actor) -> Any:
        form = super()._form(kind, record, actor)
        if record is not None and request.method == "GET" and "deadline" in form._fields:
            form.deadline.data = record.due_on
        return form

    def sections(self, record: RectificationNotice, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        open_now = record.state in (NoticeState.DRAFT, NoticeState.SERVED, NoticeState.ANSWERED)
        return [paper_section(record, "F18"), file_section(record, open_now and record.allows("update", actor))]

    def _page_of(self, record: RectificationNotice, **more: Any) -> str:
        name = record.person.display_name if record.person else ""
        values = {"receipt": ReceiptForm(None, data={"received_by": name}), "general": [], **more}
        return super()._page_of(
            record, receivable=record.state == NoticeState.SERVED and record.received_at is None
            and services.may_receive(record, current_actor()), **values,
        )  # fmt: skip

    @expose("/<int:pk>/receive", methods=["POST"])
    @requires("read")
    def receive(self, pk: int) -> Any:
        """Note who received the notice, with a signature on the screen or without."""
        notice, form = self.record_or_404(pk), ReceiptForm(request.form)
        general: list[str] = []
        if form.validate():
            actor, values = current_actor(), form.values()
            outcome = carry_out(
                lambda: services.receive_notice(
                    db.session, notice, actor=actor, scan=request.files.get("scan"), **values
                ),
                lambda _r: self.address_of(notice),
            )
            if outcome.done:
                flash(_("The receipt is noted."), "success")
                return redirect(outcome.location)
            general = stale_or(outcome, spread(form, outcome))
        return self._page_of(self.record_or_404(pk), receipt=form, general=general), 422
