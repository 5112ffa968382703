"""What modules tell the queue about their work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.core.workflow.table import Ask


@dataclass(frozen=True, kw_only=True)
class WorkCommand:
    """A simple decision that can be made on the queue's line, of records that have no workflow.

    Offered to who holds ``verb`` on ``resource`` while ``when(record)``. ``run(session, record, actor=…, **asked)`` is
    the service that carries it out; the words of ``asks`` are its keywords.
    """

    name: str
    title: Any
    verb: str
    resource: str
    when: Callable[[Any], bool]
    run: Callable[..., None]
    asks: tuple[Ask, ...] = ()
    primary: bool = False
    danger: bool = False


@dataclass(frozen=True, kw_only=True)
class WorkKind:
    """A kind of work in the queue. Contribute it with ``registry.contribute(WorkKind(...))``.

    ``resource``: who may read it sees the work under “All”. ``steps``: titles of the steps by name; work of a workflow
    or with ``commands`` needs none, those have titles. ``model``: the class of the records. ``label``: what the line
    calls the record. ``icon``: of the menu's icon set. ``assigned(session, record, person)``: what the record itself
    keeps about who has the work; None for nobody.
    """

    code: str
    title: Any
    resource: str
    model: type
    steps: Mapping[str, Any] | None = None
    icon: str = "list-check"
    label: Callable[[Any], str] = str
    commands: tuple[WorkCommand, ...] = ()
    assigned: Callable[[Any, Any, Any], None] | None = None
