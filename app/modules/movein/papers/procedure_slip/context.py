"""F17 入伙手续书: the routing slip of one move-in, step by step with stamp (forms A9; MI-04, MI-05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Step:
    """One station: what is done, by which office, and once done by whom, when and with which result."""

    number: int
    name: Bilingual
    office: Bilingual
    handled_by: str = ""
    handled_at: datetime | None = None
    result: Bilingual | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    owner: str
    agent: str = ""
    notice_no: str = ""
    steps: tuple[Step, ...]
    signatures: tuple[Signature, ...] = ()
