"""P1, P3, P4 with many tasks, beside what one would do without us: open the files, keep one file, ask a server.

For each number of tasks a data directory is made as a daemon leaves it, and the same rows in the peers' forms. Subjects
take turns in one Nushell (warm), or each time in a process of its own (cold), and must all give the same answer.
Figures are medians in milliseconds; the ratio is to opening the files oneself (``ls | each { open $in.name }``).

Usage: ``python -m tests.bench.bench_tables [--sizes 100,1000,10000,100000] [--nu PATH] [--json FILE] [--write PAGE]``.
``--write docs/speed-nushell.md`` measures what `bench_nushell` does, too, records everything beside the page and draws
its tables and its picture anew.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.store.lock import DirectoryLock
from tests.bench import bench_nushell
from tests.bench.inside_nu import (
    NU,
    PLUGIN,
    ROOT,
    Measured,
    Subject,
    environment,
    measure,
    rss_kib,
    run,
    told,
    whole_process_ms,
)
from tests.bench.table_peers import Files, Rest, rest_server, write_files
from tests.support.many_tasks import make_directory

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = (100, 1000, 10_000, 100_000)
COLD_ROUNDS = 7
LIMIT = 50

#: What is asked: (key, what it is called, the budget in ms with the number of tasks that it is for).
QUERY, ALL, STATUS = "query", "all", "status"
OURS, FILES = "orch", "ls | each open"

_IDS = 'get id | str join " "'
_SORTED = "sort-by {|row| 0 - $row.priority} created_at id"


def warm_subjects(rest: Rest | str) -> dict[str, list[Subject]]:
    """{what is asked: who is asked}, for a Nushell that knows $env.DIR and $env.FOLDER."""
    each = "ls ($env.DIR + /tasks/*.json | into glob) | each { open $in.name }"
    par_each = each.replace("| each", "| par-each")
    lines = "open ($env.FOLDER | path join all.jsonl) --raw | from json --objects"
    packed = "open ($env.FOLDER | path join all.msgpack)"
    database = "open ($env.FOLDER | path join all.db)"
    order = "order by priority desc, created_at, id"
    failed = f"where status == failed | first {LIMIT}"
    sql = f"select * from tasks where status = 'failed' {order} limit {LIMIT}"
    subjects = {
        QUERY: [
            Subject(OURS, f"orch tasks --status failed --limit {LIMIT} --data-dir $env.DIR", _IDS),
            Subject(FILES, f"{each} | where status == failed | {_SORTED} | first {LIMIT}", _IDS),
            Subject("ls | par-each open", f"{par_each} | where status == failed | {_SORTED} | first {LIMIT}", _IDS),
            Subject("open x.jsonl", f"{lines} | {failed}", _IDS),
            Subject("open x.msgpack", f"{packed} | {failed}", _IDS),
            Subject("open x.db | query db", f'{database} | query db "{sql}"', _IDS),
        ],
        ALL: [
            Subject(OURS, "orch tasks --data-dir $env.DIR"),
            Subject("orch --long", "orch tasks --long --data-dir $env.DIR"),
            Subject(FILES, each),
            Subject("ls | par-each open", par_each),
            Subject("open x.jsonl", lines),
            Subject("open x.msgpack", packed),
            Subject("open x.msgpack, same columns", "open ($env.FOLDER | path join narrow.msgpack)"),
            Subject("open x.db | query db", f'{database} | query db "select * from tasks {order}"'),
        ],
        STATUS: [
            Subject(OURS, "orch status --data-dir $env.DIR", "get seq"),
            Subject("open status.json", "open ($env.DIR | path join status.json)", "get seq"),
        ],
    }
    if isinstance(rest, Rest):
        query = f"/tasks?status=failed&limit={LIMIT}"
        subjects[QUERY].append(Subject("http get", f'http get "{rest.url}{query}"', _IDS))
        subjects[ALL].append(Subject("http get", f'http get "{rest.url}/tasks"'))
        subjects[STATUS].append(Subject("http get", f'http get "{rest.url}/status"', "get seq"))
        if shutil.which("curl"):
            subjects[QUERY].append(Subject("curl", f'^curl -s "{rest.url}{query}" | from json', _IDS))
            subjects[ALL].append(Subject("curl", f'^curl -s "{rest.url}/tasks" | from json'))
            subjects[STATUS].append(Subject("curl", f'^curl -s "{rest.url}/status" | from json', "get seq"))
    return subjects


def cold_commands(files: Files, rest: Rest | str, data_dir: str) -> dict[str, list[str]]:
    """{name: a command whose whole process is measured}, all for the failed tasks."""
    orchestrator = str(Path(sys.executable).with_name("orchestrator"))
    commands = {
        "orchestrator tasks": [
            orchestrator, "tasks", "--status", "failed", "--limit", str(LIMIT), "--json", "--data-dir", data_dir
        ],
        "orchestrator status": [orchestrator, "status", "--data-dir", data_dir],
        "python -I -S": [sys.executable, "-I", "-S", "-c", "pass"],
    }  # fmt: skip
    if shutil.which("jq"):
        select = f"jq -c 'select(.status == \"failed\")' {files.lines} | head -n {LIMIT}"
        commands["jq, x.jsonl"] = ["sh", "-c", select]
    if shutil.which("curl") and isinstance(rest, Rest):
        commands["curl"] = ["curl", "-s", f"{rest.url}/tasks?status=failed&limit={LIMIT}"]
    return commands


def bench(size: int, folder: Path, nu: Path) -> dict[str, Any]:
    """The figures for one number of tasks."""
    data_dir = make_directory(folder / "data", size).path
    lock = DirectoryLock(data_dir, "a benchmark")  # so that readers take it for a daemon at work
    files = write_files(data_dir, folder)
    env = environment(folder, DIR=data_dir, FOLDER=str(folder))
    failed = [row["id"] for row in files.rows if row["status"] == "failed"][:LIMIT]
    with rest_server(files, data_dir) as rest:
        subjects = warm_subjects(rest)
        found = {asked: measure(of, env, nu) for asked, of in subjects.items()}
        check(found, size, " ".join(failed))
        figures: dict[str, Any] = {
            asked: {name: told(one.ms) for name, one in of.items()} for asked, of in found.items()
        }
        figures["cold"] = measure_cold(cold_commands(files, rest, data_dir), env, nu)
        figures["memory"] = memory(env, nu)
        if isinstance(rest, Rest):
            figures["memory"]["REST server"] = rss_kib(rest.pid)
        else:
            figures["missing"] = rest
    lock.release()
    return figures


def check(found: dict[str, dict[str, Measured]], size: int, failed: str) -> None:
    """Whoever is asked the same must answer the same.

    Raises:
        AssertionError: somebody did not.
    """
    for name, one in found[QUERY].items():
        assert (one.answer or "") == failed, f"{name} found other failed tasks of {size}: {one.answer}"
    for name, one in found[ALL].items():
        assert one.answer == size, f"{name} found {one.answer} tasks of {size}"
    assert len({one.answer for one in found[STATUS].values()}) == 1, found[STATUS]


def measure_cold(commands: dict[str, list[str]], env: dict[str, str], nu: Path) -> dict[str, Any]:
    """Whole processes, and the first call in a Nushell that has just started, in turns."""
    query = f"orch tasks --status failed --limit {LIMIT} --data-dir $env.DIR"
    firsts = {"orch tasks": query, "orch tasks, all": "orch tasks --data-dir $env.DIR", "orch status": "orch status"}
    whole: dict[str, Callable[[], float]] = {
        name: lambda command=command: whole_process_ms(command, env)  # type: ignore[misc]
        for name, command in commands.items()
    }
    for name, code in firsts.items():
        whole[f"nu: {name}"] = lambda code=code: first_call_ms(code, env, nu)  # type: ignore[misc]
    ms: dict[str, list[float]] = {name: [] for name in whole}
    for lap in range(COLD_ROUNDS + 1):
        for name, take in whole.items():
            took = take()
            if lap:  # the first one warms the disk's cache
                ms[name].append(took)
    return {name: told(one) for name, one in ms.items()}


def first_call_ms(code: str, env: dict[str, str], nu: Path) -> float:
    """The first call of the plugin in a Nushell of its own: the plugin is started for it."""
    return float(run(f"(timeit {{ {code} | ignore }}) / 1ms | to json", {**env, "ORCH_DATA_DIR": env["DIR"]}, nu))


def memory(env: dict[str, str], nu: Path) -> dict[str, int]:
    """Resident memory of the plugin in KiB: after a status, after questions for failed tasks, after whole tables."""
    calls = {
        "plugin, status": "orch status --data-dir $env.DIR",
        "plugin, query": f"orch tasks --status failed --limit {LIMIT} --data-dir $env.DIR",
        "plugin, all": "orch tasks --data-dir $env.DIR",
        "plugin, all --long": "orch tasks --long --data-dir $env.DIR",
    }
    return {
        name: run(f"1..3 | each {{ {code} | ignore }} | ignore; memory | get rss_kib | to json", env, nu)
        for name, code in calls.items()
    }


def show(size: int, figures: dict[str, Any]) -> None:
    """A line for each subject, with the ratio to opening the files."""
    titles = {QUERY: f"{LIMIT} failed of {size} tasks", ALL: f"all {size} tasks", STATUS: "status"}
    for asked, title in titles.items():
        print(f"{title:44}{'median':>10}{'p95':>10}   of opening the files")
        of = figures[asked]
        base = of.get(FILES, of.get("open status.json"))["median"]
        for name, one in of.items():
            print(f"  {name:42}{one['median']:10.3f}{one['p95']:10.3f}   {one['median'] / base:.4f}")
    print(f"{f'cold, {size} tasks':44}{'median':>10}{'p95':>10}   of python -I -S")
    base = figures["cold"]["python -I -S"]["median"]
    for name, one in figures["cold"].items():
        print(f"  {name:42}{one['median']:10.2f}{one['p95']:10.2f}   {one['median'] / base:.2f}")
    print("memory, MiB: " + ", ".join(f"{name} {kib / 1024:.1f}" for name, kib in figures["memory"].items()))
    if "missing" in figures:
        print(figures["missing"])
    print(flush=True)


def main() -> int:
    """Measure, print, and keep the figures where that is asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default=",".join(map(str, SIZES)), help="numbers of tasks, with commas")
    parser.add_argument("--nu", type=Path, default=NU)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--write", type=Path, help="a page of the docs: record the figures beside it, and draw it anew")
    options = parser.parse_args()
    version = subprocess.run([options.nu, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    found: dict[str, Any] = {"nu": version, "limit": LIMIT, "sizes": {}}
    for size in map(int, options.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            found["sizes"][str(size)] = figures = bench(size, Path(folder), options.nu)
        show(size, figures)
    if options.write:
        found["prompt"] = bench_nushell.bench(options.nu)
        bench_nushell.show(found["prompt"])
    for path in (options.json, options.write and options.write.with_suffix(".json")):
        if path:
            path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if options.write:
        subprocess.run([sys.executable, str(ROOT / "tools" / "speed.py"), str(options.write)], check=True)
    return 0


if __name__ == "__main__":
    assert PLUGIN.exists(), f"{PLUGIN} is missing: make setup"
    sys.exit(main())
