"""What is typed to bill fees and to take money, read into the values the services want."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict

from app.core.records.amounts import money
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.fab.fields import AmountField, DayField, TextField, WholeField, YesNoField
from app.modules.estates.models import Unit
from app.modules.fees.models import Bill, FeeItem
from app.modules.fees.services import Charge, amount_of
from app.modules.fees.states import MONTHLY, FeeBasis, PaymentMethod

ADVANCE_MONTHS = 3
"""Months proposed for advance fees; many places allow no more (forms A8)."""
COUNTED = (FeeBasis.PIECE, FeeBasis.TIME, FeeBasis.METER, FeeBasis.BAY_MONTH)


class ChargeForm(wtforms.Form):
    """One fee item of a new bill; its inputs are named after the item: ``i7-quantity``."""

    chosen = YesNoField()
    quantity = AmountField(_l("Quantity"))
    months = WholeField(_l("Months"))
    period_from = DayField(_l("Period from"))
    discount = AmountField(_l("Discount"))
    discount_reason = TextField(_l("Reason for discount"), length=200)

    def __init__(self, item: FeeItem, formdata: MultiDict[str, str] | None, **first: Any) -> None:
        super().__init__(formdata, prefix=f"i{item.id}-", data=first)
        self.item = item
        if item.basis not in COUNTED:
            del self.quantity
        if item.basis not in MONTHLY:
            del self.months
            del self.period_from

    def charge(self) -> Charge:
        """The line as the services want it."""
        values = {name: field.data for name, field in self._fields.items() if name != "chosen" and field.data}
        return Charge(item=self.item, **values)

    @property
    def complete(self) -> bool:
        """What was typed can be read; the services look at the sense of it."""
        return not self.chosen.data or self.validate()


def charge_forms(items: Sequence[FeeItem], today: date, formdata: MultiDict[str, str] | None) -> list[ChargeForm]:
    """A form per fee item; a fresh one has the proposed items ticked and usual numbers filled in."""
    return [
        ChargeForm(
            item,
            formdata,
            chosen=item.proposed or item.mandatory,
            quantity=Decimal(1) if item.basis in COUNTED else None,
            months=ADVANCE_MONTHS if item.basis in MONTHLY else None,
            period_from=today if item.basis in MONTHLY else None,
        )
        for item in items
    ]


@dataclass(frozen=True)
class Reckoning:
    """Amounts of a bill being typed, in yuan after discounts: by fee item (None: not computable yet), and in all."""

    by_item: dict[int, Decimal | None]
    total: Decimal


def reckon(forms: Sequence[ChargeForm], unit: Unit | None) -> Reckoning:
    """What the chosen items come to for ``unit``, as far as they can be computed."""
    found: dict[int, Decimal | None] = {}
    for form in forms:
        if not form.chosen.data:
            continue
        found[form.item.id] = None
        if unit is not None:
            charge = form.charge()
            with suppress(FieldErrors):
                found[form.item.id] = amount_of(charge, unit) - charge.discount
    return Reckoning(found, sum((amount for amount in found.values() if amount is not None), Decimal(0)))


def place_errors(forms: Sequence[ChargeForm], errors: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Put the sentences of ``quantity_7`` beside that input; what belongs to no input is returned."""
    left: dict[str, list[str]] = {}
    by_item = {str(form.item.id): form for form in forms}
    for key, sentences in errors.items():
        what, _dash, item_id = key.rpartition("_")
        form = by_item.get(item_id)
        if form is not None and what in form._fields:
            form[what].errors = [*form[what].errors, *sentences]
        else:
            left[key] = list(sentences)
    return left


def read_payment(bill: Bill, typed: Mapping[str, str]) -> dict[str, Any]:
    """Keyword values of ``take_payment`` from the payment form (``part_<line id>``, method, payer_name, …).

    Raises:
        FieldErrors: amounts that cannot be read, no method.
    """
    errors: dict[str, str] = {}
    parts: dict[int, Decimal] = {}
    for line in bill.lines:
        name = f"part_{line.id}"
        try:
            parts[line.id] = money(typed.get(name, "").strip() or 0)
        except InvalidValue as error:
            errors[name] = str(error)
    method = next((known for known in PaymentMethod if known == typed.get("method")), None)
    if method is None:
        errors["method"] = _("Choose how it was paid.")
    texts = {"payer_name": 120, "reference": 60, "invoice_no": 40}
    for name, length in texts.items():
        if len(typed.get(name, "").strip()) > length:
            errors[name] = _("At most %(count)s characters.", count=length)
    if errors:
        raise FieldErrors(errors)
    return {"parts": parts, "method": method, **{name: typed.get(name, "").strip() for name in texts}}
