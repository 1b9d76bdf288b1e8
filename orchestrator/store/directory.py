"""Making a data directory ours, and refusing one that is not."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from orchestrator.files import layout
from orchestrator.model.errors import DiskFailed, FormatTooNew, UsageError
from orchestrator.store.project import encode_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from orchestrator.store.disk import Disk

_FOLDERS = (
    layout.TASKS,
    layout.WORKFLOWS,
    layout.JOURNAL,
    layout.INBOX,
    f"{layout.INBOX}/{layout.QUARANTINE}",
    layout.REPLIES,
    layout.PROVIDERS,
    layout.ARCHIVE,
    layout.INDEX,
)

#: What may be there before `format.json` is: settings, the log of a start, and what an interrupted start left.
_BEFORE_OURS = (
    layout.SETTINGS_FILE,
    layout.DAEMON_LOG,
    layout.PROVIDERS,
    layout.TASKSERVS,
    f".{layout.FORMAT_FILE}.tmp",
)


def prepare(disk: Disk, data_dir: str) -> None:
    """Make sure that `data_dir` is a data directory of ours with all its folders, private to this user.

    Raises:
        UsageError: it belongs to somebody else, others may write to it, or it holds files that are not ours.
        FormatTooNew: a newer version has written it.
        DiskFailed: it cannot be created.
    """
    os.makedirs(data_dir, mode=layout.DIRECTORY_MODE, exist_ok=True)
    _check_owner(data_dir)
    _keep_ancestors(disk, data_dir)
    with alone(data_dir):
        make_ours(disk, data_dir)


def make_ours(disk: Disk, data_dir: str) -> None:
    """The part of `prepare` that a crash may interrupt anywhere: the next one completes it. Raises as that."""
    content = disk.read(f"{data_dir}/{layout.FORMAT_FILE}")
    if content is None:
        _refuse_foreign(disk, data_dir)
        disk.make_directory(data_dir)
        _describe(disk, data_dir)
    else:
        version = _checked_format(data_dir, content)
        if version != layout.FORMAT:
            _migrate(disk, data_dir, version, content)
    for name in _FOLDERS:
        disk.make_directory(f"{data_dir}/{name}")


def _migrate(disk: Disk, data_dir: str, version: str, content: bytes) -> None:
    """Bring a directory of an older version up to this one.

    Every form since 1.0 is still read, so nothing is rewritten but the version itself, of which a copy is kept: from
    here on the directory may hold what the older version would not understand (archive, snapshots, new events).
    """
    for folder in (layout.BACKUP, f"{layout.BACKUP}/{version}"):
        disk.make_directory(f"{data_dir}/{folder}")
    disk.replace(f"{data_dir}/{layout.BACKUP}/{version}/{layout.FORMAT_FILE}", content, durable=True)
    _describe(disk, data_dir)


def _describe(disk: Disk, data_dir: str) -> None:
    description = {"format": layout.FORMAT, "kind": "orchestrator"}
    disk.replace(f"{data_dir}/{layout.FORMAT_FILE}", encode_lines(description), durable=True)


@contextmanager
def alone(data_dir: str) -> Iterator[None]:
    """Daemons that are started at the same moment prepare the directory one after another."""
    try:
        fd = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"{data_dir} cannot be opened: {error.strerror}.", f"chmod 700 {data_dir}") from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _keep_ancestors(disk: Disk, data_dir: str) -> None:
    """See to it that a power cut does not take a folder above, which may just have been made."""
    path = os.path.dirname(os.path.abspath(data_dir))
    while path != "/":
        if os.stat(path).st_uid == os.geteuid():
            with suppress(DiskFailed):  # one that may not be read, or a file system without that
                disk.sync_directory(path)
        path = os.path.dirname(path)


def _check_owner(data_dir: str) -> None:
    found = os.stat(data_dir)
    if found.st_uid != os.geteuid():
        raise UsageError(f"{data_dir} belongs to user {found.st_uid}, not to you.", "Choose another --data-dir.")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise UsageError(f"{data_dir} may be written by others.", f"chmod 700 {data_dir}")


def _refuse_foreign(disk: Disk, data_dir: str) -> None:
    found = [name for name in disk.names(data_dir) if name not in _BEFORE_OURS]
    if found:
        raise UsageError(
            f"{data_dir} holds files of something else ({', '.join(found[:3])}) and no {layout.FORMAT_FILE}.",
            "Choose an empty or a new directory with --data-dir.",
        )


def _checked_format(data_dir: str, content: bytes) -> str:
    """The version in format.json. Unlike a reader, who writes must know even the minor one."""
    try:
        version = str(json.loads(content)["format"])
        major, minor = (int(part) for part in version.split("."))
    except (ValueError, KeyError, TypeError):
        raise UsageError(
            f"{data_dir}/{layout.FORMAT_FILE} is not what this program writes.",
            "Restore it, or choose another directory.",
        ) from None
    if (major, minor) > (layout.FORMAT_MAJOR, layout.FORMAT_MINOR):
        raise FormatTooNew(
            f"{data_dir} has format {version}; this version knows formats up to {layout.FORMAT}.",
            "Use the version that wrote it, or a newer one. Reading it is fine while the first number is the same.",
        )
    return version
