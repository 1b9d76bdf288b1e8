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

#: What JSON takes for blank.
_BLANK = " \t\n\r"

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK

#: Characters of a hostile key that are shown.
_SHOWN_MAX = 80

#: The decoder, once it has been made.
_made: "list[Callable[[str], Any]]" = []
_made_plain: "list[Callable[[str], Any]]" = []


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


def loads(content: bytes) -> "Any":
    """What `json.loads` gives for UTF-8, for files of the daemon's own: nothing but the grammar is looked at.

    Raises:
        ValueError: it is no JSON, or no UTF-8.
        RecursionError: it is nested too deeply.
    """
    if not _made_plain:
        _made_plain.append(_decoder(_Plain))
    return _made_plain[0](content.decode())


def _make_decoder() -> "Callable[[str], Any]":
    decode = _decoder(_Strict)
    _made.append(decode)
    return decode


def _decoder(context: "type[_Plain]") -> "Callable[[str], Any]":
    """A decoder by the scanner that the json module itself uses.

    The module around it pulls in `re` and `enum`, which takes longer than everything else that `orchestrator status` or
    the plugin's first answer needs. It is asked where something is wrong, for its words, and where there is no scanner
    in C.
    """

    def decode_slowly(text: str) -> "Any":
        import json

        return json.JSONDecoder(
            object_pairs_hook=context.object_pairs_hook,
            parse_constant=context.parse_constant,
            parse_float=context.parse_float,
        ).decode(text)

    try:
        from _json import make_scanner  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return decode_slowly
    scan = make_scanner(context)  # type: ignore[arg-type,unused-ignore]

    def decode(text: str) -> "Any":
        try:
            found, end = scan(text, len(text) - len(text.lstrip(_BLANK)))
        except (StopIteration, SystemError):  # the scanner knows its own error only once json is imported
            return decode_slowly(text)
        return decode_slowly(text) if text[end:].strip(_BLANK) else found

    return decode


def _unique(pairs: "list[tuple[str, Any]]") -> "dict[str, Any]":
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f"the key {_first_twice(pairs)!r} is there twice")
    return found


def _first_twice(pairs: "list[tuple[str, Any]]") -> str:
    """The first key that was there before, or its beginning: it may be as long as the file."""
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    return name if len(name) <= _SHOWN_MAX else f"{name[:_SHOWN_MAX]}…"


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


class _Plain:
    """What the scanner is told: as little as the json module tells it by itself."""

    strict = True
    object_hook = None
    object_pairs_hook: "Callable[[list[tuple[str, Any]]], Any] | None" = None
    parse_float: "Callable[[str], Any]" = float
    parse_int = int
    parse_constant: "Callable[[str], Any]" = float


class _Strict(_Plain):
    """What is refused besides what is no JSON."""

    object_pairs_hook = staticmethod(_unique)
    parse_float = staticmethod(_finite)
    parse_constant = staticmethod(_no_constant)
