"""The module's code lists as an administrator changes them: titles, order, and the data special to each list."""

from __future__ import annotations

from typing import Any

import yaml
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, current_actor
from app.core.records.refusals import FieldErrors
from app.modules.movein.models import MoveInItem
from app.modules.movein.states import LISTS


def written(data: dict[str, Any]) -> str:
    """The special data of an entry as lines ``name: value``."""
    lines = (
        yaml.safe_dump({name: value}, allow_unicode=True, default_flow_style=True, width=10_000)
        for name, value in data.items()
    )
    return "\n".join(line.strip()[1:-1] for line in lines)


def save_item(session: Session, item: MoveInItem | None, values: dict[str, Any], *, actor: Actor) -> MoveInItem:
    """Create or change an entry. ``values["data"]`` is text as :func:`written` gives it.

    Its data must have the same names and kinds of values as the other entries of its list, and point at entries that exist.

    Raises:
        FieldErrors: the data cannot be read or does not fit the list.
    """
    actor.require("create" if item is None else "update", "MoveInItem")
    text = values.pop("data", None)
    list_name = item.list_name if item else values["list_name"]
    data = _checked(session, list_name, _read(text or ""), item.data if item else _example(session, list_name))
    if item is None:
        item = MoveInItem(estate_id=actor.estate_id)
        session.add(item)
    item.data = data
    for name, value in values.items():
        setattr(item, name, value)
    session.flush()
    return item


def _example(session: Session, list_name: str) -> dict[str, Any]:
    """The data of the list's first entry."""
    mine = (MoveInItem.list_name == list_name, MoveInItem.estate_id == current_actor().estate_id)
    example = session.scalar(select(MoveInItem).where(*mine).order_by(MoveInItem.seq).limit(1))
    return example.data if example else {}


def _read(text: str) -> dict[str, Any]:
    try:
        data = yaml.safe_load(text) if text.strip() else {}
    except yaml.YAMLError:
        raise FieldErrors({"data": _("This cannot be read; write one line “name: value” for each.")}) from None
    if not isinstance(data, dict):
        raise FieldErrors({"data": _("This cannot be read; write one line “name: value” for each.")})
    return data


def _checked(session: Session, list_name: str, data: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    optional = {"limit"} if list_name == "check_items" else set()
    if set(data) - optional != set(model) - optional:
        raise FieldErrors({"data": _("The entry needs exactly these: %(names)s.", names=", ".join(model))})
    for name, value in data.items():
        if name in model and not _alike(value, model[name]):
            raise FieldErrors({"data": _("“%(name)s” is of another kind than before.", name=name)})
    if isinstance(data.get("days"), int) and not 0 <= data["days"] <= 365:
        raise FieldErrors({"data": _("A limit has 0 to 365 days.")})
    for name, target in {"limit": "limits", "trade": "trades"}.items():
        if name in data and not _exists(session, target, str(data[name])):
            raise FieldErrors(
                {"data": _("“%(value)s” is not in the list “%(list)s”.", value=data[name], list=LISTS[target])}
            )
    return data


def _alike(value: Any, model: Any) -> bool:
    if isinstance(model, dict):
        return isinstance(value, dict) and set(value) == set(model) and all(_alike(value[k], model[k]) for k in model)
    if isinstance(model, list):
        return isinstance(value, list) and (not model or all(isinstance(v, type(model[0])) for v in value))
    return (
        type(value) is type(model)
        or (model is None and isinstance(value, str))
        or (value is None and isinstance(model, str))
    )


def _exists(session: Session, list_name: str, code: str) -> bool:
    return (
        session.scalar(select(MoveInItem.id).where(MoveInItem.list_name == list_name, MoveInItem.code == code))
        is not None
    )
