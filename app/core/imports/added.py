"""Fields without code in workbooks: further columns of a table, and what a row changes of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from app.core.access.actor import current_actor
from app.core.fields.kinds import Field
from app.core.fields.models import FieldKind
from app.core.fields.queries import fields_of, values_of
from app.core.imports.plan import portions
from app.core.imports.tables import Column, Line, Table, cell_text


def with_fields(table: Table, estate_id: int) -> Table:
    """The table with a column for each field of its records that the acting person fills in; files are left out."""
    if not table.record_type:
        return table
    actor = current_actor()
    fields = fields_of(table.record_type, actor, estate_id=estate_id)
    given = (f for f in fields if f.kind is not FieldKind.FILE and f.filled_by(actor))
    return replace(table, columns=(*table.columns, *map(_column, given)))


def _column(field: Field) -> Column:
    def read(cell: Any) -> Any:
        return field.read(cell_text(cell))

    names = tuple(dict.fromkeys((field.title_zh, field.title_en, field.name)))
    return Column(name=field.name, title=field.label, aliases=names, read=read, may_omit=True, field=field)


def fields_in(table: Table) -> list[Field]:
    """The fields among the columns of a table."""
    return [column.field for column in table.columns if column.field]


def stored_values(
    session: Session, lines: Iterable[Line], record_type: str, ids: Iterable[int]
) -> dict[int, dict[str, Any]]:
    """What the records have already of the fields that stand in the lines, by id and code."""
    first = next(iter(lines), None)
    fields = fields_in(first.table) if first else []
    found: dict[int, dict[str, Any]] = {}
    for part in portions(ids) if fields else ():
        found |= values_of(session, record_type, part, fields)
    return found


def added_values(line: Line, stored: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The filled cells of fields by their code: all of a new record, else those that differ, each noted on the line."""
    given = {f: line[f.name] for f in fields_in(line.table) if line[f.name] is not None}
    if stored is None:
        return {field.code: value for field, value in given.items()}
    changes = {field.code: value for field, value in given.items() if value != stored.get(field.code)}
    for field in given:
        if field.code in changes:
            line.change(field.name, stored.get(field.code), changes[field.code])
    return changes
