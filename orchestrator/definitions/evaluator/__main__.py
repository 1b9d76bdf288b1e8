"""``python -m orchestrator.definitions.evaluator SOCKET``: run the service.

Started by `orchestrator.files.asking.validator`.
"""

from __future__ import annotations

import gc
import os
import sys

from orchestrator.definitions.evaluator.address import check_folder
from orchestrator.definitions.evaluator.service import Service


def main(arguments: list[str]) -> int:
    """Serve at the given path until idle."""
    (path,) = arguments
    os.umask(0o077)
    check_folder(path)
    os.environ["KCL_PKG_PATH"] = "/dev/null/none"
    gc.freeze()
    Service(path).run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
