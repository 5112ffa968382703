"""The goods release pass (forms F3). The applicant's document is looked at and given back; its number is not kept."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import JSON, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.records.base import within_estate
from app.core.records.choices import choice
from app.core.workflow.documents import Checked, Document, Issued, Valid
from app.modules.estates.models import Unit
from app.modules.goods.states import Applicant, Confirmation, Reason, ReleaseState
from app.modules.people.models import IdKind

GOODS = {"name": _l("Goods"), "quantity": _l("Quantity"), "note": _l("Note")}


class GoodsRelease(Document, Issued, Checked, Valid):
    """What leaves the estate, for whom and until when, and what the gate found. ``items`` are rows of ``GOODS``."""

    __tablename__ = "goods_release"
    rules = (
        CheckConstraint("confirmation = 'signature' OR confirmation_note <> ''", name="confirmation_noted",
                        info={"message": _l("Write down whom you spoke with, or which authorisation it is.")}),
        CheckConstraint("state IN ('entered', 'cancelled') OR issued_at IS NOT NULL", name="issued_before_gate"),
        CheckConstraint("(items_match IS NULL) = (checked_at IS NULL)", name="checked_iff_result"),
        CheckConstraint("state <> 'released' OR items_match IS TRUE", name="released_only_as_listed"),
    )  # fmt: skip

    state: Mapped[ReleaseState] = mapped_column(
        choice(ReleaseState, "state_known"), default=ReleaseState.ENTERED, info={"label": _l("State")}
    )
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    applicant: Mapped[Applicant] = mapped_column(choice(Applicant, "applicant_known"), info={"label": _l("Applicant")})
    applicant_name: Mapped[str] = mapped_column(String(100), info={"label": _l("Applicant's name")})
    id_kind: Mapped[IdKind] = mapped_column(choice(IdKind, "id_kind_known"), info={"label": _l("Identity document")})
    id_seen: Mapped[bool] = mapped_column(default=False, info={"label": _l("Document seen and given back")})
    confirmation: Mapped[Confirmation] = mapped_column(
        choice(Confirmation, "confirmation_known"), info={"label": _l("Owner's confirmation")}
    )
    confirmation_note: Mapped[str] = mapped_column(
        String(300), default="", info={"label": _l("Spoken with whom and when, or number and date of the letter")}
    )
    reason: Mapped[Reason] = mapped_column(choice(Reason, "reason_known"), info={"label": _l("Reason")})
    items: Mapped[list[dict[str, str]]] = mapped_column(JSON, info={"label": _l("Goods"), "rows": GOODS})
    carrier: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Licence plate or mover")})
    items_match: Mapped[bool | None] = mapped_column(info={"label": _l("Goods as listed")})
    remark: Mapped[str] = mapped_column(String(500), default="", info={"label": _l("Remark of the gate")})

    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])
