"""What a template written in the browser may contain; every fault is a sentence that names its line.

The grammar of tags is strict on purpose: what browsers and layout engines repair in different ways is refused here.
How a template runs is limited by the renderer (:mod:`app.core.papers.writing`); this finds faults before it runs, in
all its branches.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import tinycss2
from flask_babel import gettext as _
from jinja2 import Environment, TemplateSyntaxError, nodes

MAX_TEMPLATE = 100_000
MAX_STYLE = 40_000
"""Characters."""
MAX_SPAN = 24
"""Written out; what an expression gives is limited where papers are laid out."""
MAX_LENGTH = 2_000
"""In any unit of CSS; a sheet is 297 mm high."""
MAX_LOOPS = 4
"""Loops inside each other."""

OWN = "template.html"
"""The paper itself; every other template it finds is there to be used by it."""
KNOWN = frozenset(
    {"c", "header", "fields", "language", "info", "letterhead", "qr", "fail", "range", "loop", "self", "super", "caller"}
)  # fmt: skip
"""Names a template finds."""
TAGS = frozenset(
    "p div span br hr b strong i em u s small sub sup h2 h3 h4 ul ol li dl dt dd blockquote img "
    "table caption colgroup col thead tbody tfoot tr th td".split()
)
ATTRIBUTES = frozenset({"class", "lang", "data-slot", "alt", "src", "colspan", "rowspan", "span"})
SPANS = frozenset({"colspan", "rowspan", "span"})

_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)((?:\s+[a-z][a-z-]*="[^"<>]*")*)\s*/?>')
_ATTRIBUTE = re.compile(r'([a-z][a-z-]*)="([^"]*)"')
_VALUE = "\ue000"
"""Stands for the value of an expression."""
_PAGE_RULES = frozenset(
    f"{edge}-{place}" for edge, places in (("top", ("left", "center", "right")), ("bottom", ("left", "center", "right")))
    for place in places
)  # fmt: skip
_DISPLAYS = frozenset({"flex", "inline-flex", "grid", "inline-grid"})


@dataclass(frozen=True)
class Fault:
    """What is wrong: in the ``template`` or the ``style``, and on which line of it when that is known."""

    where: str
    sentence: str
    line: int | None = None

    def __str__(self) -> str:
        place = _("Template") if self.where == "template" else _("Style")
        if self.line is None:
            return f"{place}: {self.sentence}"
        return _("%(place)s, line %(line)s: %(sentence)s", place=place, line=self.line, sentence=self.sentence)


def faults(environment: Environment, template: str, style: str) -> list[Fault]:
    """All that keeps a template and its style sheet from being used, the template's first, in order of their lines."""
    found = [Fault("template", sentence, line) for sentence, line in _in_template(environment, template)]
    found += [Fault("style", sentence, line) for sentence, line in _in_style(style)]
    return sorted(dict.fromkeys(found), key=lambda fault: (fault.where == "style", fault.line or 0))


_Found = Iterator[tuple[str, int | None]]


def _in_template(environment: Environment, source: str) -> _Found:
    if len(source) > MAX_TEMPLATE:
        yield _("A template has at most %(most)s characters.", most=MAX_TEMPLATE), None
        return
    try:
        tree = environment.parse(source)
        environment.compile(tree)
    except TemplateSyntaxError as error:
        yield _("The template language does not understand this: %(reason)s", reason=error.message), error.lineno
        return
    yield from _in_tree(tree, [name for name in environment.list_templates(extensions=["html"]) if name != OWN])
    yield from _in_markup(environment, source)


def _in_tree(tree: nodes.Template, shared: Sequence[str]) -> _Found:
    if not any(_named(node.template) == "base.html" for node in tree.find_all(nodes.Extends)):
        yield _("It must extend base.html, which prints the head, the number and the code."), 1
    for node in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        if _named(node.template) not in shared:  # type: ignore[attr-defined]  # of an Extends or Import node
            yield _("Only %(names)s can be used from here.", names=", ".join(shared)), node.lineno
    for node in tree.find_all(nodes.EvalContextModifier):
        yield _("Values are always written as text; this cannot be switched off."), node.lineno
    for attribute in tree.find_all(nodes.Getattr):
        if attribute.attr.startswith("_"):
            yield _("“%(name)s” is outside of what templates see.", name=attribute.attr), attribute.lineno
    for item in tree.find_all(nodes.Getitem):
        if isinstance(item.arg, nodes.Const) and str(item.arg.value).startswith("_"):
            yield _("“%(name)s” is outside of what templates see.", name=item.arg.value), item.lineno
    for call in tree.find_all(nodes.Call):
        if not isinstance(call.node, nodes.Name) and not _is_loop_s_own(call.node):
            name = getattr(call.node, "attr", "…")
            yield (
                _("“%(name)s” cannot be called; templates call the building blocks of macros.html only.", name=name),
                call.lineno,
            )
    lines = {node.name: node.lineno for node in reversed([*tree.find_all(nodes.Name)]) if node.ctx == "load"}
    for name in sorted(lines.keys() - KNOWN - _declared(tree)):
        yield _("“%(name)s” is not known here. The values of the record are written c.….", name=name), lines.get(name)
    yield from _nested(tree, 0)


