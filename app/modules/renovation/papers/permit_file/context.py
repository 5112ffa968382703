"""装修档案目录: what lies in the file of one renovation, in order (RN-13; forms G1 part D)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.core.papers.base.context import Bilingual, Signature
from app.modules.renovation.papers.shared.context import Case


@dataclass(frozen=True, kw_only=True)
class Entry:
    """``original``: the paper as issued; otherwise the scan of what was signed. ``number``: none of a loose scan."""

    code: str
    title: Bilingual
    number: str = ""
    dated: date
    original: bool
    pages: int


@dataclass(frozen=True, kw_only=True)
class Context(Case):
    accepted_on: date | None = None
    state: Bilingual
    entries: tuple[Entry, ...]
    signatures: tuple[Signature, ...]

    @property
    def pages(self) -> int:
        return sum(entry.pages for entry in self.entries)
