"""What an import will do, decided before it does anything: steps, remarks, counts and a digest of it all."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core.access.actor import current_actor
from app.core.fields.services import set_values
from app.core.imports.tables import Line, Problem, Severity
from app.core.records.base import Record

MANY_STEPS = 200
Key = tuple[str, ...]
"""Natural key of a record within its model, e.g. ``("1-3-1502",)``."""


@dataclass(frozen=True)
class Step:
    """Create a record (``record_id`` None) or change one. ``refs`` point at records by id, or by model and key when
    another step creates them. ``added``: values of fields without code by their code."""

    model: type[Record]
    key: Key
    values: dict[str, Any]
    refs: dict[str, int | tuple[type[Record], Key]] = field(default_factory=dict)
    record_id: int | None = None
    added: dict[str, Any] = field(default_factory=dict)

    def facts(self) -> str:
        values = sorted((name, str(value)) for name, value in self.values.items())
        refs = sorted((name, str(ref if isinstance(ref, int) else ref[1])) for name, ref in self.refs.items())
        added = sorted((code, str(value)) for code, value in self.added.items())
        return repr((self.model.__tablename__, self.key, self.record_id, values, refs, added))


@dataclass(frozen=True)
class Counts:
    """Rows of one table by what happens to them."""

    rows: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Plan:
    """The whole import of a workbook. Equal digests mean: exactly the same happens."""

    estate_id: int
    steps: tuple[Step, ...]
    lines: tuple[Line, ...]

    @property
    def problems(self) -> list[Problem]:
        return [problem for line in self.lines for problem in line.problems]

    @property
    def counts(self) -> dict[str, Counts]:
        """By table name, in the order of the tables."""
        tables: dict[str, list[Line]] = {}
        for line in self.lines:
            tables.setdefault(line.table.name, []).append(line)
        return {name: _count(lines) for name, lines in tables.items()}

    @property
    def digest(self) -> str:
        facts = [str(self.estate_id), *(step.facts() for step in self.steps)]
        facts += [f"{problem.cell} {problem.severity}" for problem in self.problems]
        return hashlib.sha256("\n".join(facts).encode()).hexdigest()

    def to_return(self) -> list[Line]:
        """The rows that someone has to look at again: not imported, or without one of their values."""
        return [
            line
            for line in self.lines
            if any(problem.severity in (Severity.ERROR, Severity.OMITTED) for problem in line.problems)
        ]


def _count(lines: Sequence[Line]) -> Counts:
    results = [line.result for line in lines]
    return Counts(
        rows=len(lines),
        new=results.count("new"),
        changed=results.count("changed"),
        same=results.count("same"),
        rejected=sum(line.rejected for line in lines),
    )


def difference(line: Line, record: Record, columns: Iterable[str]) -> dict[str, Any]:
    """The filled cells of ``line`` that differ from the stored ``record``, each noted on the line."""
    changes = {}
    for column in columns:
        old, new = getattr(record, column), line[column]
        if new is not None and new != old:
            changes[column] = new
            line.change(column, old, new)
    return changes


def carry_out(session: Session, plan: Plan) -> None:
    """Do what the plan says, in the session's transaction; flushes, does not commit."""
    records: dict[tuple[type[Record], Key], Record] = {}
    known = _load(session, plan)
    extended: list[tuple[Record, dict[str, Any]]] = []
    for step in plan.steps:
        record = step.model(estate_id=plan.estate_id) if step.record_id is None else known[step.model, step.record_id]
        for name, value in step.values.items():
            setattr(record, name, value)
        for name, ref in step.refs.items():
            if isinstance(ref, int):
                setattr(record, f"{name}_id", ref)
            else:
                setattr(record, name, records[ref])
        if step.record_id is None:
            records[step.model, step.key] = record
            session.add(record)
        if step.added:
            extended.append((record, step.added))
    session.flush()
    for record, values in extended:
        set_values(session, record, values, actor=current_actor())
    if len(plan.steps) >= MANY_STEPS:
        for table in sorted({step.model.__tablename__ for step in plan.steps}):
            session.connection().execute(
                text(f"ANALYZE {table}")
            )  # the planner would go on thinking the tables are empty


def _load(session: Session, plan: Plan) -> dict[tuple[type[Record], int], Record]:
    wanted: dict[type[Record], list[int]] = {}
    for step in plan.steps:
        if step.record_id is not None:
            wanted.setdefault(step.model, []).append(step.record_id)
    return {
        (model, record.id): record
        for model, ids in wanted.items()
        for part in portions(ids)
        for record in session.scalars(select(model).where(model.id.in_(part)))
    }


def portions(values: Iterable[Any], size: int = 900) -> Iterable[list[Any]]:
    """``values`` in lists short enough for one statement on every database."""
    everything = list(values)
    return (everything[start : start + size] for start in range(0, len(everything), size))
