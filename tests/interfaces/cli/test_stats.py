"""``orchestrator stats`` in a shell, on data/sample."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.state.tasks import read_tasks
from tests.support.shell import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = ROOT / "data" / "sample"


def test_totals_are_those_of_the_table() -> None:
    """Requirement R2-07; durations are milliseconds, whole numbers or not."""
    found = json.loads(call("stats", "--json", data_dir=SAMPLE).stdout)
    rows, _ = read_tasks(str(SAMPLE))
    assert found["total"] == len(rows) == sum(it["total"] for it in found["by_status"])
    assert 0 < found["median_ms"] < found["p95_ms"] <= found["max_ms"]
    table = json.loads(call("stats", "--json", "--by", "operation", data_dir=SAMPLE).stdout)
    assert sum(it["total"] for it in table) == len(rows)


def test_for_people() -> None:
    """Durations have a unit, shares are per cent; below the figures the counts."""
    lines = call("stats", data_dir=SAMPLE).stdout.splitlines()
    assert lines[0].split() == ["total", "54"]
    assert any(line.startswith("median") and line.endswith(" s") for line in lines)
    assert any(line.startswith("failure_rate") and line.endswith("%") for line in lines)
    assert {"STATUS", "PRIORITY", "DATE", "WORKFLOW"} <= {line.split()[0] for line in lines if line}
    heading, first = call("stats", "--by", "status", data_dir=SAMPLE).stdout.splitlines()[:2]
    assert (heading.split()[:2], first.split()[:2]) == (["STATUS", "TOTAL"], ["pending", "10"])


@pytest.mark.parametrize(
    ("arguments", "total"),
    [
        (["--status", "failed", "--status", "timed_out"], 2),
        (["--workflow", "certificates-h3fsrg"], 5),
        (["--from", "2026-03-02T08:04:00Z", "--to", "2026-03-02T08:15:00.054Z"], 8),
        (["--to", "2020-01-01"], 0),
    ],
)
def test_filters(arguments: list[str], total: int) -> None:
    """As `orch stats` has them."""
    found = json.loads(call("stats", "--json", *arguments, data_dir=SAMPLE).stdout)
    assert found["total"] == total == sum(it["total"] for it in found["by_date"])


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--by", "colour"], 2, "invalid choice: 'colour'"),
        (["--from", "soonish"], 2, "'soonish' is no moment"),
        (["--workflow", "certificates-h3fsrx"], 66, "Did you mean certificates-h3fsrg?"),
    ],
)
def test_mistakes(arguments: list[str], code: int, told: str) -> None:
    """Say what is wrong and what to do."""
    result = call("stats", *arguments, data_dir=SAMPLE)
    assert (result.returncode, result.stdout) == (code, "")
    assert told in result.stderr.replace("\n", " ")


def test_what_the_figures_do_not_tell(tmp_path: Path) -> None:
    """A wrong directory is an error, a word that no task has a warning."""
    result = call("stats", data_dir=tmp_path / "nowhere")
    assert (result.returncode, result.stdout) == (66, "")
    assert "There is no data directory" in result.stderr
    assert "Did you mean failed?" in call("stats", "--status", "faild", data_dir=SAMPLE).stderr
