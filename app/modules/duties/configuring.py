"""Duties on the page of settings and in the configuration file."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.configuration.kinds import ConfigPart, Group, Pointer, Setting
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.modules.duties.kinds import Evidence
from app.modules.duties.models import STATEMENT, Duty
from app.modules.duties.services import change_duty, create_duty
from app.modules.duties.views import DutyView


def _save(session: Session, duty: Duty | None, values: dict[str, Any], *, actor: Actor) -> Duty:
    evidence = values.get("evidence", duty.evidence if duty else STATEMENT)
    known = registry().of(Evidence)
    if evidence != STATEMENT and evidence not in known:
        raise FieldErrors({"evidence": _l("This installation knows no such evidence.")})
    parameters = values.get("parameters", duty.parameters if duty else {})
    offered = known[evidence].parameters if evidence in known else {}
    if not isinstance(parameters, dict) or not all(
        name in offered and isinstance(chosen, list) and set(map(str, chosen)) <= set(offered[name].choices())
        for name, chosen in parameters.items()
    ):
        raise FieldErrors({"parameters": _l("This installation knows no such records.")})
    if duty is None:
        return create_duty(session, values, actor=actor)
    change_duty(session, duty, values, actor=actor)
    return duty


DUTIES = ConfigPart(
    code="duties", title=_l("Duties"), model=Duty, key=("code",), resource="Duty", save=_save,
    columns=(
        "clause", "title_zh", "title_en", "instruction_zh", "instruction_en", "role", "period", "months", "times",
        "distinct_days", "opens_month", "opens_day", "opens_time", "due_month", "due_day", "due_time", "in_working_days",
        "shift", "grace_days", "grace_hours", "evidence", "parameters", "valid_from", "valid_to", "in_place_of_id", "active",
    ),
    pointers={"in_place_of_id": Pointer(model=Duty, key="code")}, withdraw=("active", False),
    labels={"parameters": _l("Only these records count")}, order=80,
)  # fmt: skip
SETTING = Setting(
    code="duties", title=_l("Duties"), group=Group.WORK, view=DutyView, models=(Duty,), icon="refresh",
    counted=lambda: [Duty.active], sentence=_l("What recurs, by whom and until when."), order=20,
)  # fmt: skip
