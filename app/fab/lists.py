"""The list of a record view: filters, pages, print, and what a line shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar
from urllib.parse import urlencode

import sqlalchemy as sa
from flask import current_app, flash, g, request, url_for
from flask_appbuilder.baseviews import expose
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from app.core.access.actor import current_actor
from app.core.fields.kinds import PREFIX
from app.core.records.base import now
from app.core.registry import registry
from app.extensions import db
from app.fab import cells
from app.fab.customs import LOST, Columns, customs_of, without_strangers
from app.fab.fields import estate_zone, masked, title_of
from app.fab.filters import RANGED, RESERVED, SIZES, TURNING, Criterion, ListQuery, read_query, spans_of
from app.fab.interface import Attribute, Kind, RecordInterface
from app.fab.paging import DEEPEST, Place, Stretch, Tally
from app.fab.scope import requires

VIEWS = "guanjia.record_views"
VIEWS_OF = "guanjia.record_views.of"
BLANK_FILTERS = "guanjia.record_views.blank_filters"
MOST_BLANK_FILTERS = 5_000
PRINTED = 2_000
"""Lines that a printed list has at most."""
WIDE = 6
"""Columns from which a printed list lies on its side."""
NUMBERS = {Kind.INTEGER, Kind.DECIMAL}
CELL_END = Markup("</td>\n")


def record_views() -> dict[str, Any]:
    """The registered record views by class name."""
    found: dict[str, Any] = current_app.extensions.setdefault(VIEWS, {})
    return found


def view_of(model: type) -> Any:
    """The record view of a model, if it has one; remembered, because pages ask for it with every reference they show."""
    found: dict[type, Any] = current_app.extensions.setdefault(VIEWS_OF, {})
    if model not in found:
        view = next((view for view in record_views().values() if view.datamodel.obj is model), None)
        if view is None:
            return None
        found[model] = view
    return found[model]


def address_of(record: Any) -> str | None:
    """Address of a record's page, if it has one that the actor may open."""
    view = view_of(type(record))
    return view.address_of(record) if view is not None and current_actor().may("read", view.resource) else None


def address_by_id(table: str, record_id: int) -> str | None:
    """Address of a record's page by its table and id, if such records have one; the page itself asks who may see it."""
    if table in registry().record_pages:
        return registry().record_pages[table](record_id)
    views = (view for view in record_views().values() if view.datamodel.obj.__tablename__ == table)
    return next((url_for(f"{view.endpoint}.show", pk=record_id) for view in views), None)


def _file_address(number: Any) -> str:
    return url_for("FilePage.show", pk=number, name=number.name)


LEADING: Mapping[Kind, Callable[[Any], str | None]] = {Kind.REFERENCE: address_of, Kind.FILE: _file_address}


def link_to_show(text: Callable[[Any], Any]) -> Callable[[Any], Markup]:
    """A list cell that leads to the record's page."""

    def cell(record: Any) -> Markup:
        address = address_of(record)
        return (
            Markup('<a href="{}">{}</a>').format(address, text(record))
            if address
            else Markup("{}").format(text(record))
        )

    return cell


@dataclass(frozen=True)
class Cell:
    """One value of a record as the templates show it."""

    attribute: Attribute
    html: Any
    empty: bool = False

    @property
    def label(self) -> Any:
        return self.attribute.label


@dataclass(frozen=True)
class Line:
    """One record of a list; its ``cells`` are whole table cells, the first of which leads to the record."""

    record: Any
    cells: Markup


@dataclass(frozen=True)
class Chip:
    """An active filter in words, and the list without it."""

    label: str
    words: str
    without: str


@dataclass(frozen=True)
class Opening:
    """The arguments in force, and the title of the saved view that they come from when the list opened with one."""

    args: MultiDict[str, str]
    title: str = ""


