"""Runs of a name: somebody who types the name of a workflow, and no id, means one of its runs, mostly the newest.

An id is the name in short (`orchestrator.model.ids.slug`) and six characters that tell nothing, so an order by the
alphabet would be none: it is that of their submission.
"""

import os

from orchestrator.files import document
from orchestrator.files.layout import STATE_FILE, archive_path, workflow_dir
from orchestrator.files.state.state_ends import state_ends
from orchestrator.model.ids import slug
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

#: States that are read to tell which is newest: those whose folders changed last.
_READ_MAX = 200

#: Letters behind the name, with the hyphen.
_TAIL = 7


def runs_of(data_dir: str, name: str, known: "Iterable[str]") -> "list[str]":
    """Those of the ids `known` that are runs of `name`, newest first."""
    begin = f"{slug(name)}-"
    found = [it for it in known if len(it) == len(begin) + _TAIL - 1 and it.startswith(begin) and it[-6:].isalnum()]
    found.sort(key=lambda it: _changed_ns(data_dir, it), reverse=True)
    head = sorted(found[:_READ_MAX], key=lambda it: _created_at(data_dir, it), reverse=True)
    return head + found[_READ_MAX:]


def _changed_ns(data_dir: str, workflow: str) -> int:
    """When its folder, or its file in the archive, was changed last. Every archived one is older than all others."""
    try:
        return os.stat(workflow_dir(data_dir, workflow)).st_mtime_ns
    except OSError:
        pass
    try:
        return os.stat(archive_path(data_dir, workflow)).st_mtime_ns - (1 << 62)
    except OSError:
        return -(1 << 62)


def _created_at(data_dir: str, workflow: str) -> str:
    """When it was submitted; "" if that cannot be read, which is so of archived ones."""
    try:
        state = state_ends(f"{workflow_dir(data_dir, workflow)}/{STATE_FILE}", SMALL_FILE_BYTES_MAX)
    except (OSError, document.Malformed):
        return ""
    return str(state.get("created_at") or "")
