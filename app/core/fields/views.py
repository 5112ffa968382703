"""Settings: the fields that the estate adds to its records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.fields import services
from app.core.fields.forms import DEFINITION_FIELDS, roles_in_words
from app.core.fields.kinds import Extensible, Field
from app.core.fields.models import CustomField, FieldKind
from app.core.fields.queries import fields_of
from app.core.registry import registry
from app.extensions import db
from app.fab.interface import RecordInterface
from app.fab.views import RecordView, expose, requires

OFFERS = {
    FieldKind.TEXT: ("pencil", _l("A line of words, such as a name or a remark; can be found by the search.")),
    FieldKind.NUMBER: ("gauge", _l("A count or a measure that can be compared and summed up.")),
    FieldKind.MONEY: ("cash", _l("Yuan with two decimals.")),
    FieldKind.DATE: ("calendar", _l("A day of the calendar.")),
    FieldKind.CHOICE: ("list-check", _l("One of a few values, each with a Chinese and an English title.")),
    FieldKind.YES_NO: ("checkbox", _l("Yes, no, or not answered yet.")),
    FieldKind.FILE: ("paperclip", _l("A scan, a photo or a document.")),
}
"""What each kind is for, as an administrator chooses it."""
ONLY_OF = {
    "choices": {FieldKind.CHOICE},
    "places": {FieldKind.NUMBER},
    "searched": {FieldKind.TEXT},
    "default": set(FieldKind) - {FieldKind.FILE},
}
"""What only fields of some kinds have."""


Sections = list[tuple[Any, str, dict[str, Any]]]  # within the view, “list” is its page


@dataclass(frozen=True)
class Group:
    """The fields of one kind of record."""

    name: str
    title: Any
    fields: list[Field]
    archived: list[Field]


class FieldView(RecordView):
    """Fields by the records that have them; a new one begins with what it holds."""

    datamodel = RecordInterface(CustomField)
    resource = "CustomField"
    route_base = "/settings/fields"
    list_title = _l("Fields")
    show_title = _l("Field")
    add_title = _l("New field")
    edit_title = _l("Change the field")
    intro = _l(
        "What your estate records beside what the program asks for; it appears at once in forms, lists and papers."
    )
    list_columns = ("title_zh", "title_en", "record_type", "kind", "code", "required", "listed", "archived_at")
    search_columns = ("record_type", "kind", "title_zh", "title_en", "code", "required", "archived_at")
    base_order = (("record_type", "asc"), ("sequence", "asc"))
    show_fieldsets = (
        ("", ("record_type", "kind", "code", "title_zh", "title_en", "section_zh", "section_en", "help_zh", "help_en")),
        (_l("Use"), ("required", "default", "places", "listed", "searched", "read_roles", "write_roles")),
        (_l("Archived"), ("archived_at", "archive_reason")),
    )
    show_empty = False
    edit_columns = (
        "title_zh", "title_en", "help_zh", "help_en", "section_zh", "section_en", "choices", "places", "default", "required",
        "listed", "searched", "read_roles", "write_roles",
    )  # fmt: skip
    add_columns = ("title_zh", "title_en", "code", *edit_columns[2:])
    form_fieldsets = (
        (_l("What it is called"), ("title_zh", "title_en", "help_zh", "help_en", "code")),
        (_l("What it holds"), ("choices", "places", "default", "required")),
        (_l("Where it stands"), ("section_zh", "section_en", "listed", "searched")),
        (_l("For whom it is"), ("read_roles", "write_roles")),
    )
    form_fields = DEFINITION_FIELDS
    list_cell = {
        "places": lambda field: field.places if field.kind is FieldKind.NUMBER else None,
        "read_roles": lambda field: roles_in_words(field.read_roles),
        "write_roles": lambda field: roles_in_words(field.write_roles),
    }
    form_template = "fields/form.html"
    show_template = "fields/field.html"
    constraint_messages = {"places_of_a_number": ("places", _l("A number has 0 to 4 decimals."))}

    @expose("/")
    @requires("read")
    def list(self) -> str:
        return self.render("fields/index.html", title=self.list_title, view=self, groups=_groups(), kinds=OFFERS)

    @expose("/new", methods=["GET", "POST"])
    @requires("create")
    def add(self) -> AnyResponse | str | tuple[str, int]:
        """``?record_type=unit&kind=text``: the form of a new field; without a kind, the choice of one."""
        if "kind" not in request.args:
            return self.render("fields/kinds.html", title=self.add_title, view=self, of=asked_record(), kinds=OFFERS)
        return super().add()

    def create(self, values: dict[str, Any], *, actor: Actor) -> CustomField:
        given = {**values, "record_type": asked_record().name, "kind": asked_kind()}
        return services.add_field(db.session, given, actor=actor)

    def update(self, record: CustomField, values: dict[str, Any], *, actor: Actor) -> None:
        services.change_field(db.session, record, values, actor=actor)

    def editable(self, record: CustomField | None, actor: Actor) -> set[str]:
        kind = asked_kind() if record is None else record.kind
        return {name for name in super().editable(record, actor) if kind in ONLY_OF.get(name, FieldKind)}

    def sections(self, record: CustomField, actor: Actor) -> Sections:
        offered = {"choices": record.choices}
        return [(_("Values offered"), "fields/_choices.html", offered)] if record.kind is FieldKind.CHOICE else []

    def record_title(self, row: CustomField | None) -> str:
        """Of what, and of which kind, the field in the form is."""
        known = registry().of(Extensible)
        record = asked_record() if row is None else known.get(row.record_type)
        kind = asked_kind() if row is None else row.kind
        return " · ".join(str(part.title) for part in (record, kind) if part is not None)

    @expose("/<int:pk>/move", methods=["POST"])
    @requires("update")
    def move(self, pk: int) -> AnyResponse:
        """One place ``up`` or down among the fields of its records."""
        row, step = self.record_or_404(pk), -1 if request.form.get("to") == "up" else 1
        ids = [field.id for field in fields_of(row.record_type)]
        if pk not in ids:
            raise NotAllowed(f"archived field {pk}")
        place = ids.index(pk)
        ids.insert(max(0, place + step), ids.pop(place))
        return self.command(
            lambda: services.order_fields(db.session, row.record_type, ids, actor=current_actor()),
            done=_("“%(field)s” moved.", field=str(row)),
            then=url_for("FieldView.list", _anchor=f"field-{pk}"),
        )

    @expose("/<int:pk>/archive", methods=["POST"])
    @requires("update")
    def archive(self, pk: int) -> AnyResponse:
        row, reason = self.record_or_404(pk), request.form.get("reason", "")
        return self.command(
            lambda: services.archive_field(db.session, row, reason=reason, actor=current_actor()),
            done=_("The field is archived; its values are kept."), then=url_for("FieldView.list"),
            back=self.address_of(row), record=row,
        )  # fmt: skip

    @expose("/<int:pk>/restore", methods=["POST"])
    @requires("update")
    def restore(self, pk: int) -> AnyResponse:
        row = self.record_or_404(pk)
        return self.command(
            lambda: services.restore_field(db.session, row, actor=current_actor()),
            done=_("The field is back, with its values."), then=self.address_of(row), record=row,
        )  # fmt: skip


def _groups() -> list[Group]:
    groups = []
    for name, record in registry().of(Extensible).items():
        fields = fields_of(name, archived=True)
        groups.append(
            Group(name, record.title, [f for f in fields if not f.archived], [f for f in fields if f.archived])
        )
    return groups


def asked_record() -> Extensible:
    """The kind of record that the address names; the first one when it names none."""
    known = registry().of(Extensible)
    name = request.args.get("record_type", next(iter(known)))
    if name not in known:
        raise NotAllowed(name)
    return known[name]


def asked_kind() -> FieldKind:
    """The kind of field that the address names."""
    name = request.args.get("kind", "")
    if name not in {kind.value for kind in FieldKind}:
        raise NotAllowed(name)
    return FieldKind(name)
