"""What modules tell the checks about their records that are spot-checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.access.roles import Role
from app.core.papers.base.context import Bilingual
from app.core.records.base import Record


def author_of(session: Session, record: Any) -> set[int]:
    """Who entered the record."""
    return {record.created_by_id} if record.created_by_id else set()


@dataclass(frozen=True, kw_only=True)
class CheckKind:
    """A spot check. Contribute it with ``registry.contribute(CheckKind(...))``.

    ``title``: both languages, as its paper prints it. ``clause``: of the service manual (``MI-12``). ``model``: class of
    the records checked; ``resource``: who may read it may see them. ``population(session, estate_id, start, end)``:
    (id, label) of every record of the period, ``end`` excluded, in a fixed order. ``questions``: what to look at.
    ``sheet``: template shown beside the questions, with what ``facts(session, record)`` returns; without it the
    record's own page is one link away. ``authors``: accounts whose entries the record holds; they do not check it.
    ``role``: who usually has to put a finding right. ``sample``: how many are drawn unless somebody says otherwise.
    ``concluded(session, record)``: told of every record of a check that was concluded.
    """

    code: str
    title: Bilingual
    clause: str
    resource: str
    model: type[Record]
    population: Callable[[Session, int, datetime, datetime], Iterable[tuple[int, str]]]
    questions: Sequence[Bilingual]
    sheet: str = ""
    facts: Callable[[Session, Any], dict[str, Any]] = lambda session, record: {}
    authors: Callable[[Session, Any], set[int]] = author_of
    role: Role = Role.RECEPTIONIST
    sample: int = 5
    concluded: Callable[[Session, Any], None] | None = None
