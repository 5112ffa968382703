"""例行职责履行报告: how the recurring duties were kept, by clause and month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Occurrences of one clause in one month by how they stand; ``percent`` kept in time of those decided."""

    kept: int = 0
    late: int = 0
    missed: int = 0
    waived: int = 0
    open: int = 0
    percent: int | None = None


@dataclass(frozen=True)
class Row:
    """One clause; ``months`` in the order of the report's."""

    clause: Bilingual
    duties: Bilingual
    months: tuple[Figures, ...]
    total: Figures

    @property
    def shown(self) -> tuple[str, ...]:
        """The outcomes that have a line: what was waived or is open only where there is any."""
        asides = [name for name in ("waived", "open") if getattr(self.total, name)]
        return ("kept", "late", "missed", *asides)


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    from_on: date
    last_on: date
    months: tuple[str, ...]
    rows: tuple[Row, ...]
    total: Row
    signatures: tuple[Signature, ...]
