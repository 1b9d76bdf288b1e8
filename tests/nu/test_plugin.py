"""The plugin in real Nushells: the oldest supported, one between, the newest.

``plugin/*.transcript`` are sessions: ``> `` is what is typed, below it what Nushell shows (as NUON, unless it is text).
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nu_plugin_orch import commands
from orchestrator.engine.events import AttemptExited
from orchestrator.interfaces.spool.request import SubmitArguments
from tests.files.test_drop import answering
from tests.nu.test_plugin_examples import LOOKING
from tests.nu_plugin_orch.commands.test_validate import RIGHT
from tests.support.foreign_directory import STATUS, TASK, make_foreign, write
from tests.support.nushell import EVERY, NEWEST, OLDEST, PLUGIN, clean_environment, nushell, run_nu
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.terminal import Terminal

if TYPE_CHECKING:
    from orchestrator.interfaces.spool.inbox import Inbox
    from orchestrator.interfaces.spool.request import Request

TRANSCRIPTS = sorted((Path(__file__).parent / "plugin").glob("*.transcript"))
WORKFLOW = "wuji-4k7q0d"

#: What a hostile file may hold: a row of it must not cost the connection.
WILD = (
    '{"id": "wild", "status": "st\\ud800nge", "created_at": "25-99-99", "priority": -3, "huge": 1' + "0" * 30 + ", "
    '"at": null, "\\ud800": 1, "\\ud801": 2, "some_at": "not a time", "": "empty", "nested": '
    + "[" * 300
    + "]" * 300
    + "}"
)


def make_own(path: Path) -> OwnDirectory:
    """A directory of ours: one task has succeeded, one has failed, one waits for the failed one, one runs."""
    own = OwnDirectory(path)
    operations = (operation("a", ("x", "y"), on_failure="continue"), operation("b", ("z",), ("a",)), operation("c"))
    own.submit(plan(*operations), WORKFLOW)
    own.happen(AttemptExited(f"{WORKFLOW}.a.local.x", 1, 0))
    own.happen(AttemptExited(f"{WORKFLOW}.a.local.y", 1, 3))
    return own


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with data directories of every kind."""
    folder = tmp_path_factory.mktemp("world")
    make_own(folder / "own")
    tasks = [("task-001", "pending", 10, 5), ("task-002", "running", 11, 7), ("task-003", "failed", 12, 5)]
    rows = [
        {"id": name, "status": status, "created_at": f"2025-01-11T{hour}:00:00Z", "priority": priority}
        for name, status, hour, priority in tasks
    ]
    make_foreign(folder / "foreign", *rows)
    make_foreign(folder / "damaged", TASK)
    (folder / "damaged" / "tasks" / "bad.json").touch()
    make_foreign(folder / "hostile")
    write(folder / "hostile" / "tasks" / "wild.json", WILD)
    write(folder / "hostile" / "tasks" / "deep.json", '{"id": ' + "[" * 50_000)
    write(folder / "hostile" / "tasks" / "twice.json", '{"id": "a", "id": "b"}')
    (folder / "hostile" / "tasks" / "binary.json").write_bytes(bytes(range(256)))
    (folder / "broken").mkdir()
    write(folder / "broken" / "status.json", '{"running": true')
    make_foreign(folder / "newer", status={**STATUS, "format": "2.0"})
    OwnDirectory(folder / "checkout" / "data" / "state")
    (folder / "checkout" / "deep" / "down").mkdir(parents=True)
    (folder / "right.k").write_text(RIGHT, encoding="utf-8")
    (folder / "wrong.k").write_text(RIGHT.replace('["one"]', '["oen"]'), encoding="utf-8")
    return folder


def entries(path: Path) -> list[tuple[str, str]]:
    """(what is typed, what is shown) of a transcript."""
    found: list[tuple[str, str]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("> "):
            found.append((line[2:], ""))
        elif line and not line.startswith("# "):
            found[-1] = (found[-1][0], f"{found[-1][1]}{line}\n")
    return found


def session(typed: list[str]) -> str:
    """A script that shows what each line of a session gives, behind a line of its own."""
    shows = "def shown []: any -> string { let it = $in; if ($it | describe) == string { $it } else { $it | to nuon } }"
    lines = [
        f'print "<<<"; try {{ do {{ {code} }} | shown | print }} catch {{|e| print $"Error: ($e.msg)" }}'
        for code in typed
    ]
    return "\n".join([shows, *lines])


@pytest.mark.parametrize("version", EVERY)
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, version: str, world: Path) -> None:
    """Every supported Nushell shows the same."""
    expected = entries(path)
    done = run_nu(
        session([code for code, _ in expected]),
        home=world / "home",
        version=version,
        cwd=world,
        XDG_RUNTIME_DIR=os.environ["XDG_RUNTIME_DIR"],
    )
    shown = done.stdout.replace(str(world), "DIR").split("<<<\n")[1:]
    assert list(zip([code for code, _ in expected], shown, strict=True)) == expected, done.stderr


