"""The same tasks in what one would otherwise keep them in: JSON lines, MessagePack, SQLite, a REST server's memory."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgpack  # type: ignore[import-untyped]

from orchestrator.files.tables.index import Index
from tests.bench import bench_peers

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The columns of `orch tasks` without --long, as files of ours name them.
COLUMNS = (
    *("id", "status", "created_at", "priority", "workflow", "operation"),
    *("item", "attempt", "duration_ms", "reason", "error"),
)

#: Of a row that nobody's table shows.
_NOT_SHOWN = ("format", "seq")

_SERVER = Path(__file__).with_name("rest_peer.py")


class Files(NamedTuple):
    """Paths of the peers' files, and the rows that are in all of them, in the order of tables."""

    lines: Path
    msgpack: Path
    narrow: Path
    sqlite: Path
    rows: list[dict[str, Any]]


class Rest(NamedTuple):
    """A server that runs."""

    url: str
    pid: int


def write_files(data_dir: str, folder: Path) -> Files:
    """The rows of a data directory's index in files of the peers."""
    index = Index(data_dir)
    rows = [{name: value for name, value in row.items() if name not in _NOT_SHOWN} for row in index.rows(index.find())]
    index.close()
    files = Files(folder / "all.jsonl", folder / "all.msgpack", folder / "narrow.msgpack", folder / "all.db", rows)
    files.lines.write_text("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows), encoding="utf-8")
    files.msgpack.write_bytes(msgpack.packb(rows))
    files.narrow.write_bytes(msgpack.packb([{name: row[name] for name in COLUMNS} for row in rows]))
    _write_sqlite(files.sqlite, rows)
    return files


def _write_sqlite(path: Path, rows: list[dict[str, Any]]) -> None:
    """As somebody would who wants to find tasks by status: with an index in the order of tables."""
    columns = list(rows[0]) if rows else ["id", "status", "created_at", "priority"]
    connection = sqlite3.connect(path)
    connection.execute(f"create table tasks ({', '.join(columns)})")
    connection.executemany(
        f"insert into tasks values ({', '.join('?' * len(columns))})", (tuple(row.values()) for row in rows)
    )
    connection.execute("create index by_status on tasks (status, priority desc, created_at, id)")
    connection.execute("create index by_order on tasks (priority desc, created_at, id)")
    connection.commit()
    connection.close()


@contextmanager
def rest_server(files: Files, data_dir: str) -> Iterator[Rest | str]:
    """A server of these rows, or why there is none."""
    missing = bench_peers.install()
    if missing:
        yield f"no REST server: {missing}"
        return
    command = [str(bench_peers.VENV / "bin" / "python"), str(_SERVER), str(files.lines), f"{data_dir}/status.json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    port = process.stdout.readline().strip()
    try:
        yield Rest(f"http://127.0.0.1:{port}", process.pid) if port else "the REST server did not start"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()
