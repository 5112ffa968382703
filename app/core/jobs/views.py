"""The pages of background work: one's own jobs, progress that refreshes itself, cancel and retry; the estate's for its administrator."""

from __future__ import annotations

import re
import time
from typing import Any

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from app.core.access.actor import NotAllowed, current_actor
from app.core.files.services import attachments_of
from app.core.jobs.models import Job
from app.core.jobs.results import counts_of, failures_of
from app.core.jobs.services import Shown, cancel, jobs_of, jobs_of_estate, recurring_works, retry, title_of
from app.core.records.lookup import reach
from app.extensions import db
from app.fab.lists import address_by_id
from app.fab.views import Page, expose, requires

PAGE = 50


class JobPage(Page):
    """Everybody sees the work they asked for, and nobody else's."""

    route_base = "/jobs"
    default_view = "list"

    @expose("/")
    def list(self) -> str:
        shown, before = _asked()
        jobs = jobs_of(db.session, current_actor(), shown, before, PAGE + 1)
        return self.render(
            "jobs/list.html", title=_("My background work"), jobs=[(title_of(job), job) for job in jobs[:PAGE]],
            shown=shown, kinds=list(Shown), more=len(jobs) > PAGE,
        )  # fmt: skip

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

    @expose("/<int:pk>/retry", methods=["POST"])
    def retry(self, pk: int) -> Any:
        job = self._job(pk)
        return self.command(
            lambda: retry(db.session, job),
            done=_("The work goes on where it stopped."),
            then=url_for("JobPage.show", pk=pk),
        )

    def _job(self, pk: int) -> Job:
        job: Job = reach(db.session, "job", pk, verb="read", actor=current_actor())
        return job

    def _values(self, pk: int) -> dict[str, Any]:
        job = self._job(pk)
        since = _since(job)
        told = [
            (f["label"], address_by_id(f["table"], f["id"]) if f["id"] else f.get("address"), f["sentence"])
            for f in failures_of(job)
        ]
        return {
            "title": title_of(job), "job": job, "since": f"{since[0]}-{since[1]}", "left": _left(job, *since),
            "failures": told, "counts": counts_of(job),
            "files": attachments_of(db.session, job, kind="result") if job.state.ended else [],
        }  # fmt: skip


class EstateJobPage(Page):
    """All background work of the estate and what recurs in the installation, for its administrator."""

    route_base = "/jobs/estate"
    resource = "Job"
    default_view = "index"

    @expose("/")
    @requires("oversee")
    def index(self) -> str:
        shown, before = _asked()
        jobs = jobs_of_estate(db.session, current_actor(), shown, before, PAGE + 1)
        return self.render(
            "jobs/estate.html", title=_("Background work of the estate"), shown=shown, kinds=list(Shown),
            jobs=[(title_of(job), job, account.display_name if account else "") for job, account in jobs[:PAGE]],
            more=len(jobs) > PAGE, works=recurring_works(db.session),
        )  # fmt: skip

    @expose("/<int:pk>/cancel", methods=["POST"])
    @requires("oversee")
    def cancel(self, pk: int) -> Any:
        job = db.session.get(Job, pk)
        if job is None or job.estate_id != current_actor().estate_id:
            raise NotAllowed(f"job {pk}")
        return self.command(
            lambda: cancel(db.session, job),
            done=_("The work stops after its present step."),
            then=url_for("EstateJobPage.index"),
        )


def _asked() -> tuple[Shown, int | None]:
    """Which jobs the list is to show: of which kind, and before which one."""
    shown, before = request.args.get("show", ""), request.args.get("before", "")
    return (
        Shown(shown) if shown in set(Shown) else Shown.ALL,
        int(before) if re.fullmatch(r"[0-9]{1,9}", before) else None,
    )


def _since(job: Job) -> tuple[int, int]:
    """How far the job was when the page was opened, and when that was (seconds of the epoch)."""
    noted = re.fullmatch(r"([0-9]{1,9})-([0-9]{1,11})", request.args.get("since", ""))
    seen, at = (int(noted[1]), int(noted[2])) if noted else (job.progress, int(time.time()))
    return (seen, at) if seen <= job.progress else (job.progress, int(time.time()))


def _left(job: Job, seen: int, at: int) -> str:
    """About how long the job still needs, at the speed seen since the page was opened; empty when nothing is known yet."""
    passed, done = time.time() - at, job.progress - seen
    if job.state.ended or passed < 2 or done < 1:
        return ""
    minutes = round(passed / done * (job.total - job.progress) / 60)
    if minutes < 1:
        return _("less than a minute left")
    return ngettext("about %(num)s minute left", "about %(num)s minutes left", minutes)
