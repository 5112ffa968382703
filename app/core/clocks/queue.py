"""The queue: open work of an estate by its earliest limit, in pages that cost the same however much is open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_, union_all
from sqlalchemy.orm import Session, joinedload

from app.core.access.actor import Actor, NotAllowed
from app.core.access.roles import Role
from app.core.clocks.kinds import WorkCommand, WorkKind
from app.core.clocks.models import NO_DEADLINE, Deadline, WorkItem
from app.core.clocks.passing import concerns, kind_of
from app.core.records.base import UtcDateTime, now
from app.core.records.choices import Choice
from app.core.registry import registry
from app.core.workflow.table import Transition, Workflow

MOST = 999
"""Counts are exact up to here; beyond they say “999+”."""
SIZE = 25
WORK: Any = WorkItem.__table__


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
    """One open work as the queue shows it. ``for_whom``: the colleague who has it and for whom the actor stands in."""

    item: WorkItem
    unit_code: str
    described: WorkKind
    holder: str
    for_whom: str = ""
    clocks: Sequence[Deadline] = field(default_factory=tuple)

    @property
    def late(self) -> bool:
        return self.item.closed_at is None and self.item.rank_at < now()

    @property
    def due_at(self) -> datetime | None:
        """The earliest limit that runs."""
        return self.item.rank_at if self.item.rank_at < NO_DEADLINE else None

    @property
    def paused(self) -> Deadline | None:
        """A clock that stands still, when no other runs."""
        return next((c for c in self.clocks if c.paused_at), None) if self.due_at is None else None

    @property
    def next_step(self) -> Any:
        """Title of what is to be done next."""
        return step_title(self.described, self.item.step)

    @property
    def role_title(self) -> Any:
        return Role(self.item.role).title if self.item.role else ""


def lines(session: Session, actor: Actor, asked: Asked, size: int = SIZE) -> tuple[list[QueueLine], Place | None]:
    """A page of the queue and where the next one begins (None: nowhere); two statements."""
    unit = Model.metadata.tables["unit"]
    branches = [
        select(WORK.c.id, WORK.c.rank_at).where(*_open(actor, asked), *mine, *_behind(asked.after))
        .order_by(WORK.c.rank_at, WORK.c.id).limit(size + 1).subquery()
        for mine in _branches(actor, asked)
    ]  # fmt: skip
    if not branches:
        return [], None
    found = union_all(*(select(branch.c.id, branch.c.rank_at) for branch in branches)).subquery()
    rows = session.execute(
        select(WorkItem, unit.c.code)
        .join(found, found.c.id == WorkItem.id)
        .outerjoin(unit, unit.c.id == WorkItem.unit_id)
        .options(joinedload(WorkItem.assignee))
        .order_by(found.c.rank_at, found.c.id)
        .limit(size + 1)
    ).all()
    shown = [(item, code or "") for item, code in rows[:size]]
    last = shown[-1][0] if len(rows) > size else None
    return described(session, actor, shown), Place(last.rank_at, last.id) if last else None


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
    return described(session, actor, [(row[0], row[1] or "")])[0]


def described(session: Session, actor: Actor, found: Sequence[tuple[WorkItem, str]]) -> list[QueueLine]:
    """Work with its unit's code as lines; one statement for the clocks of all."""
    clocks: dict[int, list[Deadline]] = {item.id: [] for item, _code in found}
    running = select(Deadline).where(
        Deadline.item_id.in_(clocks), Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None)
    )
    for deadline in session.scalars(running) if clocks else ():
        clocks[deadline.item_id].append(deadline)
    others = {other.id: other.name for other in actor.stands_for}
    return [
        QueueLine(
            item, code, kind_of(item), item.assignee.display_name if item.assignee else "",
            others.get(item.assignee_id or 0, ""), clocks[item.id],
        )
        for item, code in found
    ]  # fmt: skip


def counts(session: Session, actor: Actor, asked: Asked) -> dict[Tab, int]:
    """How much is open under each tab with the filters of ``asked``, up to :data:`MOST` and one; one statement."""
    tabs = {tab: Asked(tab, asked.kind, asked.late) for tab in Tab}
    row = session.execute(select(*(_count(actor, one).label(tab.value) for tab, one in tabs.items()))).one()
    return dict(zip(tabs, row, strict=True))


def count(session: Session, actor: Actor, asked: Asked) -> int:
    """How much is open for one question, up to :data:`MOST` and one."""
    return session.scalar(select(_count(actor, asked))) or 0


def counted(query: Select[Any]) -> ColumnElement[int]:
    """Count of a query's rows as an expression that stops after :data:`MOST` and one."""
    return select(func.count()).select_from(query.limit(MOST + 1).subquery()).scalar_subquery()


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


def _open(actor: Actor, asked: Asked) -> list[Any]:
    clauses = [WORK.c.estate_id == actor.estate_id, WORK.c.closed_at.is_(None)]
    if asked.late:
        clauses.append(WORK.c.rank_at < now())
    return clauses


def _behind(place: Place | None) -> list[Any]:
    if place is None:
        return []
    return [tuple_(WORK.c.rank_at, WORK.c.id) > tuple_(literal(place.rank_at, UtcDateTime), literal(place.id))]


def _branches(actor: Actor, asked: Asked) -> list[list[Any]]:
    """Criteria each of which walks one index in the queue's order; together they are what is asked for."""
    kind = [WORK.c.kind == asked.kind] if asked.kind else []
    if asked.tab is Tab.MINE:
        return [[WORK.c.assignee_id == number, *kind] for number in _people(actor)]
    if asked.tab is Tab.ROLE:
        return [[WORK.c.role == role, *kind] for role in sorted(actor.roles)]
    readable = readable_kinds(actor)
    if asked.kind:
        return [kind] if asked.kind in readable else []
    if len(readable) == len(registry().of(WorkKind)):
        return [[]]
    return [[WORK.c.kind == code] for code in readable]


def _count(actor: Actor, asked: Asked) -> ColumnElement[int]:
    """As :func:`_branches`, but the order does not matter: one criterion over all."""
    clauses = _open(actor, asked)
    if asked.kind:
        clauses.append(WORK.c.kind == asked.kind)
    if asked.tab is Tab.MINE:
        clauses.append(WORK.c.assignee_id.in_(_people(actor)))
    elif asked.tab is Tab.ROLE:
        clauses.append(WORK.c.role.in_(sorted(actor.roles)))
    else:
        readable = readable_kinds(actor)
        if len(readable) < len(registry().of(WorkKind)):
            clauses.append(WORK.c.kind.in_(readable))
    return counted(select(WORK.c.id).where(*clauses))


def _people(actor: Actor) -> list[int]:
    return [number for number in (actor.user_id, *(other.id for other in actor.stands_for)) if number is not None]
