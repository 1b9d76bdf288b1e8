"""A file system in memory that knows what is synced, and fails, tears and loses on demand.

It takes the place of module `os` below `orchestrator.store.realdisk.RealDisk` (see `System` there), so that what is
tested is the code that runs, retries and temporary files included.

What it promises after a power cut is what POSIX does, no more: bytes are kept from the last ``fsync`` of their file,
names from the last ``fsync`` of their directory. Of everything later any part may be there: any sectors of any write,
in any order; names with or without their content. A rename is kept or lost as a whole.
"""

from __future__ import annotations

import errno
import os
import random
import stat
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a disk writes as a whole.
SECTOR = 512

#: A large write is torn in this many pieces at most, to keep simulations fast.
_PIECES = 16

#: Calls that change something: where a crash can fall, and where a disk can fail.
CHANGES = ("create", "write", "truncate", "sync", "sync directory", "rename", "unlink", "mkdir", "rmdir")


class Crash(BaseException):
    """The process is gone, in the middle of a call. No ``except Exception`` of the process sees it."""


class _File:
    """`pending`: [(offset, bytes written there)] since the last sync, or (size, None) for a truncation."""

    __slots__ = ("data", "durable", "mtime_us", "pending", "uid")

    def __init__(self, mtime_us: int) -> None:
        self.data = bytearray()
        self.durable = bytearray()
        self.pending: list[tuple[int, bytes | None]] = []
        self.mtime_us = mtime_us
        self.uid = os.geteuid()

    def put(self, offset: int, data: bytes) -> None:
        _put(self.data, offset, data)
        self.pending.append((offset, data))

    def cut(self, size: int) -> None:
        _cut(self.data, size)
        self.pending.append((size, None))

    def sync(self) -> None:
        for at, data in self.pending:
            _cut(self.durable, at) if data is None else _put(self.durable, at, data)
        self.pending.clear()

    def lose(self, fate: random.Random) -> None:
        """A power cut: any part of what was not synced is gone."""
        keep_all = fate.random() < 0.3
        for at, data in self.pending:
            if keep_all:
                _cut(self.durable, at) if data is None else _put(self.durable, at, data)
            elif fate.random() < 0.5:
                if data is None:
                    _cut(self.durable, at)
                else:
                    _put_some(self.durable, at, data, fate)
        self.pending.clear()
        self.data = bytearray(self.durable)


class _Folder:
    """`log`: changes of names since the last sync, each a list of (name, node or None) that belong together."""

    __slots__ = ("durable", "log", "names")

    def __init__(self) -> None:
        self.names: dict[str, _File | _Folder] = {}
        self.durable: dict[str, _File | _Folder] = {}
        self.log: list[list[tuple[str, _File | _Folder | None]]] = []

    def change(self, *changes: tuple[str, _File | _Folder | None]) -> None:
        _apply(self.names, changes)
        self.log.append(list(changes))

    def sync(self) -> None:
        for changes in self.log:
            _apply(self.durable, changes)
        self.log.clear()

    def lose(self, fate: random.Random) -> None:
        """A power cut: of the changes since the last sync none, all, the first ones, or any are there."""
        how = fate.choice(("none", "all", "first", "any"))
        kept = {"none": 0, "all": len(self.log), "first": fate.randint(0, len(self.log))}.get(how)
        log = self.log[:kept] if kept is not None else [changes for changes in self.log if fate.random() < 0.5]
        for changes in log:
            _apply(self.durable, changes)
        self.log.clear()
        self.names = dict(self.durable)
        for node in self.names.values():
            node.lose(fate)


class _Open(SimpleNamespace):
    node: _File | _Folder
    path: str
    append: bool
    offset: int


