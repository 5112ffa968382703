"""What happened to a record or in a unit, in sentences, newest first."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import sqlalchemy as sa
from flask import current_app
from flask_appbuilder import Model
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape
from sqlalchemy.orm.util import identity_key

from app.core.access.actor import Actor, current_actor
from app.core.access.models import Account
from app.core.access.roles import TITLES as ROLES
from app.core.audit.kinds import EventKind
from app.core.audit.models import AuditEntry
from app.core.comments.models import Comment
from app.core.fields.kinds import PREFIX
from app.core.fields.queries import FILE_KIND
from app.core.files.models import Attachment
from app.core.papers.base.context import Bilingual
from app.core.records.base import Stamped
from app.core.records.choices import in_language, in_one
from app.core.records.database import written
from app.core.records.lookup import resource_of
from app.core.registry import registry
from app.extensions import db
from app.fab.cells import text_of
from app.fab.customs import customs_of
from app.fab.fields import estate_zone, title_of
from app.fab.interface import Attribute, Kind, RecordInterface, model_of

TOGETHER, AT_ONCE = timedelta(minutes=2), timedelta(seconds=20)
PACKED = 3
"""Entries read for each line wanted: what a person did to many parts, or issued as a pack, stands in one line."""
SEARCHED = 2000
"""Entries looked through for one page of a filtered timeline; older ones are the next page's."""


@dataclass(frozen=True)
class Group:
    """Kinds of entries that people choose together."""

    title: Any
    icon: str
    kinds: tuple[str, ...]


GROUPS = {
    "changes": Group(_l("Changes"), "edit", ("create", "update", "delete")),
    "steps": Group(_l("Steps and decisions"), "arrow-right", ("transition",)),
    "comments": Group(_l("Comments"), "message", ("comment", "withdraw")),
    "papers": Group(_l("Papers"), "file-text", ("issue", "print")),
    "signatures": Group(_l("Signatures"), "writing-sign", ("sign", "signature")),
    "files": Group(_l("Files"), "paperclip", ("file",)),
    "work": Group(
        _l("Hand-overs and delays"),
        "arrows-exchange",
        ("take", "hand_over", "late_reason", "escalate", "recount", "clock_paused", "clock_resumed"),
    ),
    "reveals": Group(_l("Looks at personal data"), "eye", ("reveal",)),
}
OTHER = "other"
ICONS = {
    **{kind: group.icon for group in GROUPS.values() for kind in group.kinds},
    "create": "plus", "delete": "trash", "print": "printer", "take": "user", "late_reason": "hourglass", "escalate": "bell",
    "clock_paused": "clock-pause", "clock_resumed": "clock",
}  # fmt: skip
GATHERED = {"create", "update", "delete", "issue", "print"}


@dataclass(frozen=True)
class Change:
    """One field of a change: label, former and new value as texts; ``secret`` values are never shown."""

    label: str
    old: str
    new: str
    secret: bool = False
    part: str = ""
    """The part it is a field of, when lines of several parts stand together."""


@dataclass(frozen=True)
class Happening:
    """One line of a timeline; ``last`` is the id of the oldest entry it tells of, ``kind`` that of the newest.

    ``about``: the record it concerns, when the timeline is of another. ``comment``: the comment it tells of, unless
    withdrawn.
    """

    at: datetime
    who: str
    what: str
    icon: str
    last: int
    kind: str = ""
    changes: tuple[Change, ...] = ()
    note: str = ""
    folded: bool = False
    """The changes are first values or many: shown when asked for."""
    about: Any = None
    comment: Comment | None = None
    alike: tuple[Any, ...] | None = None
    """What lines that can stand together have in common."""
    names: tuple[str, ...] = ()
    """The parts it tells of."""


@dataclass(frozen=True)
class About:
    """The entries of one timeline: those that satisfy one of ``branches``, each of which has its index.

    ``record``: whose timeline it is.
    """

    record: Stamped
    branches: tuple[tuple[sa.ColumnElement[bool], ...], ...]

    @classmethod
    def of(cls, record: Stamped) -> About:
        """All entries about ``record``: its own, its parts', and those of what hangs on it."""
        here = (record.__tablename__, record.id)
        branches = [(AuditEntry.subject_type == here[0], AuditEntry.subject_id == here[1])]
        if record.audit_subject != here:
            rows: dict[str, list[int]] = {here[0]: [record.id]}
            for part in record.audit_parts:
                rows.setdefault(part.__tablename__, []).append(part.id)
            branches += [
                (AuditEntry.record_type == table, AuditEntry.record_id.in_(ids)) for table, ids in rows.items()
            ]
        return cls(record, tuple(branches))

    @classmethod
    def diary(cls, unit: Stamped) -> About:
        """Everything that happened in a unit: the diary of its household (管理手册)."""
        return cls(unit, ((AuditEntry.unit_id == unit.id,),))


