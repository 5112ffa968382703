"""Issued papers: what left the printer, with number, form version and the very bytes; and every copy of them."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.actor import Actor
from app.core.files.models import Attachment, StoredFile
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import Choice, in_language
from app.core.registry import registry


class Standing(Choice):
    """Whether an issued paper still holds."""

    VALID = "valid", _l("Valid")
    SUPERSEDED = "superseded", _l("Superseded")
    VOID = "void", _l("Void")

    @property
    def colour(self) -> str:
        return {"valid": "green", "superseded": "orange", "void": "red"}[self.value]


LANGUAGES = {"zh": _l("Chinese"), "en": _l("English"), "both": _l("Chinese and English")}


def paper_titles() -> dict[str, str]:
    """Form codes of the registered papers with their titles in the reader's language."""
    kinds = registry().papers.values()
    return {kind.code: f"{kind.code} {in_language(kind.title_zh, kind.title_en)}" for kind in kinds}


class Paper(Record):
    """A document as issued. Its bytes never change; a mistake is voided with a reason or superseded by a new issue.

    ``code``: form code and number series (F10). ``record_type``/``record_id``: what the paper is about. ``unit_id``
    and ``unit_code``: the unit in whose household file it lies. ``template_version``: state of the template it was
    rendered from. ``content_hash``: digest of what it says, to tell when its record has moved on.
    ``superseded_by_id``: the later paper of the same form, record and language.
    """

    __tablename__ = "paper"
    __table_args__ = (
        UniqueConstraint("estate_id", "number"),
        Index("ix_paper_record", "record_type", "record_id"),
        Index("ix_paper_issued", "estate_id", "issued_at"),
        CheckConstraint("language IN ('zh', 'en', 'both')", name="language_known"),
        CheckConstraint("pages > 0", name="pages_positive"),
        CheckConstraint("(voided_at IS NULL) = (void_reason = '')", name="voided_iff_reason"),
        CheckConstraint("(voided_at IS NULL) = (voided_by_name = '')", name="voided_iff_name"),
        CheckConstraint("superseded_by_id <> id", name="superseded_by_another"),
    )

    code: Mapped[str] = mapped_column(String(20), info={"label": _l("Form"), "choices": paper_titles})
    number: Mapped[str] = mapped_column(String(40), info={"label": _l("Paper number")})
    language: Mapped[str] = mapped_column(String(5), info={"label": _l("Language"), "choices": LANGUAGES})
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    unit_id: Mapped[int | None] = mapped_column(index=True)
    unit_code: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Unit")})
    title_zh: Mapped[str] = mapped_column(String(120), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(160), info={"label": _l("Title (English)")})
    form_no: Mapped[str] = mapped_column(String(40), info={"label": _l("Form number")})
    revision: Mapped[str] = mapped_column(String(20), info={"label": _l("Revision")})
    template_version: Mapped[str] = mapped_column(String(20), info={"label": _l("Template version")})
    content_hash: Mapped[str] = mapped_column(String(64))
    stored_file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    pages: Mapped[int] = mapped_column(info={"label": _l("Pages")})
    verification_code: Mapped[str] = mapped_column(String(24), unique=True, info={"label": _l("Verification code")})
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("Issued at")})
    issued_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Issued by")})
    superseded_by_id: Mapped[int | None] = within_estate("paper")
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Voided at")})
    void_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for voiding")})
    voided_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Voided by")})
    signed_attachment_id: Mapped[int | None] = within_estate("attachment")

    stored_file: Mapped[StoredFile] = relationship()
    superseded_by: Mapped["Paper | None"] = relationship(foreign_keys=[superseded_by_id], remote_side="Paper.id")
    signed_copy: Mapped[Attachment | None] = relationship(foreign_keys=[signed_attachment_id])
    copies: Mapped[list["PaperCopy"]] = relationship(back_populates="paper", order_by="PaperCopy.id")

    @property
    def title(self) -> str:
        """Title in the reader's language."""
        return in_language(self.title_zh, self.title_en)

    @property
    def file_name(self) -> str:
        return f"{self.number} {self.title_en if self.language == 'en' else self.title_zh}.pdf"

    @property
    def standing(self) -> Standing:
        if self.voided_at is not None:
            return Standing.VOID
        return Standing.SUPERSEDED if self.superseded_by_id is not None else Standing.VALID

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.record_type, self.record_id

    @property
    def audit_birth(self) -> tuple[str, str]:
        return "issue", f"{self.number} {self.title_zh}"

    @property
    def audit_parts(self) -> Sequence[Record]:
        return self.copies

    def allows(self, verb: str, actor: Actor) -> bool:
        """Its files are read by whoever reads what the paper is about; they are added by whoever may print it."""
        kind = registry().papers.get(self.code)
        return kind is not None and actor.may("read" if verb == "read" else "print", kind.resource)

    def __str__(self) -> str:
        return self.number


class PaperCopy(Record):
    """One time somebody printed an issued paper, alone or in a pack; who and when are the row's authorship."""

    __tablename__ = "paper_copy"
    part_of = "paper_id"

    paper_id: Mapped[int] = within_estate("paper")
    printed_by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Printed by")})
    purpose: Mapped[str] = mapped_column(String(120), default="", info={"label": _l("Purpose")})

    paper: Mapped[Paper] = relationship(foreign_keys=[paper_id], back_populates="copies")

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.paper.audit_subject

    @property
    def audit_birth(self) -> tuple[str, str]:
        purpose = "" if self.purpose in ("issue", "pack") else self.purpose
        return "print", f"{self.paper.number} {purpose}".strip()
