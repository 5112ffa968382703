"""Violations, their categories and the permitted hours, brought into an estate; what is there stays as it is."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.records.estate import Estate
from app.modules.checks.models import CheckCategory
from app.modules.duties.services import seed_duties
from app.modules.renovation.site_models import DayKind, PermittedHours, ViolationCode

SEEDS = Path(__file__).parent / "seeds"


def seed(session: Session, estate: Estate) -> None:
    """Idempotent by code; permitted hours only where there are none at all."""
    known = yaml.safe_load((SEEDS / "violations.yaml").read_text(encoding="utf-8"))
    _categories(session, estate, known["categories"])
    present = set(session.scalars(select(ViolationCode.code).where(ViolationCode.estate_id == estate.id)))
    for seq, entry in enumerate(known["codes"], 1):
        if entry["code"] not in present:
            session.add(_code(estate, entry, seq))
    if session.scalar(select(PermittedHours.id).where(PermittedHours.estate_id == estate.id).limit(1)) is None:
        presets = yaml.safe_load((SEEDS / "hours.yaml").read_text(encoding="utf-8"))
        session.add_all(hours_from(estate.id, presets["default"]))
    session.flush()
    seed_duties(session, estate, SEEDS / "duties.yaml")


def hours_from(estate_id: int, entries: list[dict[str, Any]]) -> list[PermittedHours]:
    """Permitted hours as ``hours.yaml`` writes them."""
    return [
        PermittedHours(
            estate_id=estate_id, day_kind=DayKind(entry["days"]), opens=time.fromisoformat(entry["opens"]),
            closes=time.fromisoformat(entry["closes"]), noisy=entry["noisy"],
        )
        for entry in entries
    ]  # fmt: skip


def _categories(session: Session, estate: Estate, entries: list[dict[str, str]]) -> None:
    present = set(session.scalars(select(CheckCategory.code).where(CheckCategory.estate_id == estate.id)))
    last = session.scalar(select(func.max(CheckCategory.seq)).where(CheckCategory.estate_id == estate.id)) or 0
    for seq, entry in enumerate(entries, last + 1):
        if entry["code"] not in present:
            session.add(
                CheckCategory(
                    estate_id=estate.id, code=entry["code"], seq=seq, title_zh=entry["zh"], title_en=entry["en"]
                )
            )


def _code(estate: Estate, entry: dict[str, Any], seq: int) -> ViolationCode:
    law = entry["article"]
    return ViolationCode(
        estate_id=estate.id, code=entry["code"], article=law, seq=seq, grave=entry["grave"], category=entry["category"],
        title_zh=entry["zh"], title_en=entry["en"],
        basis_zh=f"《住宅室内装饰装修管理办法》（建设部令第110号）第{law}条" if law else "装修管理服务协议",
        basis_en=f"Measures for the Administration of Residential Interior Decoration (Decree No. 110) art. {law}" if law
        else "Renovation management service agreement",
    )  # fmt: skip
