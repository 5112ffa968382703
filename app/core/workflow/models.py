"""What an estate decides about its workflows: in whose queue the work of a state stands."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.models import Account
from app.core.access.roles import TITLES
from app.core.records.base import Record


class Reviewer(Record):
    """Whose queue work stands in while a record waits in ``state`` of ``workflow`` (its resource), in this estate.

    A role, or a named person (an account); neither of them: as the workflow says. It moves work, it gives no right.
    """

    __tablename__ = "workflow_reviewer"
    __table_args__ = (
        UniqueConstraint("estate_id", "workflow", "state"),
        CheckConstraint("role = '' OR person_id IS NULL", name="role_or_person",
                        info={"message": _l("Choose a role or a person, not both.")}),
    )  # fmt: skip

    workflow: Mapped[str] = mapped_column(String(64), info={"label": _l("Workflow")})
    state: Mapped[str] = mapped_column(String(30), info={"label": _l("State")})
    role: Mapped[str] = mapped_column(String(40), default="", info={"label": _l("Role"), "choices": TITLES})
    person_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"), info={"label": _l("Person")})

    person: Mapped[Account | None] = relationship(foreign_keys=[person_id])

    def __str__(self) -> str:
        return f"{self.workflow} · {self.state}"
