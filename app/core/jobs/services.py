"""Asking for background work, watching it, cancelling it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from flask import current_app
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.models import Account
from app.core.files.models import Attachment
from app.core.files.services import forget
from app.core.jobs.alarm import ring
from app.core.jobs.models import Job, JobState
from app.core.jobs.recurring import RecurringRun
from app.core.records.base import now
from app.core.records.choices import Choice
from app.core.registry import Recurring, registry

Work = TypeVar("Work", bound=Callable[..., Any])


class Shown(Choice):
    """Which jobs a list shows."""

    ALL = "all", _l("All")
    RUNNING = "running", _l("Not ended")
    ENDED = "ended", _l("Ended")


def titled(title: Any) -> Callable[[Work], Work]:
    """Give a work function its translatable title for the job pages."""

    def mark(work: Work) -> Work:
        work.title = title  # type: ignore[attr-defined]  # a mark on the function
        return work

    return mark


def enqueue(session: Session, name: str, /, *, actor: Actor, **arguments: Any) -> Job:
    """Write a job into the running transaction; a worker takes it up once that is committed.

    ``name``: as registered with ``registry.job``; ``arguments``: plain JSON values the work gets as keywords.
    """
    if name not in registry().jobs:
        raise ValueError(f"no job {name} is registered")
    locale = get_locale()
    job = Job(
        kind=name,
        arguments=arguments,
        estate_id=actor.estate_id,
        user_id=actor.user_id,
        language=locale.language if locale else "zh",
    )
    session.add(job)
    session.flush()
    ring(session)
    return job


def cancel(session: Session, job: Job) -> None:
    """Stop a job: at once when it still waits, after its present step when it runs; an ended one stays as it is."""
    session.refresh(job, with_for_update=True)
    if job.state == JobState.WAITING:
        job.state, job.finished_at = JobState.CANCELLED, now()
    elif job.state == JobState.RUNNING:
        job.cancel_asked = True
    session.flush()


def retry(session: Session, job: Job) -> None:
    """Let a failed or cancelled job go on from the last step it committed; any other stays as it is."""
    session.refresh(job, with_for_update=True)
    if job.state in (JobState.FAILED, JobState.CANCELLED):
        job.state, job.finished_at, job.error = JobState.WAITING, None, ""
        job.cancel_asked, job.attempts = False, 0
        ring(session)
    session.flush()


def jobs_of(session: Session, actor: Actor, shown: Shown, before: int | None, limit: int) -> Sequence[Job]:
    """The actor's own jobs, newest first; only those ``before`` an id when given."""
    return session.scalars(_newest(select(Job), shown, before, limit).where(Job.user_id == actor.user_id)).all()


def jobs_of_estate(
    session: Session, actor: Actor, shown: Shown, before: int | None, limit: int
) -> Sequence[tuple[Job, Account | None]]:
    """All jobs of the actor's estate with who asked for them, newest first."""
    jobs = select(Job, Account).outerjoin(Account, Account.id == Job.user_id).where(Job.estate_id == actor.estate_id)
    return [(job, account) for job, account in session.execute(_newest(jobs, shown, before, limit))]


def recurring_works(session: Session) -> list[tuple[Recurring, RecurringRun | None]]:
    """Everything that recurs, with how it went last; nothing for what never ran."""
    runs = {run.name: run for run in session.scalars(select(RecurringRun))}
    return [(work, runs.get(name)) for name, work in registry().of(Recurring).items()]


def purge(session: Session) -> None:
    """Remove jobs that ended longer than the setting ``job_days`` ago, with their files."""
    gone = now() - timedelta(days=current_app.config["GUANJIA"].job_days)
    old = select(Job).where(Job.finished_at < gone).order_by(Job.id).limit(50).with_for_update(skip_locked=True)
    while jobs := session.scalars(old).all():
        files = select(Attachment).where(
            Attachment.record_type == Job.__tablename__, Attachment.record_id.in_([job.id for job in jobs])
        )
        for attachment in session.scalars(files).all():
            forget(session, attachment)
        for job in jobs:
            session.delete(job)
        session.commit()


def _newest(jobs: Any, shown: Shown, before: int | None, limit: int) -> Any:
    if shown != Shown.ALL:
        jobs = jobs.where(Job.finished_at.is_(None) if shown == Shown.RUNNING else Job.finished_at.is_not(None))
    return (jobs.where(Job.id < before) if before else jobs).order_by(Job.id.desc()).limit(limit)


def title_of(job: Job) -> Any:
    """What the job is called on a page."""
    return getattr(registry().jobs.get(job.kind), "title", job.kind)