@dataclass(frozen=True)
class Filter:
    """What of a timeline is wanted; ``since`` and ``until`` are days of the estate, both included."""

    groups: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    person: int | None = None
    since: date | None = None
    until: date | None = None
    text: str = ""

    @property
    def active(self) -> bool:
        return self != Filter()

    def clauses(self) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        kinds = [*self.kinds, *(kind for name in self.groups if name in GROUPS for kind in GROUPS[name].kinds)]
        if OTHER in self.groups:
            known = [kind for group in GROUPS.values() for kind in group.kinds]
            found.append(sa.or_(AuditEntry.kind.in_(kinds), AuditEntry.kind.not_in(known)))
        elif kinds:
            found.append(AuditEntry.kind.in_(kinds))
        if self.person is not None:
            found.append(AuditEntry.actor_id == self.person)
        if self.since:
            found.append(AuditEntry.at >= _midnight(self.since))
        if self.until:
            found.append(AuditEntry.at < _midnight(self.until + timedelta(days=1)))
        if self.text:
            withdrawn = sa.exists().where(Comment.id == AuditEntry.record_id, Comment.withdrawn_at.is_not(None))
            found += [AuditEntry.note.icontains(word, autoescape=True) for word in self.text.split()]
            found.append(sa.or_(AuditEntry.record_type != Comment.__tablename__, sa.not_(withdrawn)))
        return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, estate_zone()).astimezone(UTC)


@dataclass(frozen=True)
class Page:
    """A page of a timeline. ``older``: where the next one starts, nothing at the end.

    ``searched_to``: how far back was looked for what the filter wants, when there is more to look through.
    """

    lines: Sequence[Happening]
    older: int | None = None
    searched_to: datetime | None = None


def timeline(record: Stamped, limit: int = 20, kinds: Sequence[str] = ()) -> Sequence[Happening]:
    """The newest ``limit`` lines about ``record`` that the acting person may read; of ``kinds`` only when given."""
    return read(About.of(record), Filter(kinds=tuple(kinds)), limit=limit).lines


def read(about: About, wanted: Filter, *, before: int | None = None, limit: int = 30, searched: int = SEARCHED) -> Page:
    """The newest lines of a timeline, older than the entry ``before``; three statements at most, whatever is shown.

    Entries about records whose resource the acting person may not read are left out. At most ``searched`` entries are
    looked through, so that a filter costs the same on a record with a very long history.
    """
    session = db.session
    older = [AuditEntry.id < before] if before is not None else []
    extra = [*wanted.clauses(), *_readable(current_actor())]
    floor = None
    if extra:
        one = written(1)
        ends = [
            _newest([AuditEntry.id, AuditEntry.at], [*branch, *older])
            .offset(written(searched - 1))
            .limit(one)
            .subquery()
            for branch in about.branches
        ]
        reach = sa.union_all(*(sa.select(end) for end in ends)).subquery()
        floor = session.execute(sa.select(reach).order_by(reach.c.id.desc()).limit(one)).one_or_none()
    bounded = [*older, *extra, *([AuditEntry.id >= floor.id] if floor else [])]
    size = limit * PACKED
    if len(about.branches) == 1:
        newest = _newest([AuditEntry], [*about.branches[0], *bounded]).limit(written(size))
    else:
        parts = [_newest([AuditEntry.id], [*b, *bounded]).limit(written(size)).subquery() for b in about.branches]
        ids = sa.union_all(*(sa.select(part.c.id) for part in parts)).subquery()
        newest = _newest([AuditEntry], [AuditEntry.id.in_(sa.select(ids.c.id))]).limit(written(size))
    entries = session.scalars(newest).all()
    lines = _lines(entries, about.record, limit)
    shown = lines[:limit]
    if len(lines) > limit or len(entries) == size:
        return Page(shown, shown[-1].last)
    return Page(shown, floor.id, floor.at) if floor else Page(shown)


