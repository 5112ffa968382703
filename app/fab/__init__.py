"""Flask-AppBuilder as we want it: the only room that touches its internals."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, has_request_context, request
from flask_appbuilder.models.sqla.base import SQLA
from flask_babel import get_locale
from werkzeug.local import LocalProxy

from app.core.access.actor import current_actor
from app.core.fields.kinds import Extensible
from app.core.registry import Registry


def init_fab(app: Flask, db: SQLA, registry: Registry) -> None:
    """Build Flask-AppBuilder inside the factory: security, the modules' views, error pages, headers, Jinja names.

    Call it within the application context, after the modules have registered. Touches no database.
    """
    from app.core.access.accounts import RIGHTS
    from app.core.records.savedviews import GRANTS
    from app.fab import headers, menu, scope
    from app.fab.accounts import register_accounts
    from app.fab.api import OpenApiPage
    from app.fab.bulk import register_bulk
    from app.fab.errors import install_error_pages
    from app.fab.exporting import register_exports
    from app.fab.fieldsearch import register_field_search
    from app.fab.security import Builder, SecurityManager
    from app.fab.theme import prepare_templates
    from app.fab.timelines import register_timelines
    from app.fab.translation import Catalogues, translated
    from app.fab.views import LookupPage, record_views

    app.config.update(
        FAB_CREATE_DB=False,
        FAB_UPDATE_PERMS=False,
        FAB_ADD_SECURITY_API=False,
        WTF_CSRF_CHECK_DEFAULT=False,  # scope.enter_request checks, after it has found out who asks
    )
    if app.config["SESSION_COOKIE_SECURE"]:
        app.config["SESSION_COOKIE_NAME"] = "__Host-guanjia"
    else:
        app.config["SESSION_COOKIE_NAME"] = "guanjia"

    registry.grants(RIGHTS)
    registry.grants(GRANTS)
    register_accounts(registry)
    register_timelines(registry)
    prepare_templates(app)
    builder = Builder(app, db.session, security_manager_class=SecurityManager, update_perms=False)
    for view in dict.fromkeys([LookupPage, OpenApiPage, *(entry.view for entry in registry.menu)]):
        leave_out_closed_routes(view, registry)
        builder.add_view_no_menu(view)
    register_bulk(registry, record_views())
    register_exports(registry, record_views())
    register_field_search(registry, record_views())
    babel = app.extensions["babel"]
    app.extensions["guanjia.catalogues"] = Catalogues(babel.instance.domain_instance)
    babel.locale_selector, babel.timezone_selector = _language, _time_zone

    app.teardown_request(scope.leave_request)
    app.after_request(headers.add_security_headers)
    app.after_request(scope.prolong)
    install_error_pages(app)
    app.jinja_env.globals.update(
        actor=LocalProxy(current_actor),
        may=lambda verb, resource: current_actor().may(verb, resource),
        csp_nonce=headers.csp_nonce,
        drawn_menu=menu.drawn_menu,
        registry=registry,
        locale=LocalProxy(get_locale),
        person=LocalProxy(lambda: g.user),
        _=translated,
        gettext=translated,
    )


def leave_out_closed_routes(view: Any, registry: Registry) -> None:
    """Register no route that no role may open, nor the form of a record view that has nothing for it."""
    held = set().union(*registry.rights.values())
    closed = set(view.exclude_route_methods)
    closed |= {form for form in ("add", "edit") if not getattr(view, f"{form}_columns", True)}
    if "edit" in closed and view.datamodel.obj.__tablename__ in registry.of(Extensible):
        closed.remove("edit")  # the form of the fields that the estate adds
    for name in dir(view):
        verb, resource = getattr(getattr(view, name), "requires", (None, ""))
        if verb and (verb, resource or view.resource) not in held:
            closed.add(name)
    view.exclude_route_methods = closed


def _language() -> str | None:
    """Language of the page: the person's own; a stranger's choice, browser, then the setting."""
    from app.fab.scope import Person
    from app.fab.security import LANGUAGE_COOKIE

    known: Any = current_app.config["LANGUAGES"]
    if not has_request_context():  # a command or a job: the language of the installation
        return current_app.config["BABEL_DEFAULT_LOCALE"]
    person = g.get("user")
    if isinstance(person, Person) and person.language in known:
        return person.language
    chosen = request.cookies.get(LANGUAGE_COOKIE)
    if chosen in known:
        return chosen
    return request.accept_languages.best_match(list(known)) or current_app.config["BABEL_DEFAULT_LOCALE"]


def _time_zone() -> str | None:
    """Zone of the estate in which the person works."""
    estate = getattr(g.get("user"), "estate", None) if has_request_context() else None
    return estate.time_zone if estate else None
