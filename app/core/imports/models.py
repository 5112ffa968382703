"""Uploaded workbooks on their way into the records."""

from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.files.models import StoredFile
from app.core.records.base import Record, UtcDateTime


class ImportRun(Record):
    """One uploaded workbook: how its columns were read, and what its import did.

    ``mapping``: ``{table: {"sheet": title, "columns": {column: index}}}``. ``outcome`` is written by the import:
    counts and the problems of the file, in the language of the person who imported.
    """

    __tablename__ = "import_run"
    __table_args__ = (CheckConstraint("(imported_at IS NULL) = (digest = '')", name="imported_iff_digest"),)

    kind: Mapped[str] = mapped_column(String(40), info={"label": _l("Kind of workbook")})
    file_name: Mapped[str] = mapped_column(String(255), info={"label": _l("File name")})
    stored_file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"), index=True)
    mapping: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    outcome: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    digest: Mapped[str] = mapped_column(String(64), default="")
    imported_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Imported at")})

    stored_file: Mapped[StoredFile] = relationship()
