"""What a module offers to the one search box."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement


@dataclass(frozen=True)
class Hit:
    """One line of the result list: main text, explanatory text, address to open, icon name."""

    title: str
    detail: str
    address: str
    icon: str = "file-text"


@dataclass(frozen=True)
class SearchProvider:
    """A group of results. ``find(session, text, limit)`` costs at most two statements and honours estate scope.

    ``resource``: the actor needs ``read`` on it, otherwise the group stays silent. ``probe(text)``: whether there may be
    a hit, an expression that one statement asks for all kinds before any is searched; None for a text that can find nothing.
    """

    name: str
    title: Any
    resource: str
    find: Callable[[Any, str, int], Sequence[Hit]]
    probe: Callable[[str], ColumnElement[bool] | None] | None = None
