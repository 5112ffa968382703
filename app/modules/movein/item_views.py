"""Administration of the module's code lists."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.core.access.actor import Actor
from app.extensions import db
from app.fab.fields import TextField
from app.fab.interface import RecordInterface
from app.fab.views import RecordView
from app.modules.movein.lists import save_item, written
from app.modules.movein.models import MoveInItem


class _DataField(TextField):
    """The special data of an entry as text."""

    def process_data(self, value: Any) -> None:
        self.data = written(value) if isinstance(value, dict) else value


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
    show_fieldsets = (("", ("list_name", "code", "seq", "title_zh", "title_en", "active", "data")),)
    add_columns = ("list_name", "code", "seq", "title_zh", "title_en", "active", "data")
    edit_columns = ("seq", "title_zh", "title_en", "active", "data")
    label_columns = {"data": _l("Special data")}
    list_cell = {"data": lambda item: Markup('<span class="gj-lines">{}</span>').format(written(item.data))}
    form_fields = {
        "data": _DataField(
            _l("Special data"),
            rows=8,
            description=_l("One line “name: value” for each, as in the other entries of the list."),
        ),
    }
    constraint_messages = {"uq_movein_item_estate_id_list_name_code": ("code", _l("The list has this code already."))}

    def create(self, values: dict[str, Any], *, actor: Actor) -> MoveInItem:
        return save_item(db.session, None, values, actor=actor)

    def update(self, record: MoveInItem, values: dict[str, Any], *, actor: Actor) -> None:
        save_item(db.session, record, values, actor=actor)
