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
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pikepdf
import segno
from fontTools.ttLib import TTFont as Face
from pikepdf import Name
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from app.core.papers.render import FONT_DIR, FONTS
from app.core.papers.renderer import renderer
from app.core.papers.sheet import Picture, Place, Skeleton
from app.core.papers.slots import Slot, structure
from app.core.papers.template import PaperTemplate

SLACK = 1.0
"""Points that a value on one line leaves free at least: kerning may widen it, which the overlay does not know."""
KEPT_FORMS = 64
KEPT_SHEETS = 32
QUIET_ZONE = 2
CJK = 0x2E80


@dataclass
class _Form:
    """What was learned about documents of one structure. ``sheets``: skeletons by what their layout depends on."""

    first: Skeleton | None = None
    sheets: OrderedDict[tuple[Any, ...], Skeleton | None] = field(default_factory=OrderedDict)
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
        sheet = self._sheet(template, context.header, marked, slots)
        if sheet is None or not fits(sheet, slots):
            self.rendered += 1
            return template.render(context)
        self.overlaid += 1
        return fill(sheet, slots, template, context)

    def _sheet(self, template: PaperTemplate, header: Any, marked: str, slots: list[Slot]) -> Skeleton | None:
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
                form.sheets[_shape(form.first, slots)] = form.first
            return form.first
        shape = _shape(form.first, slots)
        if shape not in form.sheets:
            _keep(form.sheets, shape, None, KEPT_SHEETS)
            return None
        if form.sheets[shape] is None:
            form.sheets[shape] = self._compile(template, header, marked, slots)
        return form.sheets[shape]

    def _compile(self, template: PaperTemplate, header: Any, marked: str, slots: list[Slot]) -> Skeleton | None:
        told, pdf = renderer().ask(
            "skeleton", marked, slots, template.sheets, header.language, template.about(header)
        )  # fmt: skip
        return Skeleton.heard(told, pdf) if told else None


@functools.cache
def filler() -> Filler:
    """The process's filler, with all it has learned."""
    return Filler()


def _keep(store: OrderedDict[Any, Any], key: Any, value: Any, most: int) -> None:
    store[key] = value
    while len(store) > most:
        store.popitem(last=False)


def _shape(form: Skeleton, slots: Sequence[Slot]) -> tuple[Any, ...]:
    """What of a document's values the layout depends on.

    Texts that fill several lines, or would; the widths of those inside running text.
    """
    alone = {place.slot: place for place in form.alone}
    inside = {place.slot: place for place in form.places if not place.free}
    fixed = form.fixed - alone.keys()
    wide = {number for number, place in alone.items() if not _on_one_line(slots[number].text, place)}
    return (
        *((number, slots[number].text) for number in sorted(fixed | wide)),
        *(
            (number, round(width(slots[number].text, place), 1), _is_cjk(slots[number].text))
            for number, place in sorted(inside.items())
        ),
    )


def _on_one_line(text: str, place: Place) -> bool:
    return place.room is None or width(text, place) <= place.room - SLACK


def _is_cjk(text: str) -> bool:
    return any(ord(sign) >= CJK for sign in text)


def fits(sheet: Skeleton, slots: Sequence[Slot]) -> bool:
    """Every value to be drawn is one line of signs that our fonts have."""
    for place in sheet.places:
        text = slots[place.slot].text
        if "\n" in text or not all(_face_of(sign, place.bold) for sign in text):
            return False
    return True


def fill(sheet: Skeleton, slots: Sequence[Slot], template: PaperTemplate, context: Any) -> bytes:
    """The skeleton's pages with the values drawn over them; the same values give the same bytes."""
    with pikepdf.open(io.BytesIO(sheet.pdf)) as pdf, pikepdf.open(io.BytesIO(drawn(sheet, slots))) as values:
        for number, (page, over) in enumerate(zip(pdf.pages, values.pages, strict=True)):
            lay_over(pdf, page, over, number)
        about = template.about(context.header)
        pdf.docinfo["/Title"] = about.title
        if about.number:
            pdf.docinfo["/Subject"] = about.number
        if about.issued_on:
            pdf.docinfo["/CreationDate"] = pdf.docinfo["/ModDate"] = f"D:{about.issued_on:%Y%m%d}"
        out = io.BytesIO()
        pdf.save(out, deterministic_id=True, object_stream_mode=pikepdf.ObjectStreamMode.generate)
    return out.getvalue()


