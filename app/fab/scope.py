"""Who acts in a request, in which estate, with which rights – found with one statement before the view runs.

Every page wants a signed-in person unless its view is marked :func:`public`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flask import Response, abort, current_app, g, redirect, request, url_for
from flask_appbuilder.security.sqla.models import Role as FabRole
from flask_appbuilder.security.sqla.models import assoc_user_role
from flask_babel import get_locale
from sqlalchemy import and_, bindparam, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, aliased
from werkzeug.wrappers import Response as BaseResponse

from app.core.access.actor import ANONYMOUS, Actor, acting, current_actor, system_actor
from app.core.access.actor import person as person_acting
from app.core.access.models import Account, LoginSession, Membership, RightsVersion, staff_name
from app.core.access.sync import Right, rights_of_roles
from app.core.clocks.delegation import deputised, gathered
from app.core.clocks.models import Delegation
from app.core.records.base import now
from app.core.records.database import writing
from app.core.records.estate import Estate
from app.extensions import csrf, db
from app.fab.sessions import due_for_prolonging, prolong_session, token_hash, token_of_request

View = TypeVar("View", bound=Callable[..., Any])

log = logging.getLogger("guanjia.security")

DAY = timedelta(days=1)
STOP_ASKING = 286
"""Status that ends a page's asking (htmx)."""
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def public(view: View) -> View:
    """Mark a view that strangers may open."""
    view.is_public = True  # type: ignore[attr-defined]  # a mark on the function
    return view


def for_programs(view: View) -> View:
    """Mark a public view that takes JSON, sets no cookie and therefore needs no form key."""
    view.is_public = view.is_for_programs = True  # type: ignore[attr-defined]  # a mark on the function
    return view


def asked_by_itself(view: View) -> View:
    """Mark a view that open pages ask again and again: that keeps no session alive, and sends nobody to the login."""
    view.is_asked_by_itself = True  # type: ignore[attr-defined]  # a mark on the function
    return view


def open_during_password_change(view: View) -> View:
    """Mark a view that works although the person must change their password first."""
    view.is_open_during_password_change = True  # type: ignore[attr-defined]  # a mark on the function
    return view


