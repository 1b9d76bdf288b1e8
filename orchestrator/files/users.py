"""Names of the machine's users."""

import os


def user_name(uid: "int | None" = None) -> str:
    """The name of a user, of the one this process works as by default; ``uid 1234`` where the machine knows none."""
    import pwd

    uid = os.geteuid() if uid is None else uid
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
