"""Record screens and pages as modules declare them: list, show, add, edit, delete over one model.

Everything a screen needs is parsed per request into fresh values; a view object holds declarations only, so threads
share nothing that changes. Writes go through ``create``, ``update`` and ``remove``, which modules override to call
their services; each runs in the one transaction of the request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast
from urllib.parse import urlsplit

import sqlalchemy as sa
from flask import abort, current_app, flash, redirect, request, url_for
from flask_appbuilder.baseviews import BaseCRUDView, BaseView, expose
from flask_babel import gettext as _
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response as AnyResponse

from app.core.access.actor import Actor, NotAllowed, current_actor
from app.core.access.models import Account, Membership
from app.core.fields.kinds import PREFIX, Field
from app.core.records.identifiers import InvalidValue
from app.core.records.refusals import FieldErrors
from app.core.workflow.table import Workflow
from app.extensions import db
from app.fab.bulk import BulkCommand, BulkScreen
from app.fab.custom_forms import (
    custom_groups,
    filled_in,
    first_values,
    in_sections,
    keep_customs,
    sent_form,
    stored_values,
    with_customs,
    with_files,
)
from app.fab.customs import Columns, customs_of
from app.fab.errors import error_page
from app.fab.exporting import ExportScreen
from app.fab.fields import RecordForm, SecretField, form_class, title_of
from app.fab.filters import LARGEST, RESERVED, ListQuery
from app.fab.interface import Attribute, Kind, RecordInterface
from app.fab.lists import VIEWS, Cell, Line, ListScreen, address_of, link_to_show, record_views, view_of
from app.fab.paging import Place
from app.fab.savedviews import SavedViewScreen
from app.fab.scope import requires, safe_next
from app.fab.submit import Outcome, carry_out
from app.fab.timeline import Happening, changed_since, timeline

__all__ = [
    "BulkCommand", "Cell", "Line", "Page", "RecordView", "RelatedList", "address_of", "expose", "link_to_show", "record_views",
    "requires",
]  # fmt: skip

LOOKUP_SIZE = 20


class _Commands:
    """What pages and record screens have in common."""

    constraint_messages: Mapping[str, Any] = {}
    """Sentences for database constraints by their name, or ``(column, sentence)``."""

    def render(self, template: str, **values: Any) -> str:
        """``template`` with ``values``; the page's title is ``title``."""
        rendered: str = self.render_template(template, **values)  # type: ignore[attr-defined]  # of the view it is mixed into
        return rendered

    def command(
        self, work: Callable[[], Any], *, done: Any, then: str | Callable[[Any], str], back: str = "", record: Any = None,
        messages: Mapping[str, Any] | None = None,
    ) -> AnyResponse:  # fmt: skip
        """Carry out a POST command and go ``then``; when it is refused, say why and go ``back`` (default: ``then``).

        ``done``: the sentence said afterwards, or what makes of the result the category and text of several; the
        latter say nothing when the form came a second time, as its first arrival was answered already.
        With ``record``, a form that was drawn from another version of it is refused. What was typed comes back to
        the form through its draft (``data-draft``); pages that draw their form again themselves use
        :func:`app.fab.submit.carry_out`.
        """

        def checked() -> Any:
            if record is not None and request.form.get("version", str(record.version)) != str(record.version):
                raise StaleDataError
            return work()

        outcome = carry_out(
            checked,
            then if callable(then) else lambda _result: then,
            messages if messages is not None else self.constraint_messages,
        )
        if outcome.done:
            if not callable(done):
                flash(done, "success")
            elif outcome.result is not None:
                for category, sentence in done(outcome.result):
                    flash(sentence, category)
            return redirect(outcome.location)
        if outcome.stale:
            flash(
                _("Somebody else changed this record at the same moment; please look at it and try again."), "warning"
            )
        for sentences in outcome.errors.values():
            for sentence in sentences:
                flash(sentence, "danger")
        return redirect(back or (then if isinstance(then, str) else safe_next(urlsplit(request.referrer or "").path)))


