"""Login, lockout and server-side sessions.

The signed cookie carries a random token; the database holds its SHA-256, the account's epoch and the expiry. A row
that is gone, expired or of an older epoch opens nothing, whatever the cookie says.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from datetime import datetime, timedelta

from flask import current_app, request, session
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.core.access.accounts import forget_failures
from app.core.access.actor import acting, system_actor
from app.core.access.demo import DEMO_PASSWORD
from app.core.access.models import Account, LoginAttempt, LoginSession
from app.core.access.passwords import hash_password, outdated, password_fits
from app.core.records.base import now
from app.core.records.database import writing

log = logging.getLogger("guanjia.security")

TOKEN = "login"  # noqa: S105  (the key inside the signed cookie)
WINDOW = timedelta(minutes=15)
"""Failures this close together lock, for this long after the last one."""
FAILURES_OF_ACCOUNT = 5
FAILURES_OF_ADDRESS = 20
"""More than of an account: a service centre shares one address."""
TOUCH = timedelta(minutes=10)
"""A session in use is prolonged at most this often."""


class LockedOut(Exception):
    """Too many failures; ``seconds`` until the next attempt is heard. Unknown accounts lock all the same."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def check_login(db_session: Session, username: str, password: str) -> Account | None:
    """The account that ``password`` opens, or nothing. Whoever is let in adds to the open transaction; commit it.

    Every attempt is on record before its password is looked at, so that guessing in parallel gains nothing, and no
    transaction is open while the hash is computed, so that a flood of logins keeps nobody from writing.

    Raises:
        LockedOut: the account or the caller's address had too many failures.
    """
    username, address = username.strip().lower()[:64], (request.remote_addr or "")[:45]
    db_session.commit()
    with acting(system_actor("login")):
        _refuse_locked(db_session, username, address, already=0)
        db_session.execute(delete(LoginAttempt).where(LoginAttempt.at < now() - timedelta(days=1)))
        db_session.add(LoginAttempt(account=username, address=address))
        db_session.commit()
        _refuse_locked(db_session, username, address, already=1)
        with writing(False):
            found = db_session.execute(
                select(Account.id, Account.password, Account.active).where(func.lower(Account.username) == username)
            ).one_or_none()
            db_session.commit()
        fits = password_fits(found.password if found else None, password)
        if password == DEMO_PASSWORD and not current_app.config["GUANJIA"].demo:
            fits = False
        if found is None or not fits or not found.active:
            log.warning("login of %r from %s failed", username, address)
            return None
        account = db_session.get_one(Account, found.id)
        forget_failures(db_session, username)
        if outdated(account.password):
            account.password = hash_password(password)
        return account


def open_session(db_session: Session, account: Account) -> str:
    """A new session of ``account``; returns its token. Its expired ones are cleared away. The caller commits."""
    moment = now()
    token = secrets.token_urlsafe(32)
    account.last_login = moment.replace(tzinfo=None)
    account.login_count = (account.login_count or 0) + 1
    db_session.execute(
        delete(LoginSession).where(
            LoginSession.user_id == account.id,
            (LoginSession.expires_at <= moment) | (LoginSession.epoch != account.epoch),
        )
    )
    db_session.add(
        LoginSession(
            token_hash=token_hash(token), user_id=account.id, epoch=account.epoch, expires_at=moment + lifetime()
        )
    )
    log.info("%s logged in from %s", account.username, request.remote_addr)
    return token


def enter_browser(token: str) -> None:
    """Put the token into a fresh cookie, so that nothing from before the login (form keys included) lives on."""
    session.clear()
    session[TOKEN] = token


def close_session(db_session: Session, session_id: int) -> None:
    """End one session; a copy of its cookie is worthless from now on. The caller commits."""
    db_session.execute(delete(LoginSession).where(LoginSession.id == session_id))


def prolong_session(db_session: Session, session_id: int) -> None:
    """Let the expiry slide: a session ends ``session_hours`` after its last use. The caller commits."""
    db_session.execute(update(LoginSession).where(LoginSession.id == session_id).values(expires_at=now() + lifetime()))


def due_for_prolonging(expires_at: datetime) -> bool:
    return expires_at - now() < lifetime() - TOUCH


def lifetime() -> timedelta:
    return timedelta(hours=current_app.config["GUANJIA"].session_hours)


def token_of_request() -> tuple[str | None, bool]:
    """The token the caller presents, and whether it came in the Authorization header (then no cookie counts)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None, True
    return session.get(TOKEN), False


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _refuse_locked(db_session: Session, username: str, address: str, already: int) -> None:
    """Raise :class:`LockedOut` after too many failures; ``already`` attempts on record are this very one."""
    with writing(False):
        wait = max(
            _locked_for(db_session, LoginAttempt.account == username, FAILURES_OF_ACCOUNT + already),
            _locked_for(db_session, LoginAttempt.address == address, FAILURES_OF_ADDRESS + already),
        )
        db_session.commit()
    if wait > timedelta():
        log.warning("login of %r from %s refused: locked", username, address)
        raise LockedOut(int(wait.total_seconds()) + 1)


def _locked_for(db_session: Session, whose: ColumnElement[bool], limit: int) -> timedelta:
    """How long failures still lock: ``limit`` of them within the window, counted from the last one."""
    times = db_session.scalars(select(LoginAttempt.at).where(whose).order_by(LoginAttempt.id.desc()).limit(limit)).all()
    if len(times) < limit or times[0] - times[-1] > WINDOW:
        return timedelta()
    return times[0] + WINDOW - now()
