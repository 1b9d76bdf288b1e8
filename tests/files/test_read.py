"""The status and the workflows of a data directory."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from pathlib import Path

import pytest

from orchestrator.engine.events import AttemptExited
from orchestrator.files.state.status import read_status
from orchestrator.files.state.workflows import list_workflows, read_workflow
from orchestrator.model.errors import (
    BadId,
    FormatTooNew,
    NotFound,
    StatusInvalid,
    StatusNotFound,
    StatusUnreadable,
    WorkflowUnreadable,
)
from tests.files.test_document import FAULTS
from tests.support.foreign_directory import STATUS, make_foreign, write
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan
from tests.support.users import unprivileged

ONE_TASK = plan(operation("a", ("x",)))


def test_reads_the_four_fields_of_the_oldest_form(tmp_path: Path) -> None:
    """A status.json written by hand is read, in the order of the fields (requirement R2-13)."""
    status = read_status(make_foreign(tmp_path))
    assert list(status)[:4] == ["running", "tasks_pending", "tasks_running", "last_check"]
    assert {name: status[name] for name in STATUS} == STATUS
    assert status["data_dir"] == str(tmp_path)
    assert status["heartbeat_age_ms"] > 0


@pytest.mark.parametrize("flag", [True, False])
def test_believes_the_flag_of_a_foreign_directory(tmp_path: Path, flag: bool) -> None:
    """It has no lock that could be asked (ruling A-48)."""
    status = read_status(make_foreign(tmp_path, status={**STATUS, "running": flag}))
    assert (status["running"], status["stale"]) == (flag, False)


def test_puts_the_four_fields_first_whatever_the_order_of_the_file(tmp_path: Path) -> None:
    """Extra fields are kept, behind them (requirement R2-02)."""
    status = read_status(make_foreign(tmp_path, status={"extra": 1, "last_check": "x", "running": True}))
    assert list(status)[:5] == ["running", "tasks_pending", "tasks_running", "last_check", "extra"]
    assert status["tasks_pending"] is None
    assert status["heartbeat_age_ms"] is None


def test_the_lock_decides_whether_ours_runs(tmp_path: Path) -> None:
    """The file of a daemon that was killed goes on saying that it runs; the reader does not."""
    own = OwnDirectory(tmp_path / "d")
    assert json.loads((tmp_path / "d" / "status.json").read_bytes())["running"] is True
    status = read_status(own.path)
    assert (status["running"], status["stale"]) == (False, True)
    lock = own.hold()
    status = read_status(own.path)
    assert (status["running"], status["stale"]) == (True, False)
    lock.release()


def test_says_where_the_status_was_read(tmp_path: Path) -> None:
    """Of a directory that was moved, the path in the file is not so any more."""
    assert read_status(OwnDirectory(tmp_path / "d").path)["data_dir"] == str(tmp_path / "d")


def test_a_missing_status_file_is_told_with_its_path(tmp_path: Path) -> None:
    """Neither a folder without it nor no folder at all gives a made-up status (requirement R2-15)."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StatusNotFound, match=f"Status file not found: {folder}/status.json") as told:
            read_status(str(folder))
        assert "orchestrator serve" in told.value.help


@pytest.mark.fault("F14")
@pytest.mark.parametrize("fault", FAULTS)
def test_bad_json_is_told_with_what_is_wrong(tmp_path: Path, fault: str) -> None:
    """The message names the file and the fault (requirement R2-16)."""
    (tmp_path / "status.json").write_bytes(FAULTS[fault][0])
    with pytest.raises(StatusInvalid, match=f"Failed to parse status JSON {tmp_path}/status.json: ") as told:
        read_status(str(tmp_path))
    assert FAULTS[fault][1] in told.value.message


def test_a_status_that_may_not_be_read_names_user_mode_and_remedy() -> None:
    """The person who meets it can put it right (requirement R2-30)."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        make_foreign(Path(folder))
        path = f"{folder}/status.json"
        os.chmod(path, 0)
        with unprivileged(), pytest.raises(StatusUnreadable, match=f"Failed to read status file {path}") as told:
            read_status(folder)
    assert "mode 0000, owner " in told.value.message
    assert "chmod" in told.value.help


def test_a_folder_on_the_way_that_may_not_be_entered_is_named() -> None:
    """Not the file is at fault but the folder above it."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        make_foreign(Path(folder) / "closed" / "d")
        os.chmod(f"{folder}/closed", 0)
        with unprivileged(), pytest.raises(StatusUnreadable, match=f"{folder}/closed .mode 0000") as told:
            read_status(f"{folder}/closed/d")
        os.chmod(f"{folder}/closed", 0o700)
    assert f"{folder}/closed" in told.value.help


