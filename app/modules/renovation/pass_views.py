"""Temporary passes on the screen: the register of issue and return, and the gate on a phone (RN-08, RN-11, RN-12)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.core.access.actor import current_actor
from app.core.papers.archive import Filed, FiledUnder
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.identifiers import day as read_day
from app.core.records.lookup import reach
from app.core.registry import QuickStart, Recurring, Registry
from app.extensions import db
from app.fab.documents import DocumentView, search_by_number
from app.fab.interface import RecordInterface
from app.fab.views import Page, expose, link_to_show, requires
from app.modules.renovation import pass_parts as pass_parts  # its parts of the renovation's page
from app.modules.renovation import pass_queries, passes
from app.modules.renovation.parts import reached
from app.modules.renovation.pass_models import TemporaryPass
from app.modules.renovation.pass_papers import KINDS
from app.modules.renovation.pass_workflow import PASS
from app.modules.renovation.states import FOLLOWED, PassState
from app.modules.renovation.worker_views import RenovationWorkerView


class TemporaryPassView(DocumentView):
    """The register of issue and return (F29), and the page of a pass."""

    datamodel = RecordInterface(TemporaryPass)
    resource, route_base, workflow, series = "TemporaryPass", "/temporary-passes", PASS, passes.SERIES
    list_title, show_title = _l("Temporary passes"), _l("Temporary pass")
    empty_hint = _l("Passes are issued on the page of their renovation.")
    list_columns = (
        "number", "worker_id", "unit_id", "kind", "valid_from", "valid_to", "state", "issued_at", "received_by", "returned_at",
        "condition",
    )  # fmt: skip
    search_columns = (*list_columns, "renovation_id", "issued_by_name", "security_told_at", "end_reason")
    list_cell = {"number": link_to_show(lambda one: one.number)}
    show_fieldsets = (
        (_l("Pass"), ("worker_id", "unit_id", "renovation_id", "kind", "follows_id", "valid_from", "valid_to")),
        (_l("Issue"), ("issued_at", "issued_by_name", "received_by")),
        (_l("Return"), ("end_reason", "returned_at", "condition", "security_told_at")),
    )
    show_empty = False
    show_template = "renovation/pass.html"

    def following(self, record: TemporaryPass) -> dict[str, Any] | None:
        """The days that a successor of this pass may have; nothing where there is none to issue."""
        taken = any(one.state == PassState.VALID and one is not record for one in record.worker.passes)
        if record.state not in FOLLOWED or taken or not current_actor().may("issue", self.resource):
            return None
        first, last = pass_queries.usual_days(db.session, record.renovation)
        return {"first": first, "last": last} if first <= last else None

    def answer(self, record: TemporaryPass) -> pass_queries.GateAnswer:
        """What the gate is told of this pass now."""
        return pass_queries.GateAnswer(record, pass_queries.why_not(db.session, record))

    @expose("/issue/<int:renovation_id>", methods=["POST"])
    @requires("issue")
    def issue(self, renovation_id: int) -> Response:
        """Passes with the same days for the chosen workers (RN-08)."""
        actor, renovation = current_actor(), reached(renovation_id)
        chosen = set(request.form.getlist("worker"))

        def work() -> list[TemporaryPass]:
            workers = [worker for worker in pass_queries.waiting_for_pass(renovation) if str(worker.id) in chosen]
            if not workers:
                raise InvalidValue(_l("Choose at least one verified worker without a pass."))
            first, last = (read_day(request.form.get(name, "")) for name in ("valid_from", "valid_to"))
            return passes.issue_passes(db.session, workers, valid_from=first, valid_to=last, actor=actor)

        def said(issued: list[TemporaryPass]) -> list[tuple[str, str]]:
            return [("success", ngettext("%(num)s pass is issued.", "%(num)s passes are issued.", len(issued)))]

        return self.command(work, done=said, then=f"{url_for('RenovationView.show', pk=renovation.id)}#passes")

    @expose("/<int:pk>/follow", methods=["POST"])
    @requires("issue")
    def follow(self, pk: int) -> Response:
        """Extend the pass, or replace it when it is lost."""
        record = self.record_or_404(pk)

        def work() -> TemporaryPass:
            last, receiver = read_day(request.form.get("valid_to", "")), request.form.get("received_by", "")
            return passes.follow_pass(db.session, record, valid_to=last, received_by=receiver, actor=current_actor())

        here = self.address_of(record)
        return self.command(
            work, done=_("The new pass is issued."), back=here, record=record,
            then=lambda issued: self.address_of(issued) if issued else here,
        )  # fmt: skip


class GatePage(Page):
    """Security scans or types a pass and sees at once whether its holder may in (RN-08, RN-11)."""

    resource, route_base = "TemporaryPass", "/gate"

    @expose("/")
    @expose("/<token>")
    @requires("gate")
    def index(self, token: str = "") -> str:
        """What the QR code of a pass leads to; ``?text=`` looks for a number or the end of it."""
        text, actor = (token or request.args.get("text", "")).replace("\0", "").strip()[:100], current_actor()
        answer = pass_queries.at_gate(db.session, text) if text else None
        estate = actor.estate_id
        inside = pass_queries.inside_now(db.session, estate) if estate is not None else ()
        last: Any = None
        days = 0
        if answer and answer.found:
            last = next((c for c in reversed(answer.found.worker.conduct) if c.kind in ("entry", "exit")), None)
            days = (answer.found.valid_to - estate_today(db.session, answer.found.estate_id)).days
        return self.render(
            "renovation/gate.html", title=_("Gate"), text="" if token else text, answer=answer, inside=inside, last=last,
            days=days,
        )  # fmt: skip

    @expose("/<int:pk>/<any(entry, exit):kind>", methods=["POST"])
    @requires("gate")
    def let_through(self, pk: int, kind: str) -> Response:
        """Note an entry or exit."""
        one: TemporaryPass = reach(db.session, "temporary_pass", pk, verb="gate", actor=current_actor())
        return self.command(
            lambda: passes.let_through(db.session, one, kind, actor=current_actor()),
            done=_("Entry of %(name)s noted.", name=one.worker.name) if kind == "entry"
            else _("Exit of %(name)s noted.", name=one.worker.name),
            then=url_for("GatePage.index"), back=url_for("GatePage.index", token=one.token),
        )  # fmt: skip


def register_passes(registry: Registry, category: Any) -> None:
    """Screens, papers and search of workers and passes, the gate, and that personal data go in time."""
    for kind in KINDS:
        registry.paper(kind)
    for table in ("renovation_worker", "temporary_pass"):
        registry.contribute(FiledUnder(name=table, part=Filed.RENOVATION))
    registry.view(RenovationWorkerView, label=RenovationWorkerView.list_title, category=category, icon="users")
    registry.view(TemporaryPassView, label=TemporaryPassView.list_title, category=category, icon="id")
    registry.view(GatePage, label=_l("Gate"), category=category, icon="scan")
    registry.page("renovation_worker", lambda number: url_for("RenovationWorkerView.show", pk=number))
    registry.page("temporary_pass", lambda number: url_for("TemporaryPassView.show", pk=number))
    registry.search(search_by_number(TemporaryPassView, "id"))
    registry.contribute(
        QuickStart(
            name="renovation-gate", title=_l("Check a temporary pass"), endpoint="GatePage.index", icon="scan", verb="gate",
            resource="TemporaryPass", order=5,
        )
    )  # fmt: skip
    registry.contribute(
        Recurring(
            name="renovation.forget_workers", title=_l("ID numbers and photos of former renovation workers removed"),
            every=timedelta(hours=6), work=passes.forget_workers,
        )
    )  # fmt: skip
