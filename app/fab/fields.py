"""From a column to the input that asks for it.

Inputs are the browser's own (date, date with time, number, checkbox); a reference is a select that looks its records up
on the server; personal data is never sent back to the browser. A required choice starts empty: nothing is preselected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import sqlalchemy as sa
import wtforms
from flask import current_app, g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape
from wtforms import validators, widgets
from wtforms.fields.choices import Choice as WtfChoice
from wtforms.widgets import html_params

from app.core.access.masking import mask, mask_id_tail
from app.core.records.base import SYSTEM_COLUMNS
from app.core.records.identifiers import halfwidth
from app.core.records.lookup import title_of as title_of  # every room of fab takes it from here
from app.extensions import db
from app.fab.interface import Attribute, Kind, RecordInterface, token_of

WHOLE_LIMIT = 2**31 - 1
MOST_ROWS, LONGEST_CELL, EMPTY_ROWS = 100, 100, 3


def estate_zone() -> ZoneInfo:
    """Time zone of the estate the person works in; the installation's zone where there is none."""
    estate = getattr(g.get("user"), "estate", None)
    return ZoneInfo(estate.time_zone if estate else current_app.config["BABEL_DEFAULT_TIMEZONE"])


class Required(validators.InputRequired):
    """Asks in our own words, naming the field."""

    def __call__(self, form: wtforms.Form, field: wtforms.Field) -> None:
        if not (field.raw_data and str(field.raw_data[0]).strip()):
            raise validators.StopValidation(_("“%(field)s” must be filled in.", field=str(field.label.text)))


class TextField(wtforms.StringField):
    """One line or, with ``rows``, several lines of text; ``empty`` is what an empty input stands for (None or "")."""

    steady = True
    """Whether nothing but the value of such an input differs from request to request in one language."""

    def __init__(
        self, *args: Any, empty: str | None = "", rows: int = 0, length: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.empty, self.length = empty, length
        self.widget = widgets.TextArea() if rows else widgets.TextInput()
        keys = {"maxlength": length, "rows": rows or None}
        self.render_kw = {k: v for k, v in keys.items() if v}

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].replace("\0", "").replace("\r\n", "\n").strip() if valuelist else ""
        self.data = text or self.empty

    def pre_validate(self, form: wtforms.Form) -> None:
        if self.length and self.data and len(self.data) > self.length:
            raise validators.ValidationError(_("At most %(count)s characters.", count=self.length))


