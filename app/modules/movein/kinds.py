"""The move-in's kinds of work in the queue, and bringing into it what was open before there was a queue."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.clocks.kinds import WorkCommand, WorkKind
from app.core.clocks.models import WorkItem
from app.core.records.estate import Estate
from app.core.workflow.table import Ask
from app.modules.movein.inspection import report_fixed, verify_fixed
from app.modules.movein.models import Defect, EntrustedService, MoveInCase
from app.modules.movein.services import cancel_service, finish_service
from app.modules.movein.states import DefectState, ServiceState
from app.modules.movein.work import DEFECT, SERVICE, follow_defect, follow_service, reassign
from app.modules.movein.workflow import CASE, MOVE_IN


def _passed(session: Session, defect: Defect, *, note: str, actor: Actor) -> None:
    verify_fixed(session, defect, passed=True, note=note, actor=actor)


def _failed(session: Session, defect: Defect, *, note: str, actor: Actor) -> None:
    verify_fixed(session, defect, passed=False, note=note, actor=actor)


def _is_fixed(defect: Defect) -> bool:
    return defect.state == DefectState.FIXED


def _is_open(service: EntrustedService) -> bool:
    return service.state == ServiceState.OPEN


KINDS = (
    WorkKind(
        code=CASE,
        title=_l("Move-in"),
        resource="MoveInCase",
        model=MoveInCase,
        icon="home-check",
        label=lambda case: f"{case.number} · {case.owner.name}",
    ),
    WorkKind(
        code=DEFECT,
        title=_l("Defect"),
        resource="Defect",
        model=Defect,
        icon="tool",
        label=lambda defect: defect.description,
        commands=(
            WorkCommand(
                name="report_fixed", title=_l("Report as rectified"), verb="rectify", resource="MoveInCase", primary=True,
                when=lambda defect: defect.state == DefectState.OPEN, run=report_fixed,
            ),
            WorkCommand(
                name="pass", title=_l("It is right now"), verb="inspect", resource="MoveInCase", primary=True,
                when=_is_fixed, run=_passed, asks=(Ask("note", _l("Re-inspection note"), required=False),),
            ),
            WorkCommand(
                name="fail", title=_l("Not right yet"), verb="inspect", resource="MoveInCase", danger=True,
                when=_is_fixed, run=_failed, asks=(Ask("note", _l("Re-inspection note")),),
            ),
        ),
    ),
    WorkKind(
        code=SERVICE,
        title=_l("Entrusted service"),
        resource="EntrustedService",
        model=EntrustedService,
        icon="clipboard-check",
        label=lambda service: f"{service.title_zh} {service.title_en}",
        assigned=reassign,
        commands=(
            WorkCommand(
                name="finish", title=_l("Finish"), verb="update", resource="EntrustedService", primary=True,
                when=lambda service: _is_open(service) and (service.on_behalf or not service.paid),
                run=finish_service, asks=(Ask("result", _l("Result")),),
            ),
            WorkCommand(
                name="cancel", title=_l("Cancel the service"), verb="update", resource="EntrustedService", danger=True,
                when=_is_open, run=cancel_service, asks=(Ask("reason", _l("Reason")),),
            ),
        ),
    ),
)  # fmt: skip


def catch_up(session: Session, estate: Estate) -> None:
    """Open work for cases, defects and services that are open and stand in no queue; run again, it finds none."""
    for case in session.scalars(_without_work(estate, MoveInCase, CASE, MoveInCase.state.in_(MOVE_IN.waits))):
        MOVE_IN.follow(session, case)
    for defect in session.scalars(_without_work(estate, Defect, DEFECT, Defect.state != DefectState.VERIFIED)):
        follow_defect(session, defect)
    services = _without_work(estate, EntrustedService, SERVICE, EntrustedService.state == ServiceState.OPEN)
    for service in session.scalars(services):
        follow_service(session, service)


def _without_work(estate: Estate, model: type[Any], kind: str, waiting: Any) -> Any:
    in_queue = exists().where(
        WorkItem.record_type == model.__tablename__, WorkItem.record_id == model.id, WorkItem.kind == kind,
        WorkItem.closed_at.is_(None),
    )  # fmt: skip
    return select(model).where(model.estate_id == estate.id, waiting, ~in_queue).order_by(model.id)
