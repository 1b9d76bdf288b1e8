"""What is said about words that somebody took for a status of workflows (ruling A-24)."""

from orchestrator.files.rows import CORRUPT
from orchestrator.files.steer import near
from orchestrator.model.states import TASK_STATUS_ALIASES, WORKFLOW_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def unknown_statuses(statuses: "Iterable[str]") -> "list[str]":
    """A sentence for each of `statuses` that no workflow can have."""
    found = []
    for status in statuses:
        if status in WORKFLOW_STATUSES or status == CORRUPT:
            continue
        alias = status.lower() if status.lower() in WORKFLOW_STATUSES else TASK_STATUS_ALIASES.get(status.lower())
        if alias in WORKFLOW_STATUSES:
            found.append(f"no workflow has status `{status}`; the word here is `{alias}`.")
        else:
            known = ", ".join(WORKFLOW_STATUSES)
            found.append(
                f"no workflow has status `{status}`. {near(status, list(WORKFLOW_STATUSES))}Statuses are {known}."
            )
    return found
