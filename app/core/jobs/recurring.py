"""Work that repeats by itself: whichever worker comes first after the time does it, the others find it done."""

from __future__ import annotations

from datetime import datetime

from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import String, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.access.actor import acting, system_actor
from app.core.records.base import UtcDateTime, now
from app.core.records.database import writing
from app.core.registry import Recurring, registry
from app.extensions import db


class RecurringRun(Model):
    """When a recurring work is next due. ``error``: how its last run broke, empty when it went well."""

    __tablename__ = "recurring_run"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str] = mapped_column(String(500), default="")


def run_recurring(app: Flask) -> int:
    """Do every recurring work that is due now and return how many were done by this worker."""
    with app.app_context(), acting(system_actor("worker")):
        works = registry().of(Recurring)
        with writing(False):
            waiting = _not_due(db.session)
            db.session.rollback()
        return sum(_take(db.session, work) and _do(app, work) for name, work in works.items() if name not in waiting)


def _not_due(session: Session) -> set[str]:
    return set(session.scalars(select(RecurringRun.name).where(RecurringRun.next_at > now())))


def _take(session: Session, work: Recurring) -> bool:
    """Move the next time on; only one of several workers finds the old one still there."""
    moment = now()
    taken = session.execute(
        update(RecurringRun)
        .where(RecurringRun.name == work.name, RecurringRun.next_at <= moment)
        .values(next_at=moment + work.every)
        .execution_options(synchronize_session=False)
    )
    try:
        if not taken.rowcount:  # type: ignore[attr-defined]
            session.execute(insert(RecurringRun).values(name=work.name, next_at=moment + work.every, error=""))
        session.commit()
    except IntegrityError:
        session.rollback()
        return False
    return True


def _do(app: Flask, work: Recurring) -> bool:
    error = ""
    try:
        work.work(db.session)
        db.session.commit()
    except Exception as broken:
        db.session.rollback()
        app.logger.exception("recurring work %s broke", work.name)
        error = f"{type(broken).__name__}: {broken}"[:500]
    db.session.execute(
        update(RecurringRun)
        .where(RecurringRun.name == work.name)
        .values(ended_at=now(), error=error)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return True
