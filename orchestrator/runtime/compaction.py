"""Keeping the journal short: snapshots between segments, and no more old segments than the operator wants.

A snapshot is taken of the world between two records, when a segment is full or a start had to replay much, and written
behind the sync of everything it stands for. Once it is durable, the oldest segments go, as long as a snapshot stands
before the first one that stays: so everything that is kept can be replayed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.files.layout import JOURNAL, segment_name, segment_number
from orchestrator.model.errors import DiskFailed
from orchestrator.store import snapshot

if TYPE_CHECKING:
    from orchestrator.engine.world import World
    from orchestrator.runtime.troubles import Troubles
    from orchestrator.runtime.workers import Workers
    from orchestrator.store.disk import Disk

#: A start that replayed as much as this leaves a snapshot for the next one.
RECORDS_WITHOUT_SNAPSHOT = 50_000
SEGMENTS_WITHOUT_SNAPSHOT = 16

_TROUBLE = "snapshots of the journal"


class Compaction:
    """Takes snapshots and removes what they make superfluous."""

    def __init__(self, disk: Disk, data_dir: str, working: Workers, troubles: Troubles, keep_bytes: int) -> None:
        """`keep_bytes`: of segments before the newest snapshot."""
        self._disk = disk
        self._data_dir = data_dir
        self._working = working
        self._troubles = troubles
        self._keep_bytes = keep_bytes
        self._under_way = 0

    @property
    def is_idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._under_way

    def take(self, world: World, last_sum: bytes, number: int) -> None:
        """Keep `world` as what segment `number` begins with. Every record it stands for is durable."""
        content = snapshot.encode(world, last_sum)
        self._under_way += 1

        def work() -> None:
            self._disk.replace(snapshot.path(self._data_dir, number), content, durable=True)
            prune(self._disk, self._data_dir, self._keep_bytes)

        self._working.run(work, lambda _: self._done(None), self._failed)

    def _done(self, error: DiskFailed | None) -> None:
        self._under_way -= 1
        self._troubles.note(_TROUBLE, error)

    def _failed(self, error: Exception) -> None:
        """Without a snapshot everything is kept: that costs time and room, and no record."""
        if not isinstance(error, DiskFailed):
            raise error
        self._done(error)


def prune(disk: Disk, data_dir: str, keep_bytes: int) -> None:
    """Remove the oldest segments and snapshots until those before the newest snapshot fit `keep_bytes`.

    The newest snapshot and everything behind it always stays. Raises DiskFailed.
    """
    folder = f"{data_dir}/{JOURNAL}"
    snapshots = snapshot.numbers(disk, data_dir)
    if not snapshots:
        return
    segments = sorted(number for number in map(segment_number, disk.names(folder)) if number is not None)
    sizes = {number: disk.size(f"{folder}/{segment_name(number)}") for number in segments}

    def size_from(first: int) -> int:
        return sum(size for number, size in sizes.items() if first <= number < snapshots[-1])

    first = next(number for number in [0, *snapshots] if size_from(number) <= keep_bytes)
    for number in snapshots:
        if number < first:
            disk.remove(snapshot.path(data_dir, number))
    for number in segments:
        if number < first:
            disk.remove(f"{folder}/{segment_name(number)}")
