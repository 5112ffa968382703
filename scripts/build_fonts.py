"""Make the four fonts that papers are printed with, from Noto Sans SC as `npm ci` lays it into node_modules.

Per weight (400 and 700) there are two files and two families:

* ``Doc Sans``: GB 2312, Latin with its accents, Vietnamese, punctuation and the marks that forms use. About 2.5 MB,
  so that laying out a paper stays fast.
* ``Doc Sans Ext``: every character of Noto Sans SC, for the rare ones in names (喆 堃 镕). Style sheets name it second.

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
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "node_modules/@expo-google-fonts/noto-sans-sc"
TARGET = ROOT / "app/static/fonts"
WEIGHTS = {
    400: ("400Regular/NotoSansSC_400Regular.ttf", "Regular"),
    700: ("700Bold/NotoSansSC_700Bold.ttf", "Bold"),
}
# What a form must never lose: tick marks, currency, units, numbered rows.
MARKS = "√×✓¥￥€£℃°㎡m²m³№※●○◎◆◇□■△▲▽▼★☆→←↑↓…—–•·①②③④⑤⑥⑦⑧⑨⑩"


def document_characters() -> set[int]:
    """Code points of the small family. Those the source font lacks are dropped by the subsetter."""
    points = set(range(0x20, 0x7F)) | set(range(0xA0, 0x250))  # Latin, Latin-1, Latin Extended-A and -B
    points |= set(range(0x1E00, 0x1F00))  # Latin Extended Additional: Vietnamese
    points |= {0x0300, 0x0301, 0x0303, 0x0309, 0x0323}  # combining tone marks of decomposed Vietnamese
    points |= set(range(0x2010, 0x2028)) | set(range(0x2030, 0x205F))  # dashes, quotes, per mille
    points |= set(range(0x3000, 0x3020)) | set(range(0xFF00, 0xFFF0))  # CJK punctuation, full-width forms
    for high in range(0xA1, 0xF8):
        for low in range(0xA1, 0xFF):
            points.update(ord(c) for c in bytes((high, low)).decode("gb2312", errors="ignore"))
    points.update(ord(c) for c in MARKS)
    return points


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
    path, style = WEIGHTS[weight]
    font = TTFont(SOURCE / path, recalcTimestamp=False)
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
    for weight in WEIGHTS:
        for small in (True, False):
            name = f"doc-sans-{'' if small else 'ext-'}{weight}.ttf"
            data, file = build(weight, small), TARGET / name
            same = file.exists() and hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(data).digest()
            different += not same
            print(f"{name}: {len(data):,} bytes, {'as it was' if same else 'differs' if check else 'written'}")
            if not same and not check:
                file.write_bytes(data)
    if not check:
        shutil.copyfile(SOURCE / "LICENSE_FONT", TARGET / "OFL.txt")
    return 1 if check and different else 0


if __name__ == "__main__":
    raise SystemExit(main())
