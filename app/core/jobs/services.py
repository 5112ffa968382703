"""Asking for background work, watching it, cancelling it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from flask_babel import get_locale
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.jobs.alarm import ring
from app.core.jobs.models import Job, JobState
from app.core.records.base import now
from app.core.registry import registry

Work = TypeVar("Work", bound=Callable[..., Any])


def titled(title: Any) -> Callable[[Work], Work]:
    """Give a work function its translatable title for the job pages."""

    def mark(work: Work) -> Work:
        work.title = title  # type: ignore[attr-defined]
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


def jobs_of(session: Session, actor: Actor, limit: int = 50) -> Sequence[Job]:
    """The actor's own jobs, newest first."""
    return session.scalars(select(Job).where(Job.user_id == actor.user_id).order_by(Job.id.desc()).limit(limit)).all()


def title_of(job: Job) -> Any:
    """What the job is called on a page."""
    return getattr(registry().jobs.get(job.kind), "title", job.kind)
