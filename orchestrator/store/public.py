"""Writing public files by recycled inodes.

Why
---
A file that is replaced by renaming another over it leaves an inode to be deleted. On ext4 without a journal every new
inode then costs 0.1 to 0.6 ms for seconds, because the kernel walks past those deleted lately, and attempts, which make
their logs, pay for it. So nothing is deleted: content goes into a *spare*, the spare and the file change places
(``renameat2`` with ``RENAME_EXCHANGE``), and what the file was is the next spare, after a rest.

The rest is for readers: who opened the file before it was exchanged goes on reading what it was. An inode is written
again no sooner than `REST_US` later, so a reader would have to pause that long between opening a small file and reading
it to see anything else. Spares are hidden files in ``tasks/``; those of an earlier daemon are removed by the next.

Only inodes that were made in this daemon's life are spares. A power cut may keep one half of an exchange, so that two
names stand for one inode, and nothing tells (its count of links says one). So the first time that a file is written, it
is replaced in the usual way.

Where exchanging is not known to be quicker (`EXCHANGING`), files are replaced in the usual way.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from orchestrator.files.layout import TASKS
from orchestrator.model.errors import DiskFailed
from orchestrator.store.index import INDEX_PATH, TasksIndex

if TYPE_CHECKING:
    from collections.abc import Iterable

    from orchestrator.store.disk import Disk

#: Time before an inode that was seen under a name is written again.
REST_US = 5_000_000

#: Spares kept when nothing is to be written; the others are removed then, a few at a time.
SPARES_KEPT = 256
_REMOVED_AT_A_TIME = 32

#: File systems on which exchanging was measured to be quicker than renaming (on btrfs it is slower).
EXCHANGING = frozenset(("ext2", "ext3", "ext4", "xfs", "tmpfs"))

_PREFIX = ".spare-"


class PublicFiles:
    """The files of one data directory that can be made anew at any time. For use by one thread.

    Attributes:
        index: of the tasks, kept in step.
    """

    def __init__(self, disk: Disk, data_dir: str) -> None:
        self.index = TasksIndex(disk, data_dir)
        self._disk = disk
        self._data_dir = data_dir
        self._exchanges = disk.kind_of(data_dir) in EXCHANGING
        self._resting: deque[tuple[int, str]] = deque()
        self._made = 0
        self._own: dict[str, None] = {}

    def remove_old_spares(self) -> None:
        """Remove what an earlier daemon has left. Raises DiskFailed."""
        folder = f"{self._data_dir}/{TASKS}"
        for name in self._disk.names(folder):
            if name.startswith("."):
                self._disk.remove(f"{folder}/{name}")

    def write(
        self, batch: Iterable[tuple[str, bytes]], now_us: int, complete: tuple[int, int] | None = None
    ) -> dict[str, DiskFailed]:
        """Put each content at its path below the data directory, atomically, not durably.

        Args:
            batch: [(path, content)].
            now_us: monotonic time.
            complete: (epoch, seq) up to which task files are complete with this batch; None if they are not.

        Returns {path: why} of those that could not be written; one that cannot does not hold up the others.
        """
        failed: dict[str, DiskFailed] = {}
        for path, content in batch:
            target = f"{self._data_dir}/{path}"
            try:
                if path in self._own:
                    self._exchange(target, content, now_us)
                else:
                    self._disk.replace(target, content, durable=False)
                    if self._exchanges:
                        self._own[path] = None
            except DiskFailed as error:
                failed[path] = error
            else:
                self.index.note(path, content)
        if complete is not None and not failed:
            try:
                self.index.write(*complete, now_us)
            except DiskFailed as error:
                failed[INDEX_PATH] = error
        return failed

    def forget(self, paths: Iterable[str]) -> None:
        """These task files were removed."""
        for path in paths:
            self._own.pop(path, None)
            self.index.forget(path)

    def tidy(self, now_us: int) -> bool:
        """Remove some of the spares there are too many of. True if there are more. Raises DiskFailed."""
        for _ in range(_REMOVED_AT_A_TIME):
            if len(self._resting) <= SPARES_KEPT or self._resting[0][0] > now_us:
                return False
            self._disk.remove(self._resting.popleft()[1])
        return True

    def _exchange(self, target: str, content: bytes, now_us: int) -> None:
        if self._resting and self._resting[0][0] <= now_us:
            spare = self._resting.popleft()[1]
            self._disk.overwrite(spare, content)
        else:
            self._made += 1
            spare = f"{self._data_dir}/{TASKS}/{_PREFIX}{self._made}"
            self._disk.write_new(spare, content)
        if self._disk.exchange(spare, target):
            self._resting.append((now_us + REST_US, spare))
        else:  # somebody has removed it
            self._disk.move(spare, target)
