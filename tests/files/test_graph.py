"""The graph of a workflow: its nodes, its edges and what became of them, from files of every kind."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.events import AttemptExited
from orchestrator.files.graph.formats import FORMATS, drawn
from orchestrator.files.graph.model import Graph
from orchestrator.files.graph.rows import as_record
from orchestrator.files.graph.shape import acyclic, around, feeds, in_order, junctions, layers, reduced
from orchestrator.files.graph.source import NoSuchOperation, focus, is_definition, of_definition, of_workflow
from orchestrator.files.graph.text import picture
from orchestrator.model.errors import BadId, DefinitionInvalid, FormatTooNew, NotFound, UsageError, WorkflowUnreadable
from orchestrator.model.states import TASK_STATUSES
from orchestrator.plan import graph as plan_graph
from orchestrator.plan.ir import Edge, Place, canonical
from orchestrator.store.archive import encode
from tests.support.foreign_directory import make_foreign
from tests.support.own_directory import OwnDirectory
from tests.support.plans import operation, plan

if TYPE_CHECKING:
    from pathlib import Path

Raw = dict[str, Any]
Operations = dict[str, tuple[list[str], Raw]]

#: What waits for what, by numbers that are smaller: no circles.
NEEDS = st.lists(st.sets(st.integers(0, 14), max_size=4), max_size=15).map(
    lambda rows: {f"n{number}": [f"n{it}" for it in sorted(row) if it < number] for number, row in enumerate(rows)}
)

#: The same with circles.
TANGLED = st.lists(st.sets(st.integers(0, 9), max_size=4), min_size=10, max_size=10).map(
    lambda rows: {f"n{number}": [f"n{it}" for it in sorted(row) if it != number] for number, row in enumerate(rows)}
)


#: Statuses of tasks that have had no attempt.
NEVER_BEGUN = ("pending", "skipped", "upstream_failed")


def made(
    operations: Operations,
    edges: list[Raw] | None = None,
    *,
    tasks: bool = False,
    **state: object,
) -> Graph:
    """A graph of ``{operation: (what it waits for, {item: status})}``, as files would give it."""
    shown, planned = [], []
    for name, (after, items) in operations.items():
        rows = [
            {"item": item, "provider": "local", "status": status, "attempt": int(status not in NEVER_BEGUN)}
            for item, status in items.items()
        ]
        statuses = {str(row["status"]) for row in rows}
        status = statuses.pop() if len(statuses) == 1 else "running"
        about = {"id": name, "type": "create", "target": "server"}
        shown.append({**about, "status": status, "depends_on": after, "items": rows})
        planned.append({**about, "after": after, "depends_on": after, "items": list(items), "providers": ["local"]})
    content = {"id": "w", "name": "w", "status": "running", "operations": shown, **state}
    return Graph(content, {"name": "w", "operations": planned, "edges": edges or []}, with_tasks=tasks)


def edge(source: str, target: str, **more: object) -> Raw:
    """An edge of a plan between ``operation/item`` and ``operation/item``; without item all of it."""
    places = []
    for place in (source, target):
        name, _, item = place.partition("/")
        places.append({"operation": name, "item": item or None, "provider": None})
    return {"source": places[0], "target": places[1], "type": "hard", "condition": "", "timeout_s": 300, **more}


# Shape


@settings(deadline=None)
@given(NEEDS)
def test_layers_are_the_waves_of_the_plan(needs: dict[str, list[str]]) -> None:
    """Where all edges are between operations, a layer is what the planner calls a wave."""
    what = plan(*(operation(name, after=tuple(after)) for name, after in needs.items()))
    waves = {name: number for number, wave in enumerate(plan_graph.waves(what), start=1) for name in wave}
    assert layers(needs) == waves


@settings(deadline=None)
@given(TANGLED)
def test_circles_are_opened_and_nothing_else_is_lost(needs: dict[str, list[str]]) -> None:
    """What is left has an order, and putting any edge back that was left out closes a circle again."""
    clean = acyclic(needs)
    assert sorted(in_order(clean)) == sorted(needs)
    assert all(set(clean[name]) <= set(needs[name]) for name in needs)
    for name, needed in needs.items():
        for one in set(needed) - set(clean[name]):
            assert name in around(clean, one, None)
            assert len(in_order({**clean, name: [*clean[name], one]})) < len(needs)
    assert list(layers(needs).values()).count(1) >= 1


@settings(deadline=None)
@given(NEEDS)
def test_reducing_keeps_every_way(needs: dict[str, list[str]]) -> None:
    """What stands above a node stands above it still, and no edge that is left is implied by others."""
    direct = reduced(needs, {(name, it) for name, needed in needs.items() for it in needed})
    for name in needs:
        assert around(direct, name, None) == around(needs, name, None)
        for one in direct[name]:
            without = {**direct, name: [it for it in direct[name] if it != one]}
            assert one not in _above(without, name)


def test_an_edge_that_says_more_is_not_reduced() -> None:
    """Neither is one that only such an edge implies."""
    needs = {"a": [], "b": ["a"], "c": ["a", "b"]}
    assert reduced(needs, {("b", "a"), ("c", "a"), ("c", "b")})["c"] == ["b"]
    assert reduced(needs, {("b", "a"), ("c", "b")})["c"] == ["a", "b"]
    assert reduced(needs, {("c", "a"), ("c", "b")})["c"] == ["a", "b"]


@settings(deadline=None)
@given(NEEDS)
def test_junctions_stand_for_their_edges(needs: dict[str, list[str]]) -> None:
    """Each target of a point waits for just its sources, and there are enough of both."""
    for sources, targets in junctions(needs, 2):
        assert len(sources) >= 2
        assert len(targets) >= 2
        assert all(set(needs[name]) == set(sources) for name in targets)
    assert {(a, b) for b, found in needs.items() for a in found} == {
        (a, b) for a, found in feeds(needs).items() for b in found
    }


def _above(needs: dict[str, list[str]], name: str) -> set[str]:
    found: set[str] = set()
    left = list(needs[name])
    while left:
        one = left.pop()
        if one not in found:
            found.add(one)
            left += needs[one]
    return found


# Edges


@pytest.mark.parametrize(
    ("source", "target", "kind", "condition", "state", "holds"),
    [
        ("succeeded", "pending", "hard", "", "satisfied", 0),
        ("running", "pending", "hard", "", "waiting", 1),
        ("failed", "pending", "hard", "", "broken", 0),
        ("failed", "upstream_failed", "hard", "", "broken", 0),
        ("failed", "pending", "soft", "", "satisfied", 0),
        ("running", "pending", "soft", "", "waiting", 1),
        ("skipped", "pending", "optional", "", "satisfied", 0),
        ("succeeded", "pending", "hard", "true", "condition", 1),
        ("succeeded", "running", "hard", "true", "satisfied", 0),
        ("rolled_back", "rolled_back", "hard", "", "satisfied", 0),
        ("running", "skipped", "hard", "", "broken", 0),
        ("succeeded", "skipped", "hard", "", "satisfied", 0),
    ],
)
def test_what_has_become_of_an_edge(
    source: str, target: str, kind: str, condition: str, state: str, holds: int
) -> None:
    """From the statuses at its ends, as the engine would judge it."""
    between = edge("a/x", "b/x", type=kind, condition=condition)
    graph = made({"a": ([], {"x": source, "y": "running"}), "b": ([], {"x": target, "y": "pending"})}, [between])
    assert [(it.state, it.holds, it.kind, it.condition) for it in graph.edges] == [(state, holds, kind, condition)]


def test_edges_between_tasks_are_put_together_or_shown_one_by_one() -> None:
    """Without tasks as nodes one stands for all of its kind, the worst state counts, and each task is counted once."""
    items = {"x": "succeeded", "y": "running", "z": "failed"}
    between = [edge(f"a/{it}", f"b/{it}") for it in items] + [edge("a/y", "b/x"), edge("b/x", "b/y", condition="c")]
    operations: Operations = {"a": ([], items), "b": ([], dict.fromkeys(items, "pending"))}
    together = made(operations, between).edges
    assert [(*it.ends, it.count, it.state, it.holds, it.is_whole) for it in together] == [
        ("a", "b", 4, "broken", 2, False),
        ("b", "b", 1, "waiting", 1, False),
    ]
    apart = made(operations, between, tasks=True).edges
    assert [(*it.ends, it.state) for it in apart] == [
        ("w.a.local.x", "w.b.local.x", "satisfied"),
        ("w.a.local.y", "w.b.local.y", "waiting"),
        ("w.a.local.z", "w.b.local.z", "broken"),
        ("w.a.local.y", "w.b.local.x", "waiting"),
        ("w.b.local.x", "w.b.local.y", "waiting"),
    ]


def test_an_order_that_nobody_wrote_is_told_apart() -> None:
    """Of a sequential workflow."""
    state = {"id": "w", "status": "running", "operations": [{"id": "a"}, {"id": "b", "depends_on": ["a"]}]}
    for written, kind in (([], "order"), (["a"], "hard")):
        pinned = {"operations": [{"id": "a"}, {"id": "b", "after": ["a"], "depends_on": written}]}
        assert [it.kind for it in Graph(state, pinned).edges] == [kind]


def test_many_tasks_at_one_end_are_the_operation() -> None:
    """Not a line for each of them."""
    items = {f"x{number}": "pending" for number in range(30)}
    rows = [{"item": item, "provider": "local"} for item in items] + [{"item": "x1", "provider": "other"}]
    state = {"id": "w", "operations": [{"id": "a", "items": rows}, {"id": "b", "items": rows}]}
    whole, some, one = edge("a", "b/x1"), edge("a", "b/x2"), edge("a/x1", "b")
    some["source"]["provider"] = "local"
    found = Graph(state, {"edges": [whole, some, one]}, with_tasks=True).edges
    assert [(*it.ends, it.is_whole) for it in found] == [
        ("a", "w.b.local.x1", False),
        ("a", "w.b.other.x1", False),
        ("a", "w.b.local.x2", False),
        ("w.a.local.x1", "b", False),
        ("w.a.other.x1", "b", False),
    ]


# Where it comes from


@pytest.fixture
def own(tmp_path: Path) -> OwnDirectory:
    """A workflow in which one task of the first operation has failed, and a task waits behind an edge."""
    directory = OwnDirectory(tmp_path / "data")
    what = plan(
        operation("first", ("x", "y"), on_failure="continue"),
        operation("second", ("x",), after=("first",)),
        operation("third", ("x", "y")),
    )
    between = (Edge(Place("first", "x"), Place("third", "x"), "soft", "source.attempt > 5"),)
    directory.submit(msgspec.structs.replace(what, edges=between), "w-abc123")
    directory.happen(AttemptExited("w-abc123.first.local.x", 1, 0))
    directory.happen(AttemptExited("w-abc123.first.local.y", 1, 3))
    return directory


def make_two(path: Path) -> OwnDirectory:
    """A directory with the workflow ``w``: two operations, in the first of which one task of two has succeeded."""
    directory = OwnDirectory(path)
    directory.submit(plan(operation("a", ("x", "y")), operation("b", after=("a",))), "w")
    directory.happen(AttemptExited("w.a.local.x", 1, 0))
    return directory


def test_reads_what_a_daemon_wrote(own: OwnDirectory) -> None:
    """Statuses, counts, times, edges of both kinds; that nobody works on it."""
    record = as_record(of_workflow(own.path, "w-abc123"))
    assert [(it["id"], it["status"], it["layer"], it["tasks"], it["done"]) for it in record["nodes"]] == [
        ("first", "failed", 1, 2, 1),
        ("second", "upstream_failed", 2, 1, 0),
        ("third", "running", 2, 2, 0),
    ]
    assert record["nodes"][0]["duration_ms"] is not None
    assert record["nodes"][0]["error"] == "exit code 3"
    assert [(it["from"], it["to"], it["kind"], it["state"], it["holds"]) for it in record["edges"]] == [
        ("first", "second", "hard", "broken", 0),
        ("first", "third", "soft", "condition", 1),
    ]
    assert record["edges"][1] | {"condition": "source.attempt > 5", "timeout_ms": 300_000} == record["edges"][1]
    assert record["notes"] == ["No daemon runs: the workflow goes on with the next one."]
    lock = own.hold()
    assert as_record(of_workflow(own.path, "w-abc123"))["notes"] == []
    lock.release()


def test_with_tasks_their_own_files_are_read(own: OwnDirectory) -> None:
    """All rows have the same columns; edges name nodes."""
    record = as_record(of_workflow(own.path, "w-abc123", with_tasks=True, with_rows=True))
    nodes = {it["id"]: it for it in record["nodes"]}
    assert len({tuple(it) for it in record["nodes"]}) == 1
    failed = nodes["w-abc123.first.local.y"]
    assert (failed["kind"], failed["exit_code"], failed["reason"], failed["duration_ms"]) == (
        "task",
        3,
        json.loads((_tasks(own) / "w-abc123.first.local.y.json").read_text())["reason"],
        2000,
    )
    assert {it for row in record["edges"] for it in (row["from"], row["to"])} <= set(nodes)
    shutil.rmtree(_tasks(own))
    record = as_record(of_workflow(own.path, "w-abc123", with_tasks=True, with_rows=True))
    assert {it["status"] for it in record["nodes"]} >= {"failed", "succeeded", "running"}


def test_an_archived_workflow_has_the_same_graph(own: OwnDirectory) -> None:
    """Its one file holds all there is."""
    before = as_record(of_workflow(own.path, "w-abc123", with_tasks=True, with_rows=True))
    workflow = own.world.workflows["w-abc123"]
    own.disk.replace(f"{own.path}/archive/w-abc123.jsonl", encode(workflow, canonical(workflow.plan)), durable=False)
    shutil.rmtree(f"{own.path}/workflows/w-abc123")
    shutil.rmtree(_tasks(own))
    assert as_record(of_workflow(own.path, "w-abc123", with_tasks=True, with_rows=True)) == before


def test_a_plan_that_is_damaged_costs_only_edges_between_tasks(own: OwnDirectory) -> None:
    """And it is said; as when a later version wrote it."""
    path = f"{own.path}/workflows/w-abc123/plan.json"
    for content, said in ((b"{", "cannot be read"), (b'{"format": "2.0"}', "has format 2.0"), (b"[]", "a list")):
        own.disk.replace(path, content, durable=False)
        graph = of_workflow(own.path, "w-abc123")
        assert [it.ends for it in graph.edges] == [("first", "second")]
        assert said in graph.notes[0]
        assert "edges between tasks are missing" in " ".join(picture(graph).split())


def test_what_there_is_not(own: OwnDirectory, tmp_path: Path) -> None:
    """Each with what was meant, or where to look."""
    with pytest.raises(NotFound) as missing:
        of_workflow(own.path, "w-abc124")
    assert "Did you mean w-abc123?" in missing.value.help
    for identifier in ("", "..", "a b", "x" * 200):
        with pytest.raises(BadId):
            of_workflow(own.path, identifier)
    make_foreign(tmp_path / "foreign")
    for folder in (tmp_path / "foreign", tmp_path):
        with pytest.raises(NotFound, match="no data directory of an orchestrator"):
            of_workflow(str(folder), "w-abc123")
    with pytest.raises(NotFound, match="no data directory /"):
        of_workflow(f"{tmp_path}/nowhere", "w-abc123")
    with pytest.raises(NoSuchOperation) as unknown:
        focus(of_workflow(own.path, "w-abc123"), "frist")
    assert "Did you mean first?" in unknown.value.help
    own.disk.replace(f"{own.path}/workflows/w-abc123/state.json", b'{"format": "2.0"}', durable=False)
    with pytest.raises(FormatTooNew):
        of_workflow(own.path, "w-abc123")
    for content in (b"\xff", b"{}", b'{"id": "w-abc123", "operations": 3}'):
        own.disk.replace(f"{own.path}/workflows/w-abc123/state.json", content, durable=False)
        with pytest.raises(WorkflowUnreadable):
            of_workflow(own.path, "w-abc123")


DEFINITION = """
import workflows

