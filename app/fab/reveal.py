"""The one route that shows an encrypted value, and the part of a record's page that leads to it."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, request
from flask_babel import gettext as _
from sqlalchemy import inspect

from app.core.access.actor import Actor, current_actor
from app.core.access.reveal import reveal, secret_columns
from app.core.records.base import Record
from app.core.records.identifiers import InvalidValue
from app.extensions import db
from app.fab.fields import masked, title_of
from app.fab.views import Page, address_of, expose


class RevealPage(Page):
    """POST with a reason; the value is in the answer and nowhere else."""

    route_base = "/reveal"
    default_view = "show"

    @expose("/<table>/<int:pk>/<column>", methods=["POST"])
    def show(self, table: str, pk: int, column: str) -> Response:
        session, fragment = db.session, bool(request.headers.get("HX-Request"))
        values: dict[str, Any] = {"title": _("Personal data")}
        try:
            record, values["value"] = reveal(
                session, table, pk, column, reason=request.form.get("reason", ""), actor=current_actor()
            )
        except InvalidValue as error:
            values["refused"] = str(error)
        else:
            attribute = inspect(type(record)).column_attrs[column].columns[0]
            values |= {"title": title_of(record), "label": attribute.info["label"], "back": address_of(record)}
            session.commit()
        html = self.render("reveal/value.html" if fragment else "reveal/page.html", **values)
        answer = make_response(html, 422 if "refused" in values and not fragment else 200)
        answer.headers["Cache-Control"] = "no-store"
        return answer


def secrets_section(record: Record, resource: str, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
    """A section for a record's page with its masked values, for those who may reveal them (see RecordView.sections)."""
    if not actor.may("reveal", resource):
        return []
    columns = inspect(type(record)).column_attrs
    lines = [
        (
            name,
            columns[name].columns[0].info["label"],
            masked(getattr(record, name), columns[name].columns[0].info.get("mask", "")),
        )
        for name in secret_columns(type(record))
        if getattr(record, name)
    ]
    return [(_("Personal data in full"), "reveal/section.html", {"record": record, "lines": lines})] if lines else []
