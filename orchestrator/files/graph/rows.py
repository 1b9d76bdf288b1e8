"""A graph as rows, for pipelines: a record with the tables of its nodes and its edges.

Names follow the file formats: ``…_at`` are times, ``…_ms`` durations. An edge's ``from`` and ``to`` are ids of nodes,
so the two tables can be joined. What a plan cannot know, because it has not run, is left out of its rows.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.graph.model import Edge, Graph, Node, Task

    Row = dict[str, Any]

#: Fields of a task's own file that its row has as they are.
_OWN = ("started_at", "finished_at", "duration_ms", "exit_code", "reason", "error")


def as_record(graph: "Graph") -> "Row":
    """``{workflow, name, status, reason, started_at, finished_at, duration_ms, nodes, edges, notes}``."""
    nodes = [row for node in graph.nodes for row in _nodes(graph, node)]
    tables = {"nodes": nodes, "edges": [_edge(graph, it) for it in graph.edges], "notes": graph.notes}
    if graph.is_plan:
        return {"name": graph.name, **tables}
    return {
        "workflow": graph.id,
        "name": graph.name,
        "status": graph.status,
        "reason": graph.reason or None,
        "started_at": graph.started_at,
        "finished_at": graph.finished_at,
        "duration_ms": graph.duration_ms,
        **tables,
    }


def _nodes(graph: "Graph", node: "Node") -> "list[Row]":
    row: Row = {"id": node.id}
    if graph.with_tasks:
        row |= {"kind": "operation", "operation": node.id, "item": None, "provider": None}
    if not graph.is_plan:
        row["status"] = node.status
    row |= {"type": node.type, "target": node.target, "layer": node.layer, "tasks": len(node.tasks)}
    if not graph.is_plan:
        row |= {
            "done": node.done,
            "attempts": node.attempts,
            "started_at": node.started_at,
            "finished_at": node.finished_at,
            "duration_ms": node.duration_ms,
            "error": node.error or None,
        }
    if not graph.with_tasks:
        return [row]
    if not graph.is_plan:
        row |= {"exit_code": None, "reason": None}
    return [row, *(_task(node, it, row) for it in node.tasks)]


def _task(node: "Node", task: "Task", like: "Row") -> "Row":
    """A row of a task, with the columns of `like` in their order."""
    known: Row = {
        "id": task.id,
        "kind": "task",
        "operation": node.id,
        "item": task.item,
        "provider": task.provider,
        "type": node.type,
        "target": node.target,
        "layer": node.layer,
        "tasks": 1,
        "done": int(task.status == "succeeded"),
        "status": task.status,
        "attempts": task.attempts,
        **{name: task.row.get(name) for name in _OWN},
    }
    return {name: known[name] for name in like}


def _edge(graph: "Graph", edge: "Edge") -> "Row":
    source, target = edge.ends
    row: Row = {
        "from": source,
        "to": target,
        "kind": edge.kind,
        "state": edge.state,
        "holds": edge.holds,
        "condition": edge.condition or None,
        "timeout_ms": edge.timeout_ms,
        "count": edge.count,
        "whole": edge.is_whole,
        "why": edge.why or None,
    }
    if graph.is_plan:
        del row["state"], row["holds"]
    return row
