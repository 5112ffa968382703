"""Persons and organisations, what they hold, rent or live in and from when to when, their cars and their consents."""

import re
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from app.core.access.masking import mask_id, mask_phone
from app.core.records.base import Record, UtcDateTime, now, within_estate
from app.core.records.choices import Choice, choice
from app.core.records.identifiers import compact, halfwidth, phone
from app.core.records.names import name_key, pinyin_keys
from app.core.records.secrets import EncryptedText, HasSecrets
from app.core.search.prefix import search_key
from app.modules.estates.models import ParkingBay, Unit


class PersonKind(Choice):
    INDIVIDUAL = "individual", _l("Individual")
    ORGANISATION = "organisation", _l("Organisation")


class Sex(Choice):
    MALE = "male", _l("Male")
    FEMALE = "female", _l("Female")


class IdKind(Choice):
    """Identity documents; the values are those of :class:`app.core.records.identifiers.IdDocument`."""

    RESIDENT_ID = "resident_id", _l("Resident identity card")
    HK_MACAO_PERMIT = "hk_macao_permit", _l("Travel permit of Hong Kong and Macao residents")
    TAIWAN_PERMIT = "taiwan_permit", _l("Travel permit of Taiwan residents")
    HMT_RESIDENCE_PERMIT = "hmt_residence_permit", _l("Residence permit of Hong Kong, Macao and Taiwan residents")
    PASSPORT = "passport", _l("Passport")
    FOREIGN_PR_CARD = "foreign_pr_card", _l("Foreign permanent resident ID card")
    BUSINESS_LICENCE = "business_licence", _l("Business licence")


class Language(Choice):
    ZH = "zh", _l("Chinese")
    EN = "en", _l("English")


class Channel(Choice):
    PHONE = "phone", _l("Telephone")
    SMS = "sms", _l("Text message")
    EMAIL = "email", _l("E-mail")
    LETTER = "letter", _l("Letter")


class TenureRole(Choice):
    OWNER = "owner", _l("Owner")
    TENANT = "tenant", _l("Tenant")
    HOUSEHOLD_MEMBER = "household_member", _l("Household member")
    OCCUPANT = "occupant", _l("Occupant")


class Relation(Choice):
    """Relation of a household member to the owner."""

    SPOUSE = "spouse", _l("Spouse")
    PARENT = "parent", _l("Parent")
    CHILD = "child", _l("Child")
    RELATIVE = "relative", _l("Other relative")
    OTHER = "other", _l("Other relation")


class CoOwnership(Choice):
    """Form of co-ownership, Civil Code arts. 297-299."""

    BY_SHARES = "by_shares", _l("Co-ownership by shares")
    JOINT = "joint", _l("Joint ownership")


class UnitUse(Choice):
    """Use of the unit as its owner states it."""

    OWNER_OCCUPIED = "owner_occupied", _l("Owner-occupied")
    LET = "let", _l("Let")
    VACANT = "vacant", _l("Vacant")
    COMMERCIAL = "commercial", _l("Commercial")
    RENOVATION = "renovation", _l("Under renovation")


class TitleProof(Choice):
    TITLE_CERTIFICATE = "title_certificate", _l("Real-estate title certificate")
    HOUSE_CERTIFICATE = "house_certificate", _l("House ownership certificate")
    PURCHASE_CONTRACT = "purchase_contract", _l("Sale and purchase contract")
    COURT_DOCUMENT = "court_document", _l("Court document")


