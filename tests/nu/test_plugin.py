"""The plugin in real Nushells: the oldest supported, one between, the newest.

``plugin/*.transcript`` are sessions: ``> `` is what is typed, below it what Nushell shows (as NUON, unless it is text).
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from nu_plugin_orch import commands
from orchestrator.engine.events import AttemptExited
from tests.files.test_drop import answering
from tests.nu_plugin_orch.commands.test_validate import RIGHT
from tests.support.foreign_directory import STATUS, TASK, make_foreign, write
from tests.support.nushell import NEWEST, OLDEST, PLUGIN, ROOT, VERSIONS, clean_environment, nushell, run_nu
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.terminal import Terminal

TRANSCRIPTS = sorted((Path(__file__).parent / "plugin").glob("*.transcript"))
WORKFLOW = "wuji-4k7q0d"

#: What a hostile file may hold: a row of it must not cost the connection.
WILD = (
    '{"id": "wild", "status": "st\\ud800nge", "created_at": "25-99-99", "priority": -3, "huge": 1' + "0" * 30 + ", "
    '"at": null, "\\ud800": 1, "\\ud801": 2, "some_at": "not a time", "": "empty", "nested": ' + "[" * 300 + "]" * 300 + "}"
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
    lines = [f'print "<<<"; try {{ do {{ {code} }} | shown | print }} catch {{|e| print $"Error: ($e.msg)" }}' for code in typed]
    return "\n".join([shows, *lines])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(path: Path, version: str, world: Path) -> None:
    """Every supported Nushell shows the same."""
    expected = entries(path)
    done = run_nu(
        session([code for code, _ in expected]), home=world / "home", version=version, cwd=world, **runtime()
    )
    shown = done.stdout.replace(str(world), "DIR").split("<<<\n")[1:]
    assert list(zip([code for code, _ in expected], shown, strict=True)) == expected, done.stderr


def runtime() -> dict[str, str]:
    """The evaluator of this test run, and no other."""
    return {"XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]}