class Page(_Commands, BaseView):
    """A page or a few pages of a module beside its records. Routes are declared with ``@expose`` and ``@requires``."""

    resource: str = ""
    default_view = "index"

    def __init__(self) -> None:
        self.class_permission_name = self.resource or type(self).__name__
        super().__init__()


@dataclass(frozen=True, kw_only=True)
class RelatedList:
    """Records of another view that point at the shown one, as a section of its page.

    ``view`` is the class name of the :class:`RecordView`, ``column`` its foreign key; at most ``limit`` lines are
    shown, the rest is one click away. ``add`` offers a button for a new one.
    """

    view: str
    column: str
    columns: Sequence[str]
    title: Any = None
    limit: int = 10
    add: bool = True


class RecordView(SavedViewScreen, ListScreen, ExportScreen, BulkScreen, _Commands, BaseCRUDView):
    """The screens of one model. See the class attributes for what a module declares."""

    datamodel: ClassVar[RecordInterface]
    resource: ClassVar[str]
    """Name of the resource whose verbs read, create, update and delete are asked for."""
    list_title: Any = ""
    show_title: Any = ""
    add_title: Any = ""
    edit_title: Any = ""
    intro: Any = ""
    """A sentence under the list's title."""
    empty_hint: Any = ""
    """What to do when the list is still empty."""
    list_columns: Sequence[str] = ()
    search_columns: Sequence[str] = ()
    """Columns that can be filtered; the text columns among them are searched by the free text."""
    order_columns: Sequence[str] = ()
    """Columns that can be sorted; without any, all listed columns that the database can sort."""
    base_order: Any = ()
    """``("code", "asc")`` or a list of such pairs; newest first without it."""
    show_fieldsets: Sequence[tuple[Any, Sequence[str]]] = ()
    show_columns: Sequence[str] = ()
    show_empty: bool = True
    """Whether the page of a record shows facts without a value; a record that fills step by step hides them."""
    add_columns: Sequence[str] = ()
    edit_columns: Sequence[str] = ()
    form_fieldsets: Sequence[tuple[Any, Sequence[str]]] = ()
    """Groups of the form's fields; columns that stand in none come last."""
    form_fields: Mapping[str, Any] = {}
    """WTForms fields that replace or add to the generated ones."""
    lookup_columns: Sequence[str] = ()
    """Text columns searched when another record looks for one of these; default: text columns of ``search_columns``."""
    allowed: Mapping[str, Callable[[], Iterable[Any]]] = {}
    """WHERE clauses on the target that narrow what a reference of the form may point at."""
    list_cell: Mapping[str, Callable[[Any], Any]] = {}
    """Own cells: column name → function of the record giving text or Markup."""
    load: Sequence[Any] = ()
    """Loader options for what properties and own cells walk to."""
    label_columns: Mapping[str, Any] = {}
    related: Sequence[RelatedList] = ()
    related_views = ()  # Flask-AppBuilder's own kind, which leaks children of other parents
    workflow: Workflow | None = None
    milestones: Sequence[str] = ()
    """Kinds of entries that the page's timeline shows; without any, all. The whole timeline always shows all."""
    show_template = "show.html"
    list_template = "list.html"
    form_template = "form.html"
    route_base: str

    def __init__(self) -> None:
        self.class_permission_name = self.resource
        super().__init__()

    def _init_properties(self) -> None:
        model = self.datamodel
        describe = functools.partial(model.attributes, labels=self.label_columns)
        listed = describe(self.list_columns)
        filtered = [a for a in describe(self.search_columns) if a.column is not None]
        clash = RESERVED & {a.name for a in filtered}
        if clash:
            raise ValueError(f"{type(self).__name__}: {', '.join(clash)} cannot be a filter")
        sortable = describe(self.order_columns) if self.order_columns else listed
        pairs = (
            [self.base_order]
            if self.base_order and isinstance(self.base_order[0], str)
            else self.base_order or [("id", "desc")]
        )
        self.order = [(model.attribute(name), way == "desc") for name, way in pairs]
        searched = [a for a in filtered if a.kind in {Kind.TEXT, Kind.LONG_TEXT}]
        self.found_by = describe(self.lookup_columns) if self.lookup_columns else searched
        groups: Any = self.show_fieldsets or [("", self.show_columns or self.list_columns)]
        self.shown = [(title, describe(names)) for title, names in groups]
        listable = [a for _title, group in self.shown for a in group if a.kind is not Kind.LONG_TEXT]
        names = {a.name for a in listed}
        offered = [*listed, *(a for a in listable if a.name not in names)]
        self.declared = Columns(listed, offered, filtered, searched, {a.name: a for a in sortable if a.sortable})

    def _init_forms(self) -> None:
        make = functools.partial(
            form_class, self.datamodel, labels=self.label_columns, given=self.form_fields,
            lookup=self._lookup_address, allowed=self.allowed,
        )  # fmt: skip
        self.add_form = make(self.add_columns)
        self.edit_form = make(self.edit_columns)

    def _init_titles(self) -> None:
        for title in ("list_title", "show_title", "add_title", "edit_title"):
            if not getattr(self, title) and (
                title in {"list_title", "show_title"} or getattr(self, title.replace("title", "columns"))
            ):
                raise ValueError(f"{type(self).__name__} needs {title}")

    def create_blueprint(self, appbuilder: Any, endpoint: str | None = None, static_folder: str | None = None) -> Any:
        current_app.extensions.setdefault(VIEWS, {})[type(self).__name__] = self
        return super().create_blueprint(appbuilder, endpoint, static_folder)

    # What modules override

    def create(self, values: dict[str, Any], *, actor: Actor) -> Any:
        """Make a record from the form's values and return it. Runs in the request's transaction."""
        record = self.datamodel.obj()
        assign(record, values)
        self.datamodel.session.add(record)
        return record

    def update(self, record: Any, values: dict[str, Any], *, actor: Actor) -> None:
        """Change ``record``. Runs in the request's transaction."""
        assign(record, values)

    def remove(self, record: Any, *, actor: Actor) -> None:
        """Delete ``record``. Runs in the request's transaction."""
        self.datamodel.session.delete(record)

    def editable(self, record: Any | None, actor: Actor) -> set[str]:
        """Columns the actor may fill in: of a new record (None) or of this one in its present state."""
        return set(self.add_columns if record is None else self.edit_columns)

    def fields_open(self, record: Any | None, actor: Actor) -> bool:
        """Whether the fields without code of a new record (None), or of this one in its present state, can be filled in."""
        return record is None or not self.edit_columns or bool(self.editable(record, actor))

    def deletable(self, record: Any, actor: Actor) -> bool:
        """Whether the page offers to delete the record."""
        return actor.may("delete", self.resource)

    def defaults(self) -> dict[str, Any]:
        """First values of a new record's form; the address may carry more (``/units/new?building_id=7``)."""
        return {}

    def scope(self) -> list[Any]:
        """WHERE clauses that limit what the view shows at all, beyond the estate."""
        return []

    def find(self, text: str) -> list[Any]:
        """WHERE clauses for what was typed into a select that looks for these records."""
        return ListQuery(text=text).clauses(self.found_by)

    def sections(self, record: Any, actor: Actor) -> list[tuple[Any, str, dict[str, Any]]]:
        """Further parts of the record's page: (title, template, values)."""
        return []

    def totals(self, clauses: list[Any]) -> list[tuple[Any, str]]:
        """Sums over the whole filtered list, (label, text), shown under it."""
        return []

    # Reading

    def record_or_404(self, pk: int) -> Any:
        """The record, if it exists and the actor may see it; otherwise the request ends with 404."""
        attributes = [a for _title, group in self.shown for a in group]
        record = self.datamodel.one(pk, attributes, self.load) if pk <= LARGEST else None
        if record is None or (
            self.scope() and self.datamodel.count([self.datamodel.get_pk() == pk, *self.scope()]) == 0
        ):
            raise NotAllowed(f"{self.resource} {pk}")
        return record

    def address_of(self, record: Any) -> str:
        return f"{self.home()}{record.id}"

    def unit_of(self, name: str) -> Any:
        """The unit behind an input, from the column's ``info["unit"]``."""
        column = self.datamodel.columns.get(name)
        return column.info.get("unit", "") if column is not None else ""

    @expose("/<int:pk>")
    @requires("read")
    def show(self, pk: int) -> str:
        return self._page_of(self.record_or_404(pk))

    def _page_of(self, record: Any, **more: Any) -> str:
        actor = current_actor()
        attributes = [a for _title, group in self.shown for a in group]
        self.datamodel.load_references([record], attributes)
        return self.render_template(
            self.show_template, title=f"{self.show_title} {title_of(record)}", view=self, record=record,
            fieldsets=self._facts(record),
            related=[part for part in (self._related_part(record, r, actor) for r in self.related) if part],
            sections=self.sections(record, actor), entries=self.happenings(record),
            offers=self.workflow.offers(record, actor) if self.workflow else [],
            look=self.workflow.look(record) if self.workflow else None,
            can_edit=self.can_edit(record, actor),
            can_delete=self.deletable(record, actor), **more,
        )  # fmt: skip

    def can_edit(self, record: Any, actor: Actor) -> bool:
        """Whether the edit form has anything for the actor to change in this record."""
        if not actor.may("update", self.resource):
            return False
        return bool(self.edit_columns and self.editable(record, actor)) or bool(self.customs(record, actor))

    def customs(self, record: Any | None, actor: Actor) -> tuple[Field, ...]:
        """The fields without code that the actor may fill in now."""
        return filled_in(self.datamodel.obj.__tablename__, actor) if self.fields_open(record, actor) else ()

    def custom_cells(self, record: Any, but: Container[str] = ()) -> list[tuple[Field, Cell]]:
        """The fields without code that the acting person sees, ``but`` some by their names, each with its value."""
        return [(a.field, self.cell(record, a)) for a in customs_of(self.datamodel.obj) if a.name not in but]

    def _facts(self, record: Any) -> Sequence[tuple[Any, Sequence[Cell]]]:
        groups: Any = [(title, [self.cell(record, a) for a in group]) for title, group in self.shown]
        groups = in_sections(groups, self.custom_cells(record))
        if self.show_empty:
            return groups
        filled = [(title, [cell for cell in group if not cell.empty]) for title, group in groups]
        return [(title, group) for title, group in filled if group]

    def happenings(self, record: Any) -> Sequence[Happening]:
        """The newest lines of the record's timeline, for its page."""
        return timeline(record, kinds=self.milestones)

    def _related_part(self, record: Any, related: RelatedList, actor: Actor) -> dict[str, Any] | None:
        view = record_views()[related.view]
        if not actor.may("read", view.resource):
            return None
        attributes = view.datamodel.attributes(related.columns, view.label_columns)
        column = view.datamodel.attribute(related.column, view.label_columns)
        clauses = [*view.scope(), column.sql == record.id]
        stretch = view.datamodel.walk(clauses, view.order, Place(), related.limit, attributes, view.load)
        addable = related.add and actor.may("create", view.resource) and related.column in view.add_columns
        return {
            "title": related.title or view.list_title,
            "attributes": attributes,
            "lines": view.lines(stretch.records, attributes),
            "total": stretch.total.number,
            "all": url_for(f"{view.endpoint}.list", **{related.column: record.id}),
            "new": url_for(f"{view.endpoint}.add", **{related.column: record.id}) if addable else None,
        }

    # Writing

    @expose("/new", methods=["GET", "POST"])
    @requires("create")
    def add(self) -> AnyResponse | str | tuple[str, int]:
        actor = current_actor()
        if not self.add_columns:
            raise NotAllowed(self.resource)
        form = self._form(self.add_form, None, actor)
        if request.method == "GET" or not self._acceptable(form):
            return self._drawn(form, None)

        def make() -> Any:
            record = self.create(form.values(), actor=actor)
            keep_customs(self.datamodel.session, record, form, actor=actor)
            return record

        outcome = self._carry_out(make)
        if not outcome.done:
            return self._drawn(form, None, outcome)
        flash(_("Saved."), "success")
        return redirect(outcome.location)

    @expose("/<int:pk>/edit", methods=["GET", "POST"])
    @requires("update")
    def edit(self, pk: int) -> AnyResponse | str | tuple[str, int]:
        actor = current_actor()
        record = self.record_or_404(pk)
        if not self.can_edit(record, actor):
            raise NotAllowed(self.resource)
        form = self._form(self.edit_form, record, actor)
        if request.method == "GET" or not self._acceptable(form):
            return self._drawn(form, record)
        version = record.version

        def change() -> Any:
            if str(version) != request.form.get("version", ""):
                raise StaleDataError
            if columns := form.values():
                self.update(record, columns, actor=actor)
            keep_customs(self.datamodel.session, record, form, actor=actor)
            return record

        outcome = self._carry_out(change)
        if outcome.stale:
            return self._conflict(form, self.record_or_404(pk))
        if not outcome.done:
            return self._drawn(form, record, outcome)
        flash(_("Saved."), "success")
        return redirect(outcome.location)

    @expose("/<int:pk>/delete", methods=["POST"])
    @requires("delete")
    def delete(self, pk: int) -> AnyResponse:
        actor = current_actor()
        record = self.record_or_404(pk)
        if not self.deletable(record, actor):
            raise NotAllowed(self.resource)
        title, here = title_of(record), self.address_of(record)
        users = self._users_of(record)
        if users is not None:
            flash(_("“%(record)s” is still used (%(where)s) and cannot be deleted.", record=title, where=users) if users
                  else _("“%(record)s” is still used by other records and cannot be deleted.", record=title), "danger")  # fmt: skip
            return redirect(here)
        outcome = carry_out(
            lambda: self.remove(record, actor=actor),
            lambda _r: url_for(f"{self.endpoint}.list"),
            self.constraint_messages,
        )
        if outcome.done:
            flash(_("“%(record)s” was deleted.", record=title), "success")
            return redirect(outcome.location)
        for sentence in [s for found in outcome.errors.values() for s in found] or [
            _("Somebody else just changed this record.")
        ]:
            flash(sentence, "danger")
        return redirect(here)

    @expose("/<int:pk>/transition/<name>", methods=["POST"])
    @requires("read")
    def transition(self, pk: int, name: str) -> AnyResponse | tuple[str, int]:
        """Make a transition of the view's workflow."""
        actor = current_actor()
        record = self.record_or_404(pk)
        if self.workflow is None:
            raise NotAllowed(name)
        workflow, given, sent = self.workflow, request.form.to_dict(), request.form.get("version", "")

        def move() -> Any:
            if sent and str(record.version) != sent:
                raise StaleDataError
            workflow.fire(self.datamodel.session, record, name, actor=actor, inputs=given)
            return record

        outcome = self._carry_out(move)
        if outcome.done:
            flash(
                _("Done: %(step)s.", step=str(next(t.title for t in workflow.transitions if t.name == name))), "success"
            )
            return redirect(outcome.location)
        errors = [s for found in outcome.errors.values() for s in found]
        if outcome.stale:
            errors = [_("Somebody else just changed this record; look at it as it is now and decide again.")]
        page = self._page_of(self.record_or_404(pk), tried=name, typed=given, refused=errors)
        return page, 409 if outcome.stale else 422

    def _carry_out(self, work: Callable[[], Any]) -> Outcome:
        def location(record: Any) -> str:
            if record is None:
                return url_for(f"{self.endpoint}.list")
            return (
                self.address_of(record)
                if current_actor().may("read", self.resource)
                else url_for(f"{self.endpoint}.list")
            )

        return carry_out(work, location, self.constraint_messages)

    def _form(self, kind: type[RecordForm], record: Any | None, actor: Actor) -> RecordForm:
        form = self.bound(kind, sent_form() if request.method == "POST" else None, record, actor)
        if record is None and request.method == "GET":
            self._prefill(form)
        return form

    def bound(self, kind: type[RecordForm], sent: Any, record: Any | None, actor: Actor) -> RecordForm:
        """The form ``kind`` with what the actor may fill in, over what was ``sent``, stored or is usual."""
        customs = self.customs(record, actor)
        if record is None:
            first = {**self.defaults(), **first_values(customs)}
        else:
            first = stored_values(self.datamodel.session, record, customs)
        form = with_customs(kind, customs)(sent, obj=record, data=first)
        for name in set(form._fields) - self.editable(record, actor) - {field.name for field in customs}:
            del form[name]
        return form

    def _prefill(self, form: RecordForm) -> None:
        """Take first values from the address, as far as they are readable."""
        for name in request.args.keys() & form._fields.keys():
            field = form[name]
            before = field.data
            field.process_errors = []
            try:
                field.process_formdata(request.args.getlist(name))
            except ValueError:
                field.data = before

    def _acceptable(self, form: RecordForm) -> bool:
        refused = form.refused([*request.form, *(name for name in request.files if name.startswith(PREFIX))])
        if refused:
            names = ", ".join(refused)
            text = _("The form brought fields that cannot be set here (%(names)s). Nothing was saved.", names=names)
            abort(error_page(400, text=text))
        return bool(form.validate())

    def _drawn(self, form: RecordForm, record: Any | None, outcome: Outcome | None = None) -> str | tuple[str, int]:
        general: list[str] = []
        for name, sentences in (outcome.errors if outcome else {}).items():
            if name in form._fields:
                form[name].errors = [*form[name].errors, *sentences]
            else:
                general += sentences
        title = self.add_title if record is None else f"{self.edit_title or self.show_title} {title_of(record)}"
        back = url_for(f"{self.endpoint}.list") if record is None else self.address_of(record)
        page = self.render_template(
            self.form_template, title=title, view=self, form=form, record=record, back=back, general=general,
            groups=self._groups(form), fixed=self._fixed(form, record), with_files=with_files(form),
        )  # fmt: skip
        return (page, 422) if form.errors or general else page

    def _groups(self, form: RecordForm) -> Sequence[tuple[Any, Sequence[Any]]]:
        left = dict(form._fields)
        groups = [(title, [left.pop(name) for name in names if name in left]) for title, names in self.form_fieldsets]
        rest = [field for name, field in left.items() if not name.startswith(PREFIX)]
        return [(title, fields) for title, fields in custom_groups(form, [*groups, ("", rest)]) if fields]

    def _fixed(self, form: RecordForm, record: Any | None) -> Sequence[Cell]:
        """What the actor sees but may not change on this form."""
        if record is None:
            return []
        names = [n for n in self.edit_columns if n not in form._fields and n not in self.form_fields]
        fixed = [self.cell(record, a) for a in self.datamodel.attributes(names, self.label_columns)]
        return [*fixed, *(cell for _field, cell in self.custom_cells(record, but=form._fields))]

    def _conflict(self, form: RecordForm, record: Any) -> tuple[str, int]:
        """Both versions, field by field; the input stays and can be saved onto the newest version.

        What only the other person changed is taken over as it is stored now.
        """
        stored = self.bound(self.edit_form, None, record, current_actor())
        columns = {a.name: a for a in customs_of(self.datamodel.obj)}
        sent = request.form.get("version", "")
        before = changed_since(record, int(sent)) if sent.isascii() and sent.isdigit() and len(sent) < 10 else {}
        differing: Any = []
        same: Any = []
        for name, mine in form._fields.items():
            theirs = stored[name]
            typed = mine.data is not None if isinstance(mine, SecretField) else mine.data != theirs.data
            if not typed or (name in before and (mine.data or None) == (before[name] or None)):
                same.append(theirs)
                continue
            attribute: Attribute | None = columns.get(name)
            if attribute is None and name not in self.form_fields:
                attribute = self.datamodel.attribute(name, self.label_columns)
            differing.append((mine, self.cell(record, attribute).html if attribute else theirs.data))
        who = db.session.get(Account, record.changed_by_id) if record.changed_by_id else None
        page = self.render_template(
            "conflict.html", title=f"{self.edit_title or self.show_title} {title_of(record)}", view=self, record=record,
            differing=differing, same=same, with_files=with_files(form), changed_by=title_of(who) if who else "",
        )  # fmt: skip
        return page, 409

    def _users_of(self, record: Any) -> str | None:
        """Titles of the lists that still point at ``record``; None when nothing does.

        References that the model's own relationships delete with it do not count.
        """
        table: Any = self.datamodel.obj.__table__
        owned = {r.mapper.local_table for r in sa.inspect(self.datamodel.obj).relationships if r.cascade.delete}
        titles, used = [], False
        for other in table.metadata.tables.values():
            for key in other.foreign_key_constraints:
                if key.referred_table is not table or other in owned or (key.ondelete or "").upper() == "CASCADE":
                    continue
                pairs = [(e.parent, getattr(record, e.column.key)) for e in key.elements]
                query = sa.select(sa.literal(1)).select_from(other).where(*(c == v for c, v in pairs)).limit(1)
                if self.datamodel.session.connection().scalar(query):
                    used = True
                    titles += [str(v.list_title) for v in record_views().values() if v.datamodel.obj.__table__ is other]
        return "、".join(dict.fromkeys(titles)) if used else None

    def _lookup_address(self, attribute: Attribute, narrowed: bool = True) -> str:
        if attribute.kind is not Kind.REFERENCE or attribute.target is None:
            return ""
        name = f"{type(self).__name__}.{attribute.name}"
        return f"/lookup/{cast(Any, attribute.target).__tablename__}" + (
            f"?for={name}" if narrowed and attribute.name in self.allowed else ""
        )


