"""All settings on one page; the configuration file: export, import with its dry run, what came of it."""

from __future__ import annotations

import io
from typing import Any

from flask import Response, flash, redirect, request, send_file, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import select
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import NotAllowed, current_actor
from app.core.configuration import services
from app.core.configuration.document import MEDIA, MOST_BYTES
from app.core.configuration.kinds import ConfigPart
from app.core.configuration.plan import Fate, told
from app.core.configuration.queries import overview
from app.core.imports.models import ImportRun
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.records.identifiers import InvalidValue
from app.extensions import db
from app.fab.menu import may_open
from app.fab.submit import carry_out
from app.fab.views import Page, expose, requires

RUNS_SHOWN = 20
LINES_SHOWN = 200


class SettingsPage(Page):
    """``/settings``: where everything is that an administrator of the estate can set."""

    resource = "Configuration"
    route_base = "/settings"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        actor = current_actor()
        groups = overview(db.session, current_actor().required_estate_id, lambda view: may_open(actor, view))
        return self.render("configuration/settings.html", title=_("All settings"), groups=groups)


class ConfigurationPage(Page):
    """``/settings/configuration``: the settings as one file, out of this estate and into it."""

    resource = "Configuration"
    route_base = "/settings/configuration"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        return self._start()

    def _start(self, refused: str = "") -> str:
        actor = current_actor()
        runs = select(ImportRun).where(ImportRun.kind == services.KIND).order_by(ImportRun.id.desc()).limit(RUNS_SHOWN)
        return self.render(
            "configuration/index.html", title=_("Configuration file"), refused=refused, runs=db.session.scalars(runs).all(),
            parts=[part for part in services.parts().values() if actor.may("read", part.resource)],
            megabytes=MOST_BYTES // 1024 // 1024,
        )  # fmt: skip

    @expose("/export.json")
    @requires("export")
    def export(self) -> Response:
        """The chosen parts, or all of them, as a file."""
        session, chosen = db.session, request.args.getlist("part")
        estate = session.get_one(Estate, current_actor().required_estate_id)
        data = services.export(session, estate, chosen or None, actor=current_actor())
        name = f"guanjia-{estate.code}-{estate_today(session, estate.id)}.json"
        return send_file(io.BytesIO(data), mimetype=MEDIA, as_attachment=True, download_name=name)

    @expose("/upload", methods=["POST"])
    @requires("import")
    def upload(self) -> AnyResponse | tuple[str, int]:
        file = request.files.get("file")
        data, name = (file.stream.read(MOST_BYTES + 1), file.filename or "") if file else (b"", "")

        def work() -> ImportRun:
            if not data:
                raise InvalidValue(_("Choose a file."))
            run = services.receive(db.session, data, name, actor=current_actor())
            services.look(db.session, run, actor=current_actor())
            return run

        outcome = carry_out(work, lambda run: url_for(".show", pk=run.id) if run else url_for(".index"))
        if not outcome.done:
            return self._start(" ".join(s for found in outcome.errors.values() for s in found)), 422
        return redirect(outcome.location)

    @expose("/<int:pk>")
    @requires("read")
    def show(self, pk: int) -> str:
        """What the import would do, or has done."""
        run = self._run(pk)
        known, lines = services.parts(), told(run.outcome)
        document = services.document_of(run)
        return self.render(
            "configuration/plan.html", title=run.file_name, run=run, document=document, lines=lines, shown=shown, fates=Fate,
            counts=run.outcome["counts"], does=run.outcome["does"], most=LINES_SHOWN,
            titles={code: known[code].title if code in known else code for code in {*lines, *document.parts}},
            withdrawable={c for c, part in known.items() if isinstance(part, ConfigPart) and part.withdraw},
        )  # fmt: skip

    @expose("/<int:pk>/look", methods=["POST"])
    @requires("import")
    def look(self, pk: int) -> AnyResponse:
        """Choose the parts, and whether what the file does not name goes out of use; then look again."""
        run = self._run(pk)
        if run.imported_at is not None:
            return redirect(url_for(".show", pk=pk))
        known = services.document_of(run).parts
        chosen = {
            name: [code for code in request.form.getlist(name) if code in known] for name in ("parts", "withdraw")
        }

        def work() -> None:
            run.mapping = chosen
            services.look(db.session, run, actor=current_actor())

        return self.command(work, done=_("This is what the import would do now."), then=url_for(".show", pk=pk))

    @expose("/<int:pk>/import", methods=["POST"])
    @requires("import")
    def carry_out(self, pk: int) -> AnyResponse:
        """Do exactly what was shown; when settings changed meanwhile, show what would happen now."""
        run, digest, actor = self._run(pk), request.form.get("digest", ""), current_actor()
        then = url_for(".show", pk=pk)
        try:
            outcome = carry_out(
                lambda: services.import_run(db.session, run, digest=digest, actor=actor), lambda _r: then
            )
        except services.Meanwhile:
            services.look(db.session, self._run(pk), actor=actor)
            db.session.commit()
            flash(_("Settings changed since this was shown. Look at it again: nothing was imported."), "warning")
            return redirect(then)
        if outcome.done:
            count = outcome.result.does if outcome.result else 0
            flash(ngettext("%(num)s setting was changed.", "%(num)s settings were changed.", count), "success")
        for sentence in [s for found in outcome.errors.values() for s in found]:
            flash(sentence, "danger")
        return redirect(then)

    def _run(self, pk: int) -> ImportRun:
        run = db.session.scalar(select(ImportRun).where(ImportRun.id == pk, ImportRun.kind == services.KIND))
        if run is None:
            raise NotAllowed(f"configuration {pk}")
        return run


def shown(value: Any) -> str:
    """A plain value in words."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, list):
        return "、".join(map(shown, value))
    if isinstance(value, dict):
        return "; ".join(f"{name}: {shown(inside)}" for name, inside in value.items())
    return str(value)