one = workflows.WorkflowDef {
    name = "one"
    operations = [
        {id = "a", type = "create", target = "server", items = ["x", "y"], command = "true"}
        {id = "b", type = "create", target = "server", items = ["x"], depends_on = ["a"], command = "true"}
    ]
}
"""


def test_a_definition_has_a_graph_before_it_runs(tmp_path: Path) -> None:
    """Without statuses; what is wrong with it is told as elsewhere."""
    path = tmp_path / "one.k"
    path.write_text(DEFINITION, encoding="utf-8")
    graph = of_definition(str(path), with_tasks=True)
    record = as_record(graph)
    assert [(it["id"], it["layer"]) for it in record["nodes"] if it["kind"] == "operation"] == [("a", 1), ("b", 2)]
    assert not {"status", "done", "state", "holds"} & {
        key for row in (*record["nodes"], *record["edges"]) for key in row
    }
    assert picture(graph).startswith("one  2 operations, 3 tasks\n")
    path.write_text(DEFINITION.replace('["a"]', '["aa"]'), encoding="utf-8")
    with pytest.raises(DefinitionInvalid) as invalid:
        of_definition(str(path))
    assert len(invalid.value.diagnostics) == 1
    with pytest.raises(NotFound):
        of_definition(str(tmp_path / "two.k"))


def test_ids_and_files_are_told_apart(tmp_path: Path) -> None:
    """By what an id cannot hold."""
    (tmp_path / "a.kcl").touch()
    (tmp_path / "plain").touch()
    given_files = ("a.k", "nowhere.k", "./a", "../x", "/a/b", "a.kcl")
    assert [is_definition(it, str(tmp_path)) for it in given_files] == [True] * 6
    assert [is_definition(it, str(tmp_path)) for it in ("w-abc123", "plain", "a.b", "")] == [False] * 4


def test_focus_keeps_what_is_around() -> None:
    """As far as the depth goes, and says what it left out."""
    needs = {"a": [], "b": ["a"], "c": ["b"], "d": ["c"], "e": ["b"], "other": []}
    for depth, kept in ((None, "abcd"), (0, "c"), (1, "bcd"), (2, "abcd")):
        graph = made({name: (after, {"x": "pending"}) for name, after in needs.items()})
        focus(graph, "c", depth)
        assert "".join(it.id for it in graph.nodes) == kept
        assert all(it.source in kept and it.target in kept for it in graph.edges)
        assert "0 of 6 tasks succeeded" in picture(graph)
        assert graph.notes == [f"{6 - len(kept)} of 6 operations are left out: they are not around c."]
    with pytest.raises(UsageError):
        focus(graph, "c", -1)


# Files that hold anything

KEYS = (
    *("id", "operations", "items", "status", "after", "depends_on", "edges", "source", "target", "operation", "item"),
    *("provider", "providers", "attempt", "type", "condition", "started_at", "finished_at", "name"),
)
WORDS = (*TASK_STATUSES, "a", "b", "hard")

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6),
    max_leaves=40,
)


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(["id", "status", "operations", "name", "reason"]), ANYTHING),
    st.dictionaries(st.sampled_from(["operations", "edges", "name"]), ANYTHING),
    st.booleans(),
)
def test_files_that_hold_anything_have_some_graph(state: Raw, pinned: Raw, tasks: bool) -> None:
    """Whatever there is instead of what should be there: every form is drawn."""
    graph = Graph(state, pinned, with_tasks=tasks)
    as_record(graph)
    picture(graph, width=40, ascii_only=True)
    for form in set(FORMATS) - {"text", "record"}:
        assert drawn(graph, form)


def _tasks(own: OwnDirectory) -> Path:
    from pathlib import Path

    return Path(own.path) / "tasks"
