"""Two families of protocol errors, and the shape in which Nushell shows errors to people."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypedDict

    class Span(TypedDict):
        """A place in the text that Nushell runs: offsets in bytes. Only ever one that the engine has sent."""

        start: int
        end: int


class ProtocolError(Exception):
    """The conversation cannot go on as one of the two wants it."""


class LocalProtocolError(ProtocolError):
    """We tried to say something that has no place in the conversation. Nothing was sent; the session is unharmed."""


class RemoteProtocolError(ProtocolError):
    """The engine said something that is not the protocol. The connection is of no use any more."""


def labeled_error(
    message: str,
    *,
    label: "tuple[str, Span] | None" = None,
    code: "str | None" = None,
    help: "str | None" = None,
    inner: "Sequence[dict[str, Any]]" = (),
) -> "dict[str, Any]":
    """Nushell's LabeledError.

    Args:
        message: what failed, which thing and why.
        label: (text, span): the text is drawn under that place. Without a span of the engine's there is no label:
            a made-up one shows other text of the user's.
        code: the heading.
        help: what to do.
        inner: errors in the same shape, shown below.
    """
    labels = [] if label is None else [{"text": label[0], "span": label[1]}]
    return {"msg": message, "labels": labels, "code": code, "url": None, "help": help or None, "inner": list(inner)}
