"""F12 入伙资料签收表: the papers handed to the owner against signature (forms A4; MI-01, MI-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class Document:
    """One paper handed over; ``returned_on`` is the day a signed copy came back when it ``must_return``."""

    title: Bilingual
    version: str = ""
    language: Bilingual | None = None
    copies: int = 1
    pages: int | None = None
    issued: bool = False
    must_return: bool = False
    returned_on: date | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Context:
    header: Header
    recipient: str
    capacity: Literal["", "owner", "agent"]
    authorisation_no: str = ""
    documents: tuple[Document, ...]
    signatures: tuple[Signature, ...]
