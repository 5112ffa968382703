"""Duplicate-proof submits: a form carries a token; the second arrival of the same token changes nothing."""

from datetime import datetime

from flask_appbuilder import Model
from sqlalchemy import ForeignKey, String, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.access.actor import current_actor
from app.core.records.base import UtcDateTime, now


class Submission(Model):
    """A form submit that was carried out, and where its sender was sent."""

    __tablename__ = "submission"

    token: Mapped[str] = mapped_column(String(40), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    location: Mapped[str] = mapped_column(String(400))


def earlier_result(session: Session, token: str) -> str | None:
    """Address that answered the same submit before, or nothing when it is new."""
    return session.scalar(
        select(Submission.location).where(Submission.token == token, Submission.user_id == current_actor().user_id)
    )


class AlreadySubmitted(Exception):
    """The same form arrived twice at once; the other one won."""


def remember_submission(session: Session, token: str, location: str) -> None:
    """Note in the running transaction that ``token`` led to ``location``.

    Raises:
        AlreadySubmitted: another request with the token committed first; roll back and use its result.
    """
    try:
        session.connection().execute(
            insert(Submission).values(token=token, user_id=current_actor().user_id, at=now(), location=location)
        )
    except IntegrityError as error:
        raise AlreadySubmitted(token) from error
