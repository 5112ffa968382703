"""Flask-AppBuilder's data interface for our records: what a column is, and reading a page of rows cheaply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cache, cached_property, partial
from typing import Any, cast

import sqlalchemy as sa
from flask import current_app
from flask_appbuilder import Model
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import InstrumentedAttribute, RelationshipDirection, joinedload

from app.core.records.base import UtcDateTime
from app.core.records.database import written
from app.core.records.secrets import EncryptedText
from app.extensions import db
from app.fab.counting import count, tally
from app.fab.paging import DEEPEST, Key, Place, Stretch, Tally, beyond, token


class Kind(StrEnum):
    """What a column holds, as far as filters, inputs, cells and exports care."""

    TEXT = "text"
    LONG_TEXT = "long_text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    DAY = "day"
    MOMENT = "moment"
    TIME = "time"
    YES_NO = "yes_no"
    CHOICE = "choice"
    REFERENCE = "reference"
    SECRET = "secret"  # noqa: S105  (a kind of column)
    ROWS = "rows"
    FILE = "file"
    OTHER = "other"


class Unlabelled(LookupError):
    """A column is shown but says no ``info={"label": …}`` (a programming error, found when the program starts)."""


@dataclass(frozen=True)
class Option:
    """One value of a choice column: as records hold it, how it reads, and the colour of its badge (none: plain text)."""

    value: Any
    title: Any
    colour: str = ""

    @property
    def token(self) -> str:
        """The value in addresses and forms."""
        return token_of(self.value)


def token_of(value: Any) -> str:
    """A choice value as text: an enum member that is no text goes by its name."""
    return value.name if isinstance(value, Enum) and not isinstance(value, str) else str(value)


@dataclass(frozen=True, eq=False)
class Attribute:
    """A column, a column of a related record (``unit.code``), a relationship or a property of a model.

    ``links`` are the many-to-one relationships to walk from the listed record to the owner of ``column``;
    a REFERENCE is reached through ``relation`` of that owner, when it has one.
    """

    name: str
    label: Any
    kind: Kind
    owner: type
    links: tuple[Any, ...] = ()
    column: sa.Column[Any] | None = None
    relation: str | None = None
    target: type | None = None

    @property
    def sql(self) -> InstrumentedAttribute[Any]:
        assert self.column is not None
        return getattr(self.owner, self.key)

    @property
    def sorting(self) -> InstrumentedAttribute[Any]:
        """What lists are sorted by: the column itself, or the one its ``info["sort"]`` names."""
        return getattr(self.owner, self.info["sort"]) if "sort" in self.info else self.sql

    @property
    def may_be_unsorted(self) -> bool:
        """Whether records may have nothing to be sorted by."""
        return self.sorting.property.columns[0].nullable or any(map(_may_lead_nowhere, self.links))

    @property
    def indexable(self) -> bool:
        """Whether the values lie in the table of the listed records, where an index may sort them."""
        return not self.links

    def reached(self, query: Any) -> Any:
        """``query`` of the listed records, joined with what the values lie in beside ``links``."""
        return query

    def where(self, clause: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
        """A clause on :attr:`sql` as one on the listed records."""
        for link in reversed(self.links):
            clause = link.has(clause)
        return clause

    def emptiness(self, empty: bool) -> sa.ColumnElement[bool]:
        """Clause for the listed records without a value, or with one."""
        blank = self.sql.is_(None)
        if self.kind in {Kind.TEXT, Kind.CHOICE}:
            blank = sa.or_(blank, (sa.cast(self.sql, sa.String) if self.kind is Kind.CHOICE else self.sql) == "")
        return self.where(blank if empty else sa.not_(blank))

    @cached_property  # asked for with every cell of a list
    def key(self) -> str:
        """Name of the column's attribute on its owner."""
        assert self.column is not None
        return sa.inspect(self.owner).get_property_by_column(self.column).key

    @property
    def info(self) -> Mapping[str, Any]:
        return self.column.info if self.column is not None else {}

    @property
    def eager(self) -> tuple[str, ...]:
        """The relationships to load together with the record."""
        relations = (*self.links, getattr(self.owner, self.relation)) if self.relation else self.links
        return tuple(link.key for link in relations)

    @property
    def nullable(self) -> bool:
        return self.column is None or bool(self.column.nullable)

    @property
    def optional(self) -> bool:
        """Whether a form may leave the column empty: it may be NULL, or a default stands in for nothing."""
        default = self.column.default if self.column is not None else None
        stands_in = default is not None and (self.kind in {Kind.TEXT, Kind.LONG_TEXT} or default.is_callable)
        return self.nullable or stands_in

    @property
    def sortable(self) -> bool:
        return self.column is not None and self.kind not in {
            Kind.SECRET, Kind.REFERENCE, Kind.OTHER, Kind.LONG_TEXT, Kind.ROWS, Kind.FILE,
        }  # fmt: skip

    def value(self, record: Any) -> Any:
        """The attribute's value; of a reference the record it points at."""
        for link in self.links:
            record = getattr(record, link.key)
            if record is None:
                return None
        if self.kind is Kind.REFERENCE:
            if self.relation:
                return getattr(record, self.relation)
            number = getattr(record, self.key)
            return None if number is None else db.session.get(self.target, number)
        found = getattr(record, self.key if self.column is not None else self.name)
        return found() if callable(found) else found

    @classmethod
    def bring(cls, session: Any, records: Sequence[Any], attributes: Sequence[Attribute]) -> None:
        """Fetch what such attributes show of ``records`` and no relationship leads to; of columns, nothing."""

    def options(self) -> list[Option]:
        """The values of a choice column."""
        return _options(self.owner, self.column)

    def option(self, value: Any) -> Option:
        """The option of a value; of one that is no longer offered, the bare value."""
        return next((o for o in self.options() if o.token == token_of(value)), Option(value, token_of(value)))


