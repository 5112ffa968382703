"""Our font files as PDF fonts: how wide a sign is, which file has it, and a font of just the signs that are drawn."""

from __future__ import annotations

import functools
import itertools
import mmap
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pikepdf
from fontTools.ttLib import TTFont
from pikepdf import Dictionary, Name, Object

from app.core.papers.render import FONT_DIR, FONTS

FAMILIES = ("Doc Sans", "Doc Sans Ext")
COMPRESSION = 3
"""Half the time of the usual level for a file two hundredths larger."""


class Face:
    """One TrueType file of outlines without composite glyphs and of 1,000 units to the em, as all of ours are."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        with path.open("rb") as file:
            self._file = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        count = struct.unpack_from(">H", self._file, 4)[0]
        self._tables = {}
        for record in range(count):
            tag, _sum, offset, length = struct.unpack_from(">4sIII", self._file, 12 + 16 * record)
            self._tables[tag] = (offset, length)
        glyphs = struct.unpack_from(">H", self._table(b"maxp"), 4)[0]
        self._places = struct.unpack(f">{glyphs + 1}I", self._table(b"loca"))
        self._metrics = struct.unpack(f">{'Hh' * glyphs}", self._table(b"hmtx"))
        self._glyphs = self._tables[b"glyf"][0]
        self._outlines: dict[int, tuple[bytes, int]] = {}
        with TTFont(path, lazy=True) as font:
            self.glyph_of = {code: font.getGlyphID(glyph) for code, glyph in font.getBestCmap().items()}

    def _table(self, tag: bytes) -> bytes:
        offset, length = self._tables[tag]
        return self._file[offset : offset + length]

    def advance(self, glyph: int) -> int:
        """Width in thousandths of the em."""
        return self._metrics[2 * glyph]

    def subset(self, glyphs: Sequence[int]) -> bytes:
        """A TrueType file of these glyphs, numbered anew in this order."""
        outlines = [self._outline(glyph) for glyph in glyphs]
        places = [0, *itertools.accumulate(len(outline) for outline, _sum in outlines)]
        head, hhea, maxp = (
            bytearray(self._table(b"head")),
            bytearray(self._table(b"hhea")),
            bytearray(self._table(b"maxp")),
        )
        head[8:12], head[50:52] = b"\0" * 4, b"\0\1"
        hhea[34:36] = maxp[4:6] = struct.pack(">H", len(glyphs))
        metrics = [number for glyph in glyphs for number in self._metrics[2 * glyph : 2 * glyph + 2]]
        tables = {
            b"glyf": b"".join([outline for outline, _sum in outlines]),
            b"head": bytes(head),
            b"hhea": bytes(hhea),
            b"hmtx": struct.pack(f">{'Hh' * len(glyphs)}", *metrics),
            b"loca": struct.pack(f">{len(places)}I", *places),
            b"maxp": bytes(maxp),
        }
        power = len(tables).bit_length() - 1
        directory = struct.pack(
            ">4sHHHH", b"\0\1\0\0", len(tables), 16 << power, power, 16 * (len(tables) - (1 << power))
        )
        body, offset = b"", 12 + 16 * len(tables)
        for tag, table in tables.items():
            padded = _padded(table)
            total = sum(part for _outline, part in outlines) if tag == b"glyf" else _sum_of(padded)
            directory += struct.pack(">4sIII", tag, total & 0xFFFFFFFF, offset + len(body), len(table))
            body += padded
        return directory + body

    def _outline(self, glyph: int) -> tuple[bytes, int]:
        """What the ``glyf`` table says of a glyph, and its sum; kept, for most signs stand on every paper."""
        found = self._outlines.get(glyph)
        if found is None:
            start, end = self._places[glyph], self._places[glyph + 1]
            outline = _padded(self._file[self._glyphs + start : self._glyphs + end])
            found = self._outlines[glyph] = (outline, _sum_of(outline))
        return found


def _padded(table: bytes) -> bytes:
    return table + b"\0" * (-len(table) % 4)


def _sum_of(padded: bytes) -> int:
    """The sum of a table as TrueType files state it, but for what is above 32 bits."""
    return sum(struct.unpack(f">{len(padded) // 4}I", padded))


@functools.cache
def face(family: str, bold: bool) -> Face:
    """The face of a family; read once per process."""
    file = FONTS[family, 700 if bold else 400]
    return Face(f"{family.replace(' ', '')}-{'Bold' if bold else 'Regular'}", FONT_DIR / file)


@functools.cache
def face_of(sign: str, bold: bool) -> Face | None:
    """The first of our faces that has the sign; nothing when none has."""
    return next((face(family, bold) for family in FAMILIES if ord(sign) in face(family, bold).glyph_of), None)


@functools.cache
def advance(sign: str, bold: bool) -> float:
    """Width of a sign in ems; a sign no font has counts a full em."""
    found = face_of(sign, bold)
    return found.advance(found.glyph_of[ord(sign)]) / 1000 if found else 1.0


@functools.lru_cache(maxsize=20_000)
def ems(text: str, bold: bool) -> float:
    """Width of a text in ems, without kerning. Most texts of a paper are the same in all papers of its form."""
    return sum(advance(sign, bold) for sign in text)


@functools.lru_cache(maxsize=20_000)
def is_drawable(text: str, bold: bool) -> bool:
    """Whether the text is one line of signs that our fonts have."""
    return "\n" not in text and "  " not in text.strip() and all(face_of(sign, bold) for sign in text)


@functools.lru_cache(maxsize=20_000)
def _runs(text: str, bold: bool) -> tuple[tuple[Face, str], ...]:
    """The text in pieces of which each is in one face; signs that no face has are in the first one."""
    faces = itertools.groupby(text, lambda sign: face_of(sign, bold) or face(FAMILIES[0], bold))
    return tuple((found, "".join(signs)) for found, signs in faces)


def compressed(pdf: pikepdf.Pdf, data: bytes) -> pikepdf.Stream:
    """``data`` as a compressed stream of ``pdf``."""
    return pdf.make_stream(zlib.compress(data, COMPRESSION), Filter=Name.FlateDecode)


class _Codes(dict[int, str]):
    """Signs and their numbers in hexadecimal digits, given as they come; number 0 is the missing glyph."""

    def __missing__(self, sign: int) -> str:
        code = self[sign] = f"{len(self) + 1:04X}"
        return code


@dataclass
class Used:
    """The signs of one face that a document draws, numbered as they come."""

    face: Face
    codes: _Codes = field(default_factory=_Codes)

    def code(self, text: str) -> str:
        """The text as a PDF hexadecimal string."""
        return f"<{text.translate(self.codes)}>"

    def embed(self, pdf: pikepdf.Pdf) -> pikepdf.Object:
        """The font of these signs as an object of ``pdf``; the same signs in the same order give the same bytes."""
        glyphs = [self.face.glyph_of[sign] for sign in self.codes]
        widths = " ".join([str(self.face.advance(glyph)) for glyph in glyphs])
        name = Name(f"/{_tag(self.codes)}+{self.face.name}")
        descriptor = Dictionary(
            Type=Name.FontDescriptor, FontName=name, Flags=4, FontBBox=[0, -288, 1000, 1160], ItalicAngle=0, Ascent=1160,
            Descent=-288, CapHeight=1160, StemV=80, FontFile2=compressed(pdf, self.face.subset([0, *glyphs])),
        )  # fmt: skip
        descendant = Dictionary(
            Type=Name.Font, Subtype=Name.CIDFontType2, BaseFont=name, CIDToGIDMap=Name.Identity, DW=1000,
            CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=b"Identity", Supplement=0),
            FontDescriptor=pdf.make_indirect(descriptor), W=Object.parse(f"[1 [{widths}]]".encode()),
        )  # fmt: skip
        return pdf.make_indirect(
            Dictionary(
                Type=Name.Font, Subtype=Name.Type0, BaseFont=name, Encoding=Name("/Identity-H"),
                DescendantFonts=[pdf.make_indirect(descendant)], ToUnicode=compressed(pdf, _to_unicode(self.codes)),
            )
        )  # fmt: skip


class Fonts:
    """The fonts of one document in the making, by the names of their faces and an ending that sets them apart."""

    def __init__(self, ending: str = "") -> None:
        self.used: dict[str, Used] = {}
        self._ending = ending

    def show(self, text: str, *, bold: bool, size: float) -> str:
        """PDF operators that select the fonts and show the text where the pen stands."""
        return " ".join([self._run(found, run, size) for found, run in _runs(text, bold)])

    def _run(self, found: Face, text: str, size: float) -> str:
        name = found.name + self._ending
        used = self.used.get(name)
        if used is None:
            used = self.used[name] = Used(found)
        return f"/{name} {size:g} Tf {used.code(text)} Tj"

    def embed(self, pdf: pikepdf.Pdf) -> dict[str, pikepdf.Object]:
        """Name and object of every font used."""
        return {f"/{name}": used.embed(pdf) for name, used in self.used.items()}


def _tag(signs: Iterable[int]) -> str:
    """Six letters that two different subsets hardly share."""
    value, letters = sum(sign * (number * 31 + 7) for number, sign in enumerate(signs, 1)), ""
    for _ in range(6):
        value, letter = divmod(value, 26)
        letters += chr(65 + letter)
    return letters


def _to_unicode(numbered: Mapping[int, str]) -> bytes:
    codes = [f"<{code}> <{chr(sign).encode('utf-16-be').hex()}>" for sign, code in numbered.items()]
    blocks = [codes[at : at + 100] for at in range(0, len(codes), 100)]
    mapped = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CMapType 2 def\n/CMapName /Guanjia def\n"
        f"1 begincodespacerange\n<0000> <ffff>\nendcodespacerange\n{mapped}\nendcmap\nend\nend"
    ).encode()
