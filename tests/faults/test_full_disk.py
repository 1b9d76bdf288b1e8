"""A data directory on a small real file system: filled up, made read-only, and put right again."""

from __future__ import annotations

import os
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.support.live import LiveDaemon, records, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFINITION = """
import workflows

wf = workflows.WorkflowDef {
    name = "small"
    operations = [
        {id = "a", type = "create", target = "server", items = ["1", "2", "3"], command = "sleep 1.5; echo done"}
        {id = "b", type = "create", target = "server", items = ["4"], depends_on = ["a"], command = "true"}
    ]
}
"""


ONE_TRY = 'name = "small"; retry_policy = {max_attempts = 1}'.replace("; ", "\n    ")


@pytest.fixture(params=["ext4", "tmpfs"])
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MiB of its own. Where mounting is not allowed the test is not run, and says so."""
    place = tmp_path / "small"
    place.mkdir()
    if request.param == "tmpfs":
        command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "none", str(place)]
    else:
        image = tmp_path / "image"
        image.write_bytes(b"")
        os.truncate(image, 8 << 20)
        with suppress(FileNotFoundError):
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=False)
        command = ["mount", "-o", "loop", str(image), str(place)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"not run: {request.param} cannot be mounted here ({done.stderr.strip()})")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> Path:
    """Take all the space there is; returns what holds it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return filler


def prepared(place: Path) -> tuple[Path, Path]:
    """(data directory with small segments, definition outside of it)."""
    data_dir, definition = place / "data", place.parent / "w.k"
    data_dir.mkdir(mode=0o700)
    (data_dir / "orchestrator.toml").write_text("segment_bytes = 4096\n", encoding="utf-8")
    definition.write_text(DEFINITION, encoding="utf-8")
    return data_dir, definition


def check_all_is_well(data_dir: Path, workflow: str, log: str) -> None:
    """Every attempt ended once, every file is whole and as the journal says, and the log did not run over."""
    ends = [record["data"] for record in records(str(data_dir)) if record["event"] == "AttemptExited"]
    assert [end["exit_code"] for end in ends] == [0, 0, 0, 0]
    assert all(path.stat().st_size for path in data_dir.rglob("*.json"))
    assert [finding for finding in verify(RealDisk(), str(data_dir)).findings if finding.is_fault] == []
    assert log.count("trying again until it works") <= 6, log
    assert workflow in os.listdir(data_dir / "workflows")


def check_each_succeeded_once(data_dir: Path) -> None:
    """Every task succeeded, in one attempt that was told once."""
    rows = [row for record in records(str(data_dir)) for row in record["transitions"]]
    done = [task for task, previous, status, *_ in rows if task and status == "succeeded" != previous]
    assert len(done) == len(set(done)) == 4


@pytest.mark.fault("F06")
def test_a_full_disk_is_waited_for(small: Path) -> None:
    """What runs goes on and is not lost; when there is room again, everything is, too."""
    data_dir, definition = prepared(small)
    room = small.parent / "room"
    # One ends while the disk is full, so that there is something to write; who has something to say waits for room.
    patient = f"test $ORCH_ITEM = 1 && exec sleep 0.5; until test -e {room}; do sleep 0.05; done; echo done"
    definition.write_text(DEFINITION.replace("sleep 1.5; echo done", patient), encoding="utf-8")
    with LiveDaemon(data_dir) as daemon:
        log_path = Path(daemon.data_dir) / "daemon.log"
        workflow = daemon.submit(definition)
        wait_for(lambda: len(records(str(data_dir))) >= 2, "the start of the tasks")
        filler = fill(small)
        wait_for(lambda: b"No space left" in os.pread(_log_fd(daemon), 1 << 16, 0), "a word about it")
        filler.unlink()
        room.touch()
        assert daemon.wait_until_over(workflow)["status"] == "succeeded"
        wait_for(lambda: "all is well again" in log_path.read_text(encoding="utf-8"), "the good news")
        check_all_is_well(data_dir, workflow, daemon.log())


