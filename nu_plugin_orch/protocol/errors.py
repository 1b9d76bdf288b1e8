"""Two families of protocol errors, and the shape in which Nushell shows errors to people."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, TypedDict

    class Span(TypedDict):
        """A place in the text that Nushell runs: offsets in bytes. Only ever one that the engine has sent."""

        start: int
        end: int


#: Of a message that is quoted: items of a list, levels of nesting, characters.
_ITEMS_MAX, _LEVELS_MAX, _TEXT_MAX = 5, 3, 200


class ProtocolError(Exception):
    """The conversation cannot go on as one of the two wants it."""


class LocalProtocolError(ProtocolError):
    """We tried to say something that has no place in the conversation. Nothing was sent; the session is unharmed."""


class RemoteProtocolError(ProtocolError):
    """The engine said something that is not the protocol. The connection is of no use any more."""


def shortened(what: "Any") -> str:
    """What the engine sent, for an error: a line, however large or deep it is."""
    text = _shown(what, _LEVELS_MAX)
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"


def _shown(what: "Any", levels: int) -> str:
    if isinstance(what, (str, bytes)):
        return repr(what[:_TEXT_MAX])
    if not isinstance(what, (dict, list, tuple)):
        return repr(what)
    if not levels:
        return "…"
    if isinstance(what, dict):
        parts = [f"{_shown(key, 1)}: {_shown(what[key], levels - 1)}" for key in _first(what)]
    else:
        parts = [_shown(item, levels - 1) for item in _first(what)]
    text = ", ".join(parts if len(what) <= _ITEMS_MAX else [*parts, "…"])
    return f"{{{text}}}" if isinstance(what, dict) else f"[{text}]"


def _first(what: "Any") -> "list[Any]":
    return [item for item, _ in zip(what, range(_ITEMS_MAX), strict=False)]


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
