"""What the inspection asks for: head of the round, a defect, a meter and its reading (forms A2)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import validators

from app.core.records.choices import in_language
from app.fab.fields import AmountField, ChoiceField, DayField, RecordForm, TextField, WholeField, field_for
from app.fab.interface import RecordInterface
from app.modules.estates.models import Meter, MeterKind
from app.modules.movein.models import Defect, InspectionRound, MoveInItem
from app.modules.movein.states import Severity

ROUND, DEFECT, METER = (RecordInterface(model) for model in (InspectionRound, Defect, Meter))


class StartForm(RecordForm):
    """Head of a round when it starts."""

    inspected_on = field_for(ROUND.attribute("inspected_on"))
    weather = field_for(ROUND.attribute("weather"))
    builder = field_for(ROUND.attribute("builder"))


class RoundForm(StartForm):
    """Head of an open round with what the owner remarks."""

    owner_remarks = field_for(ROUND.attribute("owner_remarks"))


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


class ReadingForm(RecordForm):
    """What a meter shows."""

    value = AmountField(_l("Reading"), places=2, digits=12, validators=[validators.InputRequired(_l("Enter what the meter shows."))])


class MeterForm(RecordForm):
    """A meter that is not registered yet, with its base reading."""

    kind = ChoiceField(
        _l("Meter kind"), values=lambda: [(k, k.title) for k in MeterKind],
        validators=[validators.InputRequired(_l("Choose the kind of meter."))],
    )  # fmt: skip
    number = field_for(METER.attribute("number"))
    digits = WholeField(_l("Digits before the point"), default=5)
    value = AmountField(_l("Reading"), places=2, digits=12, validators=[validators.InputRequired(_l("Enter what the meter shows."))])