class ListScreen:
    """The list of a record view; a part of :class:`app.fab.views.RecordView`, which declares what is listed."""

    datamodel: ClassVar[RecordInterface]
    resource: ClassVar[str]
    endpoint: str
    route_base: str
    list_title: Any
    list_template: str
    list_cell: Mapping[str, Callable[[Any], Any]]
    load: Sequence[Any]
    first_filter: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Filters in force when nobody asked for any: column → values as in an address, ``{"state": ["open"]}``."""
    declared: Columns
    order: list[tuple[Attribute, bool]]
    render_template: Callable[..., str]
    scope: Callable[[], list[Any]]
    totals: Callable[[list[Any]], list[tuple[Any, str]]]
    address_of: Callable[[Any], str]
    default_view: Callable[[], Any]
    offered_commands: Callable[[], Any]

    @property
    def columns(self) -> Columns:
        """What the list shows and is filtered, searched and sorted by: the declared columns and the added fields."""
        return self.declared.and_customs(customs_of(self.datamodel.obj))

    @property
    def listed(self) -> Sequence[Attribute]:
        return self.columns.listed

    @property
    def filtered(self) -> Sequence[Attribute]:
        return self.columns.filtered

    @property
    def searched(self) -> Sequence[Attribute]:
        return self.columns.searched

    @property
    def offered(self) -> Sequence[Attribute]:
        return self.columns.offered

    @property
    def sortable(self) -> Mapping[str, Attribute]:
        return self.columns.sortable

    def read_list(self, args: MultiDict[str, str]) -> ListQuery:
        known = self.known(args)
        query = read_query(known, self.filtered, self.sortable, self.order, estate_zone(), self.datamodel)
        if LOST not in known.items(multi=True):
            return query
        sentence = _("The list was filtered, sorted or shown by a field that is not there for you; this was left out.")
        return replace(query, refused={**query.refused, PREFIX: sentence})

    def known(self, args: MultiDict[str, str]) -> MultiDict[str, str]:
        """The arguments without those about fields that the person does not see."""
        return MultiDict(without_strangers(args.items(multi=True), self.offered))

    def opening(self, args: MultiDict[str, str]) -> Opening:
        """What the list shows for these arguments: without any, the person's or the role's own view of it."""
        opened = self.view_to_open_with() if not args else None
        title = ""
        if opened is not None:
            title, args = opened
        if self.first_filter and not set(args) - RESERVED and args.get("view") != "all" and not args.get("q"):
            first = [(name, value) for name, values in self.first_filter.items() for value in values]
            args = MultiDict([*args.items(multi=True), *first])
        return Opening(args, title)

    def view_to_open_with(self) -> tuple[str, MultiDict[str, str]] | None:
        """Title and arguments of the saved view with which the list opens."""
        raise NotImplementedError

    def chosen_columns(self, args: MultiDict[str, str]) -> Sequence[Attribute]:
        """The columns asked for, in their usual order; without any that exist, the list's own."""
        asked = set(args.getlist("columns"))
        return [a for a in self.offered if a.name in asked] or self.listed

    def clauses(self, query: ListQuery) -> list[Any]:
        return [*self.scope(), *query.clauses(self.searched)]

    def cell(self, record: Any, attribute: Attribute) -> Cell:
        """The attribute of a record as HTML."""
        value, html = self._cell_writer(attribute, False)(record)
        return Cell(attribute, html, value is None or value == "")

    def _cell_writer(self, attribute: Attribute, compact: bool) -> Callable[[Any], tuple[Any, Markup]]:
        """What gives a record's value of the attribute and its HTML; ``compact`` is how lists write days."""
        own, write = self.list_cell.get(attribute.name), cells.cell_writer(attribute, compact)
        value_of = own or attribute.value
        leads_to = None if own else LEADING.get(attribute.kind)

        def of(record: Any) -> tuple[Any, Markup]:
            value = value_of(record)
            return value, write(value, leads_to(value) if leads_to and value is not None and value != "" else None)

        return of

    def lines(self, records: Iterable[Any], attributes: Sequence[Attribute]) -> list[Line]:
        """The records as lines of a table; the first cell of each leads to the record."""
        columns = []
        for attribute in attributes:
            start = Markup('<td data-label="{}" class="k-{}{}').format(
                attribute.label, attribute.kind, " text-end" if attribute.kind in NUMBERS else ""
            )
            columns.append((self._cell_writer(attribute, True), start + Markup('">'), start + Markup(' empty-cell">')))
        found = []
        for record in records:
            parts: list[Markup] = []
            for write, start, start_of_empty in columns:
                value, html = write(record)
                if not parts and "<a " not in html:
                    html = Markup('<a class="gj-open" href="{}">{}</a>').format(self.address_of(record), html)
                parts += [start_of_empty if value is None or value == "" else start, html, CELL_END]
            found.append(Line(record, Markup("".join(parts))))  # noqa: S704  (every part is markup)
        return found

    def home(self) -> str:
        """Address of the list, under which its records and parts have theirs; as ``url_for`` builds it, for many at a time."""
        return f"{request.script_root}{self.route_base}/"

    @expose("/")
    @requires("read")
    def list(self) -> str:
        opening = self.opening(request.args)
        query, listed = self.read_list(opening.args), self.chosen_columns(opening.args)
        clauses = self.clauses(query)
        query = self._bounded(query, clauses)
        stretch = self.datamodel.walk(clauses, query.order, query.place, query.size, listed, self.load)
        typed = opening.args.to_dict()
        filters = [self._filter(a, query, typed) for a in self.filtered]
        columns = {a.name for a in self.filtered}
        for name, problem in query.refused.items():
            if name not in columns:
                flash(problem, "warning")
        args = MultiDict((n, v) for n, v in self.known(opening.args).items(multi=True) if (n, v) != LOST)
        link = partial(_link, self.home(), args)
        summed = stretch.total.exact and stretch.total.number <= DEEPEST
        return self.render_template(
            self.list_template, title=self.list_title, view=self, query=query, stretch=stretch, listed=listed,
            lines=self.lines(stretch.records, listed), sizes=SIZES, filters=filters, args=args, opened=opening.title,
            chips=self._chips(query, filters, link), position=_position(stretch), link=link, query_of=query_of, total_in_words=_size,
            totals=self.totals(clauses) if summed else [], commands=self.offered_commands(),
        )  # fmt: skip

    def _bounded(self, query: ListQuery, clauses: Sequence[Any]) -> ListQuery:
        """Sorting without an index reads everything: that is done for short lists only."""
        if not query.sorted_by or self.datamodel.indexed(query.order):
            return query
        total = self.datamodel.tally(clauses)
        if total.exact and total.number <= DEEPEST:
            return query
        sentence = _(
            "“%(column)s” sorts lists of up to %(count)s lines; narrow this one down first.",
            column=str(query.order[0][0].label), count=cells.number(DEEPEST),
        )  # fmt: skip
        refused = {**query.refused, "sort": sentence}
        return replace(query, order=tuple(self.order), sorted_by="", place=Place(), refused=refused)

    @expose("/count")
    @requires("read")
    def count(self) -> str:
        """The exact number of lines of a long list, as a fragment of its page."""
        number = self.datamodel.count(self.clauses(self.read_list(request.args)))
        return ngettext("%(count)s line", "%(count)s lines", number, count=cells.number(number))

    @expose("/print")
    @requires("read")
    def print(self) -> str:
        """The whole filtered list on paper, up to ``PRINTED`` lines."""
        query, listed = self.read_list(request.args), self.chosen_columns(request.args)
        clauses = self.clauses(query)
        query = self._bounded(query, clauses)
        stretch = self.datamodel.walk(clauses, query.order, Place(), PRINTED, listed, self.load)
        typed = request.args.to_dict()
        filters = [self._filter(a, query, typed) for a in self.filtered]
        writers, link = [self._cell_writer(a, True) for a in listed], partial(_link, self.home(), request.args)
        short = stretch.total.exact and stretch.total.number <= DEEPEST
        return self.render_template(
            "list_print.html", title=self.list_title, view=self, query=query, listed=listed, stretch=stretch,
            lines=[[write(r)[1] for write in writers] for r in stretch.records], chips=self._chips(query, filters, link),
            wide=len(listed) >= WIDE, estate=getattr(g.user, "estate", None), at=now(), size=_size(stretch.total),
            order=[(a.label, descending) for a, descending in query.order if query.sorted_by],
            totals=self.totals(clauses) if short else [],
        )  # fmt: skip

    def _filter(self, attribute: Attribute, query: ListQuery, args: Mapping[str, str]) -> dict[str, Any]:
        values, refused = query.values(attribute.name), query.refused.get(attribute.name, "")
        chosen = []
        if attribute.kind is Kind.REFERENCE and values:
            target: Any = attribute.target
            key = sa.inspect(target).primary_key[0]
            found = db.session.scalars(sa.select(target).where(key.in_(values)))
            chosen = [(getattr(r, "id", None), title_of(r)) for r in found]
        typed = {end: args.get(f"{attribute.name}{end}", "") for end in ("", ".from", ".to")}
        return {
            "attribute": attribute, "values": values, "chosen": chosen, "refused": refused, "typed": typed,
            "span": query.span(attribute.name), "spans": spans_of(attribute),
            "lookup": self._lookup_address(attribute, narrowed=False),
        }  # fmt: skip

    def filter_field(self, filter: Mapping[str, Any], draw: Callable[[Mapping[str, Any]], Markup]) -> Markup:
        """The inputs of a filter as ``draw`` makes them.

        Those that ask for nothing look the same to everybody who reads the language: they are drawn once, because a list
        has a dozen. Choices that are looked up anew each time belong to one estate; a field without code has another
        attribute in every estate and after every change.
        """
        attribute = filter["attribute"]
        asks = filter["values"] or filter["span"] or filter["refused"] or any(filter["typed"].values())
        if asks or callable(attribute.info.get("choices")):
            return draw(filter)
        key = (type(self), attribute, str(get_locale()))
        drawn: dict[Any, Markup] = current_app.extensions.setdefault(BLANK_FILTERS, {})
        found = drawn.get(key)
        if found is None:
            if len(drawn) >= MOST_BLANK_FILTERS:
                drawn.clear()
            found = drawn[key] = draw(filter)
        return found

    def _lookup_address(self, attribute: Attribute, narrowed: bool = True) -> str:
        raise NotImplementedError

    def _chips(
        self, query: ListQuery, filters: Sequence[Mapping[str, Any]], link: Callable[..., str]
    ) -> Sequence[Chip]:
        chosen = {f["attribute"].name: f["chosen"] for f in filters}
        found = [
            Chip(
                str(c.attribute.label), _in_words(c, chosen.get(c.attribute.name, [])),
                link(view="all", **dict.fromkeys((*c.arguments, *TURNING))),
            )
            for c in query.criteria
        ]  # fmt: skip
        if query.text:
            found.insert(0, Chip(_("Contains"), query.text, link(view="all", **dict.fromkeys(("q", *TURNING)))))
        return found


