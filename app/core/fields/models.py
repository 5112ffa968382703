"""Fields without code: what an administrator adds to a kind of record, and the values that records have of it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, Date, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.roles import Role
from app.core.records.base import Record, UtcDateTime, within_estate
from app.core.records.choices import Choice, choice, in_language
from app.core.search.prefix import search_key

LONGEST = 500
"""Characters of a text value: a text that is searched and indexed, no essay."""


class FieldKind(Choice):
    """What a field holds."""

    TEXT = "text", _l("Line of text")
    NUMBER = "number", _l("Numeric value")
    MONEY = "money", _l("Amount of money")
    DATE = "date", _l("Date")
    CHOICE = "choice", _l("Choice")
    YES_NO = "yes_no", _l("Yes or no")
    FILE = "file", _l("File")


def _records() -> dict[str, Any]:
    """The kinds of records that fields can be added to, by table name."""
    from app.core.fields.kinds import Extensible  # which needs this module itself
    from app.core.registry import registry

    return {record.name: record.title for record in registry().of(Extensible).values()}


class CustomField(Record):
    """A field that the estate added to the records of a table. Its kind never changes; it is archived, never deleted.

    ``record_type``: table name; ``code``: its name in addresses, workbooks and papers. ``default``: the value of new
    records as it is typed. ``places``: decimals of a number. ``read_roles``/``write_roles``: role values that see it and
    fill it in; empty means everybody who may read, or change, the record.
    """

    __tablename__ = "custom_field"
    __table_args__ = (
        UniqueConstraint("estate_id", "record_type", "code"),
        CheckConstraint("places BETWEEN 0 AND 4", name="places_of_a_number"),
        CheckConstraint("(archived_at IS NULL) = (archive_reason = '')", name="archived_iff_reason"),
    )

    record_type: Mapped[str] = mapped_column(String(64), info={"label": _l("Record"), "choices": _records})
    code: Mapped[str] = mapped_column(String(30), info={"label": _l("Code")})
    kind: Mapped[FieldKind] = mapped_column(choice(FieldKind, "kind_known"), info={"label": _l("Kind of value")})
    title_zh: Mapped[str] = mapped_column(String(60), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(60), info={"label": _l("Title (English)")})
    help_zh: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Help (Chinese)")})
    help_en: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Help (English)")})
    section_zh: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Section (Chinese)")})
    section_en: Mapped[str] = mapped_column(String(60), default="", info={"label": _l("Section (English)")})
    sequence: Mapped[int] = mapped_column(default=0, info={"label": _l("Order")})
    required: Mapped[bool] = mapped_column(default=False, info={"label": _l("Required")})
    default: Mapped[str] = mapped_column(String(LONGEST), default="", info={"label": _l("Default")})
    places: Mapped[int] = mapped_column(default=0, info={"label": _l("Decimals")})
    listed: Mapped[bool] = mapped_column(default=False, info={"label": _l("Column of the list")})
    searched: Mapped[bool] = mapped_column(default=False, info={"label": _l("Found by the search")})
    read_roles: Mapped[list[str]] = mapped_column(JSON, default=list, info={"label": _l("Seen by"), "each": Role})
    write_roles: Mapped[list[str]] = mapped_column(JSON, default=list, info={"label": _l("Filled in by"), "each": Role})
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Archived at")})
    archive_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for archiving")})

    choices: Mapped[list["CustomChoice"]] = relationship(
        back_populates="field", foreign_keys="CustomChoice.field_id", order_by="CustomChoice.sequence, CustomChoice.id"
    )

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)


class CustomChoice(Record):
    """One value that a choice field offers; a withdrawn one stays readable where it was chosen."""

    __tablename__ = "custom_choice"
    __table_args__ = (UniqueConstraint("field_id", "code"),)

    field_id: Mapped[int] = within_estate("custom_field", info={"label": _l("Field")})
    code: Mapped[str] = mapped_column(String(30), info={"label": _l("Code")})
    title_zh: Mapped[str] = mapped_column(String(60), info={"label": _l("Title (Chinese)")})
    title_en: Mapped[str] = mapped_column(String(60), info={"label": _l("Title (English)")})
    sequence: Mapped[int] = mapped_column(default=0, info={"label": _l("Order")})
    withdrawn: Mapped[bool] = mapped_column(default=False, info={"label": _l("No longer offered")})

    field: Mapped[CustomField] = relationship(back_populates="choices", foreign_keys=[field_id])

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return "custom_field", self.field_id

    def __str__(self) -> str:
        return in_language(self.title_zh, self.title_en)


class CustomValue(Record):
    """A record's value of a field, in the column of its type; a field without a value has no row.

    A choice is kept by its code in ``text``, a file by the id of its attachment in ``attachment_id``. Values stay when
    their field is archived. A change is logged as one of the record, under the field's name.
    """

    audited = False

    __tablename__ = "custom_value"
    __table_args__ = (
        UniqueConstraint("field_id", "record_id"),
        CheckConstraint(
            "(CASE WHEN text IS NULL THEN 0 ELSE 1 END) + (CASE WHEN number IS NULL THEN 0 ELSE 1 END) + "
            "(CASE WHEN day IS NULL THEN 0 ELSE 1 END) + (CASE WHEN yes IS NULL THEN 0 ELSE 1 END) + "
            "(CASE WHEN attachment_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="one_value",
        ),
        Index("ix_custom_value_record", "record_type", "record_id"),
        Index("ix_custom_value_text", "field_id", "text"),
        Index("ix_custom_value_number", "field_id", "number"),
        Index("ix_custom_value_day", "field_id", "day"),
        Index("ix_custom_value_yes", "field_id", "yes"),
    )  # fmt: skip

    field_id: Mapped[int] = within_estate("custom_field", index=False)
    record_type: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int]
    text: Mapped[str | None] = mapped_column(search_key(LONGEST))
    number: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    day: Mapped[date | None] = mapped_column(Date)
    yes: Mapped[bool | None]
    attachment_id: Mapped[int | None] = within_estate("attachment")

    field: Mapped[CustomField] = relationship(foreign_keys=[field_id])
