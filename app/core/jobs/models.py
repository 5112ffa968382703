"""Background work as rows: what to do, for whom, how far it is, and who works on it now."""

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.access.actor import Actor
from app.core.records.base import UtcDateTime, now
from app.core.records.choices import Choice, choice


class JobState(Choice):
    WAITING = "waiting", _l("Waiting")
    RUNNING = "running", _l("Running")
    DONE = "done", _l("Done")
    FAILED = "failed", _l("Failed")
    CANCELLED = "cancelled", _l("Cancelled")

    @property
    def colour(self) -> str:
        colours = {"waiting": "secondary", "running": "blue", "done": "green", "failed": "red", "cancelled": "orange"}
        return colours[self.value]

    @property
    def ended(self) -> bool:
        return self not in (JobState.WAITING, JobState.RUNNING)


class Job(Model):
    """A piece of background work, written in the transaction of the business that wants it.

    ``kind``: name under which the work is registered; ``arguments``: its plain keyword arguments. ``checkpoint``: what
    the work noted with its last commit, given back to it when it resumes. ``lease_token`` fences: only the worker that
    holds it can commit for the job. Visible to the person who asked for it only, so it is no estate record and its
    progress does not fill the change log.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_queue", "state", "lease_until", "id"),
        CheckConstraint("(state = 'running') = (lease_token IS NOT NULL)", name="running_iff_leased"),
        CheckConstraint("(lease_token IS NULL) = (lease_until IS NULL)", name="lease_has_end"),
        CheckConstraint("(state IN ('waiting', 'running')) = (finished_at IS NULL)", name="finished_iff_ended"),
        CheckConstraint("(state = 'failed') = (error <> '')", name="failed_iff_error"),
        CheckConstraint("0 <= progress AND progress <= total", name="progress_within_total"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60), info={"label": _l("Kind of work")})
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    estate_id: Mapped[int | None] = mapped_column(ForeignKey("estate.id"), info={"label": _l("Estate")})
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    language: Mapped[str] = mapped_column(String(5), default="zh")
    state: Mapped[JobState] = mapped_column(
        choice(JobState, "state_known"), default=JobState.WAITING, info={"label": _l("State")}
    )
    progress: Mapped[int] = mapped_column(default=0, info={"label": _l("Progress")})
    total: Mapped[int] = mapped_column(default=0)
    checkpoint: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error: Mapped[str] = mapped_column(String(500), default="", info={"label": _l("Error")})
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_token: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, info={"label": _l("Asked for at")})
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Started at")})
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Finished at")})

    def allows(self, verb: str, actor: Actor) -> bool:
        """A job and its files belong to the person who asked for it."""
        return actor.system or (self.user_id is not None and self.user_id == actor.user_id)