def _in_words(criterion: Criterion, chosen: Sequence[tuple[Any, str]]) -> str:
    attribute, values = criterion.attribute, criterion.values
    if criterion.span:
        return str(criterion.span.title)
    if attribute.kind in RANGED:
        kind = replace(attribute, kind=Kind.DAY) if attribute.kind is Kind.MOMENT else attribute
        start, end = ("" if value is None else cells.text_of(kind, value, True) for value in values)
        return f"{start} – {end}" if start and end else f"≥ {start}" if start else f"≤ {end}"
    if attribute.kind is Kind.REFERENCE:
        return "、".join(title for _number, title in chosen) or _("nothing that you may see")
    if attribute.kind is Kind.SECRET:
        return masked(values[0], attribute.info.get("mask", ""))
    if attribute.kind in {Kind.TEXT, Kind.LONG_TEXT}:
        return " ".join(values)
    return "、".join(cells.text_of(attribute, value) for value in values)


def _size(total: Tally) -> str:
    number = cells.number(total.number)
    return number if total.exact else _("more than %(count)s", count=number)


def _position(stretch: Stretch) -> str:
    """Which lines of how many these are, as far as that is known."""
    count, size = len(stretch.records), _size(stretch.total)
    if stretch.first is not None:
        last = cells.number(stretch.first + count - 1)
        return _("%(first)s–%(last)s of %(total)s", first=cells.number(stretch.first), last=last, total=size)
    if not stretch.next:
        return _("the last %(count)s of %(total)s", count=count, total=size)
    return _("%(count)s of %(total)s", count=count, total=size)


def query_of(args: MultiDict[str, str]) -> str:
    """The arguments in force as a saved view or a bulk command remembers them: without the place in the list."""
    return urlencode([(name, value) for name, value in args.items(multi=True) if value and name not in TURNING])


def _link(here: str, args: MultiDict[str, str], part: str = "", /, **changes: Any) -> str:
    """Address of the list (``here``) or of a ``part`` of it with some of the arguments in force changed; None removes one."""
    kept = [(name, value) for name, value in args.items(multi=True) if name not in changes]
    kept += [(name, value) for name, value in changes.items() if value is not None]
    return f"{here}{part}?{urlencode(kept)}" if kept else here + part
