"""What a check has found, from the files of its workflow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited, CancelRequested
from orchestrator.files.asking import drift
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import NoDaemon, NotFound
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory with a check of five things, none of which has ended."""
    made = OwnDirectory(tmp_path / "data")
    items = ("good", "said", "quiet", "loud", "killed")
    made.submit(plan(operation("a", items, on_failure="continue"), operation("b", after=("a",))), "w")
    return made


def write(own: OwnDirectory, item: str, stream: str, text: bytes) -> None:
    """What the check of `item` wrote."""
    with open(f"{own.path}/workflows/w/logs/a.local.{item}.1.{stream}", "wb") as file:
        file.write(text)


def found(own: OwnDirectory) -> dict[str, str]:
    """{item: what is so}."""
    return {row["item"]: row["is"] for row in drift.rows(own.path, read_workflow(own.path, "w"))}


def test_the_last_words_tell_what_is_there_instead(own: OwnDirectory) -> None:
    """Of standard error, else of standard output, else how it ended; what was not reached says so."""
    write(own, "said", "err", b"one\n\n two\nthree\nfour\n")
    write(own, "said", "out", b"not this\n")
    write(own, "loud", "out", b"x" * 10_000 + b"\nthe \xff end\n")
    for item in ("good", "said", "quiet", "loud", "killed"):
        own.happen(AttemptExited(f"w.a.local.{item}", 1, 0 if item == "good" else 3))
    rows = drift.rows(own.path, read_workflow(own.path, "w"))
    assert [(row["operation"], row["provider"], row["should"]) for row in rows] == [
        *[("a", "local", "as declared")] * 5,
        ("b", "local", "as declared"),
    ]
    assert found(own) == {
        "good": "as it should be",
        "said": "two / three / four",
        "quiet": "the check did not succeed (exit code 3)",
        "loud": "x" * (4096 - len(b"\nthe \xff end\n")) + " / the \ufffd end",
        "killed": "the check did not succeed (exit code 3)",
        "x": "not checked: upstream_failed",
    }
    assert [drift.is_drift(row) for row in rows] == [False, True, True, True, True, True]
    states = {row["item"]: row["state"] for row in rows}
    assert states == {
        "good": "ok",
        "said": "drifted",
        "quiet": "unknown",
        "loud": "drifted",
        "killed": "unknown",
        "x": "unknown",
    }


def test_it_is_waited_for_until_it_is_over(own: OwnDirectory) -> None:
    """And no longer; looked at less and less often."""
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 30:
            own.happen(CancelRequested("w", "k", "ann"))
            for task in list(own.world.live):
                own.happen(AttemptExited(task, 1, 143))

    lock = own.hold()
    try:
        assert drift.await_end(own.path, "w", pause)["status"] == "cancelled"
    finally:
        lock.release()
    assert len(pauses) == 30
    assert pauses == sorted(pauses)
    assert pauses[0] < 0.01 < pauses[-1] <= 0.25


def test_without_a_daemon_nobody_waits(own: OwnDirectory) -> None:
    """Nor for what never comes."""
    with pytest.raises(NoDaemon, match="w is not over"):
        drift.await_end(own.path, "w", lambda _: None)
    lock = own.hold()
    try:
        with pytest.raises(NotFound):
            drift.await_end(own.path, "nothing", lambda _: None)
    finally:
        lock.release()
