"""Accounts of staff: opening, changing, closing them; their passwords, roles and estates.

Only holders of ``update Account`` (the system administrator) manage accounts, nobody their own roles, and at least
one active system administrator always remains. Whatever weakens an account (new password, deactivation) raises its
``epoch``, which ends all its sessions. The caller commits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.access.models import Account, LoginAttempt, Membership
from app.core.access.passwords import hash_password, objection, password_fits
from app.core.access.roles import Grants, Role
from app.core.audit.log import record_event
from app.core.records.estate import Estate
from app.core.workflow.table import Blocked

RIGHTS: Grants = {"Account": {"read create update": (Role.SYSTEM_ADMINISTRATOR,)}}

USERNAME = re.compile(r"[\w.@-]{2,64}")
NO_ADDRESS = "@none.invalid"
"""Flask-AppBuilder wants a unique e-mail address in every account; this ending stands for none."""


def create_account(
    session: Session,
    *,
    username: str,
    name: str,
    password: str,
    roles: Iterable[Role],
    estates: Iterable[Estate],
    actor: Actor,
    email: str = "",
    language: str = "zh",
    must_change_password: bool = False,
) -> Account:
    """Open an account. ``name`` is the person's name as staff know it; an empty ``email`` means none.

    Raises:
        Blocked: the user name or e-mail address is taken or unusable, or the password too weak.
    """
    actor.require("create", "Account")
    username = username.strip().lower()
    if not USERNAME.fullmatch(username):
        raise Blocked([_("A user name has 2 to 64 letters, digits, dots, hyphens or underscores.")])
    _check_password(password, username)
    account = Account(
        username=username, password=hash_password(password), active=True, must_change_password=must_change_password
    )
    _describe(session, account, name=name, email=email, language=language)
    account.roles = _stored_roles(session, roles)
    account.memberships = [Membership(estate_id=estate.id) for estate in estates]
    session.add(account)
    session.flush()
    record_event(
        session, "create", account, username=username, name=account.display_name,
        roles=sorted(role.name for role in account.roles), estates=sorted(m.estate_id for m in account.memberships),
    )  # fmt: skip
    return account


def describe(session: Session, account: Account, *, name: str, email: str, language: str, actor: Actor) -> None:
    """Change the name, e-mail address and language of an account."""
    actor.require("update", "Account")
    before = account.display_name
    _describe(session, account, name=name, email=email, language=language)
    session.flush()
    record_event(session, "update", account, name=account.display_name, former_name=before)


def email_of(account: Account) -> str:
    """The e-mail address of an account; empty when none is known."""
    return "" if account.email.endswith(NO_ADDRESS) else account.email


def set_roles(session: Session, account: Account, roles: Iterable[Role], *, actor: Actor) -> None:
    """Give ``account`` exactly ``roles``; its next request has the new rights.

    Raises:
        Blocked: the actor's own account, or the last active system administrator would disappear.
    """
    actor.require("update", "Account")
    wanted = {str(role) for role in roles}
    held = {role.name for role in account.roles}
    if wanted == held:
        return
    _not_oneself(account, actor, _("Nobody changes their own roles; another system administrator has to do it."))
    if Role.SYSTEM_ADMINISTRATOR in held - wanted:
        _keep_one_administrator(session, account)
    account.roles = _stored_roles(session, wanted)
    session.flush()
    record_event(session, "update", account, roles=sorted(wanted), former_roles=sorted(held))


def set_memberships(session: Session, account: Account, estates: Iterable[Estate], *, actor: Actor) -> None:
    """Let ``account`` serve exactly ``estates``."""
    actor.require("update", "Account")
    wanted = {estate.id for estate in estates}
    held = {membership.estate_id for membership in account.memberships}
    if wanted == held:
        return
    account.memberships = [m for m in account.memberships if m.estate_id in wanted] + [
        Membership(estate_id=estate_id) for estate_id in sorted(wanted - held)
    ]
    session.flush()
    record_event(session, "update", account, estates=sorted(wanted), former_estates=sorted(held))


def deactivate(session: Session, account: Account, *, actor: Actor) -> None:
    """Close an account: it can no longer log in and all its sessions end."""
    actor.require("update", "Account")
    _not_oneself(account, actor, _("Nobody deactivates their own account."))
    if any(role.name == Role.SYSTEM_ADMINISTRATOR for role in account.roles):
        _keep_one_administrator(session, account)
    account.active = False
    account.epoch += 1
    session.flush()
    record_event(session, "update", account, active=False)


def activate(session: Session, account: Account, *, actor: Actor) -> None:
    """Open a closed account again and lift a lock after failed logins."""
    actor.require("update", "Account")
    account.active = True
    forget_failures(session, account.username)
    session.flush()
    record_event(session, "update", account, active=True)


def reset_password(session: Session, account: Account, password: str, *, actor: Actor) -> None:
    """Give ``account`` a password that its owner must change at the next login; ends all its sessions."""
    actor.require("update", "Account")
    _not_oneself(account, actor, _("Change your own password under “My password”."))
    _set_password(account, password)
    account.must_change_password = True
    forget_failures(session, account.username)
    session.flush()
    record_event(session, "password reset", account)


def change_own_password(session: Session, account: Account, *, old: str, new: str, actor: Actor) -> None:
    """Change the actor's own password; ends all sessions of the account, also the present one.

    Raises:
        Blocked: ``old`` is wrong, or ``new`` is too weak or the same.
    """
    if account.id != actor.user_id:
        raise NotAllowed("another person's password")
    if not password_fits(account.password, old):
        raise Blocked([_("The present password is wrong.")])
    if new == old:
        raise Blocked([_("The new password is the same as the present one.")])
    _set_password(account, new)
    account.must_change_password = False
    session.flush()
    record_event(session, "password change", account)


def choose_language(session: Session, account: Account, language: str, *, actor: Actor) -> None:
    """Remember the language in which the actor works."""
    if account.id != actor.user_id or language not in {"zh", "en"}:
        raise NotAllowed("language")
    account.language = language
    session.flush()


def forget_failures(session: Session, username: str) -> None:
    """Lift the lock of an account after failed logins."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.account == username))


