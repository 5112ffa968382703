"""A module for tests of the security side: one page per kind of trouble."""

from __future__ import annotations

from typing import Any

from flask import request
from sqlalchemy import text, update

from app.core.access.actor import current_actor
from app.core.access.models import Account
from app.core.access.roles import EVERYONE, Role
from app.core.registry import Registry
from app.extensions import db
from app.fab.views import Page, expose, requires


def register(registry: Registry) -> None:
    registry.grants({"Probe": {"read": EVERYONE, "touch": (Role.MANAGER,)}, "Vault": {"read": (Role.CASHIER,)}})
    registry.view(HomePage)
    registry.view(ProbePage, label="Probe", category="Tests")
    registry.view(VaultPage, label="Vault", category="Tests")


class HomePage(Page):
    route_base = ""

    @expose("/")
    def index(self) -> Any:
        actor = current_actor()
        return {
            "user": actor.user_id,
            "estate": actor.estate_id,
            "estates": sorted(actor.estates or ()),
            "roles": sorted(actor.roles),
        }


class ProbePage(Page):
    route_base = "/probe"
    resource = "Probe"

    @expose("/")
    @requires("read")
    def index(self) -> Any:
        return "probe"

    @expose("/touch", methods=["POST"])
    @requires("touch")
    def touch(self) -> Any:
        return f"touched {request.form.get('text', '')}"

    @expose("/boom")
    def boom(self) -> Any:
        db.session.execute(text("SELECT secret_column FROM no_such_table"))

    @expose("/sneaky")
    @requires("read")
    def sneaky(self) -> Any:
        """Tries to change something while reading."""
        account = db.session.get_one(Account, current_actor().user_id)
        account.email = "changed@example.org"
        db.session.commit()

    @expose("/sneaky-statement")
    @requires("read")
    def sneaky_statement(self) -> Any:
        db.session.execute(update(Account).values(email="changed@example.org"))

    @expose("/sneaky-text")
    @requires("read")
    def sneaky_text(self) -> Any:
        """Tries it behind the session's back, in its transaction."""
        db.session.connection().execute(text("UPDATE ab_user SET email = 'changed@example.org'"))
        return "changed"

    @expose("/sneaky-connection")
    @requires("read")
    def sneaky_connection(self) -> Any:
        """Tries it in a transaction of its own."""
        with db.engine.begin() as connection:
            connection.execute(text("UPDATE ab_user SET email = 'changed@example.org'"))
        return "changed"

    @expose("/many")
    @requires("read")
    def many(self) -> Any:
        """Asks for rights as often as a long page does."""
        return str(sum(current_actor().may("read", "Probe") for _ in range(500)))


class VaultPage(Page):
    route_base = "/vault"
    resource = "Vault"

    @expose("/")
    @requires("read")
    def index(self) -> Any:
        return "vault"
