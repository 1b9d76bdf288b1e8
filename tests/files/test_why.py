"""Why a task or a workflow does not go on: every kind of reason, from files written by hand and by real daemons."""

from __future__ import annotations

import json
import random
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.layout import log_path, log_stem
from orchestrator.files.why.answer import why
from orchestrator.files.why.links import KINDS
from orchestrator.model.errors import (
    BadId,
    FormatTooNew,
    NotFound,
    OrchestratorError,
    TaskInvalid,
    WorkflowUnreadable,
)
from orchestrator.model.ids import file_stem, split_task_id
from orchestrator.model.states import TASK_STATUSES
from orchestrator.model.times import parse_rfc3339
from orchestrator.store.lock import DirectoryLock
from tests.support.foreign_directory import TASK, make_foreign, write
from tests.support.live import LiveDaemon, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NOW = "2026-11-21T12:00:00.000000Z"
NOW_US = parse_rfc3339(NOW)
SOON = "2026-11-21T12:00:12.000000Z"
EARLIER = "2026-11-21T11:58:30.000000Z"

COLUMNS = [
    "kind",
    "what",
    "unblocks",
    "level",
    "workflow",
    "operation",
    "task",
    "status",
    "count",
    "since",
    "due_at",
    "log",
]

Raw = dict[str, Any]


class MadeByHand:
    """A data directory of ours, written by hand, with a daemon that holds it until `end_daemon`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for folder in ("tasks", "workflows", "archive"):
            (path / folder).mkdir(parents=True)
        write(path / "format.json", {"format": "1.2", "kind": "orchestrator"})
        self.status()
        self._lock: DirectoryLock | None = DirectoryLock(str(path), "pid 1, by hand")

    def end_daemon(self) -> None:
        """Nobody holds the directory any more."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def status(self, running: int = 0, most: int = 16, **more: object) -> None:
        """Write status.json: `running` attempts of at most `most`."""
        live: Raw = {"total": running, "providers": {}}
        limits: Raw = {"max_running": most, "providers": {}}
        content = {"running": True, "tasks_pending": 0, "tasks_running": running, "last_check": NOW, "degraded": None}
        write(self.path / "status.json", {**content, "live": live, "limits": limits, "draining": False, **more})

    def workflow(
        self,
        operations: Mapping[str, Raw],
        *,
        status: str = "running",
        reason: str | None = None,
        edges: list[Raw] | None = None,
        providers: Raw | None = None,
        kind: str = "batch",
        archived: bool = False,
    ) -> None:
        """Write the workflow ``w``.

        `operations`: {id: {after, parallel, items: {item: its status, or the fields of its row}}}.
        """
        shown, planned, rows = [], [], []
        for name, it in operations.items():
            own = [self._row(name, item, fields, it.get("provider", "local")) for item, fields in it["items"].items()]
            rows += own
            statuses = {row["status"] for row in own}
            items = [{key: row[key] for key in ("item", "provider", "status", "attempt")} for row in own]
            told = statuses.pop() if len(statuses) == 1 else it.get("status", "running")
            after = it.get("after", [])
            shown.append({"id": name, "status": told, "depends_on": after, "items": items})
            parallel = it.get("parallel", True)
            planned.append(
                {"id": name, "after": after, "parallel": parallel, "timeout_s": 300, "items": list(it["items"])}
            )
        times = {"created_at": EARLIER, "finished_at": None}
        state = {
            "id": "w",
            "name": "w",
            "status": status,
            "reason": reason,
            **times,
            "operations": shown,
            "format": "1.0",
        }
        plan = {"name": "w", "type": kind, "operations": planned, "edges": edges or [], "providers": providers or {}}
        if archived:
            lines = [{"entry": "workflow", **state}, {"entry": "plan", "digest": "sha256:0", "plan": plan}]
            lines += [{"entry": "task", **row} for row in rows]
            (self.path / "archive" / "w.jsonl").write_text("".join(json.dumps(it) + "\n" for it in lines))
            return
        folder = self.path / "workflows" / "w"
        (folder / "logs").mkdir(parents=True)
        write(folder / "state.json", state)
        write(folder / "plan.json", plan)
        for row in rows:
            write(self.path / "tasks" / f"{file_stem(row['id'])}.json", row)

    def workflow_status(self, status: str, reason: str) -> None:
        """The workflow is something else now."""
        path = self.path / "workflows" / "w" / "state.json"
        write(path, {**json.loads(path.read_text()), "status": status, "reason": reason})

    def _row(self, operation: str, item: str, fields: str | Raw, provider: str) -> Raw:
        given = {"status": fields} if isinstance(fields, str) else fields
        ran = given["status"] not in ("pending", "skipped", "upstream_failed")
        row = {
            "id": f"w.{operation}.{provider}.{item}",
            "created_at": EARLIER,
            "priority": 0,
            "workflow": "w",
            "operation": operation,
            "item": item,
            "provider": provider,
            "attempt": 1 if ran else 0,
            "max_attempts": 3,
            "started_at": EARLIER if ran else None,
            "finished_at": EARLIER if ran and given["status"] != "running" else None,
            "error": None,
            "reason": None,
            "due_at": None,
            "format": "1.0",
        }
        return {**row, **given}

    def log(self, task: str, attempt: int, text: str, stream: str = "err") -> str:
        """Write a log of an attempt; its path."""
        _, operation, provider, item = split_task_id(task)
        path = log_path(str(self.path), "w", log_stem(operation, provider, item, attempt), stream)
        Path(path).write_text(text)
        return path

    def why(self, identifier: str) -> Raw:
        """What is told at `NOW`. Every answer is of the one form."""
        answer = why(str(self.path), identifier, now_us=NOW_US)
        check_form(answer)
        return answer


def check_form(answer: Raw) -> None:
    """Whatever the files say, the answer has the same fields of the same types."""
    assert list(answer) == ["subject", "status", "sentence", "chain"]
    assert isinstance(answer["status"], str)
    assert answer["sentence"].endswith(".")
    assert answer["chain"]
    for row in answer["chain"]:
        assert list(row) == COLUMNS
        assert row["kind"] in KINDS
        assert row["what"]
        assert type(row["level"]) is int
        assert all(row[name] is None or isinstance(row[name], str) for name in ("unblocks", "since", "due_at", "log"))


