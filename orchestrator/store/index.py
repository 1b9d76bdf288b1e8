"""Keeping the index of tasks beside the task files. The form is in `orchestrator.files.tables.index`.

It is fed with what is written into the task files, and written itself when it is complete and has not just been
written: however many tasks there are, it takes a small share of the writer's time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.files.layout import INDEX, TASKS, TASKS_INDEX
from orchestrator.files.tables.index import encode

if TYPE_CHECKING:
    from orchestrator.store.disk import Disk

#: Below the data directory.
INDEX_PATH = f"{INDEX}/{TASKS_INDEX}"

#: Least time between two versions of the file, and in all so much a task: writing takes some 3 us a task.
REWRITE_US = 2_000_000
REWRITE_US_PER_TASK = 60


class _Key(msgspec.Struct, frozen=True):
    """What of a row decides its place in the index."""

    id: str
    status: str
    created_at: str
    priority: int


_key_decoder = msgspec.json.Decoder(_Key)


class TasksIndex:
    """The rows of all tasks of one data directory. For use by one thread."""

    def __init__(self, disk: Disk, data_dir: str) -> None:
        self._disk = disk
        self._data_dir = data_dir
        self._rows: dict[str, tuple[tuple[int, str, str], str, bytes]] = {}
        self._order: list[str] | None = []
        self._is_stale = True
        self._next_us = 0

    def note(self, path: str, content: bytes) -> None:
        """This file was written; `path` is below the data directory."""
        if not path.startswith(TASKS):
            return
        key = _key_decoder.decode(content)
        if path not in self._rows:
            self._order = None
        row = content.replace(b"\n ", b"").replace(b"\n", b"")
        self._rows[path] = ((-key.priority, key.created_at, key.id), key.status, row)
        self._is_stale = True

    def forget(self, path: str) -> None:
        """This file was removed."""
        if self._rows.pop(path, None) is not None:
            self._order, self._is_stale = None, True

    def write(self, epoch: int, seq: int, now_us: int) -> None:
        """Write the file if it is time: every change up to record `seq` has been noted. Raises DiskFailed."""
        if self._is_stale and now_us >= self._next_us:
            self._next_us = now_us + max(REWRITE_US, REWRITE_US_PER_TASK * len(self._rows))
            self._disk.replace(f"{self._data_dir}/{INDEX_PATH}", self.encode(epoch, seq), durable=False)
            self._is_stale = False

    def encode(self, epoch: int, seq: int) -> bytes:
        """The index as a file."""
        if self._order is None:
            self._order = sorted(self._rows, key=lambda path: self._rows[path][0])
        return encode(((self._rows[path][1], self._rows[path][2]) for path in self._order), epoch, seq)
