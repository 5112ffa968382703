"""The base of every stored record: identity, estate, authorship, version; and the guard of estate scope.

Kept by the database: a record can only point at records of its own estate (composite foreign keys built from
:func:`within_estate`). Kept by the session: nobody reads or writes outside the estates of the acting person.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, cast
from weakref import WeakKeyDictionary

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    ClauseElement,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Insert,
    Integer,
    Select,
    Table,
    TypeDecorator,
    UniqueConstraint,
    UpdateBase,
    event,
)
from sqlalchemy.orm import (
    Mapped,
    ORMExecuteState,
    Session,
    declared_attr,
    mapped_column,
    object_session,
    with_loader_criteria,
)
from sqlalchemy.sql.base import ExecutableOption
from sqlalchemy.sql.util import find_tables

from app.core.access.actor import NoActor, NotAllowed, acting_person, current_actor

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
Model.metadata.naming_convention = NAMING


def now() -> datetime:
    """The present moment in UTC, whole seconds are not cut."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment stored in UTC and always returned aware; naive values are refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its time zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def within_estate(table: str, **options: Any) -> Any:
    """A column that points at ``table`` inside the record's own estate: FOREIGN KEY (estate_id, column).

    Relationships over it name it: ``relationship(foreign_keys=[unit_id])``.
    """
    options.setdefault("index", True)
    info = {**options.pop("info", {}), "within_estate": table}
    return mapped_column(Integer, info=info, **options)


@event.listens_for(Table, "after_parent_attach")
def _tie_to_estate(table: Table, metadata: Any) -> None:
    if metadata is not Model.metadata or "estate_id" not in table.c or "id" not in table.c:
        return  # a copy of a table (as migrations make) brings its constraints along
    table.append_constraint(UniqueConstraint(table.c.estate_id, table.c.id))
    for column in list(table.c):
        target = column.info.get("within_estate")
        if target:
            table.append_constraint(
                ForeignKeyConstraint([table.c.estate_id, column], [f"{target}.estate_id", f"{target}.id"])
            )


class Stamped(Model):
    """Authorship and version of a row. The version rises with every change and refuses a lost update."""

    __abstract__ = True

    audited: ClassVar[bool] = True
    """Whether every change leaves an entry in the change log; what is not audited logs its events itself."""
    part_of: ClassVar[str] = ""
    """Column of the record that this row is part of, when it has no ``unit_id`` of its own but that record has."""

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, info={"label": _l("Created at")})
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Created by")})
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, info={"label": _l("Changed at")})
    changed_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Changed by")})
    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        """Record on whose timeline changes of this row appear, as (table name, id): the one it is part of, or itself."""
        if self.part_of:
            return self.__table__.c[self.part_of].info["within_estate"], getattr(self, self.part_of)
        return self.__tablename__, self.id

    @property
    def audit_unit(self) -> int | None:
        """Unit in whose diary changes of this row appear: its ``unit_id``, or that of the record it is part of."""
        from app.core.audit.units import unit_of  # needs this module itself

        return unit_of(self)

    @property
    def audit_parts(self) -> Sequence["Stamped"]:
        """Rows whose changes stand on another record's timeline and are shown on this one's page too."""
        return ()

    @property
    def audit_birth(self) -> tuple[str, str]:
        """How the log tells that this row came about: kind of entry and note; a print or a file is more than a row."""
        return "create", ""


class Record(Stamped):
    """A row that belongs to one estate."""

    __abstract__ = True

    estate_id: Mapped[int] = mapped_column(ForeignKey("estate.id"), index=True, info={"label": _l("Estate")})


def session_of(record: Stamped) -> Session:
    """The session a stored record lives in."""
    session = object_session(record)
    if session is None:
        raise RuntimeError(f"{record!r} is not in a session")
    return session


SYSTEM_COLUMNS = frozenset({"id", "estate_id", "created_at", "created_by_id", "changed_at", "changed_by_id", "version"})


class OutsideEstate(NotAllowed):
    """A write would touch an estate that the acting person does not serve."""


@event.listens_for(Session, "do_orm_execute")
def _scope_reads(state: ORMExecuteState) -> None:
    """Limit every ORM read and bulk write to the actor's estates.

    Relationship and column loads start from a record that was already let through and stay inside its estate
    by foreign key, so they need no second criterion.
    """
    if state.is_column_load or state.is_relationship_load or isinstance(state.statement, Insert):
        return
    actor = acting_person()
    if actor is None:
        if any(
            "estate_id" in t.c or t.name == "estate"
            for t in find_tables(cast(ClauseElement, state.statement), include_crud=True)
        ):
            raise NoActor("declare who acts with acting(...) before reading records")
        return
    if actor.estates is None:
        return
    if not isinstance(state.statement, Select | UpdateBase):
        raise TypeError("only select(), update() and delete() can be limited to the actor's estates")
    if state.is_orm_statement:  # on others the criteria have no effect
        state.statement = _limited(state.statement, actor.estates)


_kept: WeakKeyDictionary[Any, dict[frozenset[int], Any]] = WeakKeyDictionary()


def _limited(statement: Any, visible: frozenset[int]) -> Any:
    """``statement`` for the ``visible`` estates; one that was built once is limited, and known by its key, once too."""
    kept = _kept.setdefault(statement, {})
    if visible not in kept:
        kept[visible] = statement.options(*_only_of(visible))
    return kept[visible]


@lru_cache(maxsize=200)  # every read of every request needs them
def _only_of(visible: frozenset[int]) -> tuple[ExecutableOption, ...]:
    """Criteria that limit a statement to records of the ``visible`` estates."""
    ids = sorted(visible)
    return (
        with_loader_criteria(Record, lambda cls: cls.estate_id.in_(ids), include_aliases=True),
        with_loader_criteria(estates.Estate, lambda cls: cls.id.in_(ids), include_aliases=True),
    )


@event.listens_for(Session, "before_flush")
def _stamp_and_guard(session: Session, context: Any, instances: Any) -> None:
    touched = [r for r in (*session.new, *session.dirty, *session.deleted) if isinstance(r, Stamped)]
    if not touched:
        return
    actor = current_actor()
    moment = now()
    for record in touched:
        if isinstance(record, Record):
            if record.estate_id is None:
                record.estate_id = actor.estate_id
            if not actor.sees(record.estate_id):
                raise OutsideEstate(f"{record.__tablename__} of estate {record.estate_id}")
        if record in session.new:
            record.created_by_id = record.created_by_id or actor.user_id
            record.changed_by_id = actor.user_id
        elif session.is_modified(record):
            record.changed_at, record.changed_by_id = moment, actor.user_id


from app.core.records import estate as estates  # noqa: E402  (an estate is itself a Stamped row)
