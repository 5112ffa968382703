"""What the transitions of a settlement do besides changing its state."""

from __future__ import annotations

from app.core.access.actor import Actor
from app.core.records.base import now
from app.modules.renovation.completion_models import RenovationSettlement


def check(settlement: RenovationSettlement, *, actor: Actor) -> None:
    settlement.checked_at, settlement.checked_by_id, settlement.checked_by_name = now(), actor.user_id, actor.name


def approve(settlement: RenovationSettlement, *, actor: Actor) -> None:
    settlement.approved_at, settlement.approved_by_id, settlement.approved_by_name = now(), actor.user_id, actor.name


def send_back(settlement: RenovationSettlement, *, actor: Actor, reason: str) -> None:
    """What was checked and approved no longer counts; the history tells of it."""
    settlement.checked_at = settlement.checked_by_id = settlement.approved_at = settlement.approved_by_id = None
    settlement.checked_by_name = settlement.approved_by_name = ""


def pay(settlement: RenovationSettlement, *, actor: Actor) -> None:
    settlement.paid_at, settlement.paid_by_id, settlement.paid_by_name = now(), actor.user_id, actor.name
