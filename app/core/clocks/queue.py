"""The queue: open work of an estate by its earliest limit, in pages that cost the same however much is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, bindparam, func, select, tuple_, union_all
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor, NotAllowed
from app.core.access.models import Account, staff_name
from app.core.access.roles import Role
from app.core.clocks.kinds import WorkCommand, WorkKind
from app.core.clocks.models import NO_DEADLINE, Deadline, WorkItem
from app.core.clocks.passing import concerns, kind_of
from app.core.records.base import UtcDateTime, now
from app.core.records.choices import Choice
from app.core.records.database import written
from app.core.registry import registry
from app.core.workflow.table import Transition, Workflow

MOST = 999
"""Counts are exact up to here; beyond they say “999+”."""
SIZE = 25
WORK: Any = WorkItem.__table__
STAFF: Any = Account.__table__
LINE = tuple(
    WORK.c[name] for name in "id kind record_type record_id label step role assignee_id rank_at closed_at".split()
)
"""Columns of a piece of work that its line needs."""


class Tab(Choice):
    """Whose work is shown."""

    MINE = "mine", _l("Mine")
    ROLE = "role", _l("My role")
    ALL = "all", _l("All")


@dataclass(frozen=True)
class Place:
    """Where a page ended: the next one begins behind it."""

    rank_at: datetime
    id: int

    def __str__(self) -> str:
        return f"{self.rank_at.isoformat()}~{self.id}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """What :meth:`__str__` wrote; None for anything else."""
        moment, _sign, number = text.partition("~")
        try:
            at = datetime.fromisoformat(moment)
            return cls(at, int(number)) if at.tzinfo and number.isascii() and len(number) < 19 else None
        except ValueError:
            return None


@dataclass(frozen=True)
class Asked:
    """A question to the queue: whose work, of which kind (empty: any), only what is late, behind which line."""

    tab: Tab = Tab.MINE
    kind: str = ""
    late: bool = False
    after: Place | None = None


@dataclass(frozen=True)
class QueueLine:
    """One open work as the queue shows it. ``for_whom``: the colleague who has it and for whom the actor stands in.

    ``item`` is a :class:`WorkItem`, in pages of the queue the row of its columns; ``paused``: a clock that stands
    still, when no other runs.
    """

    item: Any
    unit_code: str
    described: WorkKind
    holder: str
    for_whom: str = ""
    paused: Deadline | None = None

    @property
    def late(self) -> bool:
        return self.item.closed_at is None and bool(self.item.rank_at < now())

    @property
    def due_at(self) -> datetime | None:
        """The earliest limit that runs."""
        return self.item.rank_at if self.item.rank_at < NO_DEADLINE else None

    @property
    def next_step(self) -> Any:
        """Title of what is to be done next."""
        return step_title(self.described, self.item.step)

    @property
    def role_title(self) -> Any:
        return Role(self.item.role).title if self.item.role else ""


def lines(session: Session, actor: Actor, asked: Asked, size: int = SIZE) -> tuple[list[QueueLine], Place | None]:
    """A page of the queue and where the next one begins (None: nowhere); two statements."""
    branches = _branches(actor, asked)
    if not branches:
        return [], None
    query = _page(tuple(tuple(branch) for branch in branches), asked.late, asked.after is not None, size + 1)
    place = {"after_rank": asked.after.rank_at, "after_id": asked.after.id} if asked.after else {}
    equal = {f"{name}_{n}": value for n, branch in enumerate(branches) for name, value in branch.items()}
    rows = session.execute(query, {"estate": actor.estate_id, "moment": now(), **place, **equal}).all()
    shown = rows[:size]
    last = shown[-1] if len(rows) > size else None
    found = _described(session, actor, [(row, row.code or "", _holder(row)) for row in shown])
    return found, Place(last.rank_at, last.id) if last else None


@lru_cache(maxsize=300)  # building a statement costs more than asking it
def _page(branches: tuple[tuple[str, ...], ...], late: bool, behind: bool, size: int) -> Select[Any]:
    """``size`` lines of the queue: each branch, by the columns it compares, walks its index; the first of all are taken."""
    unit = Model.metadata.tables["unit"]
    clauses = _open(late)
    if behind:
        place = bindparam("after_rank", type_=UtcDateTime), bindparam("after_id", type_=WORK.c.id.type)
        clauses.append(tuple_(WORK.c.rank_at, WORK.c.id) > tuple_(*place))
    parts = [
        select(WORK.c.id, WORK.c.rank_at)
        .where(*clauses, *(WORK.c[name] == bindparam(f"{name}_{n}") for name in branch))
        .order_by(WORK.c.rank_at, WORK.c.id).limit(written(size)).subquery()
        for n, branch in enumerate(branches)
    ]  # fmt: skip
    found = union_all(*(select(part.c.id, part.c.rank_at) for part in parts)).subquery()
    return (
        select(*LINE, unit.c.code, STAFF.c.first_name, STAFF.c.last_name)
        .join_from(WORK, found, found.c.id == WORK.c.id)
        .outerjoin(unit, unit.c.id == WORK.c.unit_id)
        .outerjoin(STAFF, STAFF.c.id == WORK.c.assignee_id)
        .order_by(found.c.rank_at, found.c.id)
        .limit(written(size))
    )  # fmt: skip


def lines_of_unit(session: Session, actor: Actor, unit: Any, limit: int) -> list[QueueLine]:
    """Open work about a ``unit`` that the actor may read, by its limits; one statement, two when clocks stand still."""
    asked = {"estate": unit.estate_id, "unit": unit.id, "kinds": list(readable_kinds(actor)), "limit": limit}
    rows = session.execute(_of_unit(), asked)
    return _described(session, actor, [(row, unit.code, _holder(row)) for row in rows])


@cache  # as above
def _of_unit() -> Select[Any]:
    return (
        select(*LINE, STAFF.c.first_name, STAFF.c.last_name)
        .outerjoin_from(WORK, STAFF, STAFF.c.id == WORK.c.assignee_id)
        .where(*_open(late=False), WORK.c.unit_id == bindparam("unit"))
        .where(WORK.c.kind.in_(bindparam("kinds", expanding=True)))
        .order_by(WORK.c.rank_at, WORK.c.id)
        .limit(bindparam("limit"))
    )


def _holder(row: Any) -> str:
    """Name of the person who has the work of a row, empty when nobody has."""
    return staff_name(row.first_name, row.last_name) if row.assignee_id else ""


def line_of(session: Session, actor: Actor, item_id: int) -> QueueLine:
    """One work, open or closed. Raises :class:`NotAllowed` when the actor may not see it."""
    unit = Model.metadata.tables["unit"]
    row = session.execute(
        select(WorkItem, unit.c.code)
        .outerjoin(unit, unit.c.id == WorkItem.unit_id)
        .options(joinedload(WorkItem.assignee))
        .where(WorkItem.id == item_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None or not (concerns(actor, row[0]) or actor.may("read", kind_of(row[0]).resource)):
        raise NotAllowed(f"work {item_id}")
    item, code = row
    return _described(session, actor, [(item, code or "", item.assignee.display_name if item.assignee else "")])[0]


def _described(session: Session, actor: Actor, found: Sequence[tuple[Any, str, str]]) -> list[QueueLine]:
    """Work with its unit's code and its holder's name as lines; a statement for clocks that stand still, if any may."""
    waiting = [item.id for item, _code, _holder in found if item.rank_at >= NO_DEADLINE]
    paused = {clock.item_id: clock for clock in session.scalars(_paused(), {"items": waiting})} if waiting else {}
    others = {other.id: other.name for other in actor.stands_for}
    return [
        QueueLine(item, code, kind_of(item), holder, others.get(item.assignee_id or 0, ""), paused.get(item.id))
        for item, code, holder in found
    ]


@cache  # building it costs more than asking it
def _paused() -> Select[Any]:
    return (
        select(Deadline)
        .where(
            Deadline.item_id.in_(bindparam("items", expanding=True)), Deadline.met_at.is_(None),
            Deadline.cancelled_at.is_(None), Deadline.paused_at.is_not(None),
        )
        .order_by(Deadline.id.desc())  # of several the first is kept
    )  # fmt: skip


def counts(session: Session, actor: Actor, asked: Asked) -> dict[Tab, int]:
    """How much is open under each tab with the filters of ``asked``, up to :data:`MOST` and one; one statement."""
    row = session.execute(_counts(tuple(Tab), bool(asked.kind), asked.late, _reads_all(actor)), _counted(actor, asked))
    return dict(zip(Tab, row.one(), strict=True))


def count(session: Session, actor: Actor, asked: Asked) -> int:
    """How much is open for one question, up to :data:`MOST` and one."""
    query = _counts((asked.tab,), bool(asked.kind), asked.late, _reads_all(actor))
    return session.execute(query, _counted(actor, asked)).scalar_one()


def counted(query: Select[Any]) -> ColumnElement[int]:
    """Count of a query's rows as an expression that stops after :data:`MOST` and one."""
    return select(func.count()).select_from(query.limit(written(MOST + 1)).subquery()).scalar_subquery()


