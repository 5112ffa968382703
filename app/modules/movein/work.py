"""Defects and entrusted services as work: who has to do something about them, and until when (MI-09, MI-11)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy.orm import Session

from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.clocks import services as clocks
from app.core.clocks.calendar import DAY, calendar_of
from app.core.records.base import now
from app.modules.movein.models import Defect, EntrustedService
from app.modules.movein.states import DefectState, ServiceState

DEFECT, SERVICE = "movein.defect", "movein.service"
"""Codes of the kinds of work, and keys of the clocks that run in them."""


def follow_defect(session: Session, defect: Defect) -> None:
    """Bring the queue in line with a defect: chased until it is reported rectified, then looked at again.

    Its clock ends with ``due_on``; what fails again has a new one.
    """
    if defect.state == DefectState.VERIFIED:
        clocks.close_work(session, defect, DEFECT)
        return
    waiting = defect.state == DefectState.OPEN
    item = clocks.open_work(
        session, defect, DEFECT, step="report_fixed" if waiting else "pass",
        role=(Role.CS_SUPERVISOR if waiting else Role.INSPECTOR).value,
    )  # fmt: skip
    if not waiting:
        rectified = _end_of(session, defect, defect.fixed_on) if defect.fixed_on else now()
        clocks.meet(session, item, DEFECT, at=min(rectified, now()))
        return
    due = _end_of(session, defect, defect.due_on)
    clock = clocks.running(session, item, DEFECT)
    if clock is None or (clock.due_at != due and clock.paused_at is None):
        clocks.start(session, item, DEFECT, due=due)


def forget_defect(session: Session, defect: Defect) -> None:
    """A defect entered by mistake is no work any more."""
    clocks.close_work(session, defect, DEFECT, void=True)


def _end_of(session: Session, defect: Defect, day: date) -> datetime:
    """24:00 of ``day`` at the estate."""
    return calendar_of(session, defect.estate_id).moment(day + DAY)


def follow_service(session: Session, service: EntrustedService) -> None:
    """Bring the queue in line with an entrusted service; its clock ends with the appointment, if there is one."""
    if service.state != ServiceState.OPEN:
        clocks.close_work(session, service, SERVICE, void=service.state == ServiceState.CANCELLED)
        return
    item = clocks.open_work(session, service, SERVICE, step="finish", assignee_id=service.assignee_id)
    if clocks.running(session, item, SERVICE) is None:
        clocks.start(session, item, SERVICE, due=service.appointment_at)


def reassign(session: Session, service: EntrustedService, person: Account | None) -> None:
    """Whoever has the work in the queue stands on the service's paper, too."""
    if person is not None:
        service.assignee_id, service.assignee_name = person.id, person.display_name
        session.flush()
