"""Login: locked after failures, the same for accounts that do not exist; one-time passwords; no way out to other sites."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from app.core.access import accounts
from app.core.access.actor import acting, system_actor
from app.core.access.demo import DEMO_PASSWORD
from app.core.access.models import Account, LoginAttempt
from app.core.access.passwords import objection
from app.core.workflow.table import Blocked
from app.extensions import db
from app.fab.scope import safe_next
from app.fab.sessions import FAILURES_OF_ACCOUNT, FAILURES_OF_ADDRESS
from tests.conftest import PASSWORD


def fail(browser, username: str, times: int) -> list[int]:
    return [browser.log_in(username, "wrong-password").status_code for _ in range(times)]


@pytest.mark.parametrize("username", ["reception", "nobody-of-that-name"])
def test_five_failures_lock_an_account_known_or_not(browser, clock, username):
    assert fail(browser, username, FAILURES_OF_ACCOUNT) == [401] * FAILURES_OF_ACCOUNT
    locked = browser.log_in(username)
    assert locked.status_code == 429
    assert 0 < int(locked.headers["Retry-After"]) <= 900
    assert "15 minutes" in locked.get_data(as_text=True)


def test_the_lock_ends_after_fifteen_minutes(browser, clock):
    fail(browser, "reception", FAILURES_OF_ACCOUNT)
    clock.advance(minutes=14)
    assert browser.log_in("reception").status_code == 429
    clock.advance(minutes=2)
    assert browser.log_in("reception").status_code == 302


def test_a_lock_hits_neither_others_nor_slow_mistypers(browser, clock):
    fail(browser, "reception", FAILURES_OF_ACCOUNT)
    assert browser.log_in("manager").status_code == 302
    for _ in range(FAILURES_OF_ACCOUNT + 1):
        clock.advance(minutes=10)
        assert fail(browser, "both", 1) == [401]


def test_a_success_forgives(browser):
    fail(browser, "reception", FAILURES_OF_ACCOUNT - 1)
    assert browser.log_in("reception").status_code == 302
    browser.post("/logout")
    assert fail(browser, "reception", 1) == [401]


def test_guessing_many_accounts_from_one_address_locks_the_address(browser):
    codes = [browser.log_in(f"guess{n}", "x").status_code for n in range(FAILURES_OF_ADDRESS)]
    assert set(codes) == {401}
    assert browser.log_in("reception").status_code == 429


def test_guessing_in_parallel_gains_nothing(site, people, monkeypatch):
    from app.fab import sessions

    checked = []
    real = sessions.password_fits
    monkeypatch.setattr(sessions, "password_fits", lambda *given: checked.append(1) or real(*given))

    def guess(number: int) -> int:
        wrong = {"username": "reception", "password": f"guess-{number}"}
        return site.test_client().post("/api/v1/security/login", json=wrong).status_code

    with ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(guess, range(24)))
    assert len(checked) <= FAILURES_OF_ACCOUNT
    assert set(codes) <= {401, 429}
    assert codes.count(429) >= 24 - FAILURES_OF_ACCOUNT


def test_nobody_waits_while_a_password_is_checked(site, browser, monkeypatch):
    """The costly hash is computed with no transaction open: a flood of logins does not stop the counter."""
    from app.fab import sessions

    seen = []
    monkeypatch.setattr(sessions, "password_fits", lambda *given: seen.append(db.session().in_transaction()))
    fail(browser, "reception", 1)
    assert seen == [False]


def test_wrong_unknown_and_closed_look_the_same(site, browser, people):
    with site.app_context(), acting(system_actor()):
        accounts.deactivate(db.session, db.session.get_one(Account, people.manager), actor=system_actor())
        db.session.commit()
    answers = [
        browser.log_in(name, word) for name, word in (("reception", "bad"), ("nobody", "bad"), ("manager", PASSWORD))
    ]
    assert {a.status_code for a in answers} == {401}
    sentences = {a.get_data(as_text=True).partition('id="problem">')[2].partition("<")[0] for a in answers}
    assert sentences == {"The user name or the password is wrong."}


def test_unknown_accounts_cost_a_password_check_too(browser, monkeypatch):
    """The time of an answer does not tell whether the account exists."""
    checked = []
    from app.fab import sessions

    monkeypatch.setattr(sessions, "password_fits", lambda stored, password: checked.append(stored) or False)
    fail(browser, "nobody", 1)
    assert checked == [None]


def test_api_login_counts_the_same_failures(site, browser):
    client = site.test_client()
    wrong = {"username": "reception", "password": "wrong-password"}
    for _ in range(FAILURES_OF_ACCOUNT):
        answer = client.post("/api/v1/security/login", json=wrong)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"
    locked = client.post("/api/v1/security/login", json={**wrong, "password": PASSWORD})
    assert locked.status_code == 429
    assert int(locked.headers["Retry-After"]) > 0
    assert browser.log_in("reception").status_code == 429


def test_api_tokens_end_with_logout_reset_and_closing(site, browser, people):
    client = site.test_client()

    def token() -> dict[str, str]:
        given = client.post("/api/v1/security/login", json={"username": "reception", "password": PASSWORD})
        return {"Authorization": f"Bearer {given.json['access_token']}"}

    first, second = token(), token()
    assert client.get("/", headers=first).json["user"] == people.reception
    assert client.post("/api/v1/security/logout", headers=first).status_code == 204
    assert client.post("/api/v1/security/logout", headers=first).status_code == 401
    assert client.get("/", headers=second).status_code == 200
    with site.app_context(), acting(system_actor()):
        accounts.deactivate(db.session, db.session.get_one(Account, people.reception), actor=system_actor())
        db.session.commit()
    assert client.get("/", headers=second).status_code == 302
    assert client.get_cookie("guanjia") is None or "login" not in client.get_cookie("guanjia").value


@pytest.mark.parametrize("body", ["", "[]", '{"username": 1, "password": []}', "{"])
def test_api_login_answers_nonsense_with_a_problem(site, people, body):
    answer = site.test_client().post("/api/v1/security/login", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["status"] == 400


def test_a_jwt_signed_with_our_key_opens_nothing(site, people):
    """Flask-AppBuilder's own tokens outlive logout and deactivation; none is accepted."""
    import jwt

    forged = jwt.encode({"sub": str(people.admin), "type": "access", "fresh": True}, site.secret_key, "HS256")
    answer = site.test_client().get("/accounts/", headers={"Authorization": f"Bearer {forged}"})
    assert answer.status_code == 302


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/x\r\nA: b",
     "", None, "evil"],
)  # fmt: skip
def test_after_login_nobody_is_sent_elsewhere(browser, target):
    assert safe_next(target) == "/"
    if target and "\n" not in target:
        assert browser.log_in("reception", next=target).location == "/"


