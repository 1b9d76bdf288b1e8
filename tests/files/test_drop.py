"""Leaving a request and getting the answer, with the daemon's own inbox at the other end."""

from __future__ import annotations

import json
import os
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from orchestrator.files.asking import drop
from orchestrator.interfaces.spool.inbox import Inbox
from orchestrator.interfaces.spool.request import CancelArguments, Request, parse
from orchestrator.model.errors import (
    BadId,
    DefinitionInvalid,
    NoDaemon,
    NoReply,
    NotFound,
    OrchestratorError,
    Refused,
    UsageError,
)
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@contextmanager
def answering(own: OwnDirectory, answer: Callable[[Inbox, Request], None]) -> Iterator[list[Request]]:
    """A daemon that holds `own` and does nothing but answer; gives the requests it met."""
    met: list[Request] = []
    over = threading.Event()

    def handle(request: Request) -> None:
        met.append(request)
        answer(inbox, request)

    def work() -> None:
        while not over.wait(0.001):
            inbox.scan()

    inbox = Inbox(own.disk, own.path, handle, lambda _: None)
    lock = own.hold()
    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield met
    finally:
        over.set()
        worker.join()
        lock.release()


def refusing(error: OrchestratorError) -> Callable[[Inbox, Request], None]:
    """An answer that is `error`."""
    return lambda inbox, request: inbox.refuse(request.key, error)


def test_gives_the_result_of_the_reply(tmp_path: Path) -> None:
    """The request arrives as it was meant, and its file is gone afterwards."""
    own = OwnDirectory(tmp_path)
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, {"workflow": "w"})) as met:
        assert drop.send(own.path, "cancel", {"workflow": "w"}, by="me", key="k1") == {"workflow": "w"}
    (request,) = met
    assert (request.key, request.command, request.by) == ("k1", "cancel", "me")
    assert request.arguments == CancelArguments("w")
    assert os.listdir(f"{own.path}/inbox") == ["quarantine"]


def test_each_request_has_a_key_and_an_author(tmp_path: Path) -> None:
    """Unless they are given."""
    own = OwnDirectory(tmp_path)
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, {})) as met:
        drop.send(own.path, "cancel", {"workflow": "w"})
        drop.send(own.path, "cancel", {"workflow": "w"})
    assert len({request.key for request in met}) == 2
    assert all(request.by for request in met)


def test_a_refusal_is_raised_with_the_daemons_words(tmp_path: Path) -> None:
    """Its message, help and code."""
    own = OwnDirectory(tmp_path)
    with (
        answering(own, refusing(BadId("no such id", "try another"))),
        pytest.raises(Refused, match="no such id") as told,
    ):
        drop.send(own.path, "cancel", {"workflow": "w"})
    assert (told.value.help, told.value.code) == ("try another", BadId.code)


def test_faults_of_a_definition_are_raised_with_all_of_them(tmp_path: Path) -> None:
    """As diagnostics."""
    own = OwnDirectory(tmp_path)
    faults: list[dict[str, object]] = [{"code": "x", "line": 3}]
    error = DefinitionInvalid("x.k has 1 error.", diagnostics=faults)
    with answering(own, refusing(error)), pytest.raises(DefinitionInvalid, match="1 error") as told:
        drop.send(own.path, "submit", {"path": "/x.k"})
    assert told.value.diagnostics == faults


def test_without_a_daemon_nothing_is_written(tmp_path: Path) -> None:
    """It fails at once, and says how to start one."""
    own = OwnDirectory(tmp_path / "own")
    for folder in (own.path, make_foreign(tmp_path / "foreign"), str(tmp_path / "nowhere")):
        with pytest.raises(NoDaemon, match=f"No daemon runs on {folder}") as told:
            drop.send(folder, "cancel", {"workflow": "w"})
        assert f"orchestrator serve --data-dir {folder}" in told.value.help
    assert os.listdir(f"{own.path}/inbox") == ["quarantine"]


def test_a_daemon_that_does_not_answer_is_told_when_the_time_is_over(tmp_path: Path) -> None:
    """The request has expired by then."""
    own = OwnDirectory(tmp_path)
    lock = own.hold()
    with pytest.raises(NoReply, match=r"did not answer request k1 within 0\.05 s"):
        drop.send(own.path, "cancel", {"workflow": "w"}, timeout_s=0.05, key="k1")
    lock.release()


def test_a_daemon_that_ends_is_told_soon(tmp_path: Path) -> None:
    """Nobody waits for the dead."""
    own = OwnDirectory(tmp_path)
    lock = own.hold()

    def end_when_asked() -> None:
        while "k1.json" not in os.listdir(f"{own.path}/inbox"):
            pass
        lock.release()

    worker = threading.Thread(target=end_when_asked)
    worker.start()
    with pytest.raises(NoReply, match="ended before it answered request k1") as told:
        drop.send(own.path, "cancel", {"workflow": "w"}, key="k1")
    worker.join()
    assert "The next one will carry it out" in told.value.help


@pytest.mark.parametrize("key", ["../k", "a/b", "", ".k", "k" * 121])
def test_a_key_that_is_no_file_name_is_refused(tmp_path: Path, key: str) -> None:
    """An empty one is as good as none."""
    own = OwnDirectory(tmp_path)
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, {})):
        if key:
            with pytest.raises(BadId):
                drop.send(own.path, "cancel", {"workflow": "w"}, key=key)
        else:
            drop.send(own.path, "cancel", {"workflow": "w"}, key=key)


def test_an_inbox_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    """A daemon without an inbox cannot be asked."""
    own = OwnDirectory(tmp_path)
    lock = own.hold()
    os.rmdir(f"{own.path}/inbox/quarantine")
    os.rmdir(f"{own.path}/inbox")
    with pytest.raises(NoDaemon, match="cannot be left"):
        drop.send(own.path, "cancel", {"workflow": "w"})
    lock.release()


def test_a_request_is_what_the_daemon_reads() -> None:
    """Its bytes depend on nothing but the arguments."""
    content = drop.request_bytes("k", "cancel", {"workflow": "w"}, "me", 1_700_000_000_000_000, 1.5)
    assert content == drop.request_bytes("k", "cancel", {"workflow": "w"}, "me", 1_700_000_000_000_000, 1.5)
    assert parse(content, "k").expires_us == 1_700_000_001_500_000
    assert json.loads(content)["created_at"] == "2023-11-14T22:13:20.000000Z"


def test_a_request_larger_than_a_daemon_accepts_is_not_sent() -> None:
    """It would end in quarantine."""
    with pytest.raises(UsageError, match="too large"):
        drop.request_bytes("k", "submit", {"options": {"x": "y" * (1 << 20)}}, "me", 0, 1)


def test_an_earlier_refusal_is_not_the_answer_to_the_same_key(tmp_path: Path) -> None:
    """What was wrong may have been put right: the daemon is asked again, and its answer is awaited."""
    own = OwnDirectory(tmp_path)
    with answering(own, refusing(NotFound("no file", "Write it."))), pytest.raises(Refused, match="no file"):
        drop.send(own.path, "submit", {"path": "/d/w.k"}, key="k1")
    with answering(own, lambda inbox, request: inbox.reply(request.key, 5, {"workflow": "w"})) as met:
        assert drop.send(own.path, "submit", {"path": "/d/w.k"}, key="k1") == {"workflow": "w"}
    assert [request.key for request in met] == ["k1"]
