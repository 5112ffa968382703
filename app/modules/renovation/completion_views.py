"""Inspection and settlement on the screen: the checklist on a phone, the refund of the deposits, the permit file (RN-12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.files.models import Attachment
from app.core.jobs.services import enqueue
from app.core.papers.archive import Filed, FiledUnder
from app.core.records.amounts import money
from app.core.registry import Registry
from app.extensions import db
from app.fab.documents import DocumentView, search_by_number
from app.fab.interface import RecordInterface
from app.fab.reveal import secrets_section
from app.fab.submit import carry_out
from app.fab.views import Page, expose, link_to_show, requires
from app.modules.renovation import completion
from app.modules.renovation import completion_parts as completion_parts  # its parts of the renovation's page
from app.modules.renovation.completion_models import CompletionInspection, RenovationSettlement, SettlementDeduction
from app.modules.renovation.completion_papers import KINDS, days_since
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import reached, uploads
from app.modules.renovation.permit_file import JOB, print_permit_file
from app.modules.renovation.set_off import shares_of
from app.modules.renovation.settlement_workflow import SETTLEMENT
from app.modules.renovation.states import InspectionResult, PointResult, RenovationState, SettlementState
from app.modules.renovation.workflow import passes_back, violations_closed

TEXTS = ("findings", "ponding_record", "present")
LANGUAGES = ("both", "zh", "en")


class CompletionPage(Page):
    """The inspection form of a renovation, and what is begun on the renovation's page after its acceptance."""

    resource = "Renovation"
    route_base = "/renovations"
    default_view = "inspection"

    @expose("/<int:pk>/inspection", methods=["GET", "POST"])
    @requires("inspect")
    def inspection(self, pk: int) -> Response | str | tuple[str, int]:
        """The checklist of the completion inspection, or of the second one after the acceptance (C8)."""
        actor, renovation = current_actor(), reached(pk)
        home = url_for("RenovationView.show", pk=pk, _anchor="inspections")
        if request.method == "GET":
            if not completion.inspectable(renovation):
                flash(_("There is nothing to be inspected now."), "warning")
                return redirect(home)
            return self._form(renovation, {}, {})
        typed = request.form.to_dict()
        outcome = carry_out(
            lambda: completion.inspect(
                db.session, renovation, points={code: typed.get(code, "") for code in completion.POINTS},
                **{name: typed.get(name, "").replace("\0", "") for name in TEXTS},
                warranty_received="warranty_received" in typed, photos=uploads("photo"), actor=actor,
            ),
            lambda _inspection: home,
        )  # fmt: skip
        if not outcome.done:
            return self._form(reached(pk), typed, outcome.errors), 422
        if outcome.result is not None:
            passed = outcome.result.result == InspectionResult.PASSED
            flash(_("The inspection is entered."), "success" if passed else "warning")
        return redirect(outcome.location)

    def _form(self, renovation: Renovation, typed: Mapping[str, str], errors: Mapping[str, Sequence[str]]) -> str:
        actor, second = current_actor(), renovation.state != RenovationState.ACCEPTANCE
        waiting = [] if second else [passes_back(renovation, actor), violations_closed(renovation, actor)]
        return self.render(
            "renovation/inspection.html", title=_("Inspection of %(number)s", number=renovation.number),
            renovation=renovation, second=second, points=completion.POINTS, results=tuple(PointResult), typed=typed,
            errors=errors, waiting=[sentence for sentence in waiting if sentence],
        )  # fmt: skip

    @expose("/<int:pk>/settlement", methods=["POST"])
    @requires("create", "RenovationSettlement")
    def settlement(self, pk: int) -> Response:
        """Draw up the settlement of the deposits (C9)."""
        renovation = reached(pk)
        return self.command(
            lambda: completion.begin_settlement(db.session, renovation, actor=current_actor()),
            done=_("The settlement is drawn up."), then=lambda made: url_for("RenovationSettlementView.show", pk=made.id),
            back=url_for("RenovationView.show", pk=pk, _anchor="settlement"),
        )  # fmt: skip

    @expose("/<int:pk>/permit-file", methods=["POST"])
    @requires("print")
    def permit_file(self, pk: int) -> Response:
        """Put all papers of the renovation together as one file, in the background."""
        renovation, language = reached(pk), request.form.get("language", "")
        if language not in LANGUAGES:
            raise NotAllowed(f"language {language}")
        return self.command(
            lambda: enqueue(db.session, JOB, actor=current_actor(), renovation=renovation.id, language=language),
            done=_("The permit file is being put together."), then=lambda job: url_for("JobPage.show", pk=job.id),
            back=url_for("RenovationView.show", pk=pk),
        )  # fmt: skip


