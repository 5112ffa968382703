"""All settings of an estate at a glance: how many, and who changed them last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from app.core.audit.models import AuditEntry
from app.core.configuration.kinds import Group, Setting
from app.core.registry import registry


@dataclass(frozen=True)
class Overview:
    """A setting with its count (None: nothing to count) and its newest entry of the change log (None: as supplied)."""

    setting: Setting
    count: int | None
    change: Any = None

    @property
    def changed(self) -> bool:
        """Whether anybody changed it since the product brought it along."""
        return self.change is not None and (self.change.actor_id is not None or self.change.kind != "create")


def overview(session: Session, estate_id: int, allowed: Any) -> dict[Group, list[Overview]]:
    """The settings for whose view ``allowed(view)`` holds, by group; two statements however many there are."""
    chosen = sorted((s for s in registry().of(Setting).values() if allowed(s.view)), key=lambda s: (s.order, s.code))
    if not chosen:
        return {}
    facts = session.execute(select(*(column for s in chosen for column in _columns(estate_id, s)))).one()
    counts, newest = facts[::2], facts[1::2]
    entries = {e.id: e for e in session.scalars(select(AuditEntry).where(AuditEntry.id.in_([n for n in newest if n])))}
    found: dict[Group, list[Overview]] = {group: [] for group in Group}
    for setting, count, last in zip(chosen, counts, newest, strict=True):
        found[setting.group].append(Overview(setting, count, entries.get(last)))
    return {group: lines for group, lines in found.items() if lines}


def _columns(estate_id: int, setting: Setting) -> Sequence[Any]:
    """How many rows count, and the id of the newest entry about one of them."""
    if not setting.models:
        return literal(None).label(f"{setting.code}_count"), literal(None).label(f"{setting.code}_last")
    first: Any = setting.models[0]
    mine = [first.estate_id == estate_id, *setting.counted()]
    count = select(func.count()).select_from(first).where(*mine).scalar_subquery()
    tables = [model.__tablename__ for model in setting.models]
    about = [AuditEntry.chain == estate_id, AuditEntry.record_type.in_(tables)]
    if setting.arguments:  # one of several settings that share a table
        same = [getattr(first, name) == value for name, value in setting.arguments]
        about.append(AuditEntry.record_id.in_(select(first.id).where(first.estate_id == estate_id, *same)))
    last = select(func.max(AuditEntry.id)).where(*about).scalar_subquery()
    return count.label(f"{setting.code}_count"), last.label(f"{setting.code}_last")
