"""What a dry run says of small plans."""

from __future__ import annotations

import json

from msgspec.structs import replace

from orchestrator.forecast import dry_run
from orchestrator.plan.ir import Edge, Place
from tests.support.plans import operation, plan


def test_each_operation_stands_in_its_wave() -> None:
    """In the order of the waves, with what it does, to what, where, and from when to when."""
    made = replace(operation("net", ("net",), providers=("acme",)), inserted="shared resource of acme")
    found = dry_run.answer(plan(operation("b", ("x", "y"), ("a",)), operation("a", ("z",)), made), {"assumed_ms": 10})
    rows = found["dry_run"]["waves"]
    assert [(row["wave"], row["operation"], row["starts_ms"], row["ends_ms"]) for row in rows] == [
        (1, "a", 0, 10),
        (1, "net", 0, 10),
        (2, "b", 10, 20),
    ]
    assert rows[1]["inserted"] == "shared resource of acme"
    assert rows[2] == rows[2] | {
        "type": "create",
        "target": "server",
        "items": ["x", "y"],
        "providers": ["local"],
        "tasks": 2,
        "inserted": "",
    }
    assert found["dry_run"]["total_ms"] == 20


def test_dependencies_that_the_waves_keep_anyway_are_left_out() -> None:
    """Those between resources of independent operations are told, and those with a condition; each once."""
    edges = (
        Edge(Place("a", "x"), Place("c", "x")),
        Edge(Place("a", "x"), Place("c", "x"), condition="source.exit_code == 0", timeout_s=60, why="server.x"),
        Edge(Place("d"), Place("a", None, "local"), "soft"),
        Edge(Place("d"), Place("a", None, "local"), "soft"),
    )
    of = plan(operation("a"), operation("b", after=("a",)), operation("c", after=("b",)), operation("d"))
    found = dry_run.answer(replace(of, edges=edges), {})["dry_run"]
    assert found["order"] == [
        {
            "wave": 3,
            "what": "c/x",
            "after": "a/x",
            "type": "hard",
            "condition": "source.exit_code == 0",
            "timeout_ms": 60_000,
            "why": "server.x",
        },
        {
            "wave": 1,
            "what": "a on local",
            "after": "d",
            "type": "soft",
            "condition": "",
            "timeout_ms": None,
            "why": "",
        },
    ]


def test_the_forecast_tells_what_is_final_and_what_binds() -> None:
    """Operations without undo, limits that hold something back, the end, where the durations come from."""
    of = plan(operation("a", ("x", "y", "z"), undo="undo"), operation("b", after=("a",)))
    found = dry_run.answer(of, {"max_running": 2, "durations_ms": {"b": 5}})["dry_run"]
    assert found["irreversible"] == [{"operation": "b", "tasks": 1, "starts_ms": 120_000}]
    assert [(row["limit"], row["value"], row["tasks"]) for row in found["limits"]] == [("max_running", 2, 1)]
    assert (found["status"], found["total_ms"], found["peak"]["tasks"]) == ("succeeded", 120_005, 2)
    assert found["durations"] == {"recorded": 1, "similar": 0, "given": 0, "assumed": 3, "assumed_ms": 60_000}


def test_a_dry_run_is_plain() -> None:
    """It survives JSON as it is; an assumption that means nothing is the asker's error."""
    found = dry_run.answer(plan(operation("a")), None)
    assert json.loads(json.dumps(found)) == found
    assert dry_run.answer(plan(operation("a")), {"unheard_of": 1})["refused"]["code"] == "orch::usage"
