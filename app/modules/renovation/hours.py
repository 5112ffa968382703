"""When may be worked: the estate's hours by kind of day, and the rules of cities to take over (Noise Law art. 66; RN-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor
from app.core.clocks.calendar import calendar_of
from app.core.papers.base.context import Bilingual
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.modules.renovation.seeding import SEEDS, hours_from
from app.modules.renovation.site_models import DayKind, PermittedHours


@dataclass(frozen=True)
class Preset:
    """The hours that a city or province permits, with their source."""

    code: str
    title: Bilingual
    source: Bilingual
    hours: tuple[dict[str, Any], ...]


def presets() -> list[Preset]:
    """The rules of cities that were checked (``seeds/hours.yaml``)."""
    known = yaml.safe_load((SEEDS / "hours.yaml").read_text(encoding="utf-8"))["presets"]
    return [
        Preset(
            entry["code"], Bilingual(entry["zh"], entry["en"]), Bilingual(entry["source_zh"], entry["source_en"]),
            tuple(entry["hours"]),
        )
        for entry in known
    ]  # fmt: skip


def kind_of_day(session: Session, estate_id: int, moment: datetime) -> DayKind:
    """Working day or rest day by the estate's calendar, holidays and make-up days included."""
    calendar = calendar_of(session, estate_id)
    working = calendar.is_working(calendar.local(moment).date())
    return DayKind.WORKDAY if working else DayKind.REST_DAY


def hours_at(session: Session, estate_id: int, moment: datetime) -> list[PermittedHours]:
    """The spans of the day of a moment, early ones first; empty when nothing may be done on it."""
    kind = kind_of_day(session, estate_id, moment)
    mine = (PermittedHours.estate_id == estate_id, PermittedHours.day_kind == kind)
    return list(session.scalars(select(PermittedHours).where(*mine).order_by(PermittedHours.opens)))


def is_permitted(session: Session, estate_id: int, moment: datetime, *, noisy: bool = True) -> bool:
    """Whether may be worked at a moment: from the beginning of a span up to, not including, its end.

    ``noisy``: work that makes noise, as renovation usually does; without, the spans for quiet work count too.
    """
    at = calendar_of(session, estate_id).local(moment).time()
    spans = hours_at(session, estate_id, moment)
    return any(span.opens <= at < span.closes and (span.noisy or not noisy) for span in spans)


def save_hours(session: Session, row: PermittedHours | None, values: dict[str, Any], *, actor: Actor) -> PermittedHours:
    """Enter or change a span.

    Raises:
        FieldErrors: it ends before it begins, or overlaps another one of the same days.
    """
    actor.require("update" if row else "create", "RenovationRule")
    row = row or PermittedHours(estate_id=actor.estate_id)
    for name, value in values.items():
        setattr(row, name, value)
    if row.closes <= row.opens:
        raise FieldErrors({"closes": _("The hours end before they begin.")})
    with session.no_autoflush:
        others = session.scalars(
            select(PermittedHours).where(
                PermittedHours.estate_id == row.estate_id, PermittedHours.day_kind == row.day_kind,
                PermittedHours.id != (row.id or 0), PermittedHours.opens < row.closes, PermittedHours.closes > row.opens,
            )
        ).all()  # fmt: skip
    if others:
        raise FieldErrors({"opens": _("These hours overlap others of the same days.")})
    session.add(row)
    session.flush()
    return row


def take_over(session: Session, code: str, *, actor: Actor) -> Preset:
    """Let the hours of a city stand instead of the estate's own.

    Raises:
        InvalidValue: no such city is known here.
    """
    actor.require("update", "RenovationRule")
    chosen = next((preset for preset in presets() if preset.code == code), None)
    if chosen is None or actor.estate_id is None:
        raise InvalidValue(_l("The hours of this place are not known here."))
    for row in session.scalars(select(PermittedHours).where(PermittedHours.estate_id == actor.estate_id)):
        session.delete(row)
    session.flush()
    session.add_all(hours_from(actor.estate_id, list(chosen.hours)))
    session.flush()
    return chosen
