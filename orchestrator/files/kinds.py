"""What makes two tasks alike enough for the duration of one to be a measure for the other.

Type, target and provider say what is done, as long as the provider says how. An operation with a command of its own
may do anything under the same three words, so the command belongs to the kind: tasks are alike if they run the same
text for the same purpose, wherever it came from.
"""

from zlib import crc32


def kind_of(type_: str, target: str, provider: str, command: str) -> str:
    """``type/target/provider/xxxxxxxx``, the last being a checksum of the command."""
    return f"{type_}/{target}/{provider}/{crc32(command.encode('utf-8', 'surrogatepass')):08x}"
