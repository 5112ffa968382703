"""The move-in of a unit on its household page: where it stands, whether its records are complete, the keys."""

from __future__ import annotations

from functools import cache
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, func, select

from app.core.access.actor import Actor
from app.core.papers.archive import Filed, FiledUnder
from app.core.registry import HouseholdHead, HouseholdSection, Registry
from app.extensions import db
from app.fab.once import once_per_page
from app.modules.estates.models import Unit
from app.modules.movein.completeness import CaseFile, read_files, with_states
from app.modules.movein.models import Defect, KeyHandover, MoveInCase
from app.modules.movein.queries import paper_title
from app.modules.movein.states import LOOKS, DefectState


def register_household(registry: Registry) -> None:
    """The module's part of the household page and of the owner's file."""
    registry.contribute(
        HouseholdHead(name="move-in", title=_l("Move-in"), template="movein/_head.html", load=_head, order=20)
    )
    registry.section(
        HouseholdSection(
            name="move-in", title=_l("Move-in"), template="movein/_household.html", load=cases_of, order=20
        )
    )
    for table in ("movein_case", "movein_defect", "inspection_round", "entrusted_service"):
        registry.contribute(FiledUnder(name=table, part=Filed.MOVE_IN))


def cases_of(unit: Unit, actor: Actor) -> dict[str, Any]:
    """Values of ``movein/_household.html``: the unit's move-ins with their documents and records; one statement."""
    files = _files(unit, actor) if actor.may("read", "MoveInCase") else []
    return {"files": files, "looks": LOOKS, "title_of_paper": paper_title}


@once_per_page
def _files(unit: Unit, actor: Actor) -> list[CaseFile]:
    """The unit's move-ins, newest first; ``more`` of each counts open defects and keys."""
    return read_files(db.session, _cases_of_unit(), {"unit_id": unit.id})


@cache  # the largest statement of the page: built, and known to the statement cache, once
def _cases_of_unit() -> Any:
    mine = KeyHandover.case_id == MoveInCase.id
    keys = select(func.coalesce(func.sum(KeyHandover.quantity), 0)).where(mine)
    defects = select(func.count(Defect.id)).where(
        Defect.case_id == MoveInCase.id, Defect.state != DefectState.VERIFIED
    )  # fmt: skip
    return with_states(
        select(
            MoveInCase,
            defects.scalar_subquery().label("defects"),
            keys.where(KeyHandover.handed_at.is_not(None), ~KeyHandover.in_custody).scalar_subquery().label("keys_out"),
            keys.where(KeyHandover.in_custody).scalar_subquery().label("custody"),
        )
        .where(MoveInCase.unit_id == bindparam("unit_id"))
        .order_by(MoveInCase.id.desc())
    )


def _head(unit: Unit, actor: Actor) -> dict[str, Any] | None:
    if not actor.may("read", "MoveInCase"):
        return None
    files = _files(unit, actor)
    latest = files[0] if files else None
    open_case = next((file.case for file in files if file.case.is_open), None)
    defects = sum(file.more["defects"] for file in files)
    action = None
    if open_case:
        action = (_("Continue the move-in"), url_for("MoveInCaseView.show", pk=open_case.id), "btn-primary")
    elif actor.may("create", "MoveInCase"):
        action = (_("New move-in"), url_for("MoveInCaseView.add", unit=unit.id), "" if files else "btn-primary")
    return {
        "file": latest, "looks": LOOKS, "defects": defects, "action": action,
        "keys_out": sum(file.more["keys_out"] for file in files), "custody": sum(file.more["custody"] for file in files),
        "labels": [(_("Defects open"), "orange")] if defects else [],
    }  # fmt: skip