def kinds(answer: Raw) -> list[str]:
    """The kinds of a chain."""
    return [row["kind"] for row in answer["chain"]]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[MadeByHand]:
    """A directory with a daemon and nothing in it yet."""
    directory = MadeByHand(tmp_path / "data")
    yield directory
    directory.end_daemon()


RETRY = {
    "status": "waiting_retry",
    "reason": "try 1 of 3 failed (exit code 3); next in 5 s",
    "due_at": SOON,
    "attempt": 1,
}
SLOT = {"status": "pending", "reason": "waits for a free slot"}


# Chains


def test_a_dependency_is_followed_to_a_retry_delay(made: MadeByHand) -> None:
    """Three levels, the root last: the task, the operation it waits for, the task of that which waits for its try."""
    behind = {"status": "pending", "reason": "waits for b"}
    made.workflow(
        {"b": {"items": {"s": "succeeded", "r": "running", "t": RETRY}}, "c": {"after": ["b"], "items": {"x": behind}}}
    )
    answer = made.why("w.c.local.x")
    assert kinds(answer) == ["dependency", "dependency", "retry_delay"]
    first, second, root = answer["chain"]
    assert (first["level"], first["task"], first["what"]) == (
        1,
        "w.c.local.x",
        "waits for operation b (1 of 3 tasks done)",
    )
    assert (second["level"], second["operation"], second["task"], second["status"]) == (2, "b", None, "running")
    assert second["what"] == "is not done: t on local is waiting_retry (2 tasks in all are not done)"
    assert (root["task"], root["due_at"], root["since"]) == ("w.b.local.t", SOON, EARLIER)
    assert root["unblocks"] == "wait: next try at 12:00:12Z, in 12 s"
    assert answer["sentence"] == (
        "w.c.local.x waits for operation b (1 of 3 tasks done); "
        "w.b.local.t waits for its next try: try 1 of 3 failed (exit code 3). Wait: next try at 12:00:12Z, in 12 s."
    )


def test_an_edge_is_told_by_its_name_in_the_definition(made: MadeByHand) -> None:
    """A hard one wants success, a soft one the end; one whose source is over holds nothing up."""
    behind = {"status": "pending", "reason": "waits for the database"}
    hard: Raw = {"source": {"operation": "a", "item": "x", "provider": None}, "type": "hard", "why": "the database"}
    soft: Raw = {"source": {"operation": "a", "item": "y", "provider": None}, "type": "soft", "why": "the check"}
    targets = {"hard": "h", "soft": "s"}
    edges = [
        {**it, "condition": "", "timeout_s": 300, "target": {"operation": "b", "item": targets[it["type"]]}}
        for it in (hard, soft)
    ]
    made.workflow(
        {"a": {"items": {"x": "running", "y": "failed"}}, "b": {"items": {"h": behind, "s": SLOT}}}, edges=edges
    )
    answer = made.why("w.b.local.h")
    assert kinds(answer) == ["edge", "running"]
    assert answer["chain"][0]["what"] == "waits for the database (0 of 1 task done)"
    assert answer["chain"][0]["unblocks"] == "the database has to succeed"
    assert answer["chain"][1]["task"] == "w.a.local.x"
    assert kinds(made.why("w.b.local.s")) == ["slot"]


def test_a_failed_source_of_a_soft_edge_holds_nothing_up_but_of_a_hard_one(made: MadeByHand) -> None:
    """What cannot come any more is followed first, with its error."""
    edge = {"source": {"operation": "a"}, "target": {"operation": "b"}, "type": "hard", "why": ""}
    items = {"x": "running", "y": {"status": "failed", "error": "exit code 7"}}
    made.workflow(
        {"a": {"items": items}, "b": {"items": {"x": {"status": "pending", "reason": "waits for a"}}}}, edges=[edge]
    )
    answer = made.why("w.b.local.x")
    assert kinds(answer) == ["edge", "ended"]
    assert answer["chain"][1]["what"] == "failed: exit code 7"


@pytest.mark.parametrize(
    ("statuses", "followed"),
    [
        (["running", "pending", "waiting_retry", "unknown", "failed"], "failed"),
        (["running", "pending", "waiting_retry", "unknown"], "unknown"),
        (["succeeded", "running", "pending", "waiting_retry"], "waiting_retry"),
        (["succeeded", "running", "pending"], "pending"),
        (["succeeded", "running"], "running"),
    ],
)
def test_what_is_most_in_the_way_is_followed(made: MadeByHand, statuses: list[str], followed: str) -> None:
    """What cannot go on by itself before what can, what has begun last."""
    items = {status.replace("_", "-"): status for status in statuses}
    made.workflow({"a": {"items": items}, "b": {"after": ["a"], "items": {"x": "pending"}}})
    assert made.why("w.b.local.x")["chain"][2]["status"] == followed


def test_the_operation_that_is_most_in_the_way_is_followed_and_the_others_are_counted(made: MadeByHand) -> None:
    """Of three operations one is done, one runs, one waits for a person."""
    lost = {
        "status": "unknown",
        "reason": "attempt 1 is lost (the machine went away); somebody has to say how it ended",
    }
    operations: Raw = {
        "a": {"items": {"x": "running"}},
        "b": {"items": {"x": lost}},
        "c": {"items": {"x": "succeeded"}},
    }
    made.workflow({**operations, "d": {"after": ["a", "b", "c"], "items": {"x": "pending"}}})
    answer = made.why("w.d.local.x")
    assert kinds(answer) == ["dependency", "dependency", "unknown"]
    assert answer["chain"][0]["what"] == "waits for operation b (0 of 1 task done), and for 1 other"
    root = answer["chain"][2]
    assert root["unblocks"] == "batch resolve w.b.local.x --as succeeded (or --as failed)"
    assert root["what"].startswith("waits for somebody's word: attempt 1 is lost")


def test_an_operation_without_tasks_is_passed_through(made: MadeByHand) -> None:
    """It waits for others all the same."""
    operations: Raw = {"a": {"items": {"x": "running"}}, "none": {"after": ["a"], "items": {}, "status": "pending"}}
    made.workflow({**operations, "b": {"after": ["none"], "items": {"x": "pending"}}})
    answer = made.why("w.b.local.x")
    assert kinds(answer) == ["dependency", "dependency", "dependency", "running"]
    assert [row["operation"] for row in answer["chain"]] == ["b", "none", "a", "a"]


