"""What modules contribute: each module's ``register(registry)`` is its table of contents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import ColumnElement, select

from app.core.access.roles import Grants, Role, spread
from app.core.papers.kind import PaperKind
from app.core.records.estate import Estate
from app.core.search.provider import SearchProvider

if TYPE_CHECKING:
    from app.core.workflow.table import Workflow  # whose clocks ask the registry

Contribution = TypeVar("Contribution")


@dataclass(frozen=True, kw_only=True)
class Recurring:
    """Work that a worker repeats: ``work(session)`` runs as the system about every ``every``, once among all workers.

    It commits what it did in short steps and, run again after a crash, finds nothing to do twice; what it leaves open is
    committed with its next time. ``title``: what it is called on the administrator's page.
    """

    name: str
    every: timedelta
    work: Callable[[Any], Any]
    title: Any = ""


@dataclass(frozen=True, kw_only=True)
class MenuEntry:
    """A view (Flask-AppBuilder view class) and its place in the menu; no ``label`` means no menu entry."""

    view: type
    label: Any = None
    category: Any = ""
    icon: str = "file-text"


@dataclass(frozen=True, kw_only=True)
class HomeCard:
    """A card of the home page. ``load(session, actor)`` returns the values its template shows, None for no card.

    The template is the whole card, drawn beside the queue with ``values``; ``order`` sorts. Who lacks ``read`` on
    ``resource``, or (when named) all of ``roles``, does not have it. A card costs at most one statement.

    ``counts``: numbers of the estate (parameter ``estate``) by name, expressions that one statement asks for all cards
    together; ``load`` gets them as further arguments.
    """

    name: str
    title: Any
    template: str
    load: Callable[..., dict[str, Any] | None]
    counts: Mapping[str, ColumnElement[int]] = field(default_factory=dict, compare=False)
    resource: str = ""
    roles: frozenset[str] = frozenset()
    order: int = 50

    def shown_to(self, actor: Any) -> bool:
        """Whether the actor has the card."""
        return (not self.resource or actor.may("read", self.resource)) and (
            not self.roles or bool(self.roles & actor.roles)
        )


@dataclass(frozen=True, kw_only=True)
class QuickStart:
    """A button of the home page that begins something; who lacks ``verb`` on ``resource`` does not see it."""

    name: str
    title: Any
    endpoint: str
    icon: str
    verb: str
    resource: str
    order: int = 50


@dataclass(frozen=True, kw_only=True)
class MenuCount:
    """A count beside the search box, loaded after the page and again every minute.

    ``count(session, actor)`` takes one statement and looks at no more than 1,000 rows; ``title`` names what is
    counted, ``endpoint`` is the page it leads to; ``alarm`` shows it in red.
    """

    name: str
    title: Any
    endpoint: str
    icon: str
    count: Callable[[Any, Any], int]
    arguments: tuple[tuple[str, str], ...] = ()
    alarm: bool = False
    order: int = 50


@dataclass(frozen=True, kw_only=True)
class HouseholdSection:
    """A part of the household page. ``load(unit, actor)`` returns the values its template shows; ``order`` sorts."""

    name: str
    title: Any
    template: str
    load: Callable[[Any, Any], dict[str, Any]]
    order: int = 50


@dataclass(frozen=True, kw_only=True)
class HouseholdHead:
    """What a module says at the head of every household page; contributed. ``order`` sorts.

    ``load(unit, actor)`` returns the values its template shows under ``title``, None for people who see nothing of it;
    ``labels`` among them, pairs of title and badge colour, stand beside the unit's code, ``action`` – title,
    address and look of a button – stands at the top of the page. At most one statement.

    ``facts``: expressions over the unit by name, read in one statement with the unit itself; ``load`` gets their values
    as further arguments.
    """

    name: str
    title: Any
    template: str
    load: Callable[..., dict[str, Any] | None]
    facts: Mapping[str, ColumnElement[Any]] = field(default_factory=dict, compare=False)
    order: int = 50

    def of(self, session: Any, unit: Any, actor: Any) -> dict[str, Any] | None:
        """The values of this head alone, for other pages than the household's."""
        known = (
            session.execute(select(*self.facts.values()).where(type(unit).id == unit.id)).one() if self.facts else ()
        )
        return self.load(unit, actor, **dict(zip(self.facts, known, strict=True)))


@dataclass
class Registry:
    """Everything the modules registered, in registration order."""

    menu: list[MenuEntry] = field(default_factory=list)
    rights: dict[Role, set[tuple[str, str]]] = field(default_factory=lambda: {role: set() for role in Role})
    workflows: dict[str, Workflow] = field(default_factory=dict)
    papers: dict[str, PaperKind] = field(default_factory=dict)
    searches: list[SearchProvider] = field(default_factory=list)
    sections: list[HouseholdSection] = field(default_factory=list)
    seeds: list[Callable[[Any, Estate], None]] = field(default_factory=list)
    jobs: dict[str, Callable[..., Any]] = field(default_factory=dict)
    record_pages: dict[str, Callable[[int], str]] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    contributions: dict[type, dict[str, Any]] = field(default_factory=dict)

    def view(self, view: type, *, label: Any = None, category: Any = "", icon: str = "file-text") -> None:
        """Serve ``view``; with a ``label`` it stands in the menu under ``category``."""
        self.menu.append(MenuEntry(view=view, label=label, category=category, icon=icon))

    def grants(self, grants: Grants) -> None:
        for role, rights in spread(grants).items():
            self.rights[role] |= rights

    def workflow(self, workflow: Workflow) -> None:
        self.workflows[workflow.resource] = workflow

    def paper(self, kind: PaperKind) -> None:
        if kind.code in self.papers:
            raise ValueError(f"paper {kind.code} registered twice")
        self.papers[kind.code] = kind

    def search(self, provider: SearchProvider) -> None:
        self.searches.append(provider)

    def section(self, section: HouseholdSection) -> None:
        self.sections = sorted([*self.sections, section], key=lambda s: s.order)

    def seed(self, seed: Callable[[Any, Estate], None]) -> None:
        """``seed(session, estate)``: bring the module's code lists into an estate; idempotent, keyed by code."""
        self.seeds.append(seed)

    def job(self, name: str, work: Callable[..., Any]) -> None:
        """``work(job, **arguments)`` carries out background jobs of kind ``name``."""
        self.jobs[name] = work

    def page(self, record_type: str, address: Callable[[int], str]) -> None:
        """Address of a record's page, by its table name; used by timelines, search and the verification page."""
        self.record_pages[record_type] = address

    def guard(self, record_type: str, resource: str) -> None:
        """Verbs on ``resource`` guard the files of a table that has neither a workflow nor a list view."""
        self.resources[record_type] = resource

    def contribute(self, thing: Any) -> None:
        """Offer ``thing`` to whoever asks for its type with :meth:`of`; its ``code`` (or ``name``) is unique there.

        This is how a module tells the general modules about itself – a check, a duty's evidence, an indicator, a kind
        of work – without their knowing it.
        """
        kept = self.contributions.setdefault(type(thing), {})
        code = getattr(thing, "code", None) or thing.name
        if code in kept:
            raise ValueError(f"{type(thing).__name__} {code} registered twice")
        kept[code] = thing

    def of(self, kind: type[Contribution]) -> dict[str, Contribution]:
        """What was contributed of this type, by code, in registration order."""
        return self.contributions.get(kind, {})


def registry() -> Registry:
    """The registry of the running application."""
    from flask import current_app

    found: Registry = current_app.extensions["guanjia"]
    return found