def _newest(columns: Sequence[Any], clauses: Iterable[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(*clauses).order_by(AuditEntry.id.desc())


def _readable(actor: Actor) -> list[sa.ColumnElement[bool]]:
    """Only entries about tables whose resource the actor may read; rows without one of their own go by their subject."""
    resources = _resources()
    closed = [table for table, resource in resources.items() if resource and not actor.may("read", resource)]
    if not closed:
        return []
    open_, dependent = [], []
    for table, resource in resources.items():
        if resource is None:
            dependent.append(table)
        elif table not in closed:
            open_.append(table)
    return [
        AuditEntry.record_type.not_in(closed),
        sa.or_(AuditEntry.record_type.not_in(dependent), AuditEntry.subject_type.in_(open_)),
    ]


def _resources() -> dict[str, str | None]:
    """The resource of every table, nothing for those that go by what they hang on."""
    known: dict[str, str | None] | None = current_app.extensions.get("guanjia.resources")
    if known is None:
        tables = sorted({m.local_table.name for m in Model.registry.mappers if m.local_table is not None})
        known = current_app.extensions["guanjia.resources"] = {table: resource_of(table) for table in tables}
    return known


# From entries to lines


def _lines(entries: Sequence[AuditEntry], record: Stamped, limit: int) -> list[Happening]:
    """At most one line more than ``limit``, which tells that there are more."""
    rows = _rows(entries)
    lines: list[Happening] = []
    steps: dict[tuple[Any, ...], int] = {}
    filled: dict[tuple[Any, ...], int] = {}
    for entry in entries:
        if len(lines) > limit:
            break
        if entry.kind == "create" and not entry.changes.keys() & rows.attributes(entry.record_type).keys():
            continue  # how a payment is spread over the lines of its bill is nothing that happened
        if _unseen(entry, rows):
            continue
        line = _line(entry, record, rows)
        last = lines[-1] if lines else None
        deed = (entry.record_type, entry.record_id, entry.actor_id)
        if entry.kind == "transition":
            steps[deed] = len(lines)
        if entry.kind in {"create", "update"} and deed in filled and lines[filled[deed]].at - line.at < AT_ONCE:
            place = filled.pop(deed)  # the fields without code on the same form
            lines[place] = replace(line, changes=(*line.changes, *lines[place].changes))
            continue
        if _of_fields(entry):
            filled[deed] = len(lines)
        if entry.kind == "update" and deed in steps and lines[steps[deed]].at - line.at < AT_ONCE:
            place = steps.pop(deed)  # what the step changed in the record, besides its state
            told = dict.fromkeys((*lines[place].changes, *line.changes))  # what was asked for is often kept as asked
            lines[place] = replace(lines[place], changes=tuple(told))
        elif last and line.alike and last.alike == line.alike and last.at - line.at < TOGETHER:
            lines[-1] = _together(last, line)
        elif last and _same_signing(last, line):
            lines[-1] = replace(last, last=line.last)
        else:
            lines.append(line)
    return [_finished(line) for line in lines]


def _of_fields(entry: AuditEntry) -> bool:
    """Whether the entry tells of fields without code alone."""
    return entry.kind == "update" and bool(entry.changes) and all(name.startswith(PREFIX) for name in entry.changes)


def _unseen(entry: AuditEntry, rows: Rows) -> bool:
    """Whether the entry tells of fields alone that the acting person does not see, or of a file that a field tells of."""
    if entry.record_type == Attachment.__tablename__:
        row = rows.get(entry.record_type, entry.record_id)
        return row is not None and row.kind == FILE_KIND
    return _of_fields(entry) and not entry.changes.keys() & rows.attributes(entry.record_type).keys()


def _together(one: Happening, other: Happening) -> Happening:
    return replace(
        one, last=other.last, changes=(*one.changes, *other.changes), names=(*one.names, *other.names),
        note=f"{one.note}, {other.note}" if one.note and other.note else one.note or other.note,
    )  # fmt: skip


def _same_signing(paper: Happening, drawing: Happening) -> bool:
    """A paper signed on the screen leaves the drawing as a file, too."""
    signer = drawing.note.removesuffix(".png")
    return (
        (paper.kind, drawing.kind) == ("sign", "signature") and paper.at - drawing.at < AT_ONCE and signer in paper.note
    )


def _finished(line: Happening) -> Happening:
    """With the parts it tells of, each once, and long lists of changes folded."""
    names = list(dict.fromkeys(name for name in line.names if name))
    if len(line.names) > 1:
        said = in_language("、", ", ").join(names[:12]) + (" …" if len(names) > 12 else "")
        changes = tuple(replace(c, label=f"{c.part} · {c.label}" if c.part else c.label) for c in line.changes)
        line = replace(line, what=f"{line.what} ({len(line.names)})", note=said, changes=changes, folded=True)
    elif line.names:
        line = replace(line, what=f"{line.what} {names[0] if names else _('a part')}")
    return replace(line, folded=line.folded or len(line.changes) > 8)


@dataclass(frozen=True)
class Rows:
    """The records that entries name, by class and id; and what their tables are like, found out once for all entries."""

    found: dict[tuple[type, int], Any] = field(default_factory=dict)
    _attributes: dict[str, Mapping[str, Attribute]] = field(default_factory=dict)

    def attributes(self, table: str) -> Mapping[str, Attribute]:
        known = self._attributes.get(table)
        if known is None:
            known = self._attributes[table] = _attributes(table)
        return known

    def get(self, table: str, number: int | None) -> Any:
        model = _model(table)
        return self.found.get((model, number)) if model is not None and number is not None else None


def _rows(entries: Iterable[AuditEntry]) -> Rows:
    """Everything the entries point at: their records and subjects, and the references that changed; one statement."""
    rows, wanted = Rows(), dict[tuple[type, int], Any]()
    for entry in entries:
        for table, number in ((entry.record_type, entry.record_id), (entry.subject_type, entry.subject_id)):
            model = _model(table)
            if model is not None and number is not None and issubclass(model, Stamped | Account):
                wanted[model, number] = None
        attributes = rows.attributes(entry.record_type)
        for name, pair in entry.changes.items():
            attribute = attributes.get(name)
            if attribute and attribute.kind is Kind.REFERENCE and attribute.target:
                wanted |= {(attribute.target, v): None for v in pair if isinstance(v, int) and not isinstance(v, bool)}
    held = {key: db.session.identity_map.get(identity_key(*key)) for key in wanted}
    rows.found.update(
        (key, row) for key, row in held.items() if row is not None and not sa.inspect(row).expired_attributes
    )
    missing = [key for key in wanted if key not in rows.found]
    if missing:
        for row in db.session.execute(_of_many_tables(missing)).unique():
            rows.found.update({(type(one), one.id): one for one in row if one is not None})
    return rows


def _of_many_tables(keys: Sequence[tuple[type, int]]) -> sa.Select[Any]:
    """One statement for rows of many tables: each line of ``wanted`` meets the row of the one table it names."""
    models = list(dict.fromkeys(model for model, _number in keys))
    places = {model: place for place, model in enumerate(models)}
    wanted = (
        sa.values(sa.column("place", sa.Integer), sa.column("number", sa.Integer), name="wanted")
        .data([(places[model], number) for model, number in keys])
        .cte("wanted")
    )
    query: Any = sa.select(*models).select_from(wanted)
    for model, place in places.items():
        key: Any = sa.inspect(model).primary_key[0]
        query = query.outerjoin(model, sa.and_(wanted.c.place == place, key == wanted.c.number))
        view = _view_of(model)
        if view is not None:
            query = query.options(*view.load)
    return query


@cache  # asked for with every entry
def _model(table: str) -> type | None:
    return model_of(table)


def _view_of(model: type) -> Any:
    from app.fab.views import record_views  # which show timelines

    return next((view for view in record_views().values() if view.datamodel.obj is model), None)


HANGING = {"comment", "attachment", "paper", "paper_copy"}
"""What hangs on a record: entries about these tell of that record."""


def _line(entry: AuditEntry, record: Stamped, rows: Rows) -> Happening:
    here = (record.__tablename__, record.id)
    itself, subject = (entry.record_type, entry.record_id), (entry.subject_type, entry.subject_id)
    row = rows.get(*itself)
    apart = _view_of(_model(entry.record_type) or object) is not None and entry.record_type not in HANGING
    part = itself != here and not apart
    concerned = subject if part else itself
    line = Happening(
        entry.at, _who(entry), _sentence(entry, itself == here, rows), _icon(entry.kind), entry.id, entry.kind,
        note=in_one(entry.note), about=None if concerned == here else _named(rows.get(*concerned)),
    )  # fmt: skip
    if entry.record_type == Comment.__tablename__ and entry.kind == "comment":
        return _comment(line, row)
    if entry.kind == "transition":
        return replace(line, **_step(entry))
    if entry.kind in {"create", "update"}:
        line = replace(line, changes=tuple(_changes(entry, rows, record)), folded=entry.kind == "create")
    if entry.kind in {"issue", "print"}:
        return replace(line, alike=(entry.actor_name, line.what, subject))
    if part and entry.kind in {"create", "update", "delete"}:
        name = _name(row)
        changes = () if entry.kind == "create" else tuple(replace(change, part=name) for change in line.changes)
        alike = (entry.actor_name, line.what, entry.record_type, subject)
        line = replace(line, alike=alike, names=(name,), changes=changes)
    return line


def _who(entry: AuditEntry) -> str:
    """The person, or the program itself."""
    return str(_("System")) if entry.actor_id is None and entry.actor_name in PROGRAM else entry.actor_name


def _icon(kind: str) -> str:
    described = registry().of(EventKind).get(kind)
    return ICONS.get(kind) or (described.icon if described else "point")


def _comment(line: Happening, comment: Comment | None) -> Happening:
    if comment is None or comment.withdrawn_at is not None:
        return replace(line, what=_("wrote a comment and withdrew it"), note="")
    return replace(line, note=_marked(comment), comment=comment)


def _marked(comment: Comment) -> Markup:
    """The text with the mentioned names set off."""
    text = escape(comment.text)
    for name in sorted(comment.mentions, key=len, reverse=True):
        for at in "@＠":
            text = text.replace(escape(at + name), Markup('<span class="gj-mention">{}{}</span>').format(at, name))
    return text


def _name(row: Any) -> str:
    """How a part is called: as it says itself, or by its title; nothing for one that has neither."""
    if row is None:
        return ""
    if "__str__" in {name for cls in type(row).__mro__ if issubclass(cls, Stamped) for name in vars(cls)}:
        return title_of(row)
    title = getattr(row, "title", None)
    return in_language(title.zh, title.en) if isinstance(title, Bilingual) else ""


def _named(row: Any) -> Any:
    """``row``, when it can be called by a name."""
    return row if row is not None and _name(row) else None


OWN = {"create": _l("entered this record"), "update": _l("changed this record"), "delete": _l("deleted this record")}
OF_OTHERS = {"create": _l("added"), "update": _l("changed"), "delete": _l("removed")}
SENTENCES = {
    "reveal": _l("looked at personal data"),
    "issue": _l("issued a paper"),
    "print": _l("printed a paper"),
    "sign": _l("had a paper signed"),
    "signature": _l("added a drawn signature"),
    "file": _l("added a file"),
    "comment": _l("wrote a comment"),
    "withdraw": _l("withdrew a comment"),
    "take": _l("took the work"),
    "hand_over": _l("gave the work back to its role"),
    "late_reason": _l("said why it is late"),
    "clock_paused": _l("stopped the clock"),
    "clock_resumed": _l("let the clock go on"),
    "escalate": _l("reported that the limit has passed"),
    "recount": _l("had running clocks counted anew"),
}


def _sentence(entry: AuditEntry, own: bool, rows: Rows) -> str:
    to, column = (entry.changes.get(name, [None, None])[1] for name in ("to", "column"))
    attribute = rows.attributes(entry.record_type).get(column) if column else None
    described = registry().of(EventKind).get(entry.kind)
    if entry.kind in OWN:
        return str(OWN[entry.kind] if own else OF_OTHERS[entry.kind])
    if entry.kind == "reveal" and attribute:
        return _("looked at personal data: %(field)s", field=attribute.label)
    if entry.kind == "hand_over" and to:
        return _("handed the work to %(to)s", to=to)
    if entry.kind == "escalate" and to:
        told = in_language("、", ", ").join(str(ROLES.get(role, role)) for role in to.split(","))
        return _("told %(to)s that the limit has passed", to=told)
    if entry.kind in SENTENCES:
        return str(SENTENCES[entry.kind])
    return str(described.sentence) if described else entry.kind.replace("_", " ")


STEP = {"transition", "source", "target"}
PROGRAM = {"system", "worker"}
"""Names under which the program itself acts."""


def _step(entry: AuditEntry) -> dict[str, Any]:
    """What was done and what it led to; several inputs each under their label, a single one as it was said."""
    facts = {name: pair[1] for name, pair in entry.changes.items()}
    for workflow in current_app.extensions["guanjia"].workflows.values():
        if workflow.model.__tablename__ != entry.record_type:
            continue
        step = next((t for t in workflow.transitions if t.name == facts.get("transition")), None)
        looks = {str(state): str(look.title) for state, look in workflow.looks.items()}
        source, target = (looks.get(str(facts.get(end)), facts.get(end)) for end in ("source", "target"))
        name = step.title if step else facts.get("transition")
        said = {"what": _("%(step)s: %(source)s → %(target)s", step=name, source=source, target=target)}
        asked = [ask for ask in (step.asks if step else ()) if facts.get(ask.name)]
        if len(asked) > 1 or any(ask.choices for ask in asked):
            given = tuple(Change(str(ask.label), "", ask.said(facts[ask.name])) for ask in asked)
            return said | {"changes": given, "note": ""}
        return said
    return {"what": str(facts.get("transition"))}


def _changes(entry: AuditEntry, rows: Rows, record: Stamped) -> Iterable[Change]:
    attributes = rows.attributes(entry.record_type)
    for name, (old, new) in entry.changes.items():
        attribute = attributes.get(name)
        if attribute is None or (old is None and attribute.target is type(record) and new == record.id):
            continue  # that a part is the record's own goes without saying
        if entry.kind == "update" and _is_state(entry.record_type, name):
            continue  # its step says so
        if attribute.kind is Kind.SECRET:
            yield Change(str(attribute.label), "", "", secret=True)
        else:
            yield Change(str(attribute.label), _text(attribute, old, rows), _text(attribute, new, rows))


def _is_state(table: str, column: str) -> bool:
    flows = current_app.extensions["guanjia"].workflows.values()
    return any(flow.model.__tablename__ == table and flow.column == column for flow in flows)


def _text(attribute: Attribute, plain: Any, rows: Rows) -> str:
    """The logged value as the record's page would show it."""
    if plain is None:
        return ""
    if attribute.kind is Kind.FILE or isinstance(plain, dict):
        return _words(plain)  # a file's name, or a text kept as JSON
    if attribute.kind is Kind.REFERENCE:
        found = rows.found.get((attribute.target, plain)) if attribute.target else None
        return f"#{plain}" if found is None else title_of(found)
    return text_of(attribute, logged_value(attribute, plain))


def _words(plain: Any) -> str:
    """The values of a JSON document one after the other, what stands in two languages in the reader's."""
    if isinstance(plain, dict):
        if plain.keys() == {"zh", "en"}:
            return str(in_language(plain["zh"], plain["en"]))
        plain = list(plain.values())
    return "; ".join(filter(None, map(_words, plain))) if isinstance(plain, list) else str(plain)


def _attributes(table: str) -> Mapping[str, Attribute]:
    """The columns of a table that have a label, and its fields without code that the acting person sees."""
    columns, model = _columns(table), _model(table)
    customs = customs_of(model, archived=True) if model is not None else ()
    return ChainMap({a.name: a for a in customs}, columns) if customs else columns


def _columns(table: str) -> dict[str, Attribute]:
    cache: dict[str, dict[str, Attribute]] = current_app.extensions.setdefault("guanjia.timeline", {})
    if table not in cache:
        model = model_of(table)
        interface = RecordInterface(model) if model else None
        columns = interface.columns.items() if interface else ()
        cache[table] = {n: interface.attribute(n) for n, c in columns if "label" in c.info} if interface else {}
    return cache[table]


def logged_value(attribute: Attribute, plain: Any) -> Any:
    """A value of the change log as records hold it."""
    readers: dict[Kind, Any] = {
        Kind.DAY: date.fromisoformat,
        Kind.MOMENT: datetime.fromisoformat,
        Kind.DECIMAL: Decimal,
    }
    try:
        return plain if plain is None else readers.get(attribute.kind, lambda value: value)(plain)
    except (ValueError, TypeError, InvalidOperation):
        return plain


def changed_since(record: Stamped, version: int) -> dict[str, Any]:
    """Columns changed after ``version`` with the values they had then (personal data: a hash).

    Every change of a record raises its version by one and leaves one entry in the log.
    """
    steps = min(max(record.version - version, 0), 1000)
    entries = db.session.scalars(
        sa.select(AuditEntry)
        .where(
            AuditEntry.record_type == record.__tablename__,
            AuditEntry.record_id == record.id,
            AuditEntry.kind == "update",
        )
        .order_by(AuditEntry.id.desc())
        .limit(steps)
    )
    attributes = _attributes(record.__tablename__)
    return {
        name: logged_value(attributes[name], old)
        for entry in entries
        for name, (old, _new) in entry.changes.items()
        if name in attributes
    }
