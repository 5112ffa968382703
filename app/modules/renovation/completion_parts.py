"""Inspections, settlement and permit file on the renovation's page (RN-12, RN-13)."""

from __future__ import annotations

from flask_babel import gettext as _

from app.core.access.actor import Actor
from app.core.files.services import attachments_of
from app.core.papers.services import papers_of
from app.core.registry import registry
from app.extensions import db
from app.modules.renovation.completion import POINTS, failed_points, inspectable
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import Part, part
from app.modules.renovation.permit_file import papers_of_case
from app.modules.renovation.set_off import held
from app.modules.renovation.states import APPROVED, DONE, RenovationState


@part(70)
def inspections(record: Renovation, actor: Actor) -> Part | None:
    enter = inspectable(record) and actor.may("inspect", "Renovation")
    if not record.inspections and not enter:
        return None
    kind = registry().papers["C8"]
    lines = [
        {
            "inspection": one, "failed": [POINTS[code] for code in failed_points(one)],
            "photos": attachments_of(db.session, one, kind="photo"), "papers": papers_of(db.session, one),
        }
        for one in record.inspections
    ]  # fmt: skip
    values = {
        "record": record,
        "lines": lines,
        "enter": enter,
        "kind": kind,
        "printable": actor.may("print", "Renovation"),
    }
    return _("Inspections"), "renovation/_inspections.html", values


@part(80)
def settlement(record: Renovation, actor: Actor) -> Part | None:
    if record.state not in DONE or not actor.may("read", "RenovationSettlement"):
        return None
    owed = held(db.session, record) if record.settlement is None else None
    begin = bool(owed) and record.state == RenovationState.ACCEPTED and actor.may("create", "RenovationSettlement")
    return _("Settlement of deposits"), "renovation/_settlement.html", {"record": record, "held": owed, "begin": begin}


@part(90)
def permit_file(record: Renovation, actor: Actor) -> Part | None:
    if record.state not in APPROVED or not actor.may("print", "Renovation"):
        return None
    papers = papers_of_case(db.session, record)
    return _("Permit file"), "renovation/_permit_file.html", {"record": record, "papers": papers}
