"""The pages of background work: lists, progress, retry, results with links, the administrator's view; and purging."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from app.core.files.models import Attachment
from app.core.files.services import attach
from app.core.jobs.models import Job, JobState
from app.core.jobs.recurring import RecurringRun
from app.core.jobs.results import failure, outcome_of
from app.core.jobs.services import cancel, enqueue, purge, retry
from app.core.records.base import now
from tests.core.conftest import png

ClientOf = Callable[[str], Any]


@pytest.fixture
def job(session: Any, actor_of: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch, app: Any) -> Job:
    def work(run: Any) -> None:
        """Nothing."""

    work.title = "Counting the stars"  # type: ignore[attr-defined]
    monkeypatch.setitem(app.extensions["guanjia"].jobs, "work", work)
    return enqueue(session, "work", actor=actor_of("receptionist"))


def ended(session: Any, job: Job, state: JobState, **values: Any) -> None:
    job.state, job.finished_at = state, now()
    for name, value in values.items():
        setattr(job, name, value)
    session.flush()


def test_the_list_parts_open_from_ended_work(client_of: ClientOf, session: Any, job: Job) -> None:
    client = client_of("receptionist")
    assert "Counting the stars" in client.get("/jobs/?show=running").text
    assert "Counting the stars" not in client.get("/jobs/?show=ended").text
    ended(session, job, JobState.DONE)
    assert "Counting the stars" not in client.get("/jobs/?show=running").text
    assert "Counting the stars" in client.get("/jobs/?show=ended").text
    assert "Counting the stars" not in client.get(f"/jobs/?before={job.id}").text
    assert client.get("/jobs/?show=nonsense&before=x").status_code == 200


def test_the_page_tells_how_long_it_still_needs(client_of: ClientOf, session: Any, job: Job) -> None:
    job.progress, job.total = 50, 350
    session.flush()
    client, began = client_of("receptionist"), int(time.time()) - 100
    page = client.get(f"/jobs/{job.id}/progress?since=0-{began}").text
    assert "50 of 350" in page and "about 10 minutes left" in page and f"since=0-{began}" in page
    assert "left" not in client.get(f"/jobs/{job.id}/progress").text  # nothing seen yet
    assert "left" not in client.get(f"/jobs/{job.id}/progress?since=60-{began}").text  # it began anew
    assert client.get(f"/jobs/{job.id}/progress?since=x").status_code == 200


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_ended_work_is_taken_up_again_from_its_checkpoint(
    client_of: ClientOf, session: Any, job: Job, state: JobState
) -> None:
    error = "It broke." if state == JobState.FAILED else ""
    ended(session, job, state, error=error, checkpoint={"done": 3}, attempts=5, cancel_asked=True)
    assert client_of("manager").post(f"/jobs/{job.id}/retry").status_code == 404
    client = client_of("receptionist")
    assert "Go on where it stopped" in client.get(f"/jobs/{job.id}").text
    client.post(f"/jobs/{job.id}/retry")
    session.refresh(job)
    assert (job.state, job.error, job.finished_at) == (JobState.WAITING, "", None)
    assert (job.checkpoint, job.attempts, job.cancel_asked) == ({"done": 3}, 0, False)


def test_done_work_is_not_done_again(session: Any, job: Job) -> None:
    ended(session, job, JobState.DONE)
    retry(session, job)
    assert job.state == JobState.DONE
    cancel(session, job)
    assert job.state == JobState.DONE


def test_the_result_leads_to_each_record_that_failed(client_of: ClientOf, session: Any, job: Job) -> None:
    failures = [failure("No owner.", "unit", 7, "1-1-101"), failure("A line is gone.")]
    ended(session, job, JobState.DONE, result=outcome_of("", failures, "/units/", done=8, refused=2))
    page = client_of("receptionist").get(f"/jobs/{job.id}").text
    assert '/7">1-1-101</a>: No owner.' in page and "<li>A line is gone.</li>" in page
    assert "<li>Done: 8</li><li>Not done: 2</li>" in page and 'href="/units/"' in page


def test_results_of_the_first_version_are_still_told(client_of: ClientOf, session: Any, job: Job) -> None:
    ended(session, job, JobState.DONE, result={"message": "done", "refused": [["A2", "/units/7", "No owner."]]})
    assert '<a href="/units/7">A2</a>: No owner.' in client_of("receptionist").get(f"/jobs/{job.id}").text


def test_counts_have_names() -> None:
    with pytest.raises(ValueError, match="stars"):
        outcome_of(stars=1)


def test_the_administrator_sees_and_stops_the_work_of_the_estate(client_of: ClientOf, session: Any, job: Job) -> None:
    session.add(RecurringRun(name="jobs.purge", next_at=now(), ended_at=now(), error="ValueError: broken"))
    session.flush()
    client = client_of("system_administrator")
    page = client.get("/jobs/estate/").text
    assert "Counting the stars" in page and "Receptionist" in page
    assert "Old background work removed" in page and "ValueError: broken" in page and "Not yet run" in page
    assert client_of("manager").get("/jobs/estate/").status_code == 404
    assert client_of("manager").post(f"/jobs/estate/{job.id}/cancel").status_code == 404
    job.estate_id = 2
    session.flush()
    assert "Counting the stars" not in client.get("/jobs/estate/").text
    assert client.post(f"/jobs/estate/{job.id}/cancel").status_code == 404
    job.estate_id = 1
    session.flush()
    client.post(f"/jobs/estate/{job.id}/cancel")
    session.refresh(job)
    assert job.state == JobState.CANCELLED


def test_the_lists_take_as_many_statements_whatever_they_show(
    client_of: ClientOf, session: Any, job: Job, actor_of: Callable[[str], Any], sql_count: Any
) -> None:
    clients = {"/jobs/": client_of("receptionist"), "/jobs/estate/": client_of("system_administrator")}
    few, many = ([], [])
    for counted in (few, many):
        for address, client in clients.items():
            client.get(address)
            sql_count.reset()
            client.get(address)
            counted.append(len(sql_count.statements))
        for _ in range(10):
            enqueue(session, "work", actor=actor_of("receptionist"))
    assert few == many


def test_old_work_goes_with_its_files_and_young_work_stays(session: Any, job: Job, actor_of: Any) -> None:
    actor = actor_of("receptionist")
    young = enqueue(session, "work", actor=actor)
    for made in (job, young):
        attach(
            session, made, FileStorage(io.BytesIO(png(size=(40, made.id + 40))), "a.png"), kind="result", actor=actor
        )
    ended(session, young, JobState.DONE)
    ended(session, job, JobState.DONE)
    job.finished_at = now() - timedelta(days=91)
    session.flush()
    old_id, young_id = job.id, young.id
    purge(session)
    assert session.scalars(select(Job.id).where(Job.id.in_([old_id, young_id]))).all() == [young_id]
    kept = session.scalars(select(Attachment.record_id).where(Attachment.record_type == "job")).all()
    assert old_id not in kept and young_id in kept
