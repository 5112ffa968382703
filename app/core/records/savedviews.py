"""Lists as people like to see them: filters, order and columns under a name, own or shared with a role."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.models import Account
from app.core.access.roles import Grants, Role
from app.core.records.base import Record, within_estate

GRANTS: Grants = {"SavedView": {"share": (Role.MANAGER, Role.CS_SUPERVISOR, Role.SYSTEM_ADMINISTRATOR)}}
"""Everybody saves views and shares them with their own roles; these share with any role and say with what it opens."""


class SavedView(Record):
    """The arguments of a list's address under a title.

    ``screen`` is the class name of the list's view; ``role`` the role that sees it too, empty for the owner alone.
    """

    __tablename__ = "saved_view"
    __table_args__ = (UniqueConstraint("estate_id", "owner_id", "screen", "title"),)

    owner_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"), index=True)
    screen: Mapped[str] = mapped_column(String(60), index=True)
    title: Mapped[str] = mapped_column(String(60), info={"label": _l("Name of the view")})
    query: Mapped[str] = mapped_column(String(2000))
    role: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Shared with")})

    owner: Mapped[Account] = relationship(foreign_keys=[owner_id])
    opens: Mapped[list["OpeningView"]] = relationship(
        back_populates="view", foreign_keys="OpeningView.view_id", cascade="all, delete-orphan"
    )


class OpeningView(Record):
    """The view with which a list opens: of one person (``owner_id``), or of everybody in a ``role`` who chose none."""

    __tablename__ = "opening_view"
    __table_args__ = (
        CheckConstraint("(owner_id IS NULL) = (role <> '')", name="person_or_role"),
        Index(
            "uq_opening_view_person", "estate_id", "screen", "owner_id", unique=True,
            sqlite_where=text("owner_id IS NOT NULL"), postgresql_where=text("owner_id IS NOT NULL"),
        ),
        Index(
            "uq_opening_view_role", "estate_id", "screen", "role", unique=True,
            sqlite_where=text("owner_id IS NULL"), postgresql_where=text("owner_id IS NULL"),
        ),
    )  # fmt: skip

    screen: Mapped[str] = mapped_column(String(60))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    role: Mapped[str] = mapped_column(String(40), default="")
    view_id: Mapped[int] = within_estate("saved_view")

    view: Mapped[SavedView] = relationship(back_populates="opens", foreign_keys=[view_id])
