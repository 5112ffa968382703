"""装修禁止行为和注意事项告知书: what the applicant and the contractor are told before the work (Decree 110 art. 15; RN-02)."""

from __future__ import annotations

from dataclasses import dataclass

from app.core.papers.base.context import Bilingual, Header, Signature
from app.modules.renovation.papers.shared.context import Hours


@dataclass(frozen=True, kw_only=True)
class Act:
    article: str
    title: Bilingual


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    applicant: str
    company: str
    acts: tuple[Act, ...]
    cautions: tuple[Bilingual, ...]
    hours: tuple[Hours, ...] = ()
    signatures: tuple[Signature, ...]
