"""The pinned plan of a workflow, wherever it is now: in its folder, or in the archive."""

from orchestrator.files import document
from orchestrator.files.heads import first_lines
from orchestrator.files.layout import PLAN_FILE, archive_path, workflow_dir
from orchestrator.model.ids import is_name_id
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def pinned_plan(data_dir: str, workflow: str) -> "dict[str, Any] | None":
    """The plan as it was pinned, None if there is none that can be read. Never raises for what is there.

    The archive is looked into after the folder: a workflow is in there before its folder goes.
    """
    if not is_name_id(workflow):
        return None
    for load in (_from_folder, _from_archive):
        try:
            plan = load(data_dir, workflow)
        except (OSError, document.Malformed):
            continue
        return plan if _is_plan(plan) else None
    return None


def _from_folder(data_dir: str, workflow: str) -> "dict[str, Any]":
    return document.load(f"{workflow_dir(data_dir, workflow)}/{PLAN_FILE}", FILE_BYTES_MAX)


def _from_archive(data_dir: str, workflow: str) -> "Any":
    lines = first_lines(archive_path(data_dir, workflow), 2, 2 * FILE_BYTES_MAX)
    return document.parse(lines[-1]).get("plan")


def task_places(plan: "dict[str, Any]") -> "list[tuple[str, list[tuple[str, str]]]]":
    """[(operation, [(provider, item)])] in the order in which tasks are made of a plan."""
    return [
        (node["id"], [(provider, item) for item in node["items"] for provider in node["providers"]])
        for node in plan["operations"]
    ]


def _is_plan(plan: "Any") -> bool:
    """Whether what a reader computes with is of the kinds it should be (requirement F14)."""
    return (
        isinstance(plan, dict)
        and isinstance(plan.get("name"), str)
        and type(plan.get("priority", 0)) is int
        and isinstance(plan.get("operations"), list)
        and all(map(_is_operation, plan["operations"]))
    )


def _is_operation(node: "Any") -> bool:
    return (
        isinstance(node, dict)
        and isinstance(node.get("id"), str)
        and type(node.get("priority", 0)) is int
        and all(
            isinstance(node.get(name), list) and all(isinstance(one, str) for one in node[name])
            for name in ("items", "providers")
        )
    )
