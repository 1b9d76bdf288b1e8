"""Start-up: from the files of a data directory to a world, and to a journal that goes on behind it.

There is no other start (DESIGN rule 10): a daemon that was killed, one that ended and one that never was are
recovered alike. Every record is checked three times: by its checksum, by its seq, and by stepping its event
again and comparing the transitions with the recorded ones.

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
from orchestrator.files.layout import JOURNAL, PLAN_FILE, segment_name, segment_number, workflow_dir
from orchestrator.model.errors import EngineBug, JournalDamaged
from orchestrator.model.times import parse_rfc3339
from orchestrator.plan import ir
from orchestrator.store import codec

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
    """

    world: World
    last_sum: bytes
    next_segment: int
    torn_bytes: int
    sealed_size: int | None


def recover(disk: Disk, data_dir: str, watch: Callable[[Replayed], None] | None = None) -> Recovered:
    """Replay the whole journal of `data_dir`; changes nothing on the disk. `watch` sees each record in order.

    Raises:
        JournalDamaged: a record is broken, missing, or contradicts the engine.
    """
    world, previous = World(), codec.FIRST_SUM
    names = [name for name in disk.names(f"{data_dir}/{JOURNAL}") if segment_number(name) is not None]
    torn, size = 0, None
    for position, name in enumerate(names):
        content = disk.read(f"{data_dir}/{JOURNAL}/{name}") or b""
        size = 0
        for number, line in _lines(content):
            try:
                record, previous = codec.decode(line, previous)
            except codec.BadLine as fault:
                known = max(codec.claims_synced(later) for later in content[size:].split(b"\n"))
                if position + 1 < len(names) or known > world.seq:
                    raise _damaged(data_dir, name, number, fault) from fault
                torn = len(content.rstrip(b"\n")) - size
                break
            replayed = _replay(world, record, disk, data_dir, name, number)
            size += len(line) + 1
            if watch is not None:
                watch(replayed)
    newest = max((segment_number(name) or 0 for name in names), default=0)
    return Recovered(world, previous, newest + 1, torn, size)


def seal_newest(disk: Disk, data_dir: str, recovered: Recovered) -> None:
    """Cut the newest segment to its whole records, durably, so that a later one may follow it."""
    if recovered.sealed_size is None:
        return
    log = disk.open_log(f"{data_dir}/{JOURNAL}/{segment_name(recovered.next_segment - 1)}")
    log.truncate(recovered.sealed_size)
    log.sync()
    log.close()


def _lines(content: bytes) -> Iterator[tuple[int, bytes]]:
    """(line number, line) up to the blank lines at the end."""
    filled = content.rstrip(b"\n")
    if filled:
        yield from enumerate(filled.split(b"\n"), start=1)


def _replay(world: World, record: codec.Record, disk: Disk, data_dir: str, name: str, number: int) -> Replayed:
    def load_plan(workflow: str, digest: str) -> Plan:
        return _pinned_plan(disk, data_dir, workflow, digest)

    if record.seq != world.seq + 1:
        raise _damaged(data_dir, name, number, f"it has seq {record.seq}, after {world.seq}")
    try:
        event = codec.event_of(record, load_plan)
        result = step(world, event, Moment(parse_rfc3339(record.time), record.mono_us))
    except (codec.BadLine, EngineBug) as fault:
        raise _damaged(data_dir, name, number, fault) from fault
    if result.seq != record.seq or result.transitions != record.transitions:
        what = f"it records {_tell(record.transitions)}, the engine finds {_tell(result.transitions)}"
        raise _damaged(data_dir, name, number, what)
    return Replayed(record, result)


def _tell(transitions: list[Transition]) -> str:
    return msgspec.json.encode(transitions).decode()[:600] or "nothing"


def _pinned_plan(disk: Disk, data_dir: str, workflow: str, digest: str) -> Plan:
    path = f"{workflow_dir(data_dir, workflow)}/{PLAN_FILE}"
    content = disk.read(path)
    if content is None:
        raise codec.BadLine(f"the pinned plan {path} is missing")
    if ir.digest(content) != digest:
        raise codec.BadLine(f"the pinned plan {path} has been changed: its digest is not {digest}")
    try:
        return ir.decode(content)
    except msgspec.DecodeError as error:
        raise codec.BadLine(f"the pinned plan {path} has an unknown form: {error}") from error


def _damaged(data_dir: str, name: str, number: int, why: object) -> JournalDamaged:
    return JournalDamaged(
        f"{data_dir}/{JOURNAL}/{name}, line {number}: {why}",
        "Nothing was changed. Restore this data directory from a backup, or move its journal away to begin anew.",
    )
