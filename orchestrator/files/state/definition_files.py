"""Definitions that can be typed where either a workflow or a definition fits: for Tab, among the workflows.

Where only a file fits, and in folders, shells and Nushell offer files themselves, and know better how they quote.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from orchestrator.files.state.offers import Offer

_SUFFIX = ".k"

#: Offered at most, of so many entries of the folder.
_OFFERED_MAX, _ENTRIES_MAX = 200, 5000

#: Characters besides letters and digits of a name that is typed as it is, in every shell.
_PLAIN = frozenset("._-+")


def definition_files(folder: str) -> "list[Offer]":
    """(name, what it is) of the definitions in `folder`, as far as their names need no quotes; none if it is closed."""
    found = []
    try:
        with os.scandir(folder) as entries:
            for _, entry in zip(range(_ENTRIES_MAX), entries, strict=False):
                if _is_typed_as_it_is(entry.name) and entry.name.endswith(_SUFFIX) and entry.is_file():
                    found.append((entry.name, "definition"))
    except OSError:
        return []
    return sorted(found)[:_OFFERED_MAX]


def _is_typed_as_it_is(name: str) -> bool:
    return name[0] not in ".-+" and name.isascii() and all(it.isalnum() or it in _PLAIN for it in name)
