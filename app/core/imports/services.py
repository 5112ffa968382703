"""The way of a workbook into the records: received, its columns confirmed, planned, carried out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.files.services import clean_name, content, keep
from app.core.files.sniff import media_type
from app.core.imports.added import with_fields
from app.core.imports.models import ImportRun
from app.core.imports.plan import Plan, carry_out
from app.core.imports.tables import Mapped, Problem, Table, recognise
from app.core.imports.workbook import Sheet, read_workbook
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.identifiers import InvalidValue


@dataclass(frozen=True, kw_only=True)
class Importer:
    """A kind of workbook: its tables, and the function that decides what its import does.

    ``plan(session, sheets, mapping, tables=…, estate_id=…, today=…)`` reads the records and changes nothing.
    """

    kind: str
    title: Any
    resource: str
    tables: tuple[Table, ...]
    plan: Callable[..., Plan]

    def tables_of(self, estate_id: int) -> tuple[Table, ...]:
        """The tables with the columns of the estate's added fields that the acting person fills in."""
        return tuple(with_fields(table, estate_id) for table in self.tables)


def receive(session: Session, importer: Importer, data: bytes, name: str, *, actor: Actor) -> ImportRun:
    """Keep an uploaded workbook and recognise its columns.

    Raises:
        InvalidValue: the file is no XLSX workbook, or beyond the limits of :mod:`app.core.imports.workbook`.
    """
    actor.require("create", importer.resource)
    name = clean_name(name)
    media = media_type(data, name)
    assert actor.estate_id is not None  # whoever may import works in an estate
    mapping = recognise(importer.tables_of(actor.estate_id), read_workbook(data))
    run = ImportRun(
        estate_id=actor.estate_id,
        kind=importer.kind,
        file_name=name,
        stored_file=keep(session, data, media),
        mapping=mapping,
    )
    session.add(run)
    session.flush()
    return run


def sheets_of(run: ImportRun) -> list[Sheet]:
    """The sheets of the workbook that was uploaded."""
    return read_workbook(content(run.stored_file))


def remap(session: Session, importer: Importer, run: ImportRun, mapping: Mapped, *, actor: Actor) -> None:
    """Read the workbook by other columns.

    Raises:
        InvalidValue: no table is left, a column that must be there is missing, or one stands for two things.
    """
    actor.require("create", importer.resource)
    if run.imported_at is not None:
        raise InvalidValue(_l("This workbook has been imported already; upload it again."))
    for table in importer.tables_of(run.estate_id):
        columns = mapping.get(table.name, {}).get("columns")
        if columns is None:
            continue
        missing = [str(column.title) for column in table.columns if column.required and column.name not in columns]
        if missing:
            raise InvalidValue(
                _l("%(table)s: choose the columns %(columns)s.", table=table.title, columns="、".join(missing))
            )
        if len(set(columns.values())) < len(columns):
            raise InvalidValue(_l("%(table)s: one column was chosen for two things.", table=table.title))
    if not mapping:
        raise InvalidValue(_l("Choose a sheet for at least one table."))
    run.mapping = mapping
    session.flush()


def plan_run(session: Session, importer: Importer, run: ImportRun) -> Plan:
    """The dry run: what importing the workbook now does."""
    return _plan(session, importer, sheets_of(run), run.mapping, run.estate_id)


def plan_file(session: Session, importer: Importer, data: bytes, *, estate_id: int) -> Plan:
    """The dry run of a file whose columns are recognised by themselves.

    Raises:
        InvalidValue: the file cannot be read, or no table is recognised in it.
    """
    sheets = read_workbook(data)
    mapping = recognise(importer.tables_of(estate_id), sheets)
    if not mapping:
        raise InvalidValue(_l("No sheet of this workbook has the columns of a table we know."))
    return _plan(session, importer, sheets, mapping, estate_id)


def _plan(session: Session, importer: Importer, sheets: list[Sheet], mapping: Mapped, estate_id: int) -> Plan:
    with session.no_autoflush:
        return importer.plan(
            session, sheets, mapping, tables=importer.tables_of(estate_id), estate_id=estate_id,
            today=estate_today(session, estate_id),
        )  # fmt: skip


def import_file(session: Session, importer: Importer, data: bytes, *, estate_id: int, actor: Actor) -> Plan:
    """Plan and carry out in the session's transaction; the caller commits."""
    actor.require("create", importer.resource)
    plan = plan_file(session, importer, data, estate_id=estate_id)
    carry_out(session, plan)
    return plan


def import_run(session: Session, importer: Importer, run: ImportRun, *, digest: str, actor: Actor) -> Plan:
    """Carry out exactly the plan that the dry run showed (``digest``), in the session's transaction.

    Raises:
        InvalidValue: the workbook was imported before, or the records changed since the dry run.
    """
    actor.require("create", importer.resource)
    session.refresh(run, with_for_update=True)
    if run.imported_at is not None:
        raise InvalidValue(_l("This workbook has been imported already; upload it again."))
    plan = plan_run(session, importer, run)
    if plan.digest != digest:
        raise InvalidValue(
            _l(
                "The records have changed since this dry run, so that the import would do something else. Look at it again."
            )
        )
    carry_out(session, plan)
    run.imported_at, run.digest = now(), digest
    run.outcome = {
        "counts": {name: asdict(counts) for name, counts in plan.counts.items()},
        "problems": [problem_facts(problem) for problem in plan.problems],
    }
    session.flush()
    return plan


def problem_facts(problem: Problem) -> dict[str, str]:
    """A remark as plain texts in the reader's language."""
    return {
        "cell": problem.cell,
        "severity": problem.severity.value,
        "reason": str(problem.reason),
        "action": str(problem.action),
    }
