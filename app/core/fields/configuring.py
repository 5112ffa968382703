"""Fields without code on the page of settings and in the configuration file: the definitions, never the values."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.configuration.kinds import Child, ConfigPart, Group, Setting
from app.core.fields.models import CustomChoice, CustomField
from app.core.fields.services import add_field, archive_field, change_field
from app.core.fields.views import FieldView
from app.core.records.refusals import FieldErrors

ARCHIVED = ("archive_reason", "配置文件未列出 · not in the configuration file")


def _save(session: Session, row: CustomField | None, values: dict[str, Any], *, actor: Actor) -> CustomField:
    if row is not None and ARCHIVED[0] in values:
        archive_field(session, row, reason=values[ARCHIVED[0]], actor=actor)
        return row
    for name in ("read_roles", "write_roles"):
        if not set(map(str, values.get(name, ()))) <= set(Role):
            raise FieldErrors({name: _l("Choose one of the values offered.")})
    if "choices" in values:
        values["choices"] = sorted(values["choices"], key=lambda choice: choice.get("sequence", 0))
    if row is None:
        return add_field(session, values, actor=actor)
    if values.get("kind", row.kind) != row.kind:
        raise FieldErrors({"kind": _l("The kind of a field cannot be changed; enter a field with another code.")})
    return change_field(session, row, values, actor=actor)


FIELDS = ConfigPart(
    code="fields", title=_l("Fields"), model=CustomField, key=("record_type", "code"), resource="CustomField", save=_save,
    columns=(
        "kind", "title_zh", "title_en", "help_zh", "help_en", "section_zh", "section_en", "sequence", "required", "default",
        "places", "listed", "searched", "read_roles", "write_roles",
    ),
    children=(
        Child(name="choices", title=_l("Values"), model=CustomChoice, key=("code",),
              columns=("title_zh", "title_en", "sequence", "withdrawn")),
    ),
    where=lambda: [CustomField.archived_at.is_(None)], withdraw=ARCHIVED,
    labels={ARCHIVED[0]: _l("Reason for archiving")}, order=20,
)  # fmt: skip
SETTING = Setting(
    code="fields", title=_l("Fields"), group=Group.FIELDS, view=FieldView, models=(CustomField, CustomChoice),
    counted=lambda: [CustomField.archived_at.is_(None)], icon="adjustments",
    sentence=_l("Fields that this estate adds to its records."),
)  # fmt: skip
