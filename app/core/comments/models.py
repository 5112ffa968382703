"""Comments: what colleagues tell each other about a record."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.base import Record, UtcDateTime, within_estate

LONGEST = 4000
"""Characters of a comment."""


class Comment(Record):
    """A comment on a record; its author may withdraw it, nobody changes it. Author and moment are the row's authorship.

    ``record_type``/``record_id``: table name and id of what it is about. ``mentions``: ``{what stands after @: account
    id}``. The change log keeps the text with the record's history; a withdrawn one is shown no more.
    """

    __tablename__ = "comment"
    __table_args__ = (
        Index("ix_comment_record", "estate_id", "record_type", "record_id"),
        CheckConstraint(f"length(text) BETWEEN 1 AND {LONGEST}", name="text_has_length"),
    )
    audited = False  # writing and withdrawing are events of the record

    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    unit_id: Mapped[int | None] = within_estate("unit", index=False, info={"label": _l("Unit")})
    text: Mapped[str] = mapped_column(Text, info={"label": _l("Comment")})
    mentions: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Withdrawn at")})

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.record_type, self.record_id
