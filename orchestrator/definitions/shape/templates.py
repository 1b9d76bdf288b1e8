"""The template files of a workflow: those that it lists, below the definition's folder, and no others (R1-71)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from orchestrator.definitions import regular_file
from orchestrator.plan.fault import Fault

if TYPE_CHECKING:
    from orchestrator.plan.fault import Raw

#: Bytes of one template, and of all that a workflow lists.
TEMPLATE_BYTES_MAX = 256 << 10
_ALL_BYTES_MAX = 4 << 20

#: Folder of a workflow's pinned sources for what lay elsewhere. No template is called so, none can be in its way.
PINNED_ELSEWHERE = ".layers"


class _Unusable(Exception):
    """Why a listed template cannot be read."""


def read(raw: Raw, folder: str) -> tuple[dict[str, str], list[Fault]]:
    """({name as listed: text}, what is wrong) of the templates that a workflow lists, in its order."""
    texts: dict[str, str] = {}
    faults: list[Fault] = []
    total = 0
    listed = raw.get("templates")
    for position, name in enumerate(listed if isinstance(listed, list) else []):
        if name in texts or not isinstance(name, str):
            continue
        try:
            texts[name] = _read(name, folder)
        except _Unusable as why:
            message = f"template '{name}' cannot be used: {why}"
            help_text = "A template is a file below the definition's folder, named relative to it."
            faults.append(Fault("WF136", ("templates", position), message, help_text))
            continue
        total += len(texts[name])
        if total > _ALL_BYTES_MAX:
            del texts[name]
            message = f"the workflow's templates are larger than {_ALL_BYTES_MAX >> 20} MiB together"
            faults.append(Fault("WF136", ("templates", position), message, "List fewer, or smaller ones."))
            break
    return texts, faults


def _read(name: str, folder: str) -> str:
    if not name or name.startswith("/") or "\0" in name or ".." in name.split("/"):
        raise _Unusable("its path leads out of the folder")
    if name.split("/")[0] == PINNED_ELSEWHERE:
        raise _Unusable(f"what is below {PINNED_ELSEWHERE} is pinned there by the orchestrator")
    if name != os.path.normpath(name):
        raise _Unusable(f"write it as '{os.path.normpath(name)}'")
    root = os.path.realpath(folder)
    path = os.path.realpath(f"{root}/{name}")
    if not path.startswith(f"{root.rstrip('/')}/"):
        raise _Unusable("a link leads out of the folder")
    try:
        content = regular_file.read(path, TEMPLATE_BYTES_MAX, follow=False)
    except FileNotFoundError:
        raise _Unusable("there is no such file") from None
    except OSError as error:
        raise _Unusable(error.strerror or "it cannot be read") from None
    if len(content) > TEMPLATE_BYTES_MAX:
        raise _Unusable(f"it is larger than {TEMPLATE_BYTES_MAX >> 10} KiB")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _Unusable(f"byte {error.start} is not UTF-8") from None


def are_needed(raw: Raw) -> bool:
    """Whether a workflow lists or names any template."""
    return bool(raw.get("templates")) or any(_names(one) for one in raw.get("operations") or [])


def _names(operation: Any) -> bool:
    return isinstance(operation, dict) and bool(operation.get("template") or operation.get("rollback_template"))