def test_what_has_succeeded_meanwhile_is_passed_over(made: MadeByHand) -> None:
    """A task's own file is ahead of its workflow's."""
    made.workflow({"a": {"items": {"x": "pending", "y": "running"}}, "b": {"after": ["a"], "items": {"x": "pending"}}})
    row = made.path / "tasks" / "w.a.local.x.json"
    write(row, {**json.loads(row.read_text()), "status": "succeeded"})
    assert made.why("w.b.local.x")["chain"][-1]["task"] == "w.a.local.y"


def test_a_circle_ends(made: MadeByHand) -> None:
    """Damaged files may say that two operations wait for each other."""
    made.workflow({name: {"after": [other], "items": {"x": "pending"}} for name, other in (("a", "b"), ("b", "a"))})
    answer = made.why("w.a.local.x")
    assert len(answer["chain"]) == 4
    assert "wait for each other" in answer["chain"][-1]["what"]
    assert made.why("w")["chain"]


def test_a_long_chain_is_shown_without_its_middle(made: MadeByHand) -> None:
    """Both ends with the numbers they have in the whole; the root is the last."""
    names = [f"o{number}" for number in range(200)]
    operations: Raw = {it: {"after": names[:n][-1:], "items": {"x": "pending"}} for n, it in enumerate(names)}
    operations["o0"]["items"]["x"] = "running"
    made.workflow(operations)
    chain = made.why("w.o199.local.x")["chain"]
    assert len(chain) == 40
    assert [chain[0]["level"], chain[19]["level"], chain[20]["level"], chain[-1]["level"]] == [1, 20, 380, 399]
    assert (chain[-1]["kind"], chain[-1]["task"]) == ("running", "w.o0.local.x")


# Kinds


def test_a_running_task_is_told_since_when_and_how_long_it_may(made: MadeByHand) -> None:
    """There is nothing wrong with it."""
    made.workflow({"a": {"items": {"x": {"status": "running", "reason": "attempt 1 is running"}}}})
    answer = made.why("w.a.local.x")
    (row,) = answer["chain"]
    assert (row["kind"], row["since"], row["due_at"]) == ("running", EARLIER, "2026-11-21T12:03:30.000000Z")
    assert row["what"] == "is running, attempt 1 since 11:58:30Z"
    assert row["unblocks"] == "nothing to do: it may take until 12:03:30Z, in 3 min 30 s (its timeout)"


def test_a_condition_is_told_with_what_it_sees_and_what_its_end_means(made: MadeByHand) -> None:
    """A hard edge times out, another lets the task start."""
    reason = "waits until source.status == 'succeeded': it is running"
    row = {"status": "pending", "reason": reason, "due_at": SOON}
    for kind, then in (("hard", "the task is timed_out"), ("soft", "it starts all the same")):
        edge = {"source": {"operation": "a"}, "target": {"operation": "b"}, "type": kind, "timeout_s": 90}
        edge["condition"] = "source.status == 'succeeded'"
        made = MadeByHand(made.path.with_name(kind))
        made.workflow({"a": {"items": {"x": "succeeded"}}, "b": {"items": {"x": row}}}, edges=[edge])
        (shown,) = made.why("w.b.local.x")["chain"]
        assert (shown["kind"], shown["what"], shown["due_at"]) == ("condition", reason, SOON)
        assert shown["unblocks"] == (
            f"`source.status == 'succeeded'` has to become true; after 1 min 30 s {then} "
            "(next decided at 12:00:12Z, in 12 s)"
        )
        made.end_daemon()


@pytest.mark.parametrize(("parallel", "how"), [(False, "one task after another"), (2, "2 tasks at a time")])
def test_a_task_waits_for_its_turn(made: MadeByHand, parallel: object, how: str) -> None:
    """Behind those before it in an operation of a certain width."""
    items: Raw = {"v": "succeeded", "x": "running", "y": "running" if parallel == 2 else "succeeded"}
    behind = {"status": "pending", "reason": "waits for the one before it"}
    made.workflow({"a": {"parallel": parallel, "items": {**items, "z1": behind, "z2": behind}}})
    answer = made.why("w.a.local.z2")
    assert kinds(answer) == ["turn", "running"]
    assert how in answer["chain"][0]["what"]
    assert answer["chain"][1]["task"] == "w.a.local.x"


def test_all_slots_are_taken(made: MadeByHand) -> None:
    """With their number, and the option that gives more."""
    made.status(running=4, most=4)
    made.workflow({"a": {"items": {"x": SLOT}}})
    (row,) = made.why("w.a.local.x")["chain"]
    assert (row["kind"], row["what"]) == ("slot", "waits for a free slot: 4 of 4 are taken")
    assert row["unblocks"] == "another task has to end; or raise --max-running (4)"


def test_a_status_without_figures_is_enough_for_a_slot(made: MadeByHand) -> None:
    """As older daemons write it."""
    write(made.path / "status.json", {"running": True, "tasks_running": 3})
    made.workflow({"a": {"items": {"x": SLOT}}})
    (row,) = made.why("w.a.local.x")["chain"]
    assert (row["kind"], row["what"]) == ("slot", "waits for a free slot")
    assert row["unblocks"] == "another task has to end; or raise --max-running"


@pytest.mark.parametrize(
    ("taken", "limit", "declared", "type_", "kind", "told"),
    [
        (2, 2, {}, "batch", "provider_limit", "--provider-limit upcloud=2"),
        (3, None, {"batch_size": 3}, "batch", "batch", "raise its batch_size"),
        (3, None, {"batch_size": 3}, "parallel", "slot", "it starts in a moment"),
        (1, None, {"api_rate_limit": 5}, "batch", "rate", "a second at most"),
        (1, 2, {"batch_size": 3}, "batch", "slot", "it starts in a moment"),
    ],
)
def test_a_provider_takes_no_more(
    made: MadeByHand, taken: int, limit: int | None, declared: Raw, type_: str, kind: str, told: str
) -> None:
    """By the operator's limit, by what it declares, or by how often it may be asked; else it starts soon."""
    limits = {"max_running": 16, "providers": {} if limit is None else {"upcloud": limit}}
    made.status(live={"total": 5, "providers": {"upcloud": taken}}, limits=limits)
    made.workflow({"a": {"provider": "upcloud", "items": {"x": SLOT}}}, providers={"upcloud": declared}, kind=type_)
    (row,) = made.why("w.a.upcloud.x")["chain"]
    assert row["kind"] == kind
    assert told in row["unblocks"]


