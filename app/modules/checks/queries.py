"""Reads of the checks: what lists, pages and papers show; each costs a fixed number of statements."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.core.access.actor import NotAllowed
from app.core.files.models import Attachment
from app.core.papers.models import Paper
from app.modules.checks.models import (
    CheckCategory,
    CheckSample,
    CorrectiveAction,
    Finding,
    Measure,
    SpotCheck,
)
from app.modules.estates.models import Unit

WHOLE_CHECK = (
    selectinload(SpotCheck.samples).joinedload(CheckSample.unit),
    selectinload(SpotCheck.samples).selectinload(CheckSample.findings).joinedload(Finding.category),
    selectinload(SpotCheck.samples).selectinload(CheckSample.findings).selectinload(Finding.notices),
    selectinload(SpotCheck.samples).selectinload(CheckSample.findings).joinedload(Finding.action),
)
"""A check with its samples and their findings."""
WHOLE_ACTION = (
    selectinload(CorrectiveAction.causes),
    selectinload(CorrectiveAction.measures),
    selectinload(CorrectiveAction.findings),
    joinedload(CorrectiveAction.category),
    joinedload(CorrectiveAction.follows),
)


def categories_of(session: Session, estate_id: int) -> Sequence[CheckCategory]:
    """The categories in use, in their order."""
    mine = (CheckCategory.estate_id == estate_id, CheckCategory.active)
    return session.scalars(select(CheckCategory).where(*mine).order_by(CheckCategory.seq, CheckCategory.code)).all()


def category_titles(session: Session, estate_id: int) -> dict[str, str]:
    """Titles of all categories by code, in the reader's language; also of those no longer in use."""
    found = session.scalars(select(CheckCategory).where(CheckCategory.estate_id == estate_id))
    return {category.code: str(category) for category in found}


def papers_about(*tables: str) -> Callable[[Session, int, datetime, datetime], list[tuple[int, str]]]:
    """The population of papers about records of these tables that were issued in a period and hold."""

    def population(session: Session, estate_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
        found = session.execute(
            select(Paper.id, Paper.number, Paper.title_zh, Paper.unit_code)
            .where(
                Paper.estate_id == estate_id, Paper.record_type.in_(tables), Paper.issued_at >= start, Paper.issued_at < end,
                Paper.voided_at.is_(None), Paper.superseded_by_id.is_(None),
            )
            .order_by(Paper.id)
        )  # fmt: skip
        return [(paper_id, f"{number} {title} · {unit}") for paper_id, number, title, unit in found]

    return population


def numbered_at_units(session: Session, model: Any, estate_id: int, *clauses: Any) -> list[tuple[int, str]]:
    """Documents of the estate that satisfy ``clauses`` as a population has them: id, number and unit."""
    found = session.execute(
        select(model.id, model.number, Unit.code)
        .join(Unit, Unit.id == model.unit_id)
        .where(model.estate_id == estate_id, *clauses)
        .order_by(model.id)
    )
    return [(record_id, f"{number} · {unit}") for record_id, number, unit in found]


def sample_of(session: Session, check_id: int, number: int) -> CheckSample:
    """The sample ``number`` (its order) of a check. Raises ``NotAllowed`` when there is none."""
    found = session.scalar(
        select(CheckSample)
        .where(CheckSample.check_id == check_id, CheckSample.seq == number)
        .options(joinedload(CheckSample.check).options(*WHOLE_CHECK))
    )
    if found is None:
        raise NotAllowed(f"sample {number} of check {check_id}")
    return found


def reissue_of(session: Session, action: CorrectiveAction) -> CorrectiveAction | None:
    """The action that followed because this one had no effect."""
    return session.scalar(select(CorrectiveAction).where(CorrectiveAction.follows_id == action.id))


def measure_of(session: Session, number: int) -> Measure:
    """A measure. Raises ``NotAllowed`` when there is none."""
    found = session.scalar(select(Measure).where(Measure.id == number).options(joinedload(Measure.action)))
    if found is None:
        raise NotAllowed(f"measure {number}")
    return found


def files_of(session: Session, record_type: str, numbers: Sequence[int]) -> dict[int, list[Attachment]]:
    """The files of several records of a table that are not archived, signatures left out; one statement."""
    found: dict[int, list[Attachment]] = {number: [] for number in numbers}
    if numbers:
        wanted = select(Attachment).where(
            Attachment.record_type == record_type, Attachment.record_id.in_(numbers), Attachment.archived_at.is_(None),
            Attachment.kind != "signature",
        )  # fmt: skip
        for attachment in session.scalars(wanted.order_by(Attachment.id)):
            found[attachment.record_id].append(attachment)
    return found
