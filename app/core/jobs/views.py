"""The pages of background work: one's own jobs, progress that refreshes itself, cancel."""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask_babel import gettext as _

from app.core.access.actor import current_actor
from app.core.files.services import attachments_of
from app.core.jobs.models import Job
from app.core.jobs.services import cancel, jobs_of, title_of
from app.core.records.lookup import reach
from app.extensions import db
from app.fab.views import Page, expose


class JobPage(Page):
    """Everybody sees the work they asked for, and nobody else's."""

    route_base = "/jobs"
    default_view = "list"

    @expose("/")
    def list(self) -> str:
        jobs = jobs_of(db.session, current_actor())
        return self.render("jobs/list.html", title=_("My background work"), jobs=[(title_of(job), job) for job in jobs])

    @expose("/<int:pk>")
    def show(self, pk: int) -> str:
        return self.render("jobs/show.html", **self._values(pk))

    @expose("/<int:pk>/progress")
    def progress(self, pk: int) -> str:
        """The part of the page that asks for itself anew until the job has ended."""
        return self.render("jobs/progress.html", **self._values(pk))

    @expose("/<int:pk>/cancel", methods=["POST"])
    def cancel(self, pk: int) -> Any:
        job = self._job(pk)
        return self.command(
            lambda: cancel(db.session, job),
            done=_("The work stops after its present step."),
            then=url_for("JobPage.show", pk=pk),
        )

    def _job(self, pk: int) -> Job:
        job: Job = reach(db.session, "job", pk, verb="read", actor=current_actor())
        return job

    def _values(self, pk: int) -> dict[str, Any]:
        job = self._job(pk)
        files = attachments_of(db.session, job, kind="result") if job.state.ended else []
        return {"title": title_of(job), "job": job, "files": files}