def test_a_paused_workflow_comes_first(made: MadeByHand) -> None:
    """With who paused it and the command that lets it go on; what runs is not held up by it."""
    held = {**RETRY, "due_at": None}
    made.workflow({"a": {"items": {"x": held, "y": "running", "z": SLOT}}}, status="paused", reason="paused by ann")
    answer = made.why("w.a.local.x")
    assert kinds(answer) == ["pause", "retry_delay"]
    pause, delay = answer["chain"]
    assert (pause["workflow"], pause["what"]) == ("w", "is paused by ann; nothing new of it starts")
    assert pause["unblocks"] == "batch resume w"
    assert delay["unblocks"] == "its delay goes on when the workflow does"
    assert answer["sentence"].startswith("Workflow w is paused by ann; nothing new of it starts (batch resume w). w.a")
    assert kinds(made.why("w.a.local.y")) == ["running"]
    ready = made.why("w.a.local.z")["chain"]
    assert [(row["kind"], row["what"]) for row in ready[1:]] == [("slot", "is ready to start")]
    assert kinds(made.why("w")) == ["pause", "retry_delay", "slot", "running"]


def test_without_a_daemon_nothing_goes_on(made: MadeByHand) -> None:
    """The lock decides, whatever status.json says; before a pause, and of what seems to run, too."""
    made.workflow({"a": {"items": {"x": SLOT, "y": "running"}}}, status="paused", reason="paused by ann")
    made.end_daemon()
    answer = made.why("w.a.local.x")
    assert kinds(answer) == ["lock", "pause", "slot"]
    lock = answer["chain"][0]
    assert (lock["unblocks"], lock["since"]) == (f"orchestrator serve --data-dir {made.path}", NOW)
    assert answer["sentence"].startswith(f"No daemon runs on {made.path}: nothing goes on; workflow w is paused by ann")
    answer = made.why("w.a.local.y")
    assert kinds(answer) == ["lock", "running"]
    assert answer["chain"][1]["what"] == "was running when the daemon ended, attempt 1 since 11:58:30Z"


def test_a_path_with_blanks_is_one_word(tmp_path: Path) -> None:
    """The command can be copied as it is."""
    made = MadeByHand(tmp_path / "it's mine")
    made.workflow({"a": {"items": {"x": SLOT}}})
    made.end_daemon()
    assert made.why("w.a.local.x")["chain"][0]["unblocks"].endswith(f"--data-dir '{tmp_path}/it'\\''s mine'")


def test_a_daemon_that_drains_starts_nothing(made: MadeByHand) -> None:
    """What runs goes on to its end."""
    made.status(draining=True)
    made.workflow({"a": {"items": {"x": SLOT, "y": "running"}}})
    assert kinds(made.why("w.a.local.x")) == ["drain", "slot"]
    assert kinds(made.why("w.a.local.y")) == ["running"]


def test_a_daemon_that_waits_for_its_disk_or_is_silent_is_told(made: MadeByHand) -> None:
    """It holds the directory, and nothing goes on all the same."""
    made.workflow({"a": {"items": {"x": SLOT}}})
    made.status(degraded="the journal: No space left on device")
    answer = made.why("w.a.local.x")
    assert kinds(answer) == ["disk", "slot"]
    assert "No space left on device" in answer["chain"][0]["what"]
    made.status(last_check="2026-11-21T11:58:00.000000Z")
    answer = made.why("w.a.local.x")
    assert kinds(answer) == ["lock", "slot"]
    assert "has said nothing for 2 min" in answer["chain"][0]["what"]


def test_a_rollback_is_followed_to_what_is_being_undone(made: MadeByHand) -> None:
    """Its turn in the order of undoing, and the task that holds it up: what stands on it first."""
    items: Raw = {"x": {"status": "rolling_back", "reason": "number 3 of 3 to be undone"}}
    undone = {"status": "rolling_back", "reason": "attempt 2 is running", "attempt": 2, "finished_at": None}
    tried = {"status": "rolling_back", "reason": "try 1 of 3 failed (exit code 1); next in 5 s", "due_at": SOON}
    operations: Raw = {
        "a": {"items": items},
        "other": {"items": {"x": tried}},
        "b": {"after": ["a"], "items": {"x": undone}},
    }
    made.workflow(operations, status="rolling_back", reason="task c/x failed")
    answer = made.why("w.a.local.x")
    assert kinds(answer) == ["rollback", "running"]
    assert answer["chain"][0]["what"] == "is undone after w.b.local.x: number 3 of 3 to be undone"
    assert answer["chain"][0]["unblocks"] == "w.b.local.x has to be undone"
    assert (answer["chain"][1]["task"], answer["chain"][1]["what"]) == (
        "w.b.local.x",
        "is being undone, attempt 2 since 11:58:30Z",
    )
    assert kinds(made.why("w.other.local.x")) == ["retry_delay"]
    assert made.why("w.other.local.x")["chain"][0]["what"].startswith("waits for its next try to undo it: try 1 of 3")
    about = made.why("w")
    assert kinds(about) == ["rollback", "retry_delay", "rollback", "running"]
    assert about["chain"][0]["what"] == "is being rolled back: task c/x failed"
    assert [row["task"] for row in about["chain"][2:]] == ["w.a.local.x", "w.b.local.x"]


UNTRIED = {"status": "rollback_failed", "reason": "not tried: b/x, which stands on it, was not undone"}
NOT_UNDONE = {"status": "rollback_failed", "error": "exit code 5", "reason": "exit code 5", "attempt": 4}
WAITS = {"status": "rolling_back", "reason": "number 3 of 5 to be undone"}
FREE = {"status": "rolling_back", "reason": "waits for a free slot"}


