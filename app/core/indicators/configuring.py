"""Targets on the page of settings and in the configuration file."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.access.actor import Actor, NotAllowed
from app.core.configuration.codec import decode, encode
from app.core.configuration.kinds import ConfigValues, Entry, Group, Key, Setting
from app.core.indicators.kinds import Indicator
from app.core.indicators.models import IndicatorTarget
from app.core.indicators.services import set_target
from app.core.indicators.views import IndicatorPage
from app.core.records.identifiers import InvalidValue
from app.core.registry import registry


def _read(session: Session, estate_id: int) -> Mapping[Key, Entry]:
    mine = select(IndicatorTarget).where(IndicatorTarget.estate_id == estate_id).order_by(IndicatorTarget.code)
    return {(row.code,): {"target": encode(row.target)} for row in session.scalars(mine)}


def _save(session: Session, key: Key, values: Entry, *, actor: Actor) -> None:
    if values.keys() != {"target"}:
        raise InvalidValue(_l("A target is a number from 0 up; a percentage goes to 100."))
    try:
        set_target(session, key[0], decode(IndicatorTarget.__table__.c.target, values["target"]), actor=actor)
    except NotAllowed:
        raise InvalidValue(_l("This installation has no such indicator.")) from None


TARGETS = ConfigValues(
    code="indicator_targets", title=_l("Targets of indicators"), resource="Indicator", key="indicator", read=_read,
    save=_save, labels={"target": _l("Target")}, order=50,
    name=lambda code: found.title if (found := registry().of(Indicator).get(code)) else code,
)  # fmt: skip
SETTING = Setting(
    code="indicator_targets", title=_l("Targets of indicators"), group=Group.WORK, view=IndicatorPage,
    models=(IndicatorTarget,), sentence=_l("What the centre wants to reach, instead of the usual targets."), icon="chart-bar",
    order=40,
)  # fmt: skip
