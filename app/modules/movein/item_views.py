"""Administration of the module's code lists: every list has a form of its own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import wtforms
from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor, current_actor
from app.core.records.amounts import format_money
from app.core.records.choices import in_language
from app.extensions import db
from app.fab.cells import rows_table
from app.fab.fields import AmountField, ChoiceField, RowsField, TextField, WholeField, YesNoField
from app.fab.interface import RecordInterface
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.movein.lists import DATA, MATRIX, OF_LIST, ROOM, Datum, Form, save_item
from app.modules.movein.models import MoveInItem
from app.modules.movein.states import LISTS

TITLES = ("seq", "title_zh", "title_en", "active")


class SeveralField(wtforms.SelectMultipleField):
    """Some of the values offered."""

    def process_data(self, value: Any) -> None:
        self.data = list(value or ())


def _offered(datum: Datum) -> list[tuple[str, str]]:
    return list(datum.offered(db.session, current_actor().estate_id).items())


def _fields(name: str, datum: Datum) -> dict[str, Any]:
    """The inputs of a special value; a text in two languages has two."""
    match datum.form:
        case Form.BOTH:
            rows = 2 if datum.most > 100 else 0
            zh, en = _l("%(title)s (Chinese)", title=datum.title), _l("%(title)s (English)", title=datum.title)
            return {
                f"data_{name}_zh": TextField(zh, length=datum.most, rows=rows),
                f"data_{name}_en": TextField(en, length=datum.most, rows=rows),
            }
        case Form.WHOLE:
            made: Any = WholeField(datum.title)
        case Form.MONEY:
            made = AmountField(datum.title, places=2, digits=10)
        case Form.YES_NO:
            made = YesNoField(datum.title)
        case Form.ONE:
            made = ChoiceField(datum.title, values=lambda: _offered(datum), empty="")
        case Form.SEVERAL:
            made = SeveralField(datum.title, choices=lambda: _offered(datum), render_kw={"data-choices": ""})
        case Form.ROOMS:
            made = RowsField(
                datum.title,
                titles=ROOM,
                description=_l("Spaces go by their code or name; a code of its own is optional."),
            )
        case _:
            made = TextField(datum.title, length=datum.most)
    return {f"data_{name}": made}


FIELDS = {field: made for name, datum in DATA.items() for field, made in _fields(name, datum).items()}


def _inputs(list_name: str) -> list[str]:
    """Names of the inputs of a list's special values."""
    return [field for name in OF_LIST.get(list_name, ()) for field in _fields(name, DATA[name])]


def _gathered(list_name: str, values: dict[str, Any]) -> dict[str, Any]:
    """Take the special values out of a form's ``values``."""
    data = {}
    for name in OF_LIST.get(list_name, ()):
        if DATA[name].form is Form.BOTH:
            data[name] = {language: values.pop(f"data_{name}_{language}", "") for language in ("zh", "en")}
        else:
            data[name] = values.pop(f"data_{name}", None)
    return data


def _typed(item: MoveInItem) -> dict[str, Any]:
    """The special values of an entry by the names of their inputs."""
    found: dict[str, Any] = {}
    for name in OF_LIST.get(item.list_name, ()):
        value = item.data.get(name)
        if DATA[name].form is Form.BOTH:
            found |= {f"data_{name}_{language}": (value or {}).get(language, "") for language in ("zh", "en")}
        elif DATA[name].form is Form.ROOMS:
            found[f"data_{name}"] = _named(DATA[name], value or [])
        else:
            found[f"data_{name}"] = value
    return found


def _named(datum: Datum, rooms: list[dict[str, str]]) -> list[dict[str, str]]:
    """Rooms with the titles of their spaces."""
    titles = dict(_offered(datum))
    return [{**room, "space": titles.get(room["space"], room["space"])} for room in rooms]


def _shown(item: MoveInItem) -> list[dict[str, Any]]:
    """The special values of an entry as its page shows them."""
    cells = [
        {"label": DATA[name].title, "html": _said(DATA[name], item.data.get(name))}
        for name in OF_LIST.get(item.list_name, ())
    ]
    return [cell for cell in cells if cell["html"] != ""]