def test_after_login_the_wanted_page_opens(browser):
    asked = browser.get("/probe/?page=2&q=张")
    assert asked.status_code == 302
    assert asked.location.startswith("/login/?next=/probe/")
    page = browser.get(asked.location).get_data(as_text=True)
    wanted = page.partition('name="next" value="')[2].partition('"')[0].replace("&amp;", "&")
    done = browser.log_in("reception", next=wanted)
    assert browser.get(done.location).get_data(as_text=True) == "probe"


def test_an_expired_session_leads_a_form_back_to_its_page(site):
    client = site.test_client()
    plain = client.post("/probe/touch", data={"text": "long"}, headers={"Referer": "http://localhost/probe/?id=3"})
    assert (plain.status_code, plain.location) == (303, "/login/?next=/probe/?id%3D3")
    htmx = client.get("/probe/", headers={"HX-Request": "true", "HX-Current-URL": "http://localhost/probe/?id=3"})
    assert (htmx.status_code, htmx.headers["HX-Redirect"]) == (401, "/login/?next=/probe/?id%3D3")


def test_a_one_time_password_must_be_changed_first(site, browsers, people):
    with site.app_context(), acting(system_actor()):
        account = db.session.get_one(Account, people.reception)
        accounts.reset_password(db.session, account, "one-time-4711-x", actor=system_actor())
        db.session.commit()
    browser = browsers("reception", "one-time-4711-x")
    assert browser.get("/probe/").location == "/password/"
    refused = browser.post("/password/", {"old": "one-time-4711-x", "new": "short", "again": "short"})
    assert refused.status_code == 422
    browser.post("/password/", {"old": "one-time-4711-x", "new": "brave-new-horse-1", "again": "brave-new-horse-1"})
    assert browser.get("/probe/").status_code == 200


def test_own_password_wants_the_old_one(browsers):
    browser = browsers("reception")
    for data in (
        {"old": "wrong", "new": "brave-new-horse-1", "again": "brave-new-horse-1"},
        {"new": "brave-new-horse-1", "again": "brave-new-horse-1"},
        {"old": PASSWORD, "new": "brave-new-horse-1", "again": "different-horse-1"},
        {"old": PASSWORD, "new": PASSWORD, "again": PASSWORD},
    ):
        assert browser.post("/password/", data).status_code == 422
    assert browsers("reception").get("/").status_code == 200


@pytest.mark.parametrize("word", ["short", "1234567890", "Password123", "aaaaaaaaaaaa", "xx-reception-1"])
def test_weak_passwords_are_refused(site, word):
    with site.test_request_context():
        assert objection(word, "reception")


def test_demo_passwords_open_nothing_outside_a_demo(site, people, browser):
    with site.app_context(), acting(system_actor()):
        with pytest.raises(Blocked):
            accounts.create_account(
                db.session, username="manager", name="x", password=DEMO_PASSWORD, roles=[], estates=[],
                actor=system_actor(),
            )  # fmt: skip
        db.session.rollback()
        accounts.reset_password(
            db.session, db.session.get_one(Account, people.reception), DEMO_PASSWORD, actor=system_actor()
        )
        db.session.commit()
    assert browser.log_in("reception", DEMO_PASSWORD).status_code == 401
    assert DEMO_PASSWORD not in browser.get("/login/").get_data(as_text=True)


def test_failures_older_than_a_day_are_swept(site, browser, clock):
    fail(browser, "reception", 2)
    clock.advance(days=2)
    fail(browser, "reception", 1)
    with site.app_context(), acting(system_actor()):
        assert db.session.scalar(select(func.count()).select_from(LoginAttempt)) == 1
