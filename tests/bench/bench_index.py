"""What the index of tasks is worth: fifty failed tasks out of very many, by a process that has just begun.

The file that the daemon keeps, an SQLite file of the same rows, and the task files themselves, each read by a fresh
``python -I -S``; beside them what the daemon pays for writing it. This bench decided the form (docs/decisions).
Usage: ``python -m tests.bench.bench_index [--tasks 100000] [--rounds 15] [--files]``.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from orchestrator.store.index import TasksIndex
from orchestrator.store.realdisk import RealDisk
from tests.bench.rows import task_files

ROOT = Path(__file__).resolve().parents[2]

_OURS = """
from orchestrator.files.tables.index import Index
index = Index(sys.argv[1])
found = index.rows(index.find(["failed"], 50))
"""

_SQLITE = """
import sqlite3, json
db = sqlite3.connect(f"file:{sys.argv[1]}/tasks.db?mode=ro", uri=True)
query = "select row from tasks where status = 'failed' order by place limit 50"
found = [json.loads(row) for (row,) in db.execute(query)]
"""

_FILES = """
from orchestrator.files.state.tasks import read_tasks
found, _ = read_tasks(sys.argv[1], statuses=["failed"], limit=50)
"""


def time_script(script: str, data_dir: str, rounds: int) -> float:
    """Median milliseconds of a fresh interpreter that runs `script`, which must find fifty rows."""
    text = f"import sys; sys.path.insert(0, {str(ROOT)!r}){script}assert len(found) == 50"
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        subprocess.run([sys.executable, "-I", "-S", "-c", text, data_dir], check=True)
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1e3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--files", action="store_true", help="also make and read the task files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as data_dir:
        (Path(data_dir) / "index").mkdir()
        index = TasksIndex(RealDisk(), data_dir)
        files = task_files(options.tasks)
        for path, content in files:
            index.note(path, content)
        index.encode(1, 1)
        began = time.perf_counter()
        index.write(1, 1, 0)
        writing = (time.perf_counter() - began) * 1e3
        began = time.perf_counter()
        _write_sqlite(f"{data_dir}/tasks.db", files)
        sqlite_writing = (time.perf_counter() - began) * 1e3
        rows = [("empty python -I -S", time_script("\nfound = [0] * 50\n", data_dir, options.rounds), 0.0)]
        rows.append(("index/tasks.jsonl", time_script(_OURS, data_dir, options.rounds), writing))
        rows.append(("SQLite, indexed", time_script(_SQLITE, data_dir, options.rounds), sqlite_writing))
        if options.files:
            (Path(data_dir) / "tasks").mkdir()
            for path, content in files:
                (Path(data_dir) / path).write_bytes(content)
            rows.append(("the task files", time_script(_FILES, data_dir, 3), 0.0))
    print(f"50 failed tasks of {options.tasks}, a fresh process")
    for name, reading, writes in rows:
        print(f"  {name:20} {reading:8.1f} ms   {reading / rows[0][1]:6.2f}   written in {writes:7.1f} ms")


def _write_sqlite(path: str, files: list[tuple[str, bytes]]) -> None:
    database = sqlite3.connect(path)
    database.execute("create table tasks (place integer primary key, status text, row text)")
    rows = [(json.loads(content)["status"], content.decode()) for _, content in files]
    database.executemany("insert into tasks (status, row) values (?, ?)", rows)
    database.execute("create index by_status on tasks (status, place)")
    database.commit()
    database.close()


if __name__ == "__main__":
    main()
