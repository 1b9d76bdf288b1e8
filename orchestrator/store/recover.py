"""Start-up: from the files of a data directory to a world, and to a journal that goes on behind it.

There is no other start (DESIGN rule 10): a daemon that was killed, one that ended and one that never was are
recovered alike. Every record is checked three times: by its checksum, by its seq, and by stepping its event
again and comparing the transitions with the recorded ones.

The replay begins with the newest snapshot (`store.snapshot`), if there is one.

A broken line in the newest segment is the torn end of a write that was never acknowledged, unless a line behind
it knows it to have been synced; the end is cut off and counted. (A disk may keep the later half of a batch and lose
the earlier, so that whole lines can follow a broken one.) A broken line anywhere else is damage, and nothing starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from orchestrator.engine.events import Moment
from orchestrator.engine.machine import Step, step
from orchestrator.engine.world import World
from orchestrator.files.layout import (
    JOURNAL,
    PLAN_FILE,
    segment_name,
    segment_number,
    snapshot_name,
    workflow_dir,
)
from orchestrator.model.errors import EngineBug, JournalDamaged
from orchestrator.model.times import parse_rfc3339
from orchestrator.plan import ir
from orchestrator.store import archive, codec, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.engine.turn import Transition
    from orchestrator.plan.ir import Plan
    from orchestrator.store.disk import Disk


class Replayed(msgspec.Struct, frozen=True):
    """One record of the journal as the replay met it."""

    record: codec.Record
    step: Step


class Recovered(msgspec.Struct, frozen=True):
    """What the files say.

    Attributes:
        world: after the last whole record.
        last_sum: of that record.
        next_segment: number of the segment the next daemon begins.
        torn_bytes: bytes at the end of the newest segment that are no whole record.
        sealed_size: what the newest segment is to be cut to; None without segments.
        replayed: records since the snapshot it began with.
        replayed_segments: segments they stand in.
    """

    world: World
    last_sum: bytes
    next_segment: int
    torn_bytes: int
    sealed_size: int | None
    replayed: int
    replayed_segments: int


def recover(
    disk: Disk,
    data_dir: str,
    watch: Callable[[Replayed], None] | None = None,
    *,
    begin: Callable[[World], None] | None = None,
    from_oldest: bool = False,
) -> Recovered:
    """Replay the journal of `data_dir` behind its newest good snapshot; changes nothing on the disk.

    Args:
        disk: where it is.
        data_dir: of the journal.
        watch: sees each record in order.
        begin: sees the world that the first of them meets.
        from_oldest: begin at the oldest snapshot instead (or at the first record, if it is kept), and hold each later
            snapshot against the replay.

    Raises:
        JournalDamaged: a record is broken, missing, or contradicts the engine; or there is no good snapshot.
    """
    segments = [n for n in map(segment_number, disk.names(f"{data_dir}/{JOURNAL}")) if n is not None]
    first, start = _start(disk, data_dir, segments, from_oldest=from_oldest)
    if begin is not None:
        begin(start.world)
    replay = _Replay(disk, data_dir, start, watch)
    kept = [number for number in segments if number >= first]
    snapshots = snapshot.numbers(disk, data_dir) if from_oldest else []
    for number in kept:
        if number in snapshots and number != first:
            replay.compare(number)
        replay.segment(number, is_newest=number == kept[-1])
    newest = max((*segments, *(number - 1 for number in snapshot.numbers(disk, data_dir))), default=0)
    return Recovered(replay.world, replay.last_sum, newest + 1, replay.torn, replay.size, replay.records, len(kept))


def _start(disk: Disk, data_dir: str, segments: list[int], *, from_oldest: bool) -> tuple[int, snapshot.Snapshot]:
    """(the first segment to replay, what it meets)."""
    nothing = snapshot.Snapshot(World(), codec.FIRST_SUM)
    candidates = snapshot.numbers(disk, data_dir)
    if not candidates or (from_oldest and _is_complete(segments, 1)):
        return 0, nothing
    # Of what a power cut interrupted while it was removed, any part may be there.
    order = [n for n in candidates if _is_complete(segments, n)] if from_oldest else list(reversed(candidates))
    why: object = None
    for number in order:
        content = disk.read(snapshot.path(data_dir, number)) or b""
        try:
            return number, snapshot.decode(content, lambda *of: pinned_plan(disk, data_dir, *of))
        except (snapshot.BadSnapshot, codec.BadLine) as fault:
            why = why or f"{snapshot_name(number)}: {fault}"
    if _is_complete(segments, 1):
        return 0, nothing
    raise _damaged(data_dir, f"no good snapshot; {why}")


def _is_complete(segments: list[int], first: int) -> bool:
    """Whether every segment from `first` on is there."""
    return segments[-1:] != [] and [n for n in segments if n >= first] == list(range(first, segments[-1] + 1))


class _Replay:
    """Records into a world.

    Attributes:
        torn: bytes at the end that are no whole record.
        size: of the last segment, up to its last whole record; None before the first.
        records: replayed so far.
    """

    def __init__(
        self, disk: Disk, data_dir: str, start: snapshot.Snapshot, watch: Callable[[Replayed], None] | None
    ) -> None:
        self.world, self.last_sum = start.world, start.last_sum
        self.torn = self.records = 0
        self.size: int | None = None
        self._disk = disk
        self._data_dir = data_dir
        self._watch = watch

    def segment(self, number: int, *, is_newest: bool) -> None:
        """Replay one. Raises JournalDamaged."""
        name = segment_name(number)
        content = self._disk.read(f"{self._data_dir}/{JOURNAL}/{name}") or b""
        self.size = 0
        for line_number, line in _lines(content):
            try:
                record, self.last_sum = codec.decode(line, self.last_sum)
            except codec.BadLine as fault:
                known = max(codec.claims_synced(later) for later in content[self.size :].split(b"\n"))
                if not is_newest or known > self.world.seq:
                    raise _damaged(self._data_dir, f"{name}, line {line_number}: {fault}") from fault
                self.torn = len(content.rstrip(b"\n")) - self.size
                return
            replayed = self._replay(record, f"{name}, line {line_number}")
            self.size += len(line) + 1
            self.records += 1
            if self._watch is not None:
                self._watch(replayed)

    def compare(self, number: int) -> None:
        """Hold the snapshot before a segment against what was replayed. Raises JournalDamaged."""
        content = self._disk.read(snapshot.path(self._data_dir, number)) or b""
        try:
            said = snapshot.decode(content, lambda *of: pinned_plan(self._disk, self._data_dir, *of))
        except (snapshot.BadSnapshot, codec.BadLine) as fault:
            raise _damaged(self._data_dir, f"{snapshot_name(number)}: {fault}") from fault
        if snapshot.encode(said.world, said.last_sum) != snapshot.encode(self.world, self.last_sum):
            raise _damaged(self._data_dir, f"{snapshot_name(number)} is not what the records before it make")

    def _replay(self, record: codec.Record, place: str) -> Replayed:
        if record.seq != self.world.seq + 1:
            raise _damaged(self._data_dir, f"{place}: it has seq {record.seq}, after {self.world.seq}")
        try:
            event = codec.event_of(record, lambda *of: pinned_plan(self._disk, self._data_dir, *of))
            result = step(self.world, event, Moment(parse_rfc3339(record.time), record.mono_us))
        except (codec.BadLine, EngineBug) as fault:
            raise _damaged(self._data_dir, f"{place}: {fault}") from fault
        if result.seq != record.seq or result.transitions != record.transitions:
            what = f"it records {_tell(record.transitions)}, the engine finds {_tell(result.transitions)}"
            raise _damaged(self._data_dir, f"{place}: {what}")
        return Replayed(record, result)


def seal_newest(disk: Disk, data_dir: str, recovered: Recovered) -> None:
    """Cut the newest segment to its whole records, durably, so that a later one may follow it.

    Raises:
        JournalDamaged: what would be cut off belongs to another file as well.
        DiskFailed: it cannot be cut.
    """
    if recovered.sealed_size is None:
        return
    path = f"{data_dir}/{JOURNAL}/{segment_name(recovered.next_segment - 1)}"
    if disk.links(path) > 1:  # a backup made of links, or somebody's file put there: not ours to cut
        if recovered.torn_bytes:
            raise JournalDamaged(
                f"{path} ends in {recovered.torn_bytes} bytes that are no record, and the file has other names.",
                "If it is yours, give it a copy of its own: cp it, and move the copy into its place.",
            )
        return
    log = disk.open_log(path)
    log.truncate(recovered.sealed_size)
    log.sync()
    log.close()


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(line number, line) up to the blank lines at the end."""
    filled = content.rstrip(b"\n")
    if filled:
        yield from enumerate(filled.split(b"\n"), start=1)


def _tell(transitions: list[Transition]) -> str:
    return msgspec.json.encode(transitions).decode()[:600] or "nothing"


def pinned_plan(disk: Disk, data_dir: str, workflow: str, digest: str) -> Plan:
    """The plan that a workflow was submitted with, from its folder or from the archive. Raises BadLine."""
    path = f"{workflow_dir(data_dir, workflow)}/{PLAN_FILE}"
    content = disk.read(path)
    if content is None:
        content = archive.plan_of(disk, data_dir, workflow)
    if content is None:
        raise codec.BadLine(f"the pinned plan {path} is missing")
    if ir.digest(content) != digest:
        raise codec.BadLine(f"the pinned plan {path} has been changed: its digest is not {digest}")
    try:
        return ir.decode(content)
    except msgspec.DecodeError as error:
        raise codec.BadLine(f"the pinned plan {path} has an unknown form: {error}") from error


def _damaged(data_dir: str, why: str) -> JournalDamaged:
    return JournalDamaged(
        f"{data_dir}/{JOURNAL}/{why}",
        "Nothing was changed. Restore this data directory from a backup, or move its journal away to begin anew.",
    )
