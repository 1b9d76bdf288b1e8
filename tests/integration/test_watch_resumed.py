"""Changes read in pieces, each going on at the last row's cursor, while daemons come and go; counted in the journal.

Daemons are killed and stopped, the journal goes from segment to segment, and readers stop wherever they happen to be,
also between two rows of a record. What they got together is what the journal says: nothing lost, nothing twice.
"""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.journal.changes import follow
from tests.support.live import LiveDaemon, records
from tests.support.nushell import NEWEST, OLDEST, run_nu

if TYPE_CHECKING:
    from pathlib import Path

    Row = dict[str, Any]

DEFINITION = """
import workflows

wf = workflows.WorkflowDef {
    name = "watched"
    retry_policy = {max_attempts = 2, initial_delay = 0, max_delay = 0}
    operations = [
        {
            id = "many", type = "create", target = "server", items = ["i${i}" for i in range(24)]
            command = "sleep 0.02"
        }
        {
            id = "flaky", type = "create", target = "server", items = ["d", "e"], depends_on = ["many"]
            command = "test $ORCH_ATTEMPT -gt 1"
        }
        {
            id = "last", type = "create", target = "server", items = ["f", "g", "h"], depends_on = ["flaky"]
            command = "true"
        }
    ]
}
"""

#: Size of a segment: some records.
SEGMENT_BYTES = 4096


class Restless:
    """A daemon that is submitted workflows, and is killed or stopped after each but the last."""

    def __init__(self, folder: Path, fate: random.Random) -> None:
        self.definition = folder / "w.k"
        self.definition.write_text(DEFINITION, encoding="utf-8")
        self.data_dir = str(folder / "data")
        (folder / "data").mkdir(mode=0o700)
        (folder / "data" / "orchestrator.toml").write_text(f"segment_bytes = {SEGMENT_BYTES}\n", encoding="utf-8")
        self.daemon = LiveDaemon(self.data_dir, "--max-running", "4")
        self.fate = fate
        self.daemon.start()  # what is read is a directory of ours from the beginning
        self.daemon.terminate()

    def live(self, lives: int) -> list[str]:
        """So many lives of the daemon, the odd ones ended by kill -9; the workflows, all over in the end."""
        found = []
        for life in range(lives):
            self.daemon.start()
            found.append(self.daemon.submit(self.definition))
            # When its life ends is the random part; there is no fact to wait for.
            time.sleep(self.fate.random() * 0.3)
            if life % 2 == 0:
                self.daemon.kill()
            else:
                self.daemon.terminate()
        self.daemon.start()
        for workflow in found:
            assert self.daemon.wait_until_over(workflow)["status"] == "succeeded", self.daemon.log()
        self.daemon.terminate()
        return found


def in_journal(data_dir: str) -> list[tuple[Any, ...]]:
    """Every transition of the journal, as its lines say it."""
    return [
        (record["seq"], task, previous, status, attempt if task else None, reason or None)
        for record in records(data_dir)
        for task, previous, status, attempt, reason, *_ in record["transitions"]
    ]


def told(rows: list[Row]) -> list[tuple[Any, ...]]:
    """The same of rows."""
    names = ("seq", "task", "previous_status", "status", "attempt", "reason")
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("seed", range(2))
def test_pieces_make_the_whole(seed: int, tmp_path: Path) -> None:
    """A reader that takes some rows, forgets everything but a cursor, and begins again, while daemons live and die."""
    fate = random.Random(seed)
    restless = Restless(tmp_path, random.Random(seed + 100))
    over = threading.Event()

    def work() -> None:
        try:
            restless.live(3)
        finally:
            over.set()

    writer = threading.Thread(target=work)
    writer.start()
    found: list[Row] = []
    cursor = "0:0"
    pieces = 0
    while True:
        was_over = over.is_set()
        rows = piece(restless.data_dir, cursor, fate.choice((1, 2, 3, 5, 40)), over)
        if was_over and not rows:
            break
        cursor = rows[-1]["cursor"] if rows else cursor
        found += rows
        pieces += 1
    writer.join()
    assert told(found) == in_journal(restless.data_dir)
    cursors = [row["cursor"] for row in found]
    assert len(set(cursors)) == len(cursors)
    assert any("." in cursor for cursor in cursors)
    segments = list((tmp_path / "data" / "journal").glob("??????.jsonl"))
    assert len(segments) > 6
    print(f"{len(found)} transitions in {pieces} pieces, {len(segments)} segments, 4 lives")  # noqa: T201


def piece(data_dir: str, cursor: str, count: int, over: threading.Event) -> list[Row]:
    """The next `count` rows behind `cursor`; fewer if `over` and no more come."""
    changes = follow(data_dir, cursor)
    found: list[Row] = []
    while len(found) < count:
        was_over = over.is_set()
        found += changes.poll()
        if not changes.moved:
            if was_over:
                break
            time.sleep(changes.pause_s)
    changes.close()
    return found[:count]


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_pieces_in_nushell_make_the_whole(version: str, tmp_path: Path) -> None:
    """`orch watch --from` the last cursor, in a Nushell of its own each time, between and across three lives."""
    restless = Restless(tmp_path, random.Random(7))
    restless.live(2)
    expected = in_journal(restless.data_dir)
    found: list[Row] = []
    cursor = "0:0"
    sizes = itertools.cycle((1, 7, 2, 60))
    while len(found) < len(expected):
        count = min(next(sizes), len(expected) - len(found))
        code = f"orch watch -d {restless.data_dir} --reasons --from {cursor} | first {count} | to json --raw"
        done = run_nu(code, home=tmp_path / "home", version=version)
        assert done.returncode == 0, done.stderr
        rows = json.loads(done.stdout)
        found += rows
        cursor = rows[-1]["cursor"]
    assert told(found) == expected


def test_a_filter_loses_no_place(tmp_path: Path) -> None:
    """With --operation and --status; a heartbeat's cursor goes on behind what was kept away."""
    restless = Restless(tmp_path, random.Random(3))
    restless.live(1)
    of_flaky = [row for row in in_journal(restless.data_dir) if row[1] and ".flaky." in row[1]]
    expected = [row for row in of_flaky if row[3] == "running" != row[2]]
    last = records(restless.data_dir)[-1]
    code = (
        f"def piece [from: string] {{ orch watch -d {restless.data_dir} --operation flaky --status running "
        "--from $from --heartbeat 300ms | first 1 | get 0 }; "
        "mut cursor = '0:0'; mut found = []; "
        "for _ in 1..20 { let row = piece $cursor; $cursor = $row.cursor; $found = ($found | append $row); "
        f"if $row.status == null and $row.seq == {last['seq']} {{ break }} }}; $found | to json --raw"
    )
    done = run_nu(code, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    *rows, beat = [row for row in json.loads(done.stdout) if row["status"] or row["seq"] == last["seq"]]
    assert told(rows) == expected
    assert {row["daemon"] for row in rows} == {None}
    assert (beat["task"], beat["status"], beat["daemon"]) == (None, None, False)
    assert beat["seq"] == last["seq"]
    assert beat["cursor"].endswith(f":{last['seq']}")
