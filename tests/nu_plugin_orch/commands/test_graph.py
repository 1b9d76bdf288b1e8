"""``orch graph``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nu_plugin_orch.commands.graph import SIGNATURE, complete
from orchestrator.files.graph.formats import FORMATS
from orchestrator.model.times import rfc3339
from tests.files.test_graph import DEFINITION, make_two
from tests.support.engine import ARGUMENT, Engine, PluginError
from tests.support.foreign_directory import make_foreign, write
from tests.support.plans import at

if TYPE_CHECKING:
    from tests.support.own_directory import OwnDirectory


@pytest.fixture
def made(tmp_path: Path) -> OwnDirectory:
    """Two operations one after the other; in the first a task has succeeded, and another runs."""
    return make_two(tmp_path / "data")


def test_a_picture_is_what_people_get(engine: Engine, made: OwnDirectory) -> None:
    """As text, without colours unless they are asked for, as wide as is asked for."""
    text = engine.run("orch graph", "w", data_dir=made.path)
    assert text.splitlines()[2:5] == ["▸ a  create server  1/2  running", "│", "○ b  create server  0/1  pending"]
    assert "\x1b[36m" in engine.run("orch graph", "w", data_dir=made.path, color=...)
    assert engine.run("orch graph", "w", data_dir=made.path, ascii=...).splitlines()[3] == "|"
    narrow = engine.run("orch graph", "w", data_dir=made.path, width=20)
    assert max(map(len, narrow.splitlines())) <= 20
    tasks = engine.run("orch graph", "w", data_dir=made.path, tasks=...)
    assert "│ ✓ x  ▸ y" in tasks.splitlines()


def test_a_record_is_what_pipelines_get(engine: Engine, made: OwnDirectory) -> None:
    """Two tables that can be joined, with times and durations as such."""
    record = engine.run("orch graph", "w", data_dir=made.path, format="record", tasks=...)
    assert (record["workflow"], record["status"]) == ("w", "running")
    nodes = {it["id"]: it for it in record["nodes"]}
    assert list(nodes) == ["a", "w.a.local.x", "w.a.local.y", "b", "w.b.local.x"]
    assert nodes["w.a.local.x"]["started_at"] == ("Date", rfc3339(at(2).wall_us))
    assert nodes["w.a.local.x"]["duration"] == ("Duration", 1_000_000_000)
    assert [(it["from"], it["to"], it["holds"]) for it in record["edges"]] == [("a", "b", 1)]


@pytest.mark.parametrize("form", [it for it in FORMATS if it not in ("text", "record")])
def test_other_forms_are_text(engine: Engine, made: OwnDirectory, form: str) -> None:
    """That begins as such text does."""
    begins = {"mermaid": "flowchart TD\n", "dot": "digraph ", "svg": "<svg "}
    assert engine.run("orch graph", "w", data_dir=made.path, format=form).startswith(begins[form])


def test_a_definition_is_a_graph_too(engine: Engine, tmp_path: Path) -> None:
    """By its path, from the current folder; what is wrong with it is told below the error."""
    (tmp_path / "one.k").write_text(DEFINITION, encoding="utf-8")
    engine.place["GetCurrentDir"] = str(tmp_path)
    text = engine.run("orch graph", "one.k", data_dir=str(tmp_path / "nowhere"))
    assert text.startswith("one  2 operations, 3 tasks\n")
    (tmp_path / "one.k").write_text(DEFINITION.replace('["a"]', '["aa"]'), encoding="utf-8")
    with pytest.raises(PluginError) as told:
        engine.run("orch graph", "one.k", data_dir=str(tmp_path / "nowhere"))
    assert told.value.told["labels"][0]["span"] == ARGUMENT
    assert len(told.value.told["inner"]) == 1


@pytest.mark.parametrize(
    ("subject", "flags", "code", "span", "help"),
    [
        ("ww", {}, "orch::not_found", ARGUMENT, "orch workflows"),
        ("a b", {}, "orch::id::bad", ARGUMENT, "orch workflows"),
        ("/nowhere/x.k", {}, "orch::not_found", ARGUMENT, "current folder"),
        ("w", {"format": "svgg"}, "orch::usage", ARGUMENT, "Did you mean svg? There are: text, "),
        ("w", {"focus": "aa"}, "orch::not_found", ARGUMENT, "There are: a, b."),
        ("w", {"depth": 1}, "orch::usage", ARGUMENT, "--focus"),
        ("w", {"depth": -1, "focus": "a"}, "orch::usage", ARGUMENT, "0 or more"),
        ("w", {"width": 3}, "orch::usage", ARGUMENT, "20 or more"),
    ],
)
def test_what_is_wrong_is_labelled(
    engine: Engine, made: OwnDirectory, subject: str, flags: dict[str, object], code: str, span: object, help: str
) -> None:
    """At the argument, with what to do."""
    with pytest.raises(PluginError, match="Failed to draw the graph: ") as told:
        engine.run("orch graph", subject, data_dir=made.path, **flags)
    label = told.value.told["labels"][0]
    assert (told.value.told["code"], label["span"]) == (code, span)
    assert label["text"] != "here"
    assert help in told.value.told["help"]


def test_a_directory_of_others_and_a_damaged_workflow(engine: Engine, made: OwnDirectory, tmp_path: Path) -> None:
    """Each says which it is."""
    folder = make_foreign(tmp_path / "foreign")
    with pytest.raises(PluginError, match="no data directory of an orchestrator"):
        engine.run("orch graph", "w", data_dir=str(folder))
    write(Path(made.path) / "workflows" / "w" / "state.json", "{")
    with pytest.raises(PluginError, match="Failed to parse workflow JSON") as told:
        engine.run("orch graph", "w", data_dir=made.path)
    assert told.value.told["labels"][0]["text"] == "this workflow"


def test_tab_offers_workflows_operations_and_forms(made: OwnDirectory, tmp_path: Path) -> None:
    """Nothing for what is a number, and nothing that cannot be read."""
    folder = made.path
    assert [name for name, _ in complete(folder, 0, {}) or ()] == ["w"]
    assert [name for name, _ in complete(folder, "focus", {}) or ()] == ["a", "b"]
    assert complete(folder, "depth", {}) == []
    assert complete(str(make_foreign(tmp_path / "foreign")), "focus", {}) == []
    forms = next(it for it in SIGNATURE["sig"]["named"] if it["long"] == "format")
    assert forms["completion"] == {"List": list(FORMATS)}


def test_the_width_is_that_of_the_terminal(engine: Engine, made: OwnDirectory, monkeypatch: pytest.MonkeyPatch) -> None:
    """To which errors would go."""
    asked = []

    def size(descriptor: int) -> os.terminal_size:
        asked.append(descriptor)
        return os.terminal_size((24, 10))

    monkeypatch.setattr(os, "get_terminal_size", size)
    text = engine.run("orch graph", "w", data_dir=made.path)
    assert asked == [2]
    assert max(map(len, text.splitlines())) <= 24
