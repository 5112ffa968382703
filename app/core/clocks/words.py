"""Clocks in words: how long is left, how late it is."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo

from flask_babel import gettext as _
from flask_babel import ngettext

from app.core.clocks.models import NO_DEADLINE, Deadline
from app.core.records.base import now

SOON = timedelta(hours=24)


def span(length: timedelta) -> str:
    """A length of time as people say it, rounded down: ``3 days`` from two days on, ``5 h``, ``20 min``."""
    minutes = int(abs(length).total_seconds()) // 60
    if minutes >= 48 * 60:
        return ngettext("%(num)s day", "%(num)s days", minutes // 1440)
    if minutes >= 60:
        return _("%(hours)s h", hours=minutes // 60)
    return _("%(minutes)s min", minutes=minutes)


def limit_text(due_at: datetime, zone: tzinfo) -> str:
    """A limit as ``2026-11-20 12:00``; midnight ends a day: ``2026-11-20 24:00``."""
    local = due_at.astimezone(zone)
    ends = local.time() == time(0)
    return f"{local - timedelta(days=1):%Y-%m-%d} 24:00" if ends else f"{local:%Y-%m-%d %H:%M}"


def clock_text(due_at: datetime | None, moment: datetime | None = None) -> str:
    """``2 days left`` or ``overdue by 3 h`` at ``moment`` (now); empty without a deadline."""
    if due_at is None or due_at >= NO_DEADLINE:
        return ""
    left = due_at - (moment or now())
    if left < timedelta(0):
        return _("overdue by %(time)s", time=span(left))
    return _("%(time)s left", time=span(left))


def clock_colour(due_at: datetime | None, moment: datetime | None = None) -> str:
    """Badge colour beside :func:`clock_text`: red overdue, orange within a day, green before."""
    if due_at is None or due_at >= NO_DEADLINE:
        return "secondary"
    left = due_at - (moment or now())
    return "red" if left < timedelta(0) else "orange" if left < SOON else "green"


def deadline_text(deadline: Deadline, moment: datetime | None = None) -> str:
    """The state of a clock: what is left, paused and for whom, met in time or how late, cancelled."""
    if deadline.cancelled_at:
        return _("cancelled")
    if deadline.met_at:
        late = deadline.met_at - deadline.due_at
        return _("met, %(time)s late", time=span(late)) if late > timedelta(0) else _("met in time")
    if deadline.paused_at:
        return _("paused: %(reason)s", reason=deadline.pause_reason) if deadline.pause_reason else _("paused")
    return clock_text(deadline.due_at, moment)


def deadline_colour(deadline: Deadline, moment: datetime | None = None) -> str:
    """Badge colour beside :func:`deadline_text`."""
    if deadline.cancelled_at or deadline.paused_at:
        return "secondary"
    if deadline.met_at:
        return "orange" if deadline.met_at > deadline.due_at else "green"
    return clock_colour(deadline.due_at, moment)
