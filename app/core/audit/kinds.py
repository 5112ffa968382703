"""What modules tell timelines about the events they log themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class EventKind:
    """A kind of entry of the change log. Contribute it with ``registry.contribute(EventKind(...))``.

    ``code``: the ``kind`` given to :func:`app.core.audit.log.record_event`; ``sentence``: what follows the name of who
    did it (“waived the duty”); ``icon``: of the menu's icon set.
    """

    code: str
    sentence: Any
    icon: str = "point"
