"""The values a form's template finds, with their meaning: for the list beside the editor, and to name what is missing.

Meanings are read from the delivered template, where labels stand beside the values they belong to.
"""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from jinja2 import nodes

from app.core.fields.kinds import Field
from app.core.papers.added import sample_of
from app.core.papers.base.context import Bilingual, Header, Signature
from app.core.papers.slots import shown
from app.core.papers.template import PaperTemplate, environment_of, load_paper
from app.core.records.choices import in_language

_KINDS: dict[Any, Any] = {
    str: _l("text"), bool: _l("yes or no"), int: _l("whole number"), Decimal: _l("amount"), date: _l("date"),
    datetime: _l("date and time"), Bilingual: _l("text in both languages"),
}  # fmt: skip
_HEADER: dict[str, Any] = {
    "company": _l("Property service enterprise (Chinese)"),
    "company_en": _l("Property service enterprise (English)"),
    "estate_name_zh": _l("Name of the estate (Chinese)"), "estate_name_en": _l("Name of the estate (English)"),
    "unit_code": _l("Unit"), "number": _l("Paper number"), "issued_on": _l("Date of issue"),
    "issued_by": _l("Prepared by"), "language": _l("Language of the paper: zh, en or both"),
    "verify_url": _l("Address of the verification page, for qr(…)"), "verify_code": _l("Verification code"),
    "form_no": _l("Form number"), "revision": _l("Revision"), "title_zh": _l("Title (Chinese)"),
    "title_en": _l("Title (English)"), "draft": _l("Whether it is a preview"),
}  # fmt: skip


@dataclass(frozen=True)
class Value:
    """One value: how it is written, what it means, its kind, an example; ``path`` as in :class:`~app.core.papers.slots.Marked`.

    ``required``: the delivered form prints it, so an own template must, too. ``depth`` counts the lists around it.
    """

    written: str
    meaning: str
    kind: str
    example: str
    path: str
    required: bool
    depth: int = 0


def values_of(template: PaperTemplate) -> list[tuple[str, list[Value]]]:
    """The values of a form in titled groups: those of its record, then those of the head."""
    sample = template.samples("both")["typical"]
    printed, labels = printed_paths(template), labels_of(template)
    own = [
        value for value in _values(template.context_type, sample, "", "c.", 0, printed, labels)
        if not value.path.startswith("header")
    ]  # fmt: skip
    head = [
        dataclasses.replace(value, meaning=str(_HEADER.get(value.path.removeprefix("header."), value.meaning)))
        for value in _values(Header, sample.header, "header.", "header.", 0, printed, labels)
    ]
    return [(_("Values of the record"), own), (_("Values of the head"), head)]


def field_values(fields: Sequence[Field]) -> list[tuple[str, list[Value]]]:
    """The fields without code that a form can print, as a group of values; no group without any."""
    listed = [
        Value(
            written=f"fields.{field.code}", meaning=field.label, kind=str(_KINDS[Bilingual]), example=_shown(sample_of(field)),
            path=f"fields.{field.code}", required=False,
        )
        for field in fields
        if not field.archived
    ]  # fmt: skip
    return [(_("Added fields"), listed)] if listed else []


def name_of(path: str, template: PaperTemplate) -> str:
    """A value as people know it: its meaning with how it is written."""
    plain = bare(path)
    meaning = str(_HEADER.get(plain.removeprefix("header."), "")) if plain.startswith("header.") else ""
    label = labels_of(template).get(plain)
    meaning = meaning or (in_language(*label) if label else "")
    return f"{meaning} ({plain})" if meaning else plain


def bare(path: str) -> str:
    """The path without the language of a bilingual value."""
    return path.removesuffix(".zh").removesuffix(".en")


@functools.lru_cache(maxsize=128)
def _printed(folder: Path) -> frozenset[str]:
    template = load_paper(folder)
    html, slots = template.marked_html(template.samples("both")["typical"])
    on_sheet = shown(html)
    return frozenset(bare(s.path) for n, s in enumerate(slots) if s.path and (n in on_sheet or s.is_picture))


def printed_paths(template: PaperTemplate) -> frozenset[str]:
    """Paths of the values that the delivered form prints of its sample, on a bilingual paper."""
    return _printed(template.folder)


def names_used(template_text: str, template: PaperTemplate) -> set[str]:
    """Names of the record's values that a template mentions: ``recipient`` of ``c.recipient``."""
    tree = environment_of(template.folder).parse(template_text)
    attributes = {
        node.attr for node in tree.find_all(nodes.Getattr) if isinstance(node.node, nodes.Name) and node.node.name == "c"
    }  # fmt: skip
    items = {
        node.arg.value for node in tree.find_all(nodes.Getitem)
        if isinstance(node.node, nodes.Name) and node.node.name == "c" and isinstance(node.arg, nodes.Const)
    }  # fmt: skip
    return attributes | items


