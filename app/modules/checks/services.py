"""Every write of the checks: draw, judge, find, serve notices, lead corrective and preventive actions.

Other modules call :func:`record_finding` and :func:`serve_notice`; what they report is followed up here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.access.models import Account, Membership
from app.core.access.roles import Role
from app.core.clocks import services as clocks
from app.core.files.services import attach, attach_signature
from app.core.records.base import Record, now
from app.core.records.clock import bounds_of, estate_today
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.core.workflow.table import Blocked
from app.modules.checks.draw import digest_of, draw, new_seed
from app.modules.checks.effects import MEASURE_WORK, begin_action, number_for, start_measure
from app.modules.checks.kinds import CheckKind
from app.modules.checks.models import (
    Cause,
    CheckCategory,
    CheckSample,
    CorrectiveAction,
    Finding,
    Measure,
    RectificationNotice,
    SpotCheck,
)
from app.modules.checks.states import (
    ENDED,
    ActionSource,
    ActionState,
    ActionType,
    Bone,
    CheckState,
    NoticeState,
    SampleResult,
    Severity,
)
from app.modules.checks.workflow import ACTION, CHECK, NOTICE

LARGEST_SAMPLE = 200

# Spot checks


def kind_of(check: SpotCheck) -> CheckKind:
    """The kind of a check. Raises ``NotAllowed`` when no module contributes it any more."""
    kind = registry().of(CheckKind).get(check.kind)
    if kind is None:
        raise NotAllowed(check.kind)
    return kind


def population_of(session: Session, kind: CheckKind, estate_id: int, start: date, end: date) -> dict[int, str]:
    """Labels by id of every record of the days ``start`` to ``end`` (included)."""
    return dict(kind.population(session, estate_id, *bounds_of(session, estate_id, start, end)))


def draw_check(
    session: Session, *, kind: str, period_from: date, period_to: date, sample_size: int | None = None, actor: Actor,
    seed: str = "",
) -> SpotCheck:  # fmt: skip
    """Draw a sample of the records of a period. ``sample_size``: the kind's usual number when omitted.

    A period without records gives a check without samples, which is concluded as such.

    Raises:
        FieldErrors: an unknown kind, a period that ends before it begins or lies ahead, a number out of range.
    """
    actor.require("create", "SpotCheck")
    chosen = registry().of(CheckKind).get(kind)
    if chosen is None or not actor.may("read", chosen.resource):
        raise FieldErrors({"kind": _("Choose what is to be checked.")})
    if period_to < period_from:
        raise FieldErrors({"period_to": _("The period ends before it begins.")})
    estate_id = actor.estate_id or 0
    if period_from > estate_today(session, estate_id):
        raise FieldErrors({"period_from": _("There are no records of the future.")})
    size = chosen.sample if sample_size is None else sample_size
    if not 1 <= size <= LARGEST_SAMPLE:
        raise FieldErrors({"sample_size": _("Draw 1 to %(count)s records.", count=LARGEST_SAMPLE)})
    found, seed = population_of(session, chosen, estate_id, period_from, period_to), seed or new_seed()
    drawn = draw(seed, list(found), size)
    check = SpotCheck(
        estate_id=estate_id, number=number_for(session, estate_id, "CK"), kind=kind, period_from=period_from,
        period_to=period_to, drawn_at=now(), drawn_by_name=actor.name, seed=seed, population=sorted(found),
        population_size=len(found), digest=digest_of(found), sample_size=len(drawn),
        questions=[{"zh": q.zh, "en": q.en} for q in chosen.questions],
    )  # fmt: skip
    session.add(check)
    session.flush()
    for seq, number in enumerate(drawn, 1):
        _add_sample(session, check, chosen, number, found[number], seq)
    session.flush()
    CHECK.follow(session, check)
    return check


def _add_sample(
    session: Session, check: SpotCheck, kind: CheckKind, number: int, title: str, seq: int, picked: bool = False
) -> CheckSample:
    record = session.get(kind.model, number)
    sample = CheckSample(
        estate_id=check.estate_id, check=check, seq=seq, record_type=kind.model.__tablename__, record_id=number,
        unit_id=getattr(record, "unit_id", None), label=title[:200], picked=picked,
    )  # fmt: skip
    session.add(sample)
    return sample


def pick_sample(session: Session, check: SpotCheck, record_id: int, *, actor: Actor) -> CheckSample:
    """Add a record of the same kind by hand; it is marked as not drawn.

    Raises:
        InvalidValue: the check is closed, the record is in it already, or is no record of this kind and period.
    """
    actor.require("check", "SpotCheck")
    _require_open(check)
    if any(sample.record_id == record_id for sample in check.samples):
        raise InvalidValue(_("This record is in the check already."))
    kind = kind_of(check)
    found = population_of(session, kind, check.estate_id, check.period_from, check.period_to)
    if record_id not in found:
        raise InvalidValue(_("Choose one of the records of the period."))
    seq = max((sample.seq for sample in check.samples), default=0) + 1
    sample = _add_sample(session, check, kind, record_id, found[record_id], seq, picked=True)
    session.flush()
    return sample


def verify_draw(check: SpotCheck) -> bool:
    """Draw again from the seed and the ids kept, and tell whether the same records come out in the same order."""
    kept = [sample.record_id for sample in check.samples if not sample.picked]
    return (
        digest_of(check.population) == check.digest
        and len(check.population) == check.population_size
        and draw(check.seed, check.population, check.sample_size) == kept
    )


def own_entry(session: Session, sample: CheckSample, actor: Actor) -> bool:
    """Whether the actor made entries of the sampled record, as far as it tells its authors."""
    if actor.system:
        return False
    kind = kind_of(sample.check)
    record = session.get(kind.model, sample.record_id)
    return record is not None and actor.user_id in kind.authors(session, record)


def judge(session: Session, sample: CheckSample, *, result: SampleResult | None, note: str = "", actor: Actor) -> None:
    """Say that a sample is in order or does not apply, or take the judgement back (None); findings: :func:`find`.

    Raises:
        Blocked: the sampled record holds entries of the checker, or the sample has findings.
        InvalidValue: the check is closed, or nothing says why the record does not apply.
    """
    _require_checkable(session, sample, actor)
    if sample.standing_findings:
        raise Blocked([_("This sample has findings; take them back first.")])
    if result == SampleResult.FINDING:
        raise InvalidValue(_("Describe what was found."))
    if result == SampleResult.NOT_APPLICABLE and not note.strip():
        raise FieldErrors({"note": _("Say why the record does not apply.")})
    _mark(session, sample, result, note, actor)


def find(
    session: Session, sample: CheckSample, *, category: CheckCategory, severity: Severity, description: str, role: str,
    person_id: int | None = None, note: str = "", actor: Actor,
) -> Finding:  # fmt: skip
    """Record a finding in a sample; a repeated problem opens a corrective action by itself (RN-17).

    Raises as :func:`judge` and :func:`record_finding`.
    """
    _require_checkable(session, sample, actor)
    finding = record_finding(
        session, sample.check, category=category, severity=severity, description=description, role=role,
        person_id=person_id, unit_id=sample.unit_id, sample=sample, label=f"{sample.check.number} · {sample.label}",
        actor=actor,
    )  # fmt: skip
    _mark(session, sample, SampleResult.FINDING, note, actor)
    return finding


def _mark(session: Session, sample: CheckSample, result: SampleResult | None, note: str, actor: Actor) -> None:
    sample.result, sample.note = result, note.strip()[:500]
    sample.checked_at, sample.checked_by_name = (now(), actor.name) if result else (None, "")
    session.flush()
    if sample.check.state == CheckState.DRAWN and result:
        CHECK.fire(session, sample.check, "begin", actor=actor)


def _require_open(check: SpotCheck) -> None:
    if not check.is_open:
        raise InvalidValue(_("The check is closed."))


def _require_checkable(session: Session, sample: CheckSample, actor: Actor) -> None:
    actor.require("check", "SpotCheck")
    _require_open(sample.check)
    if own_entry(session, sample, actor):
        raise Blocked([_("This record holds your own entries; another person checks it.")])


# Findings


def record_finding(
    session: Session, source: Record, *, category: CheckCategory | str, severity: Severity, description: str,
    role: str, person_id: int | None = None, unit_id: int | None = None, sample: CheckSample | None = None,
    label: str = "", actor: Actor,
) -> Finding:  # fmt: skip
    """Record a problem found at ``source`` (a check, or a record of any module) and look whether it is a repeated one.

    ``category``: the category or its code. ``role``: who has to put it right. Whoever calls checks the right to find.
    Of several transactions that find the same at once, one opens the action and the others join it.

    Raises:
        FieldErrors: no description, an unknown category, role or person.
    """
    chosen = category if isinstance(category, CheckCategory) else _category(session, source.estate_id, category)
    _check_address(session, source.estate_id, role, person_id)
    if not description.strip():
        raise FieldErrors({"description": _("Describe what was found.")})
    if source.id is None:
        session.flush()
    finding = Finding(
        estate_id=source.estate_id, number=number_for(session, source.estate_id, "FD"), source_type=source.__tablename__,
        source_id=source.id, source_label=(label or str(source))[:200], sample=sample, category=chosen,
        severity=severity, description=description.strip(), role=str(role), person_id=person_id,
        unit_id=source.audit_unit if unit_id is None else unit_id, found_at=now(), found_by_name=actor.name,
    )  # fmt: skip
    session.add(finding)
    session.flush()  # holds the estate's change log until the end: whoever finds at the same time looks after us
    _follow_up(session, finding)
    return finding


def _category(session: Session, estate_id: int, code: str) -> CheckCategory:
    found = session.scalar(
        select(CheckCategory).where(CheckCategory.estate_id == estate_id, CheckCategory.code == code)
    )
    if found is None:
        raise FieldErrors({"category_id": _("Choose a category.")})
    return found


def _check_address(session: Session, estate_id: int, role: str, person_id: int | None) -> None:
    if role not in set(Role):
        raise FieldErrors({"role": _("Choose who has to put it right.")})
    if person_id is not None and colleague_of(session, estate_id, person_id) is None:
        raise FieldErrors({"person_id": _("Choose somebody who works for this estate.")})


def colleague_of(session: Session, estate_id: int, person_id: int) -> Account | None:
    """An active account that serves the estate."""
    mine = Account.memberships.any(Membership.estate_id == estate_id)
    return session.scalar(select(Account).where(Account.id == person_id, Account.active.is_(True), mine))


def _follow_up(session: Session, finding: Finding) -> None:
    """Join the running action of the category, or open one when the problem is repeated (RN-17)."""
    category = finding.category
    running = session.scalars(
        select(CorrectiveAction)
        .where(CorrectiveAction.category_id == category.id, CorrectiveAction.state.not_in(ENDED))
        .order_by(CorrectiveAction.id)
        .limit(1)
    ).one_or_none()
    if running is not None:
        finding.action = running
        session.flush()
        return
    since = finding.found_at - timedelta(days=category.repeat_days)
    alike = session.scalars(
        select(Finding)
        .where(Finding.category_id == category.id, Finding.found_at >= since, Finding.revoked_at.is_(None))
        .order_by(Finding.id)
    ).all()
    if len(alike) < category.repeat_count:
        return
    action = begin_action(
        session,
        CorrectiveAction(
            estate_id=finding.estate_id, type=ActionType.CORRECTIVE, source=ActionSource.REPEATED, category=category,
            severity=max((f.severity for f in alike), key=list(Severity).index), role=finding.role,
            description="\n".join(f"{f.number} {f.description}" for f in alike), unit_id=None,
            found_on=estate_today(session, finding.estate_id), found_by_name=finding.found_by_name,
            source_type=finding.__tablename__, source_id=finding.id, source_label=finding.number,
        ),
    )  # fmt: skip
    for one in alike:
        one.action = one.action or action
    session.flush()


def revoke_finding(session: Session, finding: Finding, *, reason: str, actor: Actor) -> None:
    """Take back a finding entered by mistake, while its check is open and no notice about it was served.

    Raises:
        InvalidValue: no reason, taken back already, or too late.
    """
    actor.require("revoke", "Finding")
    if finding.revoked_at:
        raise InvalidValue(_("This finding was taken back already."))
    if not reason.strip():
        raise FieldErrors({"reason": _("Say why the finding is taken back.")})
    if finding.check:
        _require_open(finding.check)
    if any(notice.state not in (NoticeState.DRAFT, NoticeState.WITHDRAWN) for notice in finding.notices):
        raise InvalidValue(_("A notice about this finding was served; it can no longer be taken back."))
    for notice in finding.notices:
        if notice.state == NoticeState.DRAFT:
            NOTICE.fire(session, notice, "withdraw", actor=actor, inputs={"reason": reason})
    finding.revoked_at, finding.revoked_reason = now(), reason.strip()[:300]
    finding.action = None
    sample = finding.sample
    session.flush()
    if sample and not sample.standing_findings:
        sample.result, sample.checked_at, sample.checked_by_name, sample.note = None, None, "", ""
    session.flush()


# Rectification notices (F18)


def draft_notice(
    session: Session, source: Record | None, *, problem: str, requirement: str, role: str, person_id: int | None = None,
    deadline: date | None = None, unit_id: int | None = None, finding: Finding | None = None, label: str = "",
    actor: Actor,
) -> RectificationNotice:  # fmt: skip
    """Write a notice without serving it yet. ``deadline``: the last day (included); the estate's rule when omitted.

    Raises:
        FieldErrors: nothing said or required, nobody addressed, or a deadline in the past.
    """
    estate_id = source.estate_id if source is not None else (actor.estate_id or 0)
    if not problem.strip():
        raise FieldErrors({"problem": _("Describe the problem.")})
    if not requirement.strip():
        raise FieldErrors({"requirement": _("Say what is required.")})
    _check_address(session, estate_id, role, person_id)
    notice = RectificationNotice(
        estate_id=estate_id, number=number_for(session, estate_id, "F18"), problem=problem.strip(),
        requirement=requirement.strip(), role=str(role), person_id=person_id, issued_by_name=actor.name,
        finding=finding, unit_id=source.audit_unit if source is not None and unit_id is None else unit_id,
        due_at=end_of(session, estate_id, deadline), source_type=source.__tablename__ if source is not None else "",
        source_id=source.id if source is not None else None,
        source_label=(label or (str(source) if source is not None else ""))[:200],
    )  # fmt: skip
    session.add(notice)
    session.flush()
    NOTICE.follow(session, notice)
    return notice


def change_notice(
    session: Session, notice: RectificationNotice, *, problem: str, requirement: str, role: str, person_id: int | None,
    deadline: date | None, unit_id: int | None, actor: Actor,
) -> None:  # fmt: skip
    """Correct a notice that is not served yet. Raises as :func:`draft_notice`."""
    actor.require("update", "RectificationNotice")
    if notice.state != NoticeState.DRAFT:
        raise InvalidValue(_("The notice is served; it can no longer be changed."))
    _check_address(session, notice.estate_id, role, person_id)
    if deadline != notice.due_on:
        notice.due_at = end_of(session, notice.estate_id, deadline)
    notice.problem, notice.requirement, notice.unit_id = problem.strip(), requirement.strip(), unit_id
    notice.role, notice.person_id = str(role), person_id
    session.flush()
    NOTICE.follow(session, notice)


def end_of(session: Session, estate_id: int, deadline: date | None) -> datetime | None:
    """24:00 of the last day of a deadline. Raises ``FieldErrors`` for a day that has passed."""
    if deadline is None:
        return None
    if deadline < estate_today(session, estate_id):
        raise FieldErrors({"deadline": _("The deadline lies in the past.")})
    return bounds_of(session, estate_id, deadline, deadline)[1]


def serve_notice(
    session: Session, *, source: Record, problem: str, requirement: str, to: Role | Account, deadline: date | None = None,
    role: Role | None = None, actor: Actor,
) -> RectificationNotice:  # fmt: skip
    """Write and serve a notice about ``source``, for modules that find a problem themselves (RE-07, TT-06, AR-05).

    ``to``: the role, or the person addressed (with the ``role`` in which they act). ``deadline``: the last day; the
    estate's rule ``checks.rectification`` when omitted. Needs the right to serve notices.
    """
    person = to if isinstance(to, Account) else None
    addressed = role if person else Role(str(to))
    if addressed is None:
        raise ValueError("say in which role the person is addressed")
    notice = draft_notice(
        session, source, problem=problem, requirement=requirement, role=addressed,
        person_id=person.id if person else None, deadline=deadline, actor=actor,
    )  # fmt: skip
    NOTICE.fire(session, notice, "serve", actor=actor)
    return notice


def may_receive(notice: RectificationNotice, actor: Actor) -> bool:
    """Whoever serves notices has them signed for; addressees note themselves that they received theirs."""
    mine = notice.addressed_to(actor) and actor.may("answer", "RectificationNotice")
    return mine or actor.may("serve", "RectificationNotice")


def receive_notice(
    session: Session, notice: RectificationNotice, *, received_by: str, drawing: str = "",
    scan: FileStorage | None = None, actor: Actor,
) -> None:  # fmt: skip
    """Note who received the notice: signed on the screen (``drawing``), on paper (``scan``), or by name alone.

    Raises:
        NotAllowed: neither addressed nor serving.
        InvalidValue: not served, received already, or no name.
    """
    if not may_receive(notice, actor):
        raise NotAllowed("receive RectificationNotice")
    if notice.state != NoticeState.SERVED or notice.received_at:
        raise InvalidValue(_("This notice does not wait for being received."))
    if not received_by.strip():
        raise FieldErrors({"received_by": _("Say who received the notice.")})
    if scan and scan.filename:
        attach(session, notice, scan, kind="signed_receipt", actor=actor)
    elif drawing:
        attach_signature(session, notice, drawing, role="recipient", name=received_by, actor=actor)
    notice.received_at, notice.received_by_name = now(), received_by.strip()[:130]
    session.flush()


# Corrective and preventive actions (F33)


def open_action(
    session: Session, *, type: ActionType, source: ActionSource, category: CheckCategory, severity: Severity,
    description: str, role: str, risk: str = "", found_on: date | None = None, found_by_name: str = "",
    correction: str = "", findings: Sequence[Finding] = (), actor: Actor,
) -> CorrectiveAction:  # fmt: skip
    """Open an action by hand; ``findings`` that no running action holds yet are joined to it.

    Raises:
        FieldErrors: no description, or found in the future.
        Blocked: an action for repeated findings of this category runs already.
    """
    actor.require("create", "CorrectiveAction")
    estate_id, today = category.estate_id, estate_today(session, category.estate_id)
    _check_address(session, estate_id, role, None)
    if not description.strip():
        raise FieldErrors({"description": _("Describe the nonconformity.")})
    if found_on and found_on > today:
        raise FieldErrors({"found_on": _("The day lies in the future.")})
    about = findings[0] if findings else None
    action = begin_action(
        session,
        CorrectiveAction(
            estate_id=estate_id, type=type, source=source, category=category, severity=severity,
            description=description.strip(), risk=risk.strip(), role=str(role), found_on=found_on or today,
            found_by_name=found_by_name.strip() or actor.name, correction=correction.strip(),
            unit_id=about.unit_id if about else None, source_type=about.__tablename__ if about else "",
            source_id=about.id if about else None, source_label=about.number if about else "",
        ),
    )  # fmt: skip
    for finding in findings:
        if finding.action is None or finding.action.state in ENDED:
            finding.action = action
    session.flush()
    return action


def change_action(session: Session, action: CorrectiveAction, values: dict[str, Any], *, actor: Actor) -> None:
    """Correct what an action says before its cause is found; another department takes it over at once."""
    actor.require("update", "CorrectiveAction")
    _require_state(action, ActionState.OPEN)
    for name, value in values.items():
        setattr(action, name, value)
    session.flush()
    ACTION.follow(session, action)


def _require_state(action: CorrectiveAction, *states: ActionState) -> None:
    if action.state not in states:
        raise InvalidValue(_("This is not possible while the action is at “%(state)s”.", state=action.state.title))


def _require_part(action: CorrectiveAction, verb: str, actor: Actor) -> None:
    """The verb, held by the responsible department or by those who lead the action."""
    actor.require(verb, "CorrectiveAction")
    from app.modules.checks.workflow import responsible

    if objection := responsible(action, actor):
        raise Blocked([objection])


def correct(session: Session, action: CorrectiveAction, *, correction: str, actor: Actor) -> None:
    """What was done at once against the problem itself."""
    _require_part(action, "analyse", actor)
    _require_state(action, ActionState.OPEN)
    if not correction.strip():
        raise FieldErrors({"correction": _("Say what was done at once.")})
    action.correction = correction.strip()
    session.flush()


def add_cause(session: Session, action: CorrectiveAction, *, bone: Bone, whys: str, actor: Actor) -> Cause:
    """Add a root cause: its bone, and one line for each why, five at most."""
    _require_part(action, "analyse", actor)
    _require_state(action, ActionState.OPEN)
    lines = [line.strip() for line in whys.splitlines() if line.strip()]
    if not 1 <= len(lines) <= 5:
        raise FieldErrors({"whys": _("Write one to five lines, each the reason of the one before.")})
    cause = Cause(estate_id=action.estate_id, action=action, bone=bone, whys="\n".join(lines))
    session.add(cause)
    session.flush()
    return cause


def remove_cause(session: Session, cause: Cause, *, actor: Actor) -> None:
    """Take back a cause while it is still being looked for."""
    _require_part(cause.action, "analyse", actor)
    _require_state(cause.action, ActionState.OPEN)
    cause.action.causes.remove(cause)
    session.delete(cause)
    session.flush()


def add_measure(
    session: Session, action: CorrectiveAction, *, content: str, owner_id: int, due_on: date, actor: Actor
) -> Measure:
    """Propose a measure: what, who, until when. Once measures are under way a further one begins at once.

    Raises:
        FieldErrors: no content, nobody of this estate, or a day in the past.
    """
    _require_part(action, "carry_out", actor)
    _require_state(action, ActionState.ANALYSED, ActionState.AGREED)
    if action.state == ActionState.AGREED:
        actor.require("agree", "CorrectiveAction")
    if not content.strip():
        raise FieldErrors({"content": _("Describe the measure.")})
    owner = colleague_of(session, action.estate_id, owner_id)
    if owner is None:
        raise FieldErrors({"owner_id": _("Choose somebody who works for this estate.")})
    if due_on < estate_today(session, action.estate_id):
        raise FieldErrors({"due_on": _("The deadline lies in the past.")})
    measure = Measure(
        estate_id=action.estate_id, action=action, content=content.strip(), owner_id=owner.id,
        owner_name=owner.display_name, due_on=due_on,
    )  # fmt: skip
    session.add(measure)
    session.flush()
    if action.state == ActionState.AGREED:
        start_measure(session, measure)
    return measure


def remove_measure(session: Session, measure: Measure, *, actor: Actor) -> None:
    """Take back a measure that is not agreed yet."""
    _require_part(measure.action, "carry_out", actor)
    _require_state(measure.action, ActionState.ANALYSED)
    measure.action.measures.remove(measure)
    session.delete(measure)
    session.flush()


def finish_measure(session: Session, measure: Measure, *, done_on: date, evidence: str, actor: Actor) -> None:
    """The owner reports a measure as done; with the last one the action goes on to be verified.

    Raises:
        Blocked: somebody else's measure.
        FieldErrors: a day ahead, or no evidence.
    """
    actor.require("carry_out", "CorrectiveAction")
    action = measure.action
    _require_state(action, ActionState.AGREED)
    if not (actor.system or measure.owner_id == actor.user_id or actor.may("agree", "CorrectiveAction")):
        raise Blocked([_("This is the measure of %(name)s.", name=measure.owner_name)])
    if measure.done_on is not None:
        raise InvalidValue(_("This measure is reported as done already."))
    if done_on > estate_today(session, action.estate_id):
        raise FieldErrors({"done_on": _("The day lies in the future.")})
    if not evidence.strip():
        raise FieldErrors({"evidence": _("Say what shows that it is done.")})
    measure.done_on, measure.evidence = done_on, evidence.strip()
    session.flush()
    clocks.close_work(session, measure, MEASURE_WORK)
    if all(other.done_on for other in action.measures):
        ACTION.fire(session, action, "finish", actor=actor)


def save_category(
    session: Session, category: CheckCategory | None, values: dict[str, Any], *, actor: Actor
) -> CheckCategory:
    """Create or change a category of findings."""
    actor.require("create" if category is None else "update", "CheckCategory")
    if category is None:
        category = CheckCategory(estate_id=current_actor().estate_id)
        session.add(category)
    for name, value in values.items():
        setattr(category, name, value)
    session.flush()
    return category
