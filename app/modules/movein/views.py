"""The move-ins of an estate: the list, opening one, and the case page on which an owner is taken to the keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.papers.services import papers_of
from app.core.records.choices import in_language
from app.extensions import db
from app.fab.custom_forms import custom_groups, first_values, in_sections, keep_customs, with_customs, with_files
from app.fab.interface import RecordInterface
from app.fab.submit import Outcome, carry_out, spread
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.estates.models import Unit
from app.modules.movein import forms, panels, queries, registration, services
from app.modules.movein.gates import said
from app.modules.movein.models import CaseSignature, KeyHandover, MoveInCase
from app.modules.movein.paper_contexts import pack_sheets
from app.modules.movein.states import CaseState, CheckResult
from app.modules.movein.workflow import MOVE_IN
from app.modules.people.queries import owners_of
from app.modules.people.services import CONSTRAINTS

Work = Callable[[MoveInCase, dict[str, Any]], Any]


class MoveInCaseView(RecordView):
    """Every POST of the page is one small service; a refusal draws the page again with all that was typed."""

    datamodel = RecordInterface(MoveInCase)
    resource = "MoveInCase"
    route_base = "/move-ins"
    list_title = _l("Move-ins")
    show_title = _l("Move-in")
    add_title = _l("New move-in")
    empty_hint = _l("Open a move-in from the page of a unit, or with the button above.")
    list_columns = ["number", "unit_id", "owner_id", "state", "conclusion", "created_at", "move_in_on"]
    order_columns = ["number", "created_at", "move_in_on"]
    search_columns = ["number", "unit_id", "owner_id", "state", "conclusion", "created_at", "move_in_on"]
    lookup_columns = ["number"]
    show_columns = ["number", "unit_id", "owner_id", "state", "conclusion"]
    add_columns = list(forms.NOTICE)
    list_cell = {"number": link_to_show(lambda case: case.number)}
    constraint_messages = CONSTRAINTS
    workflow = MOVE_IN
    milestones = (
        "transition", "sign", "issue", "print", "reveal", "comment", "withdraw", "file", "take", "hand_over", "late_reason", "escalate",
    )  # fmt: skip

    def fields_open(self, record: MoveInCase | None, actor: Actor) -> bool:
        return record is None or record.is_open

    # The case page

    def _page_of(self, record: MoveInCase, **more: Any) -> str:
        actor = current_actor()
        panel = more.pop("panel", "") or request.args.get("step", "")
        panel = panel if panel in panels.PANELS else panels.panel_of(record)
        offers = MOVE_IN.offers(record, actor)
        history = queries.transitions_of(db.session, record)
        following = queries.next_offer(record, offers)
        refused = record.state == CaseState.REFUSED
        missing = following.blockers if following and not refused else queries.missing_at(record, actor)
        shown = panels.PANELS[panel]
        page: str = self.render_template(
            "movein/case.html", title=f"{self.show_title} {record.number}", view=self, case=record, record=record,
            look=MOVE_IN.look(record), steps=queries.steps_of(record, history, missing),
            ending=queries.ending_of(record, history), panel=panel, panel_title=shown.title, panel_template=shown.template,
            part=panels.values_of(panel, record, actor, more.pop("given", {})),
            following=following, others=[o for o in offers if o is not following],
            records=queries.records_of(db.session, record), paper_title=queries.paper_title,
            kinds=panels.kinds_at(panel),
            papers=papers_of(db.session, record), pack=pack_sheets(record), entries=self.happenings(record), said=said,
            said_of=in_language, details=in_sections([], self.custom_cells(record)),
            can_edit=self.can_edit(record, actor), **more,
        )  # fmt: skip
        return page

    def step_address(self, case: MoveInCase, panel: str = "") -> str:
        """The case page with a step open; the step the case stands at needs no name."""
        return url_for(
            "MoveInCaseView.show", pk=case.id, step=None if panel == panels.panel_of(case) else panel or None
        )

    def _take(
        self, pk: int, panel: str, key: str, work: Work, *, done: Any,
    ) -> Response | tuple[str, int]:  # fmt: skip
        """Read the form ``key`` of a panel, carry out ``work`` and go back to the step."""
        case = self.record_or_404(pk)
        actor = current_actor()
        form = panels.form_of(panel, key, case, actor)
        general: list[str] = []
        stale = False
        if form.validate():
            outcome = self._carry(case, lambda: work(case, form.values()), panel)
            if outcome.done:
                flash(str(done), "success")
                return redirect(outcome.location)
            stale = outcome.stale
            general = spread(form, outcome)
            case = self.record_or_404(pk)
        if stale:
            forms.compare(form)
            general = [
                _(
                    "Somebody else just changed this move-in. What you entered is still here: compare it with the page as "
                    "it is now and save again."
                )
            ]
        page = self._page_of(case, panel=panel, given={key: form}, refused=general)
        return page, 409 if stale else 422

    def _carry(self, case: MoveInCase, work: Callable[[], Any], panel: str) -> Outcome:
        sent = request.form.get("version", "")

        def checked() -> Any:
            if sent and sent != str(case.version):
                raise StaleDataError
            return work()

        return carry_out(checked, lambda _result: self.step_address(case, panel), self.constraint_messages)

    # Opening a case

    @expose("/new", methods=["GET", "POST"])
    @requires("create")
    def add(self) -> Response | str | tuple[str, int]:
        """Choose the unit, then its owner: ``/move-ins/new?unit=7``."""
        unit = self._unit(request.values.get("unit", ""))
        if unit is None:
            return self._choose_unit()
        earlier = services.open_case_of(db.session, unit.id)
        if earlier:
            flash(_("A move-in of unit %(unit)s is open already.", unit=unit.code), "warning")
            return redirect(self.step_address(earlier))
        owners = [tenure.person for tenure in owners_of(db.session, unit.id)]
        first = {"owner": str(owners[0].id)} if len(owners) == 1 else {} if owners else {"owner": forms.NEW_PERSON}
        actor = current_actor()
        customs = self.customs(None, actor)
        kind = with_customs(forms.opening(owners), customs)
        form = forms.bound(kind, "open", data={**first, **first_values(customs)})
        general: list[str] = []
        if request.method == "POST" and form.validate():

            def work() -> MoveInCase:
                case = registration.open_for(db.session, unit, form.values(), actor=actor)
                keep_customs(db.session, case, form, actor=actor)
                return case

            outcome = carry_out(
                work,
                lambda case: self.step_address(case) if case else url_for("MoveInCaseView.list"),
            )
            if outcome.done:
                flash(_("The move-in is open."), "success")
                return redirect(outcome.location)
            general = spread(form, outcome)
        values = {
            "unit": unit,
            "form": form,
            "general": general,
            "owners": owners,
            "notice": forms.NOTICE,
            "identity": forms.IDENTITY,
            "more": custom_groups(form),
            "with_files": with_files(form),
        }
        page = self.render_template("movein/open.html", title=self.add_title, view=self, **values)
        return (page, 422) if request.method == "POST" else page

    def _unit(self, text: str) -> Unit | None:
        if not text:
            return None
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise NotAllowed(f"unit {text}")
        unit = db.session.scalar(sa.select(Unit).where(Unit.id == int(text)))
        if unit is None:
            raise NotAllowed(f"unit {text}")
        return unit

    def _choose_unit(self) -> str:
        form = forms.ChooseUnit()
        page: str = self.render_template("movein/choose_unit.html", title=self.add_title, view=self, form=form)
        return page

    # Documents (MI-05)

    @expose("/<int:pk>/notice", methods=["POST"])
    @requires("update")
    def notice(self, pk: int) -> Any:
        return self._take(
            pk, "documents", "notice", lambda case, v: services.update_notice(case, **v), done=_l("Saved.")
        )

    @expose("/<int:pk>/receiver", methods=["POST"])
    @requires("update")
    def receiver(self, pk: int) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            services.set_receiver(db.session, case, **values, actor=current_actor())

        panel = panels.panel_of(self.record_or_404(pk))
        return self._take(pk, panel if panel == "registration" else "documents", "receiver", work, done=_l("Saved."))

    @expose("/<int:pk>/checks", methods=["POST"])
    @requires("check_documents")
    def checks(self, pk: int) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            for check in case.checks:
                result, note = values[f"result_{check.id}"], values[f"note_{check.id}"]
                if result == CheckResult.PENDING and check.mandatory and "all" in request.form:
                    result = CheckResult.PRESENT
                if (result, note) != (check.result, check.note):
                    services.check_paper(db.session, check, result=result, note=note, actor=current_actor())

        return self._take(pk, "documents", "checks", work, done=_l("The check is saved."))

    # Registration (F10)

    @expose("/<int:pk>/owner", methods=["POST"])
    @requires("register")
    def owner(self, pk: int) -> Any:
        return self._register(pk, "owner", registration.register_owner, _l("The owner's data is saved."))

    @expose("/<int:pk>/holding/<int:number>", methods=["POST"])
    @requires("register")
    def holding(self, pk: int, number: int) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            registration.register_holding(db.session, case, number, values, actor=current_actor())

        return self._take(pk, "registration", f"holding_{number}", work, done=_l("Saved."))

    @expose("/<int:pk>/co-owner", methods=["POST"])
    @requires("register")
    def co_owner(self, pk: int) -> Any:
        return self._register(pk, "co_owner", registration.add_co_owner, _l("The co-owner is entered."))

    @expose("/<int:pk>/member", methods=["POST"])
    @requires("register")
    def member(self, pk: int) -> Any:
        return self._register(pk, "member", registration.add_member, _l("The household member is entered."))

    @expose("/<int:pk>/vehicle", methods=["POST"])
    @requires("register")
    def vehicle(self, pk: int) -> Any:
        return self._register(pk, "vehicle", registration.add_vehicle, _l("The vehicle is entered."))

    @expose("/<int:pk>/consent", methods=["POST"])
    @requires("register")
    def consent(self, pk: int) -> Any:
        return self._register(
            pk, "consent", registration.record_consents, _l("The acknowledgement of the privacy notice is recorded.")
        )

    def _register(self, pk: int, key: str, service: Callable[..., Any], done: Any) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            service(db.session, case, values, actor=current_actor())

        return self._take(pk, "registration", key, work, done=done)

    # Signatures (MI-07, MI-08, MI-11)

    @expose("/<int:pk>/sign/<paper>", methods=["POST"])
    @requires("read")
    def sign(self, pk: int, paper: str) -> Any:
        if paper not in services.PAPER_STEPS:
            raise NotAllowed(paper)

        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            scan = values["scan"]
            services.sign(
                db.session, case, paper=paper, signer=values["signer"], drawing=values["drawing"] or "",
                scan=scan if isinstance(scan, FileStorage) else None, actor=current_actor(),
            )  # fmt: skip

        return self._take(
            pk, panels.panel_with(paper), f"sign_{paper}", work, done=_("%(paper)s is signed.", paper=paper)
        )

    @expose("/<int:pk>/signatures/<int:number>/revoke", methods=["POST"])
    @requires("sign")
    def revoke(self, pk: int, number: int) -> Any:
        signature = self._part(CaseSignature, pk, number)

        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            services.revoke_signature(db.session, signature, reason=values["reason"], actor=current_actor())

        return self._take(
            pk,
            panels.panel_with(signature.paper),
            f"revoke_{signature.paper}",
            work,
            done=_l("The signature is revoked."),
        )

    # Handing out (MI-08, F12)

    @expose("/<int:pk>/handouts", methods=["POST"])
    @requires("hand_out")
    def handouts(self, pk: int) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            services.hand_out(
                db.session, case, actor=current_actor(),
                codes=[h.code for h in case.handouts if values[f"issued_{h.id}"] or (h.required and "all" in request.form)],
            )  # fmt: skip
            for h in case.handouts:
                copies, pages, returned = (values[f"{name}_{h.id}"] for name in ("copies", "pages", "returned"))
                returned = returned or (h.returned_on if h.issued_at else None)
                if (copies, pages, returned) != (h.copies, h.pages, h.returned_on):
                    services.update_handout(
                        db.session,
                        h,
                        copies=copies or 0,
                        pages=pages,
                        returned_on=returned,
                        note=h.note,
                        actor=current_actor(),
                    )

        return self._take(pk, "handout", "handouts", work, done=_l("The list of documents is saved."))

    # Entrusted services (MI-09, F14)

    @expose("/<int:pk>/services", methods=["POST"])
    @requires("entrust")
    def entrust(self, pk: int) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            values["fee"] = values["fee"] or 0
            services.entrust(db.session, case, **values, actor=current_actor())

        return self._take(pk, "services", "service", work, done=_l("The service is registered and assigned."))

    # Keys (MI-11, F13)

    @expose("/<int:pk>/keys", methods=["POST"])
    @requires("hand_over_keys")
    def key(self, pk: int) -> Any:
        def work(case: MoveInCase, values: dict[str, Any]) -> None:
            services.list_key(db.session, case, **values, actor=current_actor())

        return self._take(pk, "keys", "key", work, done=_l("The keys are listed."))

    @expose("/<int:pk>/keys/usual", methods=["POST"])
    @requires("hand_over_keys")
    def usual_keys(self, pk: int) -> Any:
        case = self.record_or_404(pk)
        return self.command(
            lambda: services.list_usual_keys(db.session, case, actor=current_actor()),
            done=_("The usual keys are listed; correct what differs."), then=self.step_address(case, "keys"),
        )  # fmt: skip

    @expose("/<int:pk>/keys/<int:number>/remove", methods=["POST"])
    @requires("hand_over_keys")
    def remove_key(self, pk: int, number: int) -> Any:
        key = self._part(KeyHandover, pk, number)
        return self.command(
            lambda: services.remove_key(db.session, key, actor=current_actor()),
            done=_("The line is taken off the list."), then=self.step_address(key.case, "keys"),
        )  # fmt: skip

    def _part(self, model: type[Any], pk: int, number: int) -> Any:
        """A row that belongs to the case, or 404."""
        self.record_or_404(pk)
        found = db.session.scalar(sa.select(model).where(model.id == number, model.case_id == pk))
        if found is None:
            raise NotAllowed(f"{model.__tablename__} {number}")
        return found
