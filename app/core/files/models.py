"""Files: each content once in the store, and attachments that tie it to a record under its own name."""

from datetime import datetime

from flask_appbuilder import Model
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.records.base import Record, UtcDateTime, now
from app.core.records.secrets import EncryptedText


class StoredFile(Model):
    """One content in the file store, whoever uses it. ``size`` in bytes, of the content itself.

    ``data_key``: the key under which this one content lies encrypted on disk (hex), itself encrypted by the keyring.
    """

    __tablename__ = "stored_file"
    __table_args__ = (CheckConstraint("size > 0", name="size_positive"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int]
    media_type: Mapped[str] = mapped_column(String(100))
    data_key: Mapped[str] = mapped_column(EncryptedText)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Attachment(Record):
    """A file of a record: a scan, a photo, a drawing, a signature. It is archived with a reason, never deleted.

    ``record_type``/``record_id``: table name and id of the owner; ``unit_id``: the unit it concerns, in whose household
    file it lies. ``kind``: what the file is to it (``scan``,
    ``photo``, ``signed_copy`` …). A ``signature`` also tells in which ``role`` who (``signer``) signed on the screen.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_owner", "estate_id", "record_type", "record_id"),
        Index("ix_attachment_unit", "unit_id", "created_at"),
        CheckConstraint("(archived_at IS NULL) = (archive_reason = '')", name="archived_iff_reason"),
        CheckConstraint("archived_at IS NOT NULL OR archived_by_id IS NULL", name="archiver_only_when_archived"),
        CheckConstraint("(kind = 'signature') = (role <> '' AND signer <> '')", name="signature_iff_signer"),
    )

    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    unit_id: Mapped[int | None]
    kind: Mapped[str] = mapped_column(String(40), info={"label": _l("Kind of file")})
    name: Mapped[str] = mapped_column(String(255), info={"label": _l("File name")})
    stored_file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), index=True)
    note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Note")})
    role: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Signed as")})
    signer: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Signed by")})
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Archived at")})
    archived_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    archive_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for archiving")})

    stored_file: Mapped[StoredFile] = relationship()

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.record_type, self.record_id

    @property
    def audit_birth(self) -> tuple[str, str]:
        return "signature" if self.kind == "signature" else "file", self.name

    def __str__(self) -> str:
        return self.name