@pytest.mark.fault("F07", "F08")
def test_a_file_system_that_gives_up_ends_the_daemon(small: Path) -> None:
    """ext4 that aborted (as after a failing disk) takes nothing any more; after a remount nothing is lost."""
    data_dir, definition = prepared(small)
    daemon = LiveDaemon(data_dir)
    daemon.start()
    workflow = daemon.submit(definition)
    done = subprocess.run(["mount", "-o", "remount,abort", str(small)], check=False, capture_output=True)
    if done.returncode != 0:
        daemon.kill()
        pytest.skip("not run: this file system cannot be made to give up")
    assert daemon.process is not None
    with suppress(subprocess.TimeoutExpired):  # it may also wait for the disk, as for a read-only one
        assert daemon.process.wait(8) == 74
    if daemon.process.poll() is None:
        daemon.kill()
    subprocess.run(["umount", "-l", str(small)], check=True)
    subprocess.run(["mount", "-o", "loop", str(small.parent / "image"), str(small)], check=True)
    with daemon:
        assert daemon.wait_until_over(workflow)["status"] == "succeeded", daemon.log()
        check_each_succeeded_once(data_dir)


@pytest.mark.fault("F08")
def test_a_folder_that_may_not_be_written_is_waited_for(small: Path) -> None:
    """An immutable folder fails with EPERM even for root: public files are late, and come when it is put right."""
    data_dir, definition = prepared(small)
    with LiveDaemon(data_dir) as daemon:
        workflow = daemon.submit(definition)
        wait_for(lambda: len(records(str(data_dir))) >= 2, "the start of the tasks")
        done = subprocess.run(["chattr", "+i", str(data_dir / "tasks")], check=False, capture_output=True)
        if done.returncode != 0:
            pytest.skip("not run: this file system knows no immutable folders")
        wait_for(lambda: "trying again until it works" in daemon.log(), "a word about it")
        subprocess.run(["chattr", "-i", str(data_dir / "tasks")], check=True)
        assert daemon.wait_until_over(workflow)["status"] == "succeeded"
        wait_for(lambda: "all is well again" in daemon.log(), "the good news")
        wait_for(lambda: not verify(RealDisk(), str(data_dir)).findings, "files that are up to date")
        check_all_is_well(data_dir, workflow, daemon.log())


@pytest.mark.fault("F08")
def test_too_few_descriptors_are_told(tmp_path: Path) -> None:
    """With a limit of descriptors below what its tasks need, starts fail with a remedy and the daemon lives on."""
    data_dir, definition = tmp_path / "data", tmp_path / "w.k"
    items = ", ".join(f'"{number}"' for number in range(40))
    text = DEFINITION.replace('"1", "2", "3"', items).replace('name = "small"', ONE_TRY)
    definition.write_text(text, encoding="utf-8")
    with LiveDaemon(data_dir, "--max-running", "40") as daemon:
        assert daemon.process is not None
        # Enough for what it has open and a few more.
        least = len(os.listdir(f"/proc/{daemon.process.pid}/fd")) + 14
        subprocess.run(["prlimit", f"--pid={daemon.process.pid}", f"--nofile={least}:{least}"], check=True)
        state = daemon.wait_until_over(daemon.submit(definition))
        assert state["status"] == "failed"
        errors = {record["data"].get("error", "") for record in records(str(data_dir))}
        assert any("ulimit -n" in error for error in errors), errors
        assert daemon.process.poll() is None
    assert [finding for finding in verify(RealDisk(), str(data_dir)).findings if finding.is_fault] == []


def _log_fd(daemon: LiveDaemon) -> int:
    """What the daemon says, where it was sent: on a full disk the text may only be short."""
    assert daemon.process is not None
    return os.open(f"{daemon.data_dir}/daemon.log", os.O_RDONLY)
