"""The worker: takes jobs under a lease, carries them out as the person who asked, and commits each effect once.

A job's work, its progress and its end are written in the same transactions. Whoever takes a job gets a new token;
a worker that lost its lease (it hung, or the machine slept) finds its token gone at the next commit and writes nothing.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask, current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import and_, or_, select, update
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed, acting, person, system_actor
from app.core.access.models import Account
from app.core.access.sync import rights_of_roles
from app.core.clocks.delegation import deputised
from app.core.garbage import spare_garbage_searches
from app.core.jobs.alarm import Alarm
from app.core.jobs.leases import OUT_OF_REACH, lease, renewed
from app.core.jobs.models import Job, JobState
from app.core.jobs.recurring import run_recurring
from app.core.papers.renderer import warm_up
from app.core.records.base import now
from app.core.records.database import refresh_statistics, writing
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry
from app.core.workflow.table import Blocked
from app.extensions import db

POLL_SECONDS = 1.0
"""How often a worker looks for work that nothing wakes it for: leases that ran out, recurring work."""
MAX_ATTEMPTS = 5
"""A job whose worker dies this often without one committed step is given up."""


LONGEST_BREATH = 0.15
"""Seconds that a job leaves SQLite to others after a step; those who wait there look about every tenth of a second."""


class LostLease(Exception):
    """Another worker took the job over; nothing of this one's open transaction may stay."""


class Cancelled(Exception):
    """The person who asked for the job cancelled it; what was committed stays."""


class Stopped(Exception):
    """This worker is told to stop; another one goes on from the step just committed."""


@dataclass
class Run:
    """A job in the hands of a worker: what its work function gets as first argument.

    ``checkpoint`` is what the work noted with its last :meth:`commit`; empty when it starts afresh.
    """

    session: Session
    job: Job
    actor: Actor
    token: str
    checkpoint: dict[str, Any]
    stop: threading.Event = field(default_factory=threading.Event)
    begun: float = field(default_factory=time.monotonic)

    def commit(self, progress: int, total: int, **checkpoint: Any) -> None:
        """Commit the work done so far together with its progress and a note of where to go on.

        Between two commits nothing is seen by others, and on SQLite nobody else can write: keep steps short. There
        the next step begins after a breath in which those can write who waited at their desks.

        Raises:
            Cancelled: the step is committed, but no further one is wanted.
            LostLease: nothing was committed.
            Stopped: the step is committed; another worker does the next.
        """
        noted = {**self.checkpoint, **checkpoint}
        cancel_asked = self.session.execute(
            self._mine()
            .values(progress=progress, total=total, checkpoint=noted, attempts=1, lease_until=now() + lease())
            .returning(Job.cancel_asked)
        ).scalar_one_or_none()
        if cancel_asked is None:
            raise LostLease(self.token)
        self.session.commit()
        self.checkpoint = noted
        if self.session.get_bind().dialect.name == "sqlite":
            time.sleep(min((time.monotonic() - self.begun) / 4, LONGEST_BREATH))
        self.begun = time.monotonic()
        if cancel_asked:
            raise Cancelled(self.token)
        if self.stop.is_set():
            raise Stopped(self.token)

    def tell(self, progress: int, total: int) -> None:
        """Show progress from a connection of its own, while the session goes on reading what it began to read.

        Raises:
            Cancelled: nothing further is wanted.
            LostLease: another worker has the job.
            Stopped: another worker begins after the last commit.
        """
        with writing(True), db.engine.begin() as connection:
            mine = self._mine().values(progress=progress, total=total, lease_until=now() + lease())
            cancel_asked = connection.execute(mine.returning(Job.cancel_asked)).scalar_one_or_none()
        if cancel_asked is None:
            raise LostLease(self.token)
        if cancel_asked:
            raise Cancelled(self.token)
        if self.stop.is_set():
            raise Stopped(self.token)

    def end(self, state: JobState, **values: Any) -> None:
        """Commit the open work and the end of the job as one."""
        mine = self._mine().values(state=state, lease_token=None, lease_until=None, finished_at=now(), **values)
        if self.session.execute(mine.returning(Job.id)).scalar_one_or_none() is None:
            raise LostLease(self.token)
        self.session.commit()

    def _mine(self) -> Any:
        return (
            update(Job)
            .where(Job.lease_token == self.token, Job.state == JobState.RUNNING)
            .execution_options(synchronize_session=False)
        )


def main(app: Flask, *, parent: int | None = None) -> None:
    """Work until SIGTERM or SIGINT, or until process ``parent`` is gone."""
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stop.set())
    warm_up()
    with app.app_context():
        refresh_statistics(db.engine)
    spare_garbage_searches()
    run_worker(app, stop, parent=parent)