def _values(
    kind: Any, example: Any, path: str, written: str, depth: int, printed: frozenset[str], labels: dict[str, Any]
) -> Iterator[Value]:
    """The values of a dataclass; ``example`` is one of it, or nothing."""
    hints = typing.get_type_hints(kind)
    for name in (field.name for field in dataclasses.fields(kind)):
        if name in ("header", "fields"):
            continue
        here, value = path + name, getattr(example, name, None)
        item, listed = _item(hints[name])
        label = labels.get(here) or labels.get(f"{here}[]")
        meaning = in_language(*label) if label else _("Signatures") if item is Signature else name.replace("_", " ")
        yield Value(
            written=written + name, meaning=meaning,
            kind=_kind(item, listed), example="" if listed else _shown(value), path=here,
            required=here in printed or (listed and any(p.startswith(f"{here}[]") for p in printed)), depth=depth,
        )  # fmt: skip
        inner = item if isinstance(item, type) and dataclasses.is_dataclass(item) and item is not Bilingual else None
        if inner and not (inner is Signature and depth == 0 and listed):
            first = value[0] if listed and value else None if listed else value
            below = (f"{here}[].", "row.", depth + 1) if listed else (f"{here}.", f"{written}{name}.", depth)
            yield from _values(inner, first, *below, printed, labels)
    for name in (name for name, found in vars(kind).items() if isinstance(found, property)):
        label = labels.get(path + name)
        yield Value(
            written=written + name, meaning=in_language(*label) if label else name.replace("_", " "),
            kind=_("calculated"), example=_shown(getattr(example, name, None)) if example else "", path=path + name,
            required=False, depth=depth,
        )  # fmt: skip


def _item(hint: Any) -> tuple[Any, bool]:
    """The plain type of a hint, and whether there is a list of it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _item(next(a for a in arguments if a is not type(None)))
    if origin is tuple:
        return _item(arguments[0])[0], True
    return hint, False


def _kind(item: Any, listed: bool) -> str:
    if item is Signature:
        return _("list for signatures(…)") if listed else _("signature")
    if typing.get_origin(item) is Literal:
        return _("one of: %(choices)s", choices=", ".join(map(str, typing.get_args(item))))
    word = str(_KINDS.get(item, "")) or _("several values")
    return _("list, for each row: %(word)s", word=word) if listed else word


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, Bilingual):
        value = f"{value.zh} {value.en}".strip()
    if not isinstance(value, (str, int, Decimal, date)):
        return ""
    text = str(value)
    return text if len(text) <= 40 else text[:39] + "…"


# Labels


_CELL = re.compile(r'<(tr|t[dh]|/table)\b(?:[^>]*\bcolspan="(\d+)")?')
Label = tuple[str, str]


@functools.lru_cache(maxsize=128)
def _labels(folder: Path) -> dict[str, Label]:
    source = (folder / "template.html").read_text(encoding="utf-8")
    reader = _Labels()
    reader.read(environment_of(folder).parse(source).body, {"c": "", "header": "header."})
    return reader.found


def labels_of(template: PaperTemplate) -> dict[str, Label]:
    """What stands beside the values in the delivered template: path → (zh, en)."""
    return _labels(template.folder)


class _Labels:
    """Reads a template from top to bottom and gives each value the label before it, or the head of its column."""

    def __init__(self) -> None:
        self.found: dict[str, Label] = {}
        self.last: Label | None = None
        self.columns: Sequence[Label] = ()
        self.cell, self.after = -1, 0
        self.heading: Label | None = None

    def read(self, body: Sequence[nodes.Node], names: dict[str, str]) -> None:
        for node in body:
            if isinstance(node, nodes.Output):
                for part in node.nodes:
                    self._part(part, names)
            elif isinstance(node, nodes.For):
                path = _path(node.iter, names)
                known = (
                    {**names, node.target.name: f"{path}[]."} if path and isinstance(node.target, nodes.Name) else names
                )
                if path and self.heading:
                    self.found.setdefault(path, self.heading)
                self.read(node.body, known)
                self.read(node.else_, names)
            else:
                for children in (getattr(node, "body", ()), getattr(node, "else_", ())):
                    self.read(children, names)

    def _part(self, part: nodes.Node, names: dict[str, str]) -> None:
        if isinstance(part, nodes.TemplateData):
            for tag, span in _CELL.findall(part.data):
                self.cell, self.after = (-1, 0) if tag == "tr" else (self.after, self.after + int(span or 1))
                self.columns = () if tag == "/table" else self.columns
            return
        name, args = _call(part)
        if name == "section":
            self.heading = _pair(args)
        elif name == "label":
            self.last = _pair(args)
        elif name == "head" and args and isinstance(args[0], nodes.List):
            self.columns = [_pair(item.items) or ("", "") for item in args[0].items if isinstance(item, nodes.Tuple)]
        elif name == "field" and len(args) >= 4:
            self.last = _pair(args)
            self._label(_path(args[3], names))
        else:
            for inner in (part, *part.find_all((nodes.Getattr, nodes.Getitem))):
                if path := _path(inner, names):
                    self._label(path)
                    break

    def _label(self, path: str) -> None:
        in_column = self.columns[self.cell] if 0 <= self.cell < len(self.columns) else None
        label = in_column or self.last
        if path and label and any(label):
            self.found.setdefault(path, label)
        if not in_column:
            self.last = None


def _call(node: nodes.Node) -> tuple[str, Sequence[nodes.Node]]:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name):
        return node.node.name, node.args
    return "", ()


def _pair(args: Sequence[nodes.Node]) -> Label | None:
    texts = [arg.value for arg in args[:2] if isinstance(arg, nodes.Const)]
    return (str(texts[0]), str(texts[1])) if len(texts) == 2 else None


def _path(node: nodes.Node, names: dict[str, str]) -> str:
    """``recipient`` of ``c.recipient``, ``keys[].kind`` of ``key.kind`` in a loop over ``c.keys``; else nothing."""
    if isinstance(node, nodes.Filter) and node.node is not None:
        return _path(node.node, names)
    if isinstance(node, nodes.Getattr):
        step, inner = node.attr, node.node
    elif isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const) and isinstance(node.arg.value, str):
        step, inner = node.arg.value, node.node
    else:
        return ""
    if isinstance(inner, nodes.Name):
        return names[inner.name] + step if inner.name in names else ""
    before = _path(inner, names)
    return f"{before}.{step}" if before else ""
