"""``orch why``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nu_plugin_orch.commands.why import complete
from tests.files.test_why import EARLIER, RETRY, SOON, MadeByHand
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.foreign_directory import TASK, make_foreign, write

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def made(tmp_path: Path) -> MadeByHand:
    """A task that waits for an operation, in which one waits for its next try."""
    directory = MadeByHand(tmp_path / "data")
    directory.workflow({"a": {"items": {"x": RETRY}}, "b": {"after": ["a"], "items": {"x": "pending"}}})
    directory.end_daemon()
    return directory


def test_gives_a_sentence_and_the_chain_as_a_table(engine: Engine, made: MadeByHand) -> None:
    """Every row with the same columns, times as such."""
    answer = engine.run("orch why", "w.b.local.x", data_dir=str(made.path))
    assert list(answer) == ["subject", "status", "sentence", "chain"]
    assert (answer["subject"], answer["status"]) == ("w.b.local.x", "pending")
    assert answer["sentence"].startswith("No daemon runs on ")
    chain = answer["chain"]
    assert [(row["level"], row["kind"]) for row in chain] == [
        (1, "lock"),
        (2, "dependency"),
        (3, "dependency"),
        (4, "retry_delay"),
    ]
    assert len({tuple(row) for row in chain}) == 1
    assert (chain[3]["due_at"], chain[3]["since"]) == (("Date", SOON), ("Date", EARLIER))
    assert chain[1]["due_at"] is None


def test_names_the_commands_of_the_shell_it_is_in(engine: Engine, made: MadeByHand) -> None:
    """`batch resume`, where the other shell has `orchestrator resume`."""
    made.workflow_status("paused", "paused by ann")
    chain = engine.run("orch why", "w", data_dir=str(made.path))["chain"]
    assert [row["unblocks"] for row in chain if row["kind"] == "pause"] == ["batch resume w"]


@pytest.mark.parametrize(
    ("subject", "code"),
    [("w9", "orch::not_found"), ("w.b.local.z", "orch::not_found"), ("../w", "orch::id::bad"), ("", "orch::id::bad")],
)
def test_an_id_that_is_not_known_is_labelled(engine: Engine, made: MadeByHand, subject: str, code: str) -> None:
    """At the id, with the way to the right ones."""
    with pytest.raises(PluginError, match="Failed to tell why: ") as told:
        engine.run("orch why", subject, data_dir=str(made.path))
    assert (told.value.told["code"], told.value.told["labels"][0]["span"]) == (code, ARGUMENT)
    assert ("orch tasks" if subject.startswith("w.") else "orch workflows") in told.value.told["help"]


def test_a_damaged_workflow_is_labelled(engine: Engine, made: MadeByHand) -> None:
    """At its id."""
    write(made.path / "workflows" / "w" / "state.json", "{")
    with pytest.raises(PluginError) as told:
        engine.run("orch why", "w", data_dir=str(made.path))
    label = told.value.told["labels"][0]
    assert (label["text"], label["span"]) == ("this workflow", ARGUMENT)


def test_tab_offers_workflows_and_tasks_that_are_not_done(made: MadeByHand, tmp_path: Path) -> None:
    """In a foreign directory its tasks; nothing that cannot be read."""
    folder = str(made.path)
    offered = complete(folder, 0, {})
    assert offered is not None
    assert [name for name, _ in offered] == ["w", "w.a.local.x", "w.b.local.x"]
    assert offered[1][1] == "waiting_retry"
    assert complete(folder, "data-dir", {}) is None
    write(made.path / "workflows" / "w" / "state.json", "{")
    assert [name for name, _ in complete(folder, 0, {}) or []] == ["w"]
    assert complete(make_foreign(tmp_path / "foreign", TASK), 0, {}) == [("task-001", "pending")]
