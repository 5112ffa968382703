"""From a paper's folder to HTML: plain values in, sandboxed Jinja, one or two languages out.

A paper is a folder with ``meta.yaml`` (form number, revision, titles, series), ``context.py`` (a frozen dataclass named
``Context``), ``template.html``, ``style.css`` and ``sample.yaml`` (named samples for preview and tests). What all papers
share lies in ``base/``, what several of a module do in ``shared/`` beside them.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import hashlib
import importlib
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import segno
import yaml
from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context as TemplateContext
from jinja2.runtime import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment, SecurityError, safe_range
from markupsafe import Markup, escape
from stdnum.cn import ric

from app.core.papers.base.context import Bilingual, FieldText, Header, Letterhead, Signature
from app.core.papers.render import PaperError, PaperMeta
from app.core.papers.renderer import render, renderer, texts_of
from app.core.papers.slots import Marked, Slot, field_names, mark, marked_text
from app.core.records.amounts import format_area, format_money, in_words_en, in_words_zh

BASE = Path(__file__).parent / "base"
_ROOT = Path(__file__).resolve().parents[3]

MAX_TEXT = 20_000
MAX_ROWS = 5_000
# No control characters; no spaces that share their glyph with the common one (copied text would have them everywhere).
_CLEAN = dict.fromkeys([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F]) | dict.fromkeys(
    [0xA0, *range(0x2000, 0x200B), 0x202F], " "
)
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])’(?=[A-Za-z])")
ID_DIGITS = 18
_ID_NUMBER = re.compile(r"(?<![0-9A-Za-z])[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![0-9A-Za-z])")


@dataclass(frozen=True, kw_only=True)
class PaperInfo:
    """``meta.yaml``: what the form is. ``series`` numbers its documents; ``retention_years`` None = kept for good.

    A form that says what its record says needs no ``context.py``: ``values`` names the record's attributes with their
    kinds (:data:`VALUES`; a mapping of such for the columns of rows), ``signatures`` its signature blocks (``zh``,
    ``en`` and either ``signed``, the role of a signature given on the record, or ``name`` and ``at``, attributes of it).
    ``states``: states of the record in which it is issued; ``public_state``: see :class:`PaperKind`.
    """

    code: str
    form_no: str
    revision: str
    title_zh: str
    title_en: str
    series: str
    orientation: Literal["portrait", "landscape"] = "portrait"
    retention_years: int | None = None
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    signatures: Sequence[Mapping[str, str]] = ()
    states: Sequence[str] = ()
    public_state: bool = False


@dataclass(frozen=True)
class Edited:
    """Template text and style sheet that stand in the place of those in a paper's folder."""

    html: str
    css: str


class Fields:
    """The fields without code as a template finds them: ``fields.power``; one without a value prints nothing."""

    def __init__(self, texts: Sequence[FieldText]) -> None:
        self._texts = {said.code: said.text for said in texts}

    def __getitem__(self, code: str) -> Bilingual | None:
        return self._texts[code]


