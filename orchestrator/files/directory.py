"""Whether there is a data directory at all: what is asked of one that is not there has been mistyped."""

import os

from orchestrator.files.layout import STATUS_FILE, TASKS
from orchestrator.files.locate import check_directory
from orchestrator.files.permissions import explain
from orchestrator.model.errors import NotFound, UsageError


class NoDirectory(NotFound):
    """There is no such directory, or it may not be entered."""


def require_directory(data_dir: str) -> None:
    """Return if `data_dir` is a directory into which this user may look. Raises NoDirectory."""
    try:
        fd = os.open(data_dir, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        told = f"There is no data directory {data_dir}."
        raise NoDirectory(
            told, "Name the right one (--data-dir), or start a daemon on it: orchestrator serve"
        ) from None
    except NotADirectoryError:
        raise NoDirectory(f"{data_dir} is not a directory.", "Name the data directory (--data-dir).") from None
    except OSError as error:
        raise _refused(error, data_dir) from error
    try:
        os.stat("status.json", dir_fd=fd)
    except PermissionError as error:
        raise _refused(error, data_dir) from error
    except OSError:
        pass
    finally:
        os.close(fd)


def require_journal(data_dir: str) -> None:
    """Return if `data_dir` has a journal that this version reads: what shows progress in place needs one.

    Raises:
        NoDirectory: as `require_directory`.
        UsageError: it is another program's, or nobody's yet.
        FormatTooNew: of the directory.
    """
    require_directory(data_dir)
    if check_directory(data_dir):
        return
    from shlex import quote

    told = f"There is no journal in {data_dir}."
    if os.path.exists(f"{data_dir}/{TASKS}") or os.path.exists(f"{data_dir}/{STATUS_FILE}"):
        raise UsageError(told, "Another program writes it: `orch watch` without --live tells what changes there.")
    raise UsageError(told, f"Start a daemon on it: orchestrator serve --data-dir {quote(data_dir)}")


def _refused(error: OSError, data_dir: str) -> NoDirectory:
    why, remedy = explain(error, f"{data_dir}/status.json")
    return NoDirectory(f"The data directory {data_dir} cannot be read: {why}", remedy)
