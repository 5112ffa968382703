"""Clock rules, calendar and opening hours on the page of settings and in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.clocks.models import WEEKDAYS, CalendarDay, ClockRule, Escalation, OpeningHours
from app.core.clocks.upkeep import hours_of, remove_escalation, save_escalation, save_hours, save_rule
from app.core.clocks.views import CalendarDayView, ClockRuleView, OpeningHoursPage
from app.core.configuration.kinds import Child, ConfigPart, ConfigValues, Entry, Group, Key, Setting
from app.core.records.identifiers import InvalidValue

LIMIT = ("unit", "amount", "weekday", "day", "months", "due_time")


def _save_rule(session: Session, rule: ClockRule, values: dict[str, Any], *, actor: Actor) -> ClockRule:
    steps = values.pop("escalations", None)
    if values:
        save_rule(session, rule, {name: getattr(rule, name) for name in LIMIT} | values, actor=actor)
    if steps is not None:
        _save_steps(session, rule, steps, actor)
    return rule


def _save_steps(session: Session, rule: ClockRule, steps: Sequence[Mapping[str, Any]], actor: Actor) -> None:
    wanted = {(step["after_hours"], step["role"]) for step in steps}
    for step in list(rule.escalations):
        if (step.after_hours, step.role) not in wanted:
            remove_escalation(session, rule, step, actor=actor)
    for hours, role in sorted(wanted - {(step.after_hours, step.role) for step in rule.escalations}):
        save_escalation(session, rule, None, after_hours=str(hours), role=role, actor=actor)


RULES = ConfigPart(
    code="clock_rules", title=_l("Clock rules"), model=ClockRule, key=("key",), grows=False, resource="ClockRule",
    columns=("title_zh", "title_en", *LIMIT, "shift", "pausable"), save=_save_rule, order=10,
    children=(
        Child(name="escalations", title=_l("Who is told when the limit has passed"), model=Escalation,
              key=("after_hours", "role")),
    ),
)  # fmt: skip
DAYS = ConfigPart(
    code="calendar_days", title=_l("Corrected days"), model=CalendarDay, key=("day",), resource="CalendarDay", order=11,
    columns=("working", "title", "notice", "closed", "opens", "closes"),
)  # fmt: skip


def _hours(session: Session, estate_id: int) -> dict[Key, Entry]:
    week = hours_of(session, estate_id)
    return {
        (str(weekday + 1),): {"periods": [f"{row.opens:%H:%M}-{row.closes:%H:%M}" for row in rows]}
        for weekday, rows in week.items()
    }


def _save_hours(session: Session, key: Key, values: Entry, *, actor: Actor) -> None:
    if key[0] not in {str(weekday + 1) for weekday in WEEKDAYS} or values.keys() != {"periods"}:
        raise InvalidValue(_l("The days of the week are 1 for Monday to 7, each with its periods."))
    week: dict[int, Sequence[tuple[time, time]]] = {
        weekday: [(row.opens, row.closes) for row in rows]
        for weekday, rows in hours_of(session, int(actor.estate_id or 0)).items()
    }
    save_hours(session, week | {int(key[0]) - 1: _periods(values["periods"])}, actor=actor)


def _periods(given: Any) -> list[tuple[time, time]]:
    try:
        pairs = [text.split("-") for text in given]
        if not isinstance(given, list) or len(given) > 8:
            raise ValueError
        return [(time.fromisoformat(opens), time.fromisoformat(closes)) for opens, closes in pairs]
    except (ValueError, TypeError, AttributeError):
        raise InvalidValue(_l("Write the periods of a day as 08:30-12:00.")) from None


HOURS = ConfigValues(
    code="opening_hours", title=_l("Opening hours"), resource="OpeningHours", key="weekday", read=_hours, save=_save_hours,
    labels={"weekday": _l("Day of the week"), "periods": _l("Open")}, order=12,
    name=lambda key: WEEKDAYS[int(key) - 1] if key in tuple("1234567") else key,
)  # fmt: skip

SETTINGS = (
    Setting(
        code="clock_rules", title=_l("Clock rules"), group=Group.TIME, view=ClockRuleView, models=(ClockRule, Escalation),
        sentence=_l("How long things may take, and who is told when a limit has passed."), icon="hourglass", order=10,
    ),
    Setting(
        code="calendar_days", title=_l("Working calendar"), group=Group.TIME, view=CalendarDayView, models=(CalendarDay,),
        sentence=_l("Days on which this centre differs from the State Council's notice."), icon="calendar", order=20,
    ),
    Setting(
        code="opening_hours", title=_l("Opening hours"), group=Group.TIME, view=OpeningHoursPage, models=(OpeningHours,),
        sentence=_l("When the counter is open on each day of the week."), icon="clock", order=30,
    ),
)  # fmt: skip
