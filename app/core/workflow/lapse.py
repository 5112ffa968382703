"""States that end by themselves: when their clock has run out, the worker makes the transition their wait names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from app.core.access.actor import current_actor
from app.core.clocks.models import Deadline
from app.core.records.base import now
from app.core.records.database import writing
from app.core.registry import Recurring, registry
from app.core.workflow.table import Wait, Workflow

STEP = 100
"""Records looked at before looking again."""


def lapse(session: Session) -> int:
    """Make the lapsing transition of every record whose clock has run out, each in a transaction of its own.

    Returns how many were made. A record that somebody moves at the same moment stays as that person left it.
    """
    made = 0
    for workflow in registry().workflows.values():
        for state, wait in workflow.waits.items():
            while wait.lapse and (over := _over(session, workflow, state, wait)):
                made += sum(_end(session, workflow, state, wait, number) for number in over)
    return made


LAPSING = Recurring(
    name="workflow.lapse", title=_l("Records whose time runs out"), every=timedelta(minutes=1), work=lapse
)


def _over(session: Session, workflow: Workflow, state: Any, wait: Wait) -> Sequence[int]:
    model: Any = workflow.model
    with writing(False):  # mostly there is none, and looking takes no lock
        found = session.scalars(
            select(Deadline.record_id)
            .join(model, model.id == Deadline.record_id)
            .where(
                Deadline.record_type == model.__tablename__, Deadline.rule_key == wait.rule, Deadline.due_at <= now(),
                Deadline.met_at.is_(None), Deadline.cancelled_at.is_(None), Deadline.paused_at.is_(None),
                getattr(model, workflow.column) == state,
            )
            .order_by(Deadline.due_at)
            .limit(STEP)
        ).all()  # fmt: skip
        session.rollback()
    return found


def _end(session: Session, workflow: Workflow, state: Any, wait: Wait, number: int) -> int:
    model: Any = workflow.model
    try:
        record = session.scalar(select(model).where(model.id == number, getattr(model, workflow.column) == state))
        if record is not None:
            workflow.fire(session, record, wait.lapse, actor=current_actor())
        session.commit()
    except StaleDataError:  # moved by somebody else since it was read
        session.rollback()
        return 0
    return int(record is not None)
