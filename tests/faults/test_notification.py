"""Notifications that cannot be had or get lost: requests are met all the same, and watchers miss no end (F28)."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.asking import drop
from orchestrator.files.journal import changes
from orchestrator.model.limits import HEARTBEAT_S
from tests.faults.common import RUNS, SLACK_S, define, operation, serve
from tests.support.live import FINAL, PATIENCE_S, LiveDaemon, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.files.journal.changes import FolderChanges, JournalChanges

pytestmark = pytest.mark.fault("F28")

TASKS = 150 * RUNS

#: What every file of a foreign directory is rewritten in a burst.
REWRITES = 20

#: Becomes its arguments in a user namespace of its own, in which a limit of inotify is 0.
WITHOUT_INOTIFY = 'echo 0 >"/proc/sys/user/$0" && exec "$@"'

TASK_FINAL = {"succeeded", "failed"}


def can_limit_inotify() -> bool:
    """Whether this machine lets us have a user namespace with limits of its own."""
    command = ["unshare", "-Ur", "sh", "-c", WITHOUT_INOTIFY, "max_inotify_instances", "true"]
    try:
        return subprocess.run(command, capture_output=True, timeout=PATIENCE_S).returncode == 0
    except FileNotFoundError:
        return False


def request(key: str, command: str = "cancel", **arguments: object) -> bytes:
    """A request of which the answer matters; without arguments it is refused."""
    now_us = time.time_ns() // 1000
    return drop.request_bytes(key, command, arguments or {"workflow": "none"}, "test", now_us, PATIENCE_S)


def link_in(data_dir: str, key: str, content: bytes) -> None:
    """Put a whole request into the inbox without a rename: what tells of renames does not tell of it."""
    outside = Path(data_dir, f".{key}.outside")
    outside.write_bytes(content)
    os.link(outside, f"{data_dir}/inbox/{key}.json")
    outside.unlink()


def rename_in(data_dir: str, key: str, content: bytes) -> None:
    """Put a request into the inbox as clients do."""
    temporary = Path(data_dir, f"inbox/.{key}.tmp")
    temporary.write_bytes(content)
    temporary.rename(temporary.with_name(f"{key}.json"))


def reply(data_dir: str, key: str, patience_s: float = HEARTBEAT_S + SLACK_S) -> dict[str, Any]:
    """The answer, which must come with the next look into the inbox at the latest."""
    path = Path(data_dir, "replies", f"{key}.json")
    wait_for(path.exists, f"the answer to {key}", patience_s)
    return dict(json.loads(path.read_bytes()))


@pytest.mark.skipif(not can_limit_inotify(), reason="no user namespace with limits of its own can be had")
@pytest.mark.parametrize(
    "limit",
    [
        "max_inotify_watches",
        "max_inotify_instances",
    ],
)
def test_requests_are_met_without_inotify(tmp_path: Path, limit: str) -> None:
    """A daemon that may not watch its inbox says so, and meets every request by looking."""
    data_dir = tmp_path / "data"
    definition = define(tmp_path / "w.k", operation("first", "true"))
    process = serve(data_dir, below=("unshare", "-Ur", "sh", "-c", WITHOUT_INOTIFY, limit))
    try:
        status = data_dir / "status.json"
        wait_for(lambda: process.poll() is not None or status.exists(), "the daemon")
        assert process.poll() is None, process.communicate()[1]
        rename_in(str(data_dir), "begin", request("begin", "submit", path=str(definition)))
        assert reply(str(data_dir), "begin", PATIENCE_S)["ok"]
        process.terminate()
        said = process.communicate(timeout=PATIENCE_S)[1]
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, said
    assert "the inbox cannot be watched" in said
    assert "Traceback" not in said


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[LiveDaemon]:
    """A daemon on a new directory."""
    with LiveDaemon(tmp_path / "data") as live:
        yield live


def exchange_inbox(data_dir: str) -> None:
    """Put a new folder in the inbox's place: it is not the one that is watched."""
    inbox = Path(data_dir, "inbox")
    inbox.rename(Path(data_dir, "inbox.old"))
    inbox.mkdir(mode=0o700)
    (inbox / "quarantine").mkdir(mode=0o700)


