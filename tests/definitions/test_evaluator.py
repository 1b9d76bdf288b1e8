"""The evaluator serves everybody: nobody's request, file or silence ends it or holds it up."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.definitions.evaluator.clients import Client
from orchestrator.files.asking import validator
from orchestrator.model.errors import NotFound, ValidatorUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = """import workflows
w = workflows.WorkflowDef {
    name = "w"
    operations = [{id = "a", type = "create", target = "server", items = [%s], command = "true"}]
}
"""


@pytest.fixture
def path(tmp_path: Path) -> str:
    """A definition without a fault."""
    (tmp_path / "w.k").write_text(TEXT % '"x"', encoding="utf-8")
    return str(tmp_path / "w.k")


@pytest.fixture
def witness(path: str) -> Iterator[socket.socket]:
    """Somebody who is connected all the time, and so sees the service end."""
    validator.evaluate(path)
    with _connected() as connection:
        yield connection
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)


def _connected() -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(validator.socket_path())
    return connection


def _send(connection: socket.socket, content: bytes) -> None:
    connection.sendall(struct.pack("!I", len(content)) + content)


def _answer(connection: socket.socket) -> dict[str, Any]:
    with connection.makefile("rb") as file:
        return dict(json.loads(file.read(struct.unpack("!I", file.read(4))[0])))


def _request(path: str, **more: object) -> bytes:
    wanted = {"path": path, "strict": False, "options": {}, "name": None, "data_dir": None, "digest": None}
    return json.dumps({**wanted, "want_plan": True, "environment": None, "layer": None, **more}).encode()


@pytest.mark.parametrize(
    "content",
    [b"[", b"[]", b"3", b"{}", b'{"path": 3}', b'{"path": "/x", "remaining": 3}', b"\xff", b"[" * 200_000],
    ids=lambda content: repr(content[:20]),
)
@pytest.mark.usefixtures("witness")
def test_a_request_that_means_nothing_is_answered(content: bytes) -> None:
    """With what it was, which is in the log, too."""
    with _connected() as connection:
        _send(connection, content)
        error = _answer(connection)["error"]
    assert error["code"] == "orch::validate::bug"
    if "remaining" not in content.decode("latin-1"):
        with open(f"{validator.socket_path()}.log", encoding="utf-8") as file:
            assert error["message"].partition(":")[0] in file.read()
        assert os.stat(file.name).st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "wanted", [{"layer": "/tmp/\0x"}, {"layer": "/tmp/\ud800"}, {"environment": "\ud800", "layer": "/tmp"}]
)
@pytest.mark.usefixtures("witness")
def test_a_layer_that_cannot_be(path: str, wanted: dict[str, Any]) -> None:
    """Its fault is in the report."""
    assert "WF131" in [one["code"] for one in validator.evaluate(path, **wanted)["errors"]]


@pytest.mark.usefixtures("witness")
def test_paths_that_cannot_be(path: str, tmp_path: Path) -> None:
    """Of the definition and of the data directory; a pipe is not waited for."""
    os.mkfifo(tmp_path / "fifo")
    for name in ("a\0b", "a\ud800b", "fifo", ""):
        with pytest.raises(NotFound, match="cannot be read"):
            validator.evaluate(f"{tmp_path}/{name}")
    with pytest.raises(ValidatorUnavailable, match="null byte"):
        validator.evaluate(path, data_dir="/tmp/\0x")


@pytest.mark.usefixtures("witness")
def test_a_client_that_takes_nothing_holds_nobody_up(path: str, tmp_path: Path) -> None:
    """Its answer is larger than a socket takes at once."""
    (tmp_path / "large.k").write_text(TEXT % '*["server-${i}" for i in range(9000)]', encoding="utf-8")
    with _connected() as slow:
        _send(slow, _request(str(tmp_path / "large.k"), resolved=True))
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:  # until some of it is there, so that the rest is waited with
            slow.settimeout(20)
            if slow.recv(4, socket.MSG_PEEK):
                break
        began = time.monotonic()
        for _ in range(3):
            assert validator.evaluate(path)["valid"]
        assert time.monotonic() - began < 4
        answer = _answer(slow)
        assert len(answer["resolved"]) > 9000


@pytest.mark.usefixtures("witness")
def test_a_client_that_goes_away_is_not_missed(path: str) -> None:
    """Before its request is there, while it is at work, and while it is answered."""
    for content in (b"", b"\0\0", struct.pack("!I", 1 << 30), struct.pack("!I", 100) + b"{"):
        with _connected() as connection:
            connection.sendall(content)
    with _connected() as connection:
        _send(connection, _request(path))
    assert validator.evaluate(path)["valid"]


def test_a_client_sends_and_takes_piece_by_piece() -> None:
    """A request is whole when it is all there; an answer is kept until it is all gone."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        client = Client(ours)
        assert client.read() is None
        for piece in (b"\0\0", b"\0\3", b"[1"):
            theirs.sendall(piece)
            assert client.read() is None
        theirs.sendall(b"]")
        assert client.read() == b"[1]"
        client.answer({"text": "x" * 3_000_000})
        assert client.write()
        received = b""
        theirs.settimeout(0.05)
        more = True
        while more or len(received) < 3_000_000:
            more = more and client.write()
            received += theirs.recv(1 << 20)
        assert json.loads(received[4:]) == {"text": "x" * 3_000_000}
        theirs.close()
        with pytest.raises(ConnectionAbortedError):
            client.read()
