"""The hand-made forms of the checks."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l

from app.core.access.models import Account
from app.core.access.roles import TITLES
from app.fab.fields import ChoiceField, DayField, RecordForm, ReferenceField, TextField
from app.modules.checks.models import CheckCategory
from app.modules.checks.states import Bone, Severity


def _choices(of: type) -> list[tuple[str, object]]:
    return [(member, member.title) for member in of]  # type: ignore[attr-defined]


class SampleForm(RecordForm):
    """The record is in order or does not apply."""

    note = TextField(_l("Note"), length=500)


def finding_form(categories: Sequence[CheckCategory]) -> type[RecordForm]:
    """What was found in a sample."""

    class FindingForm(RecordForm):
        description = TextField(_l("What was found"), rows=3, length=4000)
        category_id = ChoiceField(_l("Category"), values=lambda: [(c.id, str(c)) for c in categories])
        severity = ChoiceField(_l("Severity"), values=lambda: _choices(Severity))
        role = ChoiceField(_l("Responsible role"), values=lambda: TITLES.items())
        person_id = ReferenceField(_l("Responsible person"), target=Account, lookup="/lookup/ab_user")

    return FindingForm


class ReceiptForm(RecordForm):
    """Who received the notice; signed on the screen, as a scan, or by name alone."""

    received_by = TextField(_l("Received by"), length=130)
    drawing = TextField("")


class CorrectionForm(RecordForm):
    correction = TextField(_l("Immediate correction"), rows=3, length=4000)


class CauseForm(RecordForm):
    bone = ChoiceField(_l("Bone"), values=lambda: _choices(Bone))
    whys = TextField(
        _l("Why? Why? Why?"), rows=5, length=2000,
        description=_l("One line for each answer, up to five; each answers why the line above is so. The last is the root."),
    )  # fmt: skip


class MeasureForm(RecordForm):
    content = TextField(_l("Measure"), rows=2, length=2000)
    owner_id = ReferenceField(_l("Owner of the measure"), target=Account, lookup="/lookup/ab_user")
    due_on = DayField(_l("Due on"))


class DoneForm(RecordForm):
    done_on = DayField(_l("Done on"))
    evidence = TextField(_l("Evidence"), rows=2, length=2000)
