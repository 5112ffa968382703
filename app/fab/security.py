"""Flask-AppBuilder's security manager reduced to what we let it do, and the pages of login and own settings.

Rights come from the acting person (:mod:`app.fab.scope`), never from a query per check. None of
Flask-AppBuilder's views on users, roles and permissions is registered, nor its token API: callers of our API hold the
same server-side sessions as browsers do.
"""

from __future__ import annotations

from typing import Any

from flask import (
    Flask,
    current_app,
    flash,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_appbuilder import AppBuilder
from flask_appbuilder.api import BaseApi
from flask_appbuilder.baseviews import BaseView, expose
from flask_appbuilder.const import PERMISSION_PREFIX
from flask_appbuilder.security.sqla.manager import SecurityManager as FabSecurityManager
from flask_babel import gettext as _
from flask_login import LoginManager
from sqlalchemy import update
from werkzeug.exceptions import BadRequest, NotFound

from app.core.access import accounts
from app.core.access.actor import current_actor
from app.core.access.demo import DEMO_ACCOUNTS, DEMO_PASSWORD
from app.core.access.models import Account, LoginSession
from app.core.access.passwords import MINIMUM
from app.core.workflow.table import Blocked
from app.extensions import db
from app.fab.errors import error_page
from app.fab.scope import (
    STRANGER,
    Person,
    Stranger,
    enter_request,
    for_programs,
    open_during_password_change,
    public,
    safe_next,
)
from app.fab.sessions import LockedOut, check_login, close_session, enter_browser, lifetime, open_session

LANGUAGE_COOKIE = "language"


class AuthView(BaseView):
    """Login and logout."""

    route_base = ""
    default_view = "login"

    @expose("/login/", methods=["GET"])
    @public
    def login(self) -> Any:
        if isinstance(g.user, Person):
            return redirect(safe_next(request.args.get("next")))
        return _login_page()

    @expose("/login/", methods=["POST"])
    @public
    def enter(self) -> Any:
        username = request.form.get("username", "")
        try:
            account = check_login(db.session, username, request.form.get("password", ""))
        except LockedOut as locked:
            minutes = -(-locked.seconds // 60)
            message = _("Too many failed attempts. Try again in %(minutes)s minutes.", minutes=minutes)
            return _login_page(message, username), 429, {"Retry-After": str(locked.seconds)}
        if account is None:
            return _login_page(_("The user name or the password is wrong."), username), 401
        if isinstance(g.user, Person) and g.user.session_id:
            close_session(db.session, g.user.session_id)
        token = open_session(db.session, account)
        db.session.commit()
        enter_browser(token)
        return redirect(safe_next(request.form.get("next")))

    @expose("/logout", methods=["POST"])
    @open_during_password_change
    def logout(self) -> Any:
        close_session(db.session, g.user.session_id)
        db.session.commit()
        session.clear()
        return redirect(url_for("AuthView.login"))


class PasswordView(BaseView):
    """The person's own password."""

    route_base = "/password"
    default_view = "change"

    @expose("/", methods=["GET"])
    @open_during_password_change
    def change(self) -> Any:
        return render_template("security/password.html", minimum=MINIMUM)

    @expose("/", methods=["POST"])
    @open_during_password_change
    def save(self) -> Any:
        old, new, again = (request.form.get(name, "") for name in ("old", "new", "again"))
        account = db.session.get_one(Account, g.user.id)
        try:
            if new != again:
                raise Blocked([_("The two new passwords differ.")])
            accounts.change_own_password(db.session, account, old=old, new=new, actor=current_actor())
        except Blocked as objections:
            return render_template("security/password.html", minimum=MINIMUM, problems=objections.reasons), 422
        token = open_session(db.session, account)
        db.session.commit()
        enter_browser(token)
        flash(_("Your password has been changed; other devices have been signed out."), "success")
        return redirect("/")


class PreferenceView(BaseView):
    """The language of the person and the estate in which they work."""

    route_base = ""
    default_view = "language"

    @expose("/language/<code>", methods=["POST"])
    @public
    @open_during_password_change
    def language(self, code: str) -> Any:
        if code not in current_app.config["LANGUAGES"]:
            raise NotFound
        answer = redirect(safe_next(request.form.get("next")), 303)
        if isinstance(g.user, Person):
            account = db.session.get_one(Account, g.user.id)
            accounts.choose_language(db.session, account, code, actor=current_actor())
            db.session.commit()
        else:
            settings = current_app.config["GUANJIA"]
            answer.set_cookie(
                LANGUAGE_COOKIE, code, max_age=31536000, secure=settings.secure_cookies, httponly=True, samesite="Lax"
            )
        return answer

    @expose("/estate/<int:estate_id>", methods=["POST"])
    def estate(self, estate_id: int) -> Any:
        """Work in another estate that the person serves, from the home page on."""
        if estate_id not in {estate.id for estate in g.user.estates}:
            raise NotFound
        db.session.execute(update(LoginSession).where(LoginSession.id == g.user.session_id).values(estate_id=estate_id))
        db.session.commit()
        return redirect("/", 303)


class SecurityApi(BaseApi):
    """Login of programs: the token is a server-side session and ends like one."""

    resource_name = "security"
    openapi_spec_tag = "Security"

    @expose("/login", methods=["POST"])
    @for_programs
    def login(self) -> Any:
        """Exchange a user name and password for a token.
        ---
        post:
          requestBody:
            required: true
            content:
              application/json:
                schema:
                  type: object
                  required: [username, password]
                  properties:
                    username: {type: string}
                    password: {type: string}
          responses:
            200:
              description: To be sent as “Authorization; Bearer …”
              content:
                application/json:
                  schema:
                    type: object
                    properties:
                      access_token: {type: string}
                      token_type: {type: string}
                      expires_in: {type: integer, description: Seconds without use after which the token ends}
            400: {description: No JSON object with both texts}
            401: {description: Wrong user name or password}
            429: {description: Too many failures; Retry-After tells the seconds to wait}
        """
        given = request.get_json(silent=True)
        if not isinstance(given, dict) or not all(isinstance(given.get(k), str) for k in ("username", "password")):
            raise BadRequest
        try:
            account = check_login(db.session, given["username"], given["password"])
        except LockedOut as locked:
            return error_page(429, **{"Retry-After": str(locked.seconds)})
        if account is None:
            return error_page(401, text=_("The user name or the password is wrong."))
        token = open_session(db.session, account)
        db.session.commit()
        return jsonify(access_token=token, token_type="Bearer", expires_in=int(lifetime().total_seconds()))  # noqa: S106  (the kind of token)

    @expose("/logout", methods=["POST"])
    @open_during_password_change
    def logout(self) -> Any:
        """End the session of the token.
        ---
        post:
          responses:
            204: {description: The token is worthless now}
            401: {description: No valid token}
        """
        close_session(db.session, g.user.session_id)
        db.session.commit()
        return make_response("", 204)


class SecurityManager(FabSecurityManager):
    """Answers Flask-AppBuilder's questions about rights from the acting person; registers our views only."""

    user_model = Account
    before_request = staticmethod(enter_request)

    def register_views(self) -> None:
        self.auth_view = self.appbuilder.add_view_no_menu(AuthView)
        for view in (PasswordView, PreferenceView, SecurityApi):
            self.appbuilder.add_view_no_menu(view)

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return current_actor().may(permission_name.removeprefix(PERMISSION_PREFIX), view_name)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        return {name for name in menu_names or [] if current_actor().may("read", name)}

    def auth_user_db(self, username: str, password: str) -> Account | None:
        try:
            return check_login(db.session, username, password)
        except LockedOut:
            return None

    def create_login_manager(self, app: Flask) -> LoginManager:
        manager = LoginManager(app)
        manager.session_protection = None  # it would tie the cookie to the address, which phones change all day
        manager.anonymous_user = Stranger
        manager.request_loader(lambda request: g.get("user", STRANGER))
        return manager

    def load_user_jwt(self, _jwt_header: Any, jwt_data: Any) -> None:
        """Nobody: no token of this kind is ever issued."""
        return None

    @staticmethod
    def create_builtin_roles() -> dict[str, Any]:
        return {}


class Builder(AppBuilder):
    """Flask-AppBuilder without its home, language and security pages and without its jQuery front end."""

    def _add_admin_views(self) -> None:
        self.sm.register_views()

    def _add_global_static(self) -> None:
        return None

    @property
    def get_url_for_index(self) -> str:
        return "/"


def _login_page(problem: str = "", username: str = "") -> str:
    settings = current_app.config["GUANJIA"]
    return render_template(
        "security/login.html",
        problem=problem,
        username=username,
        next=safe_next(request.values.get("next")),
        demo_accounts=DEMO_ACCOUNTS if settings.demo else (),
        demo_password=DEMO_PASSWORD,
    )
