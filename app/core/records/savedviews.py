"""Lists as people like to see them: filters, order and columns under a name, own or shared with a role."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.base import Record


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
