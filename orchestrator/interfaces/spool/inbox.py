"""Picking requests up and answering them, without trusting what lies in the folder.

Only regular files of the daemon's own user are read, links are not followed, a FIFO does not block, and what is
too big or has no proper form is moved to ``inbox/quarantine``. A request file is removed after its reply is
written; if the daemon dies between the two, the request is met again and its key finds the first answer.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from orchestrator.files.layout import FORMAT, INBOX, QUARANTINE, REPLIES
from orchestrator.interfaces.spool.request import BadRequest, Request, parse
from orchestrator.model.errors import DefinitionInvalid, DiskFailed, OrchestratorError
from orchestrator.model.ids import is_safe_id
from orchestrator.model.limits import REQUEST_BYTES_MAX
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

    @property
    def is_idle(self) -> bool:
        """Whether every request that was met has been answered."""
        return not self._at_work

    def scan(self) -> None:
        """Take up every request that is not being worked on."""
        for name in self._disk.names(self._inbox):
            known = name in self._at_work or name in self._immovable
            if name.endswith(_SUFFIX) and not name.startswith(".") and not known:
                self._take_up(name)

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

    def prune_replies(self, older_than_s: float, now_s: float) -> None:
        """Remove answers that were written before `now_s` - `older_than_s` (seconds since 1970)."""
        for name in self._disk.names(self._replies):
            path = f"{self._replies}/{name}"
            try:
                if os.lstat(path).st_mtime < now_s - older_than_s:
                    self._disk.remove(path)
            except FileNotFoundError:
                continue

    def _take_up(self, name: str) -> None:
        key = name[: -len(_SUFFIX)]
        try:
            if not is_safe_id(key):
                raise BadRequest("its name is not a key")
            content = self._read(name)
            if content is None:
                return
            request = parse(content, key)
        except BadRequest as fault:
            self._quarantine(name, fault)
            return
        self._at_work[name] = None
        self._handle(request)

    def _read(self, name: str) -> bytes | None:
        try:
            fd = os.open(f"{self._inbox}/{name}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BadRequest(f"it cannot be opened: {os.strerror(error.errno or 0)}") from error
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise BadRequest("it is not a regular file")
            if found.st_uid != os.geteuid():
                raise BadRequest(f"it belongs to user {found.st_uid}")
            if found.st_size > REQUEST_BYTES_MAX:
                raise BadRequest(f"it is larger than {REQUEST_BYTES_MAX} bytes")
            return os.read(fd, REQUEST_BYTES_MAX)
        finally:
            os.close(fd)

    def _quarantine(self, name: str, fault: BadRequest) -> None:
        self._say(f"inbox/{name} is put into quarantine: {fault}")
        try:
            self._disk.move(f"{self._inbox}/{name}", f"{self._inbox}/{QUARANTINE}/{name}")
        except DiskFailed as error:
            self._say(f"it stays where it is, unread: {error.message}")
            self._immovable[name] = None
        key = name[: -len(_SUFFIX)]
        if is_safe_id(key):
            self._write(key, {"format": FORMAT, "key": key, "ok": False, "error": _told(fault)})

    def _answer(self, key: str, reply: dict[str, object]) -> None:
        self._write(key, reply)
        self._disk.remove(f"{self._inbox}/{key}{_SUFFIX}")
        self._at_work.pop(f"{key}{_SUFFIX}", None)

    def _write(self, key: str, reply: dict[str, object]) -> None:
        self._disk.replace(f"{self._replies}/{key}{_SUFFIX}", encode_lines(reply), durable=False)


def _told(fault: BadRequest) -> dict[str, object]:
    return {
        "code": "orch::request::bad",
        "message": f"The request is not understood: {fault}.",
        "help": "It was moved to inbox/quarantine.",
        "diagnostics": [],
    }
