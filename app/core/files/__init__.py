"""Files: stored once by content, attached to records under their own names, opened row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.registry import Registry


def register(registry: Registry) -> None:
    from app.core.files.views import FilePage

    registry.view(FilePage)
