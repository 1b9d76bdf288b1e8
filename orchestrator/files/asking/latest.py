"""Going on with a workflow by the latest state of its definition: what would differ, and the request for it (A-20).

The definition is evaluated here first, so that what would come of it can be shown before anything is asked of the
daemon. The request names the digest of what was shown; should the file change meanwhile, the daemon refuses.
"""

from orchestrator.files import document
from orchestrator.files.asking import plan_diff, validator
from orchestrator.files.layout import PLAN_FILE, workflow_dir
from orchestrator.files.permissions import explain
from orchestrator.files.state.workflows import read_workflow
from orchestrator.model.errors import DefinitionInvalid, NotFound, WorkflowUnreadable
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Latest:
    """What the latest definition of a workflow would bring.

    Attributes:
        rows: the differences (`plan_diff.differences`).
        request: the arguments of ``submit`` that make it so.
        warnings: about the definition.
        path: of the definition.
    """

    __slots__ = ("path", "request", "rows", "warnings")

    def __init__(
        self, rows: "list[dict[str, Any]]", request: "dict[str, Any]", warnings: "list[Any]", path: str
    ) -> None:
        self.rows = rows
        self.request = request
        self.warnings = warnings
        self.path = path


def look(
    data_dir: str,
    workflow: str,
    *,
    options: "Mapping[str, Any] | None" = None,
    layer: "str | None" = None,
) -> Latest:
    """Evaluate the definition of `workflow` as it is now, and hold it against the plan that was pinned.

    Args:
        data_dir: where the workflow is.
        workflow: its id.
        options: values for ``option()`` in the definition; those of the first submission are not kept.
        layer: path of a file to be laid over its values; without it the one of the workflow's environment.

    Raises:
        BadId, NotFound, WorkflowUnreadable, FormatTooNew: the workflow, its plan or its definition cannot be read.
        DefinitionInvalid: the definition has faults now.
        ValidatorUnavailable, UsageError: it could not be evaluated.
    """
    state = read_workflow(data_dir, workflow)
    pinned = _pinned_plan(data_dir, workflow)
    path, name, environment = state["definition"], state["name"], state.get("environment")
    report = validator.evaluate(
        path,
        options=options,
        name=name,
        data_dir=data_dir,
        want_plan=True,
        environment=environment,
        layer=layer,
    )
    if not report["valid"]:
        count = len(report["errors"])
        what = f"{path} has {count} error{'s' if count != 1 else ''} now."
        raise DefinitionInvalid(what, "Without --with-latest the pinned plan is run.", report["errors"])
    rows = plan_diff.differences(pinned, document.parse(report["plan"].encode()), _succeeded(state))
    request = {
        "path": path,
        "digest": report["digest"],
        "options": dict(options or {}),
        "name": name,
        "environment": environment,
        "layer": layer,
        "continues": workflow,
    }
    return Latest(rows, request, report["warnings"], path)


def _pinned_plan(data_dir: str, workflow: str) -> "dict[str, Any]":
    path = f"{workflow_dir(data_dir, workflow)}/{PLAN_FILE}"
    try:
        return document.load(path, FILE_BYTES_MAX)
    except FileNotFoundError:
        why = f"The plan of workflow {workflow} is not there any more: {path}"
        raise NotFound(why, "An archived workflow cannot be continued; submit its definition.") from None
    except OSError as error:
        why, remedy = explain(error, path)
        raise WorkflowUnreadable(f"Failed to read the plan {path}: {why}", remedy) from error
    except document.Malformed as fault:
        raise WorkflowUnreadable(f"Failed to parse the plan {path}: {fault}", "Restore the file.") from fault


def _succeeded(state: "dict[str, Any]") -> "set[tuple[str, str, str]]":
    """(operation, item, provider) of the tasks that have."""
    return {
        (operation["id"], entry["item"], entry["provider"])
        for operation in state["operations"]
        for entry in operation["items"]
        if entry["status"] == "succeeded"
    }
