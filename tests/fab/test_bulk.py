"""Commands for many lines: each record for itself, once, by whoever may, at once or in the background."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.core.access.actor import acting, system_actor
from app.core.jobs import worker
from app.core.jobs.models import Job, JobState
from app.extensions import db
from app.fab import bulk


@pytest.fixture
def no_jobs(shop):
    yield
    with shop.app_context(), acting(system_actor()):
        db.session.execute(sa.delete(Job))
        db.session.commit()


def jobs(shop):
    with shop.app_context(), acting(system_actor()):
        return db.session.scalars(sa.select(Job).order_by(Job.id)).all()


def test_the_bar_offers_what_the_person_may(browser_of, stock):
    stock("A1")
    page = browser_of("manager").get("/toys/").text
    assert 'data-pick aria-label="Choose “A1”"' in page and "Rename" in page and "Raise the price" in page
    page = browser_of("security").get("/toys/").text
    assert "data-pick" not in page and "Rename" not in page
    assert browser_of("security").post("/toys/bulk/reprice", data={"pk": "1"}).status_code == 404
    assert browser_of("manager").post("/toys/bulk/nothing", data={"pk": "1"}).status_code == 404


def test_asks_first_then_does_it_and_says_what_was_refused(browser_of, stock, item_of, shop, no_jobs):
    first, light, last = stock("A1"), stock("A2", weight=None), stock("A3")
    clerk = browser_of("manager")
    chosen = {"pk": [first, light, last, 99999], "query": "code=A"}
    page = clerk.post("/toys/bulk/rename", data=chosen)
    assert page.status_code == 200 and "A1, A2, A3" in page.text and item_of("A1").name == ""
    page = clerk.post("/toys/bulk/rename", data={**chosen, "sure": "yes", "name": "x" * 31})
    assert page.status_code == 422 and "At most 30 characters." in page.text and 'value="' + "x" * 31 in page.text
    sent = {**chosen, "sure": "yes", "name": "!", "submit_token": "abcdefgh"}
    answer = clerk.post("/toys/bulk/rename", data=sent)
    assert clerk.post("/toys/bulk/rename", data=sent).location == answer.location  # a double submit does nothing more
    result = clerk.get(answer.location).text
    assert "done for 2 lines, refused for 2" in result
    assert f'<a href="/toys/{light}">A2</a>: Weigh it first.' in result and "1 line is no longer there." in result
    assert 'href="/toys/?code=A"' in result
    assert [item_of(code).name for code in ("A1", "A2", "A3")] == ["!", "", "!"]
    assert browser_of("receptionist").get(answer.location).status_code == 404


def test_a_constraint_stops_one_record_and_no_other(browser_of, stock, item_of, shop, no_jobs):
    numbers = [stock("A1"), stock("A2", name="cheap"), stock("A3")]
    answer = browser_of("manager").post("/toys/bulk/reprice", data={"pk": numbers})
    assert "A price is never negative." in browser_of("manager").get(answer.location).text
    assert [item_of(code).price for code in ("A1", "A2", "A3")] == [1, 0, 1]


def test_when_all_went_well_the_list_says_so(browser_of, stock, no_jobs, shop):
    clerk = browser_of("manager")
    answer = clerk.post("/toys/bulk/reprice", data={"pk": stock("A1"), "query": "code=A"})
    assert answer.location == "/toys/?code=A" and not jobs(shop)
    assert "Raise the price: done for 1 line" in clerk.get(answer.location).text
    answer = clerk.post("/toys/bulk/reprice", data={"query": "code=A"})
    assert "Choose the lines first." in clerk.get(answer.location).text


def test_lines_of_another_estate_cannot_be_chosen(browser_of, stock, item_of, no_jobs):
    pk = stock("A1", estate_id=2, shelf_id=3)
    answer = browser_of("manager").post("/toys/bulk/reprice", data={"pk": pk})
    assert "1 line is no longer there." in browser_of("manager").get(answer.location).text
    assert item_of("A1").price == 0


def test_many_lines_go_on_in_the_background_and_a_crash_repeats_nothing(
    browser_of, stock, item_of, shop, no_jobs, monkeypatch
):
    for number in range(9):
        stock(f"A{number}", weight=None if number == 4 else 5)
    stock("B1")
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "STEP", 3)
    clerk = browser_of("manager")
    page = clerk.post("/toys/bulk/rename", data={"all": "yes", "query": "code=A"}).text
    assert "For 9 lines" in page and "in the background" in page
    answer = clerk.post("/toys/bulk/rename", data={"all": "yes", "query": "code=A", "sure": "yes", "name": "!"})
    stock("A99")  # came later: not meant
    real, steps = worker.Run.commit, []

    def breaking(self, *args, **kwargs):
        steps.append(args)
        if len(steps) == 2:
            raise KeyboardInterrupt  # the worker dies with the second step uncommitted
        real(self, *args, **kwargs)

    monkeypatch.setattr(worker.Run, "commit", breaking)
    with pytest.raises(KeyboardInterrupt):
        worker.run_next(shop)
    monkeypatch.setattr(worker.Run, "commit", real)
    with shop.app_context(), acting(system_actor()):
        db.session.rollback()
        db.session.execute(sa.update(Job).values(lease_until=worker.now() - worker.lease()))
        db.session.commit()
    assert worker.run_next(shop)
    (job,) = jobs(shop)
    assert (job.state, job.progress, job.total) == (JobState.DONE, 9, 9)
    assert [item_of(f"A{n}").name for n in range(9)] == ["!", "!", "!", "!", "", "!", "!", "!", "!"]
    assert item_of("A99").name == "" and item_of("B1").name == ""
    result = clerk.get(answer.location).text
    assert "done for 8 lines, refused for 1" in result and ">A4</a>: Weigh it first." in result


def test_background_work_stops_when_asked_and_needs_the_right_of_then(
    browser_of, stock, item_of, shop, no_jobs, monkeypatch
):
    for number in range(6):
        stock(f"A{number}")
    monkeypatch.setattr(bulk, "AT_ONCE", 2)
    monkeypatch.setattr(bulk, "STEP", 2)
    clerk = browser_of("manager")
    answer = clerk.post("/toys/bulk/reprice", data={"all": "yes", "sure": "yes"})
    real = worker.Run.commit

    def cancelling(self, *args, **kwargs):
        self.session.execute(sa.update(Job).values(cancel_asked=True))
        real(self, *args, **kwargs)

    monkeypatch.setattr(worker.Run, "commit", cancelling)
    assert worker.run_next(shop)
    assert [item_of(f"A{n}").price for n in range(6)] == [1, 1, 0, 0, 0, 0]
    assert "Cancelled" in clerk.get(answer.location).text
    monkeypatch.setattr(worker.Run, "commit", real)
    clerk.post("/toys/bulk/reprice", data={"all": "yes", "sure": "yes"})
    monkeypatch.setattr(worker, "rights_of_roles", lambda session: {})
    assert worker.run_next(shop)
    assert jobs(shop)[-1].state == JobState.FAILED and item_of("A0").price == 1
