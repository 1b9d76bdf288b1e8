"""Commands that steer a workflow, and ``orch check``, with the daemon's own inbox at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited, PauseRequested
from orchestrator.files.asking import validator
from orchestrator.interfaces.spool.request import (
    PauseArguments,
    ResolveArguments,
    ResumeArguments,
    RetryArguments,
    RollbackArguments,
    SubmitArguments,
)
from orchestrator.model.errors import NotFound, WrongState
from orchestrator.plan.ir import decode
from tests.files.test_drop import answering, refusing
from tests.nu_plugin_orch.commands.test_validate import RIGHT
from tests.support.engine import ARGUMENT, FLAG, Engine, PluginError
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from orchestrator.interfaces.spool.inbox import Inbox
    from orchestrator.interfaces.spool.request import Request

ANSWER: dict[str, object] = {"workflow": "w-1", "status": "running", "tasks": 2}

COMMANDS = ("pause", "resume", "retry", "rollback")


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory of ours with a workflow whose first operation has ended."""
    made = OwnDirectory(tmp_path / "own")
    made.submit(plan(operation("one"), operation("two", after=("one",))), "w-1")
    made.happen(AttemptExited("w-1.one.local.x", 1, 0))
    return made


def replying(result: dict[str, object]) -> Callable[[Inbox, Request], None]:
    """An answer that is `result`."""
    return lambda inbox, request: inbox.reply(request.key, 5, result)


@pytest.mark.parametrize(
    ("command", "flags", "arguments"),
    [
        ("pause", {}, PauseArguments("w-1")),
        ("pause", {"now": ...}, PauseArguments("w-1", now=True)),
        ("resume", {}, ResumeArguments("w-1")),
        ("retry", {}, RetryArguments("w-1")),
        ("retry", {"from": "two"}, RetryArguments("w-1", "two")),
        ("retry", {"tasks": ["w-1.two.local.x"]}, RetryArguments("w-1", tasks=["w-1.two.local.x"])),
        ("retry", {"failed": ...}, RetryArguments("w-1", failed_only=True)),
        ("retry", {"all": True, "failed": False, "from": None}, RetryArguments("w-1", everything=True)),
        ("rollback", {}, RollbackArguments("w-1")),
        ("rollback", {"to": "start"}, RollbackArguments("w-1", "start")),
    ],
)
def test_asks_for_what_was_said(
    engine: Engine, own: OwnDirectory, command: str, flags: dict[str, Any], arguments: object
) -> None:
    """The answer is the daemon's; with what has to be followed comes where that begins."""
    with answering(own, replying(ANSWER)) as met:
        answer = engine.run(f"orch {command}", "w-1", data_dir=own.path, **flags)
    cursor = answer.pop("cursor", None)
    assert (cursor is not None) == (command in ("retry", "rollback"))
    assert cursor in (None, f"1:{own.world.seq}")
    assert answer == ANSWER
    assert [(request.command, request.arguments) for request in met] == [(command, arguments)]


def test_resolves_a_task(engine: Engine, own: OwnDirectory) -> None:
    """As one of two words."""
    with answering(own, replying({"workflow": "w-1", "task": "w-1.two.local.x", "status": "failed"})) as met:
        engine.run("orch resolve", "w-1.two.local.x", data_dir=own.path, **{"as": "failed"})
    assert [request.arguments for request in met] == [ResolveArguments("w-1.two.local.x", "failed")]
    for flags, label, span in (({}, "ended how?", ARGUMENT), ({"as": "odd"}, "not an outcome", FLAG)):
        with pytest.raises(PluginError) as told:
            engine.run("orch resolve", "w-1.two.local.x", data_dir=own.path, **flags)
        assert told.value.told["labels"][0]["text"] == label
        assert told.value.told["labels"][0]["span"] in (span, ARGUMENT)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_state_is_labelled_at_the_id(engine: Engine, own: OwnDirectory, command: str) -> None:
    """With the daemon's words, help and code."""
    refusal = refusing(WrongState("Workflow w-1 is over.", "Let it be."))
    with answering(own, refusal), pytest.raises(PluginError, match=r"Failed to .*: Workflow w-1 is over\.") as told:
        engine.run(f"orch {command}", "w-1", data_dir=own.path)
    (label,) = told.value.told["labels"]
    assert label["span"] == ARGUMENT
    assert label["text"].startswith("cannot be ")
    assert (told.value.told["code"], told.value.told["help"]) == (WrongState.code, "Let it be.")


