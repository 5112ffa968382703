"""Work that repeats by itself: whichever worker comes first after the time does it, the others find it done."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask
from flask_appbuilder import Model
from sqlalchemy import String, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.access.actor import acting, system_actor
from app.core.jobs.leases import OUT_OF_REACH, lease, renewed
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


@dataclass
class _Hold:
    """A recurring work in the hands of this worker until its time comes again, which is moved on while it works.

    ``times``: what this worker wrote or tried to write as the next time; whoever finds another value there lost the work.
    """

    work: Recurring
    times: list[datetime]

    def mine(self, **values: Any) -> Any:
        return (
            update(RecurringRun)
            .where(RecurringRun.name == self.work.name, RecurringRun.next_at.in_(self.times))
            .values(**values)
            .execution_options(synchronize_session=False)
        )

    def renewal(self, until: datetime) -> Any:
        statement = self.mine(next_at=until)
        self.times.append(until)
        return statement


def run_recurring(app: Flask, stop: threading.Event | None = None) -> int:
    """Do every recurring work that is due now and return how many were done by this worker; begin none after ``stop``."""
    with app.app_context(), acting(system_actor("worker")):
        works = registry().of(Recurring)
        with writing(False):
            waiting = _not_due(db.session)
            db.session.rollback()
        done = 0
        for name, work in works.items():
            if name not in waiting and not (stop and stop.is_set()) and (hold := _take(db.session, work)):
                done += _do(app, hold)
        return done


def _not_due(session: Session) -> set[str]:
    return set(session.scalars(select(RecurringRun.name).where(RecurringRun.next_at > now())))


def _take(session: Session, work: Recurring) -> _Hold | None:
    """Hold the work for the length of a lease; only one of several workers finds it due, and a dead one's is due again."""
    moment = now()
    until = moment + lease()
    taken = session.execute(
        update(RecurringRun)
        .where(RecurringRun.name == work.name, RecurringRun.next_at <= moment)
        .values(next_at=until)
        .execution_options(synchronize_session=False)
    )
    try:
        if not taken.rowcount:  # type: ignore[attr-defined]  # results of UPDATE have it
            session.execute(insert(RecurringRun).values(name=work.name, next_at=until, error=""))
        session.commit()
    except IntegrityError:
        session.rollback()
        return None
    return _Hold(work, [until])


def _do(app: Flask, hold: _Hold) -> bool:
    """Do the work and commit what it left open together with its next time; nothing of it stays when it was lost."""
    error = ""
    try:
        with renewed(db.engine, lease(), hold.renewal):
            hold.work.work(db.session)
    except OUT_OF_REACH:
        db.session.rollback()
        raise
    except Exception as broken:
        db.session.rollback()
        app.logger.exception("recurring work %s broke", hold.work.name)
        error = f"{type(broken).__name__}: {broken}"[:500]
    moment = now()
    ended = db.session.execute(hold.mine(next_at=moment + hold.work.every, ended_at=moment, error=error))
    if not ended.rowcount:
        db.session.rollback()
        app.logger.warning("recurring work %s was taken over by another worker", hold.work.name)
        return False
    db.session.commit()
    return True
