"""Jobs: taken once, resumed where a dead worker stopped, each effect once, cancelled and failed in words."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from typing import Any

import pikepdf
import pytest
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import OperationalError

from app.core.access.models import Account
from app.core.audit.models import AuditEntry
from app.core.files.services import attachments_of, read
from app.core.jobs import worker
from app.core.jobs.alarm import Alarm
from app.core.jobs.leases import renewed
from app.core.jobs.models import Job, JobState
from app.core.jobs.recurring import RecurringRun, run_recurring
from app.core.jobs.services import cancel, enqueue
from app.core.papers.models import Paper
from app.core.records.base import now
from app.core.records.identifiers import InvalidValue
from app.core.registry import Recurring
from app.extensions import db
from app.modules.estates.models import Building


def build(run: worker.Run, names: list[str], die_at: str = "") -> dict[str, Any]:
    """Add one building per name, a step each; as a dying process would, stop dead at ``die_at``."""
    start = run.checkpoint.get("done", 0)
    for done, name in enumerate(names[start:], start + 1):
        run.session.add(Building(estate_id=run.actor.estate_id, code=name))
        run.session.flush()
        if name == die_at and run.job.attempts == 1:
            raise SystemExit
        run.commit(done, len(names), done=done)
    return {"message": f"{len(names)} built"}


def refuse(run: worker.Run) -> None:
    run.session.add(Building(estate_id=run.actor.estate_id, code="half-built"))
    raise InvalidValue("The sheet has no unit column.")


def crash(run: worker.Run) -> None:
    raise ZeroDivisionError("secret detail")


@pytest.fixture(autouse=True)
def _works(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    if "desk" not in request.fixturenames:
        yield
        return
    desk = request.getfixturevalue("desk")
    for work in (build, refuse, crash):
        monkeypatch.setitem(desk.app.extensions["guanjia"].jobs, work.__name__, work)
    yield
    desk.session.rollback()
    desk.session.execute(delete(Job))
    desk.session.execute(delete(RecurringRun))
    desk.session.execute(delete(Building).where(Building.code != "K1"))
    desk.session.execute(update(Account).values(active=True))
    desk.session.commit()


def asked(desk: Any, work: str, **arguments: Any) -> int:
    job_id = enqueue(desk.session, work, actor=desk.rita, **arguments).id
    desk.session.commit()
    return job_id


def after(desk: Any, job_id: int) -> Job:
    desk.session.rollback()
    job = desk.session.get(Job, job_id, populate_existing=True)
    assert job is not None
    desk.session.expunge(job)
    desk.session.rollback()  # on SQLite an open transaction would keep the worker out
    return job


def codes(desk: Any) -> list[str]:
    found = list(desk.session.scalars(select(Building.code).where(Building.code != "K1").order_by(Building.code)))
    desk.session.rollback()
    return found


def test_a_job_is_done_as_the_person_who_asked(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1", "A2"])
    assert worker.run_next(desk.app) is True
    job = after(desk, job_id)
    assert (job.state, job.progress, job.total, job.result) == (JobState.DONE, 2, 2, {"message": "2 built"})
    assert codes(desk) == ["A1", "A2"]
    built = desk.session.scalars(select(Building).where(Building.code == "A1")).one()
    assert built.created_by_id == desk.rita.user_id
    entry = desk.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1)).one()
    assert entry.actor_name == "Rita"
    assert worker.run_next(desk.app) is False


def test_a_job_of_a_rolled_back_transaction_never_was(desk: Any) -> None:
    enqueue(desk.session, "build", actor=desk.rita, names=["A1"])
    desk.session.rollback()
    assert worker.run_next(desk.app) is False


def test_work_that_nobody_registered_is_refused(desk: Any) -> None:
    with pytest.raises(ValueError, match="no job"):
        enqueue(desk.session, "unheard-of", actor=desk.rita)


def test_a_dead_workers_job_goes_on_after_its_lease_with_each_effect_once(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1", "A2", "A3"], die_at="A2")
    with pytest.raises(SystemExit):
        worker.run_next(desk.app)
    dead = after(desk, job_id)
    assert dead.state == JobState.RUNNING and codes(desk) == ["A1"]
    assert worker.run_next(desk.app) is False  # the lease still runs
    desk.session.execute(
        update(Job).where(Job.id == job_id).values(lease_until=now() - timedelta(seconds=1), attempts=2)
    )
    desk.session.commit()
    assert worker.run_next(desk.app) is True
    assert after(desk, job_id).state == JobState.DONE and codes(desk) == ["A1", "A2", "A3"]


def test_a_worker_that_lost_its_lease_writes_nothing_more(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1"])
    job = worker.claim(desk.session)
    assert job is not None and job.id == job_id
    slow = worker.Run(desk.session, job, desk.rita, job.lease_token or "", {})
    desk.session.execute(update(Job).where(Job.id == job_id).values(lease_until=now() - timedelta(seconds=1)))
    desk.session.commit()
    taken_over = worker.claim(desk.session)
    assert taken_over is not None and taken_over.id == job_id
    with pytest.raises(worker.LostLease):
        build(slow, ["A1"])
    desk.session.rollback()
    with pytest.raises(worker.LostLease):
        slow.end(JobState.DONE)
    desk.session.rollback()
    assert codes(desk) == []


def test_a_job_that_kills_every_worker_is_given_up(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1"])
    for _attempt in range(worker.MAX_ATTEMPTS):
        assert worker.claim(desk.session) is not None
        desk.session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
        desk.session.commit()
    assert worker.run_next(desk.app) is True
    job = after(desk, job_id)
    assert job.state == JobState.FAILED and "given up" in job.error


def test_two_workers_never_take_the_same_job(desk: Any) -> None:
    for n in range(6):
        asked(desk, "build", names=[f"A{n}"])
    gate, ran = threading.Barrier(2), []

    def work() -> None:
        gate.wait()
        while worker.run_next(desk.app):
            ran.append(1)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    while worker.run_next(desk.app):
        ran.append(1)
    assert len(ran) == 6 and codes(desk) == [f"A{n}" for n in range(6)]
    assert set(desk.session.scalars(select(Job.attempts))) == {1}


def test_a_waiting_job_is_cancelled_at_once(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1"])
    cancel(desk.session, desk.session.get(Job, job_id))
    desk.session.commit()
    assert worker.run_next(desk.app) is False
    assert after(desk, job_id).state == JobState.CANCELLED and codes(desk) == []


def test_a_running_job_stops_after_its_step(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1", "A2"])
    job = worker.claim(desk.session)
    assert job is not None
    cancel(desk.session, job)
    desk.session.commit()
    run = worker.Run(desk.session, job, desk.rita, job.lease_token or "", {})
    with pytest.raises(worker.Cancelled):
        build(run, ["A1", "A2"])
    assert codes(desk) == ["A1"]
    desk.session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
    desk.session.commit()
    worker.run_next(desk.app)
    assert after(desk, job_id).state == JobState.CANCELLED and codes(desk) == ["A1"]


def test_a_refusal_is_told_and_its_half_work_is_gone(desk: Any) -> None:
    job_id = asked(desk, "refuse")
    worker.run_next(desk.app)
    job = after(desk, job_id)
    assert (job.state, job.error) == (JobState.FAILED, "The sheet has no unit column.")
    assert codes(desk) == []


def test_an_unexpected_error_is_told_without_its_inside(desk: Any) -> None:
    job_id = asked(desk, "crash")
    worker.run_next(desk.app)
    job = after(desk, job_id)
    assert job.state == JobState.FAILED and "secret" not in job.error


def test_who_left_has_no_more_work_done(desk: Any) -> None:
    job_id = asked(desk, "build", names=["A1"])
    desk.session.execute(update(Account).values(active=False))
    desk.session.commit()
    worker.run_next(desk.app)
    assert after(desk, job_id).state == JobState.FAILED and codes(desk) == []


def test_the_lease_is_renewed_while_long_work_runs(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "lease", lambda: timedelta(seconds=0.4))
    job_id = asked(desk, "build", names=["A1"])
    job = worker.claim(desk.session)
    assert job is not None
    before, token = job.lease_until, job.lease_token
    desk.session.rollback()
    with renewed(db.engine, timedelta(seconds=0.4), worker._renewal(token)):
        pause = threading.Event()
        for _ in range(50):
            pause.wait(0.05)
            if (until := after(desk, job_id).lease_until) and before and until > before:
                break
    until = after(desk, job_id).lease_until
    assert until is not None and before is not None and until > before


def test_the_worker_stops_when_told(desk: Any) -> None:
    job_id, stop = asked(desk, "build", names=["A1"]), threading.Event()
    thread = threading.Thread(target=worker.run_worker, args=(desk.app, stop))
    thread.start()
    pause = threading.Event()
    for _ in range(100):
        if after(desk, job_id).state == JobState.DONE:
            break
        pause.wait(0.1)
    stop.set()
    thread.join(10)
    assert not thread.is_alive() and after(desk, job_id).state == JobState.DONE


def test_a_pack_is_printed_in_the_background(desk: Any) -> None:
    job_id = asked(desk, "print_pack", sheets=[["X1", desk.building.id]], language="en", name="交房资料 K1")
    worker.run_next(desk.app)
    job = after(desk, job_id)
    assert (job.state, job.error) == (JobState.DONE, "")
    [result] = attachments_of(desk.session, job, kind="result")
    assert result.name == "交房资料 K1.pdf" and read(result).startswith(b"%PDF-")
    assert desk.session.scalar(select(func.count(Paper.id)).where(Paper.language == "en")) >= 1
    with pikepdf.open(io.BytesIO(read(result))) as document:
        assert len(document.pages) >= 1


def test_the_page_shows_progress_to_the_owner_of_the_job_only(
    client_of: Callable[[str], Any],
    session: Any,
    actor_of: Callable[[str], Any],
    monkeypatch: pytest.MonkeyPatch,
    app: Any,
) -> None:
    monkeypatch.setitem(app.extensions["guanjia"].jobs, "build", build)
    job = enqueue(session, "build", actor=actor_of("receptionist"), names=["A1"])
    session.flush()
    client = client_of("receptionist")
    page = client.get(f"/jobs/{job.id}").get_data(as_text=True)
    assert f"/jobs/{job.id}/progress" in page and "Waiting" in page
    assert "Waiting" in client.get("/jobs/").get_data(as_text=True)
    assert client_of("manager").get(f"/jobs/{job.id}").status_code == 404
    assert client_of("manager").post(f"/jobs/{job.id}/cancel").status_code == 404
    client.post(f"/jobs/{job.id}/cancel")
    ended = client.get(f"/jobs/{job.id}/progress").get_data(as_text=True)
    assert "Cancelled" in ended and "hx-get" not in ended


def test_a_worker_that_is_told_to_stop_hands_its_job_back(desk: Any) -> None:
    job_id, stop = asked(desk, "build", names=["A1", "A2"]), threading.Event()
    stop.set()
    worker.run_next(desk.app, stop)
    job = after(desk, job_id)
    assert (job.state, job.checkpoint, codes(desk)) == (JobState.WAITING, {"done": 1}, ["A1"])
    worker.run_next(desk.app)
    assert after(desk, job_id).state == JobState.DONE and codes(desk) == ["A1", "A2"]


def test_a_database_out_of_reach_fails_no_job(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_off(run: worker.Run) -> None:
        if run.job.attempts == 1:
            raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))

    monkeypatch.setitem(desk.app.extensions["guanjia"].jobs, "cut_off", cut_off)
    job_id = asked(desk, "cut_off")
    with pytest.raises(OperationalError):
        worker.run_next(desk.app)
    assert after(desk, job_id).state == JobState.RUNNING
    desk.session.execute(update(Job).values(lease_until=now() - timedelta(seconds=1)))
    desk.session.commit()
    worker.run_next(desk.app)
    assert after(desk, job_id).state == JobState.DONE


def test_a_job_wakes_the_worker_once_it_is_committed(desk: Any) -> None:
    with closing(Alarm(db.engine)) as alarm:
        alarm.wait(threading.Event(), 0.05)  # it listens now
        enqueue(desk.session, "build", actor=desk.rita, names=[])
        began = time.monotonic()
        alarm.wait(threading.Event(), 0.3)
        assert time.monotonic() - began >= 0.3
        desk.session.commit()
        alarm.wait(threading.Event(), 30)
        assert time.monotonic() - began < 10


def test_a_recurring_work_that_broke_is_told_and_due_again_in_its_time(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        desk.app.extensions["guanjia"].contributions, Recurring,
        {"crash": Recurring(name="crash", every=timedelta(hours=1), work=crash)},
    )  # fmt: skip
    desk.session.rollback()
    assert run_recurring(desk.app) == 1
    assert run_recurring(desk.app) == 0
    run = desk.session.get(RecurringRun, "crash", populate_existing=True)
    assert "ZeroDivisionError" in run.error and run.ended_at is not None
    assert timedelta(minutes=59) < run.next_at - now() <= timedelta(hours=1)


def test_a_recurring_work_lost_to_another_worker_leaves_nothing(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(session: Any) -> None:
        session.execute(update(RecurringRun).values(next_at=now() + timedelta(hours=2)))  # as another one would
        session.add(Building(estate_id=desk.rita.estate_id, code="half-built"))

    monkeypatch.setitem(
        desk.app.extensions["guanjia"].contributions, Recurring,
        {"slow": Recurring(name="slow", every=timedelta(hours=1), work=slow)},
    )  # fmt: skip
    desk.session.rollback()
    assert run_recurring(desk.app) == 0
    assert codes(desk) == []
