"""What the transitions of checks, notices and actions do besides changing the state."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.clocks import services as clocks
from app.core.clocks.calendar import calendar_of
from app.core.clocks.rules import due_at
from app.core.messages.services import notify
from app.core.records.base import now, session_of
from app.core.records.clock import estate_today
from app.core.records.numbering import next_number
from app.core.registry import registry
from app.modules.checks.kinds import CheckKind
from app.modules.checks.models import CorrectiveAction, Measure, RectificationNotice, SpotCheck
from app.modules.duties.services import look_again

MEASURE_WORK = "checks.measure"


def withdraw(record: SpotCheck | RectificationNotice, *, actor: Actor, reason: str) -> None:
    record.withdrawn_reason = reason[:300]


def conclude(check: SpotCheck, *, actor: Actor, conclusion: str) -> None:
    """Duties that this check fulfils close with it; the module whose records were checked hears of it."""
    check.conclusion, check.concluded_at, check.concluded_by_name = conclusion, now(), actor.name
    session = session_of(check)
    session.flush()
    look_again(session, check.estate_id, "check")
    kind = registry().of(CheckKind).get(check.kind)
    if kind is not None and kind.concluded is not None:
        for sample in check.samples:
            record = session.get(kind.model, sample.record_id)
            if record is not None:
                kind.concluded(session, record)


# Notices


def serve(notice: RectificationNotice, *, actor: Actor) -> None:
    """The notice goes to its addressee; without a chosen deadline the rule of the estate gives one."""
    session, moment = session_of(notice), now()
    notice.served_at, notice.served_by_name = moment, actor.name
    if notice.due_at is None or notice.due_at <= moment:
        notice.due_at = usual_deadline(session, notice.estate_id, moment)
    people = [notice.person_id] if notice.person_id else []
    notify(session, "check.notice_served", notice, people=people, roles=[] if people else [notice.role])


def usual_deadline(session: Session, estate_id: int, start: datetime) -> datetime:
    """When a rectification that begins at ``start`` is due by the estate's rule ``checks.rectification``."""
    rule = clocks.rule_of(session, estate_id, "checks.rectification")
    return due_at(rule, rule.amount, start, calendar_of(session, estate_id))


def answer(notice: RectificationNotice, *, actor: Actor, answer: str) -> None:
    """Who answers has received the notice."""
    if notice.received_at is None:
        notice.received_at, notice.received_by_name = now(), actor.name
    notice.answer, notice.answered_at = answer, now()
    notice.answered_by_id, notice.answered_by_name = actor.user_id, actor.name


def verify_notice(notice: RectificationNotice, *, actor: Actor, seen: str) -> None:
    notice.verified_at, notice.verify_note = now(), seen[:500]
    notice.verified_by_id, notice.verified_by_name = actor.user_id, actor.name


def send_back_notice(notice: RectificationNotice, *, actor: Actor, reason: str) -> None:
    """The answer stays in the history; a deadline that has passed is set anew."""
    notice.returned, notice.return_reason = notice.returned + 1, reason[:500]
    notice.answer, notice.answered_at, notice.answered_by_id, notice.answered_by_name = "", None, None, ""
    if notice.due_at is None or notice.due_at <= now():
        notice.due_at = usual_deadline(session_of(notice), notice.estate_id, now())


# Corrective actions


def agree(action: CorrectiveAction, *, actor: Actor) -> None:
    """Every measure becomes work of its owner, with its own clock."""
    for measure in action.measures:
        start_measure(session_of(action), measure)


def start_measure(session: Session, measure: Measure) -> None:
    """Put a measure into its owner's queue until its day."""
    if measure.done_on is not None:
        return
    item = clocks.open_work(
        session, measure, MEASURE_WORK, step="carry_out", role=measure.action.role, assignee_id=measure.owner_id
    )
    calendar = calendar_of(session, measure.estate_id)
    clocks.start(session, item, MEASURE_WORK, due=calendar.moment(measure.due_on + timedelta(days=1)))


def verify_action(action: CorrectiveAction, *, actor: Actor, evidence: str) -> None:
    action.verification, action.verified_at, action.verified_by_name = evidence, now(), actor.name


def send_back_action(action: CorrectiveAction, *, actor: Actor, reason: str) -> None:
    """The measures have to be done again; what was reported stays in the history."""
    for measure in action.measures:
        measure.done_on, measure.evidence = None, ""
        start_measure(session_of(action), measure)


def judge_effective(action: CorrectiveAction, *, actor: Actor, judgement: str) -> None:
    action.effective, action.judgement = True, judgement
    action.judged_on = estate_today(session_of(action), action.estate_id)


def reissue(action: CorrectiveAction, *, actor: Actor, judgement: str) -> None:
    """An action that had no effect is followed by a new one about the same problem."""
    session = session_of(action)
    action.effective, action.judgement = False, judgement
    action.judged_on = estate_today(session, action.estate_id)
    session.flush()
    begin_action(
        session,
        CorrectiveAction(
            estate_id=action.estate_id, type=action.type, source=action.source, category=action.category,
            severity=action.severity, description=action.description, risk=action.risk, role=action.role,
            unit_id=action.unit_id, found_on=action.judged_on, found_by_name=actor.name, follows=action,
            source_type=action.source_type, source_id=action.source_id, source_label=action.source_label,
        ),
    )  # fmt: skip


def withdraw_action(action: CorrectiveAction, *, actor: Actor, reason: str) -> None:
    action.withdrawn_reason = reason[:300]
    for measure in action.measures:
        clocks.close_work(session_of(action), measure, MEASURE_WORK, void=measure.done_on is None)


def begin_action(session: Session, action: CorrectiveAction) -> CorrectiveAction:
    """Give a new action its number, put it into the queue of its department and tell it."""
    action.number = number_for(session, action.estate_id, "F33")
    session.add(action)
    session.flush()
    registry().workflows["CorrectiveAction"].follow(session, action)  # whose table is made of these effects
    notify(session, "check.capa_opened", action, roles={action.role, Role.MANAGER})
    return action


def number_for(session: Session, estate_id: int, series: str) -> str:
    """The next number of a series in this year."""
    return next_number(session, estate_id, series, estate_today(session, estate_id).year)