def _bare_type(column: sa.Column[Any] | None) -> Any:
    kind = column.type if column is not None else None
    while isinstance(kind, sa.TypeDecorator) and not isinstance(kind, EncryptedText | UtcDateTime):
        kind = kind.impl_instance
    return kind


def _workflow_looks(owner: type, column: sa.Column[Any]) -> Mapping[str, Any] | None:
    registry = current_app.extensions.get("guanjia")
    for workflow in registry.workflows.values() if registry else ():
        if workflow.model is owner and workflow.column == column.key:
            looks: Mapping[str, Any] = workflow.looks
            return looks
    return None


def _options(owner: type, column: sa.Column[Any] | None) -> list[Option]:
    assert column is not None
    looks = _workflow_looks(owner, column)
    if looks:
        return [Option(state, look.title, look.colour) for state, look in looks.items()]
    given = column.info.get("choices")
    if given is None:
        enum = _bare_type(column)
        given = enum.enum_class or dict(zip(enum.enums, enum.enums, strict=True))
    if isinstance(given, type) and issubclass(given, Enum):
        return _members(given)
    if callable(given):
        given = given()
    return [
        Option(value, said.title, said.colour) if hasattr(said, "colour") else Option(value, said)
        for value, said in (given.items() if isinstance(given, Mapping) else cast(Iterable[tuple[Any, Any]], given))
    ]


@cache
def _members(of: type[Enum]) -> list[Option]:
    return [Option(member, _title(member), getattr(member, "colour", "")) for member in of]


def _title(member: Enum) -> Any:
    title = getattr(member, "title", None)
    return member.value if title is None or callable(title) else title  # str.title is no title


def _kind(owner: type, column: sa.Column[Any]) -> Kind:
    bare = _bare_type(column)
    if isinstance(bare, EncryptedText):
        return Kind.SECRET
    if isinstance(bare, sa.Enum) or "choices" in column.info or _workflow_looks(owner, column):
        return Kind.CHOICE
    if "rows" in column.info:
        return Kind.ROWS
    if _target_table(column) is not None:
        return Kind.REFERENCE
    for kind, types in {
        Kind.YES_NO: sa.Boolean,
        Kind.MOMENT: (UtcDateTime, sa.DateTime),
        Kind.DAY: sa.Date,
        Kind.TIME: sa.Time,
        Kind.INTEGER: sa.Integer,
        Kind.DECIMAL: sa.Numeric,
        Kind.LONG_TEXT: sa.Text,
        Kind.TEXT: sa.String,
    }.items():
        if isinstance(bare, types):  # type: ignore[arg-type]  # one class or several
            return kind
    return Kind.OTHER


def _target_table(column: sa.Column[Any]) -> str | None:
    if "within_estate" in column.info:
        return str(column.info["within_estate"])
    pairs = (key.target_fullname.rpartition(".") for key in column.foreign_keys)
    return next((table for table, _dot, name in pairs if name == "id"), None)  # a repeated fact leads nowhere


def model_of(table: str) -> type | None:
    """The mapped class of a table (the most derived one, where an account class extends the framework's)."""
    found = [m.class_ for m in Model.registry.mappers if m.local_table is not None and m.local_table.name == table]
    return max(found, key=lambda c: len(c.__mro__)) if found else None


