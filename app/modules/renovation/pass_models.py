"""Workers of a renovation and their temporary passes (forms C2, C3, C7; RN-06, RN-08, RN-11, RN-12)."""

from datetime import date, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.access.masking import mask_id, mask_phone
from app.core.records.base import UtcDateTime, within_estate
from app.core.records.choices import choice
from app.core.records.identifiers import compact, phone
from app.core.records.secrets import EncryptedText, HasSecrets
from app.core.workflow.documents import Document, Issued
from app.modules.estates.models import Unit
from app.modules.people.models import IdKind, Sex
from app.modules.renovation.models import Renovation, RenovationPart
from app.modules.renovation.states import OUT, Conduct, PassKind, PassState, Trade, WorkerState


class RenovationWorker(HasSecrets, RenovationPart):
    """A worker of a crew (F27). The site administrator verifies the document; its copy is never kept, number and photo
    go when ``keep_until`` has passed (sources C24). ``photo``: an attachment of kind ``photo``.
    """

    __tablename__ = "renovation_worker"
    __secrets__ = {"id_no": compact, "mobile": phone}
    __table_args__ = (
        CheckConstraint("(id_no IS NULL) = (id_no_hash IS NULL)", name="id_no_is_findable"),
        CheckConstraint("(state = 'registered') = (verified_at IS NULL)", name="verified_iff_moment"),
        CheckConstraint("verified_at IS NULL OR verified_by_id IS NOT NULL", name="verified_by_somebody"),
        CheckConstraint("verified_by_id IS NULL OR verified_by_id <> created_by_id", name="verified_by_another"),
        CheckConstraint("state <> 'refused' OR verdict_note <> ''", name="refused_with_reason"),
        CheckConstraint("forgotten_at IS NULL OR id_no IS NULL", name="forgotten_without_number"),
        Index("uq_renovation_worker_document", "renovation_id", "id_no_hash", unique=True,
              sqlite_where=text("id_no_hash IS NOT NULL"), postgresql_where=text("id_no_hash IS NOT NULL"),
              info={"message": ("id_no", _l("This worker is registered here already."))}),
    )  # fmt: skip

    state: Mapped[WorkerState] = mapped_column(
        choice(WorkerState, "state_known"), default=WorkerState.REGISTERED, info={"label": _l("State")}
    )
    name: Mapped[str] = mapped_column(String(100), info={"label": _l("Name")})
    sex: Mapped[Sex | None] = mapped_column(choice(Sex, "sex_known"), info={"label": _l("Sex")})
    id_kind: Mapped[IdKind] = mapped_column(
        choice(IdKind, "id_kind_known"), default=IdKind.RESIDENT_ID, info={"label": _l("ID document type")}
    )
    id_no: Mapped[str | None] = mapped_column(EncryptedText, info={"label": _l("ID number"), "mask": "id_number"})
    id_no_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    id_no_tail: Mapped[str | None] = mapped_column(String(64))
    mobile: Mapped[str | None] = mapped_column(EncryptedText, info={"label": _l("Mobile phone"), "mask": "phone"})
    trade: Mapped[Trade] = mapped_column(choice(Trade, "trade_known"), info={"label": _l("Worker's trade")})
    certificate_no: Mapped[str] = mapped_column(
        String(60), default="", info={"label": _l("Special-trade certificate no.")}
    )
    certificate_until: Mapped[date | None] = mapped_column(info={"label": _l("Certificate valid until")})
    lodging: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Lodging")})
    entered_on: Mapped[date | None] = mapped_column(info={"label": _l("On the site from")})
    left_on: Mapped[date | None] = mapped_column(info={"label": _l("On the site to")})
    photo_id: Mapped[int | None] = within_estate("attachment", info={"label": _l("Photo")})
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Verified at")})
    verified_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    verified_by_name: Mapped[str] = mapped_column(String(130), default="", info={"label": _l("Verified by")})
    verdict_note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Note of the verification")})
    keep_until: Mapped[date | None] = mapped_column(info={"label": _l("ID number and photo kept until")})
    forgotten_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("ID number removed at")})

    renovation: Mapped[Renovation] = relationship(
        foreign_keys="RenovationWorker.renovation_id", back_populates="workers"
    )
    passes: Mapped[list["TemporaryPass"]] = relationship(
        foreign_keys="TemporaryPass.worker_id", order_by="TemporaryPass.id", back_populates="worker"
    )
    conduct: Mapped[list["WorkerConduct"]] = relationship(
        foreign_keys="WorkerConduct.worker_id", order_by="WorkerConduct.id", back_populates="worker"
    )

    @property
    def masked_id(self) -> str:
        return mask_id(self.id_no or "")

    @property
    def masked_mobile(self) -> str:
        return mask_phone(self.mobile or "")

    def __str__(self) -> str:
        return self.name


