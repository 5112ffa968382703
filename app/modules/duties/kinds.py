"""What modules tell about the evidence that shows a duty was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Occasion:
    """One time the thing was done: when it counts from (aware), and the record that shows it."""

    at: datetime
    record_type: str
    record_id: int
    label: str = ""


@dataclass(frozen=True)
class Parameter:
    """A parameter of an evidence: its title on the form and the values it may have, ``{value: title}``."""

    title: Any
    choices: Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """How a duty proves itself. Contribute it with ``registry.contribute(Evidence(...))``.

    ``occasions(session, estate_id, start, end, **parameters)`` gives the occasions with ``start <= at < end`` in one
    statement; ``parameters`` are the duty's own, each of those named here, as a list of chosen values
    (``kind=["movein.papers"]``; an empty list: any). Whoever writes such a record calls
    :func:`app.modules.duties.services.look_again` after it, so that the duty closes at once.

    ``owed``, called alike, tells whether there was anything to do in a window, for things that are only owed on some
    days (rounds, say, while there are sites). What is not owed does not stand in the queue and is waived in the end.
    """

    code: str
    title: Any
    occasions: Callable[..., Sequence[Occasion]]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    owed: Callable[..., bool] | None = None
