"""`simulate` and `eta` as processes: what people read, what programs read, exit codes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from orchestrator.engine.events import AttemptExited, AttemptLost
from orchestrator.files.asking import validator
from orchestrator.files.asking.foresight import configured
from orchestrator.interfaces.cli.foresight import duration
from orchestrator.plan.ir import decode
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.shell import ROOT, call

if TYPE_CHECKING:
    from pathlib import Path

WUJI = ROOT / "data" / "examples" / "wuji.k"


def simulate(data_dir: Path, *arguments: str | Path) -> dict[str, Any]:
    """The forecast of the sample as a program gets it."""
    told = call("simulate", WUJI, "--json", *arguments, data_dir=data_dir)
    assert told.returncode == 0, told.stderr
    return dict(json.loads(told.stdout))


def test_a_person_sees_the_total_the_path_and_what_is_assumed(tmp_path: Path) -> None:
    """Nothing is made in the data directory, which need not exist."""
    told = call("simulate", WUJI, "--assume", "30", "--with", "install-k8s=2x", data_dir=tmp_path / "none")
    assert (told.returncode, told.stderr) == (0, "")
    lines = told.stdout.splitlines()
    assert lines[:3] == [
        "wuji-full-deployment would succeed in 2m 30s: 10 tasks, 10 attempts",
        "peak: 3 at a time of 16 possible, first after 0ms",
        "durations: 10 assumed to be 30s",
    ]
    path = lines[lines.index("critical path:") + 1 :]
    assert path[0].split() == ["TASK", "STARTS", "TOOK", "SHARE", "BECAUSE"]
    assert path[3].split() == ["install-k8s/local/kubernetes", "1m", "00s", "1m", "00s", "40%", "dependency"]
    assert list(tmp_path.iterdir()) == []


def test_what_ifs_reach_the_forecast(tmp_path: Path) -> None:
    """Each option of the command line."""
    found = simulate(tmp_path, "--max-running", "2", "--with", "os=5m", "--with", "cilium=0.5x", "--assume", "10")
    assert (found["status"], found["peak"]["tasks"], found["durations"]["given"]) == ("succeeded", 2, 1)
    assert max(found["critical_path"], key=lambda entry: entry["ends_ms"] - entry["starts_ms"])["item"] == "os"
    found = simulate(tmp_path, "--provider-limit", "local=1", "--assume", "10")
    assert [row["limit"] for row in found["limits"]] == ["provider_limit"]
    assert found["total_ms"] == 100_000


def test_an_environment_is_simulated_as_it_is_validated(tmp_path: Path) -> None:
    """With its layer: three items instead of one, two at a time; another layer can be named."""
    definition = ROOT / "data" / "examples" / "environments.k"
    told = call("simulate", definition, "--env", "prod", "--json", data_dir=tmp_path)
    found = json.loads(told.stdout)
    assert (found["tasks"], [row["limit"] for row in found["limits"]]) == (4, ["parallel"])
    layer = tmp_path / "own.yaml"
    layer.write_text("operations: {install: {count: 2}}", encoding="utf-8")
    told = call("simulate", definition, "--layer", layer, "--json", data_dir=tmp_path)
    assert json.loads(told.stdout)["tasks"] == 3


def test_a_failure_that_was_asked_for_is_no_failure_of_the_command(tmp_path: Path) -> None:
    """It shows what would be undone; one attempt of several fails when a number is given."""
    found = simulate(tmp_path, "--fail", "cilium")
    assert found["status"] == "rolled_back"
    assert len(found["undone"]) == 9
    assert simulate(tmp_path, "--fail", "cilium=1")["status"] == "succeeded"
    told = call("simulate", WUJI, "--fail", "install-cluster/cilium", data_dir=tmp_path)
    assert "would be rolled_back after" in told.stdout
    assert "\nundone:\n" in told.stdout
    assert "  create-servers/local/wuji-cp-0: rolled_back\n" in told.stdout


def test_a_workflow_that_cannot_succeed_is_exit_code_1(tmp_path: Path) -> None:
    """Its tasks take longer than their timeout."""
    told = call("simulate", WUJI, "--with", "create-servers=301s", data_dir=tmp_path)
    assert told.returncode == 1
    assert "would be failed after" in told.stdout
    assert "install-k8s/local/kubernetes: upstream_failed" in told.stdout


def test_what_is_only_assumed_keeps_to_the_timeout(tmp_path: Path) -> None:
    """Who knows nothing of a task does not foresee that it fails."""
    assert call("simulate", WUJI, "--assume", "301", data_dir=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail", "ciliun"], "error: Workflow 'wuji-full-deployment' has no operation or item 'ciliun'.\n"),
        (["--with", "cilium=soon"], "error: 'soon' is neither a factor nor a time.\n"),
        (["--with", "cilium"], "error: --with 'cilium' is not NAME=VALUE.\n"),
        (["--assume", "0"], "error: --assume '0' is not a number of seconds.\n"),
        (["--fail", "cilium=often"], "error: --fail: 'often' is not a number from 1 up.\n"),
        (["--provider-limit", "local=0"], "error: --provider-limit: '0' is not a number from 1 up.\n"),
    ],
)
def test_what_is_not_understood_is_said(tmp_path: Path, arguments: list[str], message: str) -> None:
    """As a usage error, with a hint."""
    told = call("simulate", WUJI, *arguments, data_dir=tmp_path)
    assert told.returncode == 2
    assert told.stderr.startswith(message)


def test_a_bad_definition_is_drawn(tmp_path: Path) -> None:
    """As `validate` does it."""
    bad = ROOT / "tests" / "corpora" / "kcl" / "faulty" / "06_check_failed_timeout.k"
    told = call("simulate", bad, data_dir=tmp_path)
    assert told.returncode == 65
    assert f"{bad}:18:23" in told.stdout
    assert json.loads(call("simulate", bad, "--json", data_dir=tmp_path).stdout)["errors"][0]["code"] == "WF105"


def test_earlier_runs_are_known_by_path_or_by_name(tmp_path: Path) -> None:
    """A workflow of the sample's name, from another path, took a second for one of its tasks."""
    own = OwnDirectory(tmp_path / "d")
    sample = decode(validator.evaluate(str(WUJI), want_plan=True)["plan"].encode())
    same = sample.operations[0].actions["local"].command
    own.submit(plan(operation("create-servers", ("wuji-cp-0",), command=same)), "wuji-full-deployment-abcdef")
    own.happen(AttemptExited("wuji-full-deployment-abcdef.create-servers.local.wuji-cp-0", 1, 0))
    found = simulate(tmp_path / "d")
    counts = found["durations"]
    assert (counts["recorded"], counts["similar"], counts["assumed"]) == (1, 2, 7)
    assert found["order"][0] == found["order"][0] | {"item": "wuji-cp-0", "ends_ms": 1000, "source": "recorded"}


