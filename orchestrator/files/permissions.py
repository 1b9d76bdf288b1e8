"""Why a file cannot be read, for the person who has to put it right (requirement R2-30)."""

import errno
import os
import stat

from orchestrator.files.users import user_name


def explain(error: OSError, path: str) -> "tuple[str, str]":
    """(why, what to do) of a failure to open `path`. What to do may be empty."""
    if error.errno == errno.ELOOP:
        return "it is a symbolic link, and links are not followed here", ""
    if error.errno not in (errno.EACCES, errno.EPERM):
        return (error.strerror or str(error)).lower(), ""
    culprit = _culprit(path)
    try:
        found = os.stat(culprit)
    except OSError:
        return f"user {user_name()} may not read it", ""
    owner = user_name(found.st_uid)
    where = "it" if culprit == path else culprit
    why = f"user {user_name()} may not read {where} (mode {stat.S_IMODE(found.st_mode):04o}, owner {owner})"
    right = "rx" if stat.S_ISDIR(found.st_mode) else "r"
    if found.st_uid == os.geteuid():
        return why, f"Give yourself the right: chmod u+{right} {culprit}"
    return why, f"Work as {owner}, or let {owner} or root change it: chmod o+{right} {culprit} (or chown it to you)"


def _culprit(path: str) -> str:
    """The first folder on the way to `path` that denies the way, or `path` itself."""
    folder = "/"
    for part in os.path.dirname(path).split("/"):
        folder = os.path.join(folder, part)
        if not os.access(folder, os.X_OK, effective_ids=True):
            return folder
    return path