def test_a_rollback_tells_what_waits_behind_what_and_what_failed(made: MadeByHand) -> None:
    """Only what is free and has no slot is `slot`; what is undone already leads to a workflow that has not ended."""
    made.status(running=1, most=1)
    operations: Raw = {
        "a": {"items": {"x": WAITS, "y": WAITS}},
        "between": {"after": ["a"], "items": {"x": "succeeded"}},
        "z": {"after": ["between"], "items": {"x": FREE, "y": "rolled_back"}},
        "b": {"items": {"x": NOT_UNDONE}},
    }
    made.workflow(operations, status="rolling_back", reason="rolled back by ann")
    about = made.why("w")
    assert [(row["kind"], row["task"], row["count"]) for row in about["chain"]] == [
        ("rollback", None, 1),
        ("ended", "w.b.local.x", 1),
        ("slot", "w.z.local.x", 1),
        ("rollback", "w.a.local.y", 2),
    ]
    assert about["chain"][1]["what"] == "could not be undone: attempt 4 failed: exit code 5"
    assert about["chain"][1]["unblocks"] == "batch rollback w (when the rollback is over)"
    assert about["chain"][3]["what"].startswith("is undone after w.z.local.x: ")
    assert kinds(made.why("w.a.local.x")) == ["rollback", "slot"]
    row, root = made.why("w.z.local.y")["chain"]
    assert (row["kind"], row["what"]) == ("ended", "was undone")
    assert (root["kind"], root["what"]) == ("rollback", "is being rolled back: rolled back by ann")
    made.workflow_status("paused", "paused by bob")
    answer = made.why("w.a.local.x")
    assert kinds(answer) == ["pause", "rollback", "slot"]
    assert answer["chain"][2]["what"] == "is ready to be undone"


def test_a_large_rollback_is_answered_soon(made: MadeByHand) -> None:
    """What is the same for all tasks of an operation is found out once."""
    chain = [f"o{number}" for number in range(12)]
    stays = {f"i{number}": "succeeded" for number in range(250)}
    operations: Raw = {it: {"after": chain[:at][-1:], "items": stays} for at, it in enumerate(chain)}
    operations["o0"] = {"items": {f"i{number}": WAITS for number in range(250)}}
    operations["o11"] = {"after": ["o10"], "items": {"x": FREE}}
    made.workflow(operations, status="rolling_back", reason="task c/x failed")
    begun = time.monotonic()
    answer = made.why("w")
    assert time.monotonic() - begun < 2
    assert [(row["kind"], row["count"]) for row in answer["chain"]] == [("rollback", 1), ("slot", 1), ("rollback", 250)]
    assert answer["chain"][2]["what"].startswith("is undone after w.o11.local.x: ")


def test_what_is_undone_first_follows_edges_and_the_listed_order(made: MadeByHand) -> None:
    """Of any type, and over what stays as it is."""
    edge: Raw = {"source": {"operation": "a", "item": "x"}, "target": {"operation": "b"}, "type": "soft", "why": ""}
    operations: Raw = {
        "a": {"parallel": False, "items": {"w": WAITS, "x": WAITS, "y": "succeeded"}},
        "b": {"items": {"x": FREE}},
    }
    made.workflow(operations, status="rolling_back", reason="task c/x failed", edges=[edge])
    chain = made.why("w.a.local.w")["chain"]
    assert [row["task"] for row in chain] == ["w.a.local.w", "w.a.local.x", "w.b.local.x"]
    assert [row["kind"] for row in chain] == ["rollback", "rollback", "slot"]


def test_interrupted_attempts_say_so(made: MadeByHand) -> None:
    """They wait for a slot again."""
    made.workflow({"a": {"items": {"x": {"status": "pending", "reason": "attempt 1 was interrupted: the boot ended"}}}})
    (row,) = made.why("w.a.local.x")["chain"]
    assert row["kind"] == "slot"
    assert "attempt 1 was interrupted" in row["what"]


# Ends


def test_an_end_is_followed_to_the_first_failure_with_its_log(made: MadeByHand) -> None:
    """What was not started because of it, what was skipped, the workflow: all lead to the same root."""
    failed = {"status": "failed", "error": "exit code 3", "reason": "exit code 3", "attempt": 2, "finished_at": SOON}
    later = {**failed, "error": "exit code 9", "finished_at": "2026-11-21T12:59:00.000000Z"}
    operations: Raw = {
        "late": {"items": {"x": later}},
        "a": {"items": {"x": failed, "y": "succeeded"}},
        "b": {
            "after": ["a"],
            "items": {"x": {"status": "upstream_failed", "reason": "not started: operation a failed"}},
        },
        "c": {
            "after": ["b"],
            "items": {"x": {"status": "upstream_failed", "reason": "not started: operation b failed"}},
        },
        "d": {"items": {"x": {"status": "skipped", "reason": "not started: task a/x failed"}}},
    }
    made.workflow(operations, status="failed", reason="an operation failed")
    log = made.log("w.a.local.x", 2, "no route to host\n")
    made.log("w.a.local.x", 1, "an earlier one\n")
    for subject, length in (("w.a.local.x", 1), ("w.b.local.x", 2), ("w.c.local.x", 3), ("w.d.local.x", 2), ("w", 2)):
        answer = made.why(subject)
        assert kinds(answer) == ["ended"] * length
        root = answer["chain"][-1]
        assert (root["task"], root["what"], root["log"]) == ("w.a.local.x", "failed after 2 attempts: exit code 3", log)
        assert root["unblocks"] == "batch retry w"
        assert log in answer["sentence"]
    assert "2 tasks failed in all" in made.why("w")["chain"][0]["what"]


def test_what_failed_is_tried_again_when_its_workflow_is_over(made: MadeByHand) -> None:
    """A retry before that is refused."""
    made.workflow({"a": {"items": {"x": "failed", "y": "running"}}}, reason="task a/x failed")
    assert made.why("w.a.local.x")["chain"][0]["unblocks"] == "batch retry w (when the workflow is over)"


def test_a_log_is_only_named_if_it_is_there(made: MadeByHand) -> None:
    """Standard output, where nothing came on standard error."""
    made.workflow({"a": {"items": {"x": {"status": "failed", "error": "exit code 3"}}}}, status="failed")
    assert made.why("w.a.local.x")["chain"][0]["log"] is None
    empty = made.log("w.a.local.x", 1, "")
    assert made.why("w.a.local.x")["chain"][0]["log"] == empty
    out = made.log("w.a.local.x", 1, "no\n", "out")
    assert made.why("w.a.local.x")["chain"][0]["log"] == out


@pytest.mark.parametrize("by", ["cancelled by ann", "rolled back by ann"])
def test_what_somebody_ended_has_no_failure_for_a_root(made: MadeByHand, by: str) -> None:
    """Even where something had failed as well."""
    cut = {"status": "skipped", "reason": f"not started: {by}"}
    stopped = {"status": "cancelled", "reason": by}
    operations: Raw = {"a": {"items": {"x": "failed"}}, "b": {"items": {"x": cut, "y": stopped}}}
    made.workflow(operations, status="cancelled", reason=by)
    assert [row["what"] for row in made.why("w")["chain"]] == [f"was {by}"]
    assert [row["what"] for row in made.why("w.b.local.x")["chain"]] == [f"not started: {by}", f"was {by}"]
    assert [row["what"] for row in made.why("w.b.local.y")["chain"]] == [f"was {by}"]


