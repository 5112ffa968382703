"""The fee-item catalogue a new estate starts with (forms A8)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.records.estate import Estate
from app.modules.fees.models import FeeItem
from app.modules.fees.states import FeeBasis, FeeKind

CATALOGUE = Path(__file__).parent / "seeds" / "fee_items.yaml"


def seed(session: Session, estate: Estate) -> None:
    """Add the fee items that the estate lacks; entries it has, by code, stay as the centre left them."""
    known = set(session.scalars(select(FeeItem.code).where(FeeItem.estate_id == estate.id)))
    entries = yaml.safe_load(CATALOGUE.read_text(encoding="utf-8"))["fee_items"]
    for seq, entry in enumerate(entries, 1):
        if entry["code"] in known:
            continue
        session.add(
            FeeItem(
                estate_id=estate.id,
                code=entry["code"],
                seq=seq * 10,
                title_zh=entry["zh"],
                title_en=entry["en"],
                kind=FeeKind(entry["kind"]),
                basis=FeeBasis(entry["basis"]),
                rate=Decimal(entry["rate"]),
                taxable=entry["taxable"],
                refundable=entry["refundable"],
                mandatory=entry["mandatory"],
                proposed=entry["default_selected"],
                advance=entry["advance"],
                active=entry["active"],
                caution_zh=entry["caution"]["zh"],
                caution_en=entry["caution"]["en"],
            )
        )
    session.flush()
