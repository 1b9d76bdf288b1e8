"""The examples in the help of every ``orch`` command, typed as they stand into real Nushells (requirement R2-34).

Those that look are run on data/sample, where their results are as promised; those that steer need a daemon, and a
workflow in the right state for each.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from nu_plugin_orch import commands
from tests.support.live import wait_for
from tests.support.nushell import NEWEST, OLDEST, ROOT, run_nu

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveDaemon

SAMPLE = ROOT / "data" / "sample"

#: {command that steers: (what its workflow does, the request that brings it into the right state)}
STEERING: dict[str, tuple[str, str | None]] = {
    "orch cancel": ("slow", None),
    "orch pause": ("slow", None),
    "orch resume": ("slow", "pause"),
    "orch retry": ("bad", None),
    "orch rollback": ("good", None),
}

#: Need a daemon, and no workflow. (A task whose end nobody knows, for `orch resolve`, is made in test_steering.py.)
HANDING_IN = ("orch submit", "orch check")

#: What examples name that are not of data/sample (test_plugin.py runs those, too), and what there is instead.
EXAMPLE_ID = "wuji-4k7q0d"
NAMES = {"--from b": "--from second", "--to operations-5": "--to start"}


def _is_of_sample(name: str) -> bool:
    return name not in HANDING_IN and EXAMPLE_ID not in repr(commands.load(name).SIGNATURE["examples"])


LOOKING = [name for name in commands.MODULES if _is_of_sample(name)]


def examples_of(name: str) -> list[dict[str, Any]]:
    """Of a command."""
    found: list[dict[str, Any]] = commands.load(name).SIGNATURE["examples"]
    return found


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", LOOKING)
def test_examples_give_what_they_promise(name: str, version: str, tmp_path: Path) -> None:
    """Each runs, and those with a result give it: the one that Nushell itself shows in the help."""
    codes = [example["example"] for example in examples_of(name)]
    script = [f"let told = (scope commands | where name == '{name}' | get 0.examples)"]
    script += [f"let got{number} = ({code})" for number, code in enumerate(codes)]
    rows = ", ".join(
        f"{{same: ($told.{number}.result == null or $told.{number}.result == $got{number}), "
        f"promised: ($told.{number}.result != null), got: ($got{number} | to nuon)}}"
        for number in range(len(codes))
    )
    script.append(f"[{rows}] | to json | save answers.json")
    text = "\n".join(script).replace("data/examples", str(ROOT / "data" / "examples"))
    result = run_nu(text, home=tmp_path, version=version, cwd=tmp_path, ORCH_DATA_DIR=str(SAMPLE))
    assert result.returncode == 0, result.stderr
    answers = json.loads((tmp_path / "answers.json").read_text())
    assert all(answer["same"] for answer in answers), answers
    assert [answer["promised"] for answer in answers] == [it["result"] is not None for it in examples_of(name)]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_examples_that_steer(version: str, daemon: LiveDaemon, definitions: Path, tmp_path: Path) -> None:
    """Each with a workflow of its own."""
    for name, (definition, before) in STEERING.items():
        for example in examples_of(name):
            workflow = daemon.submit(definitions / f"{definition}.k")
            if definition == "slow":
                wait_for(lambda: _is_running(daemon, workflow), f"{workflow} to run")  # noqa: B023 - awaited here
            else:
                daemon.wait_until_over(workflow)
            if before is not None:
                daemon.request(before, {"workflow": workflow})
            code = example["example"].replace(EXAMPLE_ID, workflow)
            for written, there in NAMES.items():
                code = code.replace(written, there)
            result = run_nu(code, home=tmp_path, version=version, ORCH_DATA_DIR=daemon.data_dir)
            assert result.returncode == 0, result.stderr
            if name in ("orch pause", "orch resume"):
                daemon.request("cancel", {"workflow": workflow})
            daemon.wait_until_over(workflow)


@pytest.mark.parametrize("name", HANDING_IN)
def test_examples_that_hand_in(name: str, daemon: LiveDaemon, tmp_path: Path) -> None:
    """A definition of the checkout."""
    for example in examples_of(name):
        result = run_nu(example["example"], home=tmp_path, ORCH_DATA_DIR=daemon.data_dir)
        assert result.returncode == 0, result.stderr


def _is_running(daemon: LiveDaemon, workflow: str) -> bool:
    from tests.support.live import read_workflow

    return bool(read_workflow(daemon.data_dir, workflow).get("status") == "running")