def requires(verb: str, resource: str = "") -> Callable[[View], View]:
    """Let only those open the page who hold ``verb`` on ``resource`` (default: the view's own); others get 404."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            current_actor().require(verb, resource or self.resource)
            return view(self, *args, **kwargs)

        guarded.requires = (verb, resource)  # type: ignore[attr-defined]  # a mark on the function
        return cast(View, guarded)

    return guard


@dataclass(frozen=True)
class EstateChoice:
    """An estate the person serves, as the estate switch shows it."""

    id: int
    code: str
    name_zh: str
    name_en: str
    time_zone: str
    settings_version: int

    @property
    def name(self) -> str:
        """Name in the language of the page."""
        locale = get_locale()
        return self.name_zh if locale is None or locale.language == "zh" else self.name_en

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Person:
    """The signed-in person of a request; what Flask-Login and Flask-AppBuilder call the current user."""

    id: int
    username: str
    display_name: str
    language: str
    must_change_password: bool
    session_id: int | None
    expires_at: datetime | None
    estates: tuple[EstateChoice, ...]
    estate: EstateChoice | None

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def get_id(self) -> str:
        return str(self.id)


class Stranger:
    """Nobody is signed in."""

    id = None
    is_authenticated = False
    is_active = False
    is_anonymous = True
    estates: tuple[EstateChoice, ...] = ()
    estate = None

    def get_id(self) -> None:
        return None


STRANGER = Stranger()


def actor_for(account: Account) -> Actor:
    """The actor that a request of ``account`` would have, in its first estate."""
    estate_id = min((membership.estate_id for membership in account.memberships), default=None)
    others = deputised(db.session, account.id, estate_id) if estate_id else []
    roles = {role.name for role in account.roles}
    return person_acting(account.id, account.display_name, roles, estate_id, rights_of_roles(db.session), others)


def enter_request() -> BaseResponse | None:
    """Before every request: find the person, let them act, refuse strangers and forged forms."""
    g.scope = stack = ExitStack()
    g.user = g._login_user = STRANGER  # Flask-Login looks here before it would load anybody itself
    for remembered in ("csrf_token", "csrf_valid", "csp_nonce", "carried_out"):
        g.pop(remembered, None)
    current_app.extensions["guanjia.catalogues"].as_default()
    static = request.endpoint is not None and request.endpoint.rpartition(".")[2] == "static"
    stack.enter_context(writing(request.method not in READING))
    request.get_data(parse_form_data=True)  # a slow upload must not hold the write lock that the person's look-up takes
    token, in_header = (None, False) if static else token_of_request()
    person, actor = _identify(db.session, token) if token else (None, ANONYMOUS)
    if person:
        g.user = g._login_user = person
    stack.enter_context(acting(actor))
    if static or request.endpoint is None:
        return None
    view = current_app.view_functions[request.endpoint]
    if person is None and not getattr(view, "is_public", False):
        return Response(status=STOP_ASKING) if getattr(view, "is_asked_by_itself", False) else _ask_to_sign_in()
    # A caller with its token in the header is no browser that another site could have sent here.
    if current_app.config["WTF_CSRF_ENABLED"] and not (in_header or getattr(view, "is_for_programs", False)):
        csrf.protect()
    if person and person.must_change_password and not getattr(view, "is_open_during_password_change", False):
        return _send_to(url_for("PasswordView.change"))
    return None


def leave_request(error: BaseException | None = None) -> None:
    """At the end of every request: nobody acts any more."""
    stack = g.pop("scope", None)
    if stack:
        if error is None and request.method in READING and db.session.registry.has():
            _end_reading(db.session())
        stack.close()


def _end_reading(session: Session) -> None:
    """COMMIT what only read: after a ROLLBACK the driver of PostgreSQL forgets every statement it has prepared.

    Nothing can come of it, for the transaction is a reading one (:func:`writing`); changes that were not even flushed
    are dropped with the session.
    """
    if not session.is_active or session.new or session.dirty or session.deleted:
        return
    expire, session.expire_on_commit = session.expire_on_commit, False
    try:
        session.commit()
    except DBAPIError:  # the answer is made already
        session.rollback()
    finally:
        session.expire_on_commit = expire


def prolong(response: Response) -> Response:
    """After a request: let the session's expiry slide, in a transaction of its own."""
    person = g.get("user")
    if getattr(current_app.view_functions.get(request.endpoint or ""), "is_asked_by_itself", False):
        return response
    if isinstance(person, Person) and person.session_id and person.expires_at and due_for_prolonging(person.expires_at):
        db.session.rollback()
        try:
            with writing(True):
                prolong_session(db.session, person.session_id)
                db.session.commit()
        except DBAPIError:  # the answer is made already; the next request tries again
            db.session.rollback()
            log.warning("session %s could not be prolonged", person.session_id, exc_info=True)
    return response


def wants_json() -> bool:
    """The caller is a program: problems are answered as problem+json."""
    return request.path.startswith("/api/")


def safe_next(target: str | None) -> str:
    """``target`` when it is a path of this installation, otherwise the home page: no way out to foreign sites."""
    parts = urlsplit(target or "")
    if (
        not target
        or parts.scheme
        or parts.netloc
        or not target.startswith("/")
        or target.startswith("//")
        or "\\" in target
        or any(ord(char) < 32 for char in target)
    ):
        return "/"
    return target


