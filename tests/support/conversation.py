"""Conversations between a real Nushell and the plugin: recorded, spoiled, played again, and judged."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING, Any
from unittest import mock

import msgpack  # type: ignore[import-untyped]

from nu_plugin_orch import host
from nu_plugin_orch.protocol.errors import RemoteProtocolError
from nu_plugin_orch.protocol.streams import WINDOW
from tests.support.nushell import NEWEST, PLUGIN, clean_environment, nushell

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

#: Read at a time when a conversation is played again: less than two messages, so that each finds what the one before it
#: has led to.
_PIECE_BYTES = 5

#: Messages a plugin may send.
_KINDS = {"Hello", "CallResponse", "EngineCall", "Data", "End", "Drop", "Ack", "Option"}


def record(folder: Path, code: str, *, version: str = NEWEST, **environment: str) -> bytes:
    """What a Nushell says to the plugin while it runs `code`."""
    folder.mkdir(parents=True, exist_ok=True)
    heard, recorder = folder / "heard", folder / "nu_plugin_orch"
    recorder.write_text(f"#!/bin/sh\ntee -a {shlex.quote(str(heard))} | {shlex.quote(str(PLUGIN))} --stdio\n")
    recorder.chmod(0o700)
    command = [str(nushell(version)), "--no-config-file", "--no-std-lib", "--plugins", f"[{recorder}]", "-c"]
    ended = subprocess.run(
        [*command, code],
        env=clean_environment(folder, **environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return heard.read_bytes()


def messages(data: bytes) -> list[Any]:
    """The whole messages in `data`, which has nothing but them."""
    unpacker = msgpack.Unpacker(strict_map_key=False)
    unpacker.feed(data)
    found = list(unpacker)
    assert unpacker.tell() == len(data), f"half a message behind {found[-1:]}"
    return found


def spoilt(data: bytes, rng: random.Random, count: int) -> Iterator[bytes]:
    """`count` versions of `data` with a few changes each, at any place: bytes, bits, blocks, whole messages."""
    whole = [msgpack.packb(message) for message in messages(data)]
    for _ in range(count):
        content = bytearray(data)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at, length = rng.randrange(len(content) + 1), rng.randrange(1, 40)
            match rng.randrange(7):
                case 0:
                    content[at : at + 1] = bytes([rng.randrange(256)])
                case 1:
                    content[at : at + 1] = bytes([content[at] ^ 1 << rng.randrange(8)]) if at < len(content) else b""
                case 2:
                    content[at:at] = rng.randbytes(length)
                case 3:
                    del content[at : at + length]
                case 4:
                    content[at:at] = content[at : at + length]
                case 5:
                    del content[at:]
                case _:
                    content = bytearray(b"".join(rng.sample(whole[1:], len(whole) - 1)))
                    content[:0] = whole[0]
        yield bytes(content)


def play(data: bytes, scratch: Path) -> tuple[bytes, RemoteProtocolError | None]:
    """What the plugin's loop answers to an engine that says `data` and goes; and why it ended, if not for that."""
    to_plugin, from_engine = os.pipe()
    assert len(data) < 1 << 16
    os.write(from_engine, data)
    os.close(from_engine)
    write_fd = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    fault = None
    try:
        with mock.patch.object(host, "_READ_BYTES", _PIECE_BYTES):
            host.Host(to_plugin, write_fd).run()
    except RemoteProtocolError as error:
        fault = error
    finally:
        os.close(to_plugin)
        said = os.pread(write_fd, 1 << 26, 0)
        os.close(write_fd)
    return said, fault


class Judge:
    """Holds what a plugin says against the protocol, whatever it was told.

    Attributes:
        answered: {call: how often}.
        ended: {stream: how often}.
    """

    def __init__(self, said: bytes) -> None:
        """Raises AssertionError where it said what it must not, or half a message."""
        assert said[:8] == b"\x07msgpack"
        self.answered: dict[int, int] = {}
        self.ended: dict[int, int] = {}
        self.open: dict[int, int] = {}
        self.questions: set[int] = set()
        self.messages = messages(said[8:])
        for number, message in enumerate(self.messages):
            assert isinstance(message, dict), message
            ((kind, body),) = message.items()
            assert kind in _KINDS, message
            assert (kind == "Hello") == (number == 0), message
            getattr(self, f"_{kind.lower()}", lambda _: None)(body)

    def _callresponse(self, body: Any) -> None:
        call, response = body
        self.answered[call] = self.answered.get(call, 0) + 1
        ((kind, content),) = response.items()
        if kind == "Error":
            assert set(content) == {"msg", "labels", "code", "url", "help", "inner"}, content
        elif kind == "PipelineData" and "ListStream" in content:
            stream = content["ListStream"]["id"]
            assert stream not in self.open, f"stream {stream} is opened twice"
            assert stream not in self.ended, f"stream {stream} is opened again"
            self.open[stream] = 0
        else:
            assert kind in ("PipelineData", "Metadata", "Signature", "CompletionItems"), response

    def _enginecall(self, body: Any) -> None:
        assert body["id"] not in self.questions, f"question {body['id']} is asked twice"
        self.questions.add(body["id"])

    def _data(self, body: Any) -> None:
        stream, _ = body
        assert stream in self.open, f"an item of stream {stream}, which is not open"
        self.open[stream] += 1

    def _end(self, stream: Any) -> None:
        assert stream in self.open, f"the end of stream {stream}, which is not open"
        self.ended[stream] = self.ended.get(stream, 0) + 1
        self.most = max(getattr(self, "most", 0), self.open.pop(stream))

    def keeps_to_its_window(self) -> bool:
        """Whether no stream has sent more than may be sent to one who acknowledges nothing."""
        return max([*self.open.values(), getattr(self, "most", 0)]) <= WINDOW
