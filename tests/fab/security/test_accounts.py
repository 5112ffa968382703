"""Administration of accounts: only system administrators, never oneself, never the last one."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from app.core.access import accounts
from app.core.access.actor import Actor, NotAllowed, acting, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.audit.log import verify
from app.core.audit.models import AuditEntry
from app.core.workflow.table import Blocked
from app.extensions import db

FORM = {"name": "李雷", "email": "", "language": "zh"}


def stored(site, user_id: int) -> Account:
    with site.app_context(), acting(system_actor()):
        account = db.session.get_one(Account, user_id)
        account.roles, account.memberships  # noqa: B018  (loaded before the session closes)
        return account


def roles_of(site, user_id: int) -> set[str]:
    return {role.name for role in stored(site, user_id).roles}


@pytest.mark.parametrize("username", ["reception", "manager"])
def test_nobody_else_manages_accounts(site, browsers, people, username):
    """On stock Flask-AppBuilder whoever may edit users makes themselves Admin."""
    browser = browsers(username)
    mine = getattr(people, username)
    admin = {**FORM, "roles": [Role.SYSTEM_ADMINISTRATOR.value]}
    for path in ("/accounts/", "/accounts/new", f"/accounts/{mine}"):
        assert browser.get(path).status_code == 404
    for path in (
        "/accounts/new",
        *(f"/accounts/{mine}{tail}" for tail in ("", "/password", "/deactivate", "/activate")),
    ):
        assert browser.post(path, admin).status_code == 404
    assert Role.SYSTEM_ADMINISTRATOR not in roles_of(site, mine)


def test_nobody_changes_their_own_roles(site, browsers, people):
    browser = browsers("admin")
    answer = browser.post(f"/accounts/{people.admin}", {**FORM, "roles": [r.value for r in Role]})
    assert answer.status_code == 422
    assert "Nobody changes their own roles" in answer.get_data(as_text=True)
    assert roles_of(site, people.admin) == {"system_administrator"}
    assert stored(site, people.admin).display_name == "Admin"  # nothing of the refused form was kept


def test_nobody_deactivates_or_resets_themselves(browsers, people):
    browser = browsers("admin")
    assert browser.post(f"/accounts/{people.admin}/deactivate").status_code == 422
    assert browser.post(f"/accounts/{people.admin}/password").status_code == 422
    assert browser.get("/").status_code == 200


def test_an_administrator_changes_roles_estates_and_name_of_others(site, browsers, people):
    admin, reception = browsers("admin"), browsers("reception")
    assert reception.get("/vault/").status_code == 404
    form = {**FORM, "roles": ["receptionist", "cashier"], "estates": [str(i) for i in people.estates]}
    assert admin.post(f"/accounts/{people.reception}", form).status_code == 303
    account = stored(site, people.reception)
    assert account.display_name == "李雷"
    assert {m.estate_id for m in account.memberships} == set(people.estates)
    assert reception.get("/vault/").status_code == 200  # without a new login
    assert reception.post(f"/estate/{people.estates[1]}").status_code == 303


def test_unknown_roles_and_estates_are_not_given(site, browsers, people):
    form = {**FORM, "roles": ["Admin", "receptionist", "nonsense"], "estates": ["999", "x"]}
    browsers("admin").post(f"/accounts/{people.reception}", form)
    assert roles_of(site, people.reception) == {"receptionist"}
    assert stored(site, people.reception).memberships == []


def test_the_last_active_administrator_stays(site, people):
    with site.app_context(), acting(system_actor()):
        admin, deputy = (db.session.get_one(Account, i) for i in (people.admin, people.deputy))
        accounts.deactivate(db.session, deputy, actor=system_actor())
        with pytest.raises(Blocked):
            accounts.deactivate(db.session, admin, actor=system_actor())
        with pytest.raises(Blocked):
            accounts.set_roles(db.session, admin, [Role.CASHIER], actor=system_actor())
        assert admin.active
        db.session.rollback()


def test_a_new_account_gets_a_one_time_password(site, browsers, people):
    admin = browsers("admin")
    form = {**FORM, "username": "HanMeimei", "roles": ["cashier"], "estates": [str(people.estates[0])]}
    page = admin.post("/accounts/new", form).get_data(as_text=True)
    password = re.search(r"<code[^>]*>([a-z2-9-]{14})</code>", page)[1]
    newcomer = browsers("hanmeimei", password)
    assert newcomer.get("/vault/").location == "/password/"
    again = admin.post("/accounts/new", form)
    assert again.status_code == 422
    assert "The user name is taken." in again.get_data(as_text=True)
    assert 'value="李雷"' in again.get_data(as_text=True)  # what was typed stays


def test_reset_gives_a_one_time_password_and_ends_sessions(browsers, people):
    admin, reception = browsers("admin"), browsers("reception")
    page = admin.post(f"/accounts/{people.reception}/password").get_data(as_text=True)
    password = re.search(r"<code[^>]*>([a-z2-9-]{14})</code>", page)[1]
    assert reception.get("/").status_code == 302
    assert browsers("reception", password).get("/").location == "/password/"


def test_activation_lifts_the_lock(browser, browsers, people):
    for _ in range(5):
        browser.log_in("reception", "wrong-password")
    assert browser.log_in("reception").status_code == 429
    browsers("admin").post(f"/accounts/{people.reception}/activate")
    assert browser.log_in("reception").status_code == 302


def test_list_finds_by_name(browsers):
    browser = browsers("admin")
    assert "manager" in browser.get("/accounts/").get_data(as_text=True)
    found = browser.get("/accounts/?q=recep%25").get_data(as_text=True)
    assert "No account fits" in found
    found = browser.get("/accounts/?q=RECEP").get_data(as_text=True)
    assert ">reception</a>" in found
    assert ">manager</a>" not in found


def test_every_change_is_in_the_log_and_no_password_is(site, browsers, people):
    admin = browsers("admin")
    admin.post(f"/accounts/{people.reception}", {**FORM, "roles": ["cashier"]})
    page = admin.post(f"/accounts/{people.reception}/password").get_data(as_text=True)
    password = re.search(r"<code[^>]*>([a-z2-9-]{14})</code>", page)[1]
    admin.post(f"/accounts/{people.reception}/deactivate")
    with site.app_context(), acting(system_actor()):
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.record_type == "ab_user", AuditEntry.record_id == people.reception)
        ).all()
        told = [(entry.kind, entry.actor_id, entry.changes) for entry in entries if entry.actor_id]
        assert {kind for kind, _, _ in told} == {"update", "password reset"}
        assert {actor for _, actor, _ in told} == {people.admin}
        assert any(changes.get("roles") == [None, ["cashier"]] for _, _, changes in told)
        assert password not in repr([entry.changes for entry in entries])
        assert verify(db.session) is None


def test_services_refuse_without_the_right(site, people):
    clerk = Actor(user_id=people.manager, name="m", estates=frozenset({1}), grants=frozenset({("read", "Account")}))
    with site.app_context(), acting(clerk):
        account = db.session.get_one(Account, people.reception)
        for attempt in (
            lambda: accounts.set_roles(db.session, account, [Role.MANAGER], actor=clerk),
            lambda: accounts.set_memberships(db.session, account, [], actor=clerk),
            lambda: accounts.reset_password(db.session, account, "brave-new-horse-1", actor=clerk),
            lambda: accounts.deactivate(db.session, account, actor=clerk),
            lambda: accounts.activate(db.session, account, actor=clerk),
            lambda: accounts.describe(db.session, account, name="x", email="", language="en", actor=clerk),
            lambda: accounts.change_own_password(db.session, account, old="", new="brave-new-horse-1", actor=clerk),
            lambda: accounts.choose_language(db.session, account, "zh", actor=clerk),
        ):
            with pytest.raises(NotAllowed):
                attempt()
        db.session.rollback()
