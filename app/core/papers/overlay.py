"""Filling laid-out sheets: the values of a document drawn into the slots of its form's skeleton.

Papers printed in numbers go this way. A form is laid out twice by WeasyPrint – the first document in full, the second
time with its values taken out – and every further document of the same structure costs only the drawing of its values
and QR codes. What does not fit (a value too long for its line, a sign our fonts lack, another number of rows) is
rendered in full by itself. Overlaid text is untagged; papers that must be tagged go through the full render.
"""

from __future__ import annotations

import functools
import hashlib
import io
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pikepdf
from pikepdf import Array

from app.core.papers.faces import Fonts, compressed, ems, is_drawable
from app.core.papers.render import PaperMeta
from app.core.papers.renderer import renderer
from app.core.papers.sheet import Line, Picture, Piece, Skeleton
from app.core.papers.slots import Slot, structure
from app.core.papers.template import PaperTemplate, code_rows

SLACK = 1.0
"""Points that a value on one line leaves free at least: kerning may widen it, which the overlay does not know."""
KEPT_FORMS = 64
KEPT_SHEETS = 32
QUIET_ZONE = 2
CJK = 0x2E80


@dataclass
class _Form:
    """What was learned about documents of one structure.

    ``sheets``: skeletons by what their layout depends on; ``None`` where one was met once, ``False`` where none can be.
    """

    first: Press | None = None
    sheets: OrderedDict[tuple[Any, ...], Press | Literal[False] | None] = field(default_factory=OrderedDict)
    hopeless: bool = False


class Filler:
    """Renders papers, faster from the third document of a structure on. One per process; not for several threads."""

    def __init__(self) -> None:
        self._forms: OrderedDict[bytes, _Form] = OrderedDict()
        self.overlaid = self.rendered = 0

    def render(self, template: PaperTemplate, context: Any) -> bytes:
        """The paper as PDF bytes: by overlay when its sheet is known and everything fits, otherwise in full.

        Raises as :meth:`PaperTemplate.render`.
        """
        marked, slots = template.marked_html(context)
        press = self._press(template, context.header, marked, slots)
        if press is None or not fits(press.sheet, slots):
            self.rendered += 1
            return template.render(context)
        self.overlaid += 1
        return press.fill(slots, template.about(context.header))

    def _press(self, template: PaperTemplate, header: Any, marked: str, slots: list[Slot]) -> Press | None:
        language = header.language
        name = hashlib.sha256(
            "\0".join((template.template_version, str(template.folder), language, structure(marked, slots))).encode()
        ).digest()
        form = self._forms.get(name)
        if form is None:  # the first of its kind may stay the only one
            _keep(self._forms, name, _Form(), KEPT_FORMS)
            return None
        self._forms.move_to_end(name)
        if form.hopeless:
            return None
        if form.first is None:
            form.first = self._compile(template, header, marked, slots)
            form.hopeless = form.first is None
            if form.first is not None:
                form.sheets[_shape(form.first.sheet, slots)] = form.first
            return form.first
        shape = _shape(form.first.sheet, slots)
        if shape not in form.sheets:
            _keep(form.sheets, shape, None, KEPT_SHEETS)
            return None
        form.sheets.move_to_end(shape)
        if form.sheets[shape] is None:
            form.sheets[shape] = self._compile(template, header, marked, slots) or False
        return form.sheets[shape] or None

    def _compile(self, template: PaperTemplate, header: Any, marked: str, slots: list[Slot]) -> Press | None:
        told, pdf = renderer().ask(
            "skeleton", marked, slots, template.sheets, header.language, template.about(header)
        )  # fmt: skip
        return Press(Skeleton.heard(told, pdf)) if told else None


@functools.cache
def filler() -> Filler:
    """The process's filler, with all it has learned."""
    return Filler()


