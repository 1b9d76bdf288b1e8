"""A disk in memory: the real code on a simulated file system.

Held to the same contract tests as the real one (tests/store/test_disk.py).
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, cast

from orchestrator.store.realdisk import RealDisk
from tests.support.filesystem import FileSystem

if TYPE_CHECKING:
    from orchestrator.store.disk import System


class MemoryDisk(RealDisk):
    """A disk whose every changing call can fail.

    Attributes:
        files: the file system below.
        fail: {number of a changing call, counted from 1: errno it fails with}.
    """

    def __init__(self, seed: int = 0) -> None:
        self.files = FileSystem(random.Random(seed))
        self.files.fault = lambda call, _path: None if call == "open" else self.fail.get(self.calls)
        self.fail: dict[int, int] = {}
        super().__init__(cast("System", self.files))

    @property
    def calls(self) -> int:
        """Changing calls so far."""
        return self.files.calls

    def lose_unsynced(self) -> None:
        """The power went."""
        self.files.power_cut()

    def content(self, path: str) -> bytes:
        """What is in a file."""
        return self.files.files()[path]

    def put(self, path: str, data: bytes) -> None:
        """Make `data` the content of a file, behind everybody's back and on the disk."""
        self.files.put(path, data)
        self.files.sync_all()
