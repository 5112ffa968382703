"""Reviews, papers and fees of the application on the renovation's page (RN-01 … RN-05, RN-07)."""

from __future__ import annotations

from flask import url_for
from flask_babel import gettext as _

from app.core.access.actor import Actor
from app.extensions import db
from app.modules.fees.queries import bills_of
from app.modules.renovation.models import Renovation
from app.modules.renovation.parts import Part, part
from app.modules.renovation.requirements import REQUIREMENTS, files_by_kind
from app.modules.renovation.states import APPROVED, HANDED_IN, RenovationState


@part(10)
def reviews(record: Renovation, actor: Actor) -> Part | None:
    return (_("Reviews"), "renovation/_decisions.html", {"record": record}) if record.decisions else None


@part(20)
def papers(record: Renovation, actor: Actor) -> Part | None:
    files = files_by_kind(db.session, record)
    needed = [r for r in REQUIREMENTS if r.needed(record) or r.code in files]
    open_now = record.state in HANDED_IN and actor.may("update", "Renovation")
    return (
        _("Papers of the application"),
        "renovation/_papers.html",
        {"record": record, "files": files, "needed": needed, "open": open_now},
    )


@part(30)
def fees(record: Renovation, actor: Actor) -> Part | None:
    if record.state not in APPROVED or not actor.may("read", "Bill"):
        return None
    bills, here = bills_of(db.session, record), url_for("RenovationView.show", pk=record.id)
    source = f"renovation:{record.id}"
    issue = (
        url_for("BillView.add", unit=record.unit_id, payer=record.applicant_id, source=source, next=here)
        if actor.may("create", "Bill") and record.state in (RenovationState.PAYMENT, RenovationState.PASSES)
        else ""
    )
    return _("Fees and deposits"), "renovation/_fees.html", {"bills": bills, "issue": issue}


@part(40)
def extensions(record: Renovation, actor: Actor) -> Part | None:
    return (
        (_("Extensions of the permit"), "renovation/_extensions.html", {"record": record})
        if record.extensions
        else None
    )
