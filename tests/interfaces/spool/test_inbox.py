"""Picking up requests: what is taken, what is put aside, what is never touched (A-76, F15, F16, F35)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.files.layout import FORMAT
from orchestrator.interfaces.spool.inbox import Inbox
from orchestrator.interfaces.spool.request import BadRequest, CancelArguments, Request, SubmitArguments, parse
from orchestrator.model.errors import DefinitionInvalid, NotFound
from orchestrator.store.directory import prepare
from orchestrator.store.realdisk import RealDisk

if TYPE_CHECKING:
    from pathlib import Path


class Place:
    """A data directory with an inbox, and what was taken from it."""

    def __init__(self, data_dir: Path) -> None:
        self.dir = data_dir
        self.requests: list[Request] = []
        self.said: list[str] = []
        prepare(RealDisk(), str(data_dir))
        self.inbox = Inbox(RealDisk(), str(data_dir), self.requests.append, self.said.append)

    def drop(self, key: str, changes: dict[str, Any] | None = None) -> Path:
        """A well-formed cancel request, changed as told."""
        request: dict[str, Any] = {
            "format": FORMAT,
            "key": key,
            "command": "cancel",
            "created_at": "2026-01-01T00:00:00Z",
            "expires_at": "2099-01-01T00:00:00Z",
            "by": "ann",
            "arguments": {"workflow": "w1"},
        }
        path = self.dir / "inbox" / f"{key}.json"
        path.write_text(json.dumps(request | (changes or {})), encoding="utf-8")
        return path

    def reply(self, key: str) -> dict[str, Any]:
        """The answer to request `key`."""
        return dict(json.loads((self.dir / "replies" / f"{key}.json").read_bytes()))

    @property
    def quarantined(self) -> list[str]:
        """What was put aside."""
        return sorted(os.listdir(self.dir / "inbox" / "quarantine"))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A new data directory."""
    return Place(tmp_path / "data")


def test_takes_a_request_up_once(place: Place) -> None:
    """A request is handed on when it is first met, and not again while it is worked on."""
    path = place.drop("k1")
    place.inbox.scan()
    place.inbox.scan()
    assert [request.key for request in place.requests] == ["k1"]
    assert place.requests[0].arguments == CancelArguments("w1")
    assert not place.inbox.is_idle
    place.inbox.reply("k1", 7, {"workflow": "w1", "status": "cancelled"})
    assert not path.exists()
    assert place.inbox.is_idle
    assert place.reply("k1") == {
        "format": FORMAT,
        "key": "k1",
        "ok": True,
        "seq": 7,
        "result": {"workflow": "w1", "status": "cancelled"},
    }


def test_meets_a_request_again_whose_daemon_died_before_the_reply(place: Place) -> None:
    """The file stays until the answer is written, so the next daemon finds it."""
    place.drop("k1")
    place.inbox.scan()
    again = Place(place.dir)
    again.inbox.scan()
    assert [request.key for request in again.requests] == ["k1"]


def test_an_error_is_answered_with_its_code_and_diagnostics(place: Place) -> None:
    """What went wrong reaches the client as data."""
    place.inbox.refuse("k1", NotFound("There is no workflow w1.", "Look at the list."))
    assert place.reply("k1")["error"] == {
        "code": "orch::not_found",
        "message": "There is no workflow w1.",
        "help": "Look at the list.",
        "diagnostics": [],
    }
    place.inbox.refuse("k2", DefinitionInvalid("w.k has 1 error.", diagnostics=[{"code": "WF103"}]))
    assert place.reply("k2")["error"]["diagnostics"] == [{"code": "WF103"}]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"command": "explode"}, "there is no command 'explode'"),
        ({"command": "stop", "arguments": {"mode": "now"}}, "mode must be leave, drain or kill"),
        ({"arguments": {"workflow": "../../etc/passwd"}}, "not a workflow id"),
        ({"arguments": {}}, "missing required field `workflow`"),
        ({"arguments": []}, "Expected `object`"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"key": "other"}, "its key is 'other'"),
        ({"format": "2.0"}, "format 2.0"),
        ({"command": "submit", "arguments": {"path": "w.k"}}, "absolute path"),
        ({"command": "submit", "arguments": {"path": "/w.k", "priority": 1001}}, "between -1000 and 1000"),
    ],
)
def test_puts_a_bad_request_aside_and_says_why(place: Place, changes: dict[str, Any], why: str) -> None:
    """It lands in quarantine unchanged, and whoever waits is told."""
    place.drop("k1", changes)
    place.inbox.scan()
    assert place.requests == []
    assert place.quarantined == ["k1.json"]
    reply = place.reply("k1")
    assert reply["error"]["code"] == "orch::request::bad"
    assert why in reply["error"]["message"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"\xff\xfe", b"null", b"[" * 100_000, b'{"key": "k1"}', b"{}" * 600_000],
    ids=["empty", "half", "not utf-8", "null", "deep", "incomplete", "too large"],
)
def test_puts_anything_that_is_no_request_aside(place: Place, content: bytes) -> None:
    """Half-written, binary, deep and huge files harm nothing."""
    (place.dir / "inbox" / "k1.json").write_bytes(content)
    place.drop("k2")
    place.inbox.scan()
    assert place.quarantined == ["k1.json"]
    assert [request.key for request in place.requests] == ["k2"]


def test_what_is_in_the_way_neither_blocks_nor_is_followed(place: Place, tmp_path: Path) -> None:
    """A FIFO, a link and a directory are put aside; a temporary file is left to its writer."""
    inbox = place.dir / "inbox"
    secret = tmp_path / "secret.json"
    secret.write_text("{}", encoding="utf-8")
    os.mkfifo(inbox / "pipe.json")
    os.symlink(secret, inbox / "link.json")
    (inbox / "folder.json").mkdir()
    (inbox / ".k9.tmp").write_text("{", encoding="utf-8")
    place.inbox.scan()
    assert place.quarantined == ["folder.json", "link.json", "pipe.json"]
    (inbox / "folder.json").mkdir()
    (inbox / "quarantine" / "folder.json" / "full").mkdir()
    place.inbox.scan()
    place.inbox.scan()
    assert "stays where it is" in place.said[-1]
    assert secret.read_text(encoding="utf-8") == "{}"
    assert (inbox / ".k9.tmp").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_request_of_another_user_is_put_aside(place: Place) -> None:
    """inbox/ takes files of the daemon's owner only."""
    path = place.drop("k1")
    os.chown(path, 12345, 12345)
    place.inbox.scan()
    assert (place.requests, place.quarantined) == ([], ["k1.json"])


def test_old_replies_are_removed(place: Place) -> None:
    """A reply is kept for clients that were interrupted, and not for ever."""
    for key, age_s in (("old", 4000), ("new", 10)):
        place.inbox.reply(key, 1, {})
        os.utime(place.dir / "replies" / f"{key}.json", (1_000_000 - age_s,) * 2)
    place.inbox.prune_replies((1_000_000 - 3600) * 1_000_000)
    assert os.listdir(place.dir / "replies") == ["new.json"]


def test_arguments_of_submit_have_their_defaults() -> None:
    """Only the path is needed."""
    content = b'{"key":"k","command":"submit","expires_at":"2099-01-01T00:00:00Z","arguments":{"path":"/w.k"}}'
    assert parse(content, "k").arguments == SubmitArguments("/w.k")
    with pytest.raises(BadRequest):
        parse(content, "another")
