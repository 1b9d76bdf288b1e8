"""Which changes somebody wants to see."""

from orchestrator.model.states import TASK_STATUSES, WORKFLOW_STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from orchestrator.files.rows import Row

#: Every word that a change may lead to: of tasks and of workflows.
STATUSES = (*TASK_STATUSES, *(word for word in WORKFLOW_STATUSES if word not in TASK_STATUSES))


class ChangeFilter:
    """Says of a row of `orchestrator.files.journal.changes` whether it is wanted. What is left out is not asked for."""

    __slots__ = ("_items", "_operations", "_reasons", "_statuses", "_tasks", "_workflows")

    def __init__(
        self,
        *,
        workflows: "Collection[str] | None" = None,
        operations: "Collection[str]" = (),
        items: "Collection[str]" = (),
        tasks: "Collection[str]" = (),
        statuses: "Collection[str]" = (),
        reasons: bool = False,
    ) -> None:
        """Keep rows of one of each of these; only with `reasons` also those in which nothing but the reason changed.

        `workflows` may become more: it is looked at for each row; None is all. Operations, items and tasks are those of
        tasks: with them a change of a workflow itself is not wanted.
        """
        self._workflows = workflows
        self._operations = frozenset(operations)
        self._items = frozenset(items)
        self._tasks = frozenset(tasks)
        self._statuses = frozenset(statuses)
        self._reasons = reasons

    def __call__(self, row: "Row") -> bool:
        """Whether `row` is wanted."""
        if not self._reasons and row["status"] == row["previous_status"]:
            return False
        if self._workflows is not None and row["workflow"] not in self._workflows:
            return False
        if self._statuses and row["status"] not in self._statuses:
            return False
        if self._tasks and row["task"] not in self._tasks:
            return False
        return self._is_of_part(row["task"]) if self._operations or self._items else True

    def _is_of_part(self, task: "str | None") -> bool:
        parts = (task or "").split(".", 3)
        if len(parts) < 4:
            return False
        return (not self._operations or parts[1] in self._operations) and (not self._items or parts[3] in self._items)