class RecordInterface(SQLAInterface):
    """The data interface of one model, without state shared between requests."""

    @property
    def session(self) -> Any:
        return db.session

    @cached_property
    def columns(self) -> dict[str, sa.Column[Any]]:
        return {p.key: p.columns[0] for p in sa.inspect(self.obj).column_attrs}

    @cached_property
    def state_columns(self) -> frozenset[str]:
        """Columns that only a workflow may change."""
        registry = current_app.extensions.get("guanjia")
        flows = registry.workflows.values() if registry else ()
        return frozenset({"state"} | {w.column for w in flows if w.model is self.obj})

    def attribute(self, name: str, labels: Mapping[str, Any] | None = None) -> Attribute:
        """Describe ``name``: ``code``, ``unit_id``, ``unit``, ``unit.code`` or a property of the model.

        Raises:
            Unlabelled: neither the column nor ``labels`` says how it reads.
            LookupError: the model has no such attribute.
        """
        owner, links = self.obj, []
        *steps, last = name.split(".")
        for step in steps:
            relation = sa.inspect(owner).relationships.get(step)
            if relation is None or relation.direction is not RelationshipDirection.MANYTOONE:
                raise LookupError(f"{owner.__name__}.{step} is no many-to-one relationship")
            links.append(getattr(owner, step))
            owner = relation.mapper.class_
        mapper = sa.inspect(owner)
        label = (labels or {}).get(name)
        relation_name: str | None
        if last in mapper.relationships and mapper.relationships[last].direction is RelationshipDirection.MANYTOONE:
            column, relation_name = _local_column(mapper.relationships[last]), last
        elif last in mapper.column_attrs:
            column = mapper.column_attrs[last].columns[0]
            relation_name = _relation_over(mapper, column)
        elif hasattr(owner, last):
            if label is None:
                raise Unlabelled(f"{owner.__name__}.{last} needs an entry in label_columns")
            return Attribute(name, label, Kind.OTHER, owner, tuple(links))
        else:
            raise LookupError(f"{owner.__name__} has no attribute {last}")
        label = label if label is not None else column.info.get("label") or (_l("No.") if last == "id" else None)
        if label is None:
            raise Unlabelled(f"{owner.__name__}.{last} needs info={{'label': _l('…')}} on its column")
        kind = _kind(owner, column)
        if kind is not Kind.REFERENCE:
            return Attribute(name, label, kind, owner, tuple(links), column)
        target = (
            mapper.relationships[relation_name].mapper.class_
            if relation_name
            else model_of(_target_table(column) or "")
        )
        return Attribute(name, label, kind, owner, tuple(links), column, relation_name, target)

    def attributes(self, names: Iterable[str], labels: Mapping[str, Any] | None = None) -> list[Attribute]:
        return [self.attribute(name, labels) for name in names]

    def eager(self, attributes: Iterable[Attribute]) -> list[Any]:
        """Loader options that bring every record the attributes walk to in the same statement."""
        options = {}
        for attribute in attributes:
            owner, option = self.obj, None
            for step in attribute.eager:
                link = getattr(owner, step)
                option = option.joinedload(link) if option else joinedload(link)
                owner = link.property.mapper.class_
            if option:
                options[attribute.eager] = option
        return list(options.values())

    def load_references(self, records: Sequence[Any], attributes: Sequence[Attribute]) -> None:
        """Bring what references without a relationship point at into the session, one statement per target, and what
        lies beside the records."""
        wanted: dict[type, set[int]] = {}
        for attribute in attributes:
            if attribute.kind is Kind.REFERENCE and not attribute.relation and attribute.target and not attribute.links:
                numbers = {getattr(record, attribute.key) for record in records} - {None}
                wanted.setdefault(attribute.target, set()).update(numbers)
        for target, numbers in wanted.items():
            if numbers:
                key: Any = sa.inspect(target).primary_key[0]
                found = self.session.scalars(sa.select(target).where(key.in_(numbers))).all()
                for record in records:  # the session itself holds rows weakly
                    record.__dict__.setdefault("_referenced", []).append(found)
        for kind in dict.fromkeys(type(attribute) for attribute in attributes):
            kind.bring(self.session, records, [a for a in attributes if type(a) is kind])

    def one(self, number: int, attributes: Iterable[Attribute] = (), options: Sequence[Any] = ()) -> Any | None:
        """The record with this id, if the actor may see it; what ``attributes`` walk to comes with it."""
        query = sa.select(self.obj).where(self.get_pk() == number).options(*self.eager(attributes), *options)
        return self.session.scalars(query).unique().one_or_none()

    def ordered(self, query: Any, order: Sequence[tuple[Attribute, bool]]) -> Any:
        """``query`` sorted by ``(attribute, descending)`` and then by id, so that pages never overlap."""
        return self._sorted(query, order, False)

    def keys(self, order: Sequence[tuple[Attribute, bool]]) -> list[Key]:
        """The columns by which the rows of a list follow each other, the id last."""
        found = [Key(a.sorting, way, a.may_be_unsorted) for a, way in order if a.name != "id"]
        return [*found, Key(self.get_pk(), order[-1][1] if order else False, False)]

    def _walked(self, query: Any, order: Sequence[tuple[Attribute, bool]]) -> Any:
        """``query`` joined with what the order's columns are reached through."""
        for links in dict.fromkeys(a.links[: n + 1] for a, _way in order for n in range(len(a.links))):
            query = query.outerjoin(links[-1])
        for attribute, _way in order:
            query = attribute.reached(query)
        return query

    def _sorted(self, query: Any, order: Sequence[tuple[Attribute, bool]], backwards: bool) -> Any:
        dialect = self.session.get_bind().dialect.name
        return self._walked(query, order).order_by(*(k.ordering(backwards, dialect) for k in self.keys(order)))

    def indexed(self, order: Sequence[tuple[Attribute, bool]]) -> bool:
        """Whether an index brings the records of an estate in this order, so that a page of a huge list is quick."""
        table: Any = self.obj.__table__
        if not all(a.indexable for a, _way in order) or len({way for _a, way in order}) > 1:
            return False
        wanted = [key.column.property.columns[0].name for key in self.keys(order)]
        unique = [[c.name for c in k.columns] for k in table.constraints if isinstance(k, sa.UniqueConstraint)]
        unique += [[c.name for c in i.columns] for i in table.indexes if i.unique]
        for columns in ([c.name for c in index.columns] for index in table.indexes):
            if (columns[1:] if columns[:1] == ["estate_id"] else columns)[: len(wanted)] == wanted:
                return True
        return wanted == ["id"] or any([c for c in columns if c != "estate_id"] == wanted[:-1] for columns in unique)

    def count(self, clauses: Sequence[Any]) -> int:
        """Number of visible records that satisfy the clauses; no join, no order."""
        return count(self.session, self.get_pk(), clauses)

    def walk(
        self, clauses: Sequence[Any], order: Sequence[tuple[Attribute, bool]], place: Place, size: int,
        attributes: Sequence[Attribute], options: Sequence[Any] = (),
    ) -> Stretch:  # fmt: skip
        """The page of the matching records at ``place``, found along the index of the order however deep it lies.

        A place behind the end shows the last page, one before the beginning the first.
        """
        wanted = partial(self._at, clauses, order, size=size, attributes=attributes, options=options)
        rows, records, behind, ahead = wanted(place)
        if place.kind == "number" and place.number > 1 and not rows:
            total = self.tally(clauses)
            last = -(-total.number // size) if total.exact and total.number <= DEEPEST else 0
            place = Place("number", last) if 0 < last < place.number else Place("last")
            rows, records, behind, ahead = wanted(place)
        elif place.kind == "after" and not rows:
            place = Place("last")
            rows, records, behind, ahead = wanted(place)
        elif place.kind == "before" and len(rows) < size:
            place = Place()
            rows, records, behind, ahead = wanted(place)
        if not ahead and not behind:
            total = Tally(len(rows), True, 0)
        else:
            total = self.tally(clauses, order, rows[0] if ahead and rows and place.kind != "number" else None)
        first = self._number_of_first(rows, behind, ahead, place, size, total)
        self.load_references(records, attributes)
        return Stretch(
            records, total, first,
            token(rows[0], first) if ahead and rows else "",
            token(rows[-1], first + len(rows) - 1 if first else None) if behind else "",
        )  # fmt: skip

    def tally(self, clauses: Sequence[Any], order: Sequence[tuple[Attribute, bool]] = (), row: Any = None) -> Tally:
        """How many records match, and how many of them stand before ``row`` (sort values and id)."""
        ahead = sa.or_(*(sa.and_(*b) for b in beyond(self.keys(order), row, True))) if row is not None else None
        return tally(self.session, self.get_pk(), clauses, ahead, lambda query: self._walked(query, order))

    def _number_of_first(
        self, rows: Sequence[Any], behind: bool, ahead: bool, place: Place, size: int, total: Tally
    ) -> int | None:
        """Number of a page's first row: counted where the list is short, else as far as the way here tells it."""
        if not ahead:
            return 1
        if place.kind == "number":
            return (place.number - 1) * size + 1
        if total.ahead is not None:
            return total.ahead + 1
        if not behind:
            return total.number - len(rows) + 1 if total.exact else None
        if place.position is None:
            return None
        first = place.position + 1 if place.kind == "after" else place.position - len(rows)
        return max(2, min(first, total.number - len(rows))) if total.exact else max(2, first)

    def _at(
        self, clauses: Sequence[Any], order: Sequence[tuple[Attribute, bool]], place: Place, *, size: int,
        attributes: Sequence[Attribute], options: Sequence[Any],
    ) -> tuple[Sequence[Any], Sequence[Any], bool, bool]:  # fmt: skip
        """Sort values with ids of a page's rows, their records, and whether there are rows behind and ahead of it.

        One statement: the narrow rows of the page are found along an index, their records are read beside them.
        """
        backwards = place.kind in {"before", "last"}
        keys, dialect = self.keys(order), self.session.get_bind().dialect.name
        query = sa.select(*(key.column.label(f"k{number}") for number, key in enumerate(keys)))
        branches = beyond(keys, place.values, backwards) if place.values else [[]]
        most = written(size + 1)
        parts = [self._sorted(query.where(*clauses, *branch), order, backwards).limit(most) for branch in branches]
        if place.kind == "number":
            parts = [parts[0].offset((place.number - 1) * size)]
        page = parts[0].subquery("page")
        if len(parts) > 1:
            numbered = [
                sa.select(part.add_columns(sa.literal(n).label("part")).subquery()) for n, part in enumerate(parts)
            ]
            rows = sa.union_all(*numbered).subquery()
            page = (
                sa.select(rows)
                .order_by(rows.c.part, *_ordering(rows, keys, backwards, dialect))
                .limit(most)
                .subquery("page")
            )
        found = [
            *self.session.execute(
                sa.select(self.obj, *(page.c[f"k{number}"] for number in range(len(keys))))
                .select_from(page)
                .join(self.obj, self.get_pk() == page.c[f"k{len(keys) - 1}"])
                .options(*self.eager(attributes), *options)
                .order_by(*([page.c.part] if len(parts) > 1 else []), *_ordering(page, keys, backwards, dialect))
            ).unique()
        ]
        more, shown = len(found) > size, found[:size][:: -1 if backwards else 1]
        ends = (place.kind == "before", more) if backwards else (more, place.kind == "after" or place.number > 1)
        return [tuple(row[1:]) for row in shown], [row[0] for row in shown], *ends

    def _read(self, ids: Sequence[int], attributes: Sequence[Attribute], options: Sequence[Any]) -> list[Any]:
        if not ids:
            return []
        key = self.get_pk()
        query = sa.select(self.obj).where(key.in_(ids)).options(*self.eager(attributes), *options)
        rows = {getattr(row, key.key): row for row in self.session.scalars(query).unique()}
        records = [rows[number] for number in ids if number in rows]
        self.load_references(records, attributes)
        return records

    def stream(
        self, clauses: Sequence[Any], order: Sequence[tuple[Attribute, bool]], attributes: Sequence[Attribute],
        options: Sequence[Any] = (), chunk: int = 500,
    ) -> Iterator[Any]:  # fmt: skip
        """Every matching record in order, some hundred at a time; passed records leave the session.

        The ids come through a cursor that the server keeps, so memory does not grow with the list.
        """
        ids = self.ordered(sa.select(self.get_pk()).where(*clauses), order)
        with self.session.execute(ids, execution_options={"yield_per": chunk}) as found:
            for part in found.scalars().partitions():
                before = set(self.session.identity_map.values())
                yield from self._read(part, attributes, options)
                for record in set(self.session.identity_map.values()) - before:
                    self.session.expunge(record)


def _ordering(rows: Any, keys: Sequence[Key], backwards: bool, dialect: str) -> list[Any]:
    """The order of ``keys`` for ``rows`` that hold them as k0, k1 …"""
    named = (Key(rows.c[f"k{number}"], key.descending, key.nullable) for number, key in enumerate(keys))
    return [key.ordering(backwards, dialect) for key in named]


def _may_lead_nowhere(link: Any) -> bool:
    return any(column.nullable for column in link.property.local_columns)


def _local_column(relation: Any) -> sa.Column[Any]:
    named = [c for c in relation.local_columns if c.key != "estate_id"]
    return named[0] if named else next(iter(relation.local_columns))


def _relation_over(mapper: Any, column: sa.Column[Any]) -> str | None:
    for relation in mapper.relationships:
        if relation.direction is RelationshipDirection.MANYTOONE and _local_column(relation) is column:
            return str(relation.key)
    return None
