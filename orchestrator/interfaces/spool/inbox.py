"""Picking requests up and answering them, without trusting what lies in the folder.

Only regular files of the daemon's own user are read, links are not followed, a FIFO does not block, and what is
too big or has no proper form is moved to ``inbox/quarantine``. A request file is removed after its reply is
written; if the daemon dies between the two, the request is met again and its key finds the first answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.files.layout import FORMAT, INBOX, QUARANTINE, REPLIES
from orchestrator.interfaces.spool.request import BadRequest, Request, parse
from orchestrator.model.errors import DefinitionInvalid, DiskFailed, OrchestratorError
from orchestrator.model.ids import is_safe_id
from orchestrator.model.limits import REQUEST_BYTES_MAX
from orchestrator.store.disk import Unfit
from orchestrator.store.project import encode_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.store.disk import Disk

_SUFFIX = ".json"


class Inbox:
    """The two folders of one data directory."""

    def __init__(
        self, disk: Disk, data_dir: str, handle: Callable[[Request], None], say: Callable[[str], None]
    ) -> None:
        """`handle` takes each new request once and leads to `reply` or `refuse`; `say` is for the daemon's log."""
        self._disk = disk
        self._inbox = f"{data_dir}/{INBOX}"
        self._replies = f"{data_dir}/{REPLIES}"
        self._handle = handle
        self._say = say
        self._at_work: dict[str, None] = {}
        self._immovable: dict[str, None] = {}
        self._unsent: dict[str, bytes] = {}

    @property
    def is_idle(self) -> bool:
        """Whether every request that was met has been answered."""
        return not self._at_work

    def scan(self) -> None:
        """Take up every request that is not being worked on, and give the answers that could not be given before.

        Raises:
            DiskFailed: the folder cannot be read, or an answer still cannot be given; it is kept for the next scan.
        """
        trouble = self._send_again()
        for name in self._disk.names(self._inbox):
            known = name in self._at_work or name in self._immovable
            if name.endswith(_SUFFIX) and not name.startswith(".") and not known:
                self._take_up(name)
        if trouble is not None:
            raise trouble

    def reply(self, key: str, seq: int, result: dict[str, object]) -> None:
        """Answer request `key`; `seq` is the record that the answer rests on."""
        self._answer(key, {"format": FORMAT, "key": key, "ok": True, "seq": seq, "result": result})

    def refuse(self, key: str, error: OrchestratorError) -> None:
        """Answer request `key` with why it is not done."""
        diagnostics = error.diagnostics if isinstance(error, DefinitionInvalid) else []
        self._answer(
            key,
            {
                "format": FORMAT,
                "key": key,
                "ok": False,
                "error": {
                    "code": error.code,
                    "message": error.message,
                    "help": error.help,
                    "diagnostics": diagnostics,
                },
            },
        )

    def forget_file(self, key: str) -> None:
        """Remove the request before it is acted upon: it must not be met again by the next daemon."""
        self._disk.remove(f"{self._inbox}/{key}{_SUFFIX}")

    def remove_torn_replies(self) -> None:
        """After the power went: remove answers that did not reach the disk whole. Raises DiskFailed."""
        for name in self._disk.names(self._replies):
            path = f"{self._replies}/{name}"
            try:
                msgspec.json.decode(self._disk.read(path) or b"")
            except msgspec.DecodeError:
                self._disk.remove(path)

    def prune_replies(self, before_us: int) -> None:
        """Remove answers that were written before `before_us` (microseconds since 1970). Raises DiskFailed."""
        for name in self._disk.names(self._replies):
            path = f"{self._replies}/{name}"
            written_us = self._disk.modified_us(path)
            if written_us is not None and written_us < before_us:
                self._disk.remove(path)

    def _take_up(self, name: str) -> None:
        key = name[: -len(_SUFFIX)]
        try:
            if not is_safe_id(key):
                raise BadRequest("its name is not a key")
            content = self._disk.read_strange(f"{self._inbox}/{name}", REQUEST_BYTES_MAX)
            if content is None:
                return
            request = parse(content, key)
        except (BadRequest, Unfit) as fault:
            self._quarantine(name, fault)
            return
        self._at_work[name] = None
        self._handle(request)

    def _quarantine(self, name: str, fault: ValueError) -> None:
        self._say(f"inbox/{name} is put into quarantine: {fault}")
        try:
            self._disk.move(f"{self._inbox}/{name}", f"{self._inbox}/{QUARANTINE}/{name}")
        except DiskFailed as error:
            if error.may_pass:
                raise
            self._say(f"it stays where it is, unread: {error.message}")
            self._immovable[name] = None
        key = name[: -len(_SUFFIX)]
        if is_safe_id(key):
            self._answer(key, {"format": FORMAT, "key": key, "ok": False, "error": _told(fault)})

    def _answer(self, key: str, reply: dict[str, object]) -> None:
        self._unsent[key] = encode_lines(reply)
        trouble = self._try_to_send(key)
        if trouble is not None:
            self._say(f"the answer to request {key} has to wait: {trouble.message}")

    def _send_again(self) -> DiskFailed | None:
        """Give the answers that could not be given before; why one of them still cannot."""
        return next((trouble for trouble in map(self._try_to_send, list(self._unsent)) if trouble is not None), None)

    def _try_to_send(self, key: str) -> DiskFailed | None:
        """Give an answer; why it has to wait. One that can never be given is dropped: it must not hold up others."""
        try:
            self._send(key)
        except DiskFailed as error:
            if error.may_pass:
                return error
            self._say(f"the answer to request {key} cannot be given: {error.message}")
            self._at_work.pop(f"{key}{_SUFFIX}", None)
            self._immovable[f"{key}{_SUFFIX}"] = None
            del self._unsent[key]
        return None

    def _send(self, key: str) -> None:
        name = f"{key}{_SUFFIX}"
        self._disk.replace(f"{self._replies}/{name}", self._unsent[key], durable=False)
        if name in self._at_work:
            self._disk.remove(f"{self._inbox}/{name}")
            del self._at_work[name]
        del self._unsent[key]


def _told(fault: ValueError) -> dict[str, object]:
    return {
        "code": "orch::request::bad",
        "message": f"The request is not understood: {fault}.",
        "help": "It was moved to inbox/quarantine.",
        "diagnostics": [],
    }
