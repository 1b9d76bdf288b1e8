"""Starting behind a snapshot, and removing what it makes superfluous."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.engine.events import AttemptExited, WorkflowArchived
from orchestrator.files.layout import JOURNAL, archive_path, segment_number
from orchestrator.model.errors import JournalDamaged
from orchestrator.plan.ir import canonical
from orchestrator.runtime.compaction import prune
from orchestrator.store import archive, project, snapshot
from orchestrator.store.recover import Recovered, recover
from orchestrator.store.verify import rebuild, verify
from tests.store.test_recover import SAMPLE, Life, a_short_life
from tests.support.plans import started

if TYPE_CHECKING:
    from orchestrator.engine.world import World


def shown(world: World) -> list[tuple[str, bytes]]:
    """Every public file of `world`."""
    return [project.task_file(task) for task in world.tasks.values()] + [
        project.state_file(workflow) for workflow in world.workflows.values()
    ]


def snap(life: Life) -> Recovered:
    """Leave a snapshot of everything so far, as a start that had much to replay does."""
    found = recover(life.disk, "/d")
    content = snapshot.encode(found.world, found.last_sum)
    life.disk.replace(snapshot.path("/d", found.next_segment), content, durable=True)
    return found


def a_life_with_a_snapshot() -> Life:
    """A snapshot, and a life behind it in which something happened."""
    life = a_short_life()
    snap(life)
    again = Life(life.disk)
    again.submit(SAMPLE, "w3")
    return again


def segments(life: Life) -> list[int]:
    """Numbers of the segments that are there."""
    return [n for n in map(segment_number, life.disk.names(f"/d/{JOURNAL}")) if n is not None]


def test_a_snapshot_and_what_follows_are_as_good_as_everything() -> None:
    """The files are the same, byte for byte, and less is replayed."""
    life = a_life_with_a_snapshot()
    behind, whole = recover(life.disk, "/d"), recover(life.disk, "/d", from_oldest=True)
    assert shown(behind.world) == shown(whole.world)
    assert (behind.world.seq, behind.last_sum) == (whole.world.seq, whole.last_sum)
    assert behind.replayed < whole.replayed


@pytest.mark.fault("F05")
def test_a_damaged_snapshot_is_passed_over_while_the_records_are_there() -> None:
    """Any changed byte is noticed, and everything is replayed instead."""
    life = a_life_with_a_snapshot()
    path = snapshot.path("/d", snapshot.numbers(life.disk, "/d")[0])
    content = life.disk.content(path)
    expected = shown(recover(life.disk, "/d", from_oldest=True).world)
    for place in range(0, len(content), 97):
        life.disk.put(path, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert shown(recover(life.disk, "/d").world) == expected


@pytest.mark.fault("F05")
def test_without_records_a_damaged_snapshot_stops_the_start() -> None:
    """Nothing is guessed."""
    life = a_life_with_a_snapshot()
    prune(life.disk, "/d", 0)
    assert segments(life) == [2]
    path = snapshot.path("/d", 2)
    life.disk.put(path, life.disk.content(path)[:-30])
    with pytest.raises(JournalDamaged, match="no good snapshot"):
        recover(life.disk, "/d")


def test_pruning_keeps_what_can_be_replayed() -> None:
    """Only segments before a snapshot that stays are removed, and no more than are too many."""
    life = a_life_with_a_snapshot()
    before = shown(recover(life.disk, "/d").world)
    prune(life.disk, "/d", 1 << 30)
    assert segments(life) == [1, 2]
    prune(life.disk, "/d", 100)
    assert segments(life) == [2]
    assert shown(recover(life.disk, "/d").world) == before


def test_a_snapshot_that_contradicts_the_records_is_found() -> None:
    """`verify` replays everything that is kept and compares."""
    life = a_life_with_a_snapshot()
    number = snapshot.numbers(life.disk, "/d")[0]
    found = recover(life.disk, "/d")
    life.disk.put(snapshot.path("/d", number), snapshot.encode(found.world, found.last_sum))
    with pytest.raises(JournalDamaged, match="is not what the records before it make"):
        verify(life.disk, "/d")


def test_an_archived_workflow_can_still_be_replayed() -> None:
    """Its plan is in the archive, byte for byte, so that older segments keep their meaning."""
    life = Life()
    life.happen(started())
    commands = life.submit(SAMPLE, "w1").commands
    while commands:
        start = commands.pop(0)
        commands += life.happen(AttemptExited(start.task, start.attempt, 0)).commands  # type: ignore[union-attr]
    workflow = life.world.workflows["w1"]
    assert workflow.status == "succeeded"
    life.disk.make_directory("/d/archive")
    content = archive.encode(workflow, canonical(SAMPLE))
    life.disk.replace(archive_path("/d", "w1"), content, durable=True)
    rebuild(life.disk, "/d")
    life.happen(WorkflowArchived("w1"))
    assert life.world.tasks == {}
    assert {finding.kind for finding in verify(life.disk, "/d").findings} == {"late"}
    archive.clear(life.disk, "/d", "w1")
    assert archive.leftovers(life.disk, "/d") == []
    assert verify(life.disk, "/d").findings == []
    assert archive.plan_of(life.disk, "/d", "w1") == canonical(SAMPLE)
    assert archive.summary(life.disk, "/d", "w1")["tasks"] == len(content.splitlines()) - 2
