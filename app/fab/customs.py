"""Fields without code as columns of lists: shown, filtered, sorted, exported and found like the columns of a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sqlalchemy as sa
from flask_babel.speaklater import LazyString
from sqlalchemy.orm import Session, aliased

from app.core.access.actor import acting_person
from app.core.fields.kinds import PREFIX, Extensible, Field
from app.core.fields.models import CustomValue, FieldKind
from app.core.fields.queries import fields_of, values_of, values_of_record
from app.core.records.base import session_of
from app.core.registry import registry
from app.fab.interface import Attribute, Kind, Option

KINDS = {
    FieldKind.TEXT: Kind.TEXT, FieldKind.NUMBER: Kind.DECIMAL, FieldKind.MONEY: Kind.DECIMAL, FieldKind.DATE: Kind.DAY,
    FieldKind.CHOICE: Kind.CHOICE, FieldKind.YES_NO: Kind.YES_NO, FieldKind.FILE: Kind.FILE,
}  # fmt: skip
KEPT = "_custom_values"
"""Where a loaded record carries its values by code."""


@dataclass(frozen=True, eq=False)
class CustomAttribute(Attribute):
    """A field of the ``listed`` records: its values lie in rows of :class:`CustomValue`, beside the records."""

    field: Field = dataclasses.field(kw_only=True)
    listed: Any = dataclasses.field(kw_only=True)

    @classmethod
    def of(cls, field: Field, model: type) -> CustomAttribute:
        column = CustomValue.__table__.c[field.column]
        title = LazyString(lambda: field.label)
        return cls(field.name, title, KINDS[field.kind], CustomValue, (), column, field=field, listed=model)

    @property
    def info(self) -> Mapping[str, Any]:
        return {"format": "money"} if self.field.kind is FieldKind.MONEY else {}

    @cached_property
    def _beside(self) -> Any:
        return aliased(CustomValue)

    @cached_property
    def sorting(self) -> Any:
        """The value; choices come in the order in which they are offered, no before yes."""
        column: Any = getattr(self._beside, self.field.column)
        if self.kind is Kind.CHOICE:
            return sa.case(*((column == c.code, n) for n, c in enumerate(self.field.choices)), else_=sa.null())
        return sa.case((column.is_(True), 1), (column.is_(False), 0)) if self.kind is Kind.YES_NO else column

    @property
    def may_be_unsorted(self) -> bool:
        return True

    @property
    def indexable(self) -> bool:
        return False

    def reached(self, query: Any) -> Any:
        mine = sa.and_(self._beside.record_id == self.listed.id, self._beside.field_id == self.field.id)
        return query.outerjoin_from(self.listed, self._beside, mine)

    def where(self, clause: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        values = sa.select(CustomValue.record_id).where(CustomValue.field_id == self.field.id, clause)
        found: sa.ColumnElement[bool] = self.listed.id.in_(values)
        return found

    def emptiness(self, empty: bool) -> sa.ColumnElement[bool]:
        filled = self.where(sa.true())
        return sa.not_(filled) if empty else filled

    def value(self, record: Any) -> Any:
        kept = record.__dict__.get(KEPT)
        if kept is None:
            kept = record.__dict__[KEPT] = values_of_record(session_of(record), record)
        return kept.get(self.field.code)

    def options(self) -> list[Option]:
        """The choices, those no longer offered too: records have them."""
        return [Option(choice.code, choice.title) for choice in self.field.choices]

    @classmethod
    def bring(cls, session: Session, records: Sequence[Any], attributes: Sequence[Attribute]) -> None:
        """Fetch the values of many records, in one statement."""
        fields = [a.field for a in attributes if isinstance(a, CustomAttribute)]
        found = values_of(session, fields[0].record_type, [record.id for record in records], fields)
        for record in records:
            record.__dict__[KEPT] = found.get(record.id, {})


_made: dict[Any, tuple[CustomAttribute, ...]] = {}
MOST_MADE = 500


def customs_of(model: Any, *, archived: bool = False) -> tuple[CustomAttribute, ...]:
    """The fields of a model's records that the acting person sees, in their order; no statement in a request.

    With ``archived`` those too that are out of use: what the log says of them stays readable.
    """
    actor = acting_person()
    if actor is None or model.__tablename__ not in registry().of(Extensible):
        return ()
    fields = fields_of(model.__tablename__, actor, archived=archived)
    if not fields:
        return ()
    key = (model, *map(id, fields))  # the attributes keep the fields, whose ids therefore mean nothing else
    if key not in _made:
        if len(_made) >= MOST_MADE:
            _made.clear()
        _made[key] = tuple(CustomAttribute.of(field, model) for field in fields)
    return _made[key]


@dataclass(frozen=True)
class Columns:
    """What a list shows (``listed``, and what can be ``offered`` beside), and what it is filtered, searched, sorted by."""

    listed: Sequence[Attribute]
    offered: Sequence[Attribute]
    filtered: Sequence[Attribute]
    searched: Sequence[Attribute]
    sortable: Mapping[str, Attribute]

    def and_customs(self, customs: Sequence[CustomAttribute]) -> Columns:
        """With the fields without code behind the columns; remembered for the latest ones, which are asked for often."""
        if not customs:
            return self
        latest: tuple[Sequence[CustomAttribute], Columns] | None = self.__dict__.get("_latest")
        if latest is None or latest[0] is not customs:
            latest = self.__dict__["_latest"] = (customs, self._with(customs))
        return latest[1]

    def _with(self, customs: Sequence[CustomAttribute]) -> Columns:
        return Columns(
            [*self.listed, *(a for a in customs if a.field.listed)],
            [*self.offered, *customs],
            [*self.filtered, *customs],
            [*self.searched, *(a for a in customs if a.field.searched and a.kind is Kind.TEXT)],
            {**self.sortable, **{a.name: a for a in customs if a.sortable}},
        )


LOST = (PREFIX, "lost")
"""Argument that stands for those about fields which the person does not see."""


def without_strangers(args: Iterable[tuple[str, str]], known: Iterable[Attribute]) -> list[tuple[str, str]]:
    """The arguments of a list; those about fields that the person does not see, or no longer, have become :data:`LOST`."""
    given = list(args)
    if not any(PREFIX in name or PREFIX in value for name, value in given):
        return given
    names = {a.name for a in known}

    def strange(text: str) -> bool:
        name = text.removeprefix("-").partition(".")[0]
        return name.startswith(PREFIX) and name not in names

    kept = [(n, v) for n, v in given if not strange(n) and not (n in {"columns", "sort"} and strange(v))]
    return kept if len(kept) == len(given) else [*kept, LOST]
