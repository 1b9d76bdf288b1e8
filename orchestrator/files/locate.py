"""Which data directory is meant (ruling A-22), whether it is one of ours, and whether its format is known."""

import os
import stat

from orchestrator.files import document
from orchestrator.files.layout import FORMAT, FORMAT_FILE, FORMAT_MAJOR
from orchestrator.model.errors import FormatTooNew
from orchestrator.model.limits import SMALL_FILE_BYTES_MAX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: Below the home directory, when nothing says otherwise.
DEFAULT_SUFFIX = ".local/share/orchestrator/data"

#: In a checkout: below the folder at hand or one above it.
CHECKOUT_SUFFIX = "data/state"

#: Name of the environment variable that says where.
VARIABLE = "ORCH_DATA_DIR"

_KIND = "orchestrator"

#: Digits of a major version that are a number, and characters of a version that are shown.
_DIGITS_MAX, _SHOWN_MAX = 9, 40


def find_data_dir(flag: "str | None", *, env: "Mapping[str, str]", cwd: str, configured: "str | None" = None) -> str:
    """The absolute path of the data directory, which need not exist.

    The flag, ``ORCH_DATA_DIR``, the configured one, the nearest ``data/state`` upwards from `cwd` that is ours and
    belongs to this user, or the default below the home directory; the first that there is.
    """
    for given in (flag, env.get(VARIABLE), configured):
        if given:
            return os.path.normpath(os.path.join(cwd, os.path.expanduser(given)))
    return _nearest(cwd) or f"{env.get('HOME') or os.path.expanduser('~')}/{DEFAULT_SUFFIX}"


def is_ours(data_dir: str) -> bool:
    """Whether `data_dir` was made by a daemon of this project. Never raises.

    A ``format.json`` that cannot be read or understood counts: the lock then decides what is running, and not a
    flag in a file.
    """
    return _stated_format(data_dir) is not None


def check_directory(data_dir: str) -> bool:
    """Whether `data_dir` is ours, once it is sure that this version may read it.

    Raises:
        FormatTooNew: it was written by a later major version.
    """
    stated = _stated_format(data_dir)
    check_format(stated, data_dir)
    return stated is not None


def check_format(stated: object, where: str) -> None:
    """Refuse the format of a file or directory if this version does not know it (requirement R2-22).

    A newer minor version is fine: it only adds fields. What states no version is version 1.

    Raises:
        FormatTooNew: it is of a later major version.
    """
    major = stated.partition(".")[0].lstrip("0") if isinstance(stated, str) else ""
    if isinstance(stated, (int, float)):
        major = str(int(stated))
    if major.isdecimal() and (len(major) > _DIGITS_MAX or int(major) > FORMAT_MAJOR):
        shown = str(stated)[:_SHOWN_MAX]
        raise FormatTooNew(
            f"{where} has format {shown}; this version reads formats up to {FORMAT_MAJOR}.x (its own is {FORMAT}).",
            "Use the version of the orchestrator that wrote it, or a later one.",
        )


def _stated_format(data_dir: str) -> object:
    """What ``format.json`` says, None where there is none or it is another program's."""
    path = f"{data_dir}/{FORMAT_FILE}"
    try:
        content = document.load(path, SMALL_FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, document.Malformed):
        return FORMAT
    return content.get("format", FORMAT) if content.get("kind", _KIND) == _KIND else None


def _nearest(cwd: str) -> "str | None":
    folder = cwd
    while True:
        candidate = os.path.join(folder, CHECKOUT_SUFFIX)
        if _is_own_folder(candidate) and is_ours(candidate):
            return candidate
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _is_own_folder(path: str) -> bool:
    """Whether `path` is a folder of this user: nobody else's is picked up by standing near it."""
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
