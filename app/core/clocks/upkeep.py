"""Keeping clock rules, their escalations, the calendar's days and the opening hours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.access.roles import Role
from app.core.clocks.models import WEEKDAYS, ClockRule, ClockUnit, Escalation, OpeningHours
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors

U = ClockUnit
COUNTED = (U.SECONDS, U.HOURS, U.OPENING_HOURS, U.CALENDAR_DAYS, U.WORKING_DAYS)
MOST_HOURS = 24 * 365


def checked_rule(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a rule with those its unit does not use left out.

    Raises:
        FieldErrors: a value its unit needs is missing or beyond its bounds.
    """
    unit, errors = values["unit"], {}
    amount, weekday, day = values.get("amount") or 0, values.get("weekday"), values.get("day")
    months = _months(values.get("months") or "")
    if unit in COUNTED and not 0 <= amount <= (10_000_000 if unit == U.SECONDS else 1000):
        errors["amount"] = _l("Write a number from 0 to 1000.")
    if unit == U.WEEKDAY and weekday is None:
        errors["weekday"] = _l("Choose the day of the week.")
    if unit in (U.DAY_OF_MONTH, U.WINDOW) and not 1 <= (day or 0) <= 31:
        errors["day"] = _l("Write a day from 1 to 31.")
    if unit == U.WINDOW and not errors and not (day or 0) <= amount <= 31:
        errors["amount"] = _l("The window ends on or after its first day, at the latest on the 31st.")
    if months is None:
        errors["months"] = _l("Write months as numbers from 1 to 12, such as 3, 6, 9, 12.")
    if errors:
        raise FieldErrors(errors)
    in_days = unit not in (U.SECONDS, U.HOURS, U.OPENING_HOURS)
    return dict(values) | {
        "amount": 0 if unit in (U.WEEKDAY, U.DAY_OF_MONTH) else amount,
        "weekday": weekday if unit == U.WEEKDAY else None,
        "day": day if unit in (U.DAY_OF_MONTH, U.WINDOW) else None,
        "months": months if unit in (U.DAY_OF_MONTH, U.WINDOW) else "",
        "due_time": values.get("due_time") if in_days else None,
    }


def _months(text: str) -> str | None:
    parts = [part for part in re.split(r"[\s,，、;；]+", text.strip()) if part]
    if not all(part.isascii() and part.isdecimal() and 1 <= int(part[:3]) <= 12 for part in parts):
        return None
    return ",".join(map(str, sorted({int(part) for part in parts})))


def save_rule(session: Session, rule: ClockRule, values: Mapping[str, Any], *, actor: Actor) -> None:
    """Change a rule. Clocks that run keep their limits until they are counted anew.

    Raises:
        FieldErrors: as :func:`checked_rule`.
    """
    actor.require("update", "ClockRule")
    for name, value in checked_rule(values).items():
        setattr(rule, name, value)
    session.flush()


def save_escalation(
    session: Session, rule: ClockRule, step: Escalation | None, *, after_hours: str, role: str, actor: Actor
) -> None:
    """Add a step to a rule, or change one: who is told how many hours after the limit.

    Raises:
        InvalidValue: no such role, hours out of bounds, or the role is told at that time already.
    """
    actor.require("update", "ClockRule")
    text = after_hours.strip()
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and int(text) <= MOST_HOURS):
        raise InvalidValue(_l("Write the hours after the limit as a whole number; 0 is at once."))
    if role not in set(Role):
        raise InvalidValue(_l("Choose who is told."))
    if any(s.after_hours == int(text) and s.role == role for s in rule.escalations if s is not step):
        raise InvalidValue(_l("This role is told at that time already."))
    if step is None:
        step = Escalation(estate_id=rule.estate_id)
        rule.escalations.append(step)
    step.after_hours, step.role = int(text), role
    session.flush()


def remove_escalation(session: Session, rule: ClockRule, step: Escalation, *, actor: Actor) -> None:
    """Take a step out of a rule."""
    actor.require("update", "ClockRule")
    session.delete(step)
    session.flush()
    session.expire(rule, ["escalations"])


Hours = tuple[time, time]


def hours_of(session: Session, estate_id: int) -> dict[int, list[OpeningHours]]:
    """The opening hours by day of the week, 0 = Monday; every day has its list."""
    rows = session.scalars(select(OpeningHours).where(OpeningHours.estate_id == estate_id).order_by(OpeningHours.opens))
    found: dict[int, list[OpeningHours]] = {weekday: [] for weekday in WEEKDAYS}
    for row in rows:
        found[row.weekday].append(row)
    return found


def save_hours(session: Session, week: Mapping[int, Sequence[Hours]], *, actor: Actor) -> None:
    """Set the opening hours of the actor's estate, of every day of the week.

    Raises:
        InvalidValue: a period ends before it begins, two overlap, or the counter would never open.
    """
    actor.require("update", "OpeningHours")
    if not any(week.values()):
        raise InvalidValue(_l("The counter must open on at least one day of the week."))
    for weekday, periods in week.items():
        if any(opens >= closes for opens, closes in periods):
            raise InvalidValue(_l("%(day)s: the counter closes after it opens.", day=WEEKDAYS[weekday]))
        if any(later[0] < earlier[1] for earlier, later in zip(sorted(periods), sorted(periods)[1:], strict=False)):
            raise InvalidValue(_l("%(day)s: the periods overlap.", day=WEEKDAYS[weekday]))
    for weekday, rows in hours_of(session, int(actor.estate_id or 0)).items():
        wanted, present = set(week.get(weekday, ())), {(row.opens, row.closes): row for row in rows}
        for period in present.keys() - wanted:
            session.delete(present[period])
        session.flush()
        session.add_all(
            OpeningHours(weekday=weekday, opens=opens, closes=closes)
            for opens, closes in sorted(wanted - present.keys())
        )
    session.flush()
