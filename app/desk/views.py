"""The desk: home and the one search box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l

from app.core.access.actor import current_actor
from app.core.records.clock import estate_today
from app.core.registry import registry
from app.core.search.provider import Hit
from app.desk.queries import waiting
from app.extensions import db
from app.fab.views import Page, expose
from app.modules.movein.states import STEPS

RESULTS_PER_GROUP = 8
LONGEST_QUESTION = 80


class HomePage(Page):
    """The desk's home: quick starts and the work that waits."""

    route_base = ""

    @expose("/")
    def index(self) -> str:
        actor = current_actor()
        return self.render(
            "desk/home.html",
            title=_l("Desk"),
            waiting=waiting(db.session, actor),
            steps=STEPS,
            today=estate_today(db.session, actor.estate_id or 0),
        )


@dataclass(frozen=True)
class Group:
    """Hits of one provider."""

    title: Any
    hits: Sequence[Hit]


def find(text: str) -> list[Group]:
    """What every provider the actor may read finds for ``text``; empty groups are left out."""
    actor = current_actor()
    text = text.strip()[:LONGEST_QUESTION]
    if not text:
        return []
    groups = (
        Group(provider.title, provider.find(db.session, text, RESULTS_PER_GROUP))
        for provider in registry().searches
        if actor.may("read", provider.resource)
    )
    return [group for group in groups if group.hits]


class SearchPage(Page):
    """Search by unit code, name, pinyin, telephone, last four, plate, paper or case number."""

    route_base = ""

    @expose("/search")
    def index(self) -> str:
        text = request.args.get("q", "")
        template = "desk/_results.html" if request.headers.get("HX-Request") else "desk/search.html"
        return self.render(template, title=_l("Search"), text=text, groups=find(text))
