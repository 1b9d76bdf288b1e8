"""The disk as the store sees it: a port, so that a simulated one can take its place.

What is promised
----------------
`replace` is atomic: a reader sees the old bytes or the new ones. With ``durable`` the new ones survive a power
cut once it returns; without, either may be there after one, or an empty file. `Log.write` promises nothing
until `Log.sync` returns; when `sync` raises, nothing written since the last good one may be believed, and it
must not be called again (POSIX lets a second call succeed although the data are gone).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import os


class Log(Protocol):
    """A file that is written from front to back and synced."""

    def write(self, offset: int, data: bytes) -> None:
        """Put all of `data` at `offset`. Raises DiskFailed; then any part of it may be there."""

    def sync(self) -> None:
        """Return when everything written is on the disk. Raises DiskFailed: see the module's text."""

    def truncate(self, size: int) -> None:
        """Cut the file to `size` bytes. Raises DiskFailed."""

    def close(self) -> None:
        """Give the file back. Does not sync."""


class Disk(Protocol):
    """Everything the store does with files. All paths are absolute."""

    def make_directory(self, path: str) -> None:
        """Create `path`, private, durably; fine if it exists."""

    def names(self, path: str) -> list[str]:
        """What is in the directory, sorted; empty if there is none."""

    def read(self, path: str) -> bytes | None:
        """The whole regular file, None if there is none. A link is not followed."""

    def read_strange(self, path: str, bytes_max: int) -> bytes | None:
        """A file that somebody else put there, None if it is gone.

        Raises:
            Unfit: it is no regular file, not this user's, too large, or cannot be opened. Nothing was waited for.
            DiskFailed: it says nothing about the file that it could not be opened.
        """

    def modified_us(self, path: str) -> int | None:
        """When the file was last written, in microseconds since 1970; None if there is none."""

    def size(self, path: str) -> int:
        """Bytes in the file; 0 if there is none."""

    def replace(self, path: str, data: bytes, *, durable: bool) -> None:
        """Make `data` the content of `path`, atomically."""

    def write_new(self, path: str, data: bytes) -> None:
        """A new file with this content, in the place of whatever was there. Not atomic, not durable."""

    def overwrite(self, path: str, data: bytes) -> None:
        """Make `data` the content of an existing file, in place: a reader may see a part of it. Not durable."""

    def links(self, path: str) -> int:
        """How many names the file has; 0 if there is none."""

    def exchange(self, one: str, other: str) -> bool:
        """Let two files change places, atomically. False if there is no `other`: then nothing has changed."""

    def kind_of(self, path: str) -> str:
        """The kind of file system `path` is on, as ``mount`` tells it; "" if it is not known."""

    def remove(self, path: str) -> None:
        """Unlink `path`; fine if it is gone."""

    def remove_tree(self, path: str) -> None:
        """Remove a directory and everything in it; fine if it is gone. Links in it are removed, not followed."""

    def sync_directory(self, path: str) -> None:
        """Return when the names in the directory are on the disk as they are. Raises DiskFailed."""

    def move(self, source: str, target: str) -> None:
        """Rename within one file system; replaces `target`."""

    def create_log(self, path: str) -> Log:
        """A new log; its name is durable when this returns. Raises DiskFailed if it exists."""

    def open_log(self, path: str) -> Log:
        """An existing log."""


class Unfit(ValueError):
    """A file is not what may be read; the text says why."""


class System(Protocol):
    """The calls of the operating system that a disk is made of: those of module `os`, of the same names, and two more.

    They are a port of their own so that a simulation can fail, tear and lose at each of them, and the code that
    copes with it is the code that is run.
    """

    def open(self, path: str, flags: int, mode: int = 0o777) -> int: ...
    def close(self, fd: int) -> None: ...
    def read(self, fd: int, size: int) -> bytes: ...
    def write(self, fd: int, data: memoryview) -> int: ...
    def pwrite(self, fd: int, data: memoryview, offset: int) -> int: ...
    def ftruncate(self, fd: int, size: int) -> None: ...
    def fsync(self, fd: int) -> None: ...
    def fdatasync(self, fd: int) -> None: ...
    def fstat(self, fd: int) -> os.stat_result: ...
    def lstat(self, path: str) -> os.stat_result: ...
    def mkdir(self, path: str, mode: int) -> None: ...
    def listdir(self, path: str) -> list[str]: ...
    def rename(self, source: str, target: str) -> None: ...
    def unlink(self, path: str) -> None: ...
    def rmdir(self, path: str) -> None: ...
    def exchange(self, one: str, other: str) -> None: ...
    def kind_of(self, path: str) -> str: ...
