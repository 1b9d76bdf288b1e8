"""What runs the daemon as a service: systemd's opinion of the units, and the container's start without a container."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.lock import is_held
from orchestrator.files.state.status import read_status
from orchestrator.interfaces.cli.share import path, text
from orchestrator.interfaces.cli.unit import _escaped
from orchestrator.model import errors
from tests.support.live import read_workflow, wait_for
from tests.support.nushell import PLUGIN, ROOT
from tests.support.shell import call

if TYPE_CHECKING:
    from pathlib import Path

BIN = PLUGIN.parent

DEFINITION = """
import workflows

work = workflows.WorkflowDef {
    name = "work"
    operations = [
        {
            id = "first", type = "create", target = "server", items = ["a"]
            command = "until test -e go; do sleep 0.05; done"
        }
        {id = "second", type = "create", target = "server", items = ["b"], depends_on = ["first"], command = "echo no"}
    ]
}
"""


def unit(kind: str) -> str:
    """What `orchestrator unit` prints, as it is called from its folder of scripts."""
    told = subprocess.run([BIN / "orchestrator", "unit", kind], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    return told.stdout


def complaints(folder: Path, *, of_user: bool = False) -> str:
    """What systemd has to say about the unit in `folder`."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed here (Debian: apt-get install systemd)")
    command = ["systemd-analyze", *(["--user"] if of_user else []), "--man=no", "verify"]
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    told = subprocess.run(
        [*command, str(folder / "orchestrator.service")], capture_output=True, text=True, env=environment
    )
    return "\n".join(line for line in (told.stdout + told.stderr).splitlines() if "orchestrator" in line)


@pytest.mark.parametrize("kind", ["user", "system"])
def test_systemd_understands_the_unit(kind: str, tmp_path: Path) -> None:
    """Every line; and it would notice one that it does not."""
    file = tmp_path / "orchestrator.service"
    file.write_text(unit(kind), encoding="utf-8")
    assert complaints(tmp_path, of_user=kind == "user") == ""
    file.write_text(unit(kind).replace("KillMode=process", "KillMood=process"), encoding="utf-8")
    assert "KillMood" in complaints(tmp_path, of_user=kind == "user")


def test_systemd_understands_the_drop_in(tmp_path: Path) -> None:
    """With the unit that it belongs to."""
    (tmp_path / "orchestrator.service").write_text(unit("system"), encoding="utf-8")
    folder = tmp_path / "orchestrator.service.d"
    folder.mkdir()
    (folder / "confined.conf").write_text(unit("confined"), encoding="utf-8")
    assert complaints(tmp_path) == ""
    (folder / "confined.conf").write_text("[Service]\nProtectSystem=somewhat\n", encoding="utf-8")
    assert "Failed to parse protect system value" in complaints(tmp_path)


@pytest.mark.parametrize("kind", ["user", "system"])
def test_the_unit_runs_this_installation_and_leaves_tasks_alone(kind: str) -> None:
    """The path is real, the words are ones that `serve` takes, and only the daemon itself is told to end."""
    told = unit(kind)
    command = re.search(r"^ExecStart=(\S+) serve --data-dir (\S+)$", told, re.MULTILINE)
    assert command is not None
    assert command[1] == str(BIN / "orchestrator")
    assert "\nKillMode=process\n" in told
    assert "@" not in told
    codes = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    prevented = re.search(r"^RestartPreventExitStatus=(.*)$", told, re.MULTILINE)
    assert prevented is not None
    assert {int(code) for code in prevented[1].split()} <= codes


def test_a_path_is_written_as_systemd_reads_it() -> None:
    """A space is quoted, a percent sign is no specifier."""
    assert _escaped("/opt/x/bin/orchestrator") == "/opt/x/bin/orchestrator"
    assert _escaped("/opt/my tools/100%/orchestrator") == '"/opt/my tools/100%%/orchestrator"'


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of the container: the program on the path, a directory, a runtime folder."""
    (tmp_path / "run").mkdir(mode=0o700)
    return {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "ORCH_DATA_DIR": str(tmp_path / "data"),
        "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"],
    }


@pytest.mark.parametrize("signals", [1, 2])
def test_the_container_drains_when_it_is_told_to_stop(
    signals: int, environment: dict[str, str], tmp_path: Path
) -> None:
    """One signal: what runs ends by itself, nothing new starts. A second one does not wait."""
    data_dir = environment["ORCH_DATA_DIR"]
    (tmp_path / "work.k").write_text(DEFINITION, encoding="utf-8")
    process = subprocess.Popen(["sh", path("container/drain"), "serve"], env=environment, stderr=subprocess.PIPE)
    try:
        wait_for(lambda: is_held(data_dir) and os.path.exists(f"{data_dir}/status.json"), "the daemon")
        workflow = call("submit", tmp_path / "work.k", data_dir=data_dir).stdout.strip()
        wait_for(lambda: read_workflow(data_dir, workflow).get("status") == "running", "the first task")
        process.send_signal(signal.SIGTERM)
        wait_for(lambda: read_status(data_dir)["draining"], "the drain")
        if signals == 2:
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        (tmp_path / "go").touch()  # also what is left of a task ends by that
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
    assert not is_held(data_dir)
    operations = read_workflow(data_dir, workflow)["operations"]
    assert [it["status"] for it in operations] == ["running" if signals == 2 else "succeeded", "pending"]


def test_the_container_ends_as_its_daemon_does(environment: dict[str, str]) -> None:
    """The exit code of a daemon that cannot start is the container's."""
    told = subprocess.run(
        ["sh", path("container/drain"), "serve", "--provider-limit", "x"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (told.returncode, "--provider-limit" in told.stderr) == (2, True)


def test_the_container_file_is_made_of_known_instructions() -> None:
    """No builder is at hand in tests; what can be said without one: its instructions, and that its words are ours."""
    lines = re.sub(r"\\\n", " ", text("container/Containerfile")).splitlines()
    instructions = [line.split(" ", 1) for line in lines if line and not line.startswith("#")]
    names = [name for name, _ in instructions]
    assert names[0] == "FROM"
    assert set(names) <= {
        "FROM", "RUN", "COPY", "USER", "ENV", "WORKDIR", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD",
    }  # fmt: skip
    assert names.index("USER") < names.index("ENTRYPOINT")
    for name, rest in instructions:
        if name == "RUN":
            subprocess.run(["sh", "-n", "-c", rest], check=True)
    found = re.search(r"python -c '(.*?)'", text("container/Containerfile"))
    assert found is not None
    told = subprocess.run([sys.executable, "-c", found[1]], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == path("container/drain")


def test_the_drain_is_plain_shell() -> None:
    """It runs in the container's /bin/sh."""
    checked = subprocess.run(
        [BIN / "shellcheck", "--shell=sh", "--severity=warning", path("container/drain")],
        capture_output=True,
        text=True,
    )
    assert (checked.returncode, checked.stdout) == (0, "")
