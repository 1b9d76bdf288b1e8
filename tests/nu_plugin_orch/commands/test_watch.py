"""``orch watch``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.engine.events import AttemptExited
from tests.support.engine import ARGUMENT, FLAG, Engine, PluginError
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path

UNTIL_DONE = {"from": "0:0", "until-done": ...}
IN_TURN = plan(operation("a", ("x", "y"), parallel=False))


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """Two workflows of tasks that run one after another."""
    directory = OwnDirectory(tmp_path / "own")
    for name in ("w1", "w2"):
        directory.submit(IN_TURN, name)
    return directory


def watch(engine: Engine, own: OwnDirectory, count: int, **flags: object) -> list[dict[str, object]]:
    """The first `count` records from the beginning."""
    call = engine.start("orch watch", data_dir=own.path, **{"from": "0:0", **flags})
    stream = engine.stream(call)
    return [engine.item(stream) for _ in range(count)]


def test_tells_changes_of_status(engine: Engine, own: OwnDirectory) -> None:
    """With the time as a datetime; a mere reason is no change."""
    rows = watch(engine, own, 5)
    assert list(rows[0]) == [
        "time",
        "seq",
        "workflow",
        "task",
        "previous_status",
        "status",
        "attempt",
        "reason",
        "cursor",
    ]
    assert rows[0]["time"] == ("Date", "2023-11-14T22:13:22.000000Z")
    assert [(row["task"], row["status"]) for row in rows] == [
        (None, "queued"),
        ("w1.a.local.x", "pending"),
        ("w1.a.local.y", "pending"),
        (None, "running"),
        ("w1.a.local.x", "running"),
    ]


def test_tells_reasons_on_request(engine: Engine, own: OwnDirectory) -> None:
    """Why a task waits now."""
    assert [row["status"] for row in watch(engine, own, 4, reasons=...)] == ["queued", "pending", "pending", "pending"]


def test_follows_one_workflow(engine: Engine, own: OwnDirectory) -> None:
    """And passes over the others."""
    rows = watch(engine, own, 5, workflow="w2")
    assert {row["workflow"] for row in rows} == {"w2"}


def test_begins_now_without_a_cursor(engine: Engine, own: OwnDirectory) -> None:
    """What happened before is not told."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path))
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    assert engine.item(stream)["status"] == "succeeded"


def test_a_workflow_that_is_not_there_is_told(engine: Engine, own: OwnDirectory) -> None:
    """With near names, before anybody waits; a foreign directory knows none."""
    with pytest.raises(PluginError, match="There is no workflow w3") as told:
        engine.run("orch watch", data_dir=own.path, workflow="w3")
    assert "`orch workflows`" in told.value.told["help"]
    with pytest.raises(PluginError, match="There is no workflow w ") as told:
        engine.run("orch watch", data_dir=own.path, workflow="w")
    assert "Did you mean w1 or w2?" in told.value.told["help"]
    with pytest.raises(PluginError, match=r"There is no workflow \.\./w1 in"):
        engine.run("orch watch", data_dir=own.path, workflow="../w1")


def test_ends_with_the_workflow_that_is_watched(engine: Engine, own: OwnDirectory) -> None:
    """Whatever comes of others, and without a daemon: it is over."""
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, workflow="w1", **UNTIL_DONE))
    assert [engine.item(stream)["status"] for _ in range(5)][-1] == "running"
    for task in ("w1.a.local.x", "w1.a.local.y"):
        own.happen(AttemptExited(task, 1, 0))
    assert [engine.item(stream)["status"] for _ in range(4)] == ["succeeded", "running", "succeeded", "succeeded"]
    assert engine.ended(stream)
    with pytest.raises(PluginError, match="--until-done needs --workflow"):
        engine.run("orch watch", data_dir=own.path, **UNTIL_DONE)


def test_without_a_daemon_nobody_waits_for_ever(engine: Engine, own: OwnDirectory) -> None:
    """With --until-done: what was written before is told, then an error."""
    lock = own.hold()
    call = engine.start("orch watch", data_dir=own.path, workflow="w1", **UNTIL_DONE)
    stream = engine.stream(call)
    assert [engine.item(stream)["status"] for _ in range(5)][-1] == "running"
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    assert engine.item(stream)["status"] == "succeeded"
    lock.release()
    assert engine.item(stream)["task"] == "w1.a.local.y"
    kind, told = engine.item(stream)
    assert (kind, told["code"]) == ("Error", "orch::daemon::not_running")
    assert told["msg"].endswith(f"No daemon runs on {own.path}, and w1 is not over.")
    assert "orchestrator serve" in told["help"]
    assert engine.ended(stream)