def _declared(tree: nodes.Template) -> set[str]:
    """Names that the template makes itself: by import, macro, loop or assignment."""
    names = {node.name for node in tree.find_all(nodes.Name) if node.ctx != "load"}
    names |= {node.name for node in tree.find_all(nodes.Macro)} | {node.target for node in tree.find_all(nodes.Import)}
    for imported in tree.find_all(nodes.FromImport):
        names |= {name if isinstance(name, str) else name[1] for name in imported.names}
    return names


def _named(expression: Any) -> Any:
    return expression.value if isinstance(expression, nodes.Const) else None


def _is_loop_s_own(node: nodes.Node) -> bool:
    """``loop.cycle(…)``, ``self.body()``."""
    return isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name) and node.node.name in ("loop", "self")


def _nested(node: nodes.Node, depth: int) -> _Found:
    for child in node.iter_child_nodes():
        deeper = depth + isinstance(child, nodes.For)
        if deeper > MAX_LOOPS:
            yield _("Loops stand inside each other at most %(most)s deep.", most=MAX_LOOPS), child.lineno
            return
        yield from _nested(child, deeper)


def _in_markup(environment: Environment, source: str) -> _Found:
    """Check the tags of what remains when expressions stand as one sign and statements are left out."""
    text, starts = _bare(environment, source)

    def line(place: int) -> int:
        start, number = starts[bisect.bisect_right(starts, (place, 1 << 40)) - 1]
        return number + text.count("\n", start, place)

    for place in (found.start() for found in re.finditer("<", text)):
        tag = _TAG.match(text, place)
        if text.startswith("<!--", place):
            yield _("Comments are written {# … #}."), line(place)
        elif tag is None:
            yield (
                _('No tag of papers begins with this “<”. Attributes are written name="value", the sign itself &lt;.'),
                line(place),
            )
        else:
            for sentence in _in_tag(tag):
                yield sentence, line(place)


def _bare(environment: Environment, source: str) -> tuple[str, list[tuple[int, int]]]:
    """``source`` without its Jinja, and where each piece begins: place in the text, line of the source."""
    text, starts = "", [(0, 1)]
    for number, kind, value in environment.lex(source):
        if kind == "data":
            starts.append((len(text), number))
            text += value
        elif kind == "variable_begin":
            starts.append((len(text), number))
            text += _VALUE
    return text, starts


def _in_tag(tag: re.Match[str]) -> Iterator[str]:
    name = tag[2]
    if name not in TAGS:
        yield _("Papers have no <%(tag)s>.", tag=name)
        return
    for attribute, value in _ATTRIBUTE.findall(tag[3]):
        if attribute not in ATTRIBUTES:
            yield _("<%(tag)s> may not have the attribute %(name)s.", tag=name, name=attribute)
        elif (
            attribute in SPANS
            and value != _VALUE
            and not (value.isascii() and value.isdecimal() and 0 < int(value[:6]) <= MAX_SPAN)
        ):
            yield _("%(name)s is a whole number from 1 to %(most)s.", name=attribute, most=MAX_SPAN)
        elif attribute == "src" and value != _VALUE:
            yield _("Pictures come from values of the record or from the letterhead, never from an address.")


def _in_style(source: str) -> _Found:
    if len(source) > MAX_STYLE:
        yield _("A style sheet has at most %(most)s characters.", most=MAX_STYLE), None
        return
    yield from _in_rules(tinycss2.parse_stylesheet(source, skip_comments=True, skip_whitespace=True), top=True)


def _in_rules(found: Sequence[Any], *, top: bool = False) -> _Found:
    for node in found:
        if node.type == "error":
            yield _("This is no valid CSS: %(reason)s", reason=node.message), node.source_line
        elif node.type == "declaration":
            yield from _in_declaration(node)
        elif node.type == "at-rule" and node.lower_at_keyword not in ({"page"} if top else _PAGE_RULES):
            yield _("@%(name)s cannot be used in papers.", name=node.at_keyword), node.source_line
        elif node.type in ("at-rule", "qualified-rule") and node.content is not None:
            inner = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
            yield from _in_rules(inner)


def _in_declaration(declaration: Any) -> _Found:
    line = declaration.source_line
    if declaration.lower_name == "display" and _words(declaration.value) & _DISPLAYS:
        yield _("flex and grid cannot be used in papers; use tables."), line
    for token in _tokens(declaration.value):
        if token.type == "url" or (
            token.type == "function" and token.lower_name in ("url", "src", "image", "image-set", "element")
        ):
            yield _("A style sheet may not load anything: url() cannot be used."), line
        elif token.type in ("dimension", "number", "percentage") and abs(token.value) > MAX_LENGTH:
            yield _("%(value)s is beyond any sheet of paper.", value=token.representation), line


def _words(values: Sequence[Any]) -> set[str]:
    return {token.lower_value for token in values if token.type == "ident"}


def _tokens(values: Sequence[Any]) -> Iterator[Any]:
    for token in values:
        yield token
        yield from _tokens(getattr(token, "arguments", None) or getattr(token, "content", None) or ())
