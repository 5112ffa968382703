"""F10 业主登记表: who owns and lives in a unit (forms A1; MI-02).

Only what the service needs is asked for; ID numbers arrive masked and no copy of an ID card is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from app.core.papers.base.context import Bilingual, Header, Signature


@dataclass(frozen=True, kw_only=True)
class CoOwner:
    """``share`` in per cent, None under joint ownership."""

    name: str
    id_type: Bilingual
    id_number: str
    form: Bilingual
    share: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Member:
    """A household member; ``guardian_consent`` matters under fourteen only (None otherwise; PIPL art. 31)."""

    name: str
    relation: Bilingual
    sex: Bilingual | None = None
    id_number: str = ""
    mobile: str = ""
    guardian_consent: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Vehicle:
    plate: str
    make: str = ""
    colour: str = ""
    bay: str = ""


@dataclass(frozen=True, kw_only=True)
class Pet:
    kind: str
    name: str = ""
    licence: str = ""


@dataclass(frozen=True, kw_only=True)
class Consent:
    """The consent behind this form: version of the privacy notice, day, and what was agreed to."""

    notice_version: str
    given_on: date
    scope: Bilingual


@dataclass(frozen=True, kw_only=True)
class Context:
    """``gfa`` and ``ifa`` in m². The organisation's fields stay empty for an individual."""

    header: Header
    owner_type: Literal["", "individual", "organisation"]
    owner_name: str
    sex: Bilingual | None = None
    nationality: Bilingual | None = None
    birth_date: date | None = None
    id_type: Bilingual
    id_number: str
    credit_code: str = ""
    organisation_contact: str = ""
    mobile: str
    landline: str = ""
    email: str = ""
    address: str = ""
    postcode: str = ""
    emergency_contact: str
    emergency_phone: str
    emergency_relation: Bilingual | None = None
    title_proof: Bilingual | None = None
    title_proof_no: str = ""
    gfa: Decimal | None = None
    ifa: Decimal | None = None
    movein_date: date | None = None
    use: Literal["", "owner_occupied", "let", "vacant", "commercial"] = ""
    invoice: str = ""
    preferred_language: Bilingual | None = None
    channel: Bilingual | None = None
    co_owners: tuple[CoOwner, ...] = ()
    members: tuple[Member, ...] = ()
    vehicles: tuple[Vehicle, ...] = ()
    pets: tuple[Pet, ...] = ()
    consent: Consent | None = None
    signatures: tuple[Signature, ...]
