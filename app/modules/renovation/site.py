"""Every write on patrols, violations and their codes (RN-09, RN-10, RN-14, RN-17; forms C5, C6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed
from app.core.access.roles import Role
from app.core.clocks.calendar import calendar_of
from app.core.clocks.rules import due_at
from app.core.clocks.services import rule_of
from app.core.files.services import attach
from app.core.records.base import now
from app.core.records.clock import estate_time
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.workflow.documents import enter
from app.core.workflow.table import Blocked
from app.modules.checks.services import record_finding
from app.modules.checks.states import Severity
from app.modules.duties.services import look_again
from app.modules.renovation.models import Renovation
from app.modules.renovation.rounds import CODE as ROUNDS
from app.modules.renovation.site_models import RenovationPatrol, RenovationViolation, ViolationCode
from app.modules.renovation.site_queries import CODE_OF, noticed_codes, unnoticed
from app.modules.renovation.states import (
    ENDED,
    PatrolAction,
    PointResult,
    RenovationState,
    RoundHalf,
    Stage,
    ViolationState,
)
from app.modules.renovation.violation_workflow import RULE, VIOLATION
from app.modules.renovation.workflow import RENOVATION

NOON = 12
SERIES = "RV"
CONSEQUENCES = (
    "逾期未整改的，将要求停工，向有关主管部门报告，并按装修管理服务协议的约定处理。\n"
    "If this is not rectified in time, the work will be stopped, the competent authority will be told, and the renovation "
    "management service agreement applies."
)
"""What a notice says usually about its consequences; it is handed out, so it says so in both languages."""
POINTS: Mapping[str, Any] = {
    "permit_posted": _l("Permit posted"),
    "passes_worn": _l("Passes worn"),
    "extinguishers": _l("At least two extinguishers"),
    "open_flame": _l("Wiring and open flame"),
    "structure": _l("Load-bearing walls and structure"),
    "waterproofing": _l("Waterproofing and wet rooms"),
    "gas_heating": _l("Gas and heating"),
    "flue": _l("Flue and exhaust duct"),
    "facade": _l("Façade, balcony, guard rail, air conditioner"),
    "drainage": _l("Drainage"),
    "corridor": _l("Corridor and waste"),
    "noise": _l("Noise and hours"),
    "overnight": _l("Nobody stays overnight"),
    "common_parts": _l("Common parts undamaged"),
}
"""The checklist of a round by code (forms C5)."""


def half_of(session: Session, estate_id: int, moment: datetime) -> RoundHalf:
    """The round that a moment belongs to, by the estate's clock."""
    return RoundHalf.MORNING if estate_time(session, estate_id, moment).hour < NOON else RoundHalf.AFTERNOON


def record_patrol(
    session: Session, renovation: Renovation, *, token: str, visited_at: datetime, stage: Stage, persons: int = 0,
    persons_with_pass: int = 0, points: Mapping[str, str], findings: str = "", action: PatrolAction = PatrolAction.NONE,
    met_name: str = "", photos: Sequence[FileStorage] = (), actor: Actor,
) -> RenovationPatrol:  # fmt: skip
    """Keep one visit (F30). The same ``token`` again, sent anew by a phone that was offline, gives the entry already kept.

    Raises:
        InvalidValue: no work goes on there, or the visit lies ahead.
        FieldErrors: an unknown point or result, a violation or a refusal without words.
    """
    actor.require("create", "RenovationPatrol")
    kept = session.scalar(select(RenovationPatrol).where(RenovationPatrol.token == token))
    if kept is not None:
        if kept.renovation_id != renovation.id or kept.patroller_id != actor.user_id:
            raise NotAllowed("patrol entry of somebody else")
        return kept
    _check_visit(session, renovation, visited_at, points)
    worded = findings.strip()
    if not worded and (stage == Stage.REFUSED or PointResult.VIOLATION in points.values()):
        raise FieldErrors({"findings": _("Say what you found.")})
    local = estate_time(session, renovation.estate_id, visited_at)
    patrol = RenovationPatrol(
        estate_id=renovation.estate_id, renovation=renovation, token=token, day=local.date(), visited_at=visited_at,
        half=half_of(session, renovation.estate_id, visited_at), stage=stage, persons=persons,
        persons_with_pass=persons_with_pass, points=dict(points), findings=worded, action=action,
        patroller_id=actor.user_id, patroller_name=actor.name, met_name=met_name.strip()[:100],
    )  # fmt: skip
    session.add(patrol)
    session.flush()
    for photo in photos:
        attach(session, patrol, photo, kind="photo", actor=actor)
    look_again(session, patrol.estate_id, ROUNDS)
    return patrol