@dataclass(frozen=True)
class PaperTemplate:
    """One paper ready to print. ``template_version`` changes with any file that shapes it, the base files included.

    ``edited``: text and style that were written in the browser; such a text runs in the renderer's process only.
    ``sample_fields``: values of fields without code on its samples.
    """

    folder: Path
    info: PaperInfo
    context_type: type
    template_version: str
    edited: Edited | None = None
    letterhead: Letterhead = dataclasses.field(default_factory=Letterhead)
    form_no: str = ""
    revision: str = ""
    sample_fields: tuple[FieldText, ...] = ()

    def edited_as(self, html: str, css: str) -> PaperTemplate:
        """The same form with another template text and style sheet, under a version of its own."""
        digest = hashlib.sha256("\0".join((self.template_version, html, css)).encode()).hexdigest()
        return dataclasses.replace(self, edited=Edited(html, css), template_version=digest[:12])

    def headed(self, letterhead: Letterhead) -> PaperTemplate:
        """The same form under a letterhead, and a version of its own when there is anything on it."""
        if letterhead == Letterhead():
            return self
        digest = hashlib.sha256(f"{self.template_version}\0{letterhead!r}".encode()).hexdigest()
        return dataclasses.replace(self, letterhead=letterhead, template_version=digest[:12])

    def marked_as(self, form_no: str, revision: str) -> PaperTemplate:
        """The same form under another form number and revision; empty: its own."""
        return dataclasses.replace(self, form_no=form_no, revision=revision) if form_no or revision else self

    def header(self, **values: Any) -> Header:
        """A header with this form's own number, revision and titles filled in."""
        own = {name: getattr(self.info, name) for name in ("form_no", "revision", "title_zh", "title_en")}
        return Header(**{**own, **values, **self._marks})

    def entitled(self, context: Any) -> Any:
        """``context`` with the form number and revision that were given instead of the form's own."""
        if not self._marks:
            return context
        return dataclasses.replace(context, header=dataclasses.replace(context.header, **self._marks))

    @property
    def _marks(self) -> dict[str, str]:
        return {name: given for name in ("form_no", "revision") if (given := getattr(self, name))}

    def html(self, context: Any) -> str:
        """The paper's HTML in the language of ``context.header``; ``PaperError`` when a value is not plain."""
        plain(context)
        return self._written(context)

    def marked_html(self, context: Any) -> tuple[str, list[Slot]]:
        """The paper's HTML with a mark in the place of every value of the context, and those values in order.

        Two contexts with the same marked HTML have the same sheet and differ only in what stands in its slots.
        Raises as :meth:`render`.
        """
        plain(context)
        if self.edited:
            return self._edited_written(context, marked=True)
        slots: list[Slot] = []
        return self._written(mark(context), slots=slots), slots

    def _written(self, context: Any, **more: Any) -> str:
        if self.edited:
            return self._edited_written(context, marked=False)[0]
        template = environment_of(self.folder).get_template("template.html")
        return template.render(
            c=context,
            header=context.header,
            language=context.header.language,
            info=self.info,
            letterhead=self.letterhead,
            fields=Fields(context.header.fields),
            **more,
        )

    def _edited_written(self, context: Any, *, marked: bool) -> tuple[str, list[Slot]]:
        assert self.edited is not None
        said, _made = renderer().ask(
            "write", self.folder, self.info, self.letterhead, self.edited.html, self.edited.css, context, marked
        )  # fmt: skip
        return said["html"], [Slot(*slot) for slot in said["slots"]]

    def render(self, context: Any) -> bytes:
        """The paper as PDF bytes, the same for the same context and template version.

        Raises:
            RenderFailed: the template fails, or the paper cannot be laid out; the sentence says why.
            PaperError: a value is not plain.
        """
        return render(
            self.html(context), self.sheets, language=context.header.language, meta=self.about(context.header)
        )

    @property
    def sheets(self) -> list[str]:
        """The style sheets of the paper as CSS text, the common one first."""
        own = self.edited.css if self.edited else self.folder / "style.css"
        return texts_of([BASE / "base.css", self.letterhead.style, own])

    def about(self, header: Header) -> PaperMeta:
        """What the PDF says about itself."""
        title = " ".join(filter(None, (header.title_zh, header.title_en, header.number)))
        return PaperMeta(title=title, number=header.number, author=header.company, issued_on=header.issued_on)

    def samples(self, language: str = "both") -> dict[str, Any]:
        """Contexts from ``sample.yaml`` by name; header values not given come from ``base/sample.yaml``."""
        headers = _read_yaml(BASE / "sample.yaml")
        found = {
            name: build(
                self.context_type,
                {
                    **values,
                    "header": self._sample_header(
                        headers.get(name, headers["typical"]), values.get("header", {}), language
                    ),
                },
            )
            for name, values in _read_yaml(self.folder / "sample.yaml").items()
        }
        if not self.sample_fields:
            return found
        return {
            name: dataclasses.replace(made, header=dataclasses.replace(made.header, fields=self.sample_fields))
            for name, made in found.items()
        }

    def _sample_header(self, common: Mapping[str, Any], own: Mapping[str, Any], language: str) -> dict[str, Any]:
        number = f"{self.info.series}-2026-000123"
        return dataclasses.asdict(self.header(**{"number": number, **common, **own, "language": language}))


@functools.cache
def load_paper(folder: Path) -> PaperTemplate:
    """The paper in ``folder`` (inside the application package); read once per process."""
    info = PaperInfo(**_read_yaml(folder / "meta.yaml"))
    if info.values:
        context = _context_type(info)
    else:
        context = importlib.import_module(".".join((*folder.resolve().relative_to(_ROOT).parts, "context"))).Context
    return PaperTemplate(
        folder=folder, info=info, context_type=context, template_version=template_version(folder)
    )  # fmt: skip


VALUES: Mapping[str, tuple[Any, Any]] = {
    "text": (str, ""), "title": (Bilingual | None, None), "number": (int | None, None),
    "amount": (Decimal | None, None), "day": (date | None, None), "moment": (datetime | None, None),
    "yes_no": (bool | None, None),
}  # fmt: skip
"""Kinds of values that ``meta.yaml`` may name: their type and what stands for nothing."""


