"""The plugin under a real Nushell that asks much at once, or dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.support import hostile
from tests.support.live import wait_for
from tests.support.nushell import NEWEST, OLDEST, PLUGIN, clean_environment, nushell, run_nu
from tests.support.processes import children, runs

if TYPE_CHECKING:
    from pathlib import Path

#: What the command line of a plugin has in it.
_PLUGIN = "nu_plugin_orch"

#: Rounds of calls; what is held after the last is compared with what is held after the second.
ROUNDS = 6 * int(os.environ.get("ORCH_FAULT_RUNS", "1"))

#: A thousand calls, 32 at a time: [{call, answer}, ...] and what the plugin's process holds behind each round, once the
#: streams that Nushell has just dropped are closed.
CROWD = """
let pid = (plugin list | where name == orch | get 0.pid)
let holds = {||
    let rss = (open --raw $"/proc/($pid)/status" | lines | where $it =~ "VmRSS" | get 0 | split row -r '\\s+' | get 1)
    {
        fds: (ls $"/proc/($pid)/fd" | length), threads: (ls $"/proc/($pid)/task" | length), kib: ($rss | into int)
    }
}
let settled = {||
    let looks = (1..10 | each { sleep 20ms; do $holds })
    {fds: ($looks.fds | math min), threads: ($looks.threads | math min), kib: ($looks.kib | math min)}
}
let rounds = (1..ROUNDS | each {|round|
    let answers = (0..<1000 | par-each --threads 32 {|i|
        let answer = (match ($i mod 8) {
            0 => (orch status | get tasks_completed)
            1 => (orch tasks | length)
            2 => (orch watch --from 0:0 | first 3 | length)
            3 => (orch workflows | length)
            4 => (try { orch why nope } catch { "told" })
            5 => (orch tasks --limit 2 | get id | length)
            6 => (orch workflow long-vsc70b | get status)
            _ => (orch why long-vsc70b | get subject)
        })
        $"($i mod 8) ($answer)"
    })
    {answers: ($answers | uniq --count | sort-by value), holds: (do $settled)}
})
{before: $pid, after: (plugin list | where name == orch | get 0.pid), rounds: $rounds} | to json --raw
"""

#: Behind each call what it says; 125 of each.
RIGHT = {
    "0 22": 125,
    "1 44": 125,
    "2 3": 125,
    "3 9": 125,
    "4 told": 125,
    "5 2": 125,
    "6 running": 125,
    "7 long-vsc70b": 125,
}


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_a_thousand_calls_at_once(tmp_path: Path, version: str) -> None:
    """Each has its own right answer from one process, which holds no more afterwards than before."""
    sound = hostile.make_sound(tmp_path / "data")
    code = CROWD.replace("ROUNDS", str(ROUNDS))
    ended = run_nu(code, home=tmp_path / "home", version=version, ORCH_DATA_DIR=str(sound))
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["before"] == found["after"]
    for round in found["rounds"]:
        counted: dict[str, int] = {}
        for answer in round["answers"]:
            counted[answer["value"]] = counted.get(answer["value"], 0) + answer["count"]
        assert counted == RIGHT
    second, last = found["rounds"][1]["holds"], found["rounds"][-1]["holds"]
    assert last["fds"] <= second["fds"] + 2
    assert last["threads"] <= second["threads"]
    assert last["kib"] < second["kib"] * 1.2 + 1000


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize(
    "code",
    [
        "orch watch | each { print $in }",
        "orch watch --from 0:0 | each { sleep 1sec }",
        "1..5 | par-each { orch watch | length }",
        "orch tasks; sleep 1min",
    ],
)
def test_nushell_is_killed(tmp_path: Path, version: str, code: str) -> None:
    """Amid a stream, a full window, several, or nothing: the plugin is gone with it, within a moment."""
    sound = hostile.make_sound(tmp_path / "data")
    command = [
        str(nushell(version)),
        "--no-config-file",
        "--no-std-lib",
        "--plugins",
        f"[{PLUGIN}]",
        "--commands",
        code,
    ]
    shell = subprocess.Popen(
        command,
        env=clean_environment(tmp_path / "home", ORCH_DATA_DIR=str(sound)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    plugins = wait_for(lambda: [pid for pid in children(shell.pid) if runs(pid, _PLUGIN)], "the plugin")
    time.sleep(0.3)  # whatever of its stream it has read by then: it is killed amid it
    shell.send_signal(signal.SIGKILL)
    shell.wait()
    began = time.monotonic()
    wait_for(lambda: not any(runs(pid, _PLUGIN) for pid in plugins), "the plugin's end", 5.0)
    assert time.monotonic() - began < 3.0


def test_odd_cells_are_shown(tmp_path: Path) -> None:
    """A real Nushell decodes whatever the files hold: each content is shown or told, and the others are shown."""
    sound = hostile.make_sound(tmp_path / "data")
    for number, content in enumerate(hostile.CONTENTS.values()):
        (sound / f"tasks/odd{number}.json").write_bytes(content)
    good = len(list(hostile.GOLDEN.glob("tasks/*.json")))
    code = "orch tasks --all --long | where id !~ '^odd' | length; orch workflows | length; orch status | get running"
    ended = run_nu(code, home=tmp_path / "home", ORCH_DATA_DIR=str(sound))
    assert ended.returncode == 0, ended.stderr
    assert "orch::bug" not in ended.stderr
    shown = run_nu("orch tasks --all --long | to json -r", home=tmp_path / "home", ORCH_DATA_DIR=str(sound))
    assert shown.returncode == 0, shown.stderr[-2000:]
    rows = json.loads(shown.stdout)
    archived = 1
    assert len(rows) == good + archived + len(hostile.CONTENTS)
    assert sum(row["status"] == "corrupt" for row in rows) >= 20