def run_worker(app: Flask, stop: threading.Event, *, parent: int | None = None) -> None:
    """Carry out jobs one after the other, and what recurs, until ``stop`` is set; a database out of reach is waited for.

    What recurs has a thread of its own, so that no long job holds it up.
    """
    recurring = threading.Thread(target=_repeat, args=(app, stop, parent), name="recurring", daemon=True)
    recurring.start()
    with app.app_context():
        alarm = Alarm(db.engine)
    with closing(alarm):
        while not stop.is_set():
            try:
                worked = run_next(app, stop)
            except OUT_OF_REACH:
                app.logger.exception("the worker cannot reach the database")
                worked = False
            if not worked:
                alarm.wait(stop, POLL_SECONDS)
    recurring.join()


def _repeat(app: Flask, stop: threading.Event, parent: int | None) -> None:
    """Do what recurs, and stop all when the parent is gone."""
    while not stop.is_set():
        if parent is not None and os.getppid() != parent:
            stop.set()
        try:
            run_recurring(app, stop)
        except Exception:  # whatever it was, the next round may do better; a dead thread would be noticed by nobody
            app.logger.exception("recurring work could not be looked after")
        stop.wait(POLL_SECONDS)


def run_next(app: Flask, stop: threading.Event | None = None) -> bool:
    """Claim the oldest job that waits or whose lease ran out, and carry it out. False when there is none.

    ``stop``: once set, the job is handed back after its present step.
    """
    with app.app_context(), acting(system_actor("worker")):
        with writing(False):
            waiting = db.session.scalar(select(Job.id).where(_due()).limit(1))
            db.session.rollback()
        job = claim(db.session) if waiting else None
        if job is None:
            return False
        if job.cancel_asked:
            _end(db.session, job.lease_token, JobState.CANCELLED)
        elif job.attempts > MAX_ATTEMPTS:
            _fail(db.session, job.lease_token, _("The work broke off several times and was given up."))
        else:
            with renewed(db.engine, lease(), _renewal(job.lease_token)):
                _carry_out(db.session, job, stop or threading.Event())
        return True


def claim(session: Session) -> Job | None:
    """Take the oldest due job under a new lease, in a transaction of its own."""
    job = session.scalar(select(Job).where(_due()).order_by(Job.id).limit(1).with_for_update(skip_locked=True))
    if job:
        job.state, job.attempts = JobState.RUNNING, job.attempts + 1
        job.lease_token, job.lease_until = secrets.token_hex(16), now() + lease()
        job.started_at = job.started_at or now()
    session.commit()
    return job


def _due() -> Any:
    return or_(Job.state == JobState.WAITING, and_(Job.state == JobState.RUNNING, Job.lease_until < now()))


def _renewal(token: str | None) -> Callable[[datetime], Any]:
    return lambda until: update(Job).where(Job.lease_token == token).values(lease_until=until)


def _carry_out(session: Session, job: Job, stop: threading.Event) -> None:
    token, kind = job.lease_token or "", job.kind
    with force_locale(job.language):
        try:
            actor = _actor_of(session, job)
            with acting(actor):
                run = Run(session, job, actor, token, dict(job.checkpoint), stop)
                result = registry().jobs[kind](run, **job.arguments) or {}
                run.end(JobState.DONE, result=result, progress=Job.total)
        except LostLease:
            session.rollback()
            current_app.logger.warning("job %s: lease lost to another worker", kind)
        except Cancelled:
            _end(session, token, JobState.CANCELLED)
        except Stopped:
            _hand_back(session, token)
        except OUT_OF_REACH:
            session.rollback()
            raise  # the job is taken up again when its lease ran out, with what it committed
        except (InvalidValue, Blocked) as refusal:
            _fail(session, token, str(refusal))
        except NotAllowed:
            _fail(session, token, _("The person who asked for this work no longer has the right to it."))
        except Exception:
            current_app.logger.exception("job %s broke", kind)
            _fail(session, token, _("An unexpected error ended the work; the log of the server tells more."))


def _fail(session: Session, token: str | None, sentence: str) -> None:
    _end(session, token, JobState.FAILED, error=sentence[:500])


def _end(session: Session, token: str | None, state: JobState, **values: Any) -> None:
    """End a job apart from its work, of which nothing that is uncommitted stays."""
    _release(session, token, state=state, finished_at=now(), **values)


def _hand_back(session: Session, token: str) -> None:
    """Let the job wait for another worker, with what it committed."""
    _release(session, token, state=JobState.WAITING, attempts=0)


def _release(session: Session, token: str | None, **values: Any) -> None:
    session.rollback()
    session.execute(
        update(Job)
        .where(Job.lease_token == token)
        .values(lease_token=None, lease_until=None, **values)
        .execution_options(synchronize_session=False)
    )
    session.commit()


def _actor_of(session: Session, job: Job) -> Actor:
    """The person who asked, with the rights of now. Raises ``NotAllowed`` when they left or lost the estate."""
    if job.user_id is None:
        return system_actor("worker", job.estate_id)
    account = session.scalars(select(Account).where(Account.id == job.user_id)).one()
    if not account.active or job.estate_id not in {m.estate_id for m in account.memberships}:
        raise NotAllowed(f"job {job.id}")
    return person(
        account.id, account.display_name, {role.name for role in account.roles}, job.estate_id, rights_of_roles(session),
        deputised(session, account.id, job.estate_id),
    )  # fmt: skip
