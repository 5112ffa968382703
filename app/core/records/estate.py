"""The estate (物业管理区域): the boundary of every record, right and number series."""

from flask_babel import lazy_gettext as _l
from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.records.base import Stamped


class Estate(Stamped):
    """One property management area with the service centre that looks after it."""

    __tablename__ = "estate"

    code: Mapped[str] = mapped_column(String(20), unique=True, info={"label": _l("Estate code")})
    name_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Name (Chinese)")})
    name_en: Mapped[str] = mapped_column(String(100), info={"label": _l("Name (English)")})
    company_zh: Mapped[str] = mapped_column(String(100), info={"label": _l("Property service enterprise (Chinese)")})
    company_en: Mapped[str] = mapped_column(String(150), info={"label": _l("Property service enterprise (English)")})
    developer_zh: Mapped[str] = mapped_column(String(100), default="", info={"label": _l("Developer (Chinese)")})
    developer_en: Mapped[str] = mapped_column(String(150), default="", info={"label": _l("Developer (English)")})
    address_zh: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Address (Chinese)")})
    address_en: Mapped[str] = mapped_column(String(200), default="", info={"label": _l("Address (English)")})
    service_phone: Mapped[str] = mapped_column(String(30), default="", info={"label": _l("Service telephone")})
    emergency_phone: Mapped[str] = mapped_column(
        String(30), default="", info={"label": _l("Emergency repair telephone")}
    )
    complaint_phone: Mapped[str] = mapped_column(String(30), default="", info={"label": _l("Complaint telephone")})
    bank_account: Mapped[str] = mapped_column(String(120), default="", info={"label": _l("Bank account for payments")})
    working_hours_zh: Mapped[str] = mapped_column(
        String(200), default="", info={"label": _l("Permitted renovation hours (Chinese)")}
    )
    working_hours_en: Mapped[str] = mapped_column(
        String(200), default="", info={"label": _l("Permitted renovation hours (English)")}
    )
    time_zone: Mapped[str] = mapped_column(String(40), default="Asia/Shanghai", info={"label": _l("Time zone")})
    settings_version: Mapped[int] = mapped_column(default=1, server_default="1")
    """Another one whenever a setting changes that processes keep in memory, so that all of them read it anew."""

    def __str__(self) -> str:
        return self.name_zh
