"""What transitions of the move-in case do besides changing its state."""

from __future__ import annotations

from app.core.access.actor import Actor
from app.core.records.base import now, session_of
from app.core.records.clock import estate_today
from app.modules.movein.inspection import open_round
from app.modules.movein.models import MoveInCase
from app.modules.movein.states import Conclusion
from app.modules.people.services import note_move_in


def accept(case: MoveInCase, *, actor: Actor) -> None:
    _conclude(case, Conclusion.ACCEPTED)


def accept_with_defects(case: MoveInCase, *, actor: Actor) -> None:
    _conclude(case, Conclusion.WITH_DEFECTS)


def refuse(case: MoveInCase, *, actor: Actor, reason: str) -> None:
    _conclude(case, Conclusion.REFUSED)


def _conclude(case: MoveInCase, conclusion: Conclusion) -> None:
    current = case.rounds[-1]
    current.conclusion, current.concluded_at = conclusion, now()
    case.conclusion = conclusion


def withdraw_conclusion(case: MoveInCase, *, actor: Actor, reason: str) -> None:
    """Back to the inspection: the round is open again, the conclusion gone from the case but not from the history."""
    current = case.rounds[-1]
    current.conclusion, current.concluded_at = None, None
    case.conclusion = None


def reinspect(case: MoveInCase, *, actor: Actor) -> None:
    """A new round over what is still to be rectified (MI-11)."""
    case.conclusion = None
    open_round(session_of(case), case, actor=actor)


def hand_over_keys(case: MoveInCase, *, actor: Actor) -> None:
    """The owner holds the keys: the move-in is complete."""
    for key in case.keys:
        if not key.handed_at and not key.in_custody:
            key.handed_at, key.issued_by_name = now(), actor.name
    session = session_of(case)
    case.completed_at = now()
    case.move_in_on = case.move_in_on or estate_today(session, case.estate_id)
    note_move_in(session, unit_id=case.unit_id, on=case.move_in_on, actor=actor)


def reopen(case: MoveInCase, *, actor: Actor, reason: str) -> None:
    case.completed_at = None
