"""What `--workflow` means: an id, or a definition by its path or the end of it; also while somebody watches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.engine import flags
from orchestrator.engine.events import AttemptExited, WorkflowArchived, WorkflowSubmitted
from orchestrator.files.displays.watch_asked import Asked
from orchestrator.files.displays.watched import Watched, definitions_on_disk, only_one
from orchestrator.files.displays.watching import Watching
from orchestrator.files.journal.changes import follow
from orchestrator.files.moments import Position
from orchestrator.files.past.diff import changes_between
from orchestrator.files.past.state import NotThereThen, state_at
from orchestrator.files.state.workflows_meant import Word
from orchestrator.files.tables.table import TaskTable
from orchestrator.files.tables.task_query import workflows_meant
from orchestrator.model.errors import NotFound, UsageError
from orchestrator.plan.ir import canonical, digest
from orchestrator.store import archive
from orchestrator.store.pin import pin
from tests.support.foreign_directory import TASK, make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

ONE = plan(operation("a", ("x", "y")))

#: From before everything to where the four are there.
WHOLE = (Position(seq=0), Position(seq=5))

#: {id: its definition}
THERE = {"w1": "/srv/deploy.k", "w2": "/home/deploy.k", "w3": "/srv/old/deploy.k", "w4": "/srv/reploy.k"}


def submit(own: OwnDirectory, workflow: str, definition: str) -> None:
    """A workflow of the definition at that path."""
    pin(own.disk, own.path, workflow, canonical(ONE), {"w.k": b"source"})
    own.happen(
        WorkflowSubmitted(
            workflow, digest(canonical(ONE)), definition, f"key-{workflow}", "tester", ONE, flags=flags.CURRENT
        )
    )


def put_away(own: OwnDirectory, workflow: str) -> None:
    """Its tasks succeed, and it goes into the archive."""
    for item in "xy":
        own.happen(AttemptExited(f"{workflow}.a.local.{item}", 1, 0))
    folder = Path(own.path) / "workflows" / workflow
    (Path(own.path) / "archive").mkdir(exist_ok=True)
    content = archive.encode(own.world.workflows[workflow], (folder / "plan.json").read_bytes())
    (Path(own.path) / "archive" / f"{workflow}.jsonl").write_bytes(content)
    own.happen(WorkflowArchived(workflow))
    own.disk.remove_tree(str(folder))
    for item in "xy":
        (Path(own.path) / "tasks" / f"{workflow}.a.local.{item}.json").unlink()


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """The workflows of `THERE`."""
    directory = OwnDirectory(tmp_path / "own")
    for workflow, definition in THERE.items():
        submit(directory, workflow, definition)
    return directory


@pytest.mark.parametrize(
    ("given", "cwd", "expected"),
    [
        ("w1", "/srv", {"w1"}),
        ("/srv/deploy.k", "/", {"w1"}),
        ("deploy.k", "/srv", {"w1"}),
        ("./deploy.k", "/srv", {"w1"}),
        ("../srv/deploy.k", "/tmp", {"w1"}),
        ("deploy.k", "/tmp", {"w1", "w2", "w3"}),
        ("./deploy.k", "/tmp", {"w1", "w2", "w3"}),
        ("old/deploy.k", "/tmp", {"w3"}),
        ("ploy.k", "/tmp", set()),
    ],
)
def test_every_way_in_means_the_same(own: OwnDirectory, given: str, cwd: str, expected: set[str]) -> None:
    """The table of tasks, an earlier moment, what changed, and a watch: by the id, the path, then the end of it."""
    assert Word(given, cwd).among(THERE) == expected
    assert definitions_on_disk(own.path) == THERE
    asked: list[Any] = [
        lambda: workflows_meant(TaskTable(own.path), given, cwd),
        lambda: {row["id"] for row in state_at(own.path, Position(seq=5), workflow=given, cwd=cwd)["workflows"]},
        lambda: {row["workflow"] for row in changes_between(own.path, *WHOLE, workflow=given, cwd=cwd)},
        lambda: Watched(own.path, [given], cwd).ids,
    ]
    for look in asked:
        if expected:
            assert look() == expected
            continue
        with pytest.raises(NotFound, match=f"There is no workflow {given} in") as told:
            look()
        assert told.value.help.startswith("Did you mean reploy.k or deploy.k?")


def test_where_one_is_wanted_one_has_to_be_meant(own: OwnDirectory) -> None:
    """The others are named."""
    assert only_one(own.path, "old/deploy.k", "/") == "w3"
    with pytest.raises(NotFound, match=r"3 workflows have the definition deploy\.k") as told:
        only_one(own.path, "deploy.k", "/tmp")
    assert told.value.help == "Name one: w1, w2, w3."


def rows_of(own: OwnDirectory, *words: str, cwd: str = "/", cursor: str = "0:0") -> Watching:
    """What a watch of these words gives."""
    changes = follow(own.path, cursor)
    wanted, _ = Asked(own.path, cwd, workflows=words).look_up(changes, lambda: TaskTable(own.path))
    return Watching(changes, changes, wanted, own.path)


def drained(watching: Watching) -> list[dict[str, Any]]:
    """All rows until nothing more is in the journal."""
    found: list[dict[str, Any]] = []
    while True:
        rows = watching.poll()
        found += rows
        if not rows and watching.pause_s:
            return found


def test_what_is_submitted_later_is_watched_too(own: OwnDirectory) -> None:
    """From its first change on; another definition is not, whatever its name."""
    watching = rows_of(own, "deploy.k", cwd="/tmp")
    assert {row["workflow"] for row in drained(watching)} == {"w1", "w2", "w3"}
    submit(own, "w5", "/elsewhere/deploy.k")
    submit(own, "w6", "/elsewhere/xdeploy.k")
    rows = drained(watching)
    assert [(row["workflow"], row["task"], row["status"]) for row in rows[:2]] == [
        ("w5", None, "queued"),
        ("w5", "w5.a.local.x", "pending"),
    ]
    assert {row["workflow"] for row in rows} == {"w5"}


def test_one_path_stays_that_path(own: OwnDirectory) -> None:
    """Where the path is a definition's own, the end of another's does not come in later."""
    watching = rows_of(own, "deploy.k", cwd="/srv")
    drained(watching)
    submit(own, "w5", "/elsewhere/deploy.k")
    submit(own, "w6", "/srv/deploy.k")
    assert {row["workflow"] for row in drained(watching)} == {"w6"}


def test_a_file_that_was_never_submitted_is_waited_for(own: OwnDirectory, tmp_path: Path) -> None:
    """It is there, so it is no mistake."""
    file = tmp_path / "fresh.k"
    file.touch()
    watching = rows_of(own, "fresh.k", cwd=str(tmp_path), cursor="0:0")
    assert drained(watching) == []
    submit(own, "w5", str(file))
    assert {row["workflow"] for row in drained(watching)} == {"w5"}


def test_nothing_is_lost_or_repeated(own: OwnDirectory) -> None:
    """At every cursor, over a rotation, a restart, and archived workflows: what follows from there is the rest."""
    submit(own, "w5", "/x/deploy.k")
    put_away(own, "w2")
    own.rotate()
    submit(own, "w6", "/y/deploy.k")
    own.next_life()
    submit(own, "w7", "/z/reploy.k")
    put_away(own, "w6")
    definitions = {**THERE, "w5": "/x/deploy.k", "w6": "/y/deploy.k", "w7": "/z/reploy.k"}
    everything = [row for row in drained(rows_of(own)) if definitions[row["workflow"]].endswith("/deploy.k")]
    assert drained(rows_of(own, "deploy.k", cwd="/tmp")) == everything
    for number, row in enumerate(everything, 1):
        assert drained(rows_of(own, "deploy.k", cwd="/tmp", cursor=row["cursor"])) == everything[number:]


def test_one_without_a_file_yet_is_known_from_the_journal(own: OwnDirectory, tmp_path: Path) -> None:
    """The state of what was submitted just now is written a moment later."""
    own.rotate()
    submit(own, "w5", "/x/fresh.k")
    (tmp_path / "own" / "workflows" / "w5" / "state.json").unlink()
    assert definitions_on_disk(own.path)["w5"] == "/x/fresh.k"
    watching = rows_of(own, "fresh.k", cursor="1:6")
    own.happen(AttemptExited("w5.a.local.x", 1, 0))
    assert {row["workflow"] for row in drained(watching)} == {"w5"}


def test_of_an_earlier_moment_what_was_there_then_counts(own: OwnDirectory) -> None:
    """An archived one as well; what came later was not there."""
    put_away(own, "w1")
    assert [row["id"] for row in state_at(own.path, Position(seq=3), workflow="/srv/deploy.k")["workflows"]] == ["w1"]
    changed = changes_between(own.path, Position(seq=5), Position(time_us=1 << 60), workflow="/srv/deploy.k")
    assert {row["change"] for row in changed} == {"archived"}
    with pytest.raises(NotThereThen, match=r"There was no workflow w4 in .* at record 3"):
        state_at(own.path, Position(seq=3), workflow="w4")
    with pytest.raises(NotFound, match="w1 is archived") as told:
        workflows_meant(TaskTable(own.path), "w1", "/")
    assert "--all" in told.value.help


def test_in_a_foreign_directory_tasks_tell(tmp_path: Path) -> None:
    """Of the workflow and the definition that they name; nobody knows what may come, so no word is a mistake."""
    task = {**TASK, "workflow": "nightly", "definition": "/etc/nightly.k"}
    folder = make_foreign(tmp_path / "foreign", task)
    for word in ("nightly", "nightly.k", "/etc/nightly.k"):
        changes = follow(folder)
        wanted, watched = Asked(folder, "/", workflows=[word]).look_up(changes, lambda: TaskTable(folder))
        assert watched is not None
        watching = Watching(changes, changes, wanted, folder)
        make_foreign(tmp_path / "foreign", {**task, "status": f"now {word}"}, {**TASK, "id": "other", "status": word})
        assert [row["workflow"] for row in watching.poll()] == ["nightly"]


def test_a_part_that_a_workflow_has_not_is_an_error(own: OwnDirectory) -> None:
    """It would never come. Of a workflow that may still be submitted nobody knows: then it is told, and waited for."""
    table = TaskTable(own.path)
    for asked, message, help_text in (
        (Asked(own.path, "/", workflows=["w1"], operations=["aa"]), "There is no operation aa in w1.", "There are: a."),
        (
            Asked(own.path, "/", workflows=["w1", "w2"], items=["z"]),
            "There is no item z in w1, w2.",
            "There are: x, y.",
        ),
    ):
        assert asked.takes_long
        with pytest.raises(NotFound) as told:
            asked.look_up(follow(own.path), lambda: table)
        assert (told.value.message, told.value.help) == (message, help_text)
    for named in ((), ("deploy.k",)):
        asked = Asked(own.path, "/tmp", workflows=named, operations=["aa", "a"], items=["z"])
        asked.look_up(follow(own.path), lambda: table)
        assert asked.warnings == ["No task has operation `aa`.", "No task has item `z`."]
    asked = Asked(own.path, "/", statuses=["completed"])
    assert not asked.takes_long
    with pytest.raises(UsageError, match="No task or workflow has status `completed`; the word here is `succeeded`"):
        asked.look_up(follow(own.path), lambda: table)
    foreign = make_foreign(Path(own.path).parent / "foreign", TASK)
    asked = Asked(foreign, "/", statuses=["completed"])
    asked.look_up(follow(foreign), lambda: TaskTable(foreign))
    assert asked.warnings == ["No task or workflow has status `completed`; the word here is `succeeded`."]