class LookupPage(Page):
    """Answers the selects that search: ``/lookup/<table>?q=&page=`` → ``{"items": [{value, text}], "more": bool}``."""

    route_base = "/lookup"

    @expose("/<table>")
    def index(self, table: str) -> AnyResponse | dict[str, Any]:
        actor = current_actor()
        text, page = request.args.get("q", "").replace("\0", "").strip()[:100], request.args.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and 0 < int(page[:6]) and len(page) < 7 else 1
        session = db.session
        narrowed = self._narrowed(request.args.get("for", ""))
        if table == Account.__tablename__:
            query = _colleagues(actor, text)
        else:
            view = next((v for v in record_views().values() if v.datamodel.obj.__tablename__ == table), None)
            if view is None or not actor.may("read", view.resource):
                raise NotAllowed(table)
            query = sa.select(view.datamodel.obj).where(*view.scope()).options(*view.load)
            if text:
                try:
                    query = query.where(*view.find(text))
                except (InvalidValue, FieldErrors):
                    return {"items": [], "more": False}
            query = view.datamodel.ordered(query, view.order)
        rows = session.scalars(query.where(*narrowed).offset((number - 1) * LOOKUP_SIZE).limit(LOOKUP_SIZE + 1)).all()
        items = [{"value": row.id, "text": title_of(row)} for row in rows[:LOOKUP_SIZE]]
        return {"items": items, "more": len(rows) > LOOKUP_SIZE}

    def _narrowed(self, place: str) -> list[Any]:
        name, _dot, column = place.partition(".")
        view = record_views().get(name)
        return [*view.allowed[column]()] if view and column in view.allowed else []


def _colleagues(actor: Actor, text: str) -> Any:
    """Active people who serve an estate of the actor."""
    query = (
        sa.select(Account).where(Account.active.is_(True)).order_by(Account.last_name, Account.first_name, Account.id)
    )
    if actor.estates is not None:
        query = query.where(Account.memberships.any(Membership.estate_id.in_(sorted(actor.estates))))
    for word in text.split():
        query = query.where(
            sa.or_(
                *(
                    c.icontains(word, autoescape=True)
                    for c in (Account.last_name + Account.first_name, Account.username)
                )
            )
        )
    return query


def assign(record: Any, values: Mapping[str, Any]) -> None:
    """Set the columns of ``record``; what a column refuses is reported under its name.

    Raises:
        FieldErrors: one or more values are not what their column holds.
    """
    errors = {}
    for name, value in values.items():
        try:
            setattr(record, name, value)
        except InvalidValue as error:
            errors[name] = error.sentence
    if errors:
        raise FieldErrors(errors)


def kind_of(record: Any) -> Any:
    """What people call a record of this kind, as its page is titled; nothing for one without a page."""
    view = view_of(type(record))
    return view.show_title if view else ""
