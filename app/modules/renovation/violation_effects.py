"""What the transitions of a violation do besides changing its state."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.messages.services import notify
from app.core.records.base import now, session_of
from app.core.records.identifiers import InvalidValue
from app.modules.checks.models import Finding
from app.modules.checks.services import revoke_finding
from app.modules.renovation.handling import plan_check
from app.modules.renovation.site_models import RenovationViolation
from app.modules.renovation.states import Delivery


def serve(violation: RenovationViolation, *, actor: Actor, method: str, receiver: str) -> None:
    if method == Delivery.IN_PERSON and not receiver:
        raise InvalidValue(_l("Say who received it."))
    violation.served_at, violation.served_by_method = now(), Delivery(method)
    violation.served_to = receiver[:100]


def clear(violation: RenovationViolation, *, actor: Actor, remark: str) -> None:
    violation.cleared_at, violation.cleared_by_name = now(), actor.name
    violation.recheck_note = _added(violation.recheck_note, remark)
    plan_check(session_of(violation), violation)


def refuse(violation: RenovationViolation, *, actor: Actor, remark: str) -> None:
    violation.recheck_note = _added(violation.recheck_note, remark)
    lapsed(violation, actor=actor)


def lapsed(violation: RenovationViolation, *, actor: Actor) -> None:
    """From here the 24 hours of the report run; the manager hears of it."""
    roles = [Role.MANAGER, Role.CS_SUPERVISOR]
    notify(session_of(violation), "renovation.violation_overdue", violation, roles=roles, unit=violation.unit.code)


def report(violation: RenovationViolation, *, actor: Actor, authority: str, receipt: str) -> None:
    violation.reported_at, violation.authority, violation.report_receipt = now(), authority[:120], receipt[:60]
    plan_check(session_of(violation), violation)


def withdraw(violation: RenovationViolation, *, actor: Actor, reason: str) -> None:
    """What was not a violation is no finding either: it counts toward no repeated problem (RN-17)."""
    violation.withdrawn_reason = reason[:300]
    session = session_of(violation)
    finding = session.get(Finding, violation.finding_id) if violation.finding_id else None
    if finding is not None and finding.revoked_at is None:
        revoke_finding(session, finding, reason=reason, actor=actor)


def _added(before: str, note: str) -> str:
    return f"{before}\n{note}".strip()