class Person(HasSecrets, Record):
    """A person or organisation known to the service centre, once per estate.

    ``name_key``, ``pinyin`` and ``initials`` follow ``name`` by themselves; other readings of a name are
    :class:`PersonReading` rows. Number columns hold the stored spelling of :mod:`app.core.records.identifiers`.
    """

    __tablename__ = "person"
    __secrets__ = {"id_no": compact, "mobile": phone}
    __table_args__ = (
        CheckConstraint("kind = 'organisation' OR credit_code = ''", name="credit_code_only_of_organisations"),
        CheckConstraint("(id_no IS NULL) = (id_no_hash IS NULL)", name="id_no_is_findable"),
        CheckConstraint("(mobile IS NULL) = (mobile_hash IS NULL)", name="mobile_is_findable"),
        Index("ix_person_estate_id_name_key", "estate_id", "name_key"),
        Index("ix_person_estate_id_pinyin", "estate_id", "pinyin"),
        Index("ix_person_estate_id_initials", "estate_id", "initials"),
        Index("ix_person_estate_id_id_no_hash", "estate_id", "id_no_hash"),
        Index("ix_person_estate_id_id_no_tail", "estate_id", "id_no_tail"),
        Index("ix_person_estate_id_mobile_hash", "estate_id", "mobile_hash"),
        Index("ix_person_estate_id_mobile_tail", "estate_id", "mobile_tail"),
    )

    kind: Mapped[PersonKind] = mapped_column(
        choice(PersonKind, "person_kind_known"), default=PersonKind.INDIVIDUAL, info={"label": _l("Kind of person")}
    )
    name: Mapped[str] = mapped_column(String(120), info={"label": _l("Name")})
    name_key: Mapped[str] = mapped_column(search_key(120))
    pinyin: Mapped[str] = mapped_column(search_key(400))
    initials: Mapped[str] = mapped_column(search_key(60))
    sex: Mapped[Sex | None] = mapped_column(choice(Sex, "sex_known"), info={"label": _l("Sex")})
    birth_date: Mapped[date | None] = mapped_column(info={"label": _l("Date of birth")})
    nationality: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Nationality")})
    id_kind: Mapped[IdKind | None] = mapped_column(
        choice(IdKind, "id_kind_known"), info={"label": _l("ID document type")}
    )
    id_no: Mapped[str | None] = mapped_column(EncryptedText, info={"label": _l("ID number"), "mask": "id_number"})
    id_no_hash: Mapped[str | None] = mapped_column(String(64))
    id_no_tail: Mapped[str | None] = mapped_column(String(64))
    credit_code: Mapped[str] = mapped_column(String(18), default="", info={"label": _l("Unified social credit code")})
    legal_representative: Mapped[str] = mapped_column(
        String(120), default="", info={"label": _l("Legal representative or contact")}
    )
    mobile: Mapped[str | None] = mapped_column(EncryptedText, info={"label": _l("Mobile phone"), "mask": "phone"})
    mobile_hash: Mapped[str | None] = mapped_column(String(64))
    mobile_tail: Mapped[str | None] = mapped_column(String(64))
    phone: Mapped[str | None] = mapped_column(EncryptedText, info={"label": _l("Landline"), "mask": "phone"})
    email: Mapped[str] = mapped_column(String(120), default="", info={"label": _l("E-mail")})
    address: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Mailing address")})
    postcode: Mapped[str] = mapped_column(String(10), default="", info={"label": _l("Postcode")})
    emergency_name: Mapped[str] = mapped_column(String(120), default="", info={"label": _l("Emergency contact")})
    emergency_phone: Mapped[str | None] = mapped_column(
        EncryptedText, info={"label": _l("Telephone of the emergency contact"), "mask": "phone"}
    )
    emergency_relation: Mapped[str] = mapped_column(
        String(40), default="", info={"label": _l("Relation of the emergency contact")}
    )
    taxpayer_no: Mapped[str] = mapped_column(String(20), default="", info={"label": _l("Taxpayer number for invoices")})
    bank_name: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Bank")})
    bank_account: Mapped[str | None] = mapped_column(
        EncryptedText, info={"label": _l("Bank account"), "mask": "bank_account"}
    )
    language: Mapped[Language] = mapped_column(
        choice(Language, "language_known"), default=Language.ZH, info={"label": _l("Preferred language")}
    )
    channel: Mapped[Channel] = mapped_column(
        choice(Channel, "channel_known"), default=Channel.PHONE, info={"label": _l("Notification channel")}
    )
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})

    readings: Mapped[list["PersonReading"]] = relationship(cascade="all, delete-orphan")
    tenures: Mapped[list["Tenure"]] = relationship(
        back_populates="person", foreign_keys="Tenure.person_id", order_by="Tenure.valid_from"
    )
    vehicles: Mapped[list["Vehicle"]] = relationship(back_populates="person", foreign_keys="Vehicle.person_id")
    consents: Mapped[list["Consent"]] = relationship(
        back_populates="person", foreign_keys="Consent.person_id", order_by="Consent.given_at"
    )

    @validates("name")
    def _keep_search_keys(self, _key: str, name: str) -> str:
        name = re.sub(r"\s+", " ", halfwidth(name)).strip()
        if name == self.name:
            return name
        self.name_key = name_key(name)
        self.pinyin, self.initials, others = reading_keys(name)
        self.readings = [PersonReading(key=key) for key in others]
        return name

    @property
    def masked_id(self) -> str:
        return mask_id(self.id_no or "")

    @property
    def masked_mobile(self) -> str:
        return mask_phone(self.mobile or "")

    def __str__(self) -> str:
        return self.name


