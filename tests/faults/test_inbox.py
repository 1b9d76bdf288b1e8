"""Requests that are broken, foreign, huge or many: each is answered once or put aside, and none is lost (F35)."""

from __future__ import annotations

import json
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.asking import drop
from orchestrator.model.limits import REQUEST_BYTES_MAX
from tests.faults.common import RUNS, define, operation
from tests.support.live import PATIENCE_S, LiveDaemon, records, wait_for
from tests.support.processes import memory_kib
from tests.support.users import NOBODY

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.fault("F35")

FLOOD = 2000 * RUNS

#: Requests of a flood that stand for something to be done: each of these is a workflow.
SUBMISSIONS = 20

BAD = "orch::request::bad"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[LiveDaemon]:
    """A daemon on a new directory."""
    with LiveDaemon(tmp_path / "data") as live:
        yield live


def request(key: str, **changes: object) -> bytes:
    """A proper request to cancel a workflow that there is not, changed as told."""
    content = drop.request_bytes(key, "cancel", {"workflow": "none"}, "test", time.time_ns() // 1000, 10 * PATIENCE_S)
    return json.dumps({**json.loads(content), **changes}).encode()


def leave(data_dir: str, key: str, content: bytes, *, uid: int | None = None) -> None:
    """Put a request into the inbox as clients do: in one step."""
    temporary = f"{data_dir}/inbox/.{key}.tmp"
    with open(temporary, "xb") as file:
        file.write(content)
    if uid is not None:
        os.chown(temporary, uid, uid)
    os.rename(temporary, f"{data_dir}/inbox/{key}.json")


def reply(data_dir: str, key: str) -> dict[str, Any]:
    """The answer to a request, once there is one."""
    path = Path(data_dir, "replies", f"{key}.json")
    wait_for(path.exists, f"the answer to {key}")
    return dict(json.loads(path.read_bytes()))


def code(data_dir: str, key: str) -> str:
    """The answer's error code; empty for a success."""
    answer = reply(data_dir, key)
    assert answer["key"] == key
    return "" if answer["ok"] else str(answer["error"]["code"])


def pending(data_dir: str) -> list[str]:
    """What lies in the inbox, the quarantine left out."""
    return [name for name in os.listdir(f"{data_dir}/inbox") if name != "quarantine"]


def quarantined(data_dir: str) -> list[str]:
    """What was put aside."""
    return sorted(os.listdir(f"{data_dir}/inbox/quarantine"))


def broken(key: str) -> dict[str, bytes]:
    """{what: content} of requests that cannot be understood; `key` is their right key."""
    good = request(key)
    return {
        "half": good[: len(good) // 2],
        "empty": b"",
        "zeros": b"\0" * 4096,
        "not-utf8": good.replace(b'"test"', b'"\xff\xfe"'),
        "no-object": b"[1, 2, 3]",
        "two-documents": good + good,
        "nested": b'{"key": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "number": good.replace(b'"none"', b"1e999999"),
        "other-key": request("another"),
        "no-command": request(key, command="format-disk"),
        "no-arguments": request(key, arguments=None),
        "bad-arguments": request(key, arguments={"workflow": "../../etc"}),
        "newer": request(key, format="2.0"),
        "no-time": request(key, expires_at="tomorrow"),
        "oversized": request(key, by="x" * (REQUEST_BYTES_MAX + 1)),
    }


def test_what_is_no_request_is_put_aside_and_answered(daemon: LiveDaemon) -> None:
    """Each broken request is answered with what is wrong, kept in the quarantine, and the daemon works on."""
    kinds = list(broken("x"))
    for kind in kinds:
        leave(daemon.data_dir, kind, broken(kind)[kind])
    assert {kind: code(daemon.data_dir, kind) for kind in kinds} == dict.fromkeys(kinds, BAD)
    wait_for(lambda: not pending(daemon.data_dir), "the inbox to be empty")
    assert quarantined(daemon.data_dir) == sorted(f"{kind}.json" for kind in kinds)
    for kind in kinds:
        put_aside = Path(daemon.data_dir, "inbox/quarantine", f"{kind}.json").read_bytes()
        assert len(put_aside) == len(broken(kind)[kind])
    assert [record["event"] for record in records(daemon.data_dir)] == ["DaemonStarted"]


def test_a_request_that_is_still_being_written_is_not_touched(daemon: LiveDaemon) -> None:
    """What has its temporary name is nobody's yet; it is met when it gets its own, and only then."""
    content = request("slow")
    temporary = Path(daemon.data_dir, "inbox/.slow.tmp")
    temporary.write_bytes(content[:50])
    leave(daemon.data_dir, "quick", request("quick"))
    assert code(daemon.data_dir, "quick")
    assert pending(daemon.data_dir) == [".slow.tmp"]
    temporary.write_bytes(content)
    temporary.rename(temporary.with_name("slow.json"))
    assert code(daemon.data_dir, "slow") != BAD
    wait_for(lambda: not pending(daemon.data_dir), "the inbox to be empty")


@pytest.mark.parametrize("name", ["command", "arguments"])
def test_a_request_that_says_two_things_is_met_once(daemon: LiveDaemon, name: str) -> None:
    """JSON with a member twice is answered once, and only what stands last in it can be done."""
    twice = {
        "command": b'"command": "stop", "command": "cancel"',
        "arguments": b'"arguments": {"workflow": "../.."}, "arguments": {"workflow": "none"}',
    }
    said = {"command": b'"command": "cancel"', "arguments": b'"arguments": {"workflow": "none"}'}
    content = request("twice").replace(said[name], twice[name])
    assert content != request("twice")
    leave(daemon.data_dir, "twice", content)
    assert code(daemon.data_dir, "twice") in (BAD, "orch::not_found")
    leave(daemon.data_dir, "next", request("next"))
    assert code(daemon.data_dir, "next") == "orch::not_found"
    assert os.listdir(f"{daemon.data_dir}/inbox/quarantine") in ([], ["twice.json"])


def test_a_key_that_is_used_twice_is_done_once(daemon: LiveDaemon, tmp_path: Path) -> None:
    """A submission sent again with its key, also to the next daemon, is the same workflow with the same answer."""
    definition = define(tmp_path / "w.k", operation("first", "true"))
    sent = {"command": "submit", "arguments": {"path": str(definition)}}
    answers = []
    for _ in range(3):
        leave(daemon.data_dir, "again", request("again", **sent))
        answers.append(reply(daemon.data_dir, "again"))
        wait_for(lambda: not pending(daemon.data_dir), "the request to be gone")
        os.unlink(f"{daemon.data_dir}/replies/again.json")
    daemon.kill()
    leave(daemon.data_dir, "again", request("again", **sent))
    daemon.start()
    answers.append(reply(daemon.data_dir, "again"))
    assert {answer["result"]["workflow"] for answer in answers} == {answers[0]["result"]["workflow"]}
    assert len(submitted(daemon.data_dir)) == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_request_of_somebody_else_is_put_aside(daemon: LiveDaemon) -> None:
    """A file that another user owns is not carried out, however proper it is."""
    leave(daemon.data_dir, "foreign", request("foreign", command="stop", arguments={"mode": "leave"}), uid=NOBODY)
    assert code(daemon.data_dir, "foreign") == BAD
    assert quarantined(daemon.data_dir) == ["foreign.json"]
    assert daemon.process is not None
    assert daemon.process.poll() is None


def submitted(data_dir: str) -> list[str]:
    """The keys of all submissions that the journal tells of."""
    return [str(record["data"]["key"]) for record in records(data_dir) if record["event"] == "WorkflowSubmitted"]


def test_a_flood_of_requests_is_answered_one_by_one(daemon: LiveDaemon, tmp_path: Path) -> None:
    """Thousands at once, bad ones among them: each is answered, none twice, none lost, and the memory stays flat."""
    definition = define(tmp_path / "w.k", operation("first", "true"))
    fate = random.Random(35)
    kinds = list(broken("x"))
    kinds.remove("oversized")
    good, bad, real = [], [], []
    assert daemon.process is not None
    before = memory_kib(daemon.process.pid)
    for number in range(FLOOD):
        key = f"k{number}"
        if number % (FLOOD // SUBMISSIONS) == 0:
            real.append(key)
            leave(daemon.data_dir, key, request(key, command="submit", arguments={"path": str(definition)}))
        elif number % 5 == 1:
            bad.append(key)
            leave(daemon.data_dir, key, broken(key)[fate.choice(kinds)])
        else:
            good.append(key)
            leave(daemon.data_dir, key, request(key))
    wait_for(lambda: not pending(daemon.data_dir), "every request to be met", PATIENCE_S * RUNS)
    assert len(os.listdir(f"{daemon.data_dir}/replies")) == FLOOD
    assert {code(daemon.data_dir, key) for key in bad} == {BAD}
    assert {code(daemon.data_dir, key) for key in real} == {""}
    assert BAD not in {code(daemon.data_dir, key) for key in good}
    assert quarantined(daemon.data_dir) == sorted(f"{key}.json" for key in bad)
    assert sorted(submitted(daemon.data_dir)) == sorted(real)
    for key in real:
        workflow = reply(daemon.data_dir, key)["result"]["workflow"]
        assert daemon.wait_until_over(workflow)["status"] == "succeeded"
    assert memory_kib(daemon.process.pid) - before < (50 << 10)


def test_a_flood_survives_kill_9(daemon: LiveDaemon, tmp_path: Path) -> None:
    """A daemon that dies in the middle of a flood has lost nothing of it: the next one does the rest, once."""
    definition = define(tmp_path / "w.k", operation("first", "true"))
    keys = [f"k{number}" for number in range(30)]
    for key in keys:
        leave(daemon.data_dir, key, request(key, command="submit", arguments={"path": str(definition)}))
    wait_for(lambda: len(pending(daemon.data_dir)) < len(keys), "the first to be met")
    daemon.kill()
    daemon.start()
    wait_for(lambda: not pending(daemon.data_dir), "every request to be met")
    assert {code(daemon.data_dir, key) for key in keys} == {""}
    assert sorted(submitted(daemon.data_dir)) == sorted(keys)
