"""What the indicators were, month by month, and the targets an estate set itself."""

from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.base import Record, UtcDateTime


class IndicatorValue(Record):
    """An indicator (``code``) in a month (its first day), or one ``part`` of it. Final once measured after its month."""

    __tablename__ = "indicator_value"
    __table_args__ = (
        UniqueConstraint("estate_id", "code", "month", "part", name="uq_indicator_value_month"),
        CheckConstraint("denominator >= 0", name="denominator_not_negative"),
    )
    audited = False

    code: Mapped[str] = mapped_column(String(60))
    month: Mapped[date]
    part: Mapped[str] = mapped_column(String(60), default="")
    numerator: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    denominator: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    measured_at: Mapped[datetime] = mapped_column(UtcDateTime)


class IndicatorTarget(Record):
    """The target this estate set for an indicator, instead of the one it comes with."""

    __tablename__ = "indicator_target"
    __table_args__ = (
        UniqueConstraint("estate_id", "code"),
        CheckConstraint("target >= 0", name="target_not_negative"),
    )

    code: Mapped[str] = mapped_column(String(60), info={"label": _l("Indicator")})
    target: Mapped[Decimal] = mapped_column(Numeric(10, 2), info={"label": _l("Target")})

    def __str__(self) -> str:
        return self.code
