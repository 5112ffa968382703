"""Categories of findings and clock rules that a new estate starts with."""

from __future__ import annotations

from pathlib import Path

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clocks.seeding import seed_rules
from app.core.records.estate import Estate
from app.modules.checks.models import CheckCategory

SEEDS = Path(__file__).parent / "seeds"


def seed(session: Session, estate: Estate) -> None:
    """Add what the estate lacks, by code; what it has stays as the centre left it."""
    seed_rules(session, estate, SEEDS / "clocks.yaml")
    known = set(session.scalars(select(CheckCategory.code).where(CheckCategory.estate_id == estate.id)))
    entries = yaml.safe_load((SEEDS / "categories.yaml").read_text(encoding="utf-8"))["categories"]
    for seq, entry in enumerate(entries, 1):
        if entry["code"] not in known:
            session.add(
                CheckCategory(
                    estate_id=estate.id, code=entry["code"], seq=seq * 10, title_zh=entry["zh"], title_en=entry["en"]
                )
            )
    session.flush()
