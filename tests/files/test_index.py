"""The index of tasks: what it shows, found quickly, and refused when it is not whole."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.files.tables.index import BadIndex, Index, encode
from orchestrator.model.states import TASK_STATUSES

if TYPE_CHECKING:
    from pathlib import Path

rows = st.lists(st.tuples(st.sampled_from([*TASK_STATUSES, "odd"]), st.text(max_size=9)), max_size=30)


def write(folder: Path, content: bytes) -> Path:
    """Put an index into a data directory."""
    (folder / "index").mkdir(exist_ok=True)
    path = folder / "index" / "tasks.jsonl"
    path.write_bytes(content)
    return path


def encoded(of: list[tuple[str, str]]) -> list[tuple[str, bytes]]:
    """Rows as the daemon hands them over."""
    return [(status, json.dumps({"id": name, "status": status}).encode()) for status, name in of]


@settings(max_examples=60, deadline=None)
@given(rows, st.integers(0, 5))
def test_gives_the_rows_it_was_made_of(
    tmp_path_factory: pytest.TempPathFactory, of: list[tuple[str, str]], n: int
) -> None:
    """All of them in order, those of some statuses, the first few."""
    folder = tmp_path_factory.mktemp("index")
    write(folder, encode(encoded(of), 3, 77))
    index = Index(str(folder))
    plain: list[dict[str, Any]] = [{"id": name, "status": status} for status, name in of]
    assert (index.epoch, index.seq, index.count) == (3, 77, len(of))
    assert index.rows(index.find()) == plain
    assert index.rows(index.find(limit=n)) == plain[:n]
    failed = [row for row in plain if row["status"] in ("failed", "succeeded")]
    assert index.rows(index.find(["failed", "succeeded"], limit=n)) == failed[:n]
    index.close()


def test_every_line_is_json(tmp_path: Path) -> None:
    """Text tools can read it."""
    path = write(tmp_path, encode(encoded([("failed", "a"), ("pending", "b")]), 1, 2))
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert lines[0]["tasks"] == 2
    assert [line["id"] for line in lines[1:-2]] == ["a", "b"]


def test_a_part_of_it_is_refused(tmp_path: Path) -> None:
    """Cut after any byte, or longer than it says, it is no index."""
    content = encode(encoded([("failed", "a"), ("pending", "b")]), 1, 2)
    for size in range(len(content)):
        write(tmp_path, content[:size])
        with pytest.raises(BadIndex):
            Index(str(tmp_path))
    write(tmp_path, content + b"\n")
    with pytest.raises(BadIndex):
        Index(str(tmp_path))


def test_a_newer_form_is_refused(tmp_path: Path) -> None:
    """Politely, as one that is not there."""
    content = encode([], 1, 2).replace(b'"format":"1.', b'"format":"2.')
    write(tmp_path, content)
    with pytest.raises(BadIndex, match="format 2"):
        Index(str(tmp_path))
