"""``orch simulate`` and ``orch eta``, with the real evaluator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from nu_plugin_orch.commands.eta import complete
from orchestrator.engine.events import AttemptExited, AttemptLost
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "data" / "examples"
WUJI = str(EXAMPLES / "wuji.k")
MINUTE = 60 * 1_000_000_000


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory in which the first of three tasks took a second, and the second began long ago."""
    directory = OwnDirectory(tmp_path / "own")
    chain = plan(operation("a", ("x",)), operation("b", ("y",), ("a",)), operation("c", ("z",), ("b",)))
    directory.submit(chain, "w-abcdef")
    directory.happen(AttemptExited("w-abcdef.a.local.x", 1, 0))
    return directory


def test_a_forecast_is_a_record_with_durations(engine: Engine, tmp_path: Path) -> None:
    """The same as the shell command's, but for the types."""
    whats_if = {"with": ["install-k8s=2x", "os=1.5min"], "max_running": 2}
    found = engine.run("orch simulate", WUJI, data_dir=str(tmp_path), **whats_if)
    options = ["--with", "install-k8s=2x", "--with", "os=90s", "--max-running", "2"]
    expected = json.loads(call("simulate", WUJI, "--json", *options, data_dir=tmp_path).stdout)
    assert found["total"] == ("Duration", expected["total_ms"] * 1_000_000)
    assert [row["task"] for row in found["critical_path"]] == [row["task"] for row in expected["critical_path"]]
    assert found["critical_path"][0]["ends"][0] == "Duration"
    assert list(found)[-6:] == ["critical_path", "name", "tasks", "reason", "status", "total"]
    assert list(found["critical_path"][0])[:4] == ["task", "starts", "ends", "because"]
    assert list(found["order"][0])[:3] == ["task", "starts", "ends"]
    assert found["durations"] == {
        "recorded": 0,
        "similar": 0,
        "given": 1,
        "assumed": 9,
        "assumed_to_be": ("Duration", MINUTE),
    }


def test_what_ifs_reach_the_forecast(engine: Engine, tmp_path: Path) -> None:
    """Failures, all or the first ones; limits of providers; Nushell's own units."""

    def simulate(**flags: object) -> dict[str, object]:
        return dict(engine.run("orch simulate", WUJI, data_dir=str(tmp_path), **flags))

    assert simulate(fail=["cilium"])["status"] == "rolled_back"
    assert simulate(fail=["install-cluster/cilium=1"])["status"] == "succeeded"
    assert simulate(provider_limits={"local": 1})["total"] == ("Duration", 10 * MINUTE)
    assert simulate(**{"with": ["install-k8s=90sec"]})["total"] == ("Duration", 4 * MINUTE + MINUTE // 2)
    timeout = simulate(**{"with": ["install-k8s=0.1hr"]})  # longer than its timeout, and tried again
    assert (timeout["status"], timeout["attempts"]) != ("succeeded", 10)


def test_an_environment_is_simulated_as_it_is_validated(engine: Engine, tmp_path: Path) -> None:
    """With its layer."""
    definition = str(EXAMPLES / "environments.k")
    assert engine.run("orch simulate", definition, data_dir=str(tmp_path))["tasks"] == 2
    assert engine.run("orch simulate", definition, data_dir=str(tmp_path), env="prod")["tasks"] == 4


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"fail": ["ciliun"]}, "Workflow 'wuji-full-deployment' has no operation or item 'ciliun'"),
        ({"with": ["ciliun=2x"]}, "has no operation or item 'ciliun'"),
        ({"with": ["cilium=soon"]}, "'soon' is neither a factor nor a time"),
        ({"with": ["cilium"]}, "'cilium' is not NAME=CHANGE"),
        ({"with": "cilium=2x"}, "`--with` takes a list of strings"),
        ({"fail": [1]}, "`--fail` takes a list of strings"),
        ({"fail": ["cilium=often"]}, "often is not a number from 1 up"),
        ({"max_running": 0}, "0 is not a number from 1 up"),
        ({"provider_limits": {"local": "two"}}, "two is not a number from 1 up"),
        ({"assume": 5}, "`--assume` takes a duration"),
    ],
)
def test_what_is_not_understood_is_labelled(
    engine: Engine, tmp_path: Path, flags: dict[str, object], message: str
) -> None:
    """At the value of the flag that said it (R2-25), with a code."""
    with pytest.raises(PluginError, match="Failed to simulate: ") as told:
        engine.run("orch simulate", WUJI, data_dir=str(tmp_path), **flags)
    assert message in told.value.told["msg"]
    assert told.value.told["code"] == "orch::usage"
    assert told.value.told["labels"][0]["span"] == ARGUMENT
    assert told.value.told["labels"][0]["text"] != "this data directory"


