"""Ids that lead out of the data directory are refused before anything is opened (F15)."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.support import hostile
from tests.support.nushell import ROOT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.fault("F15")

#: Asks every command about every id with an ear at each open, and says what was opened beyond the data directory.
LISTENER = r"""
import json, os, sys

data_dir, root, ids = sys.argv[1], sys.argv[2], json.loads(sys.stdin.read())
ours = [os.path.realpath(it) for it in (root, sys.prefix, sys.base_prefix)]
heard, opened, failed = [], [], []

def listen(event, arguments):
    if event in ("open", "os.listdir", "os.scandir", "os.rename", "os.remove", "os.mkdir") and arguments:
        heard.append(arguments[0])

from nu_plugin_orch import commands, call as calls
from nu_plugin_orch.protocol.messages import Arguments
from orchestrator.model.errors import OrchestratorError
for name in commands.MODULES:
    commands.load(name)
sys.addaudithook(listen)
span = {"start": 1, "end": 2}

def wire(text):
    return {"String": {"val": text, "span": span}}

def is_inside(path):
    if not isinstance(path, (str, bytes)):
        return True  # a descriptor
    text = os.fsdecode(path)
    if ".." in text.split("/"):
        return False
    whole = os.path.realpath(os.path.join("/", text)) if text.startswith("/") else text
    if not text.startswith("/"):
        return "/" not in text  # a name in a folder that is open
    allowed = [data_dir, *ours, "/etc/passwd", "/dev/null", "/proc/self", "/usr/share/zoneinfo"]
    return text.startswith(data_dir) or any(whole.startswith(it) for it in allowed)

for identifier in ids:
    ways = []
    for name in commands.MODULES:
        ways.append((name, Arguments(span, [wire(identifier)], {}, {})))
        for flag in ("workflow", "operation", "item", "task", "to", "from"):
            ways.append((name, Arguments(span, [wire("w1")], {flag: wire(identifier)}, {flag: span})))
    for name, arguments in ways:
        if name in ("orch validate", "orch simulate", "orch submit", "orch check"):
            continue  # they take a path, which may lead anywhere
        it = calls.Call(arguments, {})
        it.data_dir = data_dir
        del heard[:]
        try:
            found = commands.load(name).run(it)
            if isinstance(found, calls.Later):
                found = found.work()
            if isinstance(found, calls.Stream):
                found.source.poll()
                found.source.close()
        except (OrchestratorError, StopIteration):
            pass
        except Exception as error:
            failed.append(f"{name} {identifier[:40]!r} {list(arguments.named)}: {type(error).__name__}: {error}")
        opened += [f"{name} {identifier[:40]!r}: {path!r}" for path in heard if not is_inside(path)]
print(json.dumps({"opened": opened, "failed": failed}))
"""


def ids(outside: Path) -> list[str]:
    """Ids as nobody types them by mistake."""
    return [
        "..",
        ".",
        "../secret",
        "../../secret/state",
        "w1/../../secret",
        "w1/../../../../../../etc/passwd",
        str(outside),
        f"{outside}/secret.json",
        "/etc/passwd",
        "~root",
        "a\0b",
        "../secret\0",
        "a\nb",
        "a\rb",
        "-rf",
        "",
        " ",
        "x" * 10_000,
        "../" * 3_000,
        "\ud800",
        "%2e%2e%2fsecret",
        "..\\secret",
        "con",
        ".hidden",
        "w1.a.local./../../../secret",
        "w1.a.local.x/../../secret",
        "w1.../secret.local.x",
        "$(touch /tmp/x)",
        "*",
        "9" * 5_000,
        "0:" + "9" * 5_000,
        "99999999999999999999:1",
    ]


def test_no_id_leads_out_of_the_directory(tmp_path: Path) -> None:
    """Every command, as its argument and in each flag that takes one: told, and nothing outside is opened."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "state.json").write_text("{}")
    (tmp_path / "secret.json").write_text("{}")
    data_dir = hostile.make_sound(tmp_path / "data")
    ended = subprocess.run(
        [sys.executable, "-c", LISTENER, str(data_dir), str(ROOT)],
        input=json.dumps(ids(tmp_path)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["opened"] == []
    assert found["failed"] == []
