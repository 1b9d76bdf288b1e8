"""What somebody asks to watch, held against what there is before he waits: a word that nothing can have is an error.

What may still come is another matter: another workflow may have the operation, a definition may be submitted. Then a
word that nothing has so far is told, and waited for.
"""

import os

from orchestrator.files.document import Malformed
from orchestrator.files.journal.change_filter import STATUSES, ChangeFilter
from orchestrator.files.layout import STATE_FILE, archive_path, workflow_dir
from orchestrator.files.locate import is_ours
from orchestrator.files.state.known_task import require_task
from orchestrator.files.state.not_there import no_part
from orchestrator.files.state.status_words import told_of, unknown_statuses
from orchestrator.files.state.workflows_meant import is_there
from orchestrator.model.errors import NotFound, OrchestratorError, UsageError
from orchestrator.model.limits import FILE_BYTES_MAX
from orchestrator.model.states import WORKFLOW_FINAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from orchestrator.files.displays.watched import Watched
    from orchestrator.files.journal.changes import FolderChanges, JournalChanges
    from orchestrator.files.tables.table import TaskTable

#: Ids that a sentence lists.
_SHOWN_MAX = 3


class Asked:
    """The words of `watch`.

    Attributes:
        blamed: the argument that is looked at: where an error is raised, the one it is about.
        warnings: sentences about words that are waited for in vain so far.
    """

    def __init__(
        self,
        data_dir: str,
        cwd: str,
        *,
        workflows: "Sequence[str]" = (),
        operations: "Sequence[str]" = (),
        items: "Sequence[str]" = (),
        tasks: "Sequence[str]" = (),
        statuses: "Sequence[str]" = (),
        reasons: bool = False,
    ) -> None:
        """Nothing is looked up yet. A relative path of a definition may begin at `cwd`."""
        self.blamed = ""
        self.warnings: list[str] = []
        self._data_dir, self._cwd = data_dir, cwd
        self._workflows, self._operations, self._items = workflows, operations, items
        self._tasks, self._statuses, self._reasons = tasks, statuses, reasons
        self._ours = is_ours(data_dir)

    @property
    def takes_long(self) -> bool:
        """Whether more than a few files have to be looked at: for names of parts, and for definitions."""
        if self._operations or self._items:
            return True
        return self._ours and not all(is_there(self._data_dir, word, archived=True) for word in self._workflows)

    def look_up(
        self, changes: "JournalChanges | FolderChanges", table: "Callable[[], TaskTable]"
    ) -> "tuple[ChangeFilter, Watched | None]":
        """What says whether a row of `changes` is wanted, and the workflows that are watched, None for all.

        Args:
            changes: where they come from; nothing was taken from there yet.
            table: gives the tasks of the directory, if they have to be looked at.

        Raises:
            NotFound, BadId: there is no such workflow or task, or the workflow has no such part.
            UsageError: a status that nothing has.
            FormatTooNew, TasksUnreadable: of the directory.
        """
        self._check_statuses()
        self.blamed = "task"
        for task in self._tasks:
            require_task(self._data_dir, task)
        self.blamed = "workflow"
        watched = self._watched() if self._workflows else None
        if watched is not None:
            watched.listen(changes)
            self._tell_what_is_over(watched, changes.seq)
        if self._operations or self._items:
            self._check_parts(watched, table)
        wanted = ChangeFilter(
            workflows=None if watched is None else watched.ids,
            operations=self._operations,
            items=self._items,
            tasks=self._tasks,
            statuses=self._statuses,
            reasons=self._reasons,
        )
        return wanted, watched

    def _watched(self) -> "Watched":
        from orchestrator.files.displays.watched import Watched

        return Watched(self._data_dir, self._workflows, self._cwd)

    def _tell_what_is_over(self, watched: "Watched", seq: "int | None") -> None:
        """Warn if nothing more comes of what is watched from the record `seq` on, unless somebody asks for it."""
        if not self._ours or watched.may_grow or seq is None:
            return
        found = [f"{workflow} ({status})" for workflow in sorted(watched.ids) if (status := self._ended(workflow, seq))]
        if not found or len(found) < len(watched.ids):
            return
        few = ", ".join(found[:_SHOWN_MAX]) + (", ..." if len(found) > _SHOWN_MAX else "")
        is_over = f"{few} is over" if len(found) == 1 else f"{few} are over"
        self.warnings.append(f"{is_over}: what comes is a retry or a rollback; --from 0:0 shows how it went.")

    def _ended(self, workflow: str, seq: int) -> str:
        """The status with which `workflow` had ended by the record `seq`; "" if it had not, or nobody can say."""
        from orchestrator.files.state.state_ends import state_ends

        try:
            state = state_ends(f"{workflow_dir(self._data_dir, workflow)}/{STATE_FILE}", FILE_BYTES_MAX)
        except FileNotFoundError:
            return "archived" if os.path.exists(archive_path(self._data_dir, workflow)) else ""
        except (OSError, Malformed):
            return ""
        status, shown = state.get("status"), state.get("seq")
        return str(status) if status in WORKFLOW_FINAL and isinstance(shown, int) and shown <= seq else ""

    def _check_statuses(self) -> None:
        self.blamed = "status"
        told = unknown_statuses(self._statuses, "task or workflow", STATUSES)
        if told and self._ours:  # another program may write any word
            raise UsageError(*told[0])
        self.warnings += told_of(self._statuses, "task or workflow", STATUSES)

    def _check_parts(self, watched: "Watched | None", table: "Callable[[], TaskTable]") -> None:
        if self._ours and watched is not None and not watched.may_grow:
            self._check_within(sorted(watched.ids))
            return
        from orchestrator.files.tables.task_query import unknown_values

        tasks = table()
        with tasks.lock:
            for field, words in (("operation", self._operations), ("item", self._items)):
                self.blamed = field
                self.warnings += unknown_values(tasks, field, words)

    def _check_within(self, workflows: "Sequence[str]") -> None:
        """Raise NotFound for what none of these has; not if one of them cannot be read."""
        from orchestrator.files.state.workflows import read_workflow

        items: dict[str, dict[str, None]] = {}
        try:
            for workflow in workflows:
                for operation in read_workflow(self._data_dir, workflow)["operations"]:
                    known = items.setdefault(operation["id"], {})
                    known.update(dict.fromkeys(entry["item"] for entry in operation["items"]))
        except (OrchestratorError, KeyError, TypeError):
            return
        where = ", ".join(workflows[:_SHOWN_MAX]) + (", ..." if len(workflows) > _SHOWN_MAX else "")
        self._require("operation", self._operations, list(items), where)
        within = self._operations or items
        there = [item for operation in within for item in items[operation]]
        self._require("item", self._items, list(dict.fromkeys(there)), where)

    def _require(self, part: str, words: "Sequence[str]", known: "Collection[str]", where: str) -> None:
        self.blamed = part
        for word in words:
            if word not in known:
                raise NotFound(*no_part(part, word, where, list(known)))
