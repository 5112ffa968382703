"""Make the four fonts that papers are printed with, from Noto Sans SC as `npm ci` lays it into node_modules.

Per weight (400 and 700) there are two files and two families:

* ``Doc Sans``: GB 2312, Latin with its accents, Vietnamese, punctuation and the marks that forms use. About 2.5 MB,
  so that laying out a paper stays fast.
* ``Doc Sans Ext``: every character of Noto Sans SC, for the rare ones in names (喆 堃 镕). Style sheets name it
  second.

Noto Sans SC lacks most accented Latin letters of owners' names (Ł ő ş). Both families get them from Source Sans 3,
whose plain letters are the very shapes that Noto Sans SC shows a ninth larger.

A family and weight must be exactly one file, and no family may share its name with an installed one: otherwise the
layout engine takes glyph numbers from one file and outlines from the other, silently. Hence the new names.

Usage: python scripts/build_fonts.py [--check]      (--check: only compare what is there with what would be built)
"""

from __future__ import annotations

import argparse
import hashlib
import io
import shutil
import sys
from pathlib import Path

from fontTools import subset
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "node_modules/@expo-google-fonts"
TARGET = ROOT / "app/static/fonts"
STYLES = {400: "Regular", 700: "Bold"}
# What a form must never lose: tick marks, currency, units, numbered rows.
MARKS = "√×✓¥￥€£℃°㎡m²m³№※●○◎◆◇□■△▲▽▼★☆→←↑↓…—–•·①②③④⑤⑥⑦⑧⑨⑩"


def latin_characters() -> set[int]:
    """Code points of Latin with all its accents, composed and (for Vietnamese tones) combining."""
    points = set(range(0x20, 0x7F)) | set(range(0xA0, 0x250))  # Latin, Latin-1, Latin Extended-A and -B
    return points | set(range(0x1E00, 0x1F00)) | {0x0300, 0x0301, 0x0303, 0x0309, 0x0323}


def document_characters() -> set[int]:
    """Code points of the small family. Those the source font lacks are dropped by the subsetter."""
    points = latin_characters()
    points |= set(range(0x2010, 0x2028)) | set(range(0x2030, 0x205F))  # dashes, quotes, per mille
    points |= set(range(0x3000, 0x3020)) | set(range(0xFF00, 0xFFF0))  # CJK punctuation, full-width forms
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            points.update(ord(c) for c in bytes((high, low)).decode("gb2312", errors="ignore"))
    points.update(ord(c) for c in MARKS)
    return points


def graft_latin(font: TTFont, donor: TTFont) -> None:
    """Draw into `font` the Latin letters it lacks, in the shapes of `donor` scaled to the height of its own letters."""
    have, theirs = font.getBestCmap(), donor.getBestCmap()
    scale = font["glyf"][have[ord("H")]].yMax / donor["glyf"][theirs[ord("H")]].yMax
    shapes = donor.getGlyphSet()
    added: dict[int, str] = {}
    for point in sorted((latin_characters() & theirs.keys()) - have.keys()):
        name = f"latin{point:04X}"
        recording, pen = DecomposingRecordingPen(shapes), TTGlyphPen(None)
        shapes[theirs[point]].draw(recording)
        recording.replay(TransformPen(pen, (scale, 0, 0, scale, 0, 0)))
        glyph = pen.glyph()
        font["glyf"][name] = glyph
        glyph.recalcBounds(font["glyf"])
        font["hmtx"][name] = (round(shapes[theirs[point]].width * scale), glyph.xMin if glyph.numberOfContours else 0)
        if "vmtx" in font:
            font["vmtx"][name] = (font["head"].unitsPerEm, 0)
        added[point] = name
    font.setGlyphOrder(font["glyf"].glyphOrder)
    for table in font["cmap"].tables:
        if table.isUnicode() and table.format in (4, 12):
            table.cmap.update(added)


def rename(font: TTFont, family: str, style: str) -> None:
    """Give `font` its own family in every name record; copyright and licence records stay."""
    names = font["name"]
    names.names = [n for n in names.names if n.nameID in (0, 5, 7, 8, 9, 11, 13, 14) and n.platformID == 3]
    full = family if style == "Regular" else f"{family} {style}"
    postscript = f"{family.replace(' ', '')}-{style}"
    for name_id, text in {1: family, 2: style, 3: f"{postscript};guanjia", 4: full, 6: postscript}.items():
        names.setName(text, name_id, 3, 1, 0x409)


def build(weight: int, small: bool) -> bytes:
    """The bytes of one font file; the same source and fontTools version give the same bytes."""
    style = STYLES[weight]
    font = TTFont(SOURCE / f"noto-sans-sc/{weight}{style}/NotoSansSC_{weight}{style}.ttf", recalcTimestamp=False)
    donor = TTFont(SOURCE / f"source-sans-3/{weight}{style}/SourceSans3_{weight}{style}.ttf")
    graft_latin(font, donor)
    if small:
        options = subset.Options(hinting=False, name_IDs=["*"], notdef_outline=True)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=document_characters())
        subsetter.subset(font)
    rename(font, "Doc Sans" if small else "Doc Sans Ext", style)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file differs")
    check = parser.parse_args().check
    if not SOURCE.is_dir():
        print(f"{SOURCE} is missing: run `npm ci` first (or `make assets`, which does).", file=sys.stderr)
        return 1
    TARGET.mkdir(parents=True, exist_ok=True)
    different = 0
    for weight in STYLES:
        for small in (True, False):
            name = f"doc-sans-{'' if small else 'ext-'}{weight}.ttf"
            data, file = build(weight, small), TARGET / name
            same = file.exists() and hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(data).digest()
            different += not same
            print(f"{name}: {len(data):,} bytes, {'as it was' if same else 'differs' if check else 'written'}")
            if not same and not check:
                file.write_bytes(data)
    if not check:
        for source, licence in (("noto-sans-sc", "OFL.txt"), ("source-sans-3", "OFL-latin-accents.txt")):
            shutil.copyfile(SOURCE / source / "LICENSE_FONT", TARGET / licence)
    return 1 if check and different else 0


if __name__ == "__main__":
    raise SystemExit(main())
