"""``orch logs``: what the tasks of a workflow wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nu_plugin_orch.commands.logs import complete
from orchestrator.engine.events import AttemptExited
from tests.files.test_logs import STRANGE, a_daemon, put, undone
from tests.support.engine import ARGUMENT, HEAD, Engine, PluginError, frame
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A directory of ours where w runs and has written something."""
    made = OwnDirectory(tmp_path / "own")
    made.submit(plan(operation("a", ("x", STRANGE)), operation("b", ("y",), ("a",))), "w")
    put(made, "a", "x", "\x1b[31mone\x1b[0m\ntwo\n")
    put(made, "a", STRANGE, "careful\n", stream="err")
    return made


def rows_of(engine: Engine, own: OwnDirectory, subject: str = "w", **flags: object) -> list[tuple[str, int, str, str]]:
    """(item, attempt, stream, line) of each row."""
    stream = engine.stream(engine.start("orch logs", subject, data_dir=own.path, **flags))
    found = []
    while not any(message.get("End") == stream for message in engine.inbox):
        if any((message.get("Data") or [None])[0] == stream for message in engine.inbox):
            row = engine.item(stream)
            assert (row["operation"], row["provider"]) == ("a", "local")
            found.append((row["item"], row["attempt"], row["stream"], row["line"]))
        else:
            engine._receive()
    while any((message.get("Data") or [None])[0] == stream for message in engine.inbox):
        row = engine.item(stream)
        found.append((row["item"], row["attempt"], row["stream"], row["line"]))
    return found


def test_a_row_for_each_line(engine: Engine, own: OwnDirectory) -> None:
    """In order; chosen by stream, by task, from the end, or as it stands there."""
    first, second, third = ("x", 1, "out", "one"), ("x", 1, "out", "two"), (STRANGE, 1, "err", "careful")
    assert rows_of(engine, own) == [first, second, third]
    assert rows_of(engine, own, err=...) == [third]
    assert rows_of(engine, own, out=..., err=...) == [first, second, third]
    assert rows_of(engine, own, "w.a.local.x", tail=1) == [second]
    assert rows_of(engine, own, item="x", raw=...)[0] == ("x", 1, "out", "\x1b[31mone\x1b[0m")


def test_lines_of_an_undo_are_told_from_those_of_a_retry(engine: Engine, own: OwnDirectory) -> None:
    """Done, undone, run again: a column says which, before the stream and the line."""
    undone(own)
    stream = engine.stream(engine.start("orch logs", "v", data_dir=own.path))
    rows = [engine.item(stream) for _ in range(3)]
    assert [(row["attempt"], row["undo"], row["line"]) for row in rows] == [
        (1, False, "1"),
        (2, True, "2"),
        (3, False, "3"),
    ]
    assert list(rows[0]) == ["operation", "item", "provider", "attempt", "undo", "stream", "line"]


@pytest.mark.parametrize(
    ("flags", "message", "label"),
    [
        ({"operation": "aa"}, "There is no operation aa in w", "not in this workflow"),
        ({"item": "xx"}, "There is no item xx in w", "not in this workflow"),
        ({"provider": "nobody"}, "There is no provider nobody in w", "not in this workflow"),
        ({"attempt": 7}, "There is no attempt 7", "not in this workflow"),
        ({"tail": -1}, "The last -1 lines", "less than none"),
    ],
)
def test_mistakes_are_labelled(
    engine: Engine, own: OwnDirectory, flags: dict[str, object], message: str, label: str
) -> None:
    """At the word that is wrong, before anything is streamed."""
    with pytest.raises(PluginError, match=f"Failed to read logs: {message}") as told:
        engine.run("orch logs", "w", data_dir=own.path, **flags)
    assert told.value.told["labels"] == [{"text": label, "span": ARGUMENT}]
    assert told.value.told["help"]


def test_a_subject_that_is_not_there(engine: Engine, own: OwnDirectory, tmp_path: Path) -> None:
    """A workflow, a task, a directory of another program, none at all."""
    foreign = make_foreign(tmp_path / "foreign")
    for subject, folder, label in (
        ("v", own.path, "not known here"),
        ("w.a.local.z", own.path, "not known here"),
        ("../w", own.path, "not an id"),
        ("w", foreign, "not known here"),
        ("w", str(tmp_path / "nowhere"), "this data directory"),
    ):
        with pytest.raises(PluginError, match="Failed to read logs: ") as told:
            engine.run("orch logs", subject, data_dir=folder)
        assert told.value.told["labels"] == [{"text": label, "span": ARGUMENT}]


def test_what_cannot_be_read_is_a_warning(
    engine: Engine, own: OwnDirectory, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The rest is shown."""
    log = put(own, "a", "x", "")
    log.unlink()
    log.symlink_to(tmp_path / "secret")
    assert rows_of(engine, own) == [(STRANGE, 1, "err", "careful")]
    (warning,) = capfd.readouterr().err.splitlines()
    assert "symbolic link" in warning


def test_following_ends_with_the_workflow(engine: Engine, own: OwnDirectory) -> None:
    """New lines come while the stream is open."""
    with a_daemon(own):
        stream = engine.stream(engine.start("orch logs", "w.a.local.x", data_dir=own.path, follow=...))
        assert [engine.item(stream)["line"] for _ in range(2)] == ["one", "two"]
        put(own, "a", "x", "three\nno end")
        assert engine.item(stream)["line"] == "three"
        own.happen(AttemptExited("w.a.local.x", 1, 0))
        assert engine.item(stream)["line"] == "no end"
        assert engine.ended(stream)


def test_ctrl_c_ends_following_at_once(engine: Engine, own: OwnDirectory) -> None:
    """While nothing comes; the next call works."""
    with a_daemon(own):
        stream = engine.stream(engine.start("orch logs", "w", data_dir=own.path, follow=...))
        for _ in range(3):
            engine.item(stream)
        engine.send(frame({"Signal": "Interrupt"}))
        assert engine.ended(stream)
    assert len(rows_of(engine, own)) == 3


def test_following_without_a_daemon_says_so(engine: Engine, own: OwnDirectory) -> None:
    """As the last item: what there is has been shown."""
    stream = engine.stream(engine.start("orch logs", "w", data_dir=own.path, follow=...))
    for _ in range(3):
        engine.item(stream)
    kind, told = engine.item(stream)
    assert kind == "Error"
    assert "Failed to read logs: No daemon runs on" in told["msg"]
    assert told["labels"][0]["span"] in (ARGUMENT, HEAD)


def test_tab(own: OwnDirectory) -> None:
    """Workflows and tasks for the argument, names for the flags, nothing for numbers, paths for a path."""
    assert [name for name, _ in complete(own.path, 0, {}) or []][:2] == ["w", "w.a.local.x"]
    assert [name for name, _ in complete(own.path, "operation", {}) or []] == ["a", "b"]
    assert [name for name, _ in complete(own.path, "item", {}) or []] == ["x", STRANGE, "y"]
    assert [name for name, _ in complete(own.path, "provider", {}) or []] == ["local"]
    assert complete(own.path, "tail", {}) == complete(own.path, "attempt", {}) == []
    assert complete(own.path, "data-dir", {}) is None