class WorkerConduct(RenovationPart):
    """A line of the worker management record (F32): briefing, entry, exit, misconduct and what was done."""

    __tablename__ = "renovation_conduct"
    __table_args__ = (CheckConstraint("kind IN ('briefing', 'entry', 'exit', 'misconduct')", name="kind_known"),)

    worker_id: Mapped[int] = within_estate("renovation_worker", info={"label": _l("Worker")})
    kind: Mapped[str] = mapped_column(String(20), info={"label": _l("What happened")})
    at: Mapped[datetime] = mapped_column(UtcDateTime, info={"label": _l("At")})
    note: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Note")})
    action: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("What was done")})
    by_name: Mapped[str] = mapped_column(String(130), info={"label": _l("Entered by")})

    worker: Mapped[RenovationWorker] = relationship(foreign_keys=[worker_id], back_populates="conduct")

    def __str__(self) -> str:
        return f"{self.worker.name} · {self.what.title}"

    @property
    def what(self) -> Conduct:
        return Conduct(self.kind)


class TemporaryPass(Document, Issued):
    """A worker's pass (F28) and its line in the register of issue and return (F29).

    It repeats the permit's days, which the database keeps equal to them, so that no pass can lie outside the permit; an
    extension of the permit goes through to it. ``token``: what the QR code says to the gate.
    """

    __tablename__ = "temporary_pass"
    rules = (
        ForeignKeyConstraint(
            ["renovation_id", "permit_from", "permit_to"], ["renovation.id", "renovation.permit_from", "renovation.permit_to"],
            name="fk_temporary_pass_permit_days", onupdate="CASCADE",
        ),
        CheckConstraint("valid_from >= permit_from AND valid_to <= permit_to", name="pass_inside_permit",
                        info={"message": ("valid_to", _l("The pass cannot hold longer than the permit."))}),
        CheckConstraint("valid_to >= valid_from", name="pass_ends_after_start",
                        info={"message": ("valid_to", _l("The last day comes before the first one."))}),
        CheckConstraint("(state = 'returned') = (returned_at IS NOT NULL)", name="returned_iff_moment"),
        CheckConstraint("state NOT IN ('lost', 'revoked') OR end_reason <> ''", name="ended_with_reason"),
        CheckConstraint("(kind = 'first') = (follows_id IS NULL)", name="follows_unless_first"),
        Index("uq_temporary_pass_valid", "worker_id", unique=True,
              sqlite_where=text("state = 'valid'"), postgresql_where=text("state = 'valid'")),
        Index("uq_temporary_pass_token", "token", unique=True),
    )  # fmt: skip

    state: Mapped[PassState] = mapped_column(
        choice(PassState, "state_known"), default=PassState.VALID, info={"label": _l("State")}
    )
    kind: Mapped[PassKind] = mapped_column(
        choice(PassKind, "kind_known"), default=PassKind.FIRST, info={"label": _l("Kind of pass")}
    )
    renovation_id: Mapped[int] = within_estate("renovation", info={"label": _l("Renovation")})
    worker_id: Mapped[int] = within_estate("renovation_worker", info={"label": _l("Worker")})
    unit_id: Mapped[int] = within_estate("unit", info={"label": _l("Unit")})
    permit_from: Mapped[date]
    permit_to: Mapped[date]
    valid_from: Mapped[date] = mapped_column(info={"label": _l("Valid from")})
    valid_to: Mapped[date] = mapped_column(info={"label": _l("Valid to")})
    follows_id: Mapped[int | None] = within_estate("temporary_pass", info={"label": _l("Follows pass")})
    token: Mapped[str] = mapped_column(String(40))
    received_by: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Received by")})
    end_reason: Mapped[str] = mapped_column(String(300), default="", info={"label": _l("Reason for the end")})
    returned_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Returned at")})
    condition: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Condition")})
    security_told_at: Mapped[datetime | None] = mapped_column(UtcDateTime, info={"label": _l("Security informed at")})
    note: Mapped[str] = mapped_column(Text, default="", info={"label": _l("Note")})

    renovation: Mapped[Renovation] = relationship(
        primaryjoin=lambda: TemporaryPass.renovation_id == Renovation.id,
        foreign_keys=[renovation_id],
        back_populates="passes",
    )
    worker: Mapped[RenovationWorker] = relationship(foreign_keys=[worker_id], back_populates="passes")
    unit: Mapped[Unit] = relationship(foreign_keys=[unit_id])
    follows: Mapped["TemporaryPass | None"] = relationship(foreign_keys=[follows_id], remote_side="TemporaryPass.id")

    @property
    def is_out(self) -> bool:
        """Whether somebody still has to hand it back."""
        return self.state in OUT
