"""The hand-made forms of the checks."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l
from wtforms import validators

from app.core.access.models import Account
from app.core.access.roles import TITLES
from app.fab.fields import ChoiceField, DayField, RecordForm, ReferenceField, TextField
from app.modules.checks.models import CheckCategory
from app.modules.checks.states import Bone, Severity


def _needed() -> list[validators.InputRequired]:
    return [validators.InputRequired(_l("Fill this in."))]


def _choices(of: type) -> list[tuple[str, object]]:
    return [(member, member.title) for member in of]  # type: ignore[attr-defined]  # every Choice has a title


class SampleForm(RecordForm):
    """The record is in order or does not apply."""

    note = TextField(_l("Note"), length=500)


def finding_form(categories: Sequence[CheckCategory]) -> type[RecordForm]:
    """What was found in a sample."""

    class FindingForm(RecordForm):
        description = TextField(_l("What was found"), validators=_needed(), rows=3, length=4000)
        category_id = ChoiceField(
            _l("Category"), validators=_needed(), values=lambda: [(c.id, str(c)) for c in categories]
        )
        severity = ChoiceField(_l("Severity"), validators=_needed(), values=lambda: _choices(Severity))
        role = ChoiceField(_l("Responsible role"), validators=_needed(), values=lambda: TITLES.items())
        person_id = ReferenceField(_l("Responsible person"), target=Account, lookup="/lookup/ab_user")

    return FindingForm


class ReceiptForm(RecordForm):
    """Who received the notice; signed on the screen, as a scan, or by name alone."""

    received_by = TextField(_l("Received by"), validators=_needed(), length=130)
    drawing = TextField("")


class CorrectionForm(RecordForm):
    correction = TextField(_l("Immediate correction"), validators=_needed(), rows=3, length=4000)


class CauseForm(RecordForm):
    bone = ChoiceField(_l("Bone"), validators=_needed(), values=lambda: _choices(Bone))
    whys = TextField(
        _l("Why? Why? Why?"), validators=_needed(), rows=5, length=2000,
        description=_l("One line for each answer, up to five; each answers why the line above is so. The last is the root."),
    )  # fmt: skip


class MeasureForm(RecordForm):
    content = TextField(_l("Measure"), validators=_needed(), rows=2, length=2000)
    owner_id = ReferenceField(
        _l("Owner of the measure"), validators=_needed(), target=Account, lookup="/lookup/ab_user"
    )
    due_on = DayField(_l("To be done by"), validators=_needed())


class DoneForm(RecordForm):
    done_on = DayField(_l("Done on"), validators=_needed())
    evidence = TextField(_l("Evidence of completion"), validators=_needed(), rows=2, length=2000)