def _context_type(info: PaperInfo) -> type:
    """The context that ``values`` and ``signatures`` of a ``meta.yaml`` describe."""
    fields: list[Any] = [("header", Header)]
    for name, kind in info.values.items():
        row: Any = _plain_class(name, kind) if isinstance(kind, dict) else None
        fields.append((name, tuple[row, ...], ()) if row else (name, *VALUES[kind]))
    if info.signatures:
        fields.append(("signatures", tuple[Signature, ...], ()))
    return _plain_class("Context", fields)


def _plain_class(name: str, fields: Any) -> Any:
    """A frozen dataclass of ``(name, type[, default])``, or of names and their kinds."""
    if isinstance(fields, dict):
        fields = [(field, *VALUES[kind]) for field, kind in fields.items()]
    given = [(f[0], f[1], dataclasses.field(default=f[2])) if len(f) > 2 else f for f in fields]
    return dataclasses.make_dataclass(name, given, frozen=True, kw_only=True)


def plain(value: Any, where: str = "context") -> None:
    """Raise ``PaperError`` unless ``value`` is made of plain values only, of a printable size, with no open ID number.

    A valid citizen ID number is refused wherever it stands: papers carry masked numbers (PIPL arts. 6, 28).
    """
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            raise PaperError(f"{where}: text of {len(value)} characters is too long for a paper")
        if len(value) >= ID_DIGITS and any(ric.is_valid(number) for number in _ID_NUMBER.findall(value)):
            raise PaperError(f"{where}: a full ID number may not be printed; mask it")
    elif value is None or isinstance(value, (bool, int, Decimal, date)):
        return
    elif isinstance(value, tuple):
        if len(value) > MAX_ROWS:
            raise PaperError(f"{where}: {len(value)} rows are too many for a paper")
        for index, item in enumerate(value):
            plain(item, f"{where}[{index}]")
    elif dataclasses.is_dataclass(value) and not isinstance(value, type) and value.__dataclass_params__.frozen:  # type: ignore[attr-defined]  # every dataclass has it
        for name in field_names(type(value)):
            plain(getattr(value, name), f"{where}.{name}")
    else:
        raise PaperError(f"{where}: {type(value).__name__} is not a plain value")


def build(kind: Any, data: Any, where: str = "context") -> Any:
    """A value of the annotated type ``kind`` (context dataclass, tuple, Decimal …) from YAML or JSON data.

    Raises ``PaperError`` naming the place for a missing, unknown or unreadable value.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if data is None:
            return None
        return build(next(argument for argument in arguments if argument is not type(None)), data, where)
    if origin is tuple:
        return tuple(build(arguments[0], item, f"{where}[{index}]") for index, item in enumerate(data))
    if origin is Literal:
        if data not in arguments:
            raise PaperError(f"{where}: {data!r} is not one of {arguments}")
        return data
    try:
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            hints = typing.get_type_hints(kind)
            if unknown := data.keys() - hints.keys():
                raise PaperError(f"{where}: unknown {', '.join(sorted(unknown))}")
            return kind(**{name: build(hints[name], item, f"{where}.{name}") for name, item in data.items()})
        if kind is Decimal:
            return Decimal(str(data))
        if kind in (date, datetime):
            return data if type(data) is kind else kind.fromisoformat(data)
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:
        raise PaperError(f"{where}: {error}") from error
    if kind in (str, int, bool) and type(data) is kind:
        return data
    raise PaperError(f"{where}: {data!r} is not a {kind}")


class _Sandbox(ImmutableSandboxedEnvironment):
    """Attributes of plain values and nothing more; no arithmetic that makes a huge text or number of a small one."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def call_binop(self, context: TemplateContext, operator: str, left: Any, right: Any) -> Any:
        if operator == "**" or (operator == "%" and isinstance(left, str)):
            raise SecurityError(f"{operator} is not for templates")
        if operator == "*" and not (_is_modest(left) and _is_modest(right)):
            raise SecurityError("only numbers are multiplied")
        return super().call_binop(context, operator, left, right)

    def wrap_str_format(self, value: Any) -> None:
        """No way around :meth:`is_safe_attribute` for ``format``."""

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        if attr in field_names(type(obj)):  # type: ignore[arg-type]  # every class is hashable
            return not attr.startswith("_")
        if isinstance(obj, str) and attr in _SWELLING:
            return False
        return super().is_safe_attribute(obj, attr, value)


