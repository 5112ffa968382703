"""F11 验房签收记录: the owner signs for the outcome of an inspection round (MI-10, MI-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class OpenDefect:
    """A defect still to be rectified: where, what, who is responsible and the promised day."""

    number: int
    space: Bilingual
    description: str
    responsible: str
    due_on: date


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    owner: str
    agent: str = ""
    inspection_no: str
    round_no: int
    inspected_on: date
    inspector: str
    items_checked: int
    items_failed: int
    conclusion: Literal["", "accepted", "accepted_with_defects", "refused"] = ""
    open_defects: tuple[OpenDefect, ...] = ()
    promised_on: date | None = None
    remarks: str = ""
    signatures: tuple[Signature, ...]