def _check_visit(session: Session, renovation: Renovation, visited_at: datetime, points: Mapping[str, str]) -> None:
    local = estate_time(session, renovation.estate_id, visited_at)
    over = renovation.accepted_on is not None and local.date() > renovation.accepted_on
    if renovation.started_at is None or over:
        raise InvalidValue(_l("No work goes on there."))
    if visited_at > now():
        raise InvalidValue(_l("The visit lies ahead; check the clock of the telephone."))
    if set(points) - set(POINTS) or set(points.values()) - {result.value for result in PointResult}:
        raise FieldErrors({"points": _("The list has a point that is not known here.")})


def issue_notice(
    session: Session, renovation: Renovation, *, code: ViolationCode, description: str, requirement: str,
    due: datetime | None = None, consequences: str = "", patrol: RenovationPatrol | None = None, stop_work: bool = False,
    complaint: bool = False, photos: Sequence[FileStorage] = (), actor: Actor,
) -> RenovationViolation:  # fmt: skip
    """Record a violation and write its rectification notice (F31, RN-10). ``due``: by the estate's rule when omitted.

    The finding goes to the checks, where the second one of a category within its days opens a corrective action by
    itself (RN-17). ``stop_work`` stops the site at once.

    Raises:
        InvalidValue: the renovation is over, or the code is no longer used.
        FieldErrors: no description, no requirement, a deadline that has gone by, a notice of this visit exists already.
    """
    actor.require("create", "RenovationViolation")
    if renovation.state in ENDED or not code.active:
        raise InvalidValue(_l("No notice can be issued for this renovation any more."))
    if patrol is not None and patrol.renovation_id != renovation.id:
        raise FieldErrors({"patrol_id": _("This visit was made to another site.")})
    if patrol is not None and _noticed(session, patrol, code):
        raise FieldErrors({"patrol_id": _("A notice about what this visit found exists already.")})
    moment = now()
    rule, calendar = rule_of(session, renovation.estate_id, RULE), calendar_of(session, renovation.estate_id)
    due = due or due_at(rule, rule.amount, moment, calendar)
    _check_notice(description, requirement, due)
    violation = RenovationViolation(
        estate_id=renovation.estate_id, renovation=renovation, unit_id=renovation.unit_id, code=code, patrol=patrol,
        description=description.strip(), requirement=requirement.strip(), consequences=consequences.strip() or CONSEQUENCES,
        found_at=moment, found_by_name=actor.name, due_at=due, stop_work=stop_work, complaint=complaint,
    )  # fmt: skip
    enter(session, violation, VIOLATION, series=SERIES, actor=actor)
    if code.category:
        finding = record_finding(
            session, violation, category=code.category, severity=Severity.MAJOR if code.grave else Severity.MINOR,
            description=f"{code.code} {violation.description}", role=Role.SITE_SUPERVISOR, unit_id=renovation.unit_id,
            label=f"{violation.number} · {renovation.unit.code}", actor=actor,
        )  # fmt: skip
        violation.finding_id = finding.id
    for photo in photos:
        attach(session, violation, photo, kind="photo", actor=actor)
    if stop_work and renovation.state == RenovationState.UNDER_WAY:
        RENOVATION.fire(
            session, renovation, "stop", actor=actor, inputs={"reason": f"{violation.number} {code.title_zh}"}
        )
    return violation


def _noticed(session: Session, patrol: RenovationPatrol, code: ViolationCode) -> bool:
    """Whether a visit has this notice already: one with the code, or enough of them for everything that it found."""
    codes = noticed_codes(session, [patrol])[patrol.id]
    if not codes or code.code in codes:
        return bool(codes)
    found = code.code in {CODE_OF.get(point) for point in patrol.violated}
    return not found and not unnoticed(session, [patrol])[patrol.id]


def _check_notice(description: str, requirement: str, due: datetime) -> None:
    lacking = {"description": description, "requirement": requirement}
    errors = {name: _("This must be filled in.") for name, text in lacking.items() if not text.strip()}
    if due <= now():
        errors["due_at"] = _("The deadline has gone by already.")
    if errors:
        raise FieldErrors(errors)


def change_notice(
    session: Session, violation: RenovationViolation, values: Mapping[str, Any], *, actor: Actor
) -> None:  # fmt: skip
    """Correct a notice that was not served yet; its clock follows the new deadline when it is served.

    Raises:
        Blocked: it was served.
        FieldErrors: no description, no requirement, a deadline that has gone by.
    """
    actor.require("update", "RenovationViolation")
    if violation.state != ViolationState.ISSUED:
        raise Blocked([_("A notice that was served is not changed any more.")])
    given = {name: value for name, value in values.items() if value is not None}
    for name, value in given.items():
        setattr(violation, name, value)
    _check_notice(violation.description, violation.requirement, violation.due_at)
    session.flush()


def save_code(session: Session, row: ViolationCode | None, values: dict[str, Any], *, actor: Actor) -> ViolationCode:
    """Enter or change an entry of the code list of violations."""
    actor.require("update" if row else "create", "RenovationRule")
    row = row or ViolationCode(estate_id=actor.estate_id)
    for name, value in values.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row
