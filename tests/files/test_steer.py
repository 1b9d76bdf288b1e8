"""Asking for something of a workflow, and what is said if it is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import steer
from orchestrator.interfaces.spool.request import RetryArguments
from orchestrator.model.errors import NoDaemon, NotFound, Refused, WrongState
from tests.files.test_drop import answering, refusing
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory with the workflow deploy-4k7q0d."""
    made = OwnDirectory(tmp_path / "data")
    made.submit(plan(operation("build"), operation("install", ("node-1",), ("build",))), "deploy-4k7q0d")
    return made


def refused(own: OwnDirectory, arguments: dict[str, Any], help: str = "") -> Refused:
    """What is raised when the daemon does not find what `arguments` name."""
    command = "resolve" if "task" in arguments else "retry"
    arguments = {"outcome": "failed", **arguments} if "task" in arguments else arguments
    with answering(own, refusing(NotFound("not there", help))), pytest.raises(Refused, match="not there") as told:
        steer.ask(own.path, command, arguments)
    assert told.value.code == NotFound.code
    return told.value


def test_the_answer_is_the_daemons(own: OwnDirectory) -> None:
    """The request has the arguments that were given."""
    result: dict[str, object] = {"workflow": "deploy-4k7q0d", "status": "queued", "tasks": 2}
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, result)) as met:
        assert steer.ask(own.path, "retry", {"workflow": "deploy-4k7q0d", "operation": "build"}) == result
    assert [request.arguments for request in met] == [RetryArguments("deploy-4k7q0d", "build")]


def test_a_workflow_that_is_not_there_has_near_ones(own: OwnDirectory) -> None:
    """By its name, its beginning, or by likeness; else where to look."""
    for given, begin in (
        ("deploy", "deploy is a name, and its run has an id. "),
        ("deploy-4k", ""),
        ("depoly-4k7q0d", ""),
    ):
        error = refused(own, {"workflow": given})
        assert not isinstance(error, steer.NoSuchPart)
        assert error.help == f"{begin}Did you mean deploy-4k7q0d? `orch workflows` lists the workflows there are."
    assert refused(own, {"workflow": "zzz"}, "Look elsewhere.").help == "Look elsewhere."


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        ({"operation": "instal"}, "install"),
        ({"to": "star"}, "start"),
        ({"tasks": ["deploy-4k7q0d.build.local.x", "deploy-4k7q0d.install.local.node-2"]}, "node-1"),
    ],
)
def test_a_name_inside_the_workflow_has_near_ones(own: OwnDirectory, arguments: dict[str, Any], meant: str) -> None:
    """The daemon's help follows."""
    error = refused(own, {"workflow": "deploy-4k7q0d", **arguments}, "It has these.")
    assert isinstance(error, steer.NoSuchPart)
    assert error.help.startswith("Did you mean ")
    assert meant in error.help.partition("?")[0]
    assert error.help.endswith("It has these.")


def test_a_task_is_looked_for_in_its_workflow(own: OwnDirectory) -> None:
    """Which is the first part of its id."""
    error = refused(own, {"task": "deploy-4k7q0d.install.local.node1"})
    assert error.help == "Did you mean deploy-4k7q0d.install.local.node-1?"
    assert "deploy-4k7q0d" in refused(own, {"task": "deploy-4k7q0.install.local.node1"}).help


def test_other_refusals_are_as_they_are(own: OwnDirectory) -> None:
    """With the daemon's code, and nothing added."""
    with answering(own, refusing(WrongState("it has ended", "let it be"))), pytest.raises(Refused) as told:
        steer.ask(own.path, "pause", {"workflow": "deploy-4k7q0d"})
    assert (told.value.code, told.value.message, told.value.help) == (WrongState.code, "it has ended", "let it be")
    with pytest.raises(NoDaemon):
        steer.ask(own.path, "pause", {"workflow": "deploy-4k7q0d"})