class _ParsedField(wtforms.Field):
    """An input whose text is read into a value; unreadable text stays in the input beside its message."""

    widget = widgets.TextInput()
    steady = True

    def read(self, text: str) -> Any:
        raise NotImplementedError

    def write(self, value: Any) -> str:
        return str(value)

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else self.write(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            self.data = self.read(text)


class WholeField(_ParsedField):
    """A whole number."""

    widget = widgets.NumberInput(step="1")

    def read(self, text: str) -> int:
        try:
            number = int(halfwidth(text))
        except ValueError:
            raise ValueError(_("Write a whole number.")) from None
        if abs(number) > WHOLE_LIMIT:
            raise ValueError(_("The number is too large."))
        return number


class AmountField(_ParsedField):
    """An exact decimal number of at most ``places`` decimals and ``digits`` digits."""

    def __init__(self, *args: Any, places: int = 2, digits: int = 12, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places, self.digits = places, digits
        self.widget = widgets.NumberInput(step=str(Decimal(1).scaleb(-places)))

    def read(self, text: str) -> Decimal:
        try:
            number = Decimal(halfwidth(text).replace(",", "").lstrip("¥"))
        except InvalidOperation:
            raise ValueError(_("Write a number such as 1409.50.")) from None
        if not number.is_finite() or abs(number) >= Decimal(10) ** (self.digits - self.places):
            raise ValueError(_("The number is too large."))
        if number != round(number, self.places):
            raise ValueError(_("At most %(count)s decimals.", count=self.places))
        return number.quantize(Decimal(1).scaleb(-self.places))


class DayField(_ParsedField):
    """A calendar day."""

    widget = widgets.DateInput()

    def read(self, text: str) -> date:
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError(_("Write the day as 2026-11-21.")) from None
        if not 1900 <= day.year < 3000:
            raise ValueError(_("Check the year."))
        return day

    def write(self, value: date) -> str:
        return value.isoformat()


class MomentField(_ParsedField):
    """A moment: shown and typed in the estate's time zone, kept in UTC, with its minutes."""

    widget = widgets.DateTimeLocalInput()

    def read(self, text: str) -> datetime:
        try:
            local = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(_("Write day and time as 2026-11-21 14:30.")) from None
        if not 1900 <= local.year < 3000:
            raise ValueError(_("Check the year."))
        return local.replace(tzinfo=local.tzinfo or estate_zone()).astimezone(UTC)

    def write(self, value: datetime) -> str:
        local = value.astimezone(estate_zone())
        return local.strftime("%Y-%m-%dT%H:%M:%S" if local.second else "%Y-%m-%dT%H:%M")


class TimeField(_ParsedField):
    """A time of day, to the minute."""

    widget = widgets.TimeInput()

    def read(self, text: str) -> time:
        try:
            return time.fromisoformat(halfwidth(text)).replace(second=0, microsecond=0, tzinfo=None)
        except ValueError:
            raise ValueError(_("Write the time as 14:30.")) from None

    def write(self, value: time) -> str:
        return f"{value:%H:%M}"


class RowsField(wtforms.Field):
    """A few lines of short texts: a list of rows ``{name: text}`` of the columns ``titles``; the first one is required.

    All inputs bear the field's name and are read in the order of the page; empty lines are left out.
    """

    def __init__(self, *args: Any, titles: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.titles, self.widget = titles, RowsWidget()

    def rows(self) -> list[list[str]]:
        """The rows as they are shown: what was typed, or what is stored."""
        if self.raw_data:
            width = len(self.titles)
            return [list(self.raw_data[i : i + width]) for i in range(0, len(self.raw_data), width)]
        return [[row.get(name, "") for name in self.titles] for row in self.data or ()]

    def process_formdata(self, valuelist: list[str]) -> None:
        cleaned = [[text.replace("\0", "").strip() for text in row] for row in self.rows()] if valuelist else []
        self.data = [dict(zip(self.titles, row, strict=False)) for row in cleaned if any(row)] or None
        if len(valuelist) % len(self.titles) or len(cleaned) > MOST_ROWS:
            raise ValueError(_("At most %(count)s lines.", count=MOST_ROWS))
        if any(len(text) > LONGEST_CELL for row in cleaned for text in row):
            raise ValueError(_("At most %(count)s characters.", count=LONGEST_CELL))
        if any(any(row) and not row[0] for row in cleaned):
            first = str(next(iter(self.titles.values())))
            raise ValueError(_("“%(field)s” must be filled in on every line.", field=first))


class RowsWidget:
    """One line of inputs for each row and a few empty ones; the page's script adds more."""

    def __call__(self, field: RowsField, **kwargs: Any) -> Markup:
        rows = [*(row for row in field.rows() if any(row)), *[[""] * len(field.titles)] * EMPTY_ROWS]
        extra = {name.replace("_", "-"): value for name, value in kwargs.items() if name.startswith("aria")}
        lines = Markup().join(self._line(field, place, row, extra) for place, row in enumerate(rows))
        heads = Markup().join(Markup("<span>{}</span>").format(title) for title in field.titles.values())
        button = Markup('<button class="btn btn-sm" type="button" data-add-row>{}</button>').format(_("One more line"))
        return Markup('<div class="gj-rows-input" data-rows><div class="gj-rows-head" aria-hidden="true">{}</div>{}{}</div>').format(
            heads, lines, button
        )  # fmt: skip

    def _line(self, field: RowsField, place: int, row: list[str], extra: dict[str, Any]) -> Markup:
        inputs = Markup().join(
            Markup('<input class="form-control" {}>').format(
                Markup(  # noqa: S704  (html_params escapes)
                    html_params(
                        name=field.name, value=text, maxlength=LONGEST_CELL, autocomplete="off", placeholder=str(title),
                        **{"aria-label": f"{title} {place + 1}"}, **(extra | {"id": field.id} if place == column == 0 else {}),
                    )
                )
            )
            for column, (title, text) in enumerate(zip(field.titles.values(), row, strict=False))
        )  # fmt: skip
        return Markup('<div class="gj-rows-line" data-row>{}</div>').format(inputs)


class YesNoField(wtforms.BooleanField):
    """A checkbox; unchecked means no, not nothing."""

    steady = True


class _Select(widgets.Select):
    """Options without attributes of their own are written at once: a form has a hundred of them."""

    @classmethod
    def render_option(cls, choice: Any, **kwargs: Any) -> Markup:
        if kwargs or choice.render_kw:
            usual: Markup = super().render_option(choice, **kwargs)
            return usual
        chosen = "selected " if choice.selected else ""
        return Markup(f'<option {chosen}value="{escape(choice.value)}">{escape(choice.label)}</option>')  # noqa: S704  (escaped)


class ChoiceField(wtforms.SelectField):
    """One of the values of a choice column. The first option is empty, so that nobody chooses without looking.

    ``steady``: the same ``values`` are offered in every request.
    """

    widget = _Select()

    def __init__(
        self, *args: Any, values: Callable[[], Iterable[tuple[Any, Any]]], empty: Any = None, steady: bool = False,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, choices=[], coerce=str, validate_choice=False, **kwargs)
        self.values, self.empty, self.steady = values, empty, steady

    def chosen(self) -> str:
        """Token of the value that the input shows."""
        return str(self.raw_data[0]) if self.raw_data else "" if self.data is None else token_of(self.data)

    def iter_choices(self) -> Iterable[WtfChoice]:
        chosen = self.chosen()
        yield WtfChoice("", "", chosen == "", {})
        for value, title in self.values():
            yield WtfChoice(token_of(value), str(title), token_of(value) == chosen, {})

    def process_data(self, value: Any) -> None:
        self.data = value

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0] if valuelist else ""
        known = {token_of(value): value for value, _title in self.values()}
        if text and text not in known:
            raise ValueError(_("Choose one of the values offered."))
        self.data = known[text] if text else self.empty


class LookupWidget:
    """A select with the chosen record only; the script of the page turns it into a searching one."""

    def __call__(self, field: ReferenceField, **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        kwargs["data-lookup"] = field.lookup
        chosen = field.chosen()
        option = Markup('<option value="{}" selected>{}</option>').format(*chosen) if chosen else ""
        return Markup("<select {}><option value=''></option>{}</select>").format(
            Markup(html_params(name=field.name, **kwargs)),  # noqa: S704  (html_params escapes)
            option,
        )


class ReferenceField(wtforms.Field):
    """A record of ``target`` by its id; only records that the person may see can be chosen.

    ``allowed`` may narrow the choice further with WHERE clauses on the target.
    """

    widget = LookupWidget()

    def __init__(
        self,
        *args: Any,
        target: type,
        lookup: str = "",
        allowed: Callable[[], Iterable[Any]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.target, self.lookup, self.allowed = target, lookup, allowed

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip() if valuelist else ""
        self.data = None
        if text:
            if not (text.isascii() and text.isdigit() and int(text) <= WHOLE_LIMIT):
                raise ValueError(_("Choose one of the records offered."))
            self.data = int(text)

    def record(self) -> Any | None:
        if not isinstance(self.data, int):
            return None
        key: Any = sa.inspect(self.target).primary_key[0]
        query: Any = sa.select(self.target).where(key == self.data)
        return db.session.scalars(query).one_or_none()

    def chosen(self) -> tuple[int, str] | None:
        record = self.record()
        return (self.data, title_of(record)) if record is not None and self.data else None

    def post_validate(self, form: wtforms.Form, validation_stopped: bool) -> None:
        if self.data is None or validation_stopped:
            return
        key: Any = sa.inspect(self.target).primary_key[0]
        clauses = self.allowed() if self.allowed else ()
        query = sa.select(key).select_from(self.target).where(key == self.data, *clauses)
        if db.session.scalar(query) is None:
            raise validators.ValidationError(_("Choose one of the records offered."))


class SecretField(wtforms.StringField):
    """Personal data: the stored value appears masked as the placeholder and stays unless something new is typed."""

    widget = widgets.TextInput()

    def __init__(self, *args: Any, mask_as: str = "", **kwargs: Any) -> None:
        self.mask_as = mask_as
        self.stored: str | None = None
        self.data: str | None = None
        super().__init__(*args, **kwargs)

    def process_data(self, value: str | None) -> None:
        self.stored, self.data = value, None

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = valuelist[0].replace("\0", "").strip() or None if valuelist else None

    def _value(self) -> str:
        return self.data or ""

    @property
    def placeholder(self) -> str:
        return masked(self.stored, self.mask_as)


def masked(value: str | None, kind: str = "") -> str:
    """A secret as lists and inputs show it: by its ``kind`` of mask, or just its end."""
    if not value:
        return ""
    return mask(kind, value) if kind else mask_id_tail(value)


class RecordForm(wtforms.Form):
    """The form of a view; only fields of the person's editable columns are in an instance."""

    never_null: frozenset[str] = frozenset()
    _drawn: ClassVar[dict[Any, list[Markup]]]

    def __init_subclass__(cls) -> None:
        cls._drawn = {}

    def refused(self, sent: Iterable[str]) -> list[str]:
        """Names in a request that are no input of this form: hidden, read-only or invented fields."""
        known = {"csrf_token", "submit_token", "version", *self._fields}
        return sorted({name for name in sent if name not in known})

    def values(self) -> dict[str, Any]:
        """Column values to write. What was left empty where nothing cannot be stored keeps its stored or default value."""
        return {
            name: field.data
            for name, field in self._fields.items()
            if not (field.data is None and (isinstance(field, SecretField) or name in self.never_null))
        }


def form_class(
    interface: RecordInterface, names: Iterable[str], labels: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None, lookup: Callable[[Attribute], str] = lambda attribute: "",
    allowed: Mapping[str, Callable[[], Iterable[Any]]] | None = None,
) -> type[RecordForm]:  # fmt: skip
    """The form over the columns ``names``. ``given`` replaces or adds fields; ``lookup`` gives a reference's address.

    Raises:
        ValueError: a system or state column is among them, which no form may set.
    """
    fields: dict[str, Any] = {}
    never_null = [name for name, column in interface.columns.items() if not column.nullable]
    for name in names:
        if name in SYSTEM_COLUMNS | interface.state_columns:
            raise ValueError(f"{interface.obj.__name__}.{name} cannot be a form field")
        if given and name in given:
            fields[name] = given[name]
        else:
            attribute = interface.attribute(name, labels)
            fields[name] = field_for(attribute, lookup, (allowed or {}).get(name))
    return type(f"{interface.obj.__name__}Form", (RecordForm,), {**fields, "never_null": frozenset(never_null)})


def field_for(
    attribute: Attribute, lookup: Callable[[Attribute], str] = lambda attribute: "",
    allowed: Callable[[], Iterable[Any]] | None = None,
) -> Any:  # fmt: skip
    """The field of one column, unbound."""
    column, info = attribute.column, attribute.info
    if column is None or attribute.links:
        raise ValueError(f"{attribute.name} is no column of its own and needs a field of its own in form_fields")
    common: dict[str, Any] = {"label": attribute.label, "description": info.get("help", "")}
    required = not attribute.optional
    if attribute.kind is Kind.YES_NO and not attribute.nullable:
        return YesNoField(default=_default(column), **common)
    common["validators"] = [Required()] if required else []
    common["default"] = _default(column)
    kind: Any = _bare(column)
    match attribute.kind:
        case Kind.SECRET:
            common["validators"] = [_RequiredSecret()] if required else []
            return SecretField(mask_as=info.get("mask", ""), **common)
        case Kind.REFERENCE:
            assert attribute.target is not None
            return ReferenceField(target=attribute.target, lookup=lookup(attribute), allowed=allowed, **common)
        case Kind.CHOICE:
            common["default"] = None if required else common["default"]
            return ChoiceField(
                values=lambda: [(o.value, o.title) for o in attribute.options()], empty=_empty(attribute),
                steady=not callable(attribute.info.get("choices")), **common
            )  # fmt: skip
        case Kind.YES_NO:
            return ChoiceField(values=lambda: [(True, _l("Yes")), (False, _l("No"))], steady=True, **common)
        case Kind.DAY:
            return DayField(**common)
        case Kind.MOMENT:
            return MomentField(**common)
        case Kind.TIME:
            return TimeField(**common)
        case Kind.INTEGER:
            return WholeField(**common)
        case Kind.ROWS:
            common["validators"] = [validators.DataRequired(_l("Fill in at least one line."))] if required else []
            return RowsField(titles=info["rows"], **common)
        case Kind.DECIMAL:
            return AmountField(places=kind.scale or 0, digits=kind.precision or 12, **common)
        case Kind.TEXT | Kind.LONG_TEXT:
            rows = 4 if attribute.kind is Kind.LONG_TEXT else 0
            return TextField(empty=_empty(attribute), rows=rows, length=getattr(kind, "length", None), **common)
    raise ValueError(
        f"{attribute.owner.__name__}.{attribute.name}: no input for {column.type!r}; give one in form_fields"
    )


class _RequiredSecret:
    field_flags = {"required": True}

    def __call__(self, form: wtforms.Form, field: SecretField) -> None:
        if not field.data and not field.stored:
            raise validators.StopValidation(_("“%(field)s” must be filled in.", field=str(field.label.text)))


def _bare(column: sa.Column[Any]) -> Any:
    kind = column.type
    return kind.impl_instance if isinstance(kind, sa.TypeDecorator) else kind


def _empty(attribute: Attribute) -> str | None:
    return None if attribute.nullable else ""


def _default(column: sa.Column[Any]) -> Any:
    default = column.default
    return default.arg if isinstance(default, sa.ColumnDefault) and default.is_scalar else None
