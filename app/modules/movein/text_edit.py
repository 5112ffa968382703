"""The editor of standing texts without a script of its own: the form carries the whole text, every button changes it.

Inputs are named after their place (``sections.2.paragraphs.0.zh``); the order in the form counts, not the numbers.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from app.core.papers.base.context import Bilingual
from app.modules.movein.standing import StandingText

EMPTY: dict[str, Any] = {"zh": "", "en": ""}


def read_form(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The text (shape of ``dataclasses.asdict``) from the names and values of a form."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        *way, last = name.split(".")
        if len(way) > 8:
            continue
        place = tree
        for step in way:
            below = place.setdefault(step, {})
            if not isinstance(below, dict):
                below = place[step] = {}
            place = below
        place[last] = value.replace("\r\n", " ")
    text: dict[str, Any] = _listed(tree)
    for section in text.get("sections") or []:
        if isinstance(section, dict):
            section["numbered"] = section.get("numbered") == "yes"
            section.setdefault("paragraphs", [])
    return text


def _listed(value: Any) -> Any:
    """Mappings whose keys are all numbers are lists."""
    if not isinstance(value, dict):
        return value
    if value and all(key.isdigit() for key in value):
        return [_listed(one) for one in value.values()]
    return {key: _listed(one) for key, one in value.items()}


def change(text: dict[str, Any], command: str) -> None:
    """Carry out a button: ``up``, ``down``, ``remove``, ``paragraph``, ``table``, ``row``, ``column``, ``narrow`` or ``section``
    with the place after a colon. What does not fit the text changes nothing."""  # fmt: skip
    name, _colon, path = command.partition(":")
    if name == "section":
        text.setdefault("sections", []).append({"heading": dict(EMPTY), "paragraphs": [dict(EMPTY)], "numbered": True})
        return
    way = path.split(".")
    owner, target = _find(text, way[:-1]), _find(text, way)
    if name in ("up", "down", "remove") and isinstance(owner, list) and way[-1].isdigit() and int(way[-1]) < len(owner):
        here = int(way[-1])
        if name == "remove":
            del owner[here]
        elif 0 <= (there := here + (1 if name == "down" else -1)) < len(owner):
            owner[here], owner[there] = owner[there], owner[here]
    elif name == "remove" and way[-1] == "table" and isinstance(owner, dict):
        owner["table"] = None
    elif name == "paragraph" and isinstance(target, dict):
        target.setdefault("paragraphs", []).append(dict(EMPTY))
    elif name == "table" and isinstance(target, dict):
        target["table"] = {"columns": [dict(EMPTY), dict(EMPTY)], "rows": [[dict(EMPTY), dict(EMPTY)]]}
    elif isinstance(target, dict) and isinstance(target.get("columns"), list) and isinstance(target.get("rows"), list):
        _change_table(name, target)


def _change_table(name: str, table: dict[str, Any]) -> None:
    if name == "row":
        table["rows"].append([dict(EMPTY) for _column in table["columns"]])
    elif name == "column":
        for line in (table["columns"], *table["rows"]):
            line.append(dict(EMPTY))
    elif name == "narrow" and len(table["columns"]) > 1:
        for line in (table["columns"], *table["rows"]):
            del line[-1]


def _find(value: Any, way: list[str]) -> Any:
    for step in way:
        if isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def lines_of(text: StandingText, language: str) -> list[str]:
    """The text in one language, a line for each heading, paragraph and table row."""

    def said(piece: Bilingual) -> str:
        return str(getattr(piece, language))

    lines = [said(text.title), said(text.intro)]
    for section in text.sections:
        lines.append(said(section.heading))
        lines += [said(paragraph) for paragraph in section.paragraphs]
        if section.table:
            lines.append(" | ".join(said(column) for column in section.table.columns))
            lines += [" | ".join(said(cell) for cell in row) for row in section.table.rows]
    return [*lines, said(text.closing), *(said(signer.role) for signer in text.signatures)]


def differences(old: StandingText, new: StandingText, language: str) -> list[tuple[str, str]]:
    """Lines that went (``-``), came (``+``) or stayed around them (a blank), in order."""
    found = difflib.unified_diff(lines_of(old, language), lines_of(new, language), lineterm="", n=1)
    return [(line[0], line[1:]) for line in list(found)[2:] if not line.startswith("@@")]