def test_a_status_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    """Who can write the directory cannot make a reader open other files (requirement F16)."""
    os.symlink("/etc/passwd", tmp_path / "status.json")
    with pytest.raises(StatusUnreadable, match="symbolic link"):
        read_status(str(tmp_path))


@pytest.mark.parametrize("where", ["status.json", "format.json"])
def test_refuses_a_newer_major_format(tmp_path: Path, where: str) -> None:
    """Wherever it is stated."""
    own = OwnDirectory(tmp_path / "d")
    write(tmp_path / "d" / where, {**STATUS, "kind": "orchestrator", "format": "2.0"})
    with pytest.raises(FormatTooNew, match=r"format 2\.0"):
        read_status(own.path)


def test_reads_a_newer_minor_format_with_fields_nobody_knows(tmp_path: Path) -> None:
    """They are shown as they are."""
    status = read_status(make_foreign(tmp_path, status={**STATUS, "format": "1.9", "mood": "good"}))
    assert status["mood"] == "good"


def test_shows_a_workflow_as_its_file_does(tmp_path: Path) -> None:
    """All fields of state.json; without a daemon an unfinished one is marked stale."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a", ("x", "y"))), "w1")
    state = read_workflow(own.path, "w1")
    assert (state["id"], state["status"], state["stale"]) == ("w1", "running", True)
    assert [item["item"] for item in state["operations"][0]["items"]] == ["x", "y"]
    lock = own.hold()
    assert read_workflow(own.path, "w1")["stale"] is False
    lock.release()


def test_an_unknown_workflow_is_told(tmp_path: Path) -> None:
    """With the directory that was looked in."""
    own = OwnDirectory(tmp_path / "d")
    with pytest.raises(NotFound, match=f"no workflow nope in {own.path}"):
        read_workflow(own.path, "nope")


@pytest.mark.fault("F15")
@pytest.mark.parametrize("identifier", ["../../etc", "a/b", "", ".", "a.b", "x" * 121, "-a", "nul", "a\0b"])
def test_an_id_that_is_none_comes_near_no_path(tmp_path: Path, identifier: str) -> None:
    """It is refused before anything is opened (ruling A-40)."""
    with pytest.raises(BadId):
        read_workflow(str(tmp_path), identifier)


def test_lists_workflows_newest_first(tmp_path: Path) -> None:
    """Without their operations; what was pinned and never begun is no workflow."""
    own = OwnDirectory(tmp_path / "d")
    for name in ("w1", "w2", "w3"):
        own.submit(plan(operation("a")), name)
    (tmp_path / "d" / "workflows" / "w4").mkdir()
    rows = list_workflows(own.path)
    assert [row["id"] for row in rows] == ["w3", "w2", "w1"]
    assert "operations" not in rows[0]
    assert rows[0]["tasks"] == {"running": 1}


def test_a_workflow_that_cannot_be_read_does_not_hide_the_others(tmp_path: Path) -> None:
    """It is in the list, as corrupt, with the reason."""
    own = OwnDirectory(tmp_path / "d")
    for name in ("w1", "w2"):
        own.submit(plan(operation("a")), name)
    (tmp_path / "d" / "workflows" / "w1" / "state.json").write_text("{", encoding="utf-8")
    rows = {row["id"]: row for row in list_workflows(own.path)}
    assert rows["w2"]["status"] == "running"
    assert rows["w1"]["status"] == "corrupt"
    assert "Failed to parse workflow JSON" in rows["w1"]["reason"]
    with pytest.raises(WorkflowUnreadable, match="Failed to parse workflow JSON"):
        read_workflow(own.path, "w1")


def test_a_directory_without_workflows_has_none(tmp_path: Path) -> None:
    """A foreign one for example."""
    assert list_workflows(make_foreign(tmp_path)) == []


@pytest.mark.fault("F13")
def test_readers_never_meet_half_a_file(tmp_path: Path) -> None:
    """Eight readers while a writer replaces the file: each sees one whole version (requirement R2-31)."""
    own = OwnDirectory(tmp_path / "d")
    done = threading.Event()
    met: list[object] = []

    def read_on() -> None:
        try:
            while not done.is_set():
                status = read_status(own.path)
                met.append(status["tasks_pending"] == status["tasks_running"])
        except Exception as error:  # noqa: BLE001 - told to the test
            met.append(error)

    readers = [threading.Thread(target=read_on) for _ in range(8)]
    for reader in readers:
        reader.start()
    for number in range(1000):
        content = {**STATUS, "tasks_pending": number, "tasks_running": number, "pad": "x" * (number % 700 * 10)}
        own.disk.replace(f"{own.path}/status.json", json.dumps(content).encode(), durable=False)
    done.set()
    for reader in readers:
        reader.join()
    assert len(met) > 100
    assert set(map(repr, met)) == {"True"}


def test_reading_changes_nothing(tmp_path: Path) -> None:
    """No reader creates, removes or touches a file (requirement RX-07)."""
    own = OwnDirectory(tmp_path / "d")
    own.submit(plan(operation("a")), "w1")
    os.chmod(own.path, 0o500)

    def listing() -> list[tuple[str, int]]:
        return [(str(path), path.stat().st_mtime_ns) for path in sorted(Path(own.path).rglob("*"))]

    before = listing()
    read_status(own.path)
    read_workflow(own.path, "w1")
    list_workflows(own.path)
    assert listing() == before


def test_an_archived_workflow_is_shown_as_it_was(tmp_path: Path) -> None:
    """Its own line of the archive, and where that is; what is no archive file is told."""
    own = OwnDirectory(tmp_path)
    own.submit(ONE_TASK, "w1")
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    before = read_workflow(own.path, "w1")
    path = own.archive("w1")
    assert read_workflow(own.path, "w1") == {**before, "archived": path}
    Path(path).write_text("no JSON", encoding="utf-8")
    with pytest.raises(WorkflowUnreadable, match="archived"):
        read_workflow(own.path, "w1")


def _archived_directory(path: Path) -> OwnDirectory:
    """`w1` and `w2` are over and in the archive, `w3` is over, `w4` runs."""
    own = OwnDirectory(path)
    for name in ("w1", "w2", "w3", "w4"):
        own.submit(ONE_TASK, name)
    for name in ("w1", "w2", "w3"):
        own.happen(AttemptExited(f"{name}.a.local.x", 1, 0))
    for name in ("w1", "w2"):
        own.archive(name)
    return own


def test_archived_workflows_are_listed_when_asked_for(tmp_path: Path) -> None:
    """Among the others, newest first, with their path; what is no archive file is a corrupt row."""
    own = _archived_directory(tmp_path)
    assert [row["id"] for row in list_workflows(own.path)] == ["w4", "w3"]
    rows = list_workflows(own.path, archived=True)
    assert [(row["id"], row["status"], row.get("archived")) for row in rows] == [
        ("w4", "running", None),
        ("w3", "succeeded", None),
        ("w2", "succeeded", f"{own.path}/archive/w2.jsonl"),
        ("w1", "succeeded", f"{own.path}/archive/w1.jsonl"),
    ]
    assert "operations" not in rows[2]
    Path(f"{own.path}/archive/w1.jsonl").write_text("{", encoding="utf-8")
    statuses = [row["status"] for row in list_workflows(own.path, archived=True)]
    assert statuses == ["corrupt", "running", "succeeded", "succeeded"]


def test_a_workflow_that_is_in_both_places_is_listed_once(tmp_path: Path) -> None:
    """One that is sealed right now, or was retried meanwhile: its folder counts."""
    own = _archived_directory(tmp_path)
    own.seal("w3")
    rows = list_workflows(own.path, archived=True)
    assert [row["id"] for row in rows] == ["w4", "w3", "w2", "w1"]
    assert "archived" not in rows[1]


@pytest.mark.parametrize("line", ["{}", '{"entry": "workflow", "id": "w1", "status": ["x"]}', "", "[]"])
def test_an_archive_file_of_another_form_is_told(tmp_path: Path, line: str) -> None:
    """By its name; nothing breaks over what it holds or lacks."""
    own = _archived_directory(tmp_path)
    Path(f"{own.path}/archive/w1.jsonl").write_text(line + "\n", encoding="utf-8")
    with pytest.raises(WorkflowUnreadable, match="archived workflow"):
        read_workflow(own.path, "w1")
    assert {row["id"]: row["status"] for row in list_workflows(own.path, archived=True)}["w1"] == "corrupt"


def test_near_names_are_told_for_a_workflow_that_is_not_there(tmp_path: Path) -> None:
    """The one that was meant, as a rule."""
    own = OwnDirectory(tmp_path)
    own.submit(ONE_TASK, "deploy-4k7q0d")
    with pytest.raises(NotFound) as told:
        read_workflow(own.path, "deploy-4k7qod")
    assert told.value.help.startswith("Did you mean deploy-4k7q0d? ")


def test_who_names_a_task_is_told_of_which_workflow(tmp_path: Path) -> None:
    """And what tells of tasks."""
    own = OwnDirectory(tmp_path)
    with pytest.raises(BadId) as told:
        read_workflow(own.path, "deploy-4k7q0d.build.local.node.example.org")
    assert told.value.help == "It names a task of deploy-4k7q0d: `orch why` tells of tasks."
