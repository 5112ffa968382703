"""Screens of the fees module: catalogue, bills with their payments, the cashier's day list."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from flask import abort, flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.records.amounts import format_money
from app.core.records.base import Record
from app.core.records.clock import estate_today
from app.core.records.lookup import reach
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.extensions import db
from app.fab import cells
from app.fab.fields import RecordForm, TextField
from app.fab.interface import RecordInterface
from app.fab.scope import safe_next
from app.fab.submit import Outcome, carry_out
from app.fab.views import Page, RecordView, assign, expose, link_to_show, requires
from app.modules.estates.models import Unit
from app.modules.fees import services
from app.modules.fees.forms import ChargeForm, charge_forms, place_errors, read_payment, reckon
from app.modules.fees.models import Bill, FeeItem, Payment
from app.modules.fees.printing import RECEIPT
from app.modules.fees.queries import (
    MethodTotal,
    added_up,
    papers_of_bill,
    payments_between,
    proposed_items,
    refunds_between,
    totals_by_method,
    totals_of_bills,
    whole_bill,
)
from app.modules.fees.states import PaymentMethod
from app.modules.people.models import Person

PAYMENT_DAYS = 15
"""Days a bill proposes for payment when it is not issued at the counter for a case."""

BILL_RULES = {
    "received_within_receivable": _l("More was paid than is owed."),
    "due_not_before_issue": ("due_on", _l("The bill cannot be due before today.")),
    "discount_has_reason": _l("A discount needs its reason."),
    "no_handling_fee_on_behalf": _l("No handling fee may be charged on money collected for suppliers."),
}


class FeeItemView(RecordView):
    """The fee-item catalogue (forms A8)."""

    datamodel = RecordInterface(FeeItem)
    resource = "FeeItem"
    route_base = "/fee-items"
    list_title = _l("Fee items")
    show_title = _l("Fee item")
    add_title = _l("New fee item")
    edit_title = _l("Edit fee item")
    intro = _l("What may be charged, at the rates published in the estate. Changes apply to new bills only.")
    label_columns = {"title": _l("Title"), "caution": _l("Caution")}
    list_columns = ["title", "code", "kind", "basis", "rate", "refundable", "proposed", "active"]
    search_columns = ["title_zh", "title_en", "code", "kind", "basis", "active"]
    base_order = ("seq", "asc")
    list_cell = {"title": link_to_show(str), "rate": lambda item: item.price, "caution": lambda item: item.caution_text}
    show_fieldsets = [
        ("", ["title", "code", "kind", "basis", "rate", "cap", "handling_fee", "caution"]),
        (_l("Rules"), ["taxable", "refundable", "mandatory", "proposed", "advance", "active", "seq"]),
    ]
    edit_columns = [
        "title_zh", "title_en", "kind", "basis", "rate", "cap", "handling_fee", "taxable", "refundable", "mandatory", "proposed",
        "advance", "active", "seq", "caution_zh", "caution_en",
    ]  # fmt: skip
    add_columns = ["code", *edit_columns]
    constraint_messages = {
        "no_handling_fee_on_behalf": (
            "handling_fee",
            _l("No handling fee may be charged on money collected for suppliers."),
        ),
        "deposit_is_refundable": ("refundable", _l("A deposit has to be refundable.")),
        "rate_not_negative": ("rate", _l("The rate cannot be below zero.")),
    }

    def create(self, values: dict[str, Any], *, actor: Actor) -> FeeItem:
        item = FeeItem(estate_id=actor.estate_id)
        assign(item, values)
        return services.save_fee_item(db.session, item, actor=actor)

    def update(self, record: FeeItem, values: dict[str, Any], *, actor: Actor) -> None:
        with db.session.no_autoflush:
            assign(record, values)
            services.save_fee_item(db.session, record, actor=actor)


class BillView(RecordView):
    """Bills: list, a bill with its payments and papers, a new bill (MI-06)."""

    datamodel = RecordInterface(Bill)
    resource = "Bill"
    route_base = "/bills"
    list_title = _l("Bills")
    show_title = _l("Bill")
    add_title = _l("New bill")
    label_columns = {"standing": _l("Payment status")}
    list_columns = ["number", "unit", "payer_name", "issued_on", "due_on", "receivable", "received", "standing"]
    search_columns = ["number", "unit_id", "payer_name", "issued_on", "due_on", "open"]
    order_columns = ["number", "payer_name", "issued_on", "due_on", "receivable", "received"]
    list_cell = {
        "number": link_to_show(lambda bill: bill.number),
        "standing": lambda bill: cells.badge(bill.standing.title, bill.standing.colour),
    }
    show_fieldsets = [("", ["unit", "issued_on", "due_on"])]
    add_columns = ["unit_id", "payer_id", "payer_name", "due_on", "joint_liable"]
    form_fields = {"payer_name": TextField(_l("Payer’s name, if not registered"), length=120)}
    constraint_messages = BILL_RULES
    show_template = "fees/bill.html"

    def record_or_404(self, pk: int) -> Bill:
        bill = whole_bill(db.session, pk)
        if bill is None:
            raise NotAllowed(f"Bill {pk}")
        return bill

    def totals(self, clauses: list[Any]) -> list[tuple[Any, str]]:
        receivable, received = totals_of_bills(db.session, *clauses)
        return [(_("Receivable"), format_money(receivable)), (_("Received"), format_money(received))]

    def _page_of(self, record: Bill, **more: Any) -> str:
        page, number = registry().record_pages.get(record.source_type), record.source_id
        return super()._page_of(
            record, bill=record, papers=papers_of_bill(db.session, record), next=url_for("BillView.show", pk=record.id),
            source_address=page(number) if page and number else "", **more,
        )  # fmt: skip

    # A new bill

    @expose("/new", methods=["GET", "POST"])
    @requires("create")
    def add(self) -> Any:
        """``?unit=&payer=&source=movein_case:12&next=``: bill fee items for a unit, perhaps for a case."""
        actor = current_actor()
        source = _source(request.values.get("source", ""), actor)
        today = estate_today(db.session, actor.estate_id or 0)
        posted = request.form if request.method == "POST" else None
        form = self.add_form(posted, data=self._first_values(source, today))
        charges = charge_forms(proposed_items(db.session), today, posted)
        if posted is None:
            return self._new_bill(form, charges, source)
        readable = [charge.complete for charge in charges]
        if not (form.validate() and all(readable)):
            return self._new_bill(form, charges, source), 422
        outcome = carry_out(
            lambda: self._issue(form, charges, source, actor),
            lambda bill: _way_back(url_for("BillView.show", pk=bill.id)),
            self.constraint_messages,
        )
        if not outcome.done:
            return self._new_bill(form, charges, source, outcome), 422
        flash(_("The bill is issued."), "success")
        return redirect(outcome.location, 303)

    def _first_values(self, source: Record | None, today: date) -> dict[str, Any]:
        first: dict[str, Any] = {"due_on": today if source else today + timedelta(days=PAYMENT_DAYS)}
        for name in ("unit", "payer"):
            text = request.args.get(name, "")
            if text.isascii() and text.isdigit() and len(text) < 10:
                first[f"{name}_id"] = int(text)
        return first

    def _issue(self, form: RecordForm, charges: list[ChargeForm], source: Record | None, actor: Actor) -> Bill:
        unit: Unit = form["unit_id"].record()
        payer: Person | None = form["payer_id"].record()
        if source is not None and getattr(source, "unit_id", unit.id) != unit.id:
            raise FieldErrors({"unit_id": _("The bill belongs to a case of another unit.")})
        return services.issue_bill(
            db.session,
            unit=unit,
            payer_id=payer.id if payer else None,
            payer_name=payer.name if payer else form["payer_name"].data,
            charges=[charge.charge() for charge in charges if charge.chosen.data],
            source=source,
            due_on=form["due_on"].data,
            joint_liable=form["joint_liable"].data,
            actor=actor,
        )

    def _new_bill(
        self, form: RecordForm, charges: list[ChargeForm], source: Record | None, outcome: Outcome | None = None
    ) -> str:
        general: list[str] = []
        for name, sentences in place_errors(charges, outcome.errors if outcome else {}).items():
            if name in form._fields:
                form[name].errors = [*form[name].errors, *sentences]
            else:
                general += sentences
        return self.render_template(
            "fees/new_bill.html", title=self.add_title, view=self, form=form, charges=charges, general=general,
            amounts=reckon(charges, form["unit_id"].record()), source=request.values.get("source", "") if source else "",
            next=request.values.get("next", ""), back=_way_back(url_for("BillView.list")),
        )  # fmt: skip

    @expose("/new/amounts")
    @requires("create")
    def amounts(self) -> str:
        """The amounts of the bill being typed, as pieces for the page."""
        today = estate_today(db.session, current_actor().estate_id or 0)
        form = self.add_form(request.args)
        form.validate()
        charges = charge_forms(proposed_items(db.session), today, request.args)
        for charge in charges:
            charge.validate()
        return self.render_template(
            "fees/_amounts.html", charges=charges, amounts=reckon(charges, form["unit_id"].record())
        )

    # Money

    @expose("/<int:pk>/pay", methods=["POST"])
    @requires("create", "Payment")
    def pay(self, pk: int) -> Any:
        """Receive money on the bill."""
        bill, typed = self.record_or_404(pk), request.form.to_dict()
        return self._command(
            bill, "pay", _("The payment is booked."),
            lambda: services.take_payment(db.session, bill, **read_payment(bill, typed), actor=current_actor()),
        )  # fmt: skip

    @expose("/<int:pk>/cancel", methods=["POST"])
    @requires("cancel")
    def cancel(self, pk: int) -> Any:
        """Take the bill back."""
        bill, reason = self.record_or_404(pk), request.form.get("cancel_reason", "")
        return self._command(
            bill, "cancel", _("The bill is cancelled."),
            lambda: services.cancel_bill(db.session, bill, reason=reason, actor=current_actor()),
        )  # fmt: skip

    @expose("/<int:pk>/payments/<int:payment_id>/reverse", methods=["POST"])
    @requires("reverse", "Payment")
    def reverse(self, pk: int, payment_id: int) -> Any:
        """Book a payment back."""
        bill, reason = self.record_or_404(pk), request.form.get("reason", "")
        payment = next((payment for payment in bill.payments if payment.id == payment_id), None)
        if payment is None:
            raise NotAllowed(f"Payment {payment_id}")
        return self._command(
            bill, f"reverse-{payment_id}", _("The payment is reversed."),
            lambda: services.reverse_payment(db.session, payment, reason=reason, actor=current_actor()),
        )  # fmt: skip

    def _command(self, bill: Bill, tried: str, done: str, work: Any) -> Any:
        """Carry out a command of the bill page; refused, the page comes back with what was typed."""
        pk = bill.id
        there = _way_back(url_for("BillView.show", pk=pk))
        outcome = carry_out(work, lambda _result: there, self.constraint_messages)
        if outcome.done:
            flash(done, "success")
            return redirect(outcome.location, 303)
        errors = dict(outcome.errors)
        if outcome.stale:
            errors[""] = [
                _("Somebody else changed this bill at the same moment; look at it as it is now and try again.")
            ]
        page = self._page_of(self.record_or_404(pk), fees_tried=tried, fees_typed=request.form, fees_errors=errors)
        return page, 409 if outcome.stale else 422

    @expose("/<int:pk>/sum")
    @requires("create", "Payment")
    def sum(self, pk: int) -> str:
        """The amounts being typed into the payment form, added up, in figures and in words."""
        bill = self.record_or_404(pk)
        try:
            parts = read_payment(bill, {**request.args.to_dict(), "method": PaymentMethod.CASH})["parts"]
        except FieldErrors:
            return ""
        return self.render_template("fees/_sum.html", total=sum(parts.values(), Decimal(0)))


class PaymentView(RecordView):
    """Payments and reversals with their receipts."""

    datamodel = RecordInterface(Payment)
    resource = "Payment"
    route_base = "/payments"
    list_title = _l("Payments")
    show_title = _l("Receipt")
    label_columns = {"bill.unit": _l("Unit")}
    list_columns = [
        "receipt_no",
        "received_at",
        "bill.unit",
        "bill",
        "payer_name",
        "method",
        "amount",
        "cashier_name",
        "invoice_no",
    ]
    search_columns = [
        "receipt_no",
        "received_at",
        "method",
        "bill.unit_id",
        "payer_name",
        "cashier_name",
        "invoice_no",
        "reference",
    ]
    order_columns = ["receipt_no", "received_at", "payer_name", "amount"]
    show_fieldsets = [
        (
            "",
            ["bill", "bill.unit", "amount", "method", "received_at", "payer_name", "cashier_name", "reference", "invoice_no",
             "reverses", "reason"],
        )
    ]  # fmt: skip
    list_cell = {"receipt_no": link_to_show(lambda payment: payment.receipt_no)}
    show_template = "fees/receipt.html"

    def totals(self, clauses: list[Any]) -> list[tuple[Any, str]]:
        return _method_totals(totals_by_method(db.session, *clauses))

    def sections(self, record: Payment, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        papers = [
            p for p in papers_of_bill(db.session, record.bill) if (p.record_type, p.record_id) == ("payment", record.id)
        ]
        values = {
            "payment": record, "kind": RECEIPT, "papers": papers, "printable": actor.may("print", "Payment"),
        }  # fmt: skip
        return [(_("Paid for"), "fees/_payment.html", values)]


class CashDayPage(Page):
    """The cashier's day list: every receipt of a day and the totals by method."""

    resource = "Payment"
    route_base = "/cash-day"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        """``?day=2026-11-21``; today without it."""
        today = estate_today(db.session, current_actor().estate_id or 0)
        try:
            day = date.fromisoformat(request.args.get("day") or today.isoformat())
        except ValueError:
            abort(404)
        if not 1900 < day.year < 3000:
            abort(404)
        payments = payments_between(db.session, day, day)
        return self.render(
            "fees/cash_day.html", title=_("Cashier’s day list"), day=day, today=today, payments=payments,
            totals=added_up(payments), total=sum((p.amount for p in payments), Decimal(0)), step=timedelta(days=1),
            refunds=refunds_between(db.session, day, day),
            export=url_for("PaymentView.export", form="xlsx", **_on(day)),
        )  # fmt: skip


def _on(day: date) -> dict[str, Any]:
    """Arguments of the payment list for one day."""
    return {"received_at.from": day, "received_at.to": day}


def _way_back(usual: str) -> str:
    """Where the request asks to go on to (an address of ours), otherwise ``usual``."""
    wanted = request.values.get("next", "")
    return safe_next(wanted) if wanted else usual


def _source(text: str, actor: Actor) -> Record | None:
    """The record a bill is issued for, written ``movein_case:12``; nothing for nothing.

    Raises:
        NotAllowed: no such record, or not for this person.
    """
    table, _colon, number = text.partition(":")
    if not table:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotAllowed(text)
    record: Record = reach(db.session, table, int(number), verb="read", actor=actor)
    return record


def _method_totals(found: list[MethodTotal]) -> list[tuple[Any, str]]:
    rows = [(total.method.title, format_money(total.amount)) for total in found]
    return [*rows, (_("Total"), format_money(sum((total.amount for total in found), Decimal(0))))]
