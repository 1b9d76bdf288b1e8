"""Task services as data: files ``taskservs/<name>.yaml`` that say what a service needs and what it cannot stand.

They lie beside the scripts that install the service: in the folder of a provider (built in or of an installed package),
in the data directory, beside a definition. A later one of these takes the place of an earlier one, and what a
definition says itself (``taskservs = {...}``) goes before all.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from orchestrator.definitions.providers import documents, folders
from orchestrator.files.layout import TASKSERVS
from orchestrator.model.ids import is_safe_id
from orchestrator.plan.declarations import TaskService, faults_of_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orchestrator.definitions.providers.documents import DocumentFault
    from orchestrator.plan.declarations import Key

#: What somebody is told to do about a file that is wrong.
HELP = "See docs/providers.md for what a task service may declare."

_WHAT = "Task service file"

#: {path: (inode, size and time of the file as it was read, what it declares)}.
_loaded: dict[str, tuple[tuple[int, int, int], TaskService]] = {}


def load_taskservs(data_dir: str | None) -> dict[str, TaskService]:
    """{name: what it declares} of the installation: of providers, then of the data directory.

    Raises:
        UsageError: a file is not what it should be; the message says which, where and why.
    """
    found: dict[str, TaskService] = {}
    for folder in [*folders(), *([data_dir] if data_dir else [])]:
        for name, path in _files(folder):
            declared = _load(name, path)
            if declared is not None:
                found[name] = declared
    return found


def beside(folder: str) -> tuple[dict[str, TaskService], list[tuple[str, str, DocumentFault]]]:
    """What is declared in ``taskservs/`` below a definition's folder, and (path, text, fault) of what is wrong."""
    found: dict[str, TaskService] = {}
    faults: list[tuple[str, str, DocumentFault]] = []
    for name, path in _files(folder):
        content = b""
        try:
            content = documents.read(path)
            found[name] = documents.parse(content, TaskService, _checks(name))
        except documents.DocumentFault as fault:
            faults.append((path, content.decode(errors="replace"), fault))
        except OSError as error:
            faults.append((path, "", documents.DocumentFault(f"it cannot be read: {error.strerror}")))
    return found, faults


def _files(folder: str) -> list[tuple[str, str]]:
    """(name of the service, path) of each file, by name."""
    try:
        names = sorted(os.listdir(f"{folder}/{TASKSERVS}"))
    except OSError:
        return []
    stems = [(name.removesuffix(".yaml"), f"{folder}/{TASKSERVS}/{name}") for name in names if name.endswith(".yaml")]
    return [(stem, path) for stem, path in stems if is_safe_id(stem)]


def _load(name: str, path: str) -> TaskService | None:
    """What one file declares; a file that did not change is not read again. None if it went away meanwhile."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    state = (found.st_ino, found.st_size, found.st_mtime_ns)
    known = _loaded.get(path)
    if known is None or known[0] != state:
        known = _loaded[path] = (state, documents.load(path, TaskService, _WHAT, _checks(name)))
    return known[1]


def _checks(name: str) -> Callable[[TaskService], Iterator[tuple[Key, str]]]:
    return lambda declared: faults_of_service(name, declared)