_other, _lent, _other_role = aliased(Account), aliased(assoc_user_role), aliased(FabRole)
_serving = aliased(Membership)
_who = (
    select(
        LoginSession.id.label("session_id"),
        LoginSession.expires_at,
        LoginSession.estate_id.label("chosen"),
        Account.id,
        Account.username,
        Account.first_name,
        Account.last_name,
        Account.language,
        Account.must_change_password,
        FabRole.name.label("role"),
        Estate.id.label("estate_id"),
        Estate.code,
        Estate.name_zh,
        Estate.name_en,
        Estate.time_zone,
        Estate.settings_version,
        select(RightsVersion.number).scalar_subquery().label("rights"),
        Delegation.from_on,
        Delegation.until_on,
        _other.id.label("other_id"),
        _other.first_name.label("other_first_name"),
        _other.last_name.label("other_last_name"),
        _other_role.name.label("other_role"),
    )
    .join(Account, Account.id == LoginSession.user_id)
    .outerjoin(assoc_user_role, assoc_user_role.c.user_id == Account.id)
    .outerjoin(FabRole, FabRole.id == assoc_user_role.c.role_id)
    .outerjoin(Membership, Membership.user_id == Account.id)
    .outerjoin(Estate, Estate.id == Membership.estate_id)
    .outerjoin(
        Delegation,
        and_(
            Delegation.delegate_id == Account.id, Delegation.estate_id == Estate.id, Delegation.ended_at.is_(None),
            Delegation.until_on >= bindparam("yesterday"), Delegation.from_on <= bindparam("tomorrow"),
        ),
    )
    .outerjoin(_serving, and_(_serving.user_id == Delegation.delegator_id, _serving.estate_id == Delegation.estate_id))
    .outerjoin(_other, and_(_other.id == _serving.user_id, _other.active.is_(True)))
    .outerjoin(_lent, _lent.c.user_id == _other.id)
    .outerjoin(_other_role, _other_role.id == _lent.c.role_id)
    .where(
        LoginSession.token_hash == bindparam("token"),
        LoginSession.expires_at > bindparam("moment"),
        LoginSession.epoch == Account.epoch,
        Account.active.is_(True),
    )
    .order_by(Estate.id)
)  # fmt: skip


def _identify(session: Session, token: str) -> tuple[Person | None, Actor]:
    with acting(system_actor("login")):
        moment = now()
        days = {"yesterday": (moment - DAY).date(), "tomorrow": (moment + DAY).date()}  # whatever the estate's zone
        rows = session.execute(_who, {"token": token_hash(token), "moment": moment, **days}).all()
    if not rows:
        return None, ANONYMOUS
    first = rows[0]
    estates = {
        row.estate_id: EstateChoice(
            row.estate_id, row.code, row.name_zh, row.name_en, row.time_zone, row.settings_version
        )
        for row in rows
        if row.estate_id is not None
    }
    estate = estates.get(first.chosen) or next(iter(estates.values()), None)
    person = Person(
        id=first.id,
        username=first.username,
        display_name=staff_name(first.first_name, first.last_name),
        language=first.language,
        must_change_password=first.must_change_password,
        session_id=first.session_id,
        expires_at=first.expires_at,
        estates=tuple(estates.values()),
        estate=estate,
    )
    roles = {row.role for row in rows if row.role}
    rights = _rights(session, first.rights)
    if estate is None:
        return person, person_acting(person.id, person.display_name, roles, None, rights)
    today = moment.astimezone(ZoneInfo(estate.time_zone)).date()
    others = gathered(
        (row.other_id, row.other_first_name, row.other_last_name, row.other_role)
        for row in rows
        if row.other_role and row.estate_id == estate.id and row.from_on <= today <= row.until_on
    )
    return person, person_acting(person.id, person.display_name, roles, estate.id, rights, others)


def _rights(session: Session, version: int | None) -> dict[str, frozenset[Right]]:
    """Rights of every role, remembered by this process until their version changes."""
    known = current_app.extensions.get("guanjia_rights")
    if known is None or known[0] != version:
        known = (version, rights_of_roles(session))
        current_app.extensions["guanjia_rights"] = known
    return known[1]


def _ask_to_sign_in() -> BaseResponse:
    if wants_json():
        abort(401)
    if request.method in READING and not request.headers.get("HX-Request"):
        page = request.full_path.removesuffix("?")
    else:  # back to the page with the form, where the browser kept what was typed
        came_from = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
        page = f"{came_from.path}?{came_from.query}" if came_from.query else came_from.path
    page = safe_next(page)
    return _send_to(url_for("AuthView.login", next=page) if page != "/" else url_for("AuthView.login"))


def _send_to(address: str) -> BaseResponse:
    if wants_json():
        abort(403)
    if request.headers.get("HX-Request"):
        return Response(status=401, headers={"HX-Redirect": address})
    return redirect(address, 303 if request.method not in READING else 302)
