"""Titles that live in the catalogue, needed in both languages on a bilingual paper."""

from __future__ import annotations

from typing import Any

from flask_babel import force_locale

from app.core.papers.base.context import Bilingual


def in_both(title: Any) -> Bilingual:
    """A translatable title (such as a ``Choice`` member's) in Chinese and English."""
    with force_locale("zh"):
        zh = str(title)
    with force_locale("en"):
        return Bilingual(zh, str(title))
