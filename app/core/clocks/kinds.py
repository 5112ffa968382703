"""What modules tell the queue about their work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class WorkKind:
    """A kind of work in the queue. Contribute it with ``registry.contribute(WorkKind(...))``.

    ``resource``: who may read it sees the work under “All”. ``steps``: titles of the steps by name; work of a workflow
    needs none, its transitions have titles. ``model``: the class of the records. ``label``: what the line calls
    the record. ``icon``: of the menu's icon set.
    """

    code: str
    title: Any
    resource: str
    model: type
    steps: Mapping[str, Any] | None = None
    icon: str = "checklist"
    label: Callable[[Any], str] = str
