"""What Tab offers."""

from __future__ import annotations

import json
import os
import re
import time
from typing import TYPE_CHECKING

from orchestrator.engine.events import AttemptExited
from orchestrator.files.state.offers import NAMES_MAX, Offers
from orchestrator.store import archive
from tests.support.foreign_directory import TASK, make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path


def names(offers: list[tuple[str, str]]) -> list[str]:
    """Without what they are."""
    return [name for name, _ in offers]


def make(path: Path) -> OwnDirectory:
    """w1 has failed, w2 runs; its operation b waits."""
    own = OwnDirectory(path)
    own.submit(plan(operation("a")), "w1")
    own.happen(AttemptExited("w1.a.local.x", 1, 3))
    own.submit(plan(operation("a", ("x", "y.1")), operation("b", ("z",), ("a",))), "w2")
    return own


def test_workflows_are_offered_newest_first(tmp_path: Path) -> None:
    """With their status and name; only those that are wanted."""
    offers = Offers(make(tmp_path).path)
    (w2, running), (w1, failed) = offers.workflows()
    assert (w2, w1) == ("w2", "w1")
    assert re.fullmatch(r"running, begun \d+ d ago", running)
    assert re.fullmatch(r"failed, \d+ d ago", failed)
    assert names(offers.unfinished()) == ["w2"]
    assert names(offers.workflows({"failed", "cancelled"})) == ["w1"]


def test_one_that_goes_on_elsewhere_can_be_left_out(tmp_path: Path) -> None:
    """What others have continued is not retried any more."""
    own = make(tmp_path)
    path = tmp_path / "workflows" / "w1" / "state.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "continued_by": "w2"}))
    assert names(Offers(own.path).workflows(continued=False)) == ["w2"]
    assert names(Offers(own.path).workflows()) == ["w2", "w1"]


def test_tasks_and_parts(tmp_path: Path) -> None:
    """Of the workflow in which something happened last at first."""
    offers = Offers(make(tmp_path).path)
    assert offers.tasks({"failed"}) == [("w1.a.local.x", "failed")]
    assert set(names(offers.open_tasks())) == {"w1.a.local.x", "w2.a.local.x", "w2.a.local.y.1", "w2.b.local.z"}
    assert offers.unknown_tasks() == []
    assert names(offers.subjects())[:2] == ["w2", "w1"]
    assert set(names(offers.operations())) == {"a", "b"}
    assert dict(offers.operations())["b"] == "create server"
    assert set(names(offers.items())) == {"x", "y.1", "z"}
    assert offers.providers() == [("local", "")]


def test_what_the_line_names_narrows(tmp_path: Path) -> None:
    """By a workflow, one of its tasks, or its definition; items by operations as well. Then statuses are told."""
    own = make(tmp_path)
    for words in (["w2"], ["w2.b.local.z"]):
        offers = Offers(own.path, workflows=words)
        assert offers.operations() == [("a", "running, create server"), ("b", "pending, create server")]
        assert offers.items() == [("x", "a, running"), ("y.1", "a, running"), ("z", "b, pending")]
        assert offers.providers() == [("local", "")]
        assert names(offers.tasks()) == ["w2.a.local.x", "w2.a.local.y.1", "w2.b.local.z"]
        assert names(offers.tasks({"pending"})) == ["w2.b.local.z"]
        assert names(offers.workflows()) == ["w2", "w1"]
        assert names(offers.restore_points())[:1] == ["start"]
    assert names(Offers(own.path, workflows=["w1"]).operations()) == ["a"]
    assert names(Offers(own.path, workflows=["w1", "w2"]).operations()) == ["a", "b"]
    assert names(Offers(own.path, workflows=["/d/w.k"]).operations()) == ["a", "b"]
    assert names(Offers(own.path, workflows=["w.k"], cwd="/d").operations()) == ["a", "b"]
    assert Offers(own.path, workflows=["w9"]).operations() == Offers(own.path, workflows=["w9"]).tasks() == []
    assert names(Offers(own.path, workflows=["w2"], operations=["b"]).items()) == ["z"]
    assert names(Offers(own.path, operations=["b"]).items()) == ["z"]
    assert Offers(own.path).restore_points() == []


