"""Carrying out a form: one transaction, once, and every refusal turned into sentences."""

from __future__ import annotations

import logging
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import sqlalchemy as sa
from flask import g, request
from flask_babel import gettext as _
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.records.submissions import AlreadySubmitted, earlier_result, remember_submission
from app.core.workflow.table import Blocked
from app.extensions import db
from app.fab.interface import model_of

log = logging.getLogger(__name__)
TOKEN = re.compile(r"[A-Za-z0-9_-]{8,40}")


@dataclass(frozen=True)
class Outcome:
    """What became of a submit: ``location`` when it was done (now or before), else the refusals or a conflict.

    ``errors`` maps column names to sentences; ``""`` holds those about the whole.
    """

    location: str = ""
    result: Any = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    stale: bool = False
    taken: bool = False
    """A value that must be unique is in use; ``errors`` says which."""

    @property
    def done(self) -> bool:
        return bool(self.location)


def submit_token() -> str:
    """Token of the form being drawn: that of the submit it answers unless that was carried out, otherwise a new one."""
    given = request.form.get("submit_token", "") if request.method == "POST" and "carried_out" not in g else ""
    return given if TOKEN.fullmatch(given) else fresh_token()


def fresh_token() -> str:
    """Token of a form that is drawn anew, whatever the request brought."""
    return secrets.token_urlsafe(18)


def carry_out(
    work: Callable[[], Any], location: Callable[[Any], str], messages: Mapping[str, Any] | None = None
) -> Outcome:  # fmt: skip
    """Run ``work`` and commit; a second arrival of the same form only learns where the first one led.

    ``location(result)`` is the address to continue at. ``messages`` are sentences for constraints by their name, or
    ``(column, sentence)``. Refusals roll everything back and come back in the outcome; rights errors pass through.
    """
    session = db.session
    token = request.form.get("submit_token", "")
    token = token if TOKEN.fullmatch(token) else ""
    if token and (before := earlier_result(session, token)):
        g.carried_out = True
        return Outcome(before)
    try:
        result = work()
        session.flush()
        address = location(result)
        if token:
            remember_submission(session, token, address)
        session.commit()
        g.carried_out = True
        return Outcome(address, result)
    except AlreadySubmitted:
        session.rollback()
        return Outcome(earlier_result(session, token) or location(None))
    except StaleDataError:
        session.rollback()
        return Outcome(stale=True)
    except (Blocked, InvalidValue, FieldErrors, IntegrityError, DataError) as error:
        session.rollback()
        taken = isinstance(error, IntegrityError) and _diagnose(error).kind == "unique"
        return Outcome(errors=refusals(error, messages or {}), taken=taken)
    except BaseException:
        session.rollback()
        raise


def spread(form: Any, outcome: Outcome) -> list[str]:
    """Put the sentences of a refusal beside the form's fields; what belongs to no field is returned."""
    general: list[str] = []
    for name, sentences in outcome.errors.items():
        if name in form._fields:
            form[name].errors = [*form[name].errors, *sentences]
        else:
            general += sentences
    return general


def refusals(error: Exception, messages: Mapping[str, Any]) -> dict[str, list[str]]:
    """The sentences of a refusal by column; ``""`` for the whole."""
    if isinstance(error, Blocked):
        return {"": list(error.reasons)}
    if isinstance(error, FieldErrors):
        return {name: [str(sentence)] for name, sentence in error.errors.items()}
    if isinstance(error, InvalidValue):
        return {getattr(error, "field", ""): [str(error)]}
    if isinstance(error, IntegrityError):
        return _broken_constraint(error, messages)
    log.warning("The database refused a value: %s", error.__class__.__name__)
    return {"": [_("A value does not fit its field; please check the numbers and dates.")]}


@dataclass(frozen=True)
class _Broken:
    kind: str
    name: str = ""
    table: str = ""
    columns: tuple[str, ...] = ()


