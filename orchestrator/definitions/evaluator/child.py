"""One request, in a process of its own."""

from __future__ import annotations

import json
import os
import traceback
from typing import TYPE_CHECKING, NoReturn

from orchestrator.definitions.evaluator import sandbox
from orchestrator.definitions.shape.loading import EngineMissing

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Exit code of a child whose own code is at fault; what it says is in its reply.
BUG = 70

#: The end of every answer: what ends so is whole, whatever becomes of the child.
END = b"\n"

#: What a child answers that cannot render and has to (`orchestrator.definitions.shape.loading`).
NEEDS_ENGINE = b'{"needs": "engine"}' + END


def run(look: Callable[[], dict[str, Any]], reply_fd: int, readable: list[str]) -> NoReturn:
    """Call `look`, write what it returns to `reply_fd` as JSON, and end this process.

    `reply_fd` is closed first: giving up the memory of a process takes a while, for which nobody has to wait.
    """
    code = 0
    try:
        os.setsid()
        os.dup2(os.memfd_create("stderr"), 2)
        os.environ.clear()
        # Any path that is no folder keeps the library from making one below the home directory.
        os.environ["KCL_PKG_PATH"] = "/dev/null/none"
        sandbox.read_only(readable)
        sandbox.limit_resources()
        answer = json.dumps(look()).encode() + END
    except EngineMissing:
        answer = NEEDS_ENGINE
    except MemoryError:
        os._exit(BUG + 1)
    except BaseException:  # noqa: BLE001 - the parent tells it; nothing may escape into the forked stack
        code, answer = BUG, json.dumps({"bug": traceback.format_exc()}).encode() + END
    try:
        view = memoryview(answer)
        while view:
            view = view[os.write(reply_fd, view) :]
        os.close(reply_fd)
    finally:
        os._exit(code)
