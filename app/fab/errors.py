"""What people and programs see when something is refused or fails: a sentence, never a trace or SQL."""

from __future__ import annotations

import logging
import secrets
from typing import Any

from flask import Flask, Response, current_app, json, render_template, request
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from app.core.access.actor import NotAllowed
from app.core.papers.renderer import RenderFailed
from app.core.workflow.table import Blocked
from app.fab.scope import wants_json

log = logging.getLogger("guanjia.errors")


def install_error_pages(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _form_key_error)
    app.register_error_handler(NotAllowed, lambda error: error_page(404))
    app.register_error_handler(StaleDataError, lambda error: error_page(409))
    app.register_error_handler(Blocked, lambda error: error_page(409, title=_("Not possible now"), text=str(error)))
    app.register_error_handler(
        RenderFailed, lambda error: error_page(422, title=_("The paper cannot be printed"), text=str(error))
    )
    app.register_error_handler(Exception, _failure)


def error_page(status: int, *, title: str = "", text: str = "", **headers: str) -> Response:
    """Answer with ``status`` as a page, a fragment (htmx) or problem+json, whichever the caller understands."""
    usual_title, usual_text = _words(status)
    title, text = title or usual_title, text or usual_text
    if wants_json():
        problem = {"type": "about:blank", "title": title, "status": status, "detail": text}
        response = Response(json.dumps(problem), status, content_type="application/problem+json")
    elif request.headers.get("HX-Request"):
        alert = Markup('<div class="alert alert-danger" role="alert"><strong>{}</strong> {}</div>')
        response = Response(alert.format(title, text), status)
    else:
        response = Response(render_template("errors/error.html", status=status, title=title, text=text), status)
    response.headers.extend(headers)
    return response


def _words(status: int) -> tuple[str, str]:
    words = {
        401: (_("Please sign in"), _("This needs a valid login.")),
        404: (_("There is nothing here"), _("The page or record does not exist, or it is not open to you.")),
        405: (_("There is nothing here"), _("The page or record does not exist, or it is not open to you.")),
        409: (
            _("Somebody else was faster"),
            _("The record was changed since you opened it. Go back, reload it and make your change again."),
        ),
        413: (
            _("Too large"),
            _(
                "What you sent is larger than %(megabytes)s MB. Choose a smaller file.",
                megabytes=current_app.config["GUANJIA"].upload_megabytes,
            ),
        ),
        429: (_("Too many attempts"), _("Wait a while and try again.")),
    }
    return words.get(status, (_("This could not be read"), _("Go back, check what you entered and send it again.")))


def _http_error(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if error.code >= 500:
        return _failure(error)
    allowed = getattr(error, "valid_methods", None)
    return error_page(404 if error.code == 403 else error.code, **({"Allow": ", ".join(allowed)} if allowed else {}))


def _form_key_error(error: CSRFError) -> Response:
    return error_page(
        400,
        title=_("This page was open too long"),
        text=_("Your login has changed since the page was opened. Go back, reload the page and send it again."),
    )


def _failure(error: Exception) -> Response:
    if current_app.testing and not isinstance(error, HTTPException):
        raise error
    number = secrets.token_hex(4)
    log.error("incident %s: %s %s", number, request.method, request.path, exc_info=error)
    return error_page(
        500,
        title=_("Something went wrong on our side"),
        text=_(
            "Your last step was not saved. Try again; if it happens again, tell the system administrator "
            "incident number %(number)s.",
            number=number,
        ),
    )
