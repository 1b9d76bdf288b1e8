"""Tables where a person sees them; what a pipe gets is as it was."""

from __future__ import annotations

import re
import time

import pytest

from orchestrator.interfaces.cli.on_terminal import fit, heading, is_cuttable, readable
from tests.support.shell import ROOT, call, call_at_terminal

SAMPLE = ROOT / "data" / "sample"
PLAIN = {"NO_COLOR": "1", "TZ": "Europe/Madrid"}


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("duration_ms", 65_000, "1m 05s"),
        ("mean_ms", 867.5, "868ms"),
        ("duration_ms", None, None),
        ("duration_ms", True, True),
        ("duration_ms", "soon", "soon"),
        ("created_at", "2026-07-10T12:30:05.999999Z", "2026-07-10 14:30:05"),
        ("time", "2026-01-10T12:30:05Z", "2026-01-10 13:30:05"),
        ("created_at", "yesterday", "yesterday"),
        ("finished_at", None, None),
        ("reason", "2026-01-10T12:30:05Z", "2026-01-10T12:30:05Z"),
    ],
)
def test_cells_are_readable(name: str, value: object, shown: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the name of the column, as long as they hold what it says."""
    monkeypatch.setenv("TZ", "Europe/Madrid")
    time.tzset()
    try:
        assert readable(name, value) == shown
    finally:
        monkeypatch.undo()
        time.tzset()


def test_headings_lose_the_unit_that_cells_have() -> None:
    """Only that."""
    assert (heading("duration_ms"), heading("reason")) == ("duration", "reason")


def test_ids_times_and_numbers_are_never_cut() -> None:
    """Half of one says nothing, or something else."""
    names = {"id": "x", "status": "failed", "created_at": "2026-01-10T12:30:05Z", "attempt": 3}
    assert [is_cuttable(name, [value]) for name, value in names.items()] == [False] * 4
    assert is_cuttable("reason", [None, "why"])
    assert is_cuttable("tasks", [{"failed": 1}])


@pytest.mark.parametrize(
    ("widths", "room", "expected"),
    [
        ([10, 20, 30], None, [10, 20, 30]),
        ([10, 20, 30], 64, [10, 20, 30]),
        ([10, 20, 30], 60, [10, 20, 26]),
        ([10, 20, 30], 44, [10, 15, 15]),
        ([10, 20, 30], 26, [10, 6, 6]),
        ([10, 20, 30], 25, [10, 20, 30]),
        ([10, 20, 3], 30, [10, 13, 3]),
        ([], 30, []),
    ],
)
def test_columns_are_cut_where_most_is(widths: list[int], room: int | None, expected: list[int]) -> None:
    """Down to their headings; if that does not help, nothing is lost."""
    count = len(widths)
    assert fit([False, True, True][:count], [2, 6, 6][:count], widths, room) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("workflows",),
        ("stats", "--by", "workflow"),
        ("stats", "--by", "operation"),
        ("stats", "--by", "status"),
        ("at", "now"),
        ("diff", "2", "63"),
    ],
)
def test_tables_fit_a_hundred_columns(words: tuple[str, ...]) -> None:
    """With times to the second, and durations with their unit."""
    code, shown = call_at_terminal(*words, data_dir=SAMPLE, columns=100, env=PLAIN)
    assert code == 0
    lines = [line for line in shown.splitlines() if not line.startswith("warning: ")]
    assert max(map(len, lines)) <= 100
    assert not re.search(r"\d\dT\d\d:|\.\d{6}|DURATION_MS", shown)


def test_changes_are_told_in_a_few_words() -> None:
    """Instead of three columns, for which a terminal has no room."""
    shown = call_at_terminal("diff", "2", "63", data_dir=SAMPLE, columns=100, env=PLAIN)[1]
    assert re.search(
        r"^2026-03-02 09:01:40  nightly-backup-mvqqqe\.dump\.local\.customers +running -> succeeded", shown, re.M
    )
    assert re.search(r"release-zvx90y\.build\.local\.api +new: succeeded", shown)
    assert re.search(r"install\.local\.lb-2 +new: pending +waits for…$", shown, re.M)


def test_counts_by_status_share_a_column() -> None:
    """Those that are not 0; by status there are none."""
    shown = call_at_terminal("stats", "--by", "operation", data_dir=SAMPLE, columns=160, env=PLAIN)[1]
    assert re.search(r"^switch +6 .* 20\.0% +3 succeeded, 1 failed, 1 skipped, 1 rolled_back$", shown, re.M)
    heading_by_status = call_at_terminal("stats", "--by", "status", data_dir=SAMPLE, env=PLAIN)[1].splitlines()[0]
    assert heading_by_status.split() == ["STATUS", "TOTAL", "MEAN", "MEDIAN", "P95", "MAX", "RETRIES", "FAILED"]


def test_a_pipe_gets_times_as_files_have_them() -> None:
    """And whole columns, with the names of the files."""
    told = call("workflows", data_dir=SAMPLE, env=PLAIN).stdout
    assert "DURATION_MS" in told
    assert "Z " in told
    assert "…" not in told
    heading_of_stats = call("stats", "--by", "operation", data_dir=SAMPLE).stdout.splitlines()[0]
    assert {"FAILURE_RATE", "SUCCEEDED", "TIMED_OUT"} <= set(heading_of_stats.split())