def _describe(session: Session, account: Account, *, name: str, email: str, language: str) -> None:
    name, email = name.strip(), email.strip().lower()
    if not 0 < len(name) <= 64:
        raise Blocked([_("A name has 1 to 64 characters.")])
    if language not in {"zh", "en"}:
        raise Blocked([_("Unknown language.")])
    email = email or account.username + NO_ADDRESS
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", email) or len(email) > 320:
        raise Blocked([_("This is no e-mail address.")])
    with session.no_autoflush:
        taken = session.execute(
            select(Account.username, Account.email).where(
                (func.lower(Account.username) == account.username) | (Account.email == email),
                Account.id != (account.id or 0),
            )
        ).first()
    if taken:
        by_name = taken.username.lower() == account.username
        raise Blocked([_("The user name is taken.") if by_name else _("Another account has this e-mail address.")])
    account.first_name, account.last_name = "", name
    account.email, account.language = email, language


def _set_password(account: Account, password: str) -> None:
    _check_password(password, account.username)
    account.password = hash_password(password)
    account.epoch += 1


def _check_password(password: str, username: str) -> None:
    if reason := objection(password, username):
        raise Blocked([reason])


def _stored_roles(session: Session, roles: Iterable[str]) -> list[FabRole]:
    names = {str(Role(role)) for role in roles}
    found = list(session.scalars(select(FabRole).where(FabRole.name.in_(names))))
    if missing := names - {role.name for role in found}:
        raise LookupError(f"run “permissions sync” first: no role {', '.join(sorted(missing))}")
    return found


def _not_oneself(account: Account, actor: Actor, sentence: str) -> None:
    if account.id == actor.user_id:
        raise Blocked([sentence])


def _keep_one_administrator(session: Session, account: Account) -> None:
    # The lock comes in a statement of its own, so that of two administrators who remove each other at once the
    # second counts after the first has committed.
    session.execute(select(FabRole.id).where(FabRole.name == Role.SYSTEM_ADMINISTRATOR).with_for_update())
    others = session.scalar(
        select(func.count())
        .select_from(Account)
        .where(
            Account.active.is_(True),
            Account.roles.any(FabRole.name == Role.SYSTEM_ADMINISTRATOR),
            Account.id != account.id,
        )
    )
    if not others:
        raise Blocked([_("This is the last active system administrator; appoint another one first.")])
