"""装修施工许可证: to be posted on the door of the unit (forms C4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.core.papers.base.context import Header, Signature
from app.modules.renovation.papers.shared.context import Hours


@dataclass(frozen=True, kw_only=True)
class Extension:
    to_day: date
    reason: str
    granted_by: str


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    company: str
    leader: str
    leader_phone: str = ""
    works: str
    valid_from: date
    valid_to: date
    hours: tuple[Hours, ...] = ()
    conditions: str = ""
    supervision_phone: str
    extensions: tuple[Extension, ...] = ()
    signatures: tuple[Signature, ...]