@pytest.mark.parametrize("cursor", ["nonsense", "1:99"])
def test_a_cursor_that_is_none_is_labelled(engine: Engine, own: OwnDirectory, cursor: str) -> None:
    """Before anything is streamed."""
    with pytest.raises(PluginError, match="Failed to watch: ") as told:
        engine.run("orch watch", data_dir=own.path, **{"from": cursor})
    assert told.value.told["labels"][0]["span"] == ARGUMENT


def test_a_directory_that_cannot_be_watched_is_told(engine: Engine, tmp_path: Path) -> None:
    """A foreign one has no past, one that is not there has no future."""
    with pytest.raises(PluginError, match="no journal"):
        engine.run("orch watch", data_dir=make_foreign(tmp_path / "foreign"), **{"from": "0:0"})
    with pytest.raises(PluginError, match="no data directory"):
        engine.run("orch watch", data_dir=str(tmp_path / "nowhere"))


def labelled(engine: Engine, own: str, match: str, **flags: object) -> dict[str, Any]:
    """The error of a call, which points at one of the user's words."""
    with pytest.raises(PluginError, match=match) as told:
        engine.run("orch watch", data_dir=own, **flags)
    assert told.value.told["labels"][0]["span"] in (ARGUMENT, FLAG)
    return told.value.told


def test_every_row_tells_where_to_go_on(engine: Engine, own: OwnDirectory) -> None:
    """Also amid a record; the next row is the next one."""
    rows = watch(engine, own, 8)
    for number, row in enumerate(rows[:-1]):
        assert watch(engine, own, 1, **{"from": row["cursor"]}) == [rows[number + 1]]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ({"workflow": ["w2", "w3"]}, (None, "queued")),
        ({"operation": "a", "status": "running"}, ("w1.a.local.x", "running")),
        ({"item": ["y", "z"]}, ("w1.a.local.y", "pending")),
        ({"task": "w2.a.local.y"}, ("w2.a.local.y", "pending")),
        ({"status": ["running", "failed"]}, (None, "running")),
    ],
)
def test_changes_are_chosen(
    engine: Engine, own: OwnDirectory, flags: dict[str, object], expected: tuple[str | None, str]
) -> None:
    """One word or a list of them."""
    own.submit(IN_TURN, "w3")
    (row,) = watch(engine, own, 1, **flags)
    assert (row["task"], row["status"]) == expected


def test_begins_at_a_moment(engine: Engine, own: OwnDirectory) -> None:
    """A text, a datetime or a duration; not tomorrow, and not beside a cursor."""
    moment = "2023-11-14T22:13:23Z"
    for given in (moment, ("Date", moment)):
        call = engine.start("orch watch", data_dir=own.path, since=given)
        assert engine.item(engine.stream(call))["workflow"] == "w2"
    call = engine.start("orch watch", data_dir=own.path, since=("Duration", 10**9 * 86400 * 365 * 100))
    assert engine.item(engine.stream(call))["workflow"] == "w1"
    labelled(engine, own.path, "no moment", since="whenever")
    labelled(engine, own.path, "lies in the future", since="2999-01-01")
    told = labelled(engine, own.path, "both say where to begin", since=moment, **{"from": "0:0"})
    assert "A cursor is exact" in told["help"]


def test_gives_signs_of_life(engine: Engine, own: OwnDirectory) -> None:
    """A record without a status; with the daemon, and a cursor from which everything new can be met."""
    call = engine.start("orch watch", data_dir=own.path, heartbeat=("Duration", 20_000_000))
    stream = engine.stream(call)
    beat = engine.item(stream)
    assert (beat["status"], beat["task"], beat["seq"], beat["daemon"]) == (None, None, 3, False)
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    (row,) = watch(engine, own, 1, **{"from": beat["cursor"]})
    assert (row["task"], row["status"]) == ("w1.a.local.x", "succeeded")
    labelled(engine, own.path, "10ms at least", heartbeat=("Duration", 5))


def test_what_is_not_there_or_no_word_is_labelled(engine: Engine, own: OwnDirectory) -> None:
    """On the word itself."""
    assert "w1.a.local.x" in labelled(engine, own.path, "There is no task", task="w1.a.local.xy")["help"]
    labelled(engine, own.path, "takes a string or a list", operation=[1.5])
    labelled(engine, own.path, "needs --workflow", workflow=["w1", "w2"], **{"until-done": ...})
    with pytest.raises(PluginError, match="given twice"):
        engine.run("orch watch", "w1", data_dir=own.path, workflow="w2")