class RenovationSettlementView(DocumentView):
    """The settlement of a renovation's deposits: deductions, order of set-off, payee, approvals, refund (C9, RN-12)."""

    datamodel = RecordInterface(RenovationSettlement)
    resource, route_base, workflow = "RenovationSettlement", "/renovation-settlements", SETTLEMENT
    series = completion.SERIES
    list_title, show_title = _l("Settlements of deposits"), _l("Settlement of deposits")
    edit_title = _l("Edit the payee")
    empty_hint = _l("Settlements are drawn up on the page of an accepted renovation.")
    list_columns = (
        "number", "unit_id", "renovation_id", "deposit", "deducted", "refund", "state", "accepted_on", "paid_at"
    )  # fmt: skip
    search_columns = (*list_columns, "claim", "payee_name", "deposit_receipt", "checked_at", "approved_at")
    list_cell = {"number": link_to_show(lambda settlement: settlement.number)}
    edit_columns = ("payee_name", "payee_account")
    show_fieldsets = (
        (_l("Settlement"), ("renovation_id", "unit_id", "accepted_on", "deposit_receipt")),
        (_l("Payee"), ("payee_name", "payee_account", "id_checked")),
        (
            _l("Approvals"),
            ("checked_at", "checked_by_name", "approved_at", "approved_by_name", "paid_at", "paid_by_name"),
        ),
    )
    show_empty = False
    show_template = "renovation/settlement.html"

    def editable(self, record: RenovationSettlement | None, actor: Actor) -> set[str]:
        """The payee, until the settlement is checked; it is signed on the voucher only."""
        return set(self.edit_columns) if record and record.state == SettlementState.DRAFT else set()

    def update(self, record: RenovationSettlement, values: dict[str, Any], *, actor: Actor) -> None:
        given = {name: values.get(name, getattr(record, name)) for name in self.edit_columns}
        completion.change_payee(db.session, record, **given, actor=actor)

    def sections(self, record: RenovationSettlement, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        """The reckoning first, then what is deducted, the account for who may see it, and the voucher."""
        reckoning = {"record": record, "days": days_since(record), "shares": shares_of(db.session, record)}
        changeable = record.state == SettlementState.DRAFT and actor.may("update", self.resource)
        deductions = {
            "record": record, "changeable": changeable, "violations": record.renovation.violations,
            "files": {file.id: file for file in _evidence(db.session, record)},
        }  # fmt: skip
        return [
            (_("Reckoning"), "renovation/_reckoning.html", reckoning),
            (_("Deductions"), "renovation/_deductions.html", deductions),
            *secrets_section(record, self.resource, actor), *super().sections(record, actor),
        ]  # fmt: skip

    def to_identify(self, record: RenovationSettlement) -> bool:
        """Whether the cashier can note now that the payee's identity is checked."""
        waiting = not record.id_checked and record.state != SettlementState.PAID
        return waiting and current_actor().may("pay", self.resource)

    @expose("/<int:pk>/deductions", methods=["POST"])
    @requires("update")
    def deduct(self, pk: int) -> Response:
        """Set something off, with its clause and the file that shows why."""
        record, given = self.record_or_404(pk), request.form

        def work() -> None:
            violation = given.get("violation_id", "")
            known = {str(one.id): one.id for one in record.renovation.violations}
            completion.deduct(
                db.session, record, reason=given.get("reason", ""), clause=given.get("clause", ""),
                amount=money(given.get("amount", "")), evidence=request.files.get("evidence"), violation_id=known.get(violation),
                actor=current_actor(),
            )  # fmt: skip

        return self.command(
            work, done=_("The deduction is entered."), then=f"{self.address_of(record)}#deductions", record=record
        )

    @expose("/<int:pk>/deductions/<int:number>/drop", methods=["POST"])
    @requires("update")
    def drop(self, pk: int, number: int) -> Response:
        """Take a deduction back."""
        record = self.record_or_404(pk)
        line: SettlementDeduction | None = next((one for one in record.deductions if one.id == number), None)
        if line is None:
            raise NotAllowed(f"deduction {number}")
        return self.command(
            lambda: completion.drop_deduction(db.session, record, line, actor=current_actor()),
            done=_("The deduction is taken back."), then=f"{self.address_of(record)}#deductions", record=record,
        )  # fmt: skip

    @expose("/<int:pk>/identity", methods=["POST"])
    @requires("pay")
    def identity(self, pk: int) -> Response:
        """The payee's identity is checked."""
        record = self.record_or_404(pk)
        return self.command(
            lambda: completion.identify_payee(db.session, record, actor=current_actor()),
            done=_("The payee's identity is noted as checked."), then=self.address_of(record), record=record,
        )  # fmt: skip


def _evidence(session: Session, settlement: RenovationSettlement) -> Sequence[Attachment]:
    wanted = [line.evidence_id for line in settlement.deductions]
    return session.scalars(select(Attachment).where(Attachment.id.in_(wanted))).all()


def register_completion(registry: Registry, category: Any) -> None:
    """Inspections, settlements, their papers, and the permit file."""
    for kind in KINDS:
        registry.paper(kind)
    registry.view(CompletionPage)
    registry.view(RenovationSettlementView, label=_l("Settlements of deposits"), category=category, icon="cash")
    registry.page("renovation_settlement", lambda number: url_for("RenovationSettlementView.show", pk=number))
    registry.page("renovation_inspection", _page_of_inspection)
    registry.guard("renovation_inspection", "Renovation")
    registry.guard("renovation_deduction", "RenovationSettlement")
    for table in ("renovation_inspection", "renovation_settlement"):
        registry.contribute(FiledUnder(name=table, part=Filed.RENOVATION))
    registry.search(search_by_number(RenovationSettlementView, "cash"))
    registry.job(JOB, print_permit_file)


def _page_of_inspection(number: int) -> str:
    """An inspection stands on the page of its renovation."""
    inspection = db.session.get(CompletionInspection, number)
    return url_for("RenovationView.show", pk=inspection.renovation_id, _anchor="inspections") if inspection else ""