def _said(datum: Datum, value: Any) -> Any:
    if value in (None, "", []) and not isinstance(value, bool):
        return ""
    match datum.form:
        case Form.YES_NO:
            return _("Yes") if value else _("No")
        case Form.BOTH:
            return in_language(value["zh"], value["en"])
        case Form.MONEY:
            return format_money(Decimal(value))
        case Form.ONE | Form.SEVERAL:
            titles = dict(_offered(datum))
            return "、".join(titles.get(one, one) for one in ([value] if isinstance(value, str) else value))
        case Form.ROOMS:
            return rows_table(ROOM, _named(datum, value))
    return str(value)


class MoveInItemView(RecordView):
    datamodel = RecordInterface(MoveInItem)
    resource = "MoveInItem"
    route_base = "/move-in-lists"
    list_title = _l("Lists of the move-in")
    show_title = _l("Entry")
    add_title = _l("New entry")
    edit_title = _l("Edit entry")
    intro = _l("Papers, documents, services, keys, and the check matrix of the inspection with its limits.")
    list_columns = ("list_name", "seq", "code", "title_zh", "title_en", "active")
    search_columns = ("list_name", "code", "title_zh", "title_en", "active")
    base_order = (("list_name", "asc"), ("seq", "asc"))
    show_fieldsets = (("", ("list_name", "code", "seq", "title_zh", "title_en", "active")),)
    edit_columns = (*TITLES, *FIELDS)
    add_columns = ("list_name", "code", *edit_columns)
    form_fieldsets = (("", ("list_name", "code", *TITLES)), (_l("Special to this list"), tuple(FIELDS)))
    list_cell = {"code": link_to_show(lambda item: item.code)}
    form_fields = {
        "list_name": ChoiceField(_l("List"), values=lambda: [(chosen, LISTS[chosen])] if (chosen := _chosen()) else []),
        **FIELDS,
    }
    constraint_messages = {"uq_movein_item_estate_id_list_name_code": ("code", _l("The list has this code already."))}

    def _init_forms(self) -> None:
        super()._init_forms()
        stored = self.edit_form

        class EditForm(stored):  # type: ignore[valid-type,misc]  # made for this view a line above
            """The form with the entry's special values, which no column of their own holds."""

            def process(self, formdata: Any = None, obj: Any = None, data: Any = None, **more: Any) -> None:
                super().process(formdata, obj, (data or {}) | (_typed(obj) if obj else {}), **more)

        self.edit_form = EditForm

    def sections(self, record: MoveInItem, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        cells = _shown(record)
        return [(_("Special to this list"), "movein/_special.html", {"cells": cells})] if cells else []

    @expose("/new", methods=["GET", "POST"])
    @requires("create")
    def add(self) -> Any:
        """The form of the list named in the address; without one, the lists to choose from."""
        if not _chosen():
            groups = [
                (_("Lists of the counter"), [name for name in LISTS if name not in MATRIX]),
                (_("Check matrix"), list(MATRIX)),
            ]
            return self.render("movein/list_choice.html", title=self.add_title, groups=groups, lists=LISTS)
        return super().add()

    def defaults(self) -> dict[str, Any]:
        return {"list_name": _chosen()}

    def editable(self, record: MoveInItem | None, actor: Actor) -> set[str]:
        if record is None:
            return {"list_name", "code", *TITLES, *_inputs(_chosen())}
        return {*TITLES, *_inputs(record.list_name)}

    def create(self, values: dict[str, Any], *, actor: Actor) -> MoveInItem:
        data = _gathered(values["list_name"], values)
        return save_item(db.session, None, values | {"data": data}, actor=actor)

    def update(self, record: MoveInItem, values: dict[str, Any], *, actor: Actor) -> None:
        save_item(db.session, record, values | {"data": _gathered(record.list_name, values)}, actor=actor)


def _chosen() -> str:
    """The list a new entry is for."""
    given = request.values.get("list_name", "")
    return given if given in LISTS else ""