def test_the_settings_of_the_directory_count(tmp_path: Path) -> None:
    """As far as they can be read; the command line counts more."""
    text = "max_running = 3\n[providers.local]\nmax_running = 2\n[providers.other]\n"
    (tmp_path / "orchestrator.toml").write_text(text, encoding="utf-8")
    assert configured(str(tmp_path)) == {"max_running": 3, "provider_limits": {"local": 2}}
    assert simulate(tmp_path)["max_running"] == 3
    assert simulate(tmp_path, "--max-running", "5")["max_running"] == 5
    (tmp_path / "orchestrator.toml").write_text("max_running = [", encoding="utf-8")
    assert configured(str(tmp_path)) == {}


def test_eta_tells_what_is_left(tmp_path: Path) -> None:
    """Of a workflow whose first task took a second; the second began long ago, the third is to come."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a", ("x",)), operation("b", ("y",), ("a",)), operation("c", ("z",), ("b",))), "w-abcdef")
    own.happen(AttemptExited("w-abcdef.a.local.x", 1, 0))
    told = call("eta", "w-abcdef", "--json", data_dir=own.path)
    found = json.loads(told.stdout)
    assert (found["workflow"], found["status"], found["tasks"]) == ("w-abcdef", "running", 2)
    assert (found["recorded"], found["similar"], found["remaining_ms"]) == (0, 2, 1000)
    shown = call("eta", "w-abcdef", data_dir=own.path)
    assert shown.stdout.startswith("w-abcdef: about 1s left, 2 tasks (0 with a recorded duration, 2 as similar ones)\n")
    assert "No daemon runs" in shown.stderr
    own.happen(AttemptExited("w-abcdef.b.local.y", 1, 0))
    own.happen(AttemptExited("w-abcdef.c.local.z", 1, 0))
    assert call("eta", "w-abcdef", data_dir=own.path).stdout == "w-abcdef is over: succeeded\n"
    assert call("eta", "w-absent", data_dir=own.path).returncode == 66


def test_eta_says_that_nothing_goes_on_until_somebody_has_said_how_it_ended(tmp_path: Path) -> None:
    """Behind a task that is unknown; with its id, and the command."""
    own = OwnDirectory(tmp_path / "d")
    once = replace(operation("a", ("x",)), at_most_once=True)
    own.submit(plan(once, operation("b", ("y",), ("a",))), "w-abcdef")
    assert json.loads(call("eta", "w-abcdef", "--json", data_dir=own.path).stdout)["note"] is None
    own.happen(AttemptLost("w-abcdef.a.local.x", 1, "the machine went away"))
    found = json.loads(call("eta", "w-abcdef", "--json", data_dir=own.path).stdout)
    assert found["unknown"] == ["w-abcdef.a.local.x"]
    lines = call("eta", "w-abcdef", data_dir=own.path).stdout.splitlines()
    assert lines[1] == found["note"]
    assert lines[1].startswith("Nothing behind w-abcdef.a.local.x goes on, and the time does not count, until somebody")
    assert lines[1].endswith("orchestrator resolve w-abcdef.a.local.x --as succeeded (or --as failed).")


def test_eta_of_a_command_of_its_own_is_not_that_of_another(tmp_path: Path) -> None:
    """Type, target and provider are the same; the first took a second, the others are assumed, but for its like."""
    own = OwnDirectory(tmp_path / "d")
    one, same = operation("a", ("x",), command="backup"), operation("b", ("y",), ("a",), command="backup")
    own.submit(plan(one, same, operation("c", ("z",), ("b",), command="restore")), "w-abcdef")
    own.happen(AttemptExited("w-abcdef.a.local.x", 1, 0))
    found = json.loads(call("eta", "w-abcdef", "--assume", "100", "--json", data_dir=own.path).stdout)
    assert (found["tasks"], found["similar"], found["recorded"]) == (2, 1, 0)
    assert found["remaining_ms"] == 100_000


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0ms"),
        (999, "999ms"),
        (1000, "1s"),
        (12_340, "12.3s"),
        (59_960, "1m 00s"),
        (245_000, "4m 05s"),
        (3_599_600, "1h 00m"),
        (7_800_000, "2h 10m"),
        (273_600_000, "3d 4h"),
    ],
)
def test_times_are_written_for_people(milliseconds: int, text: str) -> None:
    """Two units at most, and never sixty of one."""
    assert duration(milliseconds) == text