def lay_over(pdf: pikepdf.Pdf, page: pikepdf.Page, over: pikepdf.Page, number: int) -> None:
    """Draw ``over`` on top of ``page`` of ``pdf``; pages of one sheet share their resources, so each needs a name."""
    name = Name(f"/Values{number}")
    page.add_resource(pdf.copy_foreign(over.as_form_xobject()), Name.XObject, name)
    page.contents_add(b"q", prepend=True)
    page.contents_add(f"Q q {name} Do Q".encode())


def drawn(sheet: Skeleton, slots: Sequence[Slot]) -> bytes:
    """A PDF of the sheet's page sizes with nothing but the values on it."""
    _register_fonts()
    out = io.BytesIO()
    canvas = Canvas(
        out, pagesize=sheet.sizes[0], initialFontName=_name("Doc Sans", 400), invariant=1, pageCompression=1
    )
    for number, size in enumerate(sheet.sizes):
        canvas.setPageSize(size)
        for place in sheet.places:
            if place.page == number:
                _draw(canvas, place, size[1], place.before + slots[place.slot].text + place.after)
        for picture in sheet.pictures:
            if picture.page == number:
                _draw_code(canvas, picture, size[1], slots[picture.slot].text)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _draw(canvas: Canvas, place: Place, height: float, text: str) -> None:
    x = place.x
    if place.room is not None and place.align != "left":
        free = place.room - width(text, place)
        x += free if place.align == "right" else free / 2
    line = canvas.beginText(x, height - place.baseline)
    line.setFillColorRGB(*place.colour)
    if place.spacing:
        line.setCharSpace(place.spacing)
    for family, run in _runs(text, place.bold):
        line.setFont(_name(family, 700 if place.bold else 400), place.size)
        line.textOut(run)
    if place.spacing:
        line.setCharSpace(0)
    canvas.drawText(line)


def _draw_code(canvas: Canvas, picture: Picture, height: float, text: str) -> None:
    code = segno.make(text, error="m", micro=False)
    rows = [*code.matrix]
    step = picture.side / (len(rows) + 2 * QUIET_ZONE)
    path = canvas.beginPath()
    for row, line in enumerate(rows):
        y = height - picture.top - (row + 1 + QUIET_ZONE) * step
        start = None
        for column, dark in enumerate((*line, 0)):
            if dark and start is None:
                start = column
            elif not dark and start is not None:
                path.rect(picture.x + (start + QUIET_ZONE) * step, y, (column - start) * step, step)
                start = None
    canvas.setFillColorRGB(0, 0, 0)
    canvas.drawPath(path, stroke=0, fill=1)


# Fonts


def width(text: str, place: Place) -> float:
    """Points the text takes in the place's font, without kerning."""
    units = sum(_advance(sign, place.bold) for sign in text)
    return units * place.size + place.spacing * len(text)


@functools.cache
def _advance(sign: str, bold: bool) -> float:
    """Width of a sign in ems; a sign no font has counts a full em."""
    family = _face_of(sign, bold)
    return _faces()[family, bold][1].get(ord(sign), 1.0) if family else 1.0


@functools.cache
def _face_of(sign: str, bold: bool) -> str | None:
    return next((family for family in ("Doc Sans", "Doc Sans Ext") if ord(sign) in _faces()[family, bold][1]), None)


@functools.cache
def _faces() -> dict[tuple[str, bool], tuple[str, dict[int, float]]]:
    """Advance widths in ems of every sign, by family and boldness."""
    faces = {}
    for (family, weight), file in FONTS.items():
        with Face(FONT_DIR / file, lazy=True) as face:
            metrics, em = face["hmtx"].metrics, face["head"].unitsPerEm
            advances = {code: metrics[glyph][0] / em for code, glyph in face.getBestCmap().items()}
        faces[family, weight == 700] = (file, advances)
    return faces


def _runs(text: str, bold: bool) -> list[tuple[str, str]]:
    """``text`` cut where the font changes: (family, part)."""
    runs: list[tuple[str, str]] = []
    for sign in text:
        family = _face_of(sign, bold) or "Doc Sans"
        if runs and runs[-1][0] == family:
            runs[-1] = (family, runs[-1][1] + sign)
        else:
            runs.append((family, sign))
    return runs


def _name(family: str, weight: int) -> str:
    return f"{family.replace(' ', '')}-{weight}"


@functools.cache
def _register_fonts() -> None:
    for (family, weight), file in FONTS.items():
        pdfmetrics.registerFont(TTFont(_name(family, weight), str(FONT_DIR / file)))
