"""Which workflows a word means: one by its id, or those of a definition by its path, in full or the end of it (R2-12).

A definition that was submitted several times is several workflows. An id goes before a path, and a path that is a
definition's own before one that is only the end of others'. Every command that takes `--workflow` asks here.
"""

import os

from orchestrator.files.layout import archive_path, workflow_dir
from orchestrator.files.locate import is_ours
from orchestrator.model.ids import is_name_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Word:
    """What somebody typed, as the path of a definition. `path` is absolute."""

    __slots__ = ("_end", "given", "path")

    def __init__(self, given: str, cwd: str) -> None:
        """A relative path may begin at `cwd`, or be the end of the path that was submitted."""
        self.given = given
        self.path = os.path.normpath(os.path.join(cwd, os.path.expanduser(given)))
        self._end = f"/{given.removeprefix('./')}"

    def is_exactly(self, definition: str) -> bool:
        """Whether `definition` is the path."""
        return definition in (self.given, self.path)

    def is_end_of(self, definition: str) -> bool:
        """Whether `definition` ends with it."""
        return definition.endswith(self._end)

    def among(self, definitions: "Mapping[str, str]") -> "frozenset[str]":
        """Ids of the workflows that are meant, of {id: path of its definition}: by the id, the path or its end."""
        if self.given in definitions:
            return frozenset({self.given})
        exact = frozenset(workflow for workflow, path in definitions.items() if self.is_exactly(path))
        return exact or frozenset(workflow for workflow, path in definitions.items() if self.is_end_of(path))


def is_there(data_dir: str, workflow: str, *, archived: bool = False) -> bool:
    """Whether a workflow of that id has its folder, or with `archived` its file in the archive."""
    if not is_name_id(workflow) or not is_ours(data_dir):
        return False
    return os.path.isdir(workflow_dir(data_dir, workflow)) or (
        archived and os.path.exists(archive_path(data_dir, workflow))
    )
