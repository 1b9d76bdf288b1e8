"""What tells a version of a file from another one at the same place, as far as the file system knows."""

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os

    #: (ctime, mtime, size, inode); the time of the change, too, because the other one can be set by anybody.
    Identity = tuple[int, int, int, int]

#: Of a file that has to be read again in any case.
UNSURE = (0, 0, 0, 0)

#: Two changes of a file may bear the same time if they are not further apart.
_GRAIN_NS = 50_000_000


def identity(about: "os.stat_result") -> "Identity":
    """Of the file that was looked at."""
    return about.st_ctime_ns, about.st_mtime_ns, about.st_size, about.st_ino


def once_read(found: "Identity") -> "Identity":
    """What to remember of a file just read: `UNSURE` if a second change could have the same identity."""
    return found if time.time_ns() - found[0] > _GRAIN_NS else UNSURE