def test_requests_that_nothing_tells_of_are_met(daemon: LiveDaemon) -> None:
    """What came in another way than by a rename, or into a folder that is not watched, is met with the next look."""
    for _ in range(RUNS):
        exchange_inbox(daemon.data_dir)
        link_in(daemon.data_dir, "linked", request("linked"))
        rename_in(daemon.data_dir, "good", request("good"))
        rename_in(daemon.data_dir, "bad", b"{")
        assert reply(daemon.data_dir, "linked")["error"]["code"] == "orch::not_found"
        assert reply(daemon.data_dir, "good")["error"]["code"] == "orch::not_found"
        assert reply(daemon.data_dir, "bad")["error"]["code"] == "orch::request::bad"
        for path in [*Path(daemon.data_dir, "replies").iterdir()]:
            path.unlink()
        shutil.rmtree(f"{daemon.data_dir}/inbox.old")
    assert daemon.terminate() == 0


def overflow(data_dir: str, folder: str) -> int:
    """Rename something in and out until the kernel's queue of notifications cannot hold it; how often."""
    with open("/proc/sys/fs/inotify/max_queued_events", encoding="ascii") as file:
        events = int(file.read()) + 1000
    inside, outside = f"{data_dir}/{folder}/.noise", f"{data_dir}/.noise"
    Path(outside).touch()
    for _ in range(events):
        os.rename(outside, inside)
        os.rename(inside, outside)
    os.unlink(outside)
    return events


def test_a_request_whose_notification_overflowed_is_met(daemon: LiveDaemon) -> None:
    """While the daemon could not take notifications their queue ran over: what came then is met."""
    assert daemon.process is not None
    daemon.process.send_signal(signal.SIGSTOP)
    try:
        assert overflow(daemon.data_dir, "inbox") > 0
        rename_in(daemon.data_dir, "lost", request("lost"))
    finally:
        daemon.process.send_signal(signal.SIGCONT)
    assert reply(daemon.data_dir, "lost")["error"]["code"] == "orch::not_found"
    assert daemon.terminate() == 0


def take_until(source: JournalChanges | FolderChanges, is_enough: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """{task: its last status} of the rows that come, until it is enough."""
    seen: dict[str, str] = {}

    def step() -> bool:
        for row in source.poll():
            if row["task"] is not None:
                seen[row["task"]] = row["status"]
        return is_enough(seen)

    wait_for(step, "the ends of all tasks")
    source.close()
    return seen


def test_watchers_of_a_journal_see_every_end(daemon: LiveDaemon, tmp_path: Path) -> None:
    """Who did not look during a burst, who began behind a cursor and who looks afterwards miss no final state."""
    items = [f"i{number}" for number in range(TASKS)]
    text = "case $ORCH_ITEM in *7) exit 3 ;; esac"
    policy = {"max_attempts": 2, "initial_delay": 0, "max_delay": 0}
    definition = define(tmp_path / "w.k", operation("burst", text, items=items, retry_policy=policy))
    asleep, cursor = changes.follow(daemon.data_dir), changes.follow(daemon.data_dir, "0:0")
    workflow = daemon.submit(definition)
    status = daemon.wait_until_over(workflow)["status"]
    late = changes.follow(daemon.data_dir, from_start=True)
    assert status in FINAL
    expected = {f"{workflow}.burst.local.{item}": "failed" if item.endswith("7") else "succeeded" for item in items}
    for watcher in (asleep, cursor, late):
        seen = take_until(watcher, lambda seen: len(seen) == TASKS and set(seen.values()) <= TASK_FINAL)
        assert seen == expected


def write_task(folder: Path, number: int, status: str) -> None:
    """A task file as other programs write them: in one step."""
    content = {"id": f"t{number}", "status": status, "created_at": "2026-01-01T00:00:00Z", "priority": 0}
    temporary = folder / f".t{number}.tmp"
    temporary.write_text(json.dumps(content), encoding="utf-8")
    temporary.rename(folder / f"t{number}.json")


def test_watchers_of_a_foreign_directory_see_every_end(tmp_path: Path) -> None:
    """Thousands of changes between two looks: each task's last status is seen, however often it changed."""
    folder = tmp_path / "tasks"
    folder.mkdir()
    (tmp_path / "status.json").write_text('{"running": true}', encoding="utf-8")
    write_task(folder, 0, "pending")
    watcher = changes.follow(str(tmp_path))
    for rewrite in range(REWRITES * RUNS):
        for number in range(100):
            write_task(folder, number, "running" if rewrite % 2 else "pending")
    for number in range(100):
        write_task(folder, number, "failed" if number % 7 == 0 else "succeeded")
    seen = take_until(watcher, lambda seen: len(seen) == 100 and set(seen.values()) <= TASK_FINAL)
    assert seen == {f"t{number}": "failed" if number % 7 == 0 else "succeeded" for number in range(100)}
