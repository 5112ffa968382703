"""The archive as a section of the household page: filters from the address, a page of entries."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import request
from flask_babel import lazy_gettext as _l

from app.core.access.actor import Actor
from app.core.papers.archive import ArchiveFilter, EntryKind, EntryState, Filed, archive
from app.core.papers.models import paper_titles
from app.core.records.base import now
from app.core.records.choices import Choice
from app.core.registry import HouseholdSection, Registry
from app.extensions import db
from app.fab.fields import estate_zone

YEARS = 12
C = TypeVar("C", bound=Choice)


def register_household(registry: Registry) -> None:
    """Papers and files of the unit."""
    registry.section(
        HouseholdSection(
            name="papers", title=_l("Papers and files"), template="papers/_archive.html", load=_section, order=60
        )
    )


def _section(unit: Any, actor: Actor) -> dict[str, Any]:
    zone, today = estate_zone(), now().astimezone(estate_zone()).date()
    asked = {name: request.args.get(name, "") for name in ("form", "year", "kind", "state", "part")}
    years = [str(today.year - back) for back in range(YEARS)]
    since = until = None
    if asked["year"] in years:
        since, until = (datetime(int(asked["year"]) + more, 1, 1, tzinfo=zone) for more in (0, 1))
    before = _moment(request.args.get("before", ""))
    titles = paper_titles()
    entries, more = archive(
        db.session, unit.id,
        ArchiveFilter(
            form=asked["form"] if asked["form"] in titles else "", since=since,
            until=min(filter(None, (until, before)), default=None), kind=_one(EntryKind, asked["kind"]),
            state=_one(EntryState, asked["state"]), part=_one(Filed, asked["part"]),
        ),
        actor=actor,
    )  # fmt: skip
    further = {"section": "papers"} | {k: v for k, v in asked.items() if v}
    return {
        "entries": entries,
        "filtered": any(asked.values()),
        "more": _address(further | {"before": entries[-1].at.isoformat()}) if more else "",
        "filters": (
            ("form", _l("Form"), titles.items(), asked["form"]),
            ("part", _l("Part of the file"), [(p.value, f"{p.value} {p.title}") for p in Filed], asked["part"]),
            ("kind", _l("Kind"), [(k.value, k.title) for k in EntryKind], asked["kind"]),
            ("state", _l("State"), [(s.value, s.title) for s in EntryState], asked["state"]),
            ("year", _l("Year"), [(year, year) for year in years], asked["year"]),
        ),
    }


def _one(of: type[C], value: str) -> C | None:
    return of(value) if value in set(of) else None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found and found.tzinfo else None


def _address(arguments: dict[str, str]) -> str:
    return "?" + urlencode(arguments)
