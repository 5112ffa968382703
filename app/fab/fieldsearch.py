"""The search box finds records by their fields without code: texts that begin with what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.fields.kinds import Extensible
from app.core.fields.models import CustomValue, FieldKind
from app.core.registry import Registry
from app.core.search.prefix import first_of, starts_with
from app.core.search.provider import Hit, SearchProvider
from app.fab.customs import customs_of
from app.fab.fields import title_of
from app.fab.lists import address_by_id


def find_by_fields(view: Any, session: Session, text: str, limit: int) -> Sequence[Hit]:
    """Records of a view by the fields that are searched, as far as the acting person sees them; one statement.

    ``text`` is compared as it is typed, in small and in capital letters.
    """
    model: Any = view.datamodel.obj
    fields = {a.field.id: a.field for a in customs_of(model) if a.field.searched and a.field.kind is FieldKind.TEXT}
    if not fields:
        return ()
    spellings = dict.fromkeys((text, text.lower(), text.upper(), text.capitalize()))
    searches = [
        select(CustomValue.id).where(CustomValue.field_id == number, starts_with(CustomValue.text, spelt))
        for number in fields
        for spelt in spellings
    ]
    query = (
        select(model, CustomValue.field_id, CustomValue.text)
        .join(CustomValue, CustomValue.record_id == model.id)
        .where(CustomValue.id.in_(first_of(searches, limit)), *view.scope())
        .order_by(CustomValue.text, model.id)
        .limit(limit)
    )
    return [
        Hit(title_of(record), f"{fields[number].label}: {value}",
            address_by_id(model.__tablename__, record.id) or view.address_of(record))
        for record, number, value in session.execute(query)
    ]  # fmt: skip


def register_field_search(registry: Registry, views: Mapping[str, Any]) -> None:
    """A group of results for every kind of record that fields can be added to."""
    known = {view.datamodel.obj.__tablename__: view for view in reversed([*views.values()])}
    for table in registry.of(Extensible):
        if view := known.get(table):
            title = _l("%(list)s by added fields", list=view.list_title)
            registry.search(SearchProvider(f"fields.{table}", title, view.resource, partial(find_by_fields, view)))
