"""What the inspection asks for: head of the round, a defect, a meter and its reading (forms A2)."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import validators

from app.core.records.choices import in_language
from app.fab.fields import AmountField, ChoiceField, DayField, RecordForm, TextField, field_for, form_class
from app.fab.interface import RecordInterface
from app.modules.estates.models import Meter
from app.modules.movein.models import Defect, InspectionRound, MoveInItem
from app.modules.movein.states import Severity

ROUND, DEFECT, METER = (RecordInterface(model) for model in (InspectionRound, Defect, Meter))


@cache
def start_form() -> type[RecordForm]:
    """Head of a round when it starts."""
    return form_class(ROUND, ("inspected_on", "weather", "builder"))


@cache
def head_form() -> type[RecordForm]:
    """Head of an open round with what the owner remarks."""
    return form_class(ROUND, ("inspected_on", "weather", "builder", "owner_remarks"))


def defect_form(parties: Iterable[MoveInItem]) -> type[RecordForm]:
    """A defect; an empty day follows the limit of the trade."""
    listed = [(entry.code, in_language(entry.title_zh, entry.title_en)) for entry in parties]
    fields: dict[str, Any] = {
        "description": TextField(_l("Defect"), rows=3, length=300, validators=[validators.InputRequired(_l("Describe the defect."))]),
        "severity": ChoiceField(
            _l("Severity"), values=lambda: [(s, s.title) for s in Severity],
            validators=[validators.InputRequired(_l("Choose the severity."))],
        ),
        "position": field_for(DEFECT.attribute("position")),
        "party": ChoiceField(
            _l("Responsible party"), values=lambda: listed, validators=[validators.InputRequired(_l("Choose who is responsible."))]
        ),
        "party_name": field_for(DEFECT.attribute("party_name")),
        "due_on": DayField(_l("To be rectified by"), description=_l("Empty: the limit of the trade.")),
    }  # fmt: skip
    return type("DefectForm", (RecordForm,), fields)


def _reading() -> AmountField:
    return AmountField(
        _l("Reading"), places=2, digits=12, validators=[validators.InputRequired(_l("Enter what the meter shows."))]
    )


class ReadingForm(RecordForm):
    """What a meter shows."""

    value = _reading()


@cache
def meter_form() -> type[RecordForm]:
    """A meter that is not registered yet, with its base reading."""
    return form_class(METER, ("kind", "number", "digits", "value"), given={"value": _reading()})
