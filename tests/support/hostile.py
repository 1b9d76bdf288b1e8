"""Data directories with something wrong in them: contents, kinds of files, and odd values of single fields."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: A directory of format 1.2 without a daemon: finished and unfinished workflows, an index, a journal of six segments.
GOLDEN = Path(__file__).parents[1] / "golden" / "data" / "1.2"

#: Of it: a workflow that runs, and a task of its.
WORKFLOW = "long-vsc70b"
TASK = "long-vsc70b.first.local.a"

#: A workflow that `make_sound` puts into the archive.
ARCHIVED = "old-aaaaaa"

#: Every kind of file that readers read, below the data directory.
FILES = (
    "status.json",
    "format.json",
    f"tasks/{TASK}.json",
    f"workflows/{WORKFLOW}/state.json",
    f"workflows/{WORKFLOW}/plan.json",
    f"archive/{ARCHIVED}.jsonl",
    "index/tasks.jsonl",
    "journal/000006.jsonl",
    "journal/000001.jsonl",
    "journal/000005.snapshot.jsonl",
    "orchestrator.toml",
    "daemon.lock",
)


def make_sound(folder: Path) -> Path:
    """A copy of `GOLDEN` with an archived workflow."""
    shutil.copytree(GOLDEN, folder)
    folder.chmod(0o700)
    state = json.loads((folder / f"workflows/{WORKFLOW}/state.json").read_text())
    plan = json.loads((folder / f"workflows/{WORKFLOW}/plan.json").read_text())
    task = json.loads((folder / f"tasks/{TASK}.json").read_text())
    entries = [
        {"entry": "workflow", **state, "id": ARCHIVED, "status": "succeeded"},
        {"entry": "plan", "digest": state["plan"], "plan": plan},
        {"entry": "task", **task, "workflow": ARCHIVED, "id": TASK.replace(WORKFLOW, ARCHIVED)},
    ]
    (folder / "archive").mkdir(exist_ok=True)
    lines = "".join(f"{json.dumps(entry)}\n" for entry in entries)
    (folder / f"archive/{ARCHIVED}.jsonl").write_text(lines)
    return folder


def _deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


def _keys(count: int, key: Callable[[int], str]) -> bytes:
    return b"{" + b",".join(json.dumps(key(number)).encode() + b":0" for number in range(count)) + b"}"


def _of_surrogates(number: int) -> str:
    return "".join(chr(0xD800 + (number >> shift & 0x3FF)) for shift in (0, 10))


#: {what is wrong: the whole content}
CONTENTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b"\n\n",
    "null": b"null",
    "a list": b"[1]",
    "a number": b"5",
    "a string": b'"x"',
    "an empty object": b"{}",
    "truncated": b'{"id": "a", ',
    "not UTF-8": b'{"id": "\xff"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"id":"a"}'.encode("utf-16"),
    "zeros": b"\0" * 4096,
    "newlines": b"\n" * 4096,
    "NaN": b'{"priority": NaN}',
    "1e999": b'{"priority": 1e999}',
    "a key twice": b'{"id": "a", "id": "b"}',
    "the last of 30,000 keys twice": _keys(30_000, lambda number: f"k{min(number, 29_998)}"),
    "30,000 keys": _keys(30_000, lambda number: f"k{number}"),
    "15,000 keys of surrogates": _keys(15_000, _of_surrogates),
    "keys of nothing and surrogates": b'{"": 1, "\\ud800": 2, "\\udfff": 3, "?": 4, "\\u0000": 5, "\\ud83d": 6}',
    "a key of 900 kB": b'{"' + b"k" * 900_000 + b'": 1}',
    "that key twice": b'{"' + b"k" * 400_000 + b'": 1, "' + b"k" * 400_000 + b'": 1}',
    "a text of 900 kB": b'{"id": "' + b"x" * 900_000 + b'", "status": "running"}',
    "a list of 100,000": b'{"id": "a", "status": "running", "x": [' + b"0," * 100_000 + b"0]}",
    "a task with everything odd": (
        b'{"id": "a", "status": "\\ud800", "created_at": [[]], "priority": 170141183460469231731687303715884105728, '
        b'"x": [1, {"\\ud800": -0.0}], "duration_ms": 1e300, "started_at": "0000-00-00T00:00:00Z"}'
    ),
    "an object and a line": b'{"seq": 1, "a": [',
    "records without a sum": b'{"seq":1,"time":"x"}\n' * 50,
    "records that are none": b'{"seq":1,"sum":"0123456789abcdef"}\n{"seq":"x","sum":"0123456789abcdef"}\n',
    "a record of a list": b'[1,"sum":"0123456789abcdef"}\n',
    "a record with odd transitions": (
        b'{"seq":77,"synced":5,"time":5,"mono_us":1,"event":[],"workflow":[],"data":[],'
        b'"transitions":[[1,2,3,4,5],[],["a"],{},[[],[],[],[],[]]],"sum":"0123456789abcdef"}\n'
    ),
    "a record of the start with an odd epoch": (
        b'{"seq":77,"synced":5,"time":"x","mono_us":1,"event":"DaemonStarted","workflow":null,'
        b'"data":{"epoch":"x"},"transitions":[],"sum":"0123456789abcdef"}\n'
    ),
    "an index of none": b'{"format":"1.2","epoch":1e999,"seq":-1,"tasks":-5,"rows_bytes":-1,"statuses":[]}\n',
    "an index of a billion": (
        b'{"format":"1.2","epoch":2,"seq":76,"tasks":1000000000,"rows_bytes":99999999999,"statuses":{"a":"pending"}}\n'
    ),
    **{f"{levels} levels": _deep(levels) for levels in (30, 300, 940, 960, 970, 980, 100_000)},
}


def plant_socket(path: Path) -> None:
    """A socket; its name may be too long for one call, so it is bound where we stand."""
    before = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path.name)
    finally:
        os.chdir(before)


def _sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 30)


#: {what is there instead of a file: how it is made}
KINDS: dict[str, Callable[[Path], None]] = {
    "nothing": lambda _: None,
    "a FIFO": os.mkfifo,
    "a directory": lambda path: path.mkdir(),
    "a link to nothing": lambda path: path.symlink_to("/nonexistent"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link to /dev/zero": lambda path: path.symlink_to("/dev/zero"),
    "a link to memory": lambda path: path.symlink_to("/proc/self/mem"),
    "a link to a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a socket": plant_socket,
    "a sparse gigabyte": _sparse,
}


def put(path: Path, make: Callable[[Path], None]) -> None:
    """Remove what is at `path` and make something else there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    make(path)


