"""In which unit's diary a change belongs: found from the row itself, or from the record it is part of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session, object_session
from sqlalchemy.orm.util import identity_key

from app.core.records.base import Stamped

DEEPEST = 5
"""Steps from a row to its unit: a drawn signature of a payment of a bill takes three."""


def unit_of(record: Stamped) -> int | None:
    """The unit that ``record`` concerns; nothing for what concerns none, such as a person.

    Nothing is loaded into the session on the way, so that it may be asked while the session writes.
    """
    session = object_session(record)
    model, number, values = type(record), record.id, {n: getattr(record, n) for n in _links(type(record))}
    for _step in range(DEEPEST):
        if model.__tablename__ == "unit":
            return number
        if values.get("unit_id") is not None:
            return values["unit_id"]
        following = _next(model, values)
        if following is None or session is None:
            return None
        model, number = following
        values = _values(session, model, number)
    return None


def _links(model: type[Stamped]) -> tuple[str, ...]:
    """The columns that lead from a row to its unit, or to the record it is part of or hangs on."""
    leading = ("unit_id", model.part_of, "record_type", "record_id")
    return tuple(name for name in leading if name in model.__table__.c)


def _next(model: type[Stamped], values: Mapping[str, Any]) -> tuple[type[Stamped], int] | None:
    if model.part_of:
        table, number = model.__table__.c[model.part_of].info["within_estate"], values[model.part_of]
    else:
        table, number = values.get("record_type"), values.get("record_id")
    if number is None:
        return None
    owner = _model_of(model, table)
    return (owner, number) if owner is not None else None


_models: dict[str, type[Stamped]] = {}
"""Model by table, as far as asked for: the look through all mappers cost more than the rest of an entry."""


def _model_of(neighbour: type[Stamped], table: str | None) -> type[Stamped] | None:
    if table and table not in _models:
        mappers = neighbour.registry.mappers
        found = (m.class_ for m in mappers if m.local_table is not None and m.local_table.name == table)
        owner = next(found, None)
        if owner is not None and issubclass(owner, Stamped):
            _models[table] = owner
    return _models.get(table or "")


def _values(session: Session, model: type[Stamped], number: int) -> dict[str, Any]:
    """The columns that lead on, of a row the session has at hand or else of the stored one."""
    names = _links(model)
    if not names or model.__tablename__ == "unit":
        return {}
    held = session.identity_map.get(identity_key(model, number))
    if held is not None and all(name in inspect(held).dict for name in names):
        return {name: inspect(held).dict[name] for name in names}
    columns = [model.__table__.c[name] for name in names]
    row = session.connection().execute(select(*columns).where(model.__table__.c.id == number)).one_or_none()
    return dict(row._mapping) if row else {}