def test_an_archived_workflow_is_known_by_its_parts(tmp_path: Path) -> None:
    """From its file."""
    own = make(tmp_path)
    folder = tmp_path / "workflows" / "w1"
    (tmp_path / "archive").mkdir(exist_ok=True)
    content = archive.encode(own.world.workflows["w1"], (folder / "plan.json").read_bytes())
    (tmp_path / "archive" / "w1.jsonl").write_bytes(content)
    own.disk.remove_tree(str(folder))
    assert Offers(own.path, workflows=["w1"]).operations() == [("a", "failed, create server")]
    (tmp_path / "archive" / "w1.jsonl").write_bytes(b"")
    assert Offers(own.path, workflows=["w1"]).operations() == []


def test_a_foreign_directory_offers_its_tasks(tmp_path: Path) -> None:
    """It has no workflows."""
    folder = make_foreign(tmp_path, TASK, {**TASK, "id": "done", "status": "completed"})
    (tmp_path / "tasks" / "bad.json").write_text("{")
    offers = Offers(folder)
    assert offers.tasks() == [("bad", ""), ("done", "completed"), ("task-001", "pending")]
    assert offers.open_tasks() == [("task-001", "pending")]
    assert offers.workflows() == offers.operations() == []


def test_what_cannot_be_read_is_no_error(tmp_path: Path) -> None:
    """Nobody wants one in the middle of a line. A workflow whose state is damaged still has its name."""
    own = make(tmp_path / "own")
    state = tmp_path / "own" / "workflows" / "w1" / "state.json"
    for content in (
        "{",
        '{"operations": [{"items": 5}, 7], "tasks": [1], "status": [2], "created_at": {}}',
        '{"a": [' * 9999,
    ):
        state.write_text(content)
        offers = Offers(own.path)
        assert set(names(offers.workflows())) == {"w1", "w2"}
        assert names(offers.workflows({"running"})) == ["w2"]
        assert "w2.b.local.z" in names(offers.open_tasks())
    state.unlink()
    os.mkfifo(state)
    (tmp_path / "own" / "workflows" / "w1" / "plan.json").write_text('{"operations": {"id": 5}}')
    assert names(Offers(own.path).workflows()) == ["w2"]
    assert names(Offers(own.path).items()) == ["x", "y.1", "z"]
    for nothing in (tmp_path / "nowhere", state):
        assert Offers(str(nothing)).subjects() == Offers(str(nothing)).items() == []


def test_a_large_workflow_is_not_read_as_a_whole(tmp_path: Path) -> None:
    """Ten thousand tasks: its two ends tell everything but the tasks. Names are bounded."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a", tuple(f"item-{number:05}" for number in range(10_000)))), "large")
    assert (tmp_path / "workflows" / "large" / "state.json").stat().st_size > 1_000_000
    Offers(own.path).tasks()  # the decoder is imported
    began = time.process_time()
    offers = Offers(own.path)
    assert names(offers.workflows(continued=False)) == ["large"]
    assert offers.workflows()[0][1].startswith("running, begun ")
    assert time.process_time() - began < 0.02
    assert len(offers.items()) == len(offers.tasks()) == NAMES_MAX
    assert time.process_time() - began < 0.2


def test_it_ends_when_its_time_is_over(tmp_path: Path) -> None:
    """What has been found by then is offered."""
    own = OwnDirectory(tmp_path)
    for number in range(5):
        own.submit(plan(operation("a")), f"w{number}")
    assert len(Offers(own.path, 0.0).workflows()) == 1
    assert len(Offers(own.path).workflows()) == 5