def count_text(number: int) -> str:
    """A count as it is shown: ``999+`` when nobody counted further."""
    return f"{MOST}+" if number > MOST else str(number)


def readable_kinds(actor: Actor) -> dict[str, WorkKind]:
    """Kinds of work the actor may read, by code."""
    return {code: kind for code, kind in registry().of(WorkKind).items() if actor.may("read", kind.resource)}


def workflow_of(kind: WorkKind) -> Workflow | None:
    """The workflow whose records stand in the queue under this kind."""
    return next((w for w in registry().workflows.values() if w.work == kind.code), None)


def step_title(kind: WorkKind, step: str) -> Any:
    """Title of a step of this kind: of its own steps, its commands or its workflow's transitions."""
    if kind.steps and step in kind.steps:
        return kind.steps[step]
    workflow = workflow_of(kind)
    steps: Iterable[Transition | WorkCommand] = workflow.transitions if workflow else kind.commands
    return next((s.title for s in steps if s.name == step), "")


def _open(late: bool) -> list[Any]:
    clauses = [WORK.c.estate_id == bindparam("estate"), WORK.c.closed_at.is_(None)]
    return [*clauses, WORK.c.rank_at < bindparam("moment")] if late else clauses


def _branches(actor: Actor, asked: Asked) -> list[dict[str, Any]]:
    """Columns and values each of which walk one index in the queue's order; together they are what is asked for."""
    kind = {"kind": asked.kind} if asked.kind else {}
    if asked.tab is Tab.MINE:
        return [{"assignee_id": number, **kind} for number in _people(actor)]
    if asked.tab is Tab.ROLE:
        return [{"role": role, **kind} for role in sorted(actor.roles)]
    readable = readable_kinds(actor)
    if asked.kind:
        return [kind] if asked.kind in readable else []
    return [{}] if _reads_all(actor) else [{"kind": code} for code in readable]


