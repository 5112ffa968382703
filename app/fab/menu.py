"""The menu: what the person may read, grouped, in the language of the page; made without a database query."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import current_app, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from app.core.access.actor import Actor, current_actor
from app.core.registry import MenuEntry, registry

KEPT = 400
"""Drawn menus that a process remembers."""
LAST = (_l("Settings"), _l("Administration"))


@dataclass(frozen=True)
class MenuLink:
    """One line of the menu; ``active`` while one of its pages is open."""

    label: str
    address: str
    icon: str
    active: bool


@dataclass
class MenuCategory:
    """A titled group of lines; no title for lines that stand alone."""

    title: str
    links: list[MenuLink] = field(default_factory=list)

    @property
    def active(self) -> bool:
        return any(link.active for link in self.links)


def drawn_menu() -> Markup:
    """The menu as HTML, remembered by all it depends on: language, rights, the open page, and where the program is mounted."""
    actor, drawn = current_actor(), current_app.extensions.setdefault("guanjia_menus", {})
    shown_for = (
        str(get_locale()), actor.grants, actor.system, actor.user_id is None, request.blueprint, request.path == "/",
        request.script_root,
    )  # fmt: skip
    if shown_for not in drawn:
        if len(drawn) >= KEPT:
            drawn.clear()
        drawn[shown_for] = Markup(render_template("menu.html", groups=menu_entries()))  # noqa: S704  (drawn by Jinja)
    found: Markup = drawn[shown_for]
    return found


def menu_entries() -> list[MenuCategory]:
    """The menu of the acting person in registration order, what is rarely needed last; empty categories are left out."""
    actor = current_actor()
    categories: dict[str, MenuCategory] = {}
    for entry in registry().menu:
        if entry.label is not None and may_open(actor, entry.view):
            title = str(entry.category)
            categories.setdefault(title, MenuCategory(title)).links.append(_link(entry))
    rare = [str(title) for title in LAST]
    return sorted(
        categories.values(), key=lambda category: rare.index(category.title) + 1 if category.title in rare else 0
    )


def may_open(actor: Actor, view: Any) -> bool:
    """The actor may open the view's first page; one that asks for no right is open to everybody signed in."""
    verb, resource = getattr(getattr(view, view.default_view), "requires", ("read", ""))
    resource = resource or getattr(view, "resource", "")
    return actor.may(verb, resource) if resource else actor.user_id is not None


def _link(entry: MenuEntry) -> MenuLink:
    endpoint = entry.view.__name__
    return MenuLink(
        label=str(entry.label),
        address=url_for(f"{endpoint}.{entry.view.default_view}"),  # type: ignore[attr-defined]  # every view of ours has one
        icon=entry.icon,
        active=request.blueprint == endpoint,
    )