#: Those of data/sample are in test_plugin_examples.py.
EXAMPLES = [
    it["example"]
    for name in commands.MODULES
    if name not in LOOKING
    for it in commands.load(name).SIGNATURE["examples"]
]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_every_example_runs(version: str, tmp_path: Path) -> None:
    """As help shows it, in a directory with a daemon (requirement R2-34)."""
    own = make_own(tmp_path / "own")
    own.submit(plan(operation("a")), "checks-000000")
    own.happen(AttemptExited("checks-000000.a.local.x", 1, 0))
    results: dict[str, dict[str, object]] = {
        "submit": {"workflow": WORKFLOW, "name": "wuji", "tasks": 10, "plan": "sha256:1", "warnings": []},
        "check": {"workflow": "checks-000000", "name": "checks", "tasks": 1, "plan": "sha256:1", "warnings": []},
        "cancel": {"workflow": WORKFLOW, "status": "cancelled"},
        "pause": {"workflow": WORKFLOW, "status": "paused"},
        "resume": {"workflow": WORKFLOW, "status": "running"},
        "retry": {"workflow": WORKFLOW, "status": "queued", "tasks": 2},
        "rollback": {"workflow": WORKFLOW, "status": "rolling_back", "tasks": 1, "note": "rolled back by somebody"},
        "resolve": {"workflow": WORKFLOW, "task": f"{WORKFLOW}.a.local.x", "status": "succeeded"},
    }

    def answer(inbox: Inbox, request: Request) -> None:
        is_check = isinstance(request.arguments, SubmitArguments) and request.arguments.check
        inbox.reply(request.key, 5, results["check" if is_check else request.command])

    with answering(own, answer):
        done = run_nu(
            session(EXAMPLES),
            home=tmp_path / "home",
            version=version,
            ORCH_DATA_DIR=own.path,
            XDG_RUNTIME_DIR=os.environ["XDG_RUNTIME_DIR"],
        )
    shown = done.stdout.split("<<<\n")[1:]
    assert len(shown) == len(EXAMPLES)
    assert [
        code for code, text in zip(EXAMPLES, shown, strict=True) if text.startswith("Error") or not text.strip()
    ] == []


@pytest.mark.parametrize("version", EVERY)
def test_is_registered_and_used_by_its_name(version: str, world: Path, tmp_path: Path) -> None:
    """`plugin add` with the path, `plugin use orch` ever after (requirement R2-33, ruling A-29)."""
    registry = tmp_path / "plugins.msgpackz"
    added = run_nu(f"plugin add --plugin-config {registry} {PLUGIN}", home=tmp_path, version=version, plugin=False)
    assert (added.returncode, added.stderr) == (0, "")
    code = f"plugin use --plugin-config {registry} orch; orch status -d foreign | get tasks_pending"
    used = run_nu(code, home=tmp_path, version=version, plugin=False, cwd=world)
    assert used.stdout.strip() == "5", used.stderr


@pytest.mark.parametrize("version", EVERY)
def test_help_lists_every_command(version: str, tmp_path: Path) -> None:
    """With description, flags and examples; the bare command lists them too (requirement R2-34)."""
    table = "help commands | where name starts-with orch | select name category command_type description | to json"
    code = f"print ({table}); print '<<<'; print (orch); print (orch tasks --help)"
    done = run_nu(code, home=tmp_path, version=version)
    told, text = done.stdout.split("<<<\n")
    found = {row["name"]: row for row in json.loads(told)}
    assert set(found) == set(commands.MODULES)
    assert {(row["category"], row["command_type"]) for row in found.values()} == {("orch", "plugin")}
    assert all(row["description"] for row in found.values())
    assert all(name in text for name in commands.MODULES)
    assert "orch tasks --status [failed timed_out] --limit 5" in text


@pytest.mark.parametrize("version", EVERY)
def test_labels_point_at_what_was_typed(version: str, world: Path) -> None:
    """At the flag with its value, the argument or the command; at no other text of the user's (requirement R2-21)."""
    cases = [
        ("orch status --data-dir nowhere", "--data-dir nowhere", "this data directory"),
        ("orch status", "orch status", "here"),
        ("orch tasks --limit -5", "--limit -5", "less than none"),
        ("orch workflow nobody -d own", "nobody", "not known here"),
        ("orch why nobody -d own", "nobody", "not known here"),
        ("orch validate nowhere.k", "nowhere.k", "cannot be read"),
    ]
    for code, marked, label in cases:
        done = run_nu(code, home=world / "home", version=version, cwd=world, SECRET_OF_MINE="hidden")
        assert done.returncode == 1
        lines = done.stderr.splitlines()
        (number,) = [n for n, line in enumerate(lines) if line.endswith(code)]
        place = re.search(r"[\^|]+$", lines[number + 1])
        assert place is not None
        assert lines[number][place.start() : place.end()] == marked, done.stderr
        assert label in lines[number + 2]
        assert "hidden" not in done.stderr


