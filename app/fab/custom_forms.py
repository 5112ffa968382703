"""Fields without code in forms: their inputs, and the groups in which they stand on forms and pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import wtforms
from flask import request, url_for
from flask_babel import gettext as _
from flask_babel.speaklater import LazyString
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.datastructures import CombinedMultiDict, FileStorage
from wtforms import validators
from wtforms.widgets import html_params

from app.core.access.actor import Actor
from app.core.fields.kinds import LARGEST, PREFIX, Field, FileId
from app.core.fields.models import LONGEST, FieldKind
from app.core.fields.queries import fields_of, values_of_record
from app.core.fields.services import set_values
from app.core.records.base import Record
from app.fab.customs import KEPT
from app.fab.fields import AmountField, ChoiceField, DayField, RecordForm, Required, TextField

REMOVED = "remove"
"""What the check box beside a stored file sends."""
Grouped = TypeVar("Grouped")


class OfferedChoice(ChoiceField):
    """The values that a choice field offers, and the stored one although it was withdrawn."""

    def __init__(self, *args: Any, of: Field, **kwargs: Any) -> None:
        super().__init__(*args, values=self._offered, steady=True, **kwargs)
        self.of = of

    def _offered(self) -> list[tuple[str, str]]:
        return [(c.code, c.title) for c in self.of.choices if not c.withdrawn or c.code == self.object_data]


class FileWidget:
    """The stored file with a box to remove it, and the input for another one."""

    def __call__(self, field: FileField, **kwargs: Any) -> Markup:
        stored, parts = field.stored, []
        if stored is not None:
            link = Markup('<a href="{}">{}</a>').format(
                url_for("FilePage.show", pk=int(stored), name=stored.name), stored.name
            )
            parts.append(Markup('<div class="mb-1">{}</div>').format(link))
        parts.append(
            Markup("<input {}>").format(
                Markup(html_params(type="file", name=field.name, **{"id": field.id, **kwargs}))  # noqa: S704 (escaped)
            )
        )
        if isinstance(field.data, FileStorage):
            again = _("Choose “%(file)s” again: it has not been kept yet.", file=field.data.filename)
            parts.append(Markup('<div class="form-hint">{}</div>').format(again))
        if stored is not None and not field.flags.required:
            box = Markup(
                '<label class="form-check mt-1"><input class="form-check-input" type="checkbox" name="{}" value="{}"{}>'
                '<span class="form-check-label">{}</span></label>'
            ).format(field.name, REMOVED, Markup(" checked") if field.data is None else "", _("Remove the file"))
            parts.append(box)
        return Markup().join(parts)


class FileField(wtforms.Field):
    """A file: the upload, the :class:`FileId` that is stored, or nothing."""

    widget = FileWidget()
    data: Any = None
    stored: FileId | None = None

    def process_data(self, value: FileId | None) -> None:
        self.data = self.stored = value

    def process_formdata(self, valuelist: list[Any]) -> None:
        uploads = [given for given in valuelist if isinstance(given, FileStorage) and given.filename]
        if uploads:
            self.data = uploads[0]
        elif REMOVED in valuelist:
            self.data = None


class _RequiredFile:
    field_flags = {"required": True}

    def __call__(self, form: wtforms.Form, field: FileField) -> None:
        if field.data is None:
            raise validators.StopValidation(_("“%(field)s” must be filled in.", field=str(field.label.text)))


class CustomForm(RecordForm):
    """A form with the fields without code that its person fills in, ``customs``."""

    customs: tuple[Field, ...] = ()

    def values(self) -> dict[str, Any]:
        """Values of the columns only; those of the fields are :meth:`custom_values`."""
        return {name: value for name, value in super().values().items() if not name.startswith(PREFIX)}

    def custom_values(self) -> dict[str, Any]:
        """Values of the fields by code; of a file only when it is another one or none any more."""
        given = {field.code: self._fields[field.name] for field in self.customs if field.name in self._fields}
        return {code: f.data for code, f in given.items() if not (isinstance(f, FileField) and f.data is f.stored)}


_made: dict[Any, type[Any]] = {}
MOST_MADE = 500


def with_customs(kind: type[RecordForm], customs: Sequence[Field]) -> type[RecordForm]:
    """The form ``kind`` with inputs for fields as well; without any, ``kind`` itself."""
    if not customs:
        return kind
    key = (kind, *map(id, customs))  # the form keeps the fields, whose ids therefore mean nothing else
    if key not in _made:
        if len(_made) >= MOST_MADE:
            _made.clear()
        inputs = {field.name: input_for(field) for field in customs}
        _made[key] = type(kind.__name__, (CustomForm, kind), {**inputs, "customs": tuple(customs)})
    return _made[key]


def filled_in(record_type: str, actor: Actor) -> tuple[Field, ...]:
    """The fields of a table's records that the actor fills in."""
    return tuple(field for field in fields_of(record_type) if field.filled_by(actor))


