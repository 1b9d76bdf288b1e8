"""Where a graph comes from: a workflow that is there or was archived, or a definition that has not run.

Whatever has a dot or a slash in it can be no workflow's id, and is the path of a definition; so is the name of a file
that is there, if no workflow has that name.
"""

import os

from orchestrator.files import document
from orchestrator.files.directory import require_directory
from orchestrator.files.fields import mapping
from orchestrator.files.graph.model import Graph
from orchestrator.files.graph.shape import around
from orchestrator.files.layout import PLAN_FILE, WORKFLOWS, workflow_dir
from orchestrator.files.locate import check_directory, check_format
from orchestrator.files.permissions import explain
from orchestrator.files.state.not_there import no_part
from orchestrator.files.state.workflows import read_workflow
from orchestrator.files.why.facts import load_row
from orchestrator.model.errors import (
    DefinitionInvalid,
    FormatTooNew,
    NotFound,
    OrchestratorError,
    UsageError,
)
from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Raw = dict[str, Any]


class NoSuchOperation(NotFound):
    """The graph has no operation of that name."""


def is_definition(given: str, cwd: str) -> bool:
    """Whether `given` means the file of a definition, and not a workflow."""
    if given.endswith(".k") or "/" in given:
        return True
    return "." in given and not is_name_id(given) and os.path.isfile(os.path.join(cwd, given))


def of_workflow(data_dir: str, workflow: str, *, with_tasks: bool = False, with_rows: bool = False) -> Graph:
    """The graph of a workflow, with its daemon alive or dead, or archived.

    Args:
        data_dir: of ours; other programs keep no workflows.
        workflow: its id.
        with_tasks: tasks are nodes.
        with_rows: read their own files, too (`Task.row`).

    Raises:
        BadId, NotFound: there is no such workflow; near ones are named. Or no such directory.
        WorkflowUnreadable: its state cannot be read, or is not JSON.
        FormatTooNew: of the directory or a file.
    """
    require_directory(data_dir)
    if not check_directory(data_dir) and not os.path.isdir(f"{data_dir}/{WORKFLOWS}"):
        raise NotFound(
            f"{data_dir} is no data directory of an orchestrator: it has no workflows, and so no graphs.",
            "Name the right one (--data-dir), or the file of a definition.",
        )
    state = read_workflow(data_dir, workflow)
    archived = state.get("archived")
    plan, rows, fault = _archived(archived) if isinstance(archived, str) else _pinned(data_dir, workflow)
    graph = Graph(state, plan, with_tasks=with_tasks)
    if fault:
        graph.notes.append(f"The plan cannot be read ({fault}): edges between tasks are missing.")
    if state.get("stale") is True:
        graph.notes.append("No daemon runs: the workflow goes on with the next one.")
    if with_rows:
        _read_rows(data_dir, graph, rows)
    return graph


def of_definition(path: str, *, with_tasks: bool = False, **asked: "Any") -> Graph:
    """The graph of the definition at `path` (absolute), which the evaluator plans; nothing is started.

    Args:
        path: of the file.
        with_tasks: tasks are nodes.
        **asked: as `validator.evaluate` takes it.

    Raises:
        NotFound: there is no such file.
        DefinitionInvalid: it has errors, or holds several workflows and none is named.
        UsageError, ValidatorUnavailable: as `validator.evaluate`.
    """
    from orchestrator.files.asking import validator

    if not os.path.exists(path):
        raise NotFound(f"There is no file {path}.", "Paths start at the current folder; workflows have no dots.")
    report = validator.evaluate(path, want_plan=True, **asked)
    if not report.get("plan"):
        count = len(report["errors"])
        what = f"{path} has {count} error{'' if count == 1 else 's'}."
        raise DefinitionInvalid(what, "`orch validate` gives them as a table.", report["errors"])
    return Graph({}, _as_object(report["plan"]), with_tasks=with_tasks)


def focus(graph: Graph, operation: str, depth: "int | None" = None) -> None:
    """Keep of `graph` the operation, what it waits for and what waits for it, over at most `depth` edges.

    Raises:
        NoSuchOperation: it has none of that name; near ones are named.
        UsageError: a negative depth.
    """
    if depth is not None and depth < 0:
        raise UsageError(f"A depth of {depth} means nothing.", "Give 0 or more; leave it out to get all.")
    names = [it.id for it in graph.nodes]
    if operation not in names:
        raise NoSuchOperation(*no_part("operation", operation, graph.id, names))
    before = len(names)
    graph.keep(around(graph.nodes_and_needs(), operation, depth))
    left_out = before - len(graph.nodes)
    if left_out:
        graph.notes.append(f"{left_out} of {before} operations are left out: they are not around {operation}.")


def _as_object(plan: object) -> "Raw":
    if isinstance(plan, str):
        return document.parse(plan.encode())
    return mapping(plan)


def _pinned(data_dir: str, workflow: str) -> "tuple[Raw, dict[str, Raw], str]":
    """(plan, nothing, why it cannot be read) of a workflow that has its folder."""
    path = f"{workflow_dir(data_dir, workflow)}/{PLAN_FILE}"
    try:
        plan = document.load(path, FILE_BYTES_MAX)
        check_format(plan.get("format"), path)
    except OSError as error:
        return {}, {}, explain(error, path)[0].rstrip(".")
    except document.Malformed as fault:
        return {}, {}, str(fault)
    except FormatTooNew as error:
        return {}, {}, error.message.rstrip(".")
    return plan, {}, ""


def _archived(path: str) -> "tuple[Raw, dict[str, Raw], str]":
    """(plan, {task: its row}, why the plan cannot be read) of an archive file that was read once already."""
    try:
        lines = document.read(path, FILE_BYTES_MAX).split(b"\n")[1:]
    except (OSError, document.Malformed) as fault:
        return {}, {}, str(fault)
    plan: Raw = {}
    rows: dict[str, Raw] = {}
    for line in filter(None, lines):
        try:
            entry = document.parse(line)
        except document.Malformed:
            continue
        if entry.get("entry") == "plan":
            plan = mapping(entry.get("plan"))
        else:
            rows[str(entry.get("id"))] = entry
    return plan, rows, "" if plan else "the archive file holds none"


def _read_rows(data_dir: str, graph: Graph, rows: "dict[str, Raw]") -> None:
    """Give each task what its own file says. One that cannot be read says no more than its workflow does."""
    for task in (it for node in graph.nodes for it in node.tasks):
        try:
            task.row = rows.get(task.id) or load_row(data_dir, task.id) or {}
        except OrchestratorError:
            continue
