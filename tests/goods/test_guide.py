"""``docs/add-a-module.md`` shows the module as it is, and the module is as short as it says."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULE = ROOT / "app" / "modules" / "goods"
GUIDE = (ROOT / "docs" / "add-a-module.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```\w+ (\S+)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
MOST_LINES = 150


def test_every_quoted_block_stands_in_its_file():
    assert BLOCKS
    for path, text in BLOCKS:
        assert text in (ROOT / path).read_text(encoding="utf-8"), f"{path} has changed: bring the guide up to date"


def test_the_guide_shows_every_file_of_the_module_whole():
    shown = dict(BLOCKS)
    for file in sorted(MODULE.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts and file.name != "sample.yaml":
            assert shown.get(file.relative_to(ROOT).as_posix()) == file.read_text(encoding="utf-8"), file


def test_the_module_stays_short():
    """Every line of Python that is not blank counts: imports, docstrings and comments too."""
    lines = [
        line for file in MODULE.rglob("*.py") for line in file.read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    assert len(lines) <= MOST_LINES


def test_every_step_is_told_in_both_languages():
    prose = re.sub(r"^```.*?^```$", "", GUIDE, flags=re.MULTILINE | re.DOTALL)
    told = [p for p in prose.split("\n\n") if p.strip() and not p.startswith(("#", "|"))]
    chinese = [bool(re.search(r"[\u4e00-\u9fff]{4}", paragraph)) for paragraph in told]
    assert chinese == [True, False] * (len(told) // 2)
