"""Work list of the services owners entrusted to the centre: mine or all, finishing and cancelling them (F14, MI-09)."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from flask import flash, redirect, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import current_actor
from app.core.records.choices import in_language
from app.extensions import db
from app.fab import cells
from app.fab.fields import AmountField, ChoiceField, RecordForm, TextField
from app.fab.interface import RecordInterface
from app.fab.submit import carry_out, spread
from app.fab.views import BulkCommand, RecordView, expose, requires
from app.modules.movein.models import EntrustedService
from app.modules.movein.services import cancel_service, finish_service
from app.modules.movein.states import ServiceState

COLOURS = {ServiceState.OPEN: "blue", ServiceState.DONE: "green", ServiceState.CANCELLED: "secondary"}
SATISFACTION = {
    5: _l("5 very satisfied"), 4: _l("4 satisfied"), 3: _l("3 neutral"), 2: _l("2 dissatisfied"), 1: _l("1 very dissatisfied"),
}  # fmt: skip


class FinishForm(RecordForm):
    """How the service was carried out."""

    result = TextField(_l("Result"), rows=3, length=300)
    fee = AmountField(_l("Fee"))
    receipt_no = TextField(_l("Receipt no."), length=40)
    satisfaction = ChoiceField(_l("Satisfaction"), values=SATISFACTION.items)


class CancelForm(RecordForm):
    """Why the service is no longer wanted."""

    reason = TextField(_l("Reason"), rows=2, length=300)


def _title(service: EntrustedService) -> str:
    return in_language(service.title_zh, service.title_en)


class EntrustedServiceView(RecordView):
    datamodel = RecordInterface(EntrustedService)
    resource = "EntrustedService"
    route_base = "/entrusted-services"
    list_title = _l("Entrusted services")
    show_title = _l("Entrusted service")
    empty_hint = _l("Services are registered on the page of a move-in.")
    list_columns = ("title", "unit", "details", "appointment_at", "assignee_name", "state", "fee")
    search_columns = ("state", "unit_id", "assignee_id", "appointment_at", "details", "code", "paid")
    order_columns = ("appointment_at", "assignee_name", "state", "fee")
    base_order = ("appointment_at", "asc")
    first_filter: ClassVar = {"state": (ServiceState.OPEN.value,)}
    label_columns = {"title": _l("Service")}
    bulk = (
        BulkCommand(
            name="cancel", title=_l("Cancel the service"), verb="update", icon="x", danger=True, work=cancel_service,
            asks=CancelForm,
        ),
    )  # fmt: skip
    list_cell = {
        "title": _title,
        "state": lambda service: cells.badge(service.state.title, COLOURS[service.state]),
    }
    list_template = "movein/service_list.html"
    show_template = "movein/service_show.html"
    show_fieldsets = (
        ("", ("title", "unit", "case_id", "details", "materials", "appointment_at", "rate", "paid", "state")),
        (_l("Work"), ("assignee_name", "accepted_by_name", "done_at", "result", "fee", "receipt_no", "satisfaction")),
    )

    def _page_of(self, record: EntrustedService, **more: Any) -> str:
        forms = {
            "finish_form": FinishForm(None, obj=record),
            "cancel_form": CancelForm(None),
            "refused": "",
            "general": [],
            **more,
        }
        open_now = record.state == ServiceState.OPEN and current_actor().may("update", "EntrustedService")
        return super()._page_of(record, open_now=open_now, **forms)

    @expose("/<int:pk>/finish", methods=["POST"])
    @requires("update")
    def finish(self, pk: int) -> Any:
        """The work is done."""

        def work(service: EntrustedService, values: dict[str, Any]) -> None:
            values["fee"] = values["fee"] or Decimal(0)
            finish_service(db.session, service, actor=current_actor(), **values)

        return self._take(pk, "finish", FinishForm(request.form), work, _("The service is finished."))

    @expose("/<int:pk>/cancel", methods=["POST"])
    @requires("update")
    def cancel(self, pk: int) -> Any:
        """The owner no longer wants the service."""

        def work(service: EntrustedService, values: dict[str, Any]) -> None:
            cancel_service(db.session, service, actor=current_actor(), **values)

        return self._take(pk, "cancel", CancelForm(request.form), work, _("The service is cancelled."))

    def _take(
        self, pk: int, name: str, form: RecordForm, work: Callable[[EntrustedService, dict[str, Any]], None], done: str
    ) -> Any:
        service = self.record_or_404(pk)
        general: list[str] = []
        if form.validate():
            outcome = carry_out(lambda: work(service, form.values()), lambda _result: self.address_of(service))
            if outcome.done:
                flash(done, "success")
                return redirect(outcome.location)
            general = spread(form, outcome)
        return self._page_of(self.record_or_404(pk), refused=name, general=general, **{f"{name}_form": form}), 422