class FileSystem:
    """The calls of `orchestrator.store.disk.System`, in memory.

    Attributes:
        calls: changing calls so far.
        crash_at: the number of the changing call that does not return; None for none.
        crash_after: that call does its work before the process is gone; a write does part of it.
        fault: asked before each changing call and each "open" with (its name, the path): an errno to fail with,
            -1 for a short write, or None.
        now_us: time for the files, set from outside.
        log: [(call, path)] of each changing call, when it is not None.
        kind: what it says it is.
    """

    def __init__(self, fate: random.Random | None = None) -> None:
        self.calls = 0
        self.crash_at: int | None = None
        self.crash_after = False
        self.fault: Callable[[str, str], int | None] = lambda _call, _path: None
        self.now_us = 0
        self.log: list[tuple[str, str]] | None = None
        self.kind = "ext4"
        self._fate = fate or random.Random(0)
        self._root = _Folder()
        self._open: dict[int, _Open] = {}
        self._next_fd = 1000

    # --- what a test does ------------------------------------------------------------------------------------

    def power_cut(self) -> None:
        """Lose what is not synced; every descriptor is gone."""
        self._root.lose(self._fate)
        self._open.clear()

    def process_died(self) -> None:
        """Its descriptors are gone; the files are what they are."""
        self._open.clear()

    def files(self) -> dict[str, bytes]:
        """{path: content} of every file."""
        found: dict[str, bytes] = {}

        def walk(folder: _Folder, path: str) -> None:
            for name, node in folder.names.items():
                if isinstance(node, _Folder):
                    walk(node, f"{path}/{name}")
                else:
                    found[f"{path}/{name}"] = bytes(node.data)

        walk(self._root, "")
        return found

    def put(self, path: str, data: bytes, *, uid: int | None = None) -> None:
        """Another process puts a file in place, not synced."""
        folder, name = self._parent(path)
        file = _File(self.now_us)
        file.put(0, data)
        file.uid = file.uid if uid is None else uid
        folder.change((name, file))

    def create_alone(self, path: str) -> None:
        """Another process makes an empty file that must not exist. Raises FileExistsError."""
        folder, name = self._parent(path)
        if name in folder.names:
            raise _error(errno.EEXIST, path)
        folder.change((name, _File(self.now_us)))

    def content(self, path: str) -> bytes:
        """What is in a file; nothing if there is none."""
        try:
            node = self._find(path)
        except FileNotFoundError:
            return b""
        assert isinstance(node, _File)
        return bytes(node.data)

    def append(self, path: str, data: bytes) -> None:
        """Another process appends, not synced; makes the file if need be."""
        folder, name = self._parent(path)
        node = folder.names.get(name)
        if node is None:
            self.put(path, data)
        else:
            assert isinstance(node, _File)
            node.put(len(node.data), data)

    def sync_all(self) -> None:
        """Everything is on the disk."""

        def walk(folder: _Folder) -> None:
            folder.sync()
            for node in folder.names.values():
                walk(node) if isinstance(node, _Folder) else node.sync()

        walk(self._root)

    def make_folders(self, path: str) -> None:
        """A directory with everything above it, on the disk."""
        folder = self._root
        for name in path.strip("/").split("/"):
            if name not in folder.names:
                folder.change((name, _Folder()))
                folder.sync()
            inside = folder.names[name]
            assert isinstance(inside, _Folder)
            folder = inside

    # --- the calls -------------------------------------------------------------------------------------------

    def open(self, path: str, flags: int, mode: int = 0o777) -> int:  # noqa: ARG002 - the system's signature
        lacking = self.fault("open", path)
        if lacking and lacking > 0:
            raise _error(lacking, path)
        folder, name = self._parent(path)
        node: _File | _Folder | None = folder.names.get(name) if name else folder
        if node is None:
            if not flags & os.O_CREAT:
                raise _error(errno.ENOENT, path)
            created = _File(self.now_us)
            self._change("create", path, lambda: folder.change((name, created)))
            node = created
        elif flags & os.O_EXCL:
            raise _error(errno.EEXIST, path)
        if isinstance(node, _Folder) and flags & (os.O_WRONLY | os.O_RDWR):
            raise _error(errno.EISDIR, path)
        if isinstance(node, _File) and flags & os.O_TRUNC and node.data:
            file = node
            self._change("truncate", path, lambda: file.cut(0))
        self._next_fd += 1
        self._open[self._next_fd] = _Open(node=node, path=path, append=bool(flags & os.O_APPEND), offset=0)
        return self._next_fd

    def close(self, fd: int) -> None:
        self._open.pop(fd, None)

    def read(self, fd: int, size: int) -> bytes:
        at = self._open[fd]
        assert isinstance(at.node, _File)
        data = bytes(at.node.data[at.offset : at.offset + size])
        at.offset += len(data)
        return data

    def write(self, fd: int, data: memoryview) -> int:
        at = self._open[fd]
        assert isinstance(at.node, _File)
        offset = len(at.node.data) if at.append else at.offset
        written = self._put(at, data, offset)
        at.offset = offset + written
        return written

    def pwrite(self, fd: int, data: memoryview, offset: int) -> int:
        return self._put(self._open[fd], data, offset)

    def ftruncate(self, fd: int, size: int) -> None:
        at = self._open[fd]
        file = cast("_File", at.node)
        self._change("truncate", at.path, lambda: file.cut(size))

    def fsync(self, fd: int) -> None:
        at = self._open[fd]
        self._change("sync" if isinstance(at.node, _File) else "sync directory", at.path, at.node.sync)

    fdatasync = fsync

    def fstat(self, fd: int) -> os.stat_result:
        return _stat(self._open[fd].node)

    def lstat(self, path: str) -> os.stat_result:
        return _stat(self._find(path))

    def mkdir(self, path: str, mode: int) -> None:  # noqa: ARG002 - the system's signature
        folder, name = self._parent(path)
        if name in folder.names:
            raise _error(errno.EEXIST, path)
        self._change("mkdir", path, lambda: folder.change((name, _Folder())))

    def listdir(self, path: str) -> list[str]:
        node = self._find(path)
        if not isinstance(node, _Folder):
            raise _error(errno.ENOTDIR, path)
        return list(node.names)

    def rename(self, source: str, target: str) -> None:
        here, name = self._parent(source)
        there, new = self._parent(target)
        node = self._find(source)

        def move() -> None:
            if here is there:
                here.change((name, None), (new, node))
            else:
                there.change((new, node))
                here.change((name, None))

        self._change("rename", target, move)

    def exchange(self, one: str, other: str) -> None:
        here, name = self._parent(one)
        there, other_name = self._parent(other)
        first, second = self._find(one), self._find(other)

        def swap() -> None:
            if here is there:
                here.change((name, second), (other_name, first))
            else:
                here.change((name, second))
                there.change((other_name, first))

        self._change("rename", other, swap)

    def kind_of(self, path: str) -> str:  # noqa: ARG002 - the protocol's
        return self.kind

    def unlink(self, path: str) -> None:
        folder, name = self._parent(path)
        if isinstance(self._find(path), _Folder):
            raise _error(errno.EISDIR, path)
        self._change("unlink", path, lambda: folder.change((name, None)))

    def rmdir(self, path: str) -> None:
        folder, name = self._parent(path)
        node = self._find(path)
        if not isinstance(node, _Folder) or node.names:
            raise _error(errno.ENOTEMPTY, path)
        self._change("rmdir", path, lambda: folder.change((name, None)))

    # --- how ---------------------------------------------------------------------------------------------------

    def _put(self, at: _Open, data: memoryview, offset: int) -> int:
        file = cast("_File", at.node)
        whole = bytes(data)
        fault = self._begin("write", at.path)
        if fault == -1 and len(whole) > 1:
            whole = whole[: self._fate.randint(1, len(whole) - 1)]
        elif fault and fault > 0:
            if self._fate.random() < 0.3:  # a failing write may have done a part
                file.put(offset, whole[: self._fate.randint(0, len(whole))])
            raise _error(fault, at.path)
        if self.calls == self.crash_at:
            if self.crash_after:
                file.put(offset, whole[: self._fate.randint(1, len(whole))])
            raise Crash
        file.put(offset, whole)
        file.mtime_us = self.now_us
        return len(whole)

    def _change(self, call: str, path: str, do: Callable[[], None]) -> None:
        fault = self._begin(call, path)
        if fault and fault > 0:
            raise _error(fault, path)
        if self.calls == self.crash_at:
            if self.crash_after:
                do()
            raise Crash
        do()

    def _begin(self, call: str, path: str) -> int | None:
        self.calls += 1
        if self.log is not None:
            self.log.append((call, path))
        return self.fault(call, path)

    def _parent(self, path: str) -> tuple[_Folder, str]:
        folder = self._root
        *above, name = path.strip("/").split("/")
        for part in above:
            node = folder.names.get(part)
            if node is None:
                raise _error(errno.ENOENT, path)
            if not isinstance(node, _Folder):
                raise _error(errno.ENOTDIR, path)
            folder = node
        return folder, name

    def _find(self, path: str) -> _File | _Folder:
        folder, name = self._parent(path)
        node = folder.names.get(name)
        if node is None:
            raise _error(errno.ENOENT, path)
        return node


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


