"""What the owners of settings tell about them: where they are kept, and how they go into a file and come out of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import lazy_gettext as _l

from app.core.records.choices import Choice

Key = tuple[str, ...]
"""Natural key of an entry within its part, as texts."""
Entry = dict[str, Any]
"""An entry in plain JSON: column → value."""


class Group(Choice):
    """Where a setting stands on the page of all settings."""

    ESTATE = "estate", _l("Estate and people")
    TIME = "time", _l("Time and limits")
    WORK = "work", _l("Work and decisions")
    PAPERS = "papers", _l("Papers and texts")
    LISTS = "lists", _l("Code lists and fees")
    MATRIX = "matrix", _l("Check matrix")
    FIELDS = "fields", _l("Fields and forms")
    SYSTEMS = "systems", _l("Other systems")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A line on the page of all settings; contributed. Its view's first page is where it is changed.

    ``models``: the tables whose newest change is told; the rows of the first one are counted, those that ``counted``
    (WHERE clauses) lets through. ``arguments``: of the view's address.
    """

    code: str
    title: Any
    sentence: Any
    group: Group
    view: type
    models: tuple[Any, ...] = ()
    counted: Callable[[], list[Any]] = list
    arguments: tuple[tuple[str, str], ...] = ()
    icon: str = "settings"
    order: int = 50


@dataclass(frozen=True, kw_only=True)
class Pointer:
    """A column that points at another row, written in the file as that row's ``key``.

    ``within``: WHERE clauses that narrow what it may point at, from the estate's id.
    """

    model: Any
    key: str
    within: Callable[[int], list[Any]] | None = None


@dataclass(frozen=True, kw_only=True)
class Child:
    """Rows that belong to an entry: the relationship ``name``, told apart by ``key``, with further ``columns``.

    The file says which there are. Those it does not name go, or get ``withdraw`` (column and value) where others use them.
    """

    name: str
    title: Any
    model: Any
    key: tuple[str, ...]
    columns: tuple[str, ...] = ()
    withdraw: tuple[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class ConfigPart:
    """A table of settings that goes into the file; contributed by its owner. References are natural keys, never ids.

    ``key`` and ``columns`` of ``model`` are written; neither secrets nor personal data belong there. ``pointers``: the
    columns among them that are foreign keys. ``where``: clauses that narrow the rows, with ``fixed`` values of those
    that are made. ``grows``: a row that the estate lacks is made; otherwise the product brings the rows.
    ``withdraw``: column and value with which a row goes out of use. ``save(session, record or None, values, actor=…)``
    writes through the owner's service and returns the record (default: plain columns and children); ``values`` hold
    the columns that change – of a new record all that the file names – and children as lists of column values.
    """

    code: str
    title: Any
    model: Any
    key: tuple[str, ...]
    columns: tuple[str, ...]
    resource: str
    pointers: Mapping[str, Pointer] = field(default_factory=dict)
    children: tuple[Child, ...] = ()
    where: Callable[[], list[Any]] = list
    fixed: Mapping[str, Any] = field(default_factory=dict)
    grows: bool = True
    withdraw: tuple[str, Any] | None = None
    save: Callable[..., Any] | None = None
    labels: Mapping[str, Any] = field(default_factory=dict)
    order: int = 50


@dataclass(frozen=True, kw_only=True)
class ConfigValues:
    """Settings that are no plain rows: ``read(session, estate_id)`` gives the entries by key in plain JSON,
    ``save(session, key, values, actor=…)`` writes one that differs and refuses what it does not know; contributed.

    ``labels`` name the key (under ``"key"``) and the values. ``key``: what the key is called in the file.
    """

    code: str
    title: Any
    resource: str
    key: str
    read: Callable[..., Mapping[Key, Entry]]
    save: Callable[..., None]
    labels: Mapping[str, Any]
    name: Callable[[str], Any] = str
    order: int = 50


Part = ConfigPart | ConfigValues
