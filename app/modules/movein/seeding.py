"""The module's code lists and standing texts, brought into an estate from the seed files; present rows stay as they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clocks.seeding import seed_rules
from app.core.records.base import now
from app.core.records.estate import Estate
from app.modules.duties.services import seed_duties
from app.modules.movein.models import MoveInItem, StandingTextVersion
from app.modules.movein.standing import load

SEEDS = Path(__file__).parent / "seeds"
TITLES = {"code", "zh", "en"}


def seed(session: Session, estate: Estate) -> None:
    """Bring lists and texts into the estate; idempotent, keyed by code."""
    present = {
        (item.list_name, item.code)
        for item in session.scalars(select(MoveInItem).where(MoveInItem.estate_id == estate.id))
    }
    for list_name, seq, entry, data in _entries():
        if (list_name, entry["code"]) not in present:
            session.add(
                MoveInItem(
                    estate_id=estate.id, list_name=list_name, code=entry["code"], seq=seq,
                    title_zh=entry["zh"], title_en=entry["en"], data=data,
                )
            )  # fmt: skip
    texts = set(session.scalars(select(StandingTextVersion.code).where(StandingTextVersion.estate_id == estate.id)))
    for path in sorted((SEEDS / "standing_texts").glob("*.yaml")):
        text = load(path)
        if text.form_no not in texts:
            session.add(
                StandingTextVersion(
                    estate_id=estate.id, code=text.form_no, number=1, title_zh=text.title.zh, title_en=text.title.en,
                    content=asdict(text), published_at=now(),
                )
            )  # fmt: skip
    seed_rules(session, estate, SEEDS / "clocks.yaml")
    seed_duties(session, estate, SEEDS / "duties.yaml")
    session.flush()


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((SEEDS / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def _entries() -> Iterator[tuple[str, int, dict[str, Any], dict[str, Any]]]:
    """(list, order, entry with code/zh/en, its further data) of every seed list."""
    lists = {
        name: _read(name)[name]
        for name in ("required_papers", "handout_documents", "procedure_steps", "entrusted_services", "key_kinds")
    }
    matrix = _read("check_matrix")
    lists |= {name: matrix[name] for name in ("limits", "responsible_parties", "spaces", "layouts")}
    lists["trades"] = [{k: v for k, v in trade.items() if k != "items"} for trade in matrix["trades"]]
    lists["check_items"] = [{**item, "trade": trade["code"]} for trade in matrix["trades"] for item in trade["items"]]
    for name, entries in lists.items():
        for seq, entry in enumerate(entries, 1):
            yield name, seq, entry, {k: v for k, v in entry.items() if k not in TITLES}
