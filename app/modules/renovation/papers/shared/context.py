"""What several papers of a renovation say: which one it is, and when may be worked (forms C4, C8, C9)."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.papers.base.context import Bilingual, Header


@dataclass(frozen=True, kw_only=True)
class Case:
    """The renovation that a paper is about; ``company``: who does the work."""

    header: Header
    renovation_no: str
    permit_no: str
    applicant: str
    company: str


@dataclass(frozen=True, kw_only=True)
class Hours:
    """A span in which may be worked on a kind of day; ``noisy``: with noise."""

    days: Bilingual
    span: str
    noisy: bool
