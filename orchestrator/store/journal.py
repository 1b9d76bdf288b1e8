"""The journal's writing end: records in, bytes on the disk, in segments.

A record is encoded when it is appended and written when `flush` is called; `sync` makes everything written
durable. The three are apart so that the loop can go on stepping while a thread waits for the disk, and the
records that gather meanwhile share the next sync (group commit without lingering).

A segment is preallocated with newlines, because overwriting costs the disk less than growing; the blank lines
at its end are no data to anybody. It is trimmed when it is sealed.

A segment that is full is left at `rotate`, between two records, when everything in it is durable.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from orchestrator.files.layout import JOURNAL, segment_name
from orchestrator.model.errors import DiskFailed
from orchestrator.store import codec

if TYPE_CHECKING:
    from orchestrator.engine.events import Event, Moment
    from orchestrator.engine.turn import Transition
    from orchestrator.store.disk import Disk, Log

#: A segment that has reached this size is to be sealed and followed by another.
SEGMENT_BYTES = 64 << 20

#: Preallocated at a time, at most.
_CHUNK_BYTES = 1 << 20


class Journal:
    """An open journal. One per daemon; `store.recover` finds out where it goes on.

    Attributes:
        last_sum: of the last appended record.
        segment: number of the segment that is written.
        written_seq: the last record that was given to the disk.
        synced_seq: the last record that is durable.
    """

    def __init__(
        self,
        disk: Disk,
        data_dir: str,
        segment: int,
        last_seq: int,
        last_sum: bytes,
        segment_bytes: int = SEGMENT_BYTES,
    ) -> None:
        """Begin segment number `segment`, which must not exist, after record `last_seq`."""
        self._disk = disk
        self._directory = f"{data_dir}/{JOURNAL}"
        self._segment_bytes = segment_bytes
        self._chunk = b"\n" * min(_CHUNK_BYTES, segment_bytes)
        self.segment = segment
        self.last_sum = last_sum
        self.written_seq = self.synced_seq = last_seq
        self._appended_seq = last_seq
        self._buffer: list[bytes] = []
        self._log = self._begin(segment)
        self._size = 0
        self._allocated = 0
        self._synced_size = 0

    def append(self, seq: int, event: Event, at: Moment, transitions: list[Transition]) -> None:
        """Add the record `seq`, to be written by the next `flush`."""
        line, self.last_sum = codec.encode(seq, self.synced_seq, event, at, transitions, self.last_sum)
        self._buffer.append(line)
        self._appended_seq = seq

    @property
    def has_unwritten(self) -> bool:
        """Whether `flush` has anything to do."""
        return bool(self._buffer)

    def flush(self) -> None:
        """Write what was appended. Durable only after the next `sync`.

        Raises:
            DiskFailed: nothing counts as written. If it may pass, the same can be tried again.
        """
        data = b"".join(self._buffer)
        if self._size + len(data) > self._allocated:
            self._allocate(len(data))
        self._log.write(self._size, data)
        self._buffer.clear()
        self._size += len(data)
        self.written_seq = self._appended_seq

    def sync(self) -> None:
        """Make everything that was written when this was called durable. May be called from another thread.

        Raises:
            DiskFailed: nothing since the last sync may be believed; call `cut_back` and end.
        """
        size, seq = self._size, self.written_seq
        self._log.sync()
        self._synced_size, self.synced_seq = size, seq

    def cut_back(self) -> None:
        """After a failed sync: remove from the segment what is not known to be durable. Raises DiskFailed."""
        self._log.truncate(self._synced_size)

    @property
    def is_full(self) -> bool:
        """Whether it is time for `rotate`."""
        return self._size >= self._segment_bytes

    def rotate(self) -> None:
        """Go on in a new segment. Everything appended must be durable.

        Raises:
            DiskFailed: there is no new segment, and the old one goes on.
        """
        assert self.synced_seq == self._appended_seq, "a segment ends between two durable records"  # noqa: S101 - law
        log = self._begin(self.segment + 1)
        with suppress(DiskFailed):  # tidiness; a reader takes blank lines for the end
            self._log.truncate(self._size)
        self._log.close()
        self.segment += 1
        self._log = log
        self._size = self._allocated = self._synced_size = 0

    def _begin(self, segment: int) -> Log:
        return self._disk.create_log(f"{self._directory}/{segment_name(segment)}")

    def _allocate(self, needed: int) -> None:
        """Grow by whole chunks of newlines. Without room for a chunk, grow by writing alone."""
        while self._size + needed > self._allocated:
            try:
                self._log.write(self._allocated, self._chunk)
            except DiskFailed:
                self._allocated = self._size + needed
                return
            self._allocated += len(self._chunk)
