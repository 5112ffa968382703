"""Duties: seeds, edits, the occurrences of each period, and what closes them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.orm import Session

from app.core.records.estate import Estate


def seed_duties(session: Session, estate: Estate, path: Path) -> None:
    """Bring the duties of a module's ``seeds/duties.yaml`` into an estate; those it has, by code, stay as they are."""


def look_again(session: Session, estate_id: int, evidence_code: str) -> None:
    """Close what a record just written has fulfilled: open occurrences of the duties that this evidence shows."""
