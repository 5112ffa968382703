"""Document and case numbers: one series per estate, kind and year, without gaps under concurrency."""

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String, UniqueConstraint, insert, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column


class NumberSeries(Model):
    """The last number given in a series; its row is locked until the transaction that took a number ends."""

    __tablename__ = "number_series"
    __table_args__ = (UniqueConstraint("estate_id", "series", "year"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    estate_id: Mapped[int] = mapped_column(ForeignKey("estate.id"))
    series: Mapped[str] = mapped_column(String(20))
    year: Mapped[int]
    last: Mapped[int] = mapped_column(default=0)


def next_number(session: Session, estate_id: int, series: str, year: int) -> str:
    """Take the next number, e.g. ``F10-2026-00042``.

    The number belongs to the running transaction: a rollback gives it back, so a series has no gaps.
    """
    connection = session.connection()
    key = (NumberSeries.estate_id == estate_id, NumberSeries.series == series, NumberSeries.year == year)
    taken = connection.execute(
        update(NumberSeries).where(*key).values(last=NumberSeries.last + 1).returning(NumberSeries.last)
    ).scalar_one_or_none()
    if taken is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(NumberSeries).values(estate_id=estate_id, series=series, year=year, last=0))
        except IntegrityError:
            pass  # another transaction opened the series first
        return next_number(session, estate_id, series, year)
    return f"{series}-{year}-{taken:05d}"
