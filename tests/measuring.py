"""What each test costs in time of the processor, children included; the dear ones are written down as slow.

``scripts/test.sh measure`` loads it over the whole suite on an idle machine; ``scripts/test.sh fast`` leaves out what
``tests/slow.txt`` lists, so that the rest stays a check of one minute. A test counts with all its cases together, with
the fixtures made for it alone, and without those that others share.
"""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SLOW = Path(__file__).with_name("slow.txt")
DEAR = 0.4
"""Seconds of the processor from which on a test is slow."""

_spent: Counter[str] = Counter()


def function_of(node: str) -> str:
    """The test function of a case, as ``tests/slow.txt`` names it."""
    return node.partition("[")[0]


def slow_functions() -> frozenset[str]:
    return frozenset(SLOW.read_text(encoding="utf-8").split())


def _now() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


@contextmanager
def _charged_to(item: pytest.Item) -> Iterator[None]:
    started = _now()
    try:
        yield
    finally:
        item.user_properties.append(("cpu", _now() - started))  # travels from the worker with the report


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> Iterator[None]:
    if fixturedef.scope != "function":
        return (yield)
    with _charged_to(request.node):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _charged_to(item):
        return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "teardown":
        _spent[function_of(report.nodeid)] += sum(float(cost) for name, cost in report.user_properties if name == "cpu")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    dear = {function for function, cost in _spent.items() if cost >= DEAR}
    unmeasured = slow_functions() - _spent.keys()  # when only a part was run
    SLOW.write_text("\n".join(sorted(dear | unmeasured)) + "\n", encoding="utf-8")
    total, rest = _spent.total(), sum(cost for cost in _spent.values() if cost < DEAR)
    terminalreporter.write_line(
        f"{len(dear)} of {len(_spent)} tests are slow; the others take {rest:.0f} of {total:.0f} s"
    )
    for function, cost in _spent.most_common(30):
        terminalreporter.write_line(f"{cost:7.2f} s  {function}")
