"""People who log in: accounts, the estates they serve, their sessions and failed attempts."""

from datetime import datetime

from flask_appbuilder import Model
from flask_appbuilder.security.sqla.models import User as FabUser
from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.records.base import UtcDateTime, now
from app.core.records.estate import Estate


class Account(FabUser):
    """A login account. ``epoch`` rises with every password change or reset and ends all older sessions."""

    __tablename__ = "ab_user"
    __table_args__ = (CheckConstraint("language IN ('zh', 'en')", name="language_known"), {"extend_existing": True})

    language: Mapped[str] = mapped_column(String(5), default="zh", server_default="zh", info={"label": _l("Language")})
    epoch: Mapped[int] = mapped_column(default=0, server_default="0")
    must_change_password: Mapped[bool] = mapped_column(default=False, server_default="0")

    memberships: Mapped[list["Membership"]] = relationship(back_populates="user", cascade="all, delete-orphan")

    @property
    def audit_subject(self) -> tuple[str, int | None]:
        return self.__tablename__, self.id

    @property
    def display_name(self) -> str:
        """Name as staff know each other: family name first, no space, for Chinese names."""
        return staff_name(self.first_name, self.last_name)


def staff_name(first: str | None, last: str | None) -> str:
    """What :attr:`Account.display_name` says."""
    first, last = first or "", last or ""
    return f"{first} {last}".strip() if (first + last).isascii() else f"{last}{first}"


class Membership(Model):
    """A person serves an estate."""

    __tablename__ = "estate_membership"
    __table_args__ = (UniqueConstraint("user_id", "estate_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    estate_id: Mapped[int] = mapped_column(ForeignKey("estate.id"), index=True)

    user: Mapped[Account] = relationship(back_populates="memberships")
    estate: Mapped[Estate] = relationship()


class LoginSession(Model):
    """A server-side session; the cookie holds only its secret, of which the hash is stored here."""

    __tablename__ = "login_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id", ondelete="CASCADE"), index=True)
    epoch: Mapped[int]
    estate_id: Mapped[int | None] = mapped_column(ForeignKey("estate.id"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class LoginAttempt(Model):
    """A failed login, counted per account and per address to lock both for a while."""

    __tablename__ = "login_attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(45), index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)


class RightsVersion(Model):
    """One row; its number rises whenever the rights of the roles change, so that processes drop what they remember."""

    __tablename__ = "rights_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[int]