def _broken_constraint(error: IntegrityError, messages: Mapping[str, Any]) -> dict[str, list[str]]:
    broken = _diagnose(error)
    table = sa.inspect(model).local_table if (model := model_of(broken.table)) else None
    said = _sentence_for(broken.name, table, messages)
    column = next((c for c in reversed(broken.columns) if c != "estate_id"), "")
    if said is not None:
        return {said[0] or (column if broken.kind == "unique" else ""): [str(said[1])]}
    log.warning("Constraint %s of %s refused a write", broken.name or broken.kind, broken.table or "?")
    label = str(table.c[column].info.get("label", column)) if table is not None and column in table.c else column
    if broken.kind == "unique":
        return {column: [_("“%(field)s” is taken: another record has the same value.", field=label)]}
    if broken.kind == "null":
        return {column: [_("“%(field)s” must be filled in.", field=label)]}
    if broken.kind == "reference":
        return {column: [_("Another record that this one needs, or that needs this one, does not allow the change.")]}
    return {"": [_("The values contradict each other; please check them.")]}


def _sentence_for(name: str, table: sa.Table | None, messages: Mapping[str, Any]) -> tuple[str, Any] | None:
    if not name:
        return None
    own = (said for known, said in messages.items() if name == known or name.endswith(f"_{known}"))
    constraints = table.constraints if table is not None else ()
    general = (c.info["message"] for c in constraints if str(c.name) == name and "message" in c.info)
    said = next(chain(own, general), None)
    return said if said is None or isinstance(said, tuple) else ("", said)


def _diagnose(error: IntegrityError) -> _Broken:
    """Which constraint refused, from what the two databases report."""
    diagnosis = getattr(error.orig, "diag", None)
    if diagnosis is not None:
        kinds = {"23505": "unique", "23502": "null", "23503": "reference", "23514": "check"}
        kind = kinds.get(getattr(error.orig, "sqlstate", ""), "check")
        name, table = diagnosis.constraint_name or "", diagnosis.table_name or ""
        columns = _columns_of(table, name) or ((diagnosis.column_name,) if diagnosis.column_name else ())
        return _Broken(kind, name, table, columns)
    text = str(error.orig)
    if found := re.match(r"(UNIQUE|NOT NULL) constraint failed: (.+)", text):
        places = [place.strip().rpartition(".") for place in found[2].split(",")]
        if places[0][2] == "" or found[2].startswith("index "):
            return _Broken("unique", found[2].removeprefix("index ").strip("'"))
        table, columns = places[0][0], tuple(place[2] for place in places)
        return _Broken("null" if found[1] == "NOT NULL" else "unique", _name_of(table, columns), table, columns)
    if found := re.match(r"CHECK constraint failed: (.+)", text):
        return _Broken("check", found[1], _table_with(found[1]))
    return _Broken("reference")


def _unique_sets(table: str) -> dict[str, tuple[str, ...]]:
    model = model_of(table)
    if model is None:
        return {}
    local: Any = sa.inspect(model).local_table
    sets = [c for c in local.constraints if isinstance(c, sa.UniqueConstraint | sa.ForeignKeyConstraint)]
    sets += [index for index in local.indexes if index.unique]
    return {str(_formatted(c)): tuple(column.name for column in c.columns) for c in sets}


def _formatted(constraint: Any) -> str:
    dialect = db.session.get_bind().dialect
    return dialect.identifier_preparer.format_constraint(constraint, _alembic_quote=False) or ""


def _columns_of(table: str, name: str) -> tuple[str, ...]:
    return _unique_sets(table).get(name, ())


def _name_of(table: str, columns: tuple[str, ...]) -> str:
    return next((name for name, found in _unique_sets(table).items() if found == columns), "")


def _table_with(name: str) -> str:
    from flask_appbuilder import Model

    for table in Model.metadata.tables.values():
        if any(isinstance(c, sa.CheckConstraint) and str(_formatted(c)) == name for c in table.constraints):
            return str(table.name)
    return ""
