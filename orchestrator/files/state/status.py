"""What status.json says, and what is so now (ruling A-48).

In a directory of ours the lock decides whether a daemon runs, whatever the file says, and figures that nobody keeps
current are marked ``stale``. A foreign directory has no lock: its flag is believed. Nothing is created or changed.
"""

import time

from orchestrator.files import document
from orchestrator.files.layout import status_path
from orchestrator.files.locate import check_directory, check_format
from orchestrator.files.lock import is_held
from orchestrator.files.permissions import explain
from orchestrator.model.errors import StatusInvalid, StatusNotFound, StatusUnreadable
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX
from orchestrator.model.times import parse_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from orchestrator.files.rows import Row


def read_status(data_dir: str) -> "Row":
    """The fields of status.json in the order of the file, the four of the oldest form first, and what is so now.

    ``running`` is what the lock says. Added are ``data_dir`` (the one that was read, wherever it was written),
    ``stale`` (no daemon keeps the figures current) and ``heartbeat_age_ms`` (None if ``last_check`` is no time).

    Raises:
        StatusNotFound: there is no status.json, or no such directory.
        StatusUnreadable: it may not be read; the message names user, mode and remedy.
        StatusInvalid: it is not JSON.
        FormatTooNew: a later major version wrote it.
    """
    ours = check_directory(data_dir)
    content = _load_status(status_path(data_dir))
    first = {name: content.get(name) for name in ("running", "tasks_pending", "tasks_running", "last_check")}
    held = is_held(data_dir) if ours else None
    return {
        **first,
        **content,
        "running": content.get("running") if held is None else held,
        "data_dir": data_dir,
        "stale": held is False,
        "heartbeat_age_ms": _age_ms(content.get("last_check")),
    }


def _load_status(path: str) -> "dict[str, Any]":
    try:
        content = document.load(path, SMALL_FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        raise StatusNotFound(
            f"Status file not found: {path}",
            "Start a daemon on this directory (orchestrator serve), or name the right one (--data-dir).",
        ) from None
    except OSError as error:
        why, remedy = explain(error, path)
        raise StatusUnreadable(f"Failed to read status file {path}: {why}", remedy) from error
    except document.Malformed as fault:
        raise StatusInvalid(
            f"Failed to parse status JSON {path}: {fault}",
            "Correct the file; a daemon writes it anew when it starts.",
        ) from fault
    check_format(content.get("format"), path)
    return content


def _age_ms(last_check: object) -> "int | None":
    try:
        beat_us = parse_rfc3339(str(last_check))
    except (ValueError, OverflowError):
        return None
    return max(0, time.time_ns() // 1000 - beat_us) // 1000
