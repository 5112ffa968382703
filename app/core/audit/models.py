"""The change log: one row per changed record or event, chained by hash within its estate."""

from datetime import datetime
from typing import Any

from flask_appbuilder import Model
from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.base import UtcDateTime


class AuditEntry(Model):
    """What happened to a record.

    ``kind``: create, update, delete, transition, reveal, print, file, comment or another ``noun`` of a module.
    ``changes``: ``{field: [old, new]}`` in plain JSON; personal data appear as keyed hashes only.
    ``subject_type/subject_id``: the record whose timeline shows the entry (a case for its parts). ``unit_id``: the unit
    in whose diary it stands; found again from the record, so no part of the chained facts.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        UniqueConstraint("chain", "seq"),
        Index("ix_audit_entry_subject", "subject_type", "subject_id", "id"),
        Index("ix_audit_entry_newest", "chain", "record_type", "id"),
        Index("ix_audit_entry_record", "record_type", "record_id", "id"),
        Index(
            "ix_audit_entry_unit",
            "unit_id",
            "id",
            sqlite_where=text("unit_id IS NOT NULL"),
            postgresql_where=text("unit_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    chain: Mapped[int] = mapped_column(info={"note": "estate id; 0 for what belongs to no estate"})
    seq: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), index=True)
    actor_name: Mapped[str] = mapped_column(String(130))
    kind: Mapped[str] = mapped_column(String(30))
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int | None]
    subject_type: Mapped[str] = mapped_column(String(64))
    subject_id: Mapped[int | None]
    unit_id: Mapped[int | None]
    changes: Mapped[dict[str, Any]] = mapped_column(JSON)
    note: Mapped[str] = mapped_column(Text, default="")
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class AuditChain(Model):
    """The head of one estate's chain; locked while an entry is added."""

    __tablename__ = "audit_chain"

    chain: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigInteger, default=0)
    hash: Mapped[str] = mapped_column(String(64), default="")