def test_what_was_undone_leads_to_why(made: MadeByHand) -> None:
    """Over the workflow to the failure that asked for it; what was not tried to what stood on it."""
    untried = {"status": "rollback_failed", "reason": "not tried: b/x, which stands on it, was not undone"}
    undo = {"status": "rollback_failed", "error": "exit code 5", "reason": "exit code 5"}
    operations: Raw = {
        "a": {"items": {"x": untried}},
        "b": {"items": {"x": undo}},
        "c": {"items": {"x": "rolled_back"}},
        "d": {"items": {"x": {"status": "failed", "error": "exit code 1"}}},
    }
    made.workflow(operations, status="rollback_failed", reason="task d/x failed; 1 undone, 2 not undone")
    assert [row["task"] for row in made.why("w.c.local.x")["chain"]] == ["w.c.local.x", None, "w.d.local.x"]
    chain = made.why("w.a.local.x")["chain"]
    assert [row["task"] for row in chain] == ["w.a.local.x", "w.b.local.x"]
    assert chain[1]["what"] == "could not be undone: exit code 5"


def test_a_rollback_that_failed_leads_to_what_could_not_be_undone(made: MadeByHand) -> None:
    """By its own error and log, not to what was not tried for it; to go on is to roll back again."""
    operations: Raw = {
        "a": {"items": {f"{number}": UNTRIED for number in range(60)}},
        "b": {"after": ["a"], "items": {"x": NOT_UNDONE}},
        "d": {"items": {"x": {"status": "failed", "error": "exit code 1"}}},
    }
    for reason in ("task d/x failed; 1 undone, 61 not undone", "rolled back by ann; 1 undone, 61 not undone"):
        made.workflow(operations, status="rollback_failed", reason=reason)
        log = made.log("w.b.local.x", 4, "still mounted\n")
        answer = made.why("w")
        first, root = answer["chain"]
        assert first["what"] == f"could not be undone: {reason}"
        assert first["unblocks"] == root["unblocks"] == "batch rollback w"
        assert (root["task"], root["log"]) == ("w.b.local.x", log)
        assert root["what"] == "could not be undone: attempt 4 failed: exit code 5"
        assert answer["sentence"].endswith(f"its log is {log}. To go on: batch rollback w.")
        assert [row["task"] for row in made.why("w.a.local.7")["chain"]] == ["w.a.local.7", "w.b.local.x"]
        shutil.rmtree(made.path / "workflows" / "w")


def test_a_workflow_that_failed_without_a_failed_task_says_what_has_not_run(made: MadeByHand) -> None:
    """After a part of it was tried again; a retry of all of it runs that."""
    cut = {"status": "upstream_failed", "reason": "not started: operation a failed"}
    items: Raw = {"x": cut, "y": cut, "z": cut, "q": cut}
    operations: Raw = {"a": {"items": {"x": "succeeded"}}, "b": {"after": ["a"], "items": items}}
    made.workflow(operations, status="failed", reason="not everything has succeeded: 4 upstream_failed")
    answer = made.why("w")
    (row,) = answer["chain"]
    assert row["what"] == (
        "failed: not everything has succeeded: 4 upstream_failed; 4 tasks have not run: "
        "w.b.local.x (upstream_failed), w.b.local.y (upstream_failed), w.b.local.z (upstream_failed) and 1 other; "
        "a plain retry runs them"
    )
    assert row["unblocks"] == "batch retry w"
    assert answer["sentence"].endswith("runs them. To go on: batch retry w.")


def test_what_was_undone_of_a_workflow_that_failed_has_not_succeeded(made: MadeByHand) -> None:
    """It has run, so that is not said."""
    operations: Raw = {"a": {"items": {"x": "rolled_back"}}, "b": {"items": {"x": "skipped"}}}
    made.workflow(operations, status="failed", reason="an operation failed")
    assert "2 tasks have not succeeded: w.a.local.x (rolled_back), w.b.local.x (skipped)" in made.why("w")["sentence"]


def test_success_is_told(made: MadeByHand) -> None:
    """There is nothing to do, and no daemon is missed."""
    made.workflow({"a": {"items": {"x": "succeeded"}}}, status="succeeded")
    made.end_daemon()
    for subject in ("w", "w.a.local.x"):
        (row,) = made.why(subject)["chain"]
        assert (row["kind"], row["what"], row["unblocks"]) == ("ended", "succeeded", None)


def test_the_archive_answers_for_what_is_gone(made: MadeByHand) -> None:
    """As ended, without logs, and without a retry that cannot be."""
    failed = {"status": "failed", "error": "exit code 3"}
    behind = {"status": "upstream_failed", "reason": "not started: operation a failed"}
    operations: Raw = {"a": {"items": {"x": failed}}, "b": {"after": ["a"], "items": {"x": behind}}}
    made.workflow(operations, status="failed", reason="an operation failed", archived=True)
    for subject in ("w", "w.b.local.x"):
        answer = made.why(subject)
        assert kinds(answer) == ["ended", "ended"]
        assert (answer["chain"][1]["what"], answer["chain"][1]["unblocks"]) == ("failed: exit code 3", None)


# Workflows


def test_a_workflow_gives_the_reasons_of_what_could_go_on(made: MadeByHand) -> None:
    """Those that are alike together, with their number, the gravest first; not what waits behind them."""
    made.status(running=2, most=2)
    items: Raw = {"r1": "running", "r2": "running", "s1": SLOT, "s2": SLOT, "s3": SLOT, "t": RETRY, "u": "unknown"}
    made.workflow({"a": {"items": items}, "b": {"after": ["a"], "items": {"x": "pending", "y": "pending"}}})
    answer = made.why("w")
    assert [(row["kind"], row["count"]) for row in answer["chain"]] == [
        ("unknown", 1),
        ("retry_delay", 1),
        ("slot", 3),
        ("running", 2),
    ]
    assert {row["level"] for row in answer["chain"]} == {1}
    assert answer["sentence"].startswith("Workflow w goes on in part: w.a.local.u waits for somebody's word")
    assert "; and 2 other reasons. Batch resolve" not in answer["sentence"]
    assert answer["sentence"].endswith(
        "; and 2 other reasons. batch resolve w.a.local.u --as succeeded (or --as failed)."
    )


