"""The plugin's process: ``nu_plugin_orch --stdio``, as Nushell starts it."""

import gc
import os
import sys

HINT = """This is a plugin for Nushell. Register it once:
    plugin add {path}
then, in a new Nushell, or after `plugin use orch`:
    orch status
"""


def main() -> int:
    """Serve the engine at the other end of standard input and output. Returns the exit code for a wrong call."""
    if sys.argv[1:] != ["--stdio"]:
        sys.stderr.write(HINT.format(path=os.path.abspath(sys.argv[0])))
        return 2
    # Rows are trees of millions of small objects without cycles; walking them would take longer than making them.
    gc.disable()
    try:
        channel = _take_channel()
    except OSError as error:
        sys.stderr.write(f"nu_plugin_orch: standard input and output are not open: {error}\n")
        return 1
    code = _serve(*channel)
    # Threads of interrupted calls may be waiting still; nobody wants their answers.
    os._exit(code)


def _serve(read_fd: int, write_fd: int) -> int:
    from nu_plugin_orch.host import Host
    from nu_plugin_orch.protocol.errors import RemoteProtocolError

    host = Host(read_fd, write_fd)
    gc.freeze()
    try:
        host.run()
    except (BrokenPipeError, ConnectionResetError):
        return 0  # Nushell has ended
    except RemoteProtocolError as error:
        sys.stderr.write(f"nu_plugin_orch: {error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - people see what is written here amid their work: a line, no traceback
        sys.stderr.write(f"nu_plugin_orch: {_last_step(error)}{type(error).__name__}: {error}\n")
        return 1
    return 0


def _last_step(error: Exception) -> str:
    """Where it happened."""
    import traceback

    steps = traceback.extract_tb(error.__traceback__)
    return f"{steps[-1].filename}:{steps[-1].lineno}: " if steps else ""


def _take_channel() -> "tuple[int, int]":
    """Descriptors of our own for the two ends of the conversation.

    What else writes to standard output, here or in a child process, then ends up on standard error instead of in
    the protocol; what reads standard input reads nothing.
    """
    read_fd, write_fd = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return read_fd, write_fd
