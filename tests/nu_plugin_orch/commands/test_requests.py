"""``orch submit`` and ``orch cancel``, with the daemon's own inbox at the other end."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from orchestrator.interfaces.spool.request import CancelArguments, SubmitArguments
from orchestrator.model.errors import DefinitionInvalid, Refused
from tests.files.test_drop import answering, refusing
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.own_directory import OwnDirectory

if TYPE_CHECKING:
    from pathlib import Path

RESULT: dict[str, object] = {"workflow": "w-1", "name": "w", "tasks": 3, "plan": "sha256:1", "warnings": []}


@pytest.fixture
def definition(tmp_path: Path) -> Path:
    """A file to submit."""
    path = tmp_path / "w.k"
    path.write_text("import workflows\n", encoding="utf-8")
    return path


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory of ours."""
    return OwnDirectory(tmp_path / "own")


def test_submits_a_file_as_the_user_sees_it(engine: Engine, own: OwnDirectory, definition: Path) -> None:
    """By absolute path and digest; the daemon works elsewhere, and the file may change."""
    engine.place["GetCurrentDir"] = str(definition.parent)
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, RESULT)) as met:
        assert engine.run("orch submit", "w.k", data_dir=own.path) == RESULT
    (request,) = met
    digest = "sha256:" + hashlib.sha256(definition.read_bytes()).hexdigest()
    assert request.arguments == SubmitArguments(str(definition), digest)


def test_submits_with_everything_that_was_said(engine: Engine, own: OwnDirectory, definition: Path) -> None:
    """Name, priority and options."""
    flags = {"name": "second", "priority": -7, "options": {"env": "prod", "sizes": [1, 2], "none": None}}
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, RESULT)) as met:
        engine.run("orch submit", str(definition), data_dir=own.path, **flags)
    (request,) = met
    assert isinstance(request.arguments, SubmitArguments)
    assert {name: getattr(request.arguments, name) for name in flags} == flags


def test_faults_of_a_definition_are_shown_below_the_error(engine: Engine, own: OwnDirectory, definition: Path) -> None:
    """Each with its place, its code and its help; the label is on the file."""
    faults: list[dict[str, object]] = [
        {
            "code": "orch::x",
            "message": "no such operation",
            "file": "w.k",
            "line": 3,
            "column": 5,
            "help": "did you mean b",
        }
    ]
    refusal = refusing(DefinitionInvalid("w.k has 1 error.", diagnostics=faults))
    with answering(own, refusal), pytest.raises(PluginError, match=r"Failed to submit: w\.k has 1 error") as told:
        engine.run("orch submit", str(definition), data_dir=own.path)
    assert told.value.told["labels"][0]["span"] == ARGUMENT
    (inner,) = told.value.told["inner"]
    assert (inner["msg"], inner["code"], inner["help"]) == ("w.k:3:5: no such operation", "orch::x", "did you mean b")


def test_a_file_that_is_not_there_is_labelled(engine: Engine, own: OwnDirectory, tmp_path: Path) -> None:
    """Nothing is sent."""
    with pytest.raises(PluginError, match="There is no file") as told:
        engine.run("orch submit", str(tmp_path / "nowhere.k"), data_dir=own.path)
    assert told.value.told["labels"][0]["span"] == ARGUMENT


@pytest.mark.parametrize("priority", [-1001, 1001])
def test_a_priority_out_of_range_is_labelled(
    engine: Engine, own: OwnDirectory, definition: Path, priority: int
) -> None:
    """Ruling A-50."""
    with pytest.raises(PluginError, match="from -1000 to 1000") as told:
        engine.run("orch submit", str(definition), data_dir=own.path, priority=priority)
    assert told.value.told["labels"][0]["text"] == "out of range"


def test_without_a_daemon_it_says_how_to_start_one(engine: Engine, own: OwnDirectory, definition: Path) -> None:
    """At once."""
    for command, argument in (("submit", str(definition)), ("cancel", "w-1")):
        with pytest.raises(PluginError, match=f"Failed to {command}: No daemon runs on") as told:
            engine.run(f"orch {command}", argument, data_dir=own.path)
        assert "orchestrator serve" in told.value.told["help"]


def test_cancels_a_workflow(engine: Engine, own: OwnDirectory) -> None:
    """The answer is the daemon's, and a note if it is not over then."""
    result: dict[str, object] = {"workflow": "w-1", "status": "cancelled"}
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, result)) as met:
        assert engine.run("orch cancel", "w-1", data_dir=own.path) == {**result, "note": ""}
    assert [request.arguments for request in met] == [CancelArguments("w-1")]
    result["status"] = "running"
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, result)) as met:
        told = engine.run("orch cancel", "w-1", data_dir=own.path, **{"no-wait": ...})
    assert told == {**result, "note": "what runs is still being stopped"}
    assert [request.arguments for request in met] == [CancelArguments("w-1")]


def test_a_refusal_is_labelled_at_the_id(engine: Engine, own: OwnDirectory) -> None:
    """With the daemon's words and code."""
    with (
        answering(own, refusing(Refused("There is no workflow w-9."))),
        pytest.raises(PluginError, match=r"Failed to cancel: There is no workflow w-9\.") as told,
    ):
        engine.run("orch cancel", "w-9", data_dir=own.path)
    assert told.value.told["labels"] == [{"text": "cannot be cancelled", "span": ARGUMENT}]


def test_an_id_that_is_none_is_not_sent(engine: Engine, own: OwnDirectory) -> None:
    """Ruling A-40."""
    with pytest.raises(PluginError, match="no workflow id"):
        engine.run("orch cancel", "../w", data_dir=own.path)
