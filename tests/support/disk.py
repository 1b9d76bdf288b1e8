"""A disk in memory that knows what is synced, and can lose the rest.

Held to the same contract tests as the real one (tests/store/test_disk.py).
"""

from __future__ import annotations

import errno
import os
import posixpath

from orchestrator.model.errors import DiskFailed


class _File:
    __slots__ = ("content", "durable")

    def __init__(self) -> None:
        self.content = b""
        self.durable: bytes | None = None


class MemoryLog:
    """A log of a `MemoryDisk`."""

    def __init__(self, disk: MemoryDisk, path: str, file: _File) -> None:
        self._disk = disk
        self._path = path
        self._file = file

    def write(self, offset: int, data: bytes) -> None:
        self._disk.count("write", self._path)
        content = self._file.content.ljust(offset, b"\0")
        self._file.content = content[:offset] + data + content[offset + len(data) :]

    def sync(self) -> None:
        self._disk.count("sync", self._path)
        self._file.durable = self._file.content

    def truncate(self, size: int) -> None:
        self._disk.count("truncate", self._path)
        self._file.content = self._file.content[:size]

    def close(self) -> None:
        pass


class MemoryDisk:
    """{path: file}. `fail` maps the number of a mutating call, counted from 1, to the errno it fails with."""

    def __init__(self) -> None:
        self.files: dict[str, _File] = {}
        self.directories: dict[str, None] = {"/": None}
        self.fail: dict[int, int] = {}
        self.calls = 0

    def count(self, doing: str, path: str) -> None:
        self.calls += 1
        if self.calls in self.fail:
            raise DiskFailed(f"{doing} {path}: {os.strerror(self.fail[self.calls])}")

    def lose_unsynced(self) -> None:
        """The power went: every file is what it was when last synced, or gone."""
        self.files = {path: file for path, file in self.files.items() if file.durable is not None}
        for file in self.files.values():
            file.content = file.durable or b""

    def make_directory(self, path: str) -> None:
        self.count("creating directory", path)
        self.directories[path] = None

    def names(self, path: str) -> list[str]:
        inside = [entry for entry in [*self.files, *self.directories] if posixpath.dirname(entry) == path != entry]
        return sorted({posixpath.basename(entry) for entry in inside})

    def read(self, path: str) -> bytes | None:
        file = self.files.get(path)
        return None if file is None else file.content

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        self.count("replacing", path)
        self._check_parent(path)
        old = self.files.get(path)
        file = self.files[path] = _File()
        file.content = data
        file.durable = data if durable else old.durable if old else None

    def remove(self, path: str) -> None:
        self.count("removing", path)
        self.files.pop(path, None)

    def move(self, source: str, target: str) -> None:
        self.count("moving", source)
        if source not in self.files:
            raise DiskFailed(f"moving {source}: {os.strerror(errno.ENOENT)}")
        self.files[target] = self.files.pop(source)

    def create_log(self, path: str) -> MemoryLog:
        self.count("creating", path)
        self._check_parent(path)
        if path in self.files:
            raise DiskFailed(f"opening {path}: {os.strerror(errno.EEXIST)}")
        file = self.files[path] = _File()
        file.durable = b""
        return MemoryLog(self, path, file)

    def open_log(self, path: str) -> MemoryLog:
        if path not in self.files:
            raise DiskFailed(f"opening {path}: {os.strerror(errno.ENOENT)}")
        return MemoryLog(self, path, self.files[path])

    def _check_parent(self, path: str) -> None:
        if posixpath.dirname(path) not in self.directories:
            raise DiskFailed(f"opening {path}: {os.strerror(errno.ENOENT)}")
