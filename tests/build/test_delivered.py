"""What the repository delivers ready-made: lock files, front-end libraries, icons and document fonts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "app/static"
FONTS = STATIC / "fonts"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "assets/node.txt"])
def test_every_locked_package_has_a_hash_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text()
    blocks = re.split(r"\n(?=[a-z0-9])", text)[1:]
    assert blocks
    assert [b.split()[0] for b in blocks if "==" not in b.split()[0] or "--hash=sha256:" not in b] == []
    assert "://" not in text


def test_npm_lock_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert all("integrity" in entry for entry in packages.values())
    assert not any("resolved" in entry for entry in packages.values())


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    sheets = list(STATIC.rglob("*.css"))
    assert sheets
    remote = re.compile(r"url\(\s*[\"']?(?:https?:)?//|@import\s+(?:url\()?[\"']?(?:https?:)?//", re.IGNORECASE)
    assert [str(s) for s in sheets if remote.search(s.read_text())] == []


def test_every_icon_that_code_names_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "vendor/icons.svg").read_text()))
    assert sprite == {n for n in (ROOT / "assets/icons.txt").read_text().split("\n") if n and not n.startswith("#")}
    named: dict[str, str] = {}
    for file in [*(ROOT / "app").rglob("*.py"), *(ROOT / "app").rglob("*.html")]:
        for name in re.findall(r"""\bicon(?:: str)?\s*=\s*["']([a-z][a-z0-9-]+)["']""", file.read_text()) + re.findall(
            r"""(?:\bicon\(\s*["']|icons\.svg#)([a-z][a-z0-9-]+)""", file.read_text()
        ):
            named[name] = str(file.relative_to(ROOT))
    assert {name: file for name, file in named.items() if name not in sprite} == {}


@pytest.mark.parametrize("weight", [400, 700])
def test_document_fonts_have_their_own_names_and_the_right_weight(weight: int) -> None:
    for file, family in ((f"doc-sans-{weight}.ttf", "Doc Sans"), (f"doc-sans-ext-{weight}.ttf", "Doc Sans Ext")):
        font = TTFont(FONTS / file)
        assert font["OS/2"].usWeightClass == weight
        assert {n.toUnicode() for n in font["name"].names if n.nameID in (1, 16)} == {family}


@pytest.mark.parametrize("weight", [400, 700])
def test_document_fonts_print_what_forms_and_names_need(weight: int) -> None:
    small = TTFont(FONTS / f"doc-sans-{weight}.ttf").getBestCmap()
    full = TTFont(FONTS / f"doc-sans-ext-{weight}.ttf").getBestCmap()
    gb2312 = {
        bytes((high, low)).decode("gb2312", "ignore") for high in range(0xB0, 0xF8) for low in range(0xA1, 0xFF)
    } - {""}
    assert len(gb2312) == 6763
    everyday = gb2312 | set("√×✓¥￥㎡℃①⑩“”‘’—…·、。《》【】（）１２") | set("Nguyễn Thị Hữu façade Łőşčžß")
    assert sorted(c for c in everyday if ord(c) not in small) == []
    assert sorted(c for c in everyday | set("喆堃镕淼垚燚玥珺") if ord(c) not in full) == []
