"""Sessions live on the server: they end when they should, and a copied cookie is worth nothing afterwards."""

from __future__ import annotations

from sqlalchemy import select

from app.core.access import accounts
from app.core.access.actor import acting, system_actor
from app.core.access.models import Account, LoginSession
from app.extensions import db
from tests.conftest import PASSWORD


def as_system(site, work) -> None:
    with site.app_context(), acting(system_actor()):
        work()
        db.session.commit()


def test_a_copied_cookie_is_worthless_after_logout(site, browsers):
    browser = browsers("reception")
    cookie = browser.cookie
    assert browser.replay(site, cookie) == 200
    assert browser.post("/logout").status_code == 302
    assert browser.replay(site, cookie) == 302


def test_logout_ends_only_its_own_session(site, browsers):
    first, second = browsers("reception"), browsers("reception")
    first.post("/logout")
    assert second.get("/").status_code == 200


def test_a_copied_cookie_is_worthless_after_a_password_reset(site, browsers, people):
    cookie = browsers("reception").cookie
    as_system(
        site,
        lambda: accounts.reset_password(
            db.session, db.session.get_one(Account, people.reception), "another-horse-7", actor=system_actor()
        ),
    )
    assert browsers("manager").replay(site, cookie) == 302


def test_own_password_change_ends_the_other_sessions_and_keeps_this_one(site, browsers):
    here, elsewhere = browsers("reception"), browsers("reception")
    before = here.cookie
    answer = here.post("/password/", {"old": PASSWORD, "new": "brave-new-horse-1", "again": "brave-new-horse-1"})
    assert answer.status_code == 302
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    assert here.replay(site, before) == 302
    assert browsers("reception", "brave-new-horse-1").get("/").status_code == 200


def test_a_closed_account_is_out_at_once(site, browsers, people):
    browser = browsers("reception")
    as_system(
        site,
        lambda: accounts.deactivate(db.session, db.session.get_one(Account, people.reception), actor=system_actor()),
    )
    assert browser.get("/").status_code == 302
    assert browser.log_in("reception").status_code == 401


def test_login_gives_a_new_cookie_and_form_key(site, browser):
    """A cookie planted before the login (session fixation) does not become a logged-in one."""
    key_before = browser.key("/login/")
    planted = browser.cookie
    browser.log_in("reception")
    assert browser.replay(site, planted) == 302
    with browser.client.session_transaction() as session:
        assert "login" in session
    assert browser.key("/password/") != key_before


def test_the_cookie_holds_no_secret_that_the_database_holds(site, browsers):
    browser = browsers("reception")
    with browser.client.session_transaction() as session:
        token = session["login"]
    with site.app_context():
        with acting(system_actor()):
            stored = db.session.scalars(select(LoginSession.token_hash)).all()
    assert token not in stored
    assert len(stored[0]) == 64


def test_a_session_ends_after_the_hours_of_the_setting_without_use(site, browsers, clock):
    browser = browsers("reception")
    clock.advance(hours=11)
    assert browser.get("/").status_code == 200  # use prolongs it …
    clock.advance(hours=11)
    assert browser.get("/").status_code == 200
    clock.advance(hours=13)
    assert browser.get("/").status_code == 302  # … idleness ends it


def test_cookies_are_closed_to_scripts_and_other_sites(site, browsers, browser):
    answer = browser.log_in("reception")
    cookie = next(c for c in answer.headers.getlist("Set-Cookie") if c.startswith("guanjia="))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_a_forged_or_garbled_cookie_is_nobody(site):
    for value in ("x", "a.b.c", "eyJsb2dpbiI6IngifQ.aa.bb"):
        client = site.test_client()
        client.set_cookie("guanjia", value)
        client.set_cookie("remember_token", "1|abc")
        assert client.get("/").status_code == 302
