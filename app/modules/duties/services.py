"""Duties: seeds and edits, the occurrences of each period, and what closes them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import yaml
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, aliased, contains_eager
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, NotAllowed
from app.core.access.roles import Role
from app.core.audit.log import record_event
from app.core.clocks.calendar import WorkingCalendar, calendar_of
from app.core.clocks.models import Shift
from app.core.clocks.services import close_work, meet, open_work, start, work_of
from app.core.files.services import attach
from app.core.messages.services import notify
from app.core.records.base import now
from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.core.records.refusals import FieldErrors
from app.core.registry import registry
from app.core.workflow.table import Blocked
from app.modules.duties.kinds import Evidence, Occasion
from app.modules.duties.models import STATEMENT, Duty, DutyOccurrence, DutyReport, DutyState, DutyStatement
from app.modules.duties.recurrence import InForce, Period, Window, drawn

WORK, RULE = "duty", "duties.due"
INSTANT = timedelta(microseconds=1)
MORNING = time(8)
"""When the role of a duty hears that it falls due on the rest days ahead."""
NEWS = timedelta(days=7)
"""Older misses, found after a standstill, are left to the report."""

LONGEST_GRACE = {
    Period.DAY: 0, Period.WORKING_DAY: 0, Period.WEEK: 6, Period.MONTH: 27, Period.QUARTER: 85, Period.HALF_YEAR: 175,
    Period.YEAR: 360,
}  # fmt: skip
"""Days after the due moment in which a duty may count as late: fewer than its period has, for one catches up first."""


# Duties


def seed_duties(session: Session, estate: Estate, path: Path) -> None:
    """Bring the duties of a module's ``seeds/duties.yaml`` into an estate; those it has, by code, stay as they are."""
    known = {duty.code: duty for duty in session.scalars(select(Duty).where(Duty.estate_id == estate.id))}
    today = estate_today(session, estate.id)
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["duties"]:
        if entry["code"] not in known:
            duty = known[entry["code"]] = _seeded(estate, entry, today)
            duty.in_place_of = known[entry["in_place_of"]] if "in_place_of" in entry else None
            session.add(duty)
    session.flush()


def _seeded(estate: Estate, entry: Mapping[str, Any], today: date) -> Duty:
    opens, due = entry.get("opens", {}), entry.get("due", {})
    return Duty(
        estate_id=estate.id, code=entry["code"], clause=entry["clause"], title_zh=entry["zh"], title_en=entry["en"],
        instruction_zh=entry["instruction"]["zh"], instruction_en=entry["instruction"]["en"],
        role=Role(entry["role"]).value, period=Period(entry["period"]),
        months=",".join(map(str, entry.get("months", ()))), times=entry.get("times", 1),
        distinct_days=entry.get("distinct_days", False),
        opens_month=opens.get("month"), opens_day=opens.get("day"), opens_time=_clock(opens.get("at")),
        due_month=due.get("month"), due_day=due.get("day"), due_time=_clock(due.get("at")),
        in_working_days=entry.get("in_working_days", False), shift=Shift(entry.get("shift", "keep")),
        grace_days=entry.get("grace_days", 0), grace_hours=entry.get("grace_hours", 0), evidence=entry.get("evidence", STATEMENT),
        parameters=entry.get("parameters", {}), valid_from=today, active=entry.get("active", True),
    )  # fmt: skip


def _clock(text: str | None) -> time | None:
    return time.fromisoformat(text) if text else None


def create_duty(session: Session, values: Mapping[str, Any], *, actor: Actor) -> Duty:
    """Enter a duty; its first occurrences exist at once.

    Raises:
        NotAllowed: no right to make duties.
        FieldErrors: the rule has no such days or months.
    """
    actor.require("create", "Duty")
    duty = Duty(estate_id=actor.estate_id)
    set_rule(duty, values)
    session.add(duty)
    session.flush()
    _redraw(session, duty)
    return duty