def test_a_wrong_definition_is_an_error_with_its_faults(engine: Engine, tmp_path: Path) -> None:
    """And one that is not there, too."""
    bad = str(ROOT / "tests" / "corpora" / "kcl" / "faulty" / "06_check_failed_timeout.k")
    with pytest.raises(PluginError, match="has 1 error") as told:
        engine.run("orch simulate", bad, data_dir=str(tmp_path))
    assert [fault["code"] for fault in told.value.told["inner"]] == ["WF105"]
    with pytest.raises(PluginError, match="There is no file"):
        engine.run("orch simulate", str(tmp_path / "none.k"), data_dir=str(tmp_path))


def test_eta_tells_what_is_left(engine: Engine, own: OwnDirectory) -> None:
    """As `orchestrator eta` does: the second task is overdue, the third is like the first."""
    found = engine.run("orch eta", "w-abcdef", data_dir=own.path)
    expected = json.loads(call("eta", "w-abcdef", "--json", data_dir=own.path).stdout)
    assert set(found) == {name.removesuffix("_ms") for name in expected}
    assert list(found)[-5:] == ["workflow", "status", "tasks", "confidence", "remaining"]
    assert list(found["critical_path"][0])[:4] == ["task", "starts", "ends", "because"]
    assert (found["remaining"], expected["remaining_ms"]) == (("Duration", 1_000_000_000), 1000)
    assert (found["tasks"], found["similar"], found["confidence"]) == (2, 2, 0.0)
    assert [row["task"] for row in found["critical_path"]] == [row["task"] for row in expected["critical_path"]]


def test_eta_names_what_waits_for_somebodys_word(engine: Engine, tmp_path: Path) -> None:
    """With the command that this shell has."""
    own = OwnDirectory(tmp_path / "own")
    own.submit(plan(replace(operation("a", ("x",)), at_most_once=True), operation("b", ("y",), ("a",))), "w-abcdef")
    assert engine.run("orch eta", "w-abcdef", data_dir=own.path)["note"] is None
    own.happen(AttemptLost("w-abcdef.a.local.x", 1, "the machine went away"))
    found = engine.run("orch eta", "w-abcdef", data_dir=own.path)
    assert found["unknown"] == ["w-abcdef.a.local.x"]
    assert "batch resolve w-abcdef.a.local.x --as succeeded" in found["note"]


def test_nothing_is_left_of_a_workflow_that_is_over(engine: Engine, own: OwnDirectory) -> None:
    """The same columns; Tab does not offer it any more."""
    columns = list(engine.run("orch eta", "w-abcdef", data_dir=own.path))
    assert [name for name, _ in complete(own.path, 0, {}) or []] == ["w-abcdef"]
    own.happen(AttemptExited("w-abcdef.b.local.y", 1, 0))
    own.happen(AttemptExited("w-abcdef.c.local.z", 1, 0))
    found = engine.run("orch eta", "w-abcdef", data_dir=own.path)
    assert list(found) == columns
    assert (found["status"], found["remaining"], found["tasks"]) == ("succeeded", ("Duration", 0), 0)
    assert (complete(own.path, 0, {}), complete(own.path, "assume", {})) == ([], None)


def test_eta_without_a_plan_is_an_error_at_the_id(engine: Engine, own: OwnDirectory) -> None:
    """A workflow that is not known, and one whose plan cannot be read."""
    with pytest.raises(PluginError, match="Failed to look ahead: There is no workflow nobody") as told:
        engine.run("orch eta", "nobody", data_dir=own.path)
    assert told.value.told["labels"][0]["span"] == ARGUMENT
    with open(f"{own.path}/workflows/w-abcdef/plan.json", "wb") as file:
        file.write(b"{}")
    with pytest.raises(PluginError, match="Failed to read plan") as told:
        engine.run("orch eta", "w-abcdef", data_dir=own.path)
    assert (told.value.told["code"], told.value.told["labels"][0]["span"]) == ("orch::workflow::unreadable", ARGUMENT)
    shown = call("eta", "w-abcdef", data_dir=own.path)
    assert shown.returncode == 66
    assert shown.stderr.startswith(f"error: Failed to read plan {own.path}/workflows/w-abcdef/plan.json: ")
