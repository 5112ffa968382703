"""The rules of the site on the screen: permitted hours, and the code list of violations (RN-09, RN-10)."""

from __future__ import annotations

from typing import Any

from flask import g, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app.core.access.actor import Actor, current_actor
from app.extensions import db
from app.fab.fields import ChoiceField
from app.fab.interface import RecordInterface
from app.fab.views import RecordView, expose, link_to_show, requires
from app.modules.checks.queries import categories_of, category_titles
from app.modules.renovation import hours, site
from app.modules.renovation.site_models import PermittedHours, ViolationCode


class PermittedHoursView(RecordView):
    """When may be worked, by kind of day; the hours of a city can be taken over with their source in view."""

    datamodel = RecordInterface(PermittedHours)
    resource, route_base = "RenovationRule", "/renovation-hours"
    list_title, show_title = _l("Permitted hours"), _l("Permitted hours")
    add_title, edit_title = _l("New permitted hours"), _l("Edit permitted hours")
    intro = _l("Outside these hours no renovation work is done; on days without hours none at all (Noise Law art. 66).")
    list_columns = ("day_kind", "opens", "closes", "noisy")
    search_columns = ("day_kind", "noisy")
    base_order = (("day_kind", "desc"), ("opens", "asc"))
    list_cell = {"day_kind": link_to_show(lambda span: span.day_kind.title)}
    show_fieldsets = (("", list_columns),)
    add_columns = edit_columns = list_columns
    list_template = "renovation/hours.html"

    def create(self, values: dict[str, Any], *, actor: Actor) -> PermittedHours:
        return hours.save_hours(db.session, None, values, actor=actor)

    def update(self, record: PermittedHours, values: dict[str, Any], *, actor: Actor) -> None:
        hours.save_hours(db.session, record, values, actor=actor)

    presets = staticmethod(hours.presets)

    @expose("/take-over", methods=["POST"])
    @requires("update")
    def take_over(self) -> Response:
        """The hours of a city instead of the estate's own."""
        code = request.form.get("code", "")
        return self.command(
            lambda: hours.take_over(db.session, code, actor=current_actor()),
            done=_("The hours are taken over."), then=url_for(".list"),
        )  # fmt: skip


def category_of(code: ViolationCode) -> str:
    """Title of the category of findings that a code belongs to; all titles are read once in a request."""
    if "finding_categories" not in g:
        g.finding_categories = category_titles(db.session, current_actor().estate_id or 0)
    title: str = g.finding_categories.get(code.category, code.category)
    return title


class ViolationCodeView(RecordView):
    datamodel = RecordInterface(ViolationCode)
    resource, route_base = "RenovationRule", "/violation-codes"
    list_title, show_title = _l("Codes of violations"), _l("Code of a violation")
    add_title, edit_title = _l("New code"), _l("Edit code")
    intro = _l(
        "Decree 110 by article, and what the estate's own agreement adds. Repeats count within a category (RN-17)."
    )
    list_columns = ("seq", "code", "article", "title_zh", "title_en", "category", "grave", "active")
    search_columns = ("code", "article", "title_zh", "title_en", "category", "grave", "active")
    base_order = (("seq", "asc"), ("code", "asc"))
    list_cell = {"code": link_to_show(lambda code: code.code), "category": category_of}
    add_columns = (
        "code", "seq", "article", "title_zh", "title_en", "basis_zh", "basis_en", "category", "grave", "active"
    )  # fmt: skip
    edit_columns = add_columns[1:]
    show_fieldsets = (("", add_columns),)
    form_fields = {
        "category": ChoiceField(
            _l("Category of findings"), empty="",
            values=lambda: [(c.code, str(c)) for c in categories_of(db.session, current_actor().estate_id or 0)],
        )
    }  # fmt: skip
    constraint_messages = {
        "uq_renovation_violation_code_estate_id_code": ("code", _l("This code is in the list already.")),
    }

    def create(self, values: dict[str, Any], *, actor: Actor) -> ViolationCode:
        return site.save_code(db.session, None, values, actor=actor)

    def update(self, record: ViolationCode, values: dict[str, Any], *, actor: Actor) -> None:
        site.save_code(db.session, record, values, actor=actor)
