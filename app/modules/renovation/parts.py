"""A renovation's page: the parts that the files of the module add to it, and what their requests have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from flask import request
from werkzeug.datastructures import FileStorage

from app.core.access.actor import Actor, current_actor
from app.core.records.lookup import reach
from app.extensions import db
from app.modules.renovation.models import Renovation
from app.modules.renovation.states import RenovationState as S

Part = tuple[Any, str, dict[str, Any]]
"""Title, template, and the values it shows as ``part``."""
Show = Callable[[Renovation, Actor], Part | None]

PARTS: list[tuple[int, Show]] = []
SIGNATURES = "documents/_signatures.html"
LEADING = {
    S.DRAFT: ("renovation/_papers.html", SIGNATURES),
    S.RETURNED: ("renovation/_decisions.html", "renovation/_papers.html", SIGNATURES),
    S.INTAKE: ("renovation/_decisions.html", "renovation/_papers.html", SIGNATURES),
    S.TECHNICAL: ("renovation/_decisions.html", "renovation/_papers.html"),
    S.APPROVAL: ("renovation/_decisions.html", "renovation/_papers.html"),
    S.PAYMENT: ("renovation/_fees.html",),
    S.PASSES: ("renovation/_workers.html", "renovation/_passes.html"),
    S.UNDER_WAY: ("renovation/_violations.html", "renovation/_rounds.html", "renovation/_passes.html"),
    S.SUSPENDED: ("renovation/_violations.html", "renovation/_rounds.html"),
    S.ACCEPTANCE: ("renovation/_inspections.html", "renovation/_violations.html", "renovation/_passes.html"),
    S.RECTIFICATION: ("renovation/_inspections.html", "renovation/_violations.html", "renovation/_passes.html"),
    S.ACCEPTED: ("renovation/_settlement.html",),
    S.SETTLED: ("renovation/_permit_file.html",),
}
"""The parts that somebody works with in a state stand above the facts of the application, by their templates."""


def part(order: int) -> Callable[[Show], Show]:
    """Decorator: ``show(record, actor)`` is a part of the page, None where there is nothing to show; ``order`` sorts."""

    def keep(show: Show) -> Show:
        PARTS.append((order, show))
        return show

    return keep


def parts_of(renovation: Renovation, actor: Actor) -> list[Part]:
    """The parts of this renovation's page that the actor sees, in order."""
    shown = (show(renovation, actor) for _order, show in sorted(PARTS, key=lambda entry: entry[0]))
    return [found for found in shown if found]


def leading(renovation: Renovation, parts: Iterable[Part]) -> tuple[list[Part], list[Part]]:
    """The parts that stand above the facts in the renovation's state, in the order of ``LEADING``, and the others."""
    order = LEADING.get(renovation.state, ())
    places = [(order.index(part[1]) if part[1] in order else None, part) for part in parts]
    first = sorted(((place, part) for place, part in places if place is not None), key=lambda entry: entry[0])
    return [part for _place, part in first], [part for place, part in places if place is None]


def reached(pk: int) -> Renovation:
    """The renovation that the actor may read; raises ``NotAllowed`` where there is none for them."""
    found: Renovation = reach(db.session, "renovation", pk, verb="read", actor=current_actor())
    return found


def uploads(name: str) -> list[FileStorage]:
    """The files that a form brought under ``name``."""
    return [upload for upload in request.files.getlist(name) if upload.filename]
