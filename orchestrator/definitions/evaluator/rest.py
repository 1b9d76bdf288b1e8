"""What is left of a workflow, for those who may not import the forecast: the plugin asks the evaluator for it.

The folder of a workflow is all that is read, in the child that answers: its pinned plan and its public state.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from orchestrator.files import document
from orchestrator.files.layout import PLAN_FILE, STATE_FILE
from orchestrator.forecast import from_plain, remaining, to_plain
from orchestrator.forecast.report import refused
from orchestrator.model.errors import UsageError, WorkflowUnreadable
from orchestrator.model.ids import task_id
from orchestrator.model.limits import FILE_BYTES_MAX
from orchestrator.plan import ir

if TYPE_CHECKING:
    from collections.abc import Mapping


def report(folder: str, assumptions: Mapping[str, Any], elapsed_ms: Mapping[str, int]) -> dict[str, Any]:
    """``remaining`` of the workflow whose files lie in `folder`; ``refused`` with what `look` raises."""
    try:
        return {"remaining": look(folder, assumptions, elapsed_ms)}
    except (UsageError, WorkflowUnreadable) as error:
        return refused(error)


def look(folder: str, assumptions: Mapping[str, Any], elapsed_ms: Mapping[str, int]) -> dict[str, Any]:
    """What is left, as `orchestrator.forecast.Remaining` has it, as plain values.

    With ``unknown``, the ids of tasks that wait for somebody's word: no forecast knows when that comes.

    Raises:
        UsageError: an assumption means nothing.
        WorkflowUnreadable: the files of the workflow cannot be read.
    """
    plan, state = _plan(folder), _state(folder)
    left = remaining(plan, state, from_plain(assumptions), elapsed_ms)
    return {**to_plain(left), "unknown": _unknown(state)}


def _plan(folder: str) -> ir.Plan:
    path = f"{folder}/{PLAN_FILE}"
    try:
        return ir.decode(document.read(path, FILE_BYTES_MAX))
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        raise WorkflowUnreadable(
            f"Failed to read plan {path}: {error}", "Is it the plan of a later version?"
        ) from error


def _unknown(state: Mapping[str, Any]) -> list[str]:
    workflow = str(state.get("id"))
    return [
        task_id(workflow, operation["id"], one["provider"], one["item"])
        for operation in state.get("operations") or ()
        for one in operation.get("items") or ()
        if one.get("status") == "unknown"
    ]


def _state(folder: str) -> dict[str, Any]:
    path = f"{folder}/{STATE_FILE}"
    try:
        return document.load(path, FILE_BYTES_MAX)
    except (OSError, document.Malformed) as error:
        raise WorkflowUnreadable(f"Failed to read workflow {path}: {error}") from error