def reading_keys(name: str) -> tuple[str, str, list[str]]:
    """Search keys of a name: usual pinyin, its initials, and every other reading (pinyin and initials mixed)."""
    full, initials = pinyin_keys(name)
    if not name_key(name).isascii() and any("\u3400" <= char <= "\u9fff" for char in name):
        first, *more = full.split(" ")
        short, *less = initials.split(" ")
        return first, short, [*more, *less]
    return full, initials, []


class PersonReading(Model):
    """Another way to read a person's name, for the search box only (曾 as zeng and as ceng)."""

    __tablename__ = "person_reading"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(search_key(120), index=True)


class Tenure(Record):
    """A person's position in a unit from one day to another (both inclusive).

    Changes close the row and open a new one. ``valid_from`` is empty when nobody knows since when; an empty
    ``valid_to`` means it still runs. ``moved_in_on``: when the person moved in. ``relation``: of a household member
    to the owner. ``unit_use``: what the owner states. ``lease_until``: the agreed end of a lease, which may differ
    from its real end ``valid_to``.
    """

    __tablename__ = "tenure"
    __table_args__ = (
        UniqueConstraint("unit_id", "person_id", "role", "valid_from"),
        CheckConstraint("valid_to >= valid_from", name="ends_after_start"),
        CheckConstraint("lease_until >= valid_from", name="lease_ends_after_start"),
        CheckConstraint(
            "(share_numerator IS NULL) = (share_denominator IS NULL)"
            " AND (share_numerator IS NULL OR (share_numerator > 0 AND share_numerator <= share_denominator))",
            name="share_between_0_and_1",
        ),
        CheckConstraint(
            "role = 'owner' OR (share_numerator IS NULL AND co_ownership IS NULL AND unit_use IS NULL)",
            name="shares_and_use_only_of_owners",
        ),
        CheckConstraint("role = 'tenant' OR lease_until IS NULL", name="lease_only_of_tenants"),
    )

    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    person_id: Mapped[int] = within_estate("person", info={"label": _l("Person")})
    role: Mapped[TenureRole] = mapped_column(
        choice(TenureRole, "tenure_role_known"), info={"label": _l("Status in the unit")}
    )
    relation: Mapped[Relation | None] = mapped_column(
        choice(Relation, "relation_known"), info={"label": _l("Relation to the owner")}
    )
    share_numerator: Mapped[int | None] = mapped_column(info={"label": _l("Share (numerator)")})
    share_denominator: Mapped[int | None] = mapped_column(info={"label": _l("Share (denominator)")})
    co_ownership: Mapped[CoOwnership | None] = mapped_column(
        choice(CoOwnership, "co_ownership_known"), info={"label": _l("Form of co-ownership")}
    )
    valid_from: Mapped[date | None] = mapped_column(info={"label": _l("Valid from")})
    valid_to: Mapped[date | None] = mapped_column(info={"label": _l("Valid to")})
    moved_in_on: Mapped[date | None] = mapped_column(info={"label": _l("Move-in date")})
    unit_use: Mapped[UnitUse | None] = mapped_column(
        choice(UnitUse, "unit_use_known"), info={"label": _l("State of use")}
    )
    lease_until: Mapped[date | None] = mapped_column(info={"label": _l("Lease until")})
    title_proof: Mapped[TitleProof | None] = mapped_column(
        choice(TitleProof, "title_proof_known"), info={"label": _l("Title proof")}
    )
    title_proof_no: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Title proof no.")})
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})

    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    person: Mapped[Person] = relationship(
        back_populates="tenures", foreign_keys=[person_id], info={"label": _l("Person")}
    )

    @property
    def share(self) -> Fraction | None:
        """The owner's share, nothing when none was stated."""
        if self.share_numerator is None or self.share_denominator is None:
            return None
        return Fraction(self.share_numerator, self.share_denominator)

    @share.setter
    def share(self, value: Fraction | None) -> None:
        self.share_numerator = value.numerator if value is not None else None
        self.share_denominator = value.denominator if value is not None else None

    @property
    def position(self) -> Any:
        """What the person is to the unit, for people: the relation of household members, else the role."""
        return self.relation.title if self.relation else self.role.title

    def holds_on(self, day: date) -> bool:
        """Whether the tenure runs on ``day``."""
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or self.valid_to >= day)

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "unit", self.unit_id

    def __str__(self) -> str:
        return f"{self.role.title} {self.person}"


