"""Papers: laid out from templates, issued once under a number, reprinted as they were, verified by their code."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    from app.core.papers import models  # noqa: F401