def test_a_workflow_may_be_named_by_its_definition(engine: Engine, own: OwnDirectory) -> None:
    """That is each of it, also one that comes; where one is wanted, it has to be the only one."""
    lock = own.hold()
    engine.place["GetCurrentDir"] = "/d"
    for positional, flags in ((("w.k",), {}), ((), {"workflow": "w.k"}), ((), {"workflow": ["w1", "/d/w.k"]})):
        stream = engine.stream(engine.start("orch watch", *positional, data_dir=own.path, **flags))
        name = f"v{len(own.world.workflows)}"
        own.submit(IN_TURN, name)
        assert engine.item(stream)["workflow"] == name
    lock.release()
    several = labelled(engine, own.path, "--until-done needs --workflow", workflow="w.k", **{"until-done": ...})
    assert several["help"].startswith("Name one: v2, v3, v4, w1, w2.")


def test_the_only_one_of_a_definition_is_followed_to_its_end(engine: Engine, tmp_path: Path) -> None:
    """Whatever is submitted meanwhile."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "w1")
    lock = own.hold()
    flags = {"workflow": "w.k", "until-done": ...}
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, **flags))
    own.submit(plan(operation("a")), "w2")
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    assert [(engine.item(stream)["workflow"]) for _ in range(2)] == ["w1", "w1"]
    assert engine.ended(stream)
    lock.release()


def test_a_workflow_may_be_named_without_a_flag(engine: Engine, own: OwnDirectory) -> None:
    """As with --workflow; an unknown one is labelled where it stands."""
    call = engine.start("orch watch", "w2", data_dir=own.path, **{"from": "0:0"})
    assert engine.item(engine.stream(call))["workflow"] == "w2"
    with pytest.raises(PluginError, match="no workflow w9") as told:
        engine.run("orch watch", "w9", data_dir=own.path)
    assert told.value.told["labels"][0] == {"text": "not known here", "span": ARGUMENT}


def test_one_whose_file_tells_its_end_late_ends_as_well(engine: Engine, tmp_path: Path) -> None:
    """The last record was written just before somebody began to watch, and the file of the workflow just after."""
    own = OwnDirectory(tmp_path)
    own.submit(plan(operation("a")), "w1")
    state = tmp_path / "workflows" / "w1" / "state.json"
    before = state.read_bytes()
    own.happen(AttemptExited("w1.a.local.x", 1, 0))
    after = state.read_bytes()
    state.write_bytes(before)
    lock = own.hold()
    stream = engine.stream(engine.start("orch watch", data_dir=own.path, workflow="w1", **UNTIL_DONE))
    state.write_bytes(after)
    assert engine.ended(stream)
    lock.release()


def test_one_that_was_over_before_ends_at_once(engine: Engine, own: OwnDirectory) -> None:
    """Its end does not come a second time; behind a cursor it is the same."""
    for task in ("w1.a.local.x", "w1.a.local.y"):
        own.happen(AttemptExited(task, 1, 0))
    lock = own.hold()
    for more in ({}, {"from": "1:5"}):
        call = engine.start("orch watch", data_dir=own.path, workflow="w1", **{"until-done": ..., **more})
        assert engine.ended(engine.stream(call))
    lock.release()


def test_a_display_needs_a_terminal(engine: Engine, own: OwnDirectory, tmp_path: Path) -> None:
    """And takes nothing that narrows the records; the engine is asked for the terminal only for it."""
    assert "come as records" in labelled(engine, own.path, "TERM is dumb", live=...)["help"]
    assert "EnterForeground" in engine.asked
    engine.place["GetEnvVar"] = "xterm"
    engine.place["EnterForeground"] = None
    assert "come as records" in labelled(engine, own.path, "terminal", live=...)["help"]
    for name, value in (("from", "0:0"), ("since", "1min"), ("status", "failed"), ("operation", "a"), ("reasons", ...)):
        labelled(engine, own.path, f"--{name} is for the records", live=..., **{name: value})
    labelled(engine, own.path, "one workflow, or all", live=..., workflow=["w1", "w2"])
    foreign = labelled(engine, make_foreign(tmp_path / "foreign"), "There is no journal", live=...)
    assert foreign["help"].startswith("Another program writes it: `orch watch` without --live")
    (tmp_path / "empty").mkdir()
    empty = labelled(engine, str(tmp_path / "empty"), "There is no journal", live=...)
    assert empty["help"] == f"Start a daemon on it: orchestrator serve --data-dir {tmp_path}/empty"
    for named in ({}, {"workflow": "w1"}):
        with pytest.raises(PluginError, match="There is no data directory") as told:
            engine.run("orch watch", data_dir=str(tmp_path / "nowhere"), live=..., **named)
        assert told.value.told["code"] == "orch::not_found"
    with pytest.raises(PluginError, match="There is no workflow w ") as told:
        engine.run("orch watch", data_dir=own.path, live=..., workflow="w")
    assert "Did you mean w1 or w2?" in told.value.told["help"]
    asked = len(engine.asked)
    watch(engine, own, 1)
    assert "EnterForeground" not in engine.asked[asked:]