@pytest.mark.parametrize("command", COMMANDS)
def test_an_id_that_is_not_there_has_near_ones(engine: Engine, own: OwnDirectory, command: str) -> None:
    """And one that can be none is not sent."""
    with answering(own, refusing(NotFound("There is no workflow w."))) as met:
        with pytest.raises(PluginError, match="There is no workflow w") as told:
            engine.run(f"orch {command}", "w", data_dir=own.path)
        assert told.value.told["code"] == NotFound.code
        assert told.value.told["help"].startswith("Did you mean w-1?")
        with pytest.raises(PluginError, match="no workflow id"):
            engine.run(f"orch {command}", "../w", data_dir=own.path)
        assert len(met) == 1


@pytest.mark.parametrize(
    ("command", "flag", "given", "meant"), [("retry", "from", "tow", "two"), ("rollback", "to", "st", "start")]
)
def test_a_name_inside_the_workflow_is_labelled_where_it_stands(
    engine: Engine, own: OwnDirectory, command: str, flag: str, given: str, meant: str
) -> None:
    """Not at the id, which is right."""
    with answering(own, refusing(NotFound("There is none."))), pytest.raises(PluginError) as told:
        engine.run(f"orch {command}", "w-1", data_dir=own.path, **{flag: given})
    (label,) = told.value.told["labels"]
    assert label["text"] == "not in this workflow"
    if meant == "start":
        assert "Did you mean start?" in told.value.told["help"]


def test_only_one_thing_can_be_retried(engine: Engine, own: OwnDirectory) -> None:
    """The flag that is too many is labelled; nothing is sent."""
    with pytest.raises(PluginError, match="say different things") as told:
        engine.run("orch retry", "w-1", data_dir=own.path, failed=..., all=...)
    assert told.value.told["labels"][0] == {"text": "one too many", "span": FLAG}
    for wrong in ("w-1.two.local.x", [1]):
        with pytest.raises(PluginError, match="a list of strings"):
            engine.run("orch retry", "w-1", data_dir=own.path, tasks=wrong)


def offered(engine: Engine, command: str, what: object = None) -> list[str]:
    """What Tab offers for an argument."""
    wanted = {"GetCompletion": {"name": command, "arg_type": what or {"Positional": 0}, "call": {}}}
    return [item["value"] for item in engine.ask(wanted)["CompletionItems"]]


def continued(tmp_path: Path) -> tuple[OwnDirectory, Path]:
    """A workflow of a definition that has succeeded; the definition."""
    path = tmp_path / "w.k"
    path.write_text(RIGHT, encoding="utf-8")
    report = validator.evaluate(str(path), want_plan=True)
    made = OwnDirectory(tmp_path / "continued")
    made.submit(decode(report["plan"].encode()), "w-2")
    state = tmp_path / "continued" / "workflows" / "w-2" / "state.json"
    while made.world.live:
        for task in list(made.world.live):
            made.happen(AttemptExited(task, 1, 0))
    state.write_text(state.read_text(encoding="utf-8").replace("/d/w.k", str(path)), encoding="utf-8")
    return made, path


