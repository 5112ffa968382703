"""Which move-ins lack which document or record (MI-01, MI-02)."""

from __future__ import annotations

from flask import request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.core.access.actor import current_actor
from app.extensions import db
from app.fab.filters import LARGEST
from app.fab.views import Page, expose, requires
from app.modules.movein.completeness import BY_CODE, PIECES, look_through
from app.modules.movein.queries import paper_title
from app.modules.movein.states import LOOKS, STEPS, CaseState

STANDINGS = {
    "completed": (_l("Completed"), (CaseState.COMPLETED,)),
    "open": (_l("Still open"), (*STEPS, CaseState.REFUSED)),
}


class ArchivePage(Page):
    """Completeness of the records of move-ins, newest first, in windows so that any estate answers alike."""

    resource = "MoveInCase"
    route_base = "/archive"

    @expose("/")
    @requires("read")
    def index(self) -> str:
        """``?missing=F12`` (``any``, empty for all), ``state`` (completed, open), ``before``: where to go on."""
        missing, state = request.args.get("missing", "any"), request.args.get("state", "completed")
        state = state if state in STANDINGS else "completed"
        missing = missing if missing in BY_CODE or missing in ("any", "") else "any"
        before = request.args.get("before", "")
        start = int(before) if before.isascii() and before.isdigit() and int(before) <= LARGEST else None
        found = look_through(
            db.session,
            missing=missing,
            states=STANDINGS[state][1],
            before=start,
            estate_id=current_actor().estate_id or 0,
        )
        go_on = url_for("ArchivePage.index", missing=missing, state=state, before=found.go_on) if found.go_on else ""
        return self.render(
            "movein/archive.html", title=_("Completeness of move-in records"), found=found, missing=missing, state=state,
            standings=STANDINGS, pieces=PIECES, title_of_paper=paper_title, looks=LOOKS, go_on=go_on,
        )  # fmt: skip
