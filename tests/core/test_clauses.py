"""The clause report reads the markers of the tests and refuses clauses that do not exist."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.core.clauses import UnknownClause, clauses, coverage, report

TESTS = """
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.clause("MI-01")]


@pytest.mark.clause("MI-10", "MI-11")
def test_meter():
    pass


@pytest.mark.clause("MI-04")
class TestKeys:
    @pytest.mark.clause("MI-11")
    @pytest.mark.parametrize("n", [1, 2])
    def test_after_conclusion(self, n):
        pass

    def helper(self):
        pass
"""


def folder(tmp_path: Path, text: str) -> Path:
    tests = tmp_path / "tests" / "movein"
    tests.mkdir(parents=True)
    (tests / "test_case.py").write_text(text, encoding="utf-8")
    return tmp_path / "tests"


def test_marks_of_function_class_and_module_are_found(tmp_path: Path) -> None:
    found = coverage(["MI-01", "MI-04", "MI-10", "MI-11", "MI-12"], folder(tmp_path, TESTS))
    meter = "tests/movein/test_case.py::test_meter"
    keys = "tests/movein/test_case.py::TestKeys::test_after_conclusion"
    assert found == {"MI-01": [meter, keys], "MI-04": [keys], "MI-10": [meter], "MI-11": [meter, keys], "MI-12": []}


@pytest.mark.parametrize("argument", ['"MI-99"', "CLAUSE"])
def test_a_clause_that_does_not_exist_is_an_error(tmp_path: Path, argument: str) -> None:
    tests = folder(tmp_path, f"import pytest\n@pytest.mark.clause({argument})\ndef test_it(): pass\n")
    with pytest.raises(UnknownClause, match="::test_it"):
        coverage(["MI-01"], tests)


def test_every_clause_tells_itself_in_both_languages() -> None:
    manual = clauses()
    assert len(manual) == 106
    assert all(set(texts) == {"zh", "en", "clock"} and all(texts.values()) for texts in manual.values())


def test_report_covers_the_manual_as_table_and_as_json() -> None:
    assert list(json.loads(report(as_json=True))) == list(clauses())
    lines = report().splitlines()
    assert len(lines) == 107 and lines[0].startswith("MI-01") and lines[-1].endswith("of 106 clauses covered.")