def _keep(store: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    store[key] = value
    while len(store) > most:
        store.popitem(last=False)


def _shape(first: Skeleton, slots: Sequence[Slot]) -> tuple[Any, ...]:
    """What of a document's values the layout depends on.

    Texts that fill several lines, or would; the widths of those that something else follows.
    """
    texts = [slot.text for slot in slots]
    short = {number for line in first.folded if _on_one_line(line, texts) for number in line.slots}
    wide = {number for line in first.lines if not _on_one_line(line, texts) for number in line.slots}
    within = {piece.slot: piece for line in first.lines if line.room is None for piece in line.pieces}
    return (
        *((number, texts[number]) for number in sorted((first.fixed - short) | wide)),
        *(
            (number, round(width(texts[number], piece), 1), _is_cjk(texts[number]))
            for number, piece in sorted(within.items())
            if number is not None and number not in short
        ),
    )


def _on_one_line(line: Line, texts: Sequence[str]) -> bool:
    return line.room is None or line_width(line, texts) <= line.room - SLACK


def _is_cjk(text: str) -> bool:
    return any(ord(sign) >= CJK for sign in text)


def fits(sheet: Skeleton, slots: Sequence[Slot]) -> bool:
    """Every value to be drawn is one line of signs that our fonts have."""
    texts = [slot.text for slot in slots]
    return all(is_drawable(_text_of(piece, texts), piece.bold) for line in sheet.lines for piece in line.pieces)


class Press:
    """A skeleton made ready to be filled again and again."""

    def __init__(self, sheet: Skeleton) -> None:
        self.sheet = sheet
        pages = range(len(sheet.sizes))
        self.lines = [[line for line in sheet.lines if line.page == number] for number in pages]
        self.pictures = [[picture for picture in sheet.pictures if picture.page == number] for number in pages]

    def fill(self, slots: Sequence[Slot], about: PaperMeta) -> bytes:
        """The skeleton's pages with the values drawn over them; the same values give the same bytes."""
        fonts, texts = Fonts(), [slot.text for slot in slots]
        with pikepdf.open(
            io.BytesIO(self.sheet.pdf)
        ) as pdf:  # a PDF kept open would keep the objects of every document
            before = pdf.make_stream(b"q\n")
            for page, (_width, height), lines, pictures in zip(
                pdf.pages, self.sheet.sizes, self.lines, self.pictures, strict=True
            ):
                drawn = ["Q q", *(_drawn(fonts, line, height, texts) for line in lines)]
                drawn += [_code(picture, height, texts[picture.slot]) for picture in pictures]
                values = compressed(pdf, "\n".join([*drawn, "Q"]).encode())
                page.obj.Contents = Array([before, page.obj.Contents, values])
            named = fonts.embed(pdf)
            for page in pdf.pages:
                for name, font in named.items():
                    page.obj.Resources.Font[name] = font
            _say(pdf, about)
            out = io.BytesIO()
            pdf.save(
                out,
                deterministic_id=True,
                object_stream_mode=pikepdf.ObjectStreamMode.generate,
                fix_metadata_version=False,
            )
        return out.getvalue()


def _say(pdf: pikepdf.Pdf, about: PaperMeta) -> None:
    said = {"/Title": about.title, "/Subject": about.number}
    if about.issued_on:
        said["/CreationDate"] = said["/ModDate"] = f"D:{about.issued_on:%Y%m%d}"
    for name, value in said.items():
        if value:
            pdf.docinfo[name] = value
        elif name in pdf.docinfo:
            del pdf.docinfo[name]


def _drawn(fonts: Fonts, line: Line, height: float, texts: Sequence[str]) -> str:
    """The pieces of a line, one after the other."""
    x, written = line.x, []
    if line.room is not None and line.align != "left":
        free = line.room - line_width(line, texts)
        x += free if line.align == "right" else free / 2
    for piece in line.pieces:
        text = _text_of(piece, texts)
        red, green, blue = piece.colour
        spacing, wide = piece.spacing, width(text, piece)
        if piece.slot is None and piece.width:  # a fixed text keeps the width that kerning gave it
            spacing, wide = spacing + (piece.width - wide) / len(text), piece.width
        x += piece.gap
        shown = fonts.show(text, bold=piece.bold, size=piece.size)
        written.append(
            f"BT {red:.4g} {green:.4g} {blue:.4g} rg {spacing:.4f} Tc "
            f"1 0 0 1 {x:.3f} {height - piece.baseline:.3f} Tm {shown} ET"
        )
        x += wide
    return "\n".join(written)


def _text_of(piece: Piece, texts: Sequence[str]) -> str:
    return piece.text if piece.slot is None else texts[piece.slot]


def _code(picture: Picture, height: float, text: str) -> str:
    """The dark squares of a QR code, those side by side as one, counted in squares from the upper left one."""
    rows = code_rows(text)
    step = picture.side / (len(rows) + 2 * QUIET_ZONE)
    x, y = picture.x + QUIET_ZONE * step, height - picture.top - QUIET_ZONE * step
    drawn = [f"q 0 g {step:.5f} 0 0 {-step:.5f} {x:.3f} {y:.3f} cm"]
    for row, line in enumerate(rows):
        for dark in _DARK.finditer(bytes(line)):
            start, end = dark.span()
            drawn.append(f"{start} {row} {end - start} 1 re")
    return "\n".join([*drawn, "f Q"])


_DARK = re.compile(b"\x01+")


def width(text: str, piece: Piece) -> float:
    """Points the text takes in the font of the piece, without kerning."""
    return ems(text, piece.bold) * piece.size + piece.spacing * len(text)


def line_width(line: Line, texts: Sequence[str]) -> float:
    """Points the pieces of a line take with these values."""
    return sum(
        piece.gap + (piece.width if piece.slot is None and piece.width else width(_text_of(piece, texts), piece))
        for piece in line.pieces
    )