def test_a_workflow_with_many_reasons_gives_five(made: MadeByHand) -> None:
    """And says how many more there are."""
    made.workflow({f"o{number}": {"items": {"x": RETRY}} for number in range(9)})
    answer = made.why("w")
    assert kinds(answer) == ["retry_delay"] * 5
    assert "and 7 other reasons" in answer["sentence"]


def test_a_large_workflow_is_answered_soon(made: MadeByHand) -> None:
    """Three hundred of its tasks are asked, whatever their number."""
    made.workflow({"a": {"parallel": False, "items": {f"i{number}": "pending" for number in range(1200)}}})
    (made.path / "tasks" / "w.a.local.i0.json").unlink()
    answer = made.why("w")
    assert sum(row["count"] for row in answer["chain"]) == 300


def test_a_workflow_of_nothing_is_told(made: MadeByHand) -> None:
    """Its file is a moment old, or damaged."""
    made.workflow({}, status="queued")
    assert kinds(made.why("w")) == ["unknown"]


# What cannot be answered, and foreign directories


def test_an_unknown_id_is_told_with_near_ones(made: MadeByHand) -> None:
    """Of workflows, or of the tasks of the workflow that the id names."""
    made.workflow({"install": {"items": {"alpha": "running"}}})
    for given in ("w.install.local.alpa", "w.install"):
        with pytest.raises(NotFound, match=f"There is no task {given} in") as told:
            made.why(given)
        assert told.value.help.startswith("Did you mean w.install.local.alpha? `orch tasks --workflow w`")
    for given in ("w1", "w1.install.local.alpha"):
        with pytest.raises(NotFound, match="There is no workflow w1 in") as told:
            made.why(given)
        assert "`orch workflows`" in told.value.help
    (made.path / "workflows" / "deploy-4k7q0d").mkdir()
    with pytest.raises(NotFound) as told:
        made.why("deploy-4k7q0e")
    assert told.value.help.startswith("Did you mean deploy-4k7q0d?")


@pytest.mark.parametrize("identifier", ["", "../w", "/etc/passwd", "a\x00b", "a\nb", "x" * 5000, "w.a.local.x/../../y"])
def test_an_id_that_must_not_come_near_a_path_is_refused(made: MadeByHand, identifier: str) -> None:
    """Before anything is looked up."""
    with pytest.raises(BadId):
        made.why(identifier)


@pytest.mark.parametrize("status", [*TASK_STATUSES, "weird", "completed"])
def test_a_foreign_directory_is_answered_by_the_row(tmp_path: Path, status: str) -> None:
    """One link, and no word about a daemon: it has no lock that could be asked."""
    folder = make_foreign(tmp_path, {**TASK, "status": status, "reason": "because"})
    answer = why(folder, "task-001", now_us=NOW_US)
    check_form(answer)
    assert len(answer["chain"]) == 1
    assert answer["chain"][0]["kind"] not in ("lock", "pause", "drain")


def test_four_fields_are_enough(tmp_path: Path) -> None:
    """The oldest form says nothing about why."""
    answer = why(make_foreign(tmp_path, TASK), "task-001", now_us=NOW_US)
    assert answer["sentence"].startswith("task-001 is pending, and its file does not say why.")


def test_an_item_may_be_what_no_file_is_called(made: MadeByHand) -> None:
    """Its file's name is a hash."""
    made.workflow({"a": {"items": {"größe 1": "running"}}})
    assert made.why("w.a.local.größe 1")["chain"][0]["kind"] == "running"


def test_a_newer_format_is_refused(made: MadeByHand) -> None:
    """Rather than misread."""
    write(made.path / "format.json", {"format": "9.0", "kind": "orchestrator"})
    with pytest.raises(FormatTooNew):
        made.why("w")


def test_files_that_cannot_be_read_are_told_if_nothing_else_says_it(made: MadeByHand) -> None:
    """A task whose file is damaged is answered from its workflow; a damaged workflow's tasks from their own files."""
    made.workflow({"a": {"items": {"x": "running"}}})
    write(made.path / "tasks" / "w.a.local.x.json", "{")
    assert kinds(made.why("w.a.local.x")) == ["running"]
    write(made.path / "workflows" / "w" / "state.json", "{")
    with pytest.raises(WorkflowUnreadable, match="Failed to parse workflow JSON"):
        made.why("w")
    with pytest.raises(TaskInvalid):
        made.why("w.a.local.x")
    write(made.path / "tasks" / "w.a.local.x.json", {"id": "w.a.local.x", "status": "pending", "reason": "waits for b"})
    assert kinds(made.why("w.a.local.x")) == ["dependency"]


WRONG: list[Any] = [
    None,
    True,
    -1,
    1e300,
    10**400,
    "",
    "\ud800",
    "../..",
    "w",
    [],
    [[]],
    [1, "a", {}],
    {},
    {"operation": []},
]


def mutated(value: Any, chance: random.Random, rate: float) -> Any:
    """`value` with some parts of it replaced, left out or doubled."""
    if chance.random() < rate:
        return chance.choice([*WRONG, *TASK_STATUSES])
    if isinstance(value, dict):
        return {key: mutated(it, chance, rate) for key, it in value.items() if chance.random() > rate / 2}
    if isinstance(value, list):
        kept = [mutated(it, chance, rate) for it in value if chance.random() > rate / 2]
        return kept * 2 if chance.random() < rate else kept
    return value