def test_the_difference_is_a_table_and_what_was_shown_is_sent(engine: Engine, tmp_path: Path) -> None:
    """With ``--diff`` nothing is sent; then the digest says which definition is meant."""
    made, path = continued(tmp_path)
    path.write_text(RIGHT.replace("operations = [", "priority = 7\n    operations = ["), encoding="utf-8")
    rows = engine.run("orch retry", "w-2", data_dir=made.path, diff=...)
    assert [(row["operation"], row["change"], row["what"]) for row in rows if row["change"] == "changed"] == [
        ("", "changed", "priority")
    ]
    assert {row["effect"] for row in rows if row["operation"]} == {"result taken over"}
    result: dict[str, object] = {"workflow": "w-3", "name": "w", "tasks": 3, "plan": "sha256:1", "warnings": []}
    with answering(made, replying(result)) as met:
        answer = engine.run("orch retry", "w-2", data_dir=made.path, with_latest=...)
        engine.run("orch retry", "w-2", data_dir=made.path, with_latest=..., digest="sha256:0")
    assert answer == {**result, "cursor": f"1:{made.world.seq}"}
    first, second = (request.arguments for request in met)
    assert isinstance(first, SubmitArguments)
    assert (first.path, first.continues, first.digest) == (str(path), "w-2", validator.evaluate(str(path))["digest"])
    assert isinstance(second, SubmitArguments)
    assert second.digest == "sha256:0"


def test_a_definition_that_is_wrong_by_now_is_told(engine: Engine, tmp_path: Path) -> None:
    """And one that is gone; at the id."""
    made, path = continued(tmp_path)
    path.write_text(RIGHT.replace('["one"]', '["oen"]'), encoding="utf-8")
    with pytest.raises(PluginError, match=r"has 1 error now") as told:
        engine.run("orch retry", "w-2", data_dir=made.path, diff=...)
    assert told.value.told["labels"][0] == {"text": "its definition has errors", "span": ARGUMENT}
    path.unlink()
    with pytest.raises(PluginError, match="cannot be read"):
        engine.run("orch retry", "w-2", data_dir=made.path, diff=...)


def test_a_check_gives_what_was_found(engine: Engine, own: OwnDirectory, tmp_path: Path) -> None:
    """A row for each task, with the last words of those that failed."""
    own.happen(AttemptExited("w-1.two.local.x", 1, 1))
    logs = tmp_path / "own" / "workflows" / "w-1" / "logs"
    (logs / "two.local.x.1.err").write_text("much\n\nof it\nthere is no x\nmake one\n", encoding="utf-8")
    path = tmp_path / "w.k"
    path.write_text(RIGHT, encoding="utf-8")
    answer: dict[str, object] = {"workflow": "w-1", "name": "w", "tasks": 2, "plan": "sha256:1", "warnings": []}
    with answering(own, replying(answer)) as met:
        rows = engine.run("orch check", str(path), data_dir=own.path, name="w")
    assert [(row["operation"], row["should"], row["is"]) for row in rows] == [
        ("one", "as declared", "as it should be"),
        ("two", "as declared", "of it / there is no x / make one"),
    ]
    (request,) = met
    assert isinstance(request.arguments, SubmitArguments)
    assert (request.arguments.check, request.arguments.name) == (True, "w")


def test_tab_offers_what_can_be_asked_for(engine: Engine, own: OwnDirectory) -> None:
    """By the status of each workflow."""
    own.submit(plan(operation("one")), "w-over")
    own.happen(AttemptExited("w-over.one.local.x", 1, 0))
    own.submit(plan(operation("one")), "w-paused")
    own.happen(PauseRequested("w-paused", "k", "ann", now=False))
    engine.place["GetEnvVar"] = own.path
    assert offered(engine, "orch pause") == ["w-1"]
    assert offered(engine, "orch resume") == ["w-paused"]
    assert offered(engine, "orch retry") == ["w-over", "w-1"]
    assert offered(engine, "orch rollback") == ["w-paused", "w-over", "w-1"]
    assert offered(engine, "orch resolve") == []
