"""What several parts of one page ask alike is read once."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import request

from app.core.access.actor import Actor


def once_per_page(load: Callable[[Any, Actor], Any]) -> Callable[[Any, Actor], Any]:
    """Let a loader of the household page answer its head and its section with the same values.

    Only pages that are read keep them, and for no longer than their request: a command always sees what it changed.
    """

    @wraps(load)
    def loaded(record: Any, actor: Actor) -> Any:
        if request.method not in {"GET", "HEAD"}:
            return load(record, actor)
        kept = request.environ.setdefault("guanjia.once_per_page", {})
        key = (load, type(record), record.id, actor.user_id)
        if key not in kept:
            kept[key] = load(record, actor)
        return kept[key]

    return loaded