def _is_modest(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and -(10**15) < value < 10**15


_SWELLING = frozenset({"center", "expandtabs", "format", "format_map", "join", "ljust", "replace", "rjust", "zfill"})
"""Methods by which a short text becomes as long as one likes."""
_NOT_FILTERED = ("attr", "center", "format", "indent", "pprint", "random", "safe", "tojson", "wordwrap", "xmlattr")
"""Filters of Jinja that make texts as long as one likes, or markup of them."""


@functools.cache
def environment_of(folder: Path) -> Environment:
    """The sandbox in which the templates of a folder run."""
    environment = _Sandbox(
        loader=FileSystemLoader(_homes(folder)),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals = {"qr": _qr, "fail": _fail, "range": safe_range}
    for name in _NOT_FILTERED:
        del environment.filters[name]
    environment.filters |= {
        "money": _or_empty(format_money),
        "words_zh": _or_empty(in_words_zh),
        "words_en": _or_empty(in_words_en),
        "area": _or_empty(format_area),
        "number": _or_empty("{:,}".format),
        "date_zh": _or_empty(lambda day: format_date(day, "y年M月d日", locale="zh")),
        "date_en": _or_empty(lambda day: format_date(day, "d MMMM y", locale="en")),
    }
    return environment


def _or_empty(write: Callable[[Any], str]) -> Callable[[Any], str]:
    """A filter that leaves the place of a missing value empty."""

    def written(value: Any) -> Any:
        text = "" if value is None else write(value)
        return marked_text(text, value.path) if isinstance(value, Marked) else text

    return written


@pass_context
def _show(context: TemplateContext, value: Any) -> Any:
    """How each type prints when a template just writes it out."""
    if isinstance(value, (Markup, Undefined)):
        return value
    if value is None:
        return ""
    if isinstance(value, Bilingual):
        return _both(context["language"], _show(context, value.zh), _show(context, value.en))
    if isinstance(value, Marked) and (slots := context.get("slots")) is not None:
        return Slot.put(slots, _text(context, value.bare()), value.path)
    return _text(context, value)


def _text(context: TemplateContext, value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, bool):
        return _both(context["language"], *(("是", "Yes") if value else ("否", "No")))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def _clean(text: str) -> str:
    """``text`` with common spaces and no control characters; an apostrophe inside a Latin word is not the full-width Chinese quote."""
    if not text.isprintable():  # neither controls nor other spaces than the common one are
        text = text.translate(_CLEAN)
    return _APOSTROPHE.sub("'", text) if "’" in text else text


def _both(language: str, zh: str, en: str) -> Markup:
    zh, en = escape(zh), escape(en)
    if language == "both" and zh and en:
        return Markup(f'{zh} <span class="en">{en}</span>')  # noqa: S704 (both were escaped just now)
    return (en or zh) if language == "en" else (zh or en)


@pass_context
def _qr(context: TemplateContext, text: str) -> str:
    """A QR code for ``text`` as an SVG ``data:`` URI."""
    if isinstance(text, Marked) and (slots := context.get("slots")) is not None:
        return Slot.picture(slots, text.bare(), text.path)
    rows = code_rows(text)
    dark = "".join(
        f"M{start + 2} {number + 2}h{end - start}v1h-{end - start}z"
        for number, row in enumerate(rows)
        for start, end in (found.span() for found in _DARK.finditer(bytes(row)))
    )
    side = len(rows) + 4
    svg = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}"><path d="{dark}"/></svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode("ascii")


_DARK = re.compile(b"\x01+")


def code_rows(text: str) -> Sequence[Sequence[int]]:
    """The rows of a QR code for ``text``: 1 is dark. Of the mask patterns always the same: trying all takes eight times as long."""
    return tuple(segno.make(text, error="m", micro=False, mask=3, boost_error=False).matrix)


def _fail(message: str) -> typing.NoReturn:
    raise PaperError(message)


def _read_yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def template_version(folder: Path) -> str:
    """Twelve hex digits over all that shapes the paper: its own files and the shared ones, not the samples."""
    digest = hashlib.sha256()
    for home in reversed(_homes(folder)):
        for path in sorted(home.iterdir()):
            if path.suffix in {".html", ".css", ".py", ".yaml"} and path.name not in {"sample.yaml", "__init__.py"}:
                digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _homes(folder: Path) -> list[Path]:
    """Where the files of a paper lie, its own first."""
    return [home for home in (folder, folder.parent / "shared", BASE) if home.is_dir()]
