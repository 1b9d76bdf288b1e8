"""Bytes to messages and back: MessagePack objects, one after another, without frames."""

from msgpack import Packer, Unpacker  # type: ignore[import-untyped]
from msgpack.exceptions import BufferFull, UnpackException  # type: ignore[import-untyped]

from nu_plugin_orch.protocol.errors import RemoteProtocolError, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: The first bytes of a plugin: the name of its encoding behind its length.
ANNOUNCEMENT = b"\x07msgpack"

#: One message of the engine. The largest are values that were given as arguments, or that came through a pipeline to a
#: command which takes none: inside a `def` Nushell hands its input on to the first command.
MESSAGE_BYTES_MAX = 16 << 20

#: Elements of one list or record: room is made for as many as are declared, before the first has come.
ELEMENTS_MAX = 1 << 20

_LARGE = (
    f"the engine sent more than {MESSAGE_BYTES_MAX >> 20} MiB or {ELEMENTS_MAX:,} elements at once: is a large value "
    "piped into a command of orch, or given as an argument?"
)

#: A lone surrogate, as JSON can hold one, becomes a question mark: nu would drop the connection over it.
encode = Packer(unicode_errors="replace").pack


class Decoder:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._unpacker = Unpacker(
            strict_map_key=False,
            max_buffer_size=MESSAGE_BYTES_MAX,
            max_array_len=ELEMENTS_MAX,
            max_map_len=ELEMENTS_MAX,
        )

    def feed(self, data: bytes) -> "Iterator[Any]":
        """The messages that `data` completes.

        Raises:
            RemoteProtocolError: the bytes are no MessagePack, or a message is too large.
        """
        try:
            self._unpacker.feed(data)
            yield from self._unpacker
        except BufferFull as error:
            raise RemoteProtocolError(_LARGE) from error
        except (UnpackException, TypeError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            is_large = "exceeds max_" in str(error)
            told = _LARGE if is_large else f"the engine sent what is no MessagePack: {shortened(str(error))}"
            raise RemoteProtocolError(told) from error
