"""Administration of accounts: who may log in, with which roles, in which estates."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from app.core.access import accounts
from app.core.access.actor import acting, current_actor, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.configuration.kinds import Group, Setting
from app.core.records.estate import Estate
from app.core.registry import Registry
from app.core.workflow.table import Blocked
from app.extensions import db
from app.fab.views import Page, expose, requires


def register_accounts(registry: Registry) -> None:
    registry.contribute(
        Setting(
            code="accounts", title=_l("Accounts"), group=Group.ESTATE, view=AccountView, icon="users", order=20,
            sentence=_l("Who signs in, with which roles and for which estates."),
        )
    )  # fmt: skip
    registry.view(AccountView, label=_l("Accounts"), category=_l("Administration"), icon="users")


class AccountView(Page):
    """List, form and commands of accounts. Passwords are never typed by the administrator: a one-time one is shown."""

    route_base = "/accounts"
    resource = "Account"
    default_view = "list"

    @expose("/")
    @requires("read")
    def list(self) -> Any:
        text = request.args.get("q", "").strip()
        query = select(Account).options(selectinload(Account.roles), selectinload(Account.memberships))
        if text:
            query = query.where(
                or_(
                    *(
                        c.icontains(text, autoescape=True)
                        for c in (Account.username, Account.last_name, Account.first_name)
                    )
                )
            )
        found = db.session.scalars(query.order_by(Account.active.desc(), Account.username)).all()
        titles = {role.value: role.title for role in Role}
        return render_template("security/accounts.html", accounts=found, estates=_estates(), text=text, titles=titles)

    @expose("/new", methods=["GET"])
    @requires("create")
    def new(self) -> Any:
        return self._form(None)

    @expose("/new", methods=["POST"])
    @requires("create")
    def create(self) -> Any:
        password = one_time_password()
        try:
            account = accounts.create_account(
                db.session, username=request.form.get("username", ""), password=password, must_change_password=True,
                roles=_chosen_roles(), estates=_chosen_estates(), actor=current_actor(), **_description(),
            )  # fmt: skip
        except Blocked as objections:
            return self._form(None, objections.reasons), 422
        db.session.commit()
        return self._form(account, password=password)

    @expose("/<int:pk>", methods=["GET"])
    @requires("read")
    def show(self, pk: int) -> Any:
        return self._form(_account(pk))

    @expose("/<int:pk>", methods=["POST"])
    @requires("update")
    def save(self, pk: int) -> Any:
        account, actor = _account(pk), current_actor()
        try:
            accounts.describe(db.session, account, actor=actor, **_description())
            accounts.set_roles(db.session, account, _chosen_roles(), actor=actor)
            accounts.set_memberships(db.session, account, _chosen_estates(), actor=actor)
        except Blocked as objections:
            db.session.rollback()
            return self._form(_account(pk), objections.reasons), 422
        return self._done(account, _("Saved."))

    @expose("/<int:pk>/password", methods=["POST"])
    @requires("update")
    def password(self, pk: int) -> Any:
        account, password = _account(pk), one_time_password()
        try:
            accounts.reset_password(db.session, account, password, actor=current_actor())
        except Blocked as objections:
            return self._form(account, objections.reasons), 422
        db.session.commit()
        return self._form(account, password=password)

    @expose("/<int:pk>/deactivate", methods=["POST"])
    @requires("update")
    def deactivate(self, pk: int) -> Any:
        account = _account(pk)
        try:
            accounts.deactivate(db.session, account, actor=current_actor())
        except Blocked as objections:
            return self._form(account, objections.reasons), 422
        return self._done(account, _("The account is closed; its sessions have ended."))

    @expose("/<int:pk>/activate", methods=["POST"])
    @requires("update")
    def activate(self, pk: int) -> Any:
        account = _account(pk)
        accounts.activate(db.session, account, actor=current_actor())
        return self._done(account, _("The account can log in again."))

    def _done(self, account: Account, message: str) -> Response:
        db.session.commit()
        flash(message, "success")
        return redirect(url_for("AccountView.show", pk=account.id), 303)

    def _form(self, account: Account | None, problems: Sequence[str] = (), password: str = "") -> str:
        if problems:  # what was typed stays
            given = {
                **request.form.to_dict(), "roles": request.form.getlist("roles"),
                "estates": request.form.getlist("estates", type=int),
            }  # fmt: skip
        elif account:
            given = {
                "username": account.username, "name": account.display_name, "language": account.language,
                "email": accounts.email_of(account), "roles": [role.name for role in account.roles],
                "estates": [membership.estate_id for membership in account.memberships],
            }  # fmt: skip
        else:
            given = {"language": "zh", "roles": [], "estates": [estate.id for estate in _estates()][:1]}
        return render_template(
            "security/account.html", account=account, given=given, problems=problems, password=password,
            roles=list(Role), estates=_estates(), own=account is not None and account.id == current_actor().user_id,
        )  # fmt: skip


def one_time_password() -> str:
    """Twelve letters and digits that are not mistaken for one another when read aloud, in groups of four."""
    signs = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(signs) for _ in range(4)) for _ in range(3))


def _account(pk: int) -> Account:
    account = db.session.get(Account, pk)
    if account is None:
        raise NotFound
    return account


def _estates() -> Sequence[Estate]:
    """Every estate: whoever manages accounts assigns people to estates they do not serve themselves."""
    with acting(system_actor("accounts")):
        return db.session.scalars(select(Estate).order_by(Estate.code)).all()


def _chosen_roles() -> list[Role]:
    given = set(request.form.getlist("roles"))
    return [role for role in Role if role.value in given]


def _chosen_estates() -> list[Estate]:
    given = set(request.form.getlist("estates", type=int))
    return [estate for estate in _estates() if estate.id in given]


def _description() -> dict[str, str]:
    return {name: request.form.get(name, "") for name in ("name", "email", "language")}