class Vehicle(Record):
    """A car of a household. Plates are stored without the dot."""

    __tablename__ = "vehicle"
    __table_args__ = (
        UniqueConstraint("estate_id", "plate", "person_id"),
        Index("ix_vehicle_estate_id_plate", "estate_id", "plate"),
    )

    person_id: Mapped[int] = within_estate("person", info={"label": _l("Person")})
    unit_id: Mapped[int | None] = within_estate("unit", info={"label": _l("Unit")})
    bay_id: Mapped[int | None] = within_estate("parking_bay", info={"label": _l("Parking bay")})
    plate: Mapped[str] = mapped_column(search_key(12), info={"label": _l("Licence plate")})
    make: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Make")})
    colour: Mapped[str] = mapped_column(String(20), default="", info={"label": _l("Colour")})

    person: Mapped[Person] = relationship(
        back_populates="vehicles", foreign_keys=[person_id], info={"label": _l("Person")}
    )
    unit: Mapped[Unit | None] = relationship(foreign_keys=[unit_id], info={"label": _l("Unit")})
    bay: Mapped[ParkingBay | None] = relationship(foreign_keys=[bay_id], info={"label": _l("Parking bay")})

    def __str__(self) -> str:
        return self.plate

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "person", self.person_id


class PrivacyNotice(Record):
    """One version of the notice on personal information (PIPL art. 17); the text of a used version never changes.

    ``text`` has the shape of a standing text: intro, sections, closing, each with zh and en.
    """

    __tablename__ = "privacy_notice"
    __table_args__ = (UniqueConstraint("estate_id", "notice_version"),)

    notice_version: Mapped[str] = mapped_column(String(20), info={"label": _l("Notice version")})
    title_zh: Mapped[str] = mapped_column(String(200), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(200), info={"label": _l("Title (English)")})
    text: Mapped[dict[str, Any]] = mapped_column(JSON, info={"label": _l("Text")})
    valid_from: Mapped[date] = mapped_column(info={"label": _l("Valid from")})

    def __str__(self) -> str:
        return self.notice_version


class ConsentScope(Choice):
    """What the consent covers; the codes are those of the privacy notice (PIPL arts. 13, 23, 29, 31)."""

    SERVICE = "service", _l("Property service")
    IDENTITY_NUMBER = "identity_number", _l("Recording the identity number")
    BANK_ACCOUNT = "bank_account", _l("Recording a bank account for refunds")
    WARRANTY_SHARING = "warranty_sharing", _l("Contact details to the developer for warranty repairs")
    CHILDREN = "children", _l("Recording household members under 14")
    COMMUNITY = "community", _l("News of community events")


class Consent(Record):
    """A person's consent to a version of the privacy notice, withdrawable at any time (PIPL arts. 14-16).

    ``guardian_id``: who consents for a child under 14 (PIPL art. 31).
    """

    __tablename__ = "consent"
    __table_args__ = (
        CheckConstraint("withdrawn_at >= given_at", name="withdrawn_after_given"),
        CheckConstraint("guardian_id <> person_id", name="guardian_is_another"),
    )

    person_id: Mapped[int] = within_estate("person", info={"label": _l("Person")})
    notice_id: Mapped[int] = within_estate("privacy_notice", info={"label": _l("Notice version")})
    scope: Mapped[ConsentScope] = mapped_column(
        choice(ConsentScope, "consent_scope_known"),
        default=ConsentScope.SERVICE,
        info={"label": _l("Scope of consent")},
    )
    separate_for_sensitive: Mapped[bool] = mapped_column(
        default=False, info={"label": _l("Separate consent to sensitive data")}
    )
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, info={"label": _l("Given at")})
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Withdrawn at")})
    guardian_id: Mapped[int | None] = within_estate("person", info={"label": _l("Guardian")})

    person: Mapped[Person] = relationship(
        back_populates="consents", foreign_keys=[person_id], info={"label": _l("Person")}
    )
    guardian: Mapped[Person | None] = relationship(foreign_keys=[guardian_id], info={"label": _l("Guardian")})
    notice: Mapped[PrivacyNotice] = relationship(foreign_keys=[notice_id], info={"label": _l("Notice version")})

    def __str__(self) -> str:
        return str(self.scope.title)

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "person", self.person_id