@pytest.mark.parametrize("seed", range(60))
def test_no_files_make_it_fail_otherwise(made: MadeByHand, seed: int) -> None:
    """Missing, cut off, of wrong types: there is an answer of the same form, or an error of ours."""
    chance = random.Random(seed)
    edge = {"source": {"operation": "a", "item": None}, "target": {"operation": "c"}, "type": "hard", "condition": "x"}
    items: Raw = {"x": RETRY, "y": "unknown", "z": "failed", "v": {"status": "rolling_back", "reason": "number 1 of 2"}}
    operations: Raw = {
        "a": {"parallel": 2, "items": {**items, "u": SLOT}},
        "b": {"after": ["a"], "items": {"x": "pending", "y": "skipped", "z": "upstream_failed", "v": "rolled_back"}},
        "c": {"items": {"x": {"status": "pending", "reason": "waits until x"}, "y": "running"}},
    }
    providers = {"local": {"batch_size": 3}}
    status, archived = chance.choice(["running", "failed", "rolling_back", "paused"]), chance.random() < 0.3
    made.workflow(operations, edges=[edge], providers=providers, status=status, archived=archived)
    made.status(running=3, most=chance.choice([3, 16]))
    if chance.random() < 0.3:
        made.end_daemon()
    tasks = [f"w.{name}.local.{item}" for name, it in operations.items() for item in it["items"]]
    for path in sorted(made.path.rglob("*.json*")):
        damage = chance.random()
        text = path.read_text(encoding="utf-8")
        if damage < 0.1:
            path.unlink()
        elif damage < 0.2:
            path.write_text(text[: chance.randrange(len(text))], encoding="utf-8")
        elif damage < 0.25:
            path.write_bytes(chance.randbytes(50))
        elif damage < 0.28:
            path.unlink()
            path.mkdir()
        elif damage < 0.9:
            lines = [json.dumps(mutated(json.loads(line), chance, 0.08)) for line in text.splitlines()]
            path.write_text("\n".join(lines), encoding="utf-8")
    for subject in ("w", *tasks):
        try:
            check_form(why(str(made.path), subject, now_us=chance.choice([NOW_US, 0, None])))
        except OrchestratorError:
            continue


def test_the_documentation_has_every_kind() -> None:
    """In the order of the code."""
    text = (Path(__file__).parents[2] / "docs" / "why.md").read_text(encoding="utf-8")
    rows = text.partition("## Kinds")[2].splitlines()
    assert tuple(row.split("`")[1] for row in rows if row.startswith("| `")) == KINDS


# Real daemons


def definition(*operations: str) -> str:
    """A definition for the front-end."""
    head = 'import workflows\n\nwf = workflows.WorkflowDef {\n    name = "w"\n    operations = [\n        '
    return head + ",\n        ".join(operations) + "\n    ]\n}\n"


def operation(name: str, command: str, more: str = "", items: str = '["x"]') -> str:
    """An operation of a definition."""
    return f'{{id = "{name}", type = "create", target = "server", items = {items}, command = "{command}"{more}}}'


def told(live: LiveDaemon, subject: str, wanted: list[str], words: str = "") -> Raw:
    """What is told about `subject`, once the kinds of its chain are those `wanted`, and its root holds those words."""

    def asked() -> Raw | None:
        try:
            answer = why(live.data_dir, subject)
        except NotFound:
            return None
        root = answer["chain"][-1]
        return answer if kinds(answer) == wanted and words in f"{root['what']} {root['unblocks']}" else None

    answer: Raw = wait_for(asked, f"{subject} to be told as {wanted}")
    check_form(answer)
    return answer


def test_a_real_daemon_is_asked_nothing(tmp_path: Path) -> None:
    """Slots, a dependency, a daemon that was killed: from what it leaves in its files."""
    source = tmp_path / "w.k"
    slow = operation("slow", "exec sleep 60", items='["x", "y"]')
    source.write_text(definition(slow, operation("behind", "true", ', depends_on = ["slow"]')), encoding="utf-8")
    with LiveDaemon(tmp_path / "data", "--max-running", "1", "--stop-grace", "1") as live:
        workflow = live.submit(source)
        answer = told(live, f"{workflow}.slow.local.y", ["slot"], "raise --max-running")
        assert answer["chain"][0]["what"].startswith("waits for a free slot")
        assert kinds(told(live, f"{workflow}.slow.local.x", ["running"])) == ["running"]
        answer = told(live, f"{workflow}.behind.local.x", ["dependency", "dependency", "slot"])
        assert answer["chain"][2]["task"] == f"{workflow}.slow.local.y"
        assert kinds(told(live, workflow, ["slot", "running"])) == ["slot", "running"]
        live.kill()
        answer = why(live.data_dir, f"{workflow}.behind.local.x")
        assert kinds(answer)[:2] == ["lock", "dependency"]
        assert answer["chain"][0]["unblocks"] == f"orchestrator serve --data-dir {live.data_dir}"
        live.start()
        live.request("cancel", {"workflow": workflow})
        live.wait_until_over(workflow)
        assert kinds(told(live, workflow, ["ended"])) == ["ended"]


def test_a_real_daemon_leaves_what_could_not_be_undone(tmp_path: Path) -> None:
    """Two attempts at it, behind one that did it."""
    source = tmp_path / "w.k"
    policy = ', retry_policy = {max_attempts = 2, initial_delay = 1, backoff = "linear"}'
    base = operation("base", "true", ', rollback_command = "true"')
    undone = operation("a", "true", f', depends_on = ["base"], rollback_command = "echo stuck >&2; exit 9"{policy}')
    failing = operation(
        "b", "exit 3", ', depends_on = ["a"], on_failure = "rollback", retry_policy = {max_attempts = 1}'
    )
    source.write_text(definition(base, undone, failing), encoding="utf-8")
    with LiveDaemon(tmp_path / "data") as live:
        workflow = live.submit(source)
        live.wait_until_over(workflow)
        answer = told(live, workflow, ["ended", "ended"], f"batch rollback {workflow}")
        root = answer["chain"][-1]
        assert (root["task"], root["what"]) == (
            f"{workflow}.a.local.x",
            "could not be undone: attempt 3 failed: exit code 9",
        )
        assert Path(root["log"]).read_text(encoding="utf-8") == "stuck\n"
        tasks = [row["task"] for row in why(live.data_dir, f"{workflow}.base.local.x")["chain"]]
        assert tasks == [f"{workflow}.base.local.x", f"{workflow}.a.local.x"]


def test_a_real_daemon_leaves_a_retry_delay(tmp_path: Path) -> None:
    """And at the end the error, and where the log is."""
    source = tmp_path / "w.k"
    policy = ', retry_policy = {max_attempts = 2, initial_delay = 3, backoff = "linear"}'
    source.write_text(definition(operation("a", "echo no >&2; exit 7", policy)), encoding="utf-8")
    with LiveDaemon(tmp_path / "data") as live:
        workflow = live.submit(source)
        answer = told(live, f"{workflow}.a.local.x", ["retry_delay"], "exit code 7")
        assert "next try at" in answer["sentence"]
        live.wait_until_over(workflow)
        answer = told(live, f"{workflow}.a.local.x", ["ended"])
        (row,) = answer["chain"]
        assert row["what"] == "failed after 2 attempts: exit code 7"
        assert Path(row["log"]).read_text(encoding="utf-8") == "no\n"
