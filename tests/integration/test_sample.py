"""The main job, end to end, without a terminal: the sample workflow on a real daemon."""

from __future__ import annotations

import json
from pathlib import Path

from orchestrator.store.realdisk import RealDisk
from orchestrator.store.verify import verify
from tests.support.live import LiveDaemon, records, wait_for

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "examples" / "wuji.k"
PRINTED = ROOT / "tests" / "golden" / "definitions"

PHASES = ["create-servers", "install-base", "install-k8s", "install-cluster"]


def test_the_sample_runs_in_its_phases(tmp_path: Path) -> None:
    """Three servers, then three base services, then kubernetes, then three cluster services; all succeed (R1-45)."""
    with LiveDaemon(tmp_path / "data") as daemon:
        state = daemon.wait_until_over(daemon.submit(SAMPLE))
        assert state["status"] == "succeeded", json.dumps(state, indent=1)
        assert [operation["id"] for operation in state["operations"]] == PHASES
        assert [operation["tasks"] for operation in state["operations"]] == [
            {"succeeded": 3},
            {"succeeded": 3},
            {"succeeded": 1},
            {"succeeded": 3},
        ]
        phases = running_phases(daemon.data_dir)
        assert phases == sorted(phases)
        found = verify(RealDisk(), daemon.data_dir)
        assert [finding for finding in found.findings if finding.is_fault] == []
        assert found.files == 11


def running_phases(data_dir: str) -> list[int]:
    """The phase of each task, in the order they started."""
    return [
        PHASES.index(task.split(".")[1])
        for record in records(data_dir)
        for task, previous, status, _, _ in record["transitions"]
        if task and (previous, status) == ("pending", "running")
    ]


def test_the_workflow_as_printed_in_the_source_runs_unmodified(tmp_path: Path) -> None:
    """The original text validates and runs, in a folder whose own file is called workflows.k (R1-46)."""
    folder = tmp_path / "klab" / "wuji"
    folder.mkdir(parents=True)
    printed = next(PRINTED.glob("*example*.k"))
    (folder / "workflows.k").write_bytes(printed.read_bytes())
    with LiveDaemon(tmp_path / "data") as daemon:
        assert daemon.wait_until_over(daemon.submit(folder / "workflows.k"))["status"] == "succeeded"


def test_a_killed_daemon_finishes_the_sample_after_its_restart(tmp_path: Path) -> None:
    """Killed in the middle of the sample, the next daemon ends it, and each task's log is there once."""
    data_dir = tmp_path / "data"
    daemon = LiveDaemon(data_dir)
    daemon.start()
    workflow = daemon.submit(SAMPLE)
    wait_for(lambda: any("install-base" in str(record) for record in records(str(data_dir))), "the second phase")
    daemon.kill()
    with daemon:
        assert daemon.wait_until_over(workflow)["status"] == "succeeded"
        logs = sorted(path.name for path in (data_dir / "workflows" / workflow / "logs").glob("*.out"))
        assert len({name.rsplit(".", 2)[0] for name in logs}) == 10
        found = verify(RealDisk(), str(data_dir))
        assert [finding for finding in found.findings if finding.is_fault] == []
