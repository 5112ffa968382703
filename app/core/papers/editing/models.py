"""What an estate changed about its papers: templates with their versions, form numbers, the letterhead."""

from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.files.models import StoredFile
from app.core.records.base import Record, UtcDateTime, within_estate


class PaperForm(Record):
    """A form as this estate uses it; ``code`` is that of its :class:`~app.core.papers.kind.PaperKind`.

    ``in_force``: the estate's own template, none while the delivered one is used. An empty ``form_no`` or ``revision``
    stands for the delivered one.
    """

    __tablename__ = "paper_form"
    __table_args__ = (UniqueConstraint("estate_id", "code"),)

    code: Mapped[str] = mapped_column(String(20), info={"label": _l("Form")})
    form_no: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Form number")})
    revision: Mapped[str] = mapped_column(String(20), default="", info={"label": _l("Revision")})
    in_force_id: Mapped[int | None] = within_estate(
        "paper_template_version", info={"label": _l("Template in force")}
    )  # fmt: skip

    in_force: Mapped["PaperTemplateVersion | None"] = relationship(foreign_keys=[in_force_id])

    def __str__(self) -> str:
        return self.code


class PaperTemplateVersion(Record):
    """A template an estate wrote: the one draft of a form, or a published version, which never changes again.

    ``number`` counts the published ones of a form. ``origin``: digest of the delivered form it was last checked
    against (see :func:`app.core.papers.editing.in_force.digest_of`). Its texts are long, so the log holds events with
    their digests instead of the texts (``audited``).
    """

    __tablename__ = "paper_template_version"
    __table_args__ = (
        UniqueConstraint("estate_id", "code", "number"),
        Index(
            "uq_paper_template_version_draft", "estate_id", "code", unique=True,
            sqlite_where=text("number IS NULL"), postgresql_where=text("number IS NULL"),
        ),
        CheckConstraint("(number IS NULL) = (published_at IS NULL)", name="numbered_iff_published"),
        CheckConstraint("(published_at IS NULL) = (published_by_name = '')", name="published_iff_name"),
        CheckConstraint("number > 0", name="number_positive"),
    )  # fmt: skip
    audited = False

    code: Mapped[str] = mapped_column(String(20), info={"label": _l("Form")})
    number: Mapped[int | None] = mapped_column(info={"label": _l("Version")})
    template: Mapped[str] = mapped_column(Text, info={"label": _l("Template")})
    style: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Style")})
    note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Note")})
    origin: Mapped[str] = mapped_column(String(12))
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Published at")})
    published_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Published by")})

    def __str__(self) -> str:
        return f"{self.code} v{self.number}" if self.number else f"{self.code} (draft)"


class Letterhead(Record):
    """What stands on every paper of an estate beside its form: logo, lines at the head and the foot, the stamp.

    Both pictures are PNG files written anew by us.
    """

    __tablename__ = "letterhead"
    __table_args__ = (UniqueConstraint("estate_id"),)

    header_zh: Mapped[str] = mapped_column(String(80), default="", info={"label": _l("Line at the head (Chinese)")})
    header_en: Mapped[str] = mapped_column(String(140), default="", info={"label": _l("Line at the head (English)")})
    footer_zh: Mapped[str] = mapped_column(String(80), default="", info={"label": _l("Line at the foot (Chinese)")})
    footer_en: Mapped[str] = mapped_column(String(140), default="", info={"label": _l("Line at the foot (English)")})
    logo_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), info={"label": _l("Logo")})
    stamp_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"), info={"label": _l("Stamp")})

    logo: Mapped[StoredFile | None] = relationship(foreign_keys=[logo_id])
    stamp: Mapped[StoredFile | None] = relationship(foreign_keys=[stamp_id])

    def __str__(self) -> str:
        return str(_l("Letterhead"))