def change_duty(session: Session, duty: Duty, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Change a duty. What has opened already keeps its terms; what has not opened yet is drawn anew.

    A duty switched off owes nothing any more: its open occurrences are waived. Raises as :func:`create_duty`.
    """
    actor.require("update", "Duty")
    before = duty.in_place_of_id
    set_rule(duty, values)
    if duty.in_place_of_id is not None and duty.in_place_of_id == duty.id:
        raise FieldErrors({"in_place_of_id": _l("A duty cannot take its own place.")})
    session.flush()
    for other in {before, duty.in_place_of_id} - {None}:
        _redraw(session, session.get_one(Duty, other))
    _redraw(session, duty)


def set_rule(duty: Duty, values: Mapping[str, Any]) -> None:
    """Write ``values`` into the duty's columns. Raises :class:`FieldErrors` when its period has no such days or months."""
    for name, value in values.items():
        setattr(duty, name, value)
    errors: dict[str, Any] = {}
    months = [part.strip() for part in (duty.months or "").replace("，", ",").split(",") if part.strip()]
    if any(not part.isdecimal() or not 1 <= int(part) <= 12 for part in months):
        errors["months"] = _l("Write months as numbers from 1 to 12 with commas between them.")
    elif months and duty.period != Period.MONTH:
        errors["months"] = _l("Only a duty of every month can be limited to some months.")
    longest = {Period.QUARTER: 3, Period.HALF_YEAR: 6, Period.YEAR: 12}.get(Period(duty.period), 1)
    for name in ("opens", "due"):
        month, day = getattr(duty, f"{name}_month"), getattr(duty, f"{name}_day")
        if month is not None and not 1 <= month <= longest:
            errors[f"{name}_month"] = _l("The period has no such month.")
        if day is not None and (
            day == 0 or (day < 0 and not duty.in_working_days) or (duty.period == Period.WEEK and day > 7)
        ):
            errors[f"{name}_day"] = _l("There is no such day.")
    if (duty.grace_days or 0) > LONGEST_GRACE[Period(duty.period)]:
        errors["grace_days"] = _l("What is late must be done before the next period is over; give fewer days.")
    if errors:
        raise FieldErrors(errors)
    duty.months = ",".join(str(int(part)) for part in months)


def _redraw(session: Session, duty: Duty) -> None:
    moment = now()
    session.execute(
        delete(DutyOccurrence)
        .where(
            DutyOccurrence.duty_id == duty.id, DutyOccurrence.opens_at > moment,
            DutyOccurrence.state == DutyState.OPEN,
        )
        .execution_options(synchronize_session="fetch")
    )  # fmt: skip
    duty.since = moment
    if not duty.active:
        running = select(DutyOccurrence).where(
            DutyOccurrence.duty_id == duty.id, DutyOccurrence.state == DutyState.OPEN
        )
        for occurrence in session.scalars(running):
            _waive(session, occurrence, _("The duty was put out of force."), None)
    session.flush()
    bring_up(session, duty.estate_id)


# Occurrences


def tick(session: Session) -> None:
    """Recurring work ``duties.tick``: bring every estate up to the present moment, one transaction each."""
    for estate_id in session.scalars(select(Estate.id).order_by(Estate.id)).all():
        bring_up(session, estate_id)
        session.commit()


def bring_up(session: Session, estate_id: int) -> None:
    """Draw the occurrences up to the next period, close those decided by evidence or time, put the others in the queue.

    Whenever it runs, after however long a standstill, the outcome is the same: evidence counts when the thing was
    done, not when it was found.
    """
    draw(session, estate_id)
    for occurrence in _settle(session, estate_id):
        if not occurrence.announced and not _owed(session, occurrence):
            continue
        if not occurrence.announced:
            _announce(session, occurrence)
        _remind(session, occurrence)
    session.flush()


def look_again(session: Session, estate_id: int, evidence_code: str) -> None:
    """Close what a record just written has fulfilled: open occurrences of the duties that this evidence shows."""
    _settle(session, estate_id, Duty.evidence == evidence_code)
    session.flush()


def draw(session: Session, estate_id: int) -> None:
    """Write the windows that are missing, for the duties whose next one does not exist yet."""
    moment = now()
    ahead = select(DutyOccurrence.id).where(DutyOccurrence.duty_id == Duty.id, DutyOccurrence.opens_at > moment)
    lacking = select(Duty).where(Duty.estate_id == estate_id, Duty.active, ~ahead.exists()).with_for_update()
    duties = session.scalars(lacking.order_by(Duty.id)).all()
    if not duties:
        return
    ids, calendar = [duty.id for duty in duties], calendar_of(session, estate_id)
    newest = select(DutyOccurrence.duty_id, func.max(DutyOccurrence.due_on)).where(DutyOccurrence.duty_id.in_(ids))
    last: dict[int, date] = dict(session.execute(newest.group_by(DutyOccurrence.duty_id)).all())
    instead: dict[int, list[Duty]] = defaultdict(list)
    for other in session.scalars(select(Duty).where(Duty.in_place_of_id.in_(ids), Duty.active)):
        instead[other.in_place_of_id or 0].append(other)
    wanted = {
        (duty.id, window.key): (duty, window)
        for duty in duties
        if not (duty.valid_to and duty.id in last and last[duty.id] >= duty.valid_to)
        for window in drawn(
            duty.rule, calendar, duty.since, last.get(duty.id), moment, in_force(duty, instead[duty.id])
        )
    }
    keys = {key for _duty, key in wanted}
    there = select(DutyOccurrence.duty_id, DutyOccurrence.period_key).where(
        DutyOccurrence.duty_id.in_(ids), DutyOccurrence.period_key.in_(keys)
    )
    present = {(duty_id, key) for duty_id, key in session.execute(there)} if keys else set()
    session.add_all(_occurrence(duty, window) for key, (duty, window) in wanted.items() if key not in present)
    session.flush()


def in_force(duty: Duty, instead: Iterable[Duty]) -> InForce:
    """Whether ``duty`` is in force on a day: within its time, and none of the active duties ``instead`` in its place."""
    return lambda day: duty.valid_on(day) and not any(other.valid_on(day) for other in instead)


def replacing(session: Session, duty: Duty) -> Sequence[Duty]:
    """The active duties that take the place of ``duty`` while they are in force."""
    return session.scalars(select(Duty).where(Duty.in_place_of_id == duty.id, Duty.active)).all() if duty.id else ()


def _occurrence(duty: Duty, window: Window) -> DutyOccurrence:
    return DutyOccurrence(
        estate_id=duty.estate_id, duty=duty, clause=duty.clause, period_key=window.key, due_on=window.due_on,
        opens_at=window.opens_at, due_at=window.due_at, closes_at=window.closes_at, needed=window.needed,
    )  # fmt: skip


def _settle(session: Session, estate_id: int, *further: Any) -> Sequence[DutyOccurrence]:
    """Count the evidence of the occurrences that have opened and close those that are decided; returns the others.

    The occurrences stand locked until the transaction ends, so a worker and a person never close one twice.
    """
    moment = now()
    waiting = (
        select(DutyOccurrence)
        .join(DutyOccurrence.duty)
        .where(
            DutyOccurrence.estate_id == estate_id, DutyOccurrence.state == DutyState.OPEN,
            DutyOccurrence.opens_at <= moment, *further,
        )
        .options(contains_eager(DutyOccurrence.duty))
        .order_by(DutyOccurrence.due_at, DutyOccurrence.id)
        .with_for_update(of=DutyOccurrence)
        .execution_options(populate_existing=True)
    )  # fmt: skip
    occurrences = session.scalars(waiting).all()
    if not occurrences:
        return []
    found = _evidence(session, occurrences, moment)
    used = _used(session, estate_id, moment)
    calendar = calendar_of(session, estate_id)
    for occurrence in occurrences:
        taken = used[occurrence.duty_id]
        fitting = [o for o in found[occurrence.id] if (o.record_type, o.record_id) not in taken]
        counted = _count(occurrence, fitting, moment, calendar)
        taken |= {(o.record_type, o.record_id) for o in counted}
    closed = [occurrence for occurrence in occurrences if occurrence.state != DutyState.OPEN]
    for occurrence in closed:
        if occurrence.state == DutyState.MISSED and not _owed(session, occurrence):
            _waive(session, occurrence, _("There was nothing to do."), None)
        else:
            _conclude(session, occurrence, moment)
    return [occurrence for occurrence in occurrences if occurrence.state == DutyState.OPEN]


def _evidence(
    session: Session, occurrences: Sequence[DutyOccurrence], moment: datetime
) -> dict[int, Sequence[Occasion]]:
    """The occasions within each occurrence's window, oldest first; one look per kind of evidence and its parameters."""
    kinds = registry().of(Evidence)
    asked: dict[tuple[str, str], list[DutyOccurrence]] = defaultdict(list)
    found: dict[int, Sequence[Occasion]] = {}
    stated: list[int] = []
    for occurrence in occurrences:
        if occurrence.duty.evidence in kinds:
            asked[occurrence.duty.evidence, json.dumps(occurrence.duty.parameters, sort_keys=True)].append(occurrence)
        else:
            stated.append(occurrence.id)
    for (code, parameters), group in asked.items():
        begin = min(o.opens_at for o in group)
        end = min(max(o.closes_at for o in group), moment) + INSTANT
        occasions = kinds[code].occasions(session, group[0].estate_id, begin, end, **json.loads(parameters))
        ordered = sorted(occasions, key=lambda o: (o.at, o.record_type, o.record_id))
        for one in group:
            found[one.id] = [o for o in ordered if one.opens_at <= o.at <= one.closes_at]
    if stated:
        said = select(DutyStatement).where(DutyStatement.occurrence_id.in_(stated)).order_by(DutyStatement.done_at)
        by_occurrence: dict[int, list[Occasion]] = {number: [] for number in stated}
        for line in session.scalars(said):
            by_occurrence[line.occurrence_id].append(
                Occasion(line.done_at, line.__tablename__, line.id, line.note[:120])
            )
        found |= by_occurrence
    return found


def _owed(session: Session, occurrence: DutyOccurrence) -> bool:
    """Whether there is anything to do in the occurrence's window, as far as its evidence tells."""
    kind = registry().of(Evidence).get(occurrence.duty.evidence)
    if kind is None or kind.owed is None:
        return True
    window = (occurrence.opens_at, occurrence.closes_at + INSTANT)
    return kind.owed(session, occurrence.estate_id, *window, **occurrence.duty.parameters)


def _used(session: Session, estate_id: int, moment: datetime) -> dict[int, set[tuple[str, int]]]:
    """Evidence that closed an earlier occurrence of the same duty inside the window of an open one, by duty.

    A thing done counts once: what was caught up for last month is not this month's.
    """
    waiting, closed = aliased(DutyOccurrence), aliased(DutyOccurrence)
    overlapping = (
        select(closed.duty_id, closed.evidence)
        .join(waiting, (waiting.duty_id == closed.duty_id) & (closed.closed_at >= waiting.opens_at))
        .where(
            waiting.estate_id == estate_id, waiting.state == DutyState.OPEN, waiting.opens_at <= moment,
            closed.state.in_([DutyState.KEPT, DutyState.LATE]),
        )
    )  # fmt: skip
    used: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for duty_id, evidence in session.execute(overlapping):
        used[duty_id] |= {(line["type"], line["id"]) for line in evidence}
    return used


def _count(
    occurrence: DutyOccurrence, occasions: Sequence[Occasion], moment: datetime, calendar: WorkingCalendar
) -> Sequence[Occasion]:
    """Count ``occasions`` and say how the occurrence stands; returns those that were counted."""
    if occurrence.duty.distinct_days:
        first_of_day: dict[date, Occasion] = {}
        for occasion in occasions:
            first_of_day.setdefault(calendar.local(occasion.at).date(), occasion)
        occasions = [*first_of_day.values()]
    counted = occasions[: occurrence.needed]
    if len(counted) == occurrence.needed:
        occurrence.closed_at = counted[-1].at
        occurrence.state = DutyState.KEPT if occurrence.closed_at <= occurrence.due_at else DutyState.LATE
    elif moment > occurrence.closes_at:
        counted = [o for o in counted if o.at <= occurrence.due_at]  # what came after is the next period's
        occurrence.closed_at, occurrence.state = occurrence.closes_at, DutyState.MISSED
    evidence = [{"at": o.at.isoformat(), "type": o.record_type, "id": o.record_id, "label": o.label} for o in counted]
    if evidence != occurrence.evidence:
        occurrence.evidence, occurrence.counted = evidence, len(evidence)
    return counted


def _conclude(session: Session, occurrence: DutyOccurrence, moment: datetime) -> None:
    """Take a decided occurrence out of the queue; the manager hears of what was missed."""
    missed = occurrence.state == DutyState.MISSED
    if occurrence.announced:
        item = work_of(session, occurrence, WORK)
        if item is not None and not missed:
            meet(session, item, RULE, at=occurrence.closed_at)
        close_work(session, occurrence, WORK, void=missed)
    if missed and moment - occurrence.closes_at < NEWS:
        session.flush()
        _tell(session, "duty.missed", occurrence, Role.MANAGER)


def _announce(session: Session, occurrence: DutyOccurrence) -> None:
    """Put an occurrence whose window has opened into the queue, with its clock."""
    item = open_work(session, occurrence, WORK, step="do", role=occurrence.duty.role)
    start(session, item, RULE, started_at=occurrence.opens_at, due=occurrence.due_at)
    occurrence.announced = True


def _remind(session: Session, occurrence: DutyOccurrence) -> None:
    """Tell the role on the working day before that a duty falls due on a rest day (sources C20)."""
    calendar = calendar_of(session, occurrence.estate_id)
    day = calendar.local(occurrence.due_at - INSTANT).date()
    if occurrence.reminded or calendar.is_working(day):
        return
    if calendar.moment(calendar.shifted(day, -1), MORNING) <= now() < occurrence.due_at:
        occurrence.reminded = True
        session.flush()
        _tell(session, "duty.on_rest_day", occurrence, Role(occurrence.duty.role))


def _tell(session: Session, event: str, occurrence: DutyOccurrence, role: Role) -> None:
    duty = occurrence.duty
    day = calendar_of(session, occurrence.estate_id).local(occurrence.due_at - INSTANT).date()
    notify(
        session, event, occurrence, roles=[role], duty={"zh": duty.title_zh, "en": duty.title_en},
        period=occurrence.period_key, due=day.isoformat(),
    )  # fmt: skip


# What people do


def answers_for(occurrence: DutyOccurrence, actor: Actor) -> bool:
    """Whether the actor holds the duty's role, or answers for everything as manager."""
    return bool({occurrence.duty.role, Role.MANAGER.value} & {str(role) for role in actor.roles})


def by_statement(duty: Duty) -> bool:
    """Whether no module knows the duty's evidence, so that somebody must state that it was done."""
    return duty.evidence not in registry().of(Evidence)


def state_done(
    session: Session,
    occurrence: DutyOccurrence,
    *,
    note: str,
    done_at: datetime | None = None,
    upload: FileStorage | None = None,
    actor: Actor,
) -> DutyStatement:
    """State that the duty was done, with a note and perhaps a file; it counts from ``done_at`` (default: now).

    Raises:
        NotAllowed: the actor does not hold the duty's role.
        Blocked: the occurrence is closed, has not opened, or is shown by records.
        FieldErrors: no note, or a moment before the opening or in the future.
        InvalidValue: a file we don't keep.
    """
    if not answers_for(occurrence, actor):
        raise NotAllowed(f"duty_occurrence {occurrence.id}")
    session.refresh(occurrence, with_for_update=True)
    moment = now()
    if not by_statement(occurrence.duty):
        raise Blocked([_("Records show whether this duty was done; a statement does not count.")])
    if occurrence.state != DutyState.OPEN:
        raise Blocked([_("This occurrence is closed.")])
    if not occurrence.opened(moment):
        raise Blocked([_("This occurrence has not opened yet.")])
    if not note.strip():
        raise FieldErrors({"note": _l("Say what was done.")})
    at = done_at or moment
    if not occurrence.opens_at <= at <= moment:
        raise FieldErrors({"done_at": _l("The moment must lie between the opening and now.")})
    statement = DutyStatement(
        estate_id=occurrence.estate_id, occurrence_id=occurrence.id, done_at=at, note=note.strip()[:500]
    )
    session.add(statement)
    session.flush()
    if upload is not None and upload.filename:
        attach(session, occurrence, upload, kind="evidence", actor=actor)
    _settle(session, occurrence.estate_id, DutyOccurrence.id == occurrence.id)
    session.flush()
    return statement


def waive(session: Session, occurrence: DutyOccurrence, *, reason: str, actor: Actor) -> None:
    """Let an open or missed occurrence be, with the reason; it counts neither as kept nor as missed.

    Raises:
        NotAllowed: no right to waive duties.
        FieldErrors: no reason.
        Blocked: it was done.
    """
    actor.require("waive", "Duty")
    if not reason.strip():
        raise FieldErrors({"reason": _l("Say why the duty is waived.")})
    if occurrence.state not in (DutyState.OPEN, DutyState.MISSED):
        raise Blocked([_("This occurrence is closed.")])
    _waive(session, occurrence, reason.strip(), actor.user_id)
    session.flush()


def _waive(session: Session, occurrence: DutyOccurrence, reason: str, person_id: int | None) -> None:
    occurrence.state, occurrence.closed_at = DutyState.WAIVED, occurrence.closed_at or now()
    occurrence.waive_reason, occurrence.waived_by_id = reason[:300], person_id
    close_work(session, occurrence, WORK, void=True)
    record_event(session, "waive", occurrence, note=occurrence.waive_reason)


def report_for(session: Session, from_on: date, until_on: date, *, actor: Actor) -> DutyReport:
    """The record that papers of these months hang on, made when they are first asked for."""
    actor.require("print", "DutyReport")
    known = select(DutyReport).where(
        DutyReport.estate_id == actor.estate_id, DutyReport.from_on == from_on, DutyReport.until_on == until_on
    )
    record = session.scalar(known)
    if record is None:
        record = DutyReport(estate_id=actor.estate_id, from_on=from_on, until_on=until_on)
        session.add(record)
        session.flush()
    return record
