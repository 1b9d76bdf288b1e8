"""Bytes to messages and back: MessagePack objects, one after another, without frames."""

from msgpack import Packer, Unpacker  # type: ignore[import-untyped]
from msgpack.exceptions import UnpackException  # type: ignore[import-untyped]

from nu_plugin_orch.protocol.errors import RemoteProtocolError, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: The first bytes of a plugin: the name of its encoding behind its length.
ANNOUNCEMENT = b"\x07msgpack"

#: One message of the engine. The largest are values that were given as arguments; a request to the daemon may have a
#: megabyte, which is four as values with their spans.
MESSAGE_BYTES_MAX = 8 << 20

#: Elements of one list or record: room is made for as many as are declared, before the first has come.
_ELEMENTS_MAX = 1 << 18

#: A lone surrogate, as JSON can hold one, becomes a question mark: nu would drop the connection over it.
encode = Packer(unicode_errors="replace").pack


class Decoder:
    """Takes bytes as they come and gives whole messages."""

    def __init__(self) -> None:
        self._unpacker = Unpacker(
            strict_map_key=False,
            max_buffer_size=MESSAGE_BYTES_MAX,
            max_array_len=_ELEMENTS_MAX,
            max_map_len=_ELEMENTS_MAX,
        )

    def feed(self, data: bytes) -> "Iterator[Any]":
        """The messages that `data` completes.

        Raises:
            RemoteProtocolError: the bytes are no MessagePack, or a message is too large.
        """
        try:
            self._unpacker.feed(data)
            yield from self._unpacker
        except (UnpackException, TypeError, ValueError, OverflowError, MemoryError, RecursionError) as error:
            raise RemoteProtocolError(f"the engine sent what is no MessagePack: {shortened(str(error))}") from error
