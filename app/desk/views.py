"""The desk: home and the one search box."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, select

from app.core.access.actor import Actor, current_actor
from app.core.clocks.work_views import queue_values
from app.core.registry import HomeCard, QuickStart, registry
from app.core.search.provider import Hit, SearchProvider
from app.extensions import db
from app.fab.views import Page, expose

RESULTS_PER_GROUP = 8
LONGEST_QUESTION = 80


class HomePage(Page):
    """The desk's home: quick starts, the work queue, and the cards of the modules."""

    route_base = ""

    @expose("/")
    def index(self) -> str:
        actor = current_actor()
        queue = queue_values(actor, request.args, "HomePage.index")
        if "after" in request.args and "HX-Request" in request.headers:
            return self.render("clocks/_lines.html", **queue)
        starts = sorted(registry().of(QuickStart).values(), key=lambda start: start.order)
        return self.render(
            "desk/home.html", title=_l("Desk"), cards=_cards(actor),
            starts=[start for start in starts if actor.may(start.verb, start.resource)], **queue,
        )  # fmt: skip


def _cards(actor: Actor) -> list[tuple[HomeCard, dict[str, Any]]]:
    """The cards the actor has, in their order, with the values of their templates."""
    shown = [card for card in registry().of(HomeCard).values() if card.shown_to(actor)]
    asked = tuple(count for card in shown for count in card.counts.values())
    told = iter(db.session.execute(_together(asked), {"estate": actor.estate_id}).one() if asked else ())
    counts = {card.name: {name: next(told) for name in card.counts} for card in shown}
    ordered = sorted(shown, key=lambda card: card.order)
    loaded = ((card, card.load(db.session, actor, **counts[card.name])) for card in ordered)
    return [(card, values) for card, values in loaded if values is not None]


@cache  # building it costs more than asking it
def _together(counts: tuple[Any, ...]) -> Select[Any]:
    """The ``counts`` of all cards in one row."""
    return select(*counts)


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
    readable = [provider for provider in registry().searches if actor.may("read", provider.resource)]
    groups = (
        Group(provider.title, provider.find(db.session, text, RESULTS_PER_GROUP))
        for provider in _promising(readable, text)
    )
    return [group for group in groups if group.hits]


def _promising(providers: Sequence[SearchProvider], text: str) -> list[SearchProvider]:
    """Those that may find ``text``: one statement asks all that can tell beforehand."""
    probes = {provider.name: provider.probe(text) for provider in providers if provider.probe}
    asked = {name: probe for name, probe in probes.items() if probe is not None}
    told = db.session.execute(select(*asked.values())).one() if asked else ()
    hopeful = {name for name, there in zip(asked, told, strict=True) if there}
    return [provider for provider in providers if provider.probe is None or provider.name in hopeful]


class SearchPage(Page):
    """Search by unit code, name, pinyin, telephone, last four, plate, paper or case number."""

    route_base = ""

    @expose("/search")
    def index(self) -> str:
        text = request.args.get("q", "")
        template = "desk/_results.html" if request.headers.get("HX-Request") else "desk/search.html"
        return self.render(template, title=_l("Search"), text=text, groups=find(text))
