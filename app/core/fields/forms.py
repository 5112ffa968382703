"""The inputs of a field's definition that no column describes: what a choice offers, and for whom the field is."""

from __future__ import annotations

from typing import Any

import wtforms
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms.widgets import html_params

from app.core.access.roles import Role
from app.core.records.choices import in_language
from app.fab.fields import RowsField, TextField


class OfferedField(RowsField):
    """What a choice offers: titles in both languages, and the code by which records keep it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        titles = {"title_zh": _l("Chinese"), "title_en": _l("English"), "code": _l("Code")}
        super().__init__(*args, titles=titles, **kwargs)

    def process_data(self, value: Any) -> None:
        names = ("title_zh", "title_en", "code")
        self.data = [{n: getattr(choice, n) for n in names} for choice in value or () if not choice.withdrawn]


class RolesWidget:
    """A check box for each role."""

    def __call__(self, field: RolesField, **kwargs: Any) -> Markup:
        extra = {name.replace("_", "-"): value for name, value in kwargs.items() if name.startswith("aria")}
        boxes = Markup().join(
            Markup(
                '<label class="form-check"><input class="form-check-input" type="checkbox" name="{}" value="{}"{}>'
                '<span class="form-check-label">{}</span></label>'
            ).format(field.name, role.value, Markup(" checked") if role.value in (field.data or ()) else "", role.title)
            for role in Role
        )
        group = html_params(id=field.id, role="group", **{"aria-label": str(field.label.text)}, **extra)
        return Markup('<div class="gj-roles" {}>{}</div>').format(Markup(group), boxes)  # noqa: S704 (made of names)


class RolesField(wtforms.Field):
    """A set of roles; none of them means everybody."""

    widget = RolesWidget()

    def process_formdata(self, valuelist: list[str]) -> None:
        known = {role.value for role in Role}
        self.data = sorted(known & set(valuelist))
        if set(valuelist) - known:
            raise ValueError(_("Choose one of the values offered."))


def roles_in_words(roles: list[str]) -> str:
    """The roles of a list in the reader's language; of an empty one that it means everybody."""
    named = [str(role.title) for role in Role if role.value in roles]
    return in_language("、", ", ").join(named) if named else _("Everybody")


DEFINITION_FIELDS = {
    "code": TextField(
        _l("Code"),
        length=30,
        description=_l("Its name in workbooks and papers, for good. Left empty, it is made of the English title."),
    ),
    "choices": OfferedField(
        _l("Values offered"),
        validators=[wtforms.validators.DataRequired(_l("Fill in at least one line."))],
        description=_l(
            "In this order. Empty a line to withdraw its value: records that have it keep it. Write it again to offer it again. "
            "Codes are made of the English titles."
        ),
    ),
    "read_roles": RolesField(
        _l("Seen by"), description=_l("Without a tick, everybody who may read the record. Others never see the field.")
    ),
    "write_roles": RolesField(
        _l("Filled in by"), description=_l("Without a tick, everybody who sees the field and may change the record.")
    ),
}
