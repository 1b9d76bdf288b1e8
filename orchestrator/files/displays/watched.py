"""The workflows that somebody watches: those that a word means now, and those that are submitted while he does.

Which these are is looked up once, before the first change is given. Of what comes later the record of its submission
tells, which stands before all its changes: so a change is told by its workflow's id alone, and nothing is looked up.
"""

import os

from orchestrator.files import document
from orchestrator.files.journal.changes import FolderChanges
from orchestrator.files.layout import STATE_FILE, workflow_dir
from orchestrator.files.locate import is_ours
from orchestrator.files.state.archived import archived_definitions
from orchestrator.files.state.not_there import no_workflow, workflows_on_disk
from orchestrator.files.state.state_ends import state_ends
from orchestrator.files.state.workflows_meant import Word, is_there
from orchestrator.model.errors import NotFound
from orchestrator.model.limits import FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from orchestrator.files.journal.changes import JournalChanges

#: Segments of the journal in which the beginning of a workflow without a state can stand: it is that young.
_NEWEST_SEGMENTS = 2

_SUBMITTED = b'"event":"WorkflowSubmitted"'

#: Ids that a sentence lists.
_SHOWN_MAX = 10


def definitions_on_disk(data_dir: str) -> "dict[str, str]":
    """{id: path of its definition} of every workflow of a directory of ours, the archived ones too.

    The file of one that was submitted just now may not be written yet: then the journal tells.
    """
    found = archived_definitions(data_dir)
    missing = set()
    for workflow in workflows_on_disk(data_dir):
        try:
            state = state_ends(f"{workflow_dir(data_dir, workflow)}/{STATE_FILE}", FILE_BYTES_MAX)
        except (OSError, document.Malformed):
            missing.add(workflow)
        else:
            found[workflow] = str(state.get("definition") or "")
    return {**found, **_submitted_of_late(data_dir, missing)} if missing else found


class Watched:
    """The workflows that somebody watches, also those that are submitted while he does.

    Attributes:
        ids: of the workflows; with a definition's path it grows. It stays the same set.
    """

    __slots__ = ("_ends", "_paths", "ids")

    def __init__(self, data_dir: str, words: "Iterable[str]", cwd: str) -> None:
        """Look up each of `words`; what is there in a foreign directory only its changes tell.

        A file that is there, and of which no workflow is, is waited for.

        Raises:
            NotFound: a word means nothing that is there; with near names.
        """
        self.ids: set[str] = set()
        self._paths: list[Word] = []
        self._ends: list[Word] = []
        ours = is_ours(data_dir)
        known: Mapping[str, str] | None = None
        for given in words:
            if not ours or is_there(data_dir, given, archived=True):
                self.ids.add(given)
                if not ours:
                    self._ends.append(Word(given, cwd))
                continue
            known = definitions_on_disk(data_dir) if known is None else known
            self._look_up(data_dir, Word(given, cwd), known)

    @property
    def may_grow(self) -> bool:
        """Whether workflows that come may be meant."""
        return bool(self._paths or self._ends)

    def listen(self, changes: "JournalChanges | FolderChanges") -> None:
        """Hear from `changes` of workflows that come, before their first change is told."""
        if not self.may_grow:
            return
        if isinstance(changes, FolderChanges):
            for workflow, definition in changes.definitions.items():
                self.take(workflow, definition)
        changes.heard = self.take

    def take(self, workflow: str, definition: str) -> None:
        """There is a workflow of this definition."""
        if any(word.is_exactly(definition) for word in self._paths) or any(
            word.is_exactly(definition) or word.is_end_of(definition) for word in self._ends
        ):
            self.ids.add(workflow)

    def _look_up(self, data_dir: str, word: Word, known: "Mapping[str, str]") -> None:
        found = word.among(known)
        if not found and not os.path.isfile(word.path):
            raise no_workflow(data_dir, word.given, known)
        self.ids |= found
        is_exact = not found or any(word.is_exactly(known[workflow]) for workflow in found)
        (self._paths if is_exact else self._ends).append(word)


def only_one(data_dir: str, given: str, cwd: str) -> str:
    """The id of the workflow that `given` means, where it can be but one. Raises NotFound: none is, or several."""
    found = Watched(data_dir, [given], cwd).ids
    if len(found) == 1:
        return next(iter(found))
    if not found:
        raise no_workflow(data_dir, given)
    few = ", ".join(sorted(found)[:_SHOWN_MAX]) + (", ..." if len(found) > _SHOWN_MAX else "")
    raise NotFound(f"{len(found)} workflows have the definition {given}.", f"Name one: {few}.")


def _submitted_of_late(data_dir: str, workflows: "set[str]") -> "dict[str, str]":
    """{id: path} of those of `workflows` whose submission the end of the journal tells."""
    from orchestrator.files.journal import segments
    from orchestrator.files.journal.record_shape import parse_record
    from orchestrator.model.errors import OrchestratorError

    found: dict[str, str] = {}
    try:
        for number in segments.numbers(data_dir)[0][-_NEWEST_SEGMENTS:]:
            for line in segments.lines(data_dir, number):
                if _SUBMITTED in line:
                    data: dict[str, Any] = parse_record(line)["data"]
                    if data["workflow"] in workflows:
                        found[data["workflow"]] = str(data["definition"])
    except (OrchestratorError, OSError, KeyError, TypeError):
        pass  # of those that are left nobody can say
    return found
