"""Estate time: stored moments are UTC, days and shown times are those of the estate's zone."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from app.core.records.base import now
from app.core.records.estate import Estate


def estate_zone(session: Session, estate_id: int) -> ZoneInfo:
    """The estate's time zone."""
    estate = session.get(Estate, estate_id)
    session.info["estate", estate_id] = estate  # held, so that the session finds it at hand the next time it is asked
    return ZoneInfo(estate.time_zone if estate else "Asia/Shanghai")


def estate_today(session: Session, estate_id: int) -> date:
    """Today's date at the estate."""
    return now().astimezone(estate_zone(session, estate_id)).date()


def estate_time(session: Session, estate_id: int, moment: datetime) -> datetime:
    """``moment`` as the estate's clock shows it, without zone (what papers print)."""
    return moment.astimezone(estate_zone(session, estate_id)).replace(tzinfo=None)


def bounds_of(session: Session, estate_id: int, start: date, end: date) -> tuple[datetime, datetime]:
    """The moments between which the days ``start`` to ``end`` (included) lie at the estate."""
    zone = estate_zone(session, estate_id)
    return datetime.combine(start, time.min, zone), datetime.combine(end + timedelta(days=1), time.min, zone)