@pytest.mark.parametrize("version", EVERY)
def test_an_error_about_a_row_points_at_the_command(version: str, world: Path) -> None:
    """Every value knows where it comes from."""
    done = run_nu(
        "orch tasks -d foreign | first | get nothing_like_it", home=world / "home", version=version, cwd=world
    )
    assert "nothing_like_it" in done.stderr
    assert "orch tasks" in done.stderr


def test_a_warning_that_nobody_can_hear_spoils_no_answer(world: Path) -> None:
    """Standard error may be a pipe whose reader is gone."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [str(nushell()), "--no-config-file", "--no-std-lib", "--plugins", f"[{PLUGIN}]"]
    code = "[(orch tasks -d damaged | get id) (orch stats -d damaged | get total)] | to nuon"
    done = subprocess.run(
        [*command, "--commands", code],
        cwd=world,
        env=clean_environment(world / "home"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=write_end,
        text=True,
    )
    os.close(write_end)
    assert done.stdout.strip() == '[["task-001"], 1]'


def test_calls_at_the_same_time_share_one_process(world: Path) -> None:
    """And each gets its own answer."""
    code = (
        "1..40 | par-each {|n| orch status -d ([own foreign] | get ($n mod 2)) } | get data_dir | uniq -c | get count"
    )
    assert run_nu(f"{code} | to nuon", home=world / "home", cwd=world).stdout.strip() == "[20, 20]"


def test_a_plugin_that_was_killed_is_started_again(world: Path) -> None:
    """Calls may fail until Nushell has noticed; then they work."""
    kill = "orch status -d own; ^kill -9 (plugin list | where name == orch | get 0.pid)"
    code = f"{kill}; mut seq: any = null; while $seq == null {{ $seq = try {{ orch status -d own | get seq }} }}; $seq"
    done = run_nu(code, home=world / "home", cwd=world)
    assert done.stdout.strip() == "4", done.stderr


def test_readers_see_whole_files_while_a_daemon_writes(tmp_path: Path) -> None:
    """Two hundred readings while every file changes all the time, without an error (requirement R2-31)."""
    own = make_own(tmp_path / "own")
    over = threading.Event()

    def write_on() -> None:
        number = 0
        while not over.is_set():
            number += 1
            own.submit(plan(operation("a")), f"w{number}")
            own.happen(AttemptExited(f"w{number}.a.local.x", 1, number % 2))

    writer = threading.Thread(target=write_on)
    writer.start()
    code = "1..100 | par-each {|n| orch status -d own | get tasks_pending; orch tasks -d own | length } | length"
    done = run_nu(code, home=tmp_path / "home", cwd=tmp_path)
    over.set()
    writer.join()
    assert (done.stdout.strip(), done.stderr) == ("100", "")


@pytest.fixture(params=EVERY)
def terminal(request: pytest.FixtureRequest, world: Path, tmp_path: Path) -> Any:
    """A prompt in the folder of data directories, with the plugin."""
    command = [str(nushell(request.param)), "--no-std-lib", "--plugins", f"[{PLUGIN}]"]
    env = clean_environment(tmp_path, XDG_RUNTIME_DIR=os.environ["XDG_RUNTIME_DIR"])
    with Terminal(command, cwd=world, env=env) as opened:
        yield opened


def test_ctrl_c_brings_the_prompt_back(terminal: Terminal) -> None:
    """While a stream waits for something to happen; the plugin goes on serving."""
    terminal.keys("orch watch -d own --from 0:0 | each {|it| print $'now ($it.status)' }\r")
    terminal.wait_for("now upstream_failed")
    terminal.interrupt()
    assert "42000" in terminal.run("print (6 * 7000)")
    terminal.keys("orch tasks -d own | get status | to nuon\r")
    terminal.wait_for("[succeeded, failed, upstream_failed, running]")


def test_tab_offers_statuses_and_ids(terminal: Terminal, request: pytest.FixtureRequest) -> None:
    """Where the version of Nushell asks for them: statuses since 0.108, ids since 0.109."""
    terminal.run("$env.ORCH_DATA_DIR = 'own'; orch status | get seq")
    version = request.node.callspec.params["terminal"]
    if version >= "0.108":
        terminal.keys("orch tasks --status timed\t")
        terminal.wait_for("orch tasks --status timed_out")
        terminal.keys("\x15")
    if version >= "0.109":
        terminal.keys("orch cancel wuj\t")
        terminal.wait_for(f"orch cancel {WORKFLOW}")
        terminal.keys("\x15")
    terminal.keys("print (6 * 7000)\r")
    terminal.wait_for("42000")
