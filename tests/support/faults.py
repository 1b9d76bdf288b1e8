"""Counting what the tests of faults did: ``pytest --fault-report FILE`` adds up runs by fault.

A test says which faults of docs/faults.md it injects with ``@pytest.mark.fault("F01", ...)``, and how often, if more
than once, with ``record_property("runs", n)``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

_OUTCOMES = pytest.StashKey[dict[str, dict[str, int]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """See the module."""
    parser.addoption("--fault-report", metavar="FILE", help="write how often each fault was injected, as JSON")


def pytest_configure(config: pytest.Config) -> None:
    """See the module."""
    config.addinivalue_line("markers", "fault(id, ...): injects these faults of docs/faults.md")
    config.stash[_OUTCOMES] = {}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Count an outcome."""
    report = yield
    marker = item.get_closest_marker("fault")
    if marker is not None and (report.when == "call" or report.skipped):
        runs = dict(item.user_properties).get("runs", 1)
        for fault in marker.args:
            counts = item.config.stash[_OUTCOMES].setdefault(fault, {"runs": 0, "failed": 0, "not_run": 0})
            counts["runs" if report.passed else "failed" if report.failed else "not_run"] += int(str(runs))
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the report."""
    path = config.getoption("--fault-report", default=None)
    if path:
        Path(path).write_text(json.dumps(config.stash[_OUTCOMES], indent=1, sort_keys=True) + "\n", encoding="utf-8")
