"""The gettext catalogue: collect, compile and check (zh is complete, placeholders agree)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import config

CATALOGUE = config.ROOT / "translations" / "zh" / "LC_MESSAGES" / "messages.po"


def update() -> str:
    """Extract all strings from code and templates, merge them into the Chinese catalogue, compile it."""
    template = _extract()
    _babel(
        "update", "-i", str(template), "-d", "translations", "-l", "zh",
        "--ignore-obsolete", "--no-fuzzy-matching", "--omit-header",
    )  # fmt: skip
    # The catalogue has no header, so that it holds no dates; Babel takes such a file for fuzzy as a whole.
    _babel("compile", "--use-fuzzy", "-d", "translations")
    return f"{len([m for m in _read() if m.id])} strings."


def check() -> list[str]:
    """Problems of the catalogue, one sentence each: missing, untranslated, or placeholders that differ."""
    with _extract().open("rb") as file:
        wanted = {_key(m) for m in read_po(file) if m.id}
    present = {_key(m): m for m in _read() if m.id}
    problems = [f"not in the catalogue: {key}" for key in sorted(wanted - present.keys())]
    for key, message in present.items():
        if key in wanted:
            texts = message.string if isinstance(message.string, tuple | list) else [message.string]
            if message.fuzzy or not all(texts):
                problems.append(f"untranslated: {key}")
            problems += [f"placeholder differs: {key}: {error}" for error in message.check()]
    return problems


def _key(message: object) -> str:
    found = message.id  # type: ignore[attr-defined]  # Babel is loosely typed
    return found[0] if isinstance(found, tuple | list) else found


def _read() -> Catalog:
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh")


def _extract() -> Path:
    target = config.ROOT / "translations" / "messages.pot"
    _babel(
        "extract", "-F", "translations/babel.cfg", "-k", "_l", "-k", "lazy_gettext",
        "--omit-header", "--no-location", "--sort-output", "-o", str(target), "app", "config.py",
    )  # fmt: skip
    return target


def _babel(*arguments: str) -> None:
    command = [sys.executable, "-m", "babel.messages.frontend", *arguments]
    subprocess.run(command, cwd=config.ROOT, check=True, capture_output=True)  # noqa: S603 (fixed arguments)