#: What a field may hold instead of what belongs there; `...` stands for no such field.
ODD: tuple[Any, ...] = (
    ...,
    None,
    True,
    -1,
    2**70,
    10**4000,
    1.5,
    -0.0,
    1e300,
    "",
    "x",
    "\ud800",
    "../../../etc/passwd",
    "a\0b",
    "x" * 5000,
    "9" * 5000,
    [],
    [1],
    [[1]],
    [None],
    {},
    {"a": 1},
    "0000-00-00T00:00:00Z",
    "99999-01-01T00:00:00Z",
    "2026-12-31T23:59:60Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-01-01T00:00:00+99:99",
    "-2026-01-01T00:00:00Z",
)


def with_odd_fields(text: str) -> Iterator[tuple[str, bytes]]:
    """(what is odd, content): the object that `text` is or begins with, each field replaced by each of `ODD`."""
    first, rest = text, ""
    try:
        whole = json.loads(text)
    except ValueError:
        first, rest = text.split("\n", 1)
        whole = json.loads(first)
    for trail in _trails(whole):
        for odd in ODD:
            content = json.loads(first)
            place = content
            for step in trail[:-1]:
                place = place[step]
            if odd is ...:
                del place[trail[-1]]
            else:
                place[trail[-1]] = odd
            encoded = json.dumps(content, separators=(",", ":"))
            yield f"{'.'.join(map(str, trail))} = {odd!r:.40}", (encoded + ("\n" + rest if rest else "")).encode()


def _trails(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Ways to each field of an object, and to each first element of a list; four steps at most."""
    keys = list(value) if isinstance(value, dict) else [0] if isinstance(value, list) and value else []
    for key in keys:
        yield (*before, key)
        if len(before) < 4:
            yield from _trails(value[key], (*before, key))