def _put_some(content: bytearray, offset: int, data: bytes, fate: random.Random) -> None:
    """Some sectors of a write; the size may be the new one although nothing is behind it."""
    if fate.random() < 0.3 and offset + len(data) > len(content):
        content.extend(bytes(offset + len(data) - len(content)))
    size = max(SECTOR, len(data) // _PIECES)
    at = 0
    while at < len(data):
        end = min(len(data), (offset + at) // size * size + size - offset)
        if fate.random() < 0.6:
            _put(content, offset + at, data[at:end])
        at = end


def _cut(content: bytearray, size: int) -> None:
    if size < len(content):
        del content[size:]
    else:
        content.extend(bytes(size - len(content)))


def _apply(
    names: dict[str, _File | _Folder],
    changes: tuple[tuple[str, _File | _Folder | None], ...] | list[tuple[str, _File | _Folder | None]],
) -> None:
    for name, node in changes:
        if node is None:
            names.pop(name, None)
        else:
            names[name] = node


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


def _stat(node: _File | _Folder) -> os.stat_result:
    if isinstance(node, _Folder):
        found = SimpleNamespace(st_mode=stat.S_IFDIR | 0o700, st_uid=os.geteuid(), st_size=0, st_mtime_ns=0)
    else:
        mode = stat.S_IFREG | 0o600
        found = SimpleNamespace(
            st_mode=mode, st_uid=node.uid, st_nlink=1, st_size=len(node.data), st_mtime_ns=node.mtime_us * 1000
        )
    return cast("os.stat_result", found)
