"""The privacy notice a new estate starts with."""

from __future__ import annotations

from pathlib import Path

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.records.clock import estate_today
from app.core.records.estate import Estate
from app.modules.people.models import PrivacyNotice

NOTICE = Path(__file__).parent / "seeds" / "privacy_notice.yaml"


def seed(session: Session, estate: Estate) -> None:
    """Add the notice's version unless the estate has it."""
    notice = yaml.safe_load(NOTICE.read_text(encoding="utf-8"))
    version = notice["version"]
    known = select(PrivacyNotice.id).where(
        PrivacyNotice.estate_id == estate.id, PrivacyNotice.notice_version == version
    )
    if session.scalar(known) is None:
        session.add(
            PrivacyNotice(
                estate_id=estate.id,
                notice_version=version,
                title_zh=notice["title"]["zh"],
                title_en=notice["title"]["en"],
                text=notice,
                valid_from=estate_today(session, estate.id),
            )
        )
