"""Conversations with clients, a request and an answer each, none of which the service ever waits for.

A client that says nothing more, or takes nothing more of its answer, is given up after a while.
"""

from __future__ import annotations

import json
import selectors
import struct
import time
from typing import TYPE_CHECKING, Any

from orchestrator.model.limits import REQUEST_BYTES_MAX

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

#: A client may do nothing for so long while it is its turn.
PATIENCE_S = 30.0

_LENGTH = struct.Struct("!I")
_CHUNK = 1 << 18


class Client:
    """One connection: a request, then an answer."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.seen_s = time.monotonic()
        self._incoming = bytearray()
        self._outgoing = memoryview(b"")

    def read(self) -> bytes | None:
        """The request; None as long as it is not all there.

        Raises:
            OSError: it will never be.
        """
        try:
            data = self.connection.recv(_CHUNK)
        except BlockingIOError:
            return None
        if not data:
            raise ConnectionAbortedError
        self.seen_s = time.monotonic()
        self._incoming += data
        if len(self._incoming) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._incoming)[0]
        if end > REQUEST_BYTES_MAX:
            raise ConnectionAbortedError
        return bytes(self._incoming[_LENGTH.size : end]) if len(self._incoming) >= end else None

    def answer(self, reply: dict[str, Any]) -> None:
        """What is to be written."""
        content = json.dumps(reply).encode()
        self._outgoing = memoryview(_LENGTH.pack(len(content)) + content)
        self.seen_s = time.monotonic()

    def write(self) -> bool:
        """Hand over what the client takes now; whether there is more.

        Raises:
            OSError: it went away.
        """
        try:
            sent = self.connection.send(self._outgoing[:_CHUNK])
        except BlockingIOError:
            return True
        self.seen_s = time.monotonic()
        self._outgoing = self._outgoing[sent:]
        return bool(self._outgoing)


class Clients:
    """Those that are being listened to and those that are being answered; whose request is at work is not here."""

    def __init__(self, selector: selectors.BaseSelector, begin: Callable[[Client, bytes], None]) -> None:
        self._selector = selector
        self._begin = begin
        self._here: set[Client] = set()

    def __len__(self) -> int:
        return len(self._here)

    def accept(self, listener: socket.socket) -> None:
        """Begin to listen to somebody new."""
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionError):
            return
        connection.setblocking(False)
        client = Client(connection)
        self._watch(client, selectors.EVENT_READ, self._listen)

    def answer(self, client: Client, reply: dict[str, Any]) -> None:
        """Answer one whose request was begun; one that went away misses nothing."""
        client.answer(reply)
        self._watch(client, selectors.EVENT_WRITE, self._talk)

    def give_up_idle(self) -> None:
        """Let go of those that have done nothing for too long."""
        now_s = time.monotonic()
        for client in [one for one in self._here if now_s - one.seen_s >= PATIENCE_S]:
            self._drop(client)

    def _watch(self, client: Client, event: int, step: Callable[[Client], None]) -> None:
        self._selector.register(client.connection, event, lambda: step(client))
        self._here.add(client)

    def _listen(self, client: Client) -> None:
        try:
            request = client.read()
        except OSError:
            self._drop(client)
            return
        if request is not None:
            self._forget(client)
            self._begin(client, request)

    def _talk(self, client: Client) -> None:
        try:
            more = client.write()
        except OSError:
            more = False
        if not more:
            self._drop(client)

    def _forget(self, client: Client) -> None:
        self._selector.unregister(client.connection)
        self._here.discard(client)

    def _drop(self, client: Client) -> None:
        self._forget(client)
        client.connection.close()