def first_values(customs: Iterable[Field]) -> dict[str, Any]:
    """The defaults of fields by their names in forms."""
    return {field.name: field.first_value() for field in customs if field.default}


def stored_values(session: Session, record: Record, customs: Iterable[Field]) -> dict[str, Any]:
    """The values of a record by their names in forms."""
    return {PREFIX + code: value for code, value in values_of_record(session, record, customs).items()}


def keep_customs(session: Session, record: Record, form: RecordForm, *, actor: Actor) -> None:
    """Set what a form brought of the fields without code. Raises as :func:`set_values`."""
    if isinstance(form, CustomForm):
        set_values(session, record, form.custom_values(), actor=actor)
        record.__dict__.pop(KEPT, None)


def sent_form() -> Any:
    """The fields and files of the request."""
    return CombinedMultiDict([request.form, request.files])


def with_files(form: RecordForm) -> bool:
    """Whether the form asks for files, so that it must be sent in parts."""
    return any(isinstance(field, FileField) for field in form._fields.values())


def input_for(field: Field) -> Any:
    """The input of a field, unbound."""
    common: dict[str, Any] = {
        "label": LazyString(lambda: field.label),
        "description": LazyString(lambda: field.help) if field.help_zh or field.help_en else "",
        "validators": [Required()] if field.required else [],
    }
    match field.kind:
        case FieldKind.TEXT:
            return TextField(empty=None, length=LONGEST, **common)
        case FieldKind.NUMBER:
            whole = len(str(LARGEST)) - 1
            return AmountField(places=field.places, digits=whole + field.places, **common)
        case FieldKind.MONEY:
            return AmountField(places=2, digits=12, **common)
        case FieldKind.DATE:
            return DayField(**common)
        case FieldKind.CHOICE:
            return OfferedChoice(of=field, **common)
        case FieldKind.YES_NO:
            return ChoiceField(values=lambda: [(True, _("Yes")), (False, _("No"))], steady=True, **common)
        case FieldKind.FILE:
            return FileField(**common | {"validators": [_RequiredFile()] if field.required else []})


def custom_groups(form: RecordForm, groups: Sequence[tuple[Any, Sequence[Any]]] = ()) -> list[tuple[Any, list[Any]]]:
    """``groups`` of a form with the inputs of its fields without code in their sections."""
    customs = getattr(form, "customs", ())
    return in_sections(groups, [(field, form[field.name]) for field in customs if field.name in form._fields])


def in_sections(
    groups: Sequence[tuple[Any, Sequence[Grouped]]], more: Iterable[tuple[Field, Grouped]]
) -> list[tuple[Any, list[Grouped]]]:
    """``groups`` – pairs of title and parts – with the parts of fields put into the sections of their fields.

    A section that is called as a group joins it; the others follow in the order of their fields, those without a
    section under a title of their own.
    """
    found = [(title, list(parts)) for title, parts in groups]
    named = {str(title): parts for title, parts in reversed(found)}
    for field, part in more:
        section = field.section or _("More details")
        if section not in named:
            named[section] = []
            found.append((section, named[section]))
        named[section].append(part)
    return found
