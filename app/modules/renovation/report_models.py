"""The monthly report on renovations as the record that its papers hang on."""

from datetime import date

from flask_babel import lazy_gettext as _l
from sqlalchemy import UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.base import Record


class RenovationReport(Record):
    """A month, by its first day, whose report was printed; the papers keep what they showed."""

    __tablename__ = "renovation_report"
    __table_args__ = (UniqueConstraint("estate_id", "month"),)

    month: Mapped[date] = mapped_column(info={"label": _l("Month")})

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
