"""Which clauses of the service manual are kept by which tests, read from the tests' markers without running them."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import click
import yaml

ROOT = Path(__file__).resolve().parents[2]


class UnknownClause(click.ClickException):
    """A test claims to keep a clause that the manual does not have."""


def clauses(path: Path = ROOT / "docs" / "service-clauses.yaml") -> dict[str, dict[str, str]]:
    """The manual: clause id → its text in ``zh`` and ``en`` and its ``clock``, in the order of the manual."""
    found: dict[str, dict[str, str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def coverage(manual: Iterable[str], tests: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Every clause of ``manual`` with the node ids of the tests marked ``@pytest.mark.clause("<id>")``.

    Raises:
        UnknownClause: a marker names a clause that the manual lacks, or something other than plain texts.
    """
    found: dict[str, list[str]] = {clause: [] for clause in manual}
    for path in sorted(tests.rglob("test_*.py")):
        where = path.relative_to(tests.parent).as_posix()
        for clause, test in _marked(ast.parse(path.read_text(encoding="utf-8"), str(path)), where):
            if clause not in found:
                raise UnknownClause(f"{test} is marked with clause {clause}, which the manual does not have.")
            found[clause].append(test)
    return found


def report(*, as_json: bool = False) -> str:
    """The coverage table, or ``{clause: [tests]}`` as JSON."""
    manual = clauses()
    found = coverage(manual)
    if as_json:
        return json.dumps(found, indent=2)
    covered = sum(1 for tests in found.values() if tests)
    lines = [
        f"{clause:<6} {f'{len(tests):>3} tests' if tests else '        –'}  {_cut(manual[clause]['zh'], 44)}  "
        f"{_cut(manual[clause]['en'], 80).rstrip()}"
        for clause, tests in found.items()
    ]
    return "\n".join([*lines, f"{covered} of {len(found)} clauses covered."])


def _marked(module: ast.Module, where: str) -> Iterator[tuple[str, str]]:
    """Pairs of clause id and test of one module; marks of the module and of a class hold for their tests."""
    own = [
        mark
        for line in module.body
        if isinstance(line, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "pytestmark" for t in line.targets)
        for mark in (line.value.elts if isinstance(line.value, ast.List | ast.Tuple) else [line.value])
    ]
    yield from _tests(module.body, where, _ids(own, where))


def _tests(body: list[ast.stmt], where: str, outer: list[str]) -> Iterator[tuple[str, str]]:
    for item in body:
        if isinstance(item, ast.ClassDef) and item.name.startswith("Test"):
            here = f"{where}::{item.name}"
            yield from _tests(item.body, here, outer + _ids(item.decorator_list, here))
        elif isinstance(item, ast.FunctionDef) and item.name.startswith("test"):
            here = f"{where}::{item.name}"
            for clause in dict.fromkeys(outer + _ids(item.decorator_list, here)):
                yield clause, here


def _ids(marks: Iterable[ast.expr], where: str) -> list[str]:
    ids: list[str] = []
    for mark in marks:
        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "clause":
            for argument in mark.args:
                if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
                    raise UnknownClause(f"{where}: a clause marker takes plain texts.")
                ids.append(argument.value)
    return ids


def _cut(text: str, width: int) -> str:
    """``text`` cut or filled to ``width`` columns of a terminal, in which Chinese characters take two."""
    shown = ""
    for sign in text:
        if _columns(shown + sign) > width - 1 and _columns(text) > width:
            shown += "…"
            break
        shown += sign
    return shown + " " * (width - _columns(shown))


def _columns(text: Any) -> int:
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)
