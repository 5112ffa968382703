"""F27 装修施工人员登记表: the crew of a renovation (forms C2). ID numbers and telephones come masked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Worker:
    """``image``: the portrait as ``data:`` URI, or empty; ``misconduct``: number of entries in the management record."""

    image: str = ""
    name: str
    sex: Bilingual | None = None
    id_no: str
    mobile: str = ""
    trade: Bilingual
    certificate_no: str = ""
    certificate_until: date | None = None
    lodging: str = ""
    entered_on: date | None = None
    left_on: date | None = None
    passes: str = ""
    misconduct: int = 0
    state: Bilingual
    verified_by: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    renovation_no: str
    company: str
    leader: str
    leader_phone: str = ""
    workers: tuple[Worker, ...] = ()
    signatures: tuple[Signature, ...]