@cache  # building it costs more than asking it
def _counts(tabs: tuple[Tab, ...], of_kind: bool, late: bool, reads_all: bool) -> Any:
    """Counts of open work under ``tabs``. As :func:`_branches`, but the order does not matter: one criterion over all."""
    whose = {
        Tab.MINE: [WORK.c.assignee_id.in_(bindparam("people", expanding=True))],
        Tab.ROLE: [WORK.c.role.in_(bindparam("roles", expanding=True))],
        Tab.ALL: [] if reads_all else [WORK.c.kind.in_(bindparam("kinds", expanding=True))],
    }
    clauses = _open(late) + ([WORK.c.kind == bindparam("kind")] if of_kind else [])
    return select(*(counted(select(WORK.c.id).where(*clauses, *whose[tab])).label(tab.value) for tab in tabs))


def _counted(actor: Actor, asked: Asked) -> dict[str, Any]:
    """Values for :func:`_counts`."""
    return {
        "estate": actor.estate_id, "moment": now(), "kind": asked.kind, "people": _people(actor), "roles": sorted(actor.roles),
        "kinds": list(readable_kinds(actor)),
    }  # fmt: skip


def _reads_all(actor: Actor) -> bool:
    """The actor may read every kind of work, so that it need not be compared."""
    return len(readable_kinds(actor)) == len(registry().of(WorkKind))


def _people(actor: Actor) -> list[int]:
    return [number for number in (actor.user_id, *(other.id for other in actor.stands_for)) if number is not None]
