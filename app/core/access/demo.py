"""The accounts of the demo estate: one per role, listed on the login page of a demo only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy.orm import Session

from app.core.access.accounts import create_account
from app.core.access.actor import Actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.records.estate import Estate

DEMO_PASSWORD = "Demo-Estate-88"  # noqa: S105  (public by intention; refused wherever demo mode is off)


class DemoAccount(NamedTuple):
    """User name, role and the name of the invented person."""

    username: str
    role: Role
    name: str


DEMO_ACCOUNTS = (
    DemoAccount("reception", Role.RECEPTIONIST, "林晓雨"),
    DemoAccount("inspector", Role.INSPECTOR, "周建国"),
    DemoAccount("cashier", Role.CASHIER, "钱敏"),
    DemoAccount("supervisor", Role.CS_SUPERVISOR, "苏婉清"),
    DemoAccount("manager", Role.MANAGER, "陈志远"),
    DemoAccount("equipment", Role.EQUIPMENT_SUPERVISOR, "郑海涛"),
    DemoAccount("site", Role.SITE_ADMINISTRATOR, "何立"),
    DemoAccount("sitesupervisor", Role.SITE_SUPERVISOR, "马卫东"),
    DemoAccount("documents", Role.DOCUMENT_ADMINISTRATOR, "沈文静"),
    DemoAccount("technician", Role.TECHNICIAN, "吴刚"),
    DemoAccount("security", Role.SECURITY, "赵铁军"),
    DemoAccount("surveyor", Role.SURVEYOR, "孙悦"),
    DemoAccount("superior", Role.SUPERIOR, "韩部长"),
    DemoAccount("admin", Role.SYSTEM_ADMINISTRATOR, "罗志强"),
)


def create_demo_accounts(session: Session, estates: Iterable[Estate], *, actor: Actor) -> list[Account]:
    """Open the demo accounts in ``estates``."""
    serving = list(estates)
    return [
        create_account(
            session, username=demo.username, name=demo.name, password=DEMO_PASSWORD,
            roles=[demo.role], estates=serving, actor=actor,
        )
        for demo in DEMO_ACCOUNTS
    ]  # fmt: skip
