"""Findings, notices and actions of an estate, made by the real services."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, system_actor
from app.core.access.models import Account
from app.core.access.roles import Role
from app.core.records.clock import estate_today
from app.modules.checks import services
from app.modules.checks.models import CheckCategory, CorrectiveAction, Finding, Measure, RectificationNotice
from app.modules.checks.states import ActionSource, ActionType, Bone, Severity
from tests.movein.factories import unit_of

SYSTEM = system_actor(estate_id=1)


def category_of(session: Session, code: str = "signature_missing", estate_id: int = 1) -> CheckCategory:
    return session.scalars(
        select(CheckCategory).where(CheckCategory.estate_id == estate_id, CheckCategory.code == code)
    ).one()


def account_of(session: Session, username: str) -> Account:
    return session.scalars(select(Account).where(Account.username == username)).one()


def finding_of(session: Session, source=None, actor: Actor = SYSTEM, **values) -> Finding:
    return services.record_finding(
        session, source if source is not None else unit_of(session), actor=actor,
        **{"category": "signature_missing", "severity": Severity.MINOR, "description": "No signature",
           "role": Role.RECEPTIONIST.value, **values},
    )  # fmt: skip


def notice_of(session: Session, actor: Actor = SYSTEM, **values) -> RectificationNotice:
    return services.draft_notice(
        session, unit_of(session), actor=actor,
        **{"problem": "Tap drips", "requirement": "Mend it", "role": Role.TECHNICIAN.value, **values},
    )  # fmt: skip


def action_of(session: Session, actor: Actor = SYSTEM, **values) -> CorrectiveAction:
    return services.open_action(
        session, actor=actor,
        **{"type": ActionType.CORRECTIVE, "source": ActionSource.CHECK, "category": category_of(session),
           "severity": Severity.MAJOR, "description": "Keys without receipt", "role": Role.RECEPTIONIST.value,
           "correction": "Receipts written", **values},
    )  # fmt: skip


def add_cause(session: Session, action: CorrectiveAction) -> None:
    services.add_cause(session, action, bone=Bone.METHOD, whys="No step asks for it", actor=SYSTEM)


def add_measure(session: Session, action: CorrectiveAction, owner: str = "receptionist", days: int = 5) -> Measure:
    due = estate_today(session, action.estate_id) + timedelta(days=days)
    return services.add_measure(
        session, action, content="Issuer signs first", owner_id=account_of(session, owner).id, due_on=due, actor=SYSTEM
    )
