"""One JSON file, read without trusting it (requirement F14).

Regular files only: a link is not followed and a FIFO does not block. The size is bounded before anything is
read. JSON is taken strictly: UTF-8, an object at the top, no key twice, no NaN or infinity, no nesting that
exhausts the interpreter.
"""

import errno
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

#: The decoder, once it has been made: json is not imported before something is to be decoded.
_made: "list[Callable[[str], Any]]" = []


class Malformed(ValueError):
    """The content is not the JSON it should be; the text says what is wrong, without naming the file."""


def load(path: str, bytes_max: int, *, dir_fd: "int | None" = None) -> "dict[str, Any]":
    """The object in the file at `path`, which may be relative to the open directory `dir_fd`.

    Raises:
        OSError: it cannot be opened or read, or is not a regular file.
        Malformed: its content is not a JSON object, or is larger than `bytes_max`.
    """
    return parse(read(path, bytes_max, dir_fd=dir_fd))


def read(path: str, bytes_max: int, *, dir_fd: "int | None" = None) -> bytes:
    """The content of a regular file. Raises as `load` does."""
    fd = os.open(path, _FLAGS, dir_fd=dir_fd)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", path)
        content = _read_up_to(fd, min(found.st_size, bytes_max) + 1)
    finally:
        os.close(fd)
    if len(content) > bytes_max:
        raise Malformed(f"it is larger than {bytes_max} bytes")
    return content


def parse(content: bytes) -> "dict[str, Any]":
    """The JSON object in `content`. Raises Malformed."""
    decode = _made[0] if _made else _make_decoder()
    try:
        found = decode(content.decode())
    except UnicodeDecodeError as error:
        raise Malformed(f"it is not UTF-8 (byte {error.start})") from None
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except ValueError as error:
        raise Malformed(str(error) if content.strip() else "it is empty") from None
    if not isinstance(found, dict):
        raise Malformed(f"it holds a {type(found).__name__} where an object is expected")
    return found


def _read_up_to(fd: int, size: int) -> bytes:
    """At most `size` bytes. A file that grows while it is read is met with one byte more than it had."""
    content = os.read(fd, size)
    while len(content) < size:
        more = os.read(fd, size - len(content))
        if not more:
            break
        content += more
    return content


def _make_decoder() -> "Callable[[str], Any]":
    import json

    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
    _made.append(decoder.decode)
    return decoder.decode


def _unique(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return number
