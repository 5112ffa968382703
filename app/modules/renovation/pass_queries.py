"""Workers and passes as they are read: who waits for a pass, for which days, whom the gate lets in (RN-06, RN-08, RN-11)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from app.core.clocks.services import last_day
from app.core.records.clock import bounds_of, estate_today
from app.modules.renovation.models import Renovation
from app.modules.renovation.pass_models import RenovationWorker, TemporaryPass, WorkerConduct
from app.modules.renovation.states import ENDED, SITE, PassState, RenovationState, WorkerState

RULE = "renovation.pass"


def takes_workers(renovation: Renovation) -> bool:
    """Whether workers can be registered: from the submission until the end."""
    return renovation.state not in (*ENDED, RenovationState.DRAFT)


def waiting_for_pass(renovation: Renovation) -> list[RenovationWorker]:
    """Verified workers without a valid pass."""
    holders = {one.worker_id for one in renovation.passes if one.state == PassState.VALID}
    return [w for w in renovation.workers if w.state == WorkerState.VERIFIED and w.id not in holders]


def usual_days(session: Session, renovation: Renovation) -> tuple[date, date]:
    """First and last day of a pass issued today: as long as the estate's rule says, inside the permit."""
    today = estate_today(session, renovation.estate_id)
    first = max(today, renovation.permit_from or today)
    last = first + (last_day(session, renovation.estate_id, RULE) - today)
    return first, min(last, renovation.permit_to or last)


@dataclass(frozen=True)
class GateAnswer:
    """What the gate is told of a pass: whether its holder may in now, else why not."""

    found: TemporaryPass | None
    reason: str = ""

    @property
    def valid(self) -> bool:
        return self.found is not None and not self.reason


def at_gate(session: Session, text: str) -> GateAnswer:
    """Look a pass up by what its QR code says or by its number, or the end of it."""
    typed = text.strip().rpartition("/")[2]
    wanted = (TemporaryPass.token == typed) | (TemporaryPass.number == typed.upper())
    one = session.scalar(select(TemporaryPass).where(wanted)) if typed else None
    if one is None and typed.isascii() and typed.isdigit() and len(typed) >= 3:
        ends = TemporaryPass.number.endswith(f"-{typed.zfill(5)}", autoescape=True)
        one = session.scalar(select(TemporaryPass).where(ends).order_by(TemporaryPass.id.desc()).limit(1))
    if one is None:
        return GateAnswer(None, _("There is no such pass."))
    return GateAnswer(one, why_not(session, one))


def why_not(session: Session, one: TemporaryPass) -> str:
    """Why this pass does not open the gate now; empty when it does."""
    today = estate_today(session, one.estate_id)
    if one.state != PassState.VALID:
        return _("The pass is not valid: %(state)s.", state=str(one.state.title))
    if not one.valid_from <= today <= one.valid_to:
        return _("Valid from %(first)s to %(last)s only.", first=one.valid_from, last=one.valid_to)
    if one.renovation.state == RenovationState.SUSPENDED:
        return _("The work in unit %(unit)s is stopped.", unit=one.unit.code)
    if one.renovation.state not in SITE:
        return _("There is no work going on in unit %(unit)s.", unit=one.unit.code)
    return ""


def inside_now(session: Session, estate_id: int) -> Sequence[WorkerConduct]:
    """Entries of today without an exit since: who is on the sites now, newest first."""
    today = estate_today(session, estate_id)
    start, _end = bounds_of(session, estate_id, today, today)
    last = (
        select(func.max(WorkerConduct.id))
        .where(
            WorkerConduct.estate_id == estate_id, WorkerConduct.kind.in_(("entry", "exit")), WorkerConduct.at >= start
        )
        .group_by(WorkerConduct.worker_id)
    )
    entries = select(WorkerConduct).where(WorkerConduct.id.in_(last), WorkerConduct.kind == "entry")
    shown = joinedload(WorkerConduct.worker).joinedload(RenovationWorker.renovation).joinedload(Renovation.unit)
    return session.scalars(entries.options(shown).order_by(WorkerConduct.id.desc())).all()
